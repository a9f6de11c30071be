//! Harmonics of high degrees in single precision.

mod common;

use common::Numbers;
use e3x_so3::{
    Normalization, SphericalHarmonics, num_harmonics, solid_harmonics, spherical_harmonics,
};

/// Directions at the poles, at the equator and between; none has length one.
const DIRECTIONS: [[f32; 3]; 9] = [
    [0.3, 0.2, 0.9],
    [0.0, 0.0, 1.0],
    [0.0, -2.0, 0.0],
    [1e-3, 2e-3, 1.0],
    [-0.1, 0.05, -1.0],
    [0.05, 0.01, 1.0],
    [0.6, -0.6, 0.5],
    [1.0, 1.0, 1e-3],
    [-30.0, 10.0, 80.0],
];

fn wide(r: &[f32]) -> Vec<f64> {
    r.iter().copied().map(f64::from).collect()
}

/// The largest difference, relative to numbers above one.
fn difference(single: &[f32], double: &[f64]) -> f64 {
    assert_eq!(single.len(), double.len());
    let errors =
        (single.iter().zip(double)).map(|(&a, &b)| (f64::from(a) - b).abs() / b.abs().max(1.0));
    errors.fold(0.0, |worst, error| {
        if error > worst || error.is_nan() {
            error
        } else {
            worst
        }
    })
}

#[test]
fn squares_of_every_degree_add_up_to_one() {
    for max_degree in [20, 32, 33, 100, 240, 300, 400, 600, 1000] {
        let tolerance = if max_degree > 32 { 1e-6 } else { 2e-5 };
        let racah = Normalization::Racah;
        let r = DIRECTIONS.as_flattened();
        let values = spherical_harmonics(r, max_degree, false, true, racah).unwrap();
        for (r, values) in DIRECTIONS
            .iter()
            .zip(values.chunks(num_harmonics(max_degree)))
        {
            for l in 0..=max_degree {
                let squares = values[l * l..(l + 1) * (l + 1)].iter();
                let sum: f64 = squares.map(|&y| f64::from(y).powi(2)).sum();
                assert!(
                    (sum - 1.0).abs() < tolerance,
                    "L = {max_degree}, l = {l}, {r:?}: {sum}"
                );
            }
        }
    }
}

#[test]
fn values_are_those_of_double_precision() {
    for max_degree in [33, 240, 300, 400, 600, 1000] {
        for (cartesian, r_is_normalized) in [(true, false), (false, true)] {
            let racah = Normalization::Racah;
            let r = DIRECTIONS.map(|r| if r_is_normalized { unit(r) } else { r });
            let r = r.as_flattened();
            let single =
                spherical_harmonics(r, max_degree, r_is_normalized, cartesian, racah).unwrap();
            let double =
                spherical_harmonics(&wide(r), max_degree, r_is_normalized, cartesian, racah);
            let error = difference(&single, &double.unwrap());
            assert!(error < 1e-7, "L = {max_degree}: {error:e}");
        }
    }
}

fn unit(r: [f32; 3]) -> [f32; 3] {
    let norm = r.iter().map(|x| x * x).sum::<f32>().sqrt();
    r.map(|x| x / norm)
}

#[test]
fn derivatives_are_those_of_double_precision() {
    for (max_degree, r_is_normalized) in [(33, true), (240, false), (300, false), (300, true)] {
        let normalization = Normalization::Orthonormal;
        let single =
            SphericalHarmonics::<f32>::new(max_degree, true, normalization, r_is_normalized);
        let double =
            SphericalHarmonics::<f64>::new(max_degree, true, normalization, r_is_normalized);
        let num = num_harmonics(max_degree);
        for r in DIRECTIONS.map(unit) {
            let (mut y, mut g, mut h) = (vec![0.0; num], vec![0.0; 3 * num], vec![0.0; 9 * num]);
            let single = single.as_ref().unwrap();
            single
                .values_gradients_and_hessians(&r, &mut y, &mut g, &mut h)
                .unwrap();
            let (mut y64, mut g64, mut h64) =
                (vec![0.0; num], vec![0.0; 3 * num], vec![0.0; 9 * num]);
            let double = double.as_ref().unwrap();
            double
                .values_gradients_and_hessians(&wide(&r), &mut y64, &mut g64, &mut h64)
                .unwrap();
            let errors = [
                difference(&y, &y64),
                difference(&g, &g64),
                difference(&h, &h64),
            ];
            assert!(
                errors.iter().all(|&error| error < 1e-7),
                "{max_degree}, {r:?}: {errors:?}"
            );
            single.values_and_gradients(&r, &mut y, &mut g).unwrap();
            assert!(difference(&y, &y64) < 1e-7 && difference(&g, &g64) < 1e-7);
        }
    }
}

#[test]
fn points_of_a_batch_do_not_depend_on_each_other() {
    let mut numbers = Numbers(5);
    let max_degree = 40;
    let num = num_harmonics(max_degree);
    let harmonics =
        SphericalHarmonics::<f32>::new(max_degree, false, Normalization::Racah, false).unwrap();
    // Enough for several threads, and not a multiple of anything.
    let r: Vec<f32> = (0..3 * 1001).map(|_| numbers.next() as f32).collect();
    let (mut values, mut gradients) = (vec![0.0; 1001 * num], vec![0.0; 3 * 1001 * num]);
    harmonics
        .values_and_gradients(&r, &mut values, &mut gradients)
        .unwrap();
    let (mut value, mut gradient) = (vec![0.0; num], vec![0.0; 3 * num]);
    for i in [0, 7, 8, 500, 992, 1000] {
        harmonics
            .values_and_gradients(&r[3 * i..3 * i + 3], &mut value, &mut gradient)
            .unwrap();
        assert_eq!(value, values[i * num..(i + 1) * num]);
        assert_eq!(gradient, gradients[3 * i * num..3 * (i + 1) * num]);
    }
    assert!(harmonics.values(&[], &mut []).is_ok());
}

/// Vectors that are too short to be normalized in single precision have the values of the polynomials, for every
/// largest degree.
#[test]
fn short_vectors_are_not_normalized() {
    let r = [
        0.0,
        0.0,
        0.0,
        3e-20,
        0.0,
        -4e-20,
        0.0,
        3.0,
        4.0,
        f32::NAN,
        0.0,
        1.0,
    ];
    for max_degree in [32, 33] {
        let num = num_harmonics(max_degree);
        let harmonics =
            SphericalHarmonics::<f32>::new(max_degree, true, Normalization::Racah, false);
        let (mut values, mut gradients) = (vec![0.0; 4 * num], vec![0.0; 12 * num]);
        harmonics
            .unwrap()
            .values_and_gradients(&r, &mut values, &mut gradients)
            .unwrap();
        assert_eq!(values[..4], [1.0, 0.0, 0.0, 0.0]);
        assert_eq!(values[num..num + 4], [1.0, 3e-20, 0.0, -4e-20]);
        for i in 0..2 {
            let identity = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0];
            assert_eq!(gradients[3 * i * num + 3..3 * i * num + 12], identity);
        }
        assert_eq!(values[2 * num..2 * num + 4], [1.0, 0.0, 0.6, 0.8]);
        assert!(values[3 * num + 1].is_nan());
    }
}

#[test]
fn solid_harmonics_are_those_of_double_precision() {
    let r = [0.5_f32, -0.7, 0.9, 0.01, 0.02, -1.25, 0.1, 0.1, 0.1];
    for max_degree in [100, 300] {
        let single = solid_harmonics(&r, max_degree, true).unwrap();
        let double = solid_harmonics(&wide(&r), max_degree, true).unwrap();
        assert!(double.iter().any(|y| y.abs() > 1e4));
        let error = difference(&single, &double);
        assert!(error < 1e-7, "{error:e}");
    }
}
