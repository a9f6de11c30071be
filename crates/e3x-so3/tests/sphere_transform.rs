//! Transforms between coefficients and values on the sphere.

mod common;

use common::{Numbers, dot, max_difference};
use e3x_so3::{
    Error, Normalization, Quadrature, QuadratureSize, Real, SphereTransform, delley_quadrature,
    gaunt, gauss_legendre_quadrature, lebedev_quadrature, num_harmonics, spherical_harmonics,
};

fn random(numbers: &mut Numbers, len: usize) -> Vec<f64> {
    (0..len).map(|_| numbers.next()).collect()
}

#[test]
fn gauss_legendre_rules_are_exact() {
    for precision in [0, 1, 2, 3, 4, 7, 10, 31, 100, 131] {
        let rule = gauss_legendre_quadrature(precision).unwrap();
        assert_eq!(rule.points.len(), (precision / 2 + 1) * (precision + 1));
        let y = spherical_harmonics(
            rule.points.as_flattened(),
            precision,
            true,
            true,
            Normalization::FourPi,
        )
        .unwrap();
        let num = num_harmonics(precision);
        let mut integrals = vec![0.0; num];
        for (y, weight) in y.chunks(num).zip(&rule.weights) {
            integrals
                .iter_mut()
                .zip(y)
                .for_each(|(sum, y)| *sum += weight * y);
        }
        integrals[0] -= 1.0;
        let error = integrals.iter().fold(0.0_f64, |a, b| a.max(b.abs()));
        assert!(error < 1e-13, "{precision}: {error:e}");
    }
    // Tabulated nodes and weights: ±√(3/5) and 5/9, 0 and 8/9.
    let rule = gauss_legendre_quadrature(4).unwrap();
    assert!((rule.points[0][2] + 0.6_f64.sqrt()).abs() < 1e-16);
    assert_eq!(rule.points[5][2], 0.0);
    assert!((rule.weights[0] - 5.0 / 90.0).abs() < 1e-15);
    assert!((rule.weights[5] - 8.0 / 90.0).abs() < 1e-15);
    assert!(gauss_legendre_quadrature(2001).is_err());
}

fn there_and_back<T: Real>(rule: &Quadrature, max_degree: usize, tolerance: f64) {
    let mut numbers = Numbers(1);
    for normalization in [Normalization::Racah, Normalization::Orthonormal] {
        let transform = SphereTransform::new(rule, max_degree, false, normalization).unwrap();
        let (num, features) = (num_harmonics(max_degree), 3);
        let coefficients: Vec<T> = (0..2 * num * features)
            .map(|_| T::from_f64(numbers.next()))
            .collect();
        let mut values = vec![T::ZERO; 2 * transform.num_points() * features];
        let mut back = vec![T::ZERO; coefficients.len()];
        transform
            .to_values(&coefficients, features, &mut values)
            .unwrap();
        transform
            .to_coefficients(&values, features, &mut back)
            .unwrap();
        let error = max_difference(&coefficients, &back);
        assert!(error < tolerance, "{max_degree}: {error:e}");
        let y = spherical_harmonics(&rule.points[1], max_degree, true, false, normalization);
        let y: Vec<T> = y.unwrap().into_iter().map(T::from_f64).collect();
        let mut value = T::ZERO;
        for (i, y) in y.iter().enumerate() {
            value += *y * coefficients[i * features + 2];
        }
        assert!(max_difference(&[value], &[values[features + 2]]) < tolerance);
    }
}

#[test]
fn band_limited_functions_go_there_and_back() {
    for max_degree in [0, 1, 5, 20] {
        let rule = gauss_legendre_quadrature(2 * max_degree).unwrap();
        if max_degree > 0 {
            there_and_back::<f64>(&rule, max_degree, 1e-13);
            there_and_back::<f32>(&rule, max_degree, 1e-4);
        }
    }
    there_and_back::<f64>(&lebedev_quadrature(QuadratureSize::Precision(14)), 7, 1e-13);
    there_and_back::<f64>(&delley_quadrature(QuadratureSize::Precision(17)), 8, 1e-13);
}

#[test]
fn adjoints_are_transposes() {
    let mut numbers = Numbers(2);
    let rule = gauss_legendre_quadrature(7).unwrap();
    let transform = SphereTransform::new(&rule, 3, true, Normalization::Racah).unwrap();
    let (rows, points, features) = (16, transform.num_points(), 5);
    let coefficients = random(&mut numbers, 2 * rows * features);
    let values = random(&mut numbers, 2 * points * features);
    let (mut a, mut b) = (vec![0.0; values.len()], vec![0.0; coefficients.len()]);
    transform
        .to_values(&coefficients, features, &mut a)
        .unwrap();
    transform
        .to_values_adjoint(&values, features, &mut b)
        .unwrap();
    assert!((dot(&a, &values) - dot(&b, &coefficients)).abs() < 1e-12);
    transform
        .to_coefficients(&values, features, &mut b)
        .unwrap();
    transform
        .to_coefficients_adjoint(&coefficients, features, &mut a)
        .unwrap();
    assert!((dot(&a, &values) - dot(&b, &coefficients)).abs() < 1e-12);
}

/// Values are multiplied, coefficients coupled by Gaunt coefficients.
#[test]
fn products_of_functions_are_couplings_by_gaunt_coefficients() {
    let mut numbers = Numbers(4);
    let normalization = Normalization::Orthonormal;
    let rule = gauss_legendre_quadrature(2 + 3 + 5).unwrap();
    let transform = |l| SphereTransform::new(&rule, l, true, normalization).unwrap();
    let (a, b) = (random(&mut numbers, 9), random(&mut numbers, 16));
    let values = |l, x: &[f64]| {
        let mut values = vec![0.0; rule.points.len()];
        transform(l).to_values(x, 1, &mut values).unwrap();
        values
    };
    let product: Vec<_> = (values(2, &a).iter().zip(values(3, &b)))
        .map(|(a, b)| a * b)
        .collect();
    let mut coefficients = vec![0.0; 36];
    transform(5)
        .to_coefficients(&product, 1, &mut coefficients)
        .unwrap();
    let g = gaunt(2, 3, 5, true, normalization).unwrap();
    for (k, actual) in coefficients.iter().enumerate() {
        let expected: f64 = (0..9 * 16)
            .map(|ij| a[ij / 16] * b[ij % 16] * g[ij * 36 + k])
            .sum();
        assert!((actual - expected).abs() < 1e-13);
    }
}

#[test]
fn wrong_arguments_are_errors() {
    let racah = Normalization::Racah;
    let rule = gauss_legendre_quadrature(4).unwrap();
    assert!(matches!(
        SphereTransform::new(&rule, 3, true, racah),
        Err(Error::DegreeTooLarge {
            argument: "max_degree",
            limit: 2,
            ..
        })
    ));
    let transform = SphereTransform::new(&rule, 1, true, racah).unwrap();
    assert!(transform.to_values(&[0.0; 5], 1, &mut [0.0; 15]).is_err());
    assert!(transform.to_values(&[0.0; 4], 1, &mut [0.0; 14]).is_err());
    assert!(transform.to_values(&[0.0; 4], 0, &mut [0.0; 15]).is_err());
    assert!(
        transform
            .to_values(&[0.0; 4], usize::MAX, &mut [0.0; 15])
            .is_err()
    );
    assert_eq!(transform.to_coefficients::<f32>(&[], 3, &mut []), Ok(()));
    let with = |change: &dyn Fn(&mut Quadrature)| {
        let mut rule = rule.clone();
        change(&mut rule);
        SphereTransform::new(&rule, 1, true, racah)
    };
    assert!(with(&|rule| rule.points[3][1] = f64::NAN).is_err());
    assert!(with(&|rule| rule.points[3] = [0.0; 3]).is_err());
    assert!(with(&|rule| rule.weights.truncate(3)).is_err());
    for weight in [f64::NAN, f64::INFINITY] {
        let error = with(&|rule| rule.weights[2] = weight).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("`quadrature.weights` must be finite")
        );
    }
    assert!(with(&|rule| (rule.points, rule.weights) = (vec![], vec![])).is_err());
    assert!(with(&|rule| rule.precision = usize::MAX).is_ok());
    // There are no sparse terms to ask for.
    let rule = gauss_legendre_quadrature(300).unwrap();
    let error = SphereTransform::new(&rule, 150, true, racah).unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("ask for a lower degree or a quadrature with fewer points")
    );
}
