//! Derivatives of harmonics against the sum of all terms and against gradients of the harmonics.

#[path = "../../e3x-so3/tests/common/instructions.rs"]
mod instructions;

use e3x_kernels::harmonics::{HarmonicsGradient, Slot};
use e3x_so3::{Normalization, SphericalHarmonics, num_harmonics};

/// Reproducible numbers between -1 and 1.
fn numbers(num: usize, seed: u64) -> Vec<f64> {
    let mut state = seed;
    (0..num)
        .map(|_| {
            state = state
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            (state >> 11) as f64 / (1u64 << 52) as f64 - 1.0
        })
        .collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[test]
fn leaving_out_the_direction_gives_gradients() {
    for (max_degree, points) in [(0, 5), (1, 16), (3, 33), (6, 1000)] {
        for (cartesian_order, normalization) in [
            (true, Normalization::Racah),
            (false, Normalization::Orthonormal),
        ] {
            let harmonics =
                SphericalHarmonics::new(max_degree, cartesian_order, normalization, true).unwrap();
            let size = num_harmonics(max_degree);
            let r = numbers(3 * points, 1);
            let (mut y, mut slopes) = (vec![0.0; points * size], vec![0.0; 3 * points * size]);
            harmonics
                .values_and_gradients(&r, &mut y, &mut slopes)
                .unwrap();
            let g = numbers(points * size, 2);
            let gradient =
                HarmonicsGradient::new(max_degree, cartesian_order, normalization).unwrap();
            let actual = gradient.form(Slot::Direction, &g, &y).unwrap();
            for (n, actual) in actual.chunks_exact(3).enumerate() {
                for axis in 0..3 {
                    let row = n * size..(n + 1) * size;
                    let slope: Vec<_> = row.clone().map(|i| slopes[3 * i + axis]).collect();
                    assert!((actual[axis] - dot(&slope, &g[row])).abs() < 1e-12);
                }
            }
        }
    }
}

#[test]
fn all_forms_belong_to_one_sum() {
    for points in [1, 15, 16, 700] {
        let gradient = HarmonicsGradient::new(4, true, Normalization::FourPi).unwrap();
        let size = gradient.width(Slot::Harmonics);
        let (v, g, y) = (
            numbers(3 * points, 3),
            numbers(size * points, 4),
            numbers(size * points, 5),
        );
        let sums = [
            dot(&v, &gradient.form(Slot::Direction, &g, &y).unwrap()),
            dot(&g, &gradient.form(Slot::Cotangent, &v, &y).unwrap()),
            dot(&y, &gradient.form(Slot::Harmonics, &v, &g).unwrap()),
        ];
        let tolerance = 1e-12 * (points * size) as f64;
        assert!((sums[0] - sums[1]).abs() < tolerance && (sums[0] - sums[2]).abs() < tolerance);
    }
}

#[test]
fn lengths_that_do_not_fit_are_errors() {
    let gradient = HarmonicsGradient::<f32>::new(1, true, Normalization::Racah).unwrap();
    assert!(
        gradient
            .form(Slot::Direction, &[0.0; 5], &[0.0; 4])
            .is_err()
    );
    assert!(
        gradient
            .form(Slot::Cotangent, &[0.0; 3], &[0.0; 8])
            .is_err()
    );
    assert_eq!(gradient.form(Slot::Harmonics, &[], &[]), Ok(vec![]));
}
