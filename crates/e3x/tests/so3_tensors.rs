//! `e3x::so3` on tensors: the values of `e3x_so3`, derivatives, symmetries, dtypes, bad input.

mod support;

use candle_core::{DType, Tensor};
use e3x::Result;
use e3x::autograd::{CreateGraph, grad, variable};
use e3x::so3::{Normalization, SphericalHarmonicsConfig, clebsch_gordan};
use e3x::so3::{clebsch_gordan_for_degrees, solid_harmonics, spherical_harmonics};
use e3x::testing::{GradientCheck, Input, Quantity, SymmetryCheck, random};
use e3x::testing::{assert_gradients, assert_symmetries};
use support::{CPU, assert_close, assert_error, flat, single, zeros};

const NORMALIZATIONS: [Normalization; 3] = [
    Normalization::Racah,
    Normalization::FourPi,
    Normalization::Orthonormal,
];

fn config(
    cartesian_order: bool,
    normalization: Normalization,
    r_is_normalized: bool,
) -> SphericalHarmonicsConfig {
    SphericalHarmonicsConfig {
        r_is_normalized,
        cartesian_order,
        normalization,
    }
}

/// Tolerance 1e-13 (f64) and 1e-5 (f32), relative to the largest value.
#[test]
fn harmonics_are_those_of_the_mathematics_crate() -> Result<()> {
    let r = random(&[6, 3], 1)?;
    let vectors = flat(&r);
    for cartesian_order in [true, false] {
        for max_degree in [0usize, 1, 2, 5] {
            let dims = (6, (max_degree + 1).pow(2));
            let solid = solid_harmonics(&r, max_degree, cartesian_order)?;
            let expected = e3x_so3::solid_harmonics(&vectors, max_degree, cartesian_order)?;
            let expected = Tensor::from_vec(expected, dims, CPU)?;
            assert_close("solid", &solid, &expected, 1e-13);
            let solid32 = solid_harmonics(&single(&r), max_degree, cartesian_order)?;
            assert_eq!((solid32.dtype(), solid.dtype()), (DType::F32, DType::F64));
            assert_close("solid, f32", &solid32, &expected, 1e-5);
            for normalization in NORMALIZATIONS {
                let options = config(cartesian_order, normalization, false);
                let y = spherical_harmonics(&r, max_degree, options)?;
                // Solid harmonics of unit vectors, times the factor of each degree.
                let unit = r.broadcast_div(&r.sqr()?.sum_keepdim(1)?.sqrt()?)?;
                let unit = solid_harmonics(&unit, max_degree, cartesian_order)?;
                let factor = |i: usize| normalization.factor(i.isqrt());
                let factors: Vec<f64> = (0..dims.1).map(factor).collect();
                let expected = unit.broadcast_mul(&Tensor::new(factors, CPU)?)?;
                assert_close("spherical", &y, &expected, 1e-13);
                let y32 = spherical_harmonics(&single(&r), max_degree, options)?;
                assert_close("spherical, f32", &y32, &expected, 1e-5);
            }
        }
    }
    Ok(())
}

/// Sums of squares over each degree: 1 (Racah), 2l + 1 (4 pi), (2l + 1) / 4 pi (orthonormal).
#[test]
fn normalizations_are_those_of_e3x() -> Result<()> {
    let r = random(&[4, 3], 1)?;
    for normalization in NORMALIZATIONS {
        let y = spherical_harmonics(&r, 3, config(true, normalization, false))?;
        for l in 0..=3usize {
            let num = 2.0 * l as f64 + 1.0;
            let expected = match normalization {
                Normalization::Racah => 1.0,
                Normalization::FourPi => num,
                Normalization::Orthonormal => num / (4.0 * std::f64::consts::PI),
            };
            for sum in flat(&y.narrow(1, l * l, 2 * l + 1)?.sqr()?.sum(1)?) {
                assert!(
                    (sum - expected).abs() < 1e-13,
                    "{normalization:?}, {l}: {sum}"
                );
            }
        }
    }
    Ok(())
}

#[test]
fn degree_one_is_the_vector_and_solid_harmonics_are_homogeneous() -> Result<()> {
    let r = random(&[4, 3], 1)?;
    let y = solid_harmonics(&r, 3, true)?;
    assert_close("degree 1", &y.narrow(1, 1, 3)?, &r, 1e-15);
    let scaled = solid_harmonics(&(&r * 2.0)?, 3, true)?;
    for l in 0..=3usize {
        let part = |y: &Tensor| y.narrow(1, l * l, 2 * l + 1);
        let expected = (part(&y)? * 2f64.powi(l as i32))?;
        assert_close("scaled", &part(&scaled)?, &expected, 1e-14);
    }
    // Spherical harmonics do not see the length, unless they are told that it is 1.
    let racah = Normalization::Racah;
    let y = spherical_harmonics(&r, 3, config(true, racah, false))?;
    let scaled = spherical_harmonics(&(&r * 2.0)?, 3, config(true, racah, false))?;
    assert_close("length", &scaled, &y, 1e-14);
    let raw = spherical_harmonics(&r, 3, config(true, racah, true))?;
    assert_close("as it is", &raw, &solid_harmonics(&r, 3, true)?, 0.0);
    Ok(())
}

#[test]
fn harmonics_rotate_and_reflect_like_features() -> Result<()> {
    let r = random(&[5, 3], 1)?;
    for cartesian_order in [true, false] {
        let check = SymmetryCheck {
            cartesian_order,
            ..SymmetryCheck::default()
        };
        let inputs = [Input::new(&r, Quantity::Vectors)];
        let options = config(cartesian_order, Normalization::FourPi, false);
        let features = |y: Tensor| Ok(y.unsqueeze(1)?.unsqueeze(3)?);
        let spherical = |x: &[Tensor]| features(spherical_harmonics(&x[0], 4, options)?);
        let solid = |x: &[Tensor]| features(solid_harmonics(&x[0], 4, cartesian_order)?);
        assert_symmetries(spherical, &inputs, Quantity::Features, &check);
        assert_symmetries(solid, &inputs, Quantity::Features, &check);
    }
    Ok(())
}

#[test]
fn derivatives_match_differences() -> Result<()> {
    let r = [random(&[3, 3], 1)?];
    let check = GradientCheck::default();
    for cartesian_order in [true, false] {
        assert_gradients(|x| solid_harmonics(&x[0], 4, cartesian_order), &r, &check);
    }
    for (normalization, r_is_normalized) in NORMALIZATIONS.into_iter().zip([false, true, false]) {
        let options = config(true, normalization, r_is_normalized);
        assert_gradients(|x| spherical_harmonics(&x[0], 3, options), &r, &check);
    }
    Ok(())
}

/// Polynomials have exact derivatives of every order, at zero too: z, then z^2 - (x^2 + y^2) / 2.
#[test]
fn derivatives_at_zero_are_those_of_the_polynomials() -> Result<()> {
    let r = variable(&zeros(&[1, 3], DType::F64))?;
    let y = solid_harmonics(&r, 3, true)?;
    assert_eq!(flat(&y)[0], 1.0);
    assert!(flat(&y)[1..].iter().all(|&y| y == 0.0));
    let dz = grad(&y.narrow(1, 3, 1)?, &[&r], CreateGraph::No)?.remove(0);
    assert_eq!(flat(&dz), [0.0, 0.0, 1.0]);
    let first = grad(&y.narrow(1, 8, 1)?, &[&r], CreateGraph::Yes)?.remove(0);
    assert_eq!(flat(&first), [0.0; 3]);
    for (axis, expected) in [-1.0, -1.0, 2.0].into_iter().enumerate() {
        let second = grad(&first.narrow(1, axis, 1)?, &[&r], CreateGraph::No)?.remove(0);
        let mut row = [0.0; 3];
        row[axis] = expected;
        assert_close("second", &second, &Tensor::new(&[row], CPU)?, 1e-14);
    }
    // Degree 3, m = 0: z^3 - 3/2 z (x^2 + y^2), third derivative along z 6.
    let mut derivative = y.narrow(1, 15, 1)?;
    for _ in 0..3 {
        derivative = grad(&derivative, &[&r], CreateGraph::Yes)?.remove(0);
        derivative = derivative.narrow(1, 2, 1)?;
    }
    assert_close("third", &derivative, &Tensor::new(&[[6.0]], CPU)?, 1e-13);
    Ok(())
}

#[test]
fn spherical_harmonics_of_zero_are_finite() -> Result<()> {
    let r = variable(&zeros(&[2, 3], DType::F64))?;
    let y = spherical_harmonics(&r, 3, config(true, Normalization::Racah, false))?;
    let first = grad(&y.sin()?, &[&r], CreateGraph::Yes)?.remove(0);
    let second = grad(&first.sin()?, &[&r], CreateGraph::No)?.remove(0);
    for x in [y, first, second] {
        assert!(flat(&x).iter().all(|x| x.is_finite()), "{x}");
    }
    Ok(())
}

#[test]
fn leading_axes_do_not_matter() -> Result<()> {
    let r = random(&[6, 3], 1)?;
    let y = solid_harmonics(&r, 2, true)?;
    let folded = solid_harmonics(&r.reshape((2, 3, 3))?, 2, true)?;
    assert_eq!(folded.dims(), [2, 3, 9]);
    assert_close("two axes", &folded.flatten(0, 1)?, &y, 0.0);
    let one = solid_harmonics(&r.get(4)?, 2, true)?;
    assert_close("no axis", &one, &y.get(4)?, 0.0);
    let strided = r.t()?.contiguous()?.t()?;
    assert_close("strided", &solid_harmonics(&strided, 2, true)?, &y, 0.0);
    let none = zeros(&[0, 3], DType::F32);
    assert_eq!(solid_harmonics(&none, 2, true)?.dims(), [0, 9]);
    let options = SphericalHarmonicsConfig::default();
    assert_eq!(spherical_harmonics(&none, 2, options)?.dims(), [0, 9]);
    Ok(())
}

#[test]
fn coefficients_are_those_of_the_mathematics_crate() -> Result<()> {
    for cartesian_order in [true, false] {
        let all = clebsch_gordan(1, 2, 3, cartesian_order, DType::F64, CPU)?;
        assert_eq!(all.dims(), [4, 9, 16]);
        assert_eq!(
            flat(&all),
            e3x_so3::clebsch_gordan(1, 2, 3, cartesian_order)?
        );
        for (l1, l2, l3) in [(0, 0, 0), (1, 2, 3), (1, 1, 3), (1, 2, 2)] {
            let f64 = DType::F64;
            let block = clebsch_gordan_for_degrees(l1, l2, l3, cartesian_order, f64, CPU)?;
            let part = all
                .narrow(0, l1 * l1, 2 * l1 + 1)?
                .narrow(1, l2 * l2, 2 * l2 + 1)?
                .narrow(2, l3 * l3, 2 * l3 + 1)?;
            assert_close("block", &block, &part, 0.0);
        }
        let narrow = clebsch_gordan(1, 2, 3, cartesian_order, DType::F32, CPU)?;
        assert_eq!(narrow.dtype(), DType::F32);
        assert_close("f32", &narrow, &all, 1e-7);
    }
    Ok(())
}

/// Products of harmonics couple to harmonics: r (x) r has only the degrees 0 and 2.
#[test]
fn a_vector_does_not_couple_with_itself_to_a_vector() -> Result<()> {
    let r = random(&[3], 1)?;
    let product = |l3: usize| {
        let cg = clebsch_gordan_for_degrees(1, 1, l3, true, DType::F64, CPU)?;
        let outer = r.reshape((3, 1))?.matmul(&r.reshape((1, 3))?)?;
        Ok::<_, e3x::Error>(cg.broadcast_mul(&outer.unsqueeze(2)?)?.sum((0, 1))?)
    };
    assert_close("vector", &product(1)?, &zeros(&[3], DType::F64), 1e-15);
    let harmonics = solid_harmonics(&r, 2, true)?.narrow(0, 4, 5)?;
    let (a, b) = (flat(&product(2)?), flat(&harmonics));
    for i in 1..5 {
        assert!(
            (a[i] * b[0] - a[0] * b[i]).abs() < 1e-14,
            "not proportional"
        );
    }
    Ok(())
}

#[test]
fn bad_inputs_are_errors_that_name_the_argument() {
    let options = SphericalHarmonicsConfig::default();
    for dims in [&[][..], &[4], &[3, 4], &[3, 0]] {
        let r = zeros(dims, DType::F64);
        assert_error(
            "shape",
            solid_harmonics(&r, 1, true),
            &["r", "shape (..., 3)"],
        );
        assert_error(
            "shape",
            spherical_harmonics(&r, 1, options),
            &["r", "shape (..., 3)"],
        );
    }
    for dtype in [DType::I64, DType::F16] {
        let r = zeros(&[2, 3], dtype);
        assert_error("dtype", solid_harmonics(&r, 1, true), &["r", "f32 or f64"]);
        assert_error(
            "dtype",
            spherical_harmonics(&r, 1, options),
            &["r", "f32 or f64"],
        );
    }
    let r = zeros(&[2, 3], DType::F64);
    for high in [e3x_so3::MAX_DEGREE + 1, usize::MAX] {
        assert_error("degree", solid_harmonics(&r, high, true), &["max_degree"]);
        assert_error(
            "degree",
            spherical_harmonics(&r, high, options),
            &["max_degree"],
        );
    }
    let limit = e3x_so3::MAX_CLEBSCH_GORDAN_DEGREE;
    for high in [limit + 1, usize::MAX] {
        let result = clebsch_gordan(0, high, 0, true, DType::F64, CPU);
        assert_error("degree", result, &["max_degree2"]);
        let result = clebsch_gordan_for_degrees(0, 0, high, true, DType::F64, CPU);
        assert_error("degree", result, &["degree3"]);
    }
    let result = clebsch_gordan(1, 1, 1, true, DType::I64, CPU);
    assert_error("dtype", result, &["dtype", "f32 or f64"]);
    let result = clebsch_gordan_for_degrees(1, 1, 1, true, DType::U8, CPU);
    assert_error("dtype", result, &["dtype", "f32 or f64"]);
}

/// In f32, high degrees are computed in f64: rounded directions would show.
#[test]
fn high_degrees_in_single_precision_are_those_of_double_precision() -> Result<()> {
    let r = single(&random(&[4, 3], 2)?);
    for max_degree in [240, 1000] {
        let y = spherical_harmonics(&r, max_degree, config(true, Normalization::Racah, false))?;
        assert_eq!(y.dtype(), DType::F32);
        for l in 0..=max_degree {
            for sum in flat(&y.narrow(1, l * l, 2 * l + 1)?.sqr()?.sum(1)?) {
                assert!((sum - 1.0).abs() < 1e-6, "degree {l}: {sum}");
            }
        }
    }
    let derivatives = |r: &Tensor| {
        let r = variable(r)?;
        let y = spherical_harmonics(&r, 300, config(false, Normalization::Orthonormal, false))?;
        let y = y.narrow(1, 299 * 299, 500)?;
        let first = grad(&y.sin()?, &[&r], CreateGraph::Yes)?.remove(0);
        let second = grad(&first, &[&r], CreateGraph::No)?.remove(0);
        Ok::<_, e3x::Error>([y, first, second])
    };
    let names = ["values", "gradient", "second derivative"];
    let (actual, expected) = (derivatives(&r)?, derivatives(&r.to_dtype(DType::F64)?)?);
    for ((name, actual), expected) in names.into_iter().zip(&actual).zip(&expected) {
        assert_eq!(actual.dtype(), DType::F32);
        assert_close(name, actual, expected, 1e-6);
    }
    Ok(())
}
