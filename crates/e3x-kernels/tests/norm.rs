//! Norms and directions of rows against their formulas.

#[path = "../../e3x-so3/tests/common/instructions.rs"]
mod instructions;

use e3x_kernels::Real;
use e3x_kernels::norm::{Small, norms, units};

/// Rows of `width` numbers of many magnitudes.
fn rows<T: Real>(width: usize) -> Vec<T> {
    (0..40 * width)
        .map(|i| {
            let magnitude = 10_f64.powi((i / width) as i32 - 20);
            T::of(magnitude * (((i * 37) % 23) as f64 - 11.3))
        })
        .collect()
}

fn check<T: Real + std::fmt::Debug>(width: usize) {
    let (x, epsilon) = (rows::<T>(width), T::EPSILON.to_f64());
    let (norms, units) = (
        norms(&x, width).unwrap(),
        units(&x, width, Small::Divide).unwrap(),
    );
    for ((row, unit), norm) in x.chunks(width).zip(units.chunks(width)).zip(norms) {
        let square: f64 = row.iter().map(|x| x.to_f64() * x.to_f64()).sum();
        let error = (norm.to_f64() / square.sqrt() - 1.0).abs();
        assert!(error < 8.0 * epsilon, "{norm:?} is not {}", square.sqrt());
        for (&u, &x) in unit.iter().zip(row) {
            let error = (u.to_f64() - (x / norm).to_f64()).abs();
            assert!(
                error <= epsilon * u.to_f64().abs(),
                "{u:?} is not {x:?} / {norm:?}"
            );
        }
    }
}

#[test]
fn norms_and_units_of_all_widths_match_their_formulas() {
    for width in [1, 3, 15, 16, 32, 33, 64] {
        check::<f64>(width);
        check::<f32>(width);
    }
    assert_eq!(units::<f32>(&[], 0, Small::Keep), Ok(vec![]));
    assert!(units(&[1.0_f32; 5], 2, Small::Keep).is_err());
}

#[test]
fn rows_that_are_hard_to_divide_have_directions() {
    let width = 20;
    for (value, small, expected) in [
        (3e38_f32, Small::Keep, 1.0),
        (1e-44, Small::Divide, 1.0),
        (1e-44, Small::Keep, 1e-44),
        (1e-44, Small::Zero, 0.0),
        (0.0, Small::Divide, 0.0),
    ] {
        let mut x = vec![0.0; width];
        x[17] = value;
        let unit = units(&x, width, small).unwrap();
        assert_eq!(unit[17], expected);
        assert!(unit[..17].iter().all(|&u| u == 0.0));
    }
    let unit = units(&[f64::INFINITY, 1.0], 2, Small::Keep).unwrap();
    assert!(unit[0].is_nan() && unit[1] == 0.0);
    assert!(units(&[f64::NAN; 17], 17, Small::Keep).unwrap()[16].is_nan());
}
