//! Quadrature rules against the reference library and against what they must integrate.

mod common;

use std::f64::consts::PI;

use common::cases;
use e3x_so3::{
    Normalization, Quadrature, QuadratureSize, SphericalHarmonics, delley_quadrature,
    gauss_legendre_quadrature, lebedev_quadrature, num_harmonics,
};

const NORMALIZATIONS: [Normalization; 2] = [Normalization::Orthonormal, Normalization::FourPi];

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

/// The largest integral `4π Σ w Y` of a harmonic of degree `1..=precision`.
fn largest_integral(quadrature: &Quadrature, normalization: Normalization) -> f64 {
    let harmonics =
        SphericalHarmonics::new(quadrature.precision, true, normalization, false).unwrap();
    let num = num_harmonics(quadrature.precision);
    let mut integrals = vec![0.0; num];
    let weights = quadrature.weights.chunks(64);
    for (points, weights) in quadrature.points.chunks(64).zip(weights) {
        let mut values = vec![0.0; num * points.len()];
        harmonics
            .values(points.as_flattened(), &mut values)
            .unwrap();
        for (values, weight) in values.chunks_exact(num).zip(weights) {
            for (integral, value) in integrals.iter_mut().zip(values) {
                *integral += 4.0 * PI * weight * value;
            }
        }
    }
    let constant = 4.0 * PI * normalization.factor(0);
    assert!((integrals[0] / constant - 1.0).abs() < 1e-13);
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
        let mut largest = [0.0_f64; 2];
        for &precision in precisions {
            let quadrature = rule(QuadratureSize::Precision(precision));
            assert_eq!(quadrature.precision, precision);
            // With mean squares of one, the integrals are √4π times those of orthonormal harmonics.
            for (normalization, largest) in NORMALIZATIONS.into_iter().zip(&mut largest) {
                let error = largest_integral(&quadrature, normalization);
                assert!(error < 1e-12, "precision {precision}: {error:e}");
                *largest = largest.max(error);
            }
        }
        let [orthonormal, four_pi] = largest;
        println!(
            "largest integrals of harmonics: {orthonormal:e}, with mean squares of one {four_pi:e}"
        );
    }
}

/// The sum, with what rounding takes away from it added in the end (Neumaier).
fn exact_sum(numbers: impl IntoIterator<Item = f64>) -> f64 {
    let (mut sum, mut lost) = (0.0_f64, 0.0);
    for number in numbers {
        let next = sum + number;
        lost += if sum.abs() >= number.abs() {
            (sum - next) + number
        } else {
            (number - next) + sum
        };
        sum = next;
    }
    sum + lost
}

/// `z`, `√(1-z²)` and weight of four of 1001 nodes, from 40 digits (mpmath). Close to the poles, weights change by 2e-11
/// when nodes are rounded to double precision.
const NODES: [(usize, [f64; 3]); 4] = [
    (
        0,
        [
            0.99999711706394292869,
            0.0024012213148359113812,
            7.3985413529018292682e-6,
        ],
    ),
    (
        1,
        [
            0.99998481001280462659,
            0.0055117822575856377172,
            1.7222325309344786674e-5,
        ],
    ),
    (
        100,
        [
            0.95047310276903292752,
            0.31080682250009791426,
            0.00097496472348646069261,
        ],
    ),
    (500, [0.0, 1.0, 0.0031368869316689283313]),
];

#[test]
fn gauss_legendre_nodes_and_weights_are_exact_to_rounding() {
    let rule = gauss_legendre_quadrature(2000).unwrap();
    assert_eq!(rule.points.len(), 1001 * 2001);
    for (i, [z, radius, weight]) in NODES {
        for (circle, z) in [(1000 - i, z), (i, -z)] {
            let start = circle * 2001;
            let [x, y, actual] = rule.points[start];
            assert!(
                (actual - z).abs() < 2e-16,
                "node {i}: {actual} instead of {z}"
            );
            assert!(
                (x - radius).abs() < 2e-16 && y == 0.0,
                "node {i}: {x} instead of {radius}"
            );
            let error = rule.weights[start] * 2.0 * 2001.0 / weight - 1.0;
            assert!(error.abs() < 2e-15, "node {i}: {error:e}");
        }
    }
}

#[test]
fn gauss_legendre_rules_of_high_precision_are_exact() {
    for precision in [2, 31, 131, 500, 1999, 2000] {
        let rule = gauss_legendre_quadrature(precision).unwrap();
        let total = exact_sum(rule.weights.iter().copied()) - 1.0;
        assert!(total.abs() < 1e-15, "{precision}: {total:e}");
        let norm = |r: &[f64; 3]| r.iter().map(|x| x * x).sum::<f64>();
        assert!((rule.points.iter()).all(|r| (norm(r) - 1.0).abs() < 1e-15));
        // The means of z^k are 1 / (k+1) for even k, of which the highest weigh the points at the poles. All points of
        // a circle of latitude count the same.
        let azimuths = precision + 1;
        for k in (0..=precision).step_by(2.max(precision / 8 * 2)) {
            let weighed = (rule.points.iter().zip(&rule.weights)).step_by(azimuths);
            let mean = exact_sum(weighed.map(|(r, w)| azimuths as f64 * w * r[2].powi(k as i32)));
            let error = mean * (k + 1) as f64 - 1.0;
            assert!(error.abs() < 2e-13, "{precision}, z^{k}: {error:e}");
        }
    }
}
