//! Conversion of tensors against the reference library and against what it must satisfy.

mod common;

use common::{Case, Numbers, cases, max_difference};
use e3x_so3::{
    Error, Normalization, Real, irreps_to_tensor, is_traceless_symmetric, solid_harmonics,
    tensor_to_irreps, wigner_d,
};

fn reference_case<T: Real>(op: &str, case: &Case) -> f64 {
    let degree = case.integer("degree").unwrap();
    let (order, normalization) = (case.cartesian_order(), case.normalization());
    let x = case.tensor::<T>("in.x");
    match op {
        "so3.irreps_to_tensor" => {
            let tensor = irreps_to_tensor(&x, degree, order, normalization).unwrap();
            let error = case.check("out.0", &tensor);
            // The derivative is the transposed map: tensor_to_irreps up to a factor.
            let cotangent = case.tensor::<T>("cot.0");
            let gradient = tensor_to_irreps(&cotangent, degree, order, normalization).unwrap();
            let norm: f64 = (1..=degree)
                .map(|l| l as f64 / (2 * l - 1) as f64)
                .product();
            let factor = T::from_f64(norm / normalization.factor(degree).powi(2));
            let gradient: Vec<_> = gradient.into_iter().map(|g| g * factor).collect();
            error.max(case.check("grad.in.x", &gradient))
        }
        "so3.tensor_to_irreps" => {
            let irreps = tensor_to_irreps(&x, degree, order, normalization).unwrap();
            case.check("out.0", &irreps)
        }
        _ => {
            let rtol = case.number("rtol").unwrap_or(1e-5);
            let atol = case.number("atol").unwrap_or(1e-5);
            let result = is_traceless_symmetric(&x, degree, rtol, atol).unwrap();
            case.check("out.0", &[if result { 1.0 } else { 0.0 }])
        }
    }
}

#[test]
fn agree_with_the_reference() {
    for op in [
        "so3.irreps_to_tensor",
        "so3.tensor_to_irreps",
        "so3.is_traceless_symmetric",
    ] {
        let mut largest = [0.0_f64; 2];
        for case in cases(op) {
            let error = if case.f32 {
                reference_case::<f32>(op, &case)
            } else {
                reference_case::<f64>(op, &case)
            };
            largest[usize::from(case.f32)] = largest[usize::from(case.f32)].max(error);
        }
        println!("{op}: f64 {:e}, f32 {:e}", largest[0], largest[1]);
    }
}

#[test]
fn go_there_and_back_at_any_degree() {
    let mut numbers = Numbers(31);
    for degree in 0..=10 {
        let irreps: Vec<f64> = (0..2 * (2 * degree + 1)).map(|_| numbers.next()).collect();
        for normalization in [Normalization::Racah, Normalization::Orthonormal] {
            let tensor = irreps_to_tensor(&irreps, degree, true, normalization).unwrap();
            assert!(is_traceless_symmetric(&tensor, degree, 0.0, 1e-13).unwrap());
            let back = tensor_to_irreps(&tensor, degree, true, normalization).unwrap();
            assert!(max_difference(&irreps, &back) < 1e-13, "degree {degree}");
        }
    }
}

/// The outer product of a vector with itself.
fn outer(r: [f64; 3], degree: usize) -> Vec<f64> {
    (0..degree).fold(vec![1.0], |tensor, _| {
        tensor.iter().flat_map(|t| r.map(|x| t * x)).collect()
    })
}

#[test]
fn the_outer_product_of_a_vector_becomes_its_harmonics() {
    let mut numbers = Numbers(32);
    for degree in 0..=8 {
        let r = numbers.vector();
        let actual = tensor_to_irreps(&outer(r, degree), degree, false, Normalization::Racah);
        // The full contraction of a harmonic's tensor with r, l-fold, is l! times the harmonic.
        let harmonics = solid_harmonics(&r, degree, false).unwrap();
        assert!(max_difference(&actual.unwrap(), &harmonics[degree * degree..]) < 1e-14);
    }
}

#[test]
fn conversion_commutes_with_rotations() {
    let rot = e3x_so3::rotation([0.3, -1.0, 0.5], 1.2).unwrap();
    let mut numbers = Numbers(33);
    let tensor: Vec<f64> = (0..27).map(|_| numbers.next()).collect();
    let mut rotated = vec![0.0; 27];
    for (target, value) in rotated.iter_mut().enumerate() {
        for source in 0..27 {
            let factor = |place: usize| rot[source / place % 3][target / place % 3];
            *value += tensor[source] * factor(9) * factor(3) * factor(1);
        }
    }
    let convert = |t: &[f64]| tensor_to_irreps(t, 3, true, Normalization::Racah).unwrap();
    let (irreps, expected) = (convert(&tensor), convert(&rotated));
    let d = wigner_d(&rot, 3, true).unwrap();
    let actual: Vec<f64> = (0..7)
        .map(|j| (0..7).map(|i| irreps[i] * d[(9 + i) * 16 + 9 + j]).sum())
        .collect();
    assert!(max_difference(&actual, &expected) < 1e-14);
}

#[test]
fn nan_and_traces_are_seen() {
    let check = |x: &[f64]| is_traceless_symmetric(x, 2, 1e-5, 1e-5).unwrap();
    let mut x = [0.0; 9];
    assert!(check(&x));
    x[4] = 1.0;
    assert!(!check(&x));
    x[4] = f64::NAN;
    assert!(!check(&x));
    assert!(check(&[]));
}

#[test]
fn wrong_arguments_are_errors() {
    let normalization = Normalization::Racah;
    assert!(matches!(
        irreps_to_tensor(&[0.0; 4], 2, true, normalization),
        Err(Error::NotAMultiple {
            argument: "x",
            multiple: 5,
            actual: 4,
            ..
        })
    ));
    assert!(matches!(
        tensor_to_irreps(&[0.0_f32; 10], 2, true, normalization),
        Err(Error::NotAMultiple {
            argument: "x",
            multiple: 9,
            actual: 10,
            ..
        })
    ));
    assert!(matches!(
        is_traceless_symmetric(&[0.0; 3], 100, 0.0, 0.0),
        Err(Error::DegreeTooLarge {
            argument: "degree",
            ..
        })
    ));
    assert!(matches!(
        irreps_to_tensor(&vec![0.0; 33 * 100], 16, true, normalization),
        Err(Error::ArrayTooLarge { .. })
    ));
}
