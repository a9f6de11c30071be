//! Solid and spherical harmonics against the reference library and against what they must satisfy.

mod common;
#[path = "common/instructions.rs"]
mod instructions;

use common::{Case, Numbers, cases, dot, max_difference};
use e3x_so3::{
    Error, MAX_DEGREE, Normalization, Real, SphericalHarmonics, derivative_terms, num_harmonics,
    solid_harmonics, spherical_harmonics,
};

/// The vector-Jacobian product of gradients of shape `(n, num, 3)` with a cotangent of shape `(n, num)`.
fn vector_jacobian<T: Real>(gradients: &[T], cotangent: &[T], num: usize) -> Vec<T> {
    let mut result = vec![T::ZERO; cotangent.len() / num * 3];
    for (i, &cotangent) in cotangent.iter().enumerate() {
        for axis in 0..3 {
            result[i / num * 3 + axis] += cotangent * gradients[3 * i + axis];
        }
    }
    result
}

fn check_case<T: Real>(
    case: &Case,
    num: usize,
    evaluate: impl Fn(&[T], &mut [T], &mut [T]),
) -> f64 {
    let r = case.tensor::<T>("in.r");
    let n = r.len() / 3;
    let (mut values, mut gradients) = (vec![T::ZERO; n * num], vec![T::ZERO; 3 * n * num]);
    evaluate(&r, &mut values, &mut gradients);
    let mut error = case.check("out.0", &values);
    if let Some(cotangent) = case.get::<T>("cot.0") {
        let gradient = vector_jacobian(&gradients, &cotangent, num);
        error = error.max(case.check("grad.in.r", &gradient));
    }
    error
}

fn spherical_case<T: Real>(case: &Case) -> f64 {
    let max_degree = case.integer("max_degree").unwrap();
    let harmonics = SphericalHarmonics::<T>::new(
        max_degree,
        case.cartesian_order(),
        case.normalization(),
        case.boolean("r_is_normalized", false),
    )
    .unwrap();
    check_case(case, num_harmonics(max_degree), |r, values, gradients| {
        harmonics
            .values_and_gradients(r, values, gradients)
            .unwrap();
    })
}

fn solid_case<T: Real>(case: &Case) -> f64 {
    let max_degree = case.integer("max_degree").unwrap();
    let harmonics = SphericalHarmonics::<T>::solid(max_degree, case.cartesian_order()).unwrap();
    check_case(case, num_harmonics(max_degree), |r, values, gradients| {
        harmonics
            .values_and_gradients(r, values, gradients)
            .unwrap();
    })
}

#[test]
fn agree_with_the_reference() {
    let mut largest = [0.0_f64; 2];
    for case in cases("so3.spherical_harmonics") {
        let error = if case.f32 {
            spherical_case::<f32>(&case)
        } else {
            spherical_case::<f64>(&case)
        };
        largest[usize::from(case.f32)] = largest[usize::from(case.f32)].max(error);
    }
    for case in cases("so3.solid_harmonics") {
        let error = if case.f32 {
            solid_case::<f32>(&case)
        } else {
            solid_case::<f64>(&case)
        };
        largest[usize::from(case.f32)] = largest[usize::from(case.f32)].max(error);
    }
    println!("largest error: f64 {:e}, f32 {:e}", largest[0], largest[1]);
}

/// Central differences of values and gradients against gradients and Hessians, relative to the largest number.
fn check_differences(
    num: usize,
    r: [f64; 3],
    step: f64,
    evaluate: impl Fn(&[f64], &mut [f64], &mut [f64], &mut [f64]),
) -> f64 {
    let all = |r: [f64; 3]| {
        let mut arrays = (vec![0.0; num], vec![0.0; 3 * num], vec![0.0; 9 * num]);
        evaluate(&r, &mut arrays.0, &mut arrays.1, &mut arrays.2);
        arrays
    };
    let (_, gradients, hessians) = all(r);
    let mut worst = 0.0_f64;
    for axis in 0..3 {
        let (mut plus, mut minus) = (r, r);
        plus[axis] += step;
        minus[axis] -= step;
        let (plus, minus) = (all(plus), all(minus));
        for row in 0..num {
            let slope = (plus.0[row] - minus.0[row]) / (2.0 * step);
            let error = (slope - gradients[3 * row + axis]).abs();
            worst = worst.max(error / (1.0 + slope.abs()));
            for i in 0..3 {
                let slope = (plus.1[3 * row + i] - minus.1[3 * row + i]) / (2.0 * step);
                let error = (slope - hessians[9 * row + 3 * i + axis]).abs();
                worst = worst.max(error / (1.0 + slope.abs()));
            }
        }
    }
    worst
}

#[test]
fn derivatives_agree_with_central_differences() {
    let max_degree = 8;
    let num = num_harmonics(max_degree);
    let mut numbers = Numbers(1);
    let mut points: Vec<_> = (0..20).map(|_| numbers.vector()).collect();
    points.extend([
        [0.0, 0.0, 0.7],
        [0.0, 0.0, -1.2],
        [0.9, 0.0, 0.0],
        [0.0, -0.8, 0.0],
    ]);
    for cartesian_order in [true, false] {
        let solid = SphericalHarmonics::solid(max_degree, cartesian_order).unwrap();
        let evaluate = |r: &[f64], v: &mut [f64], g: &mut [f64], h: &mut [f64]| {
            solid.values_gradients_and_hessians(r, v, g, h).unwrap();
        };
        for r in points.iter().copied().chain([[0.0; 3]]) {
            let error = check_differences(num, r, 1e-5, evaluate);
            assert!(error < 1e-7, "solid at {r:?}: {error:e}");
        }
        for r_is_normalized in [true, false] {
            let harmonics = SphericalHarmonics::new(
                max_degree,
                cartesian_order,
                Normalization::FourPi,
                r_is_normalized,
            )
            .unwrap();
            let evaluate = |r: &[f64], v: &mut [f64], g: &mut [f64], h: &mut [f64]| {
                harmonics.values_gradients_and_hessians(r, v, g, h).unwrap();
            };
            for &r in &points {
                let norm = dot(&r, &r).sqrt();
                let error = check_differences(num, r, 1e-5 * norm.min(1.0), evaluate);
                assert!(error < 1e-6, "spherical at {r:?}: {error:e}");
            }
        }
    }
}

/// Legendre polynomials by Bonnet's recursion.
fn legendre(max_degree: usize, x: f64) -> Vec<f64> {
    let mut p = vec![1.0, x];
    for l in 2..=max_degree {
        let n = l as f64;
        p.push(((2.0 * n - 1.0) * x * p[l - 1] - (n - 1.0) * p[l - 2]) / n);
    }
    p
}

/// The largest deviation from `Σ_m Y(l,m)(u) Y(l,m)(v) = P(l)(u·v)`.
fn addition_theorem<T: Real>(max_degree: usize, u: [f64; 3], v: [f64; 3]) -> f64 {
    let evaluate = |r: [f64; 3]| -> Vec<f64> {
        let r = r.map(T::from_f64);
        spherical_harmonics(&r, max_degree, false, true, Normalization::Racah)
            .unwrap()
            .into_iter()
            .map(Real::to_f64)
            .collect()
    };
    let (a, b) = (evaluate(u), evaluate(v));
    // Rounding of the argument would be amplified by the slope l (l+1) / 2 at one.
    let p = legendre(max_degree, if u == v { 1.0 } else { dot(&u, &v) });
    (0..=max_degree)
        .map(|l| {
            let degree = l * l..(l + 1) * (l + 1);
            (dot(&a[degree.clone()], &b[degree]) - p[l]).abs()
        })
        .fold(0.0, f64::max)
}

#[test]
fn satisfy_the_addition_theorem() {
    let mut numbers = Numbers(2);
    let mut pairs: Vec<_> = (0..20)
        .map(|_| (numbers.unit_vector(), numbers.unit_vector()))
        .collect();
    pairs.push(([0.0, 0.0, 1.0], [0.0, 0.0, -1.0]));
    let mut largest = [0.0_f64; 2];
    for (u, v) in pairs {
        largest[0] = largest[0].max(addition_theorem::<f64>(50, u, v));
        largest[0] = largest[0].max(addition_theorem::<f64>(50, u, u));
        largest[1] = largest[1].max(addition_theorem::<f32>(50, u, u));
    }
    println!(
        "addition theorem to degree 50: f64 {:e}, f32 {:e}",
        largest[0], largest[1]
    );
    assert!(largest[0] < 1e-13 && largest[1] < 5e-5);
    let u = numbers.unit_vector();
    let far = addition_theorem::<f64>(MAX_DEGREE, u, u);
    println!("addition theorem to degree {MAX_DEGREE}: {far:e}");
    assert!(far < 1e-10);
}

#[test]
fn are_finite_near_the_poles_at_the_largest_degree() {
    for x in [0.0, 1e-300, 1e-30, 1e-8, 1e-3] {
        let values =
            spherical_harmonics(&[x, -x, 1.0], MAX_DEGREE, false, true, Normalization::Racah)
                .unwrap();
        assert!(values.iter().all(|v: &f64| v.abs() <= 1.0 + 1e-9));
    }
    let values = spherical_harmonics(
        &[0.1_f32, 0.0, 1.0],
        MAX_DEGREE,
        false,
        true,
        Normalization::Racah,
    )
    .unwrap();
    assert!(values.iter().all(|v| v.is_finite()));
}

#[test]
fn derivative_table_is_the_gradient_for_any_order() {
    let (max_degree, r) = (6, [0.3, -0.8, 0.5]);
    let table = derivative_terms(max_degree, true).unwrap();
    let apply = |input: &[f64], axis: usize| {
        let mut output = vec![0.0; input.len()];
        for term in table.iter().filter(|term| term.axis == axis) {
            output[term.row] += term.coefficient * input[term.col];
        }
        output
    };
    let values = solid_harmonics(&r, max_degree, true).unwrap();
    // Every harmonic satisfies Laplace's equation.
    let laplacian = (0..3)
        .map(|axis| apply(&apply(&values, axis), axis))
        .reduce(|a, b| a.iter().zip(&b).map(|(a, b)| a + b).collect())
        .unwrap();
    assert!(max_difference(&laplacian, &vec![0.0; laplacian.len()]) < 1e-13);
    // Third derivatives: x² y of degree 6 by differences of the Hessian.
    let solid = SphericalHarmonics::solid(max_degree, true).unwrap();
    let num = solid.num_harmonics();
    let hessian = |y: f64| {
        let mut arrays = (vec![0.0; num], vec![0.0; 3 * num], vec![0.0; 9 * num]);
        solid
            .values_gradients_and_hessians(
                &[r[0], y, r[2]],
                &mut arrays.0,
                &mut arrays.1,
                &mut arrays.2,
            )
            .unwrap();
        arrays.2.into_iter().step_by(9).collect::<Vec<_>>()
    };
    let (plus, minus) = (hessian(r[1] + 1e-5), hessian(r[1] - 1e-5));
    let slope: Vec<_> = plus
        .iter()
        .zip(&minus)
        .map(|(p, m)| (p - m) / 2e-5)
        .collect();
    let third = apply(&apply(&apply(&values, 1), 0), 0);
    assert!(max_difference(&slope, &third) < 1e-6);
}

#[test]
fn single_and_double_precision_agree() {
    let mut numbers = Numbers(3);
    let r: Vec<f64> = (0..30).map(|_| numbers.next()).collect();
    let r32: Vec<f32> = r.iter().map(|&x| x as f32).collect();
    let double = spherical_harmonics(&r, 20, false, false, Normalization::Racah).unwrap();
    let single = spherical_harmonics(&r32, 20, false, false, Normalization::Racah).unwrap();
    let single: Vec<_> = single.into_iter().map(f64::from).collect();
    assert!(max_difference(&double, &single) < 1e-5);
}

#[test]
fn wrong_arguments_are_errors() {
    let solid = SphericalHarmonics::<f64>::solid(1, true).unwrap();
    assert!(matches!(
        solid.values(&[0.0; 4], &mut [0.0; 4]),
        Err(Error::NotAMultiple {
            argument: "r",
            actual: 4,
            ..
        })
    ));
    assert!(matches!(
        solid.values(&[0.0; 3], &mut [0.0; 5]),
        Err(Error::Length {
            argument: "values",
            expected: 4,
            actual: 5,
            ..
        })
    ));
    assert!(matches!(
        solid.values_and_gradients(&[0.0; 3], &mut [0.0; 4], &mut []),
        Err(Error::Length {
            argument: "gradients",
            expected: 12,
            actual: 0,
            ..
        })
    ));
    assert!(matches!(
        SphericalHarmonics::<f64>::solid(usize::MAX, true),
        Err(Error::DegreeTooLarge {
            argument: "max_degree",
            ..
        })
    ));
    assert_eq!(solid_harmonics::<f64>(&[], 3, true), Ok(vec![]));
    let nan = spherical_harmonics(&[f64::NAN; 3], 2, false, true, Normalization::Racah).unwrap();
    assert!(nan[1..].iter().all(|v| v.is_nan()));
}
