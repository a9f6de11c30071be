//! Quadrature rules against the reference library and against what they must integrate.

mod common;

use common::cases;
use e3x_so3::{
    Normalization, Quadrature, QuadratureSize, SphericalHarmonics, delley_quadrature,
    lebedev_quadrature, num_harmonics,
};

type Rule = fn(QuadratureSize) -> Quadrature;

#[test]
fn agree_with_the_reference() {
    let mut largest = 0.0_f64;
    let families: [(&str, Rule); 2] = [
        ("so3.lebedev_quadrature", lebedev_quadrature),
        ("so3.delley_quadrature", delley_quadrature),
    ];
    for (op, rule) in families {
        for case in cases(op) {
            let size = match case.integer("precision") {
                Some(precision) => QuadratureSize::Precision(precision),
                None => QuadratureSize::Num(case.integer("num").unwrap()),
            };
            let quadrature = rule(size);
            let error = case.check("out.0", quadrature.points.as_flattened());
            if !case.f32 {
                largest = largest.max(error);
            }
            case.check("out.1", &quadrature.weights);
        }
    }
    println!("largest error: {largest:e}");
}

/// The largest integral of an orthonormal harmonic of degree `1..=precision`.
fn largest_integral(quadrature: &Quadrature) -> f64 {
    let harmonics =
        SphericalHarmonics::new(quadrature.precision, true, Normalization::FourPi, true).unwrap();
    let num = num_harmonics(quadrature.precision);
    let (mut values, mut integrals) = (vec![0.0; num], vec![0.0; num]);
    for (point, weight) in quadrature.points.iter().zip(&quadrature.weights) {
        harmonics.values(point, &mut values).unwrap();
        for (integral, value) in integrals.iter_mut().zip(&values) {
            *integral += weight * value;
        }
    }
    assert!((integrals[0] - 1.0).abs() < 1e-13);
    integrals[1..].iter().fold(0.0, |a, b| a.max(b.abs()))
}

#[test]
fn integrate_harmonics_up_to_their_precision() {
    let families: [(Rule, &[usize]); 2] = [
        (
            lebedev_quadrature,
            &[
                3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31, 35, 41, 47, 53, 59, 65, 71,
                77, 83, 89, 95, 101, 107, 113, 119, 125, 131,
            ],
        ),
        (
            delley_quadrature,
            &[
                5, 7, 11, 17, 23, 29, 35, 41, 47, 53, 59, 65, 71, 77, 83, 89, 95, 101,
            ],
        ),
    ];
    for (rule, precisions) in families {
        let mut largest = 0.0_f64;
        for &precision in precisions {
            let quadrature = rule(QuadratureSize::Precision(precision));
            assert_eq!(quadrature.precision, precision);
            let error = largest_integral(&quadrature);
            assert!(error < 1e-12, "precision {precision}: {error:e}");
            largest = largest.max(error);
        }
        println!("largest integral of a harmonic: {largest:e}");
    }
}
