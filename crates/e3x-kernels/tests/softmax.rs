//! Softmax by segments against its formula.

#[path = "../../e3x-so3/tests/common/instructions.rs"]
mod instructions;

use e3x_kernels::Segments;
use e3x_kernels::softmax::softmax;

const PADDING: u32 = u32::MAX;

/// The formula, one number after the other.
fn expected(marked: &[u32], all: &[u32], x: &[f64], weights: &[f64], width: usize) -> Vec<f64> {
    let mut out = vec![0.0; x.len()];
    for (e, &row) in all.iter().enumerate() {
        for c in 0..width {
            let others = || {
                (0..marked.len())
                    .filter(|&o| marked[o] == row)
                    .map(|o| o * width + c)
            };
            let max = others().map(|o| x[o]).fold(f64::MIN, f64::max);
            let sum: f64 = others().map(|o| weights[o] * (x[o] - max).exp()).sum();
            if sum != 0.0 && row != PADDING {
                out[e * width + c] = (x[e * width + c] - max).min(709.0).exp() / sum;
            }
        }
    }
    out
}

fn check(marked: &[u32], all: &[u32], num_rows: usize, width: usize) {
    let x: Vec<_> = (0..marked.len() * width)
        .map(|i| ((i * 37) % 23) as f64 * 0.7 - 5.0)
        .collect();
    let weights: Vec<_> = (0..x.len()).map(|i| ((i * 7) % 5) as f64 * 0.3).collect();
    let segments = Segments::new(marked.to_vec(), num_rows).unwrap();
    let all_segments = Segments::new(all.to_vec(), num_rows).unwrap();
    for weights in [None, Some(weights.as_slice())] {
        let actual = softmax(&segments, &all_segments, &x, weights, width, f64::MIN).unwrap();
        let ones = vec![1.0; x.len()];
        let expected = expected(marked, all, &x, weights.unwrap_or(&ones), width);
        for (a, b) in actual.iter().zip(&expected) {
            assert!((a - b).abs() <= 1e-14 * b.abs(), "{a} is not {b}");
        }
    }
}

#[test]
fn agrees_with_the_formula() {
    for width in [1, 3, 16, 33] {
        // Sorted, with isolated rows and padding, and rows on several threads.
        check(&[1, 1, 3, PADDING, PADDING], &[1, 1, 3, 4, 3], 5, width);
        check(
            &[1, 1, 3, PADDING, PADDING],
            &[1, 1, 3, PADDING, 0],
            5,
            width,
        );
        check(&[0, 0, 1], &[0, 1, 1], 2, width);
        let many: Vec<_> = (0..3000).map(|e| e / 7 + e % 7 / 6).collect();
        check(&many, &many, 500, width);
        check(&[0, 0, 0, 2, 2, 3], &[0, 0, 0, 2, 2, 3], 4, width);
        check(&[3, 0, 2, 0, 2, 0], &[3, 0, 2, 0, 2, 0], 4, width);
        check(&[0, PADDING, 1, PADDING], &[0, 1, 1, 1], 2, width);
        check(&[0, PADDING, 1, PADDING], &[0, PADDING, 1, 0], 2, width);
        let many: Vec<_> = (0..1000).map(|e| (e * 7919) % 40).collect();
        check(&many, &many, 40, width);
    }
}

#[test]
fn sizes_that_do_not_fit_are_errors() {
    let list = Segments::new(vec![0, 1], 2).unwrap();
    let other = Segments::new(vec![0], 2).unwrap();
    assert!(softmax(&list, &other, &[0.0; 2], None, 1, 0.0).is_err());
    assert!(softmax(&list, &list, &[0.0; 3], None, 1, 0.0).is_err());
    assert!(softmax(&list, &list, &[0.0; 2], Some(&[1.0]), 1, 0.0).is_err());
    let nowhere = Segments::new(vec![PADDING; 2], 0).unwrap();
    assert_eq!(
        softmax(&nowhere, &nowhere, &[1.0; 2], None, 1, 0.0),
        Ok(vec![0.0; 2])
    );
    assert_eq!(softmax::<f32>(&list, &list, &[], None, 0, 0.0), Ok(vec![]));
}

#[test]
fn sorted_and_unsorted_lists_agree() {
    for width in [1, 5, 16, 40] {
        let rows = [0, 0, 0, 1, 3, 3];
        let order = [4, 0, 3, 1, 5, 2];
        let mut x: Vec<_> = (0..6 * width)
            .map(|i| ((i * 29) % 17) as f32 - 90.0)
            .collect();
        x[width] = 1e4;
        x[2 * width] = f32::NEG_INFINITY;
        x[4 * width] = f32::NAN;
        let moved: Vec<_> = order
            .iter()
            .flat_map(|&e| &x[e * width..][..width])
            .copied()
            .collect();
        let sorted = Segments::new(rows.to_vec(), 4).unwrap();
        let unsorted = Segments::new(order.iter().map(|&e| rows[e]).collect(), 4).unwrap();
        let actual = softmax(&sorted, &sorted, &x, None, width, f32::MIN).unwrap();
        let expected = softmax(&unsorted, &unsorted, &moved, None, width, f32::MIN).unwrap();
        for (place, &e) in order.iter().enumerate() {
            for c in 0..width {
                let (a, b) = (actual[e * width + c], expected[place * width + c]);
                let is_close = (a - b).abs() <= 1e-6 * b.abs();
                assert!(is_close || (a.is_nan() && b.is_nan()), "{a} is not {b}");
            }
        }
        assert_eq!((actual[2 * width], actual[width]), (0.0, 1.0));
        assert!(actual[4 * width].is_nan() && actual[5 * width].is_nan());
    }
}
