//! `basis`: values, limits, symmetries, derivatives, dtypes, bad input.

mod support;

use std::sync::Arc;

use candle_core::{DType, Device, Tensor};
use e3x::Result;
use e3x::autograd::{CreateGraph, grad, variable};
use e3x::nn::{self, AngularFunction, Basis, BasisConfig, Cutoff, Damping, Radial};
use e3x::ops::{Graph, gather_dst, gather_src};
use e3x::so3::{self, Normalization, SphericalHarmonicsConfig};
use e3x::testing::{GradientCheck, Input, Quantity, SymmetryCheck, random};
use e3x::testing::{assert_gradients, assert_symmetries};
use support::{CPU, assert_close, assert_error, flat, single, zeros};

fn full(max_degree: usize, num: usize) -> BasisConfig {
    BasisConfig::new(max_degree, num, Radial::default())
        .with_cutoff(Cutoff::smooth(6.0))
        .with_damping(Damping::default())
}

fn values(r: &Tensor, config: &BasisConfig) -> Result<Tensor> {
    nn::basis(r, config)?.to_tensor()
}

/// The product of the functions, one by one: `(N, 1, (L+1)^2, K)`.
fn composed(r: &Tensor, config: &BasisConfig, normalization: Normalization) -> Result<Tensor> {
    let norm = r.sqr()?.sum(1)?.sqrt()?;
    let harmonics = SphericalHarmonicsConfig {
        r_is_normalized: false,
        cartesian_order: config.cartesian_order,
        normalization,
    };
    let angular = so3::spherical_harmonics(r, config.max_degree, harmonics)?;
    let mut radial = config.radial_fn.evaluate(&norm, config.num)?;
    if let Some(cutoff) = &config.cutoff_fn {
        radial = radial.broadcast_mul(&cutoff.evaluate(&norm)?.unsqueeze(1)?)?;
    }
    let product = angular.unsqueeze(2)?.broadcast_mul(&radial.unsqueeze(1)?)?;
    let mut parts = vec![product.narrow(1, 0, 1)?];
    let size = (config.max_degree + 1).pow(2);
    if size > 1 {
        let mut rest = product.narrow(1, 1, size - 1)?;
        if let Some(damping) = &config.damping_fn {
            rest = rest.broadcast_mul(&damping.evaluate(&norm)?.reshape(((), 1, 1))?)?;
        }
        parts.push(rest);
    }
    Ok(Tensor::cat(&parts, 1)?.unsqueeze(1)?)
}

/// Tolerance 1e-13 (f64) and 1e-5 (f32), relative to the largest value.
#[test]
fn values_are_products_of_the_functions() -> Result<()> {
    let r = (random(&[7, 3], 1)? * 2.0)?;
    let radials = ["reciprocal_bernstein", "exponential_gaussian", "sinc"];
    for (i, radial) in radials.iter().enumerate() {
        for max_degree in [0, 1, 3] {
            let mut config = full(max_degree, 4);
            config.radial_fn = radial.parse::<Radial>()?.into();
            config.cartesian_order = i % 2 == 0;
            if max_degree == 1 {
                config.damping_fn = None;
            }
            if i == 1 {
                config.cutoff_fn = None;
            }
            let b = values(&r, &config)?;
            assert_eq!(b.dims(), [7, 1, (max_degree + 1).pow(2), 4]);
            let expected = composed(&r, &config, Normalization::Racah)?;
            assert_close(radial, &b, &expected, 1e-13);
            let b32 = values(&single(&r), &config)?;
            assert_eq!((b32.dtype(), b.dtype()), (DType::F32, DType::F64));
            assert_close(radial, &b32, &b, 1e-5);
        }
    }
    Ok(())
}

#[test]
fn angular_functions_and_closures_can_be_chosen() -> Result<()> {
    let r = random(&[5, 3], 1)?;
    let mut config = full(2, 3);
    for normalization in [Normalization::FourPi, Normalization::Orthonormal] {
        for r_is_normalized in [false, true] {
            config.angular_fn = AngularFunction::SphericalHarmonics {
                normalization,
                r_is_normalized,
            };
            let expected = composed(&r, &config, normalization)?;
            assert_close("normalization", &values(&r, &config)?, &expected, 1e-13);
        }
    }
    // On unit vectors, solid and Racah-normalised spherical harmonics are the same.
    config.angular_fn = AngularFunction::SolidHarmonics;
    let expected = composed(&r, &config, Normalization::Racah)?;
    assert_close("solid", &values(&r, &config)?, &expected, 1e-13);

    let named = full(2, 3);
    config.angular_fn = AngularFunction::default();
    config.radial_fn = Arc::new(|x: &Tensor, num: usize| Radial::default().evaluate(x, num));
    config.cutoff_fn = Some(Arc::new(|x: &Tensor| nn::smooth_cutoff(x, 6.0)));
    assert_close("closures", &values(&r, &config)?, &values(&r, &named)?, 0.0);
    Ok(())
}

#[test]
fn details_are_cutoff_and_distance() -> Result<()> {
    let r = Tensor::new(&[[0.0, 3.0, 4.0], [0.6, 0.0, 0.8], [0.0, 0.0, 0.0]], CPU)?;
    let config = BasisConfig::new(1, 2, Radial::default()).with_cutoff(Cutoff::cosine(4.0));
    let details = nn::basis_with_details(&r, &config)?;
    assert_close(
        "norm",
        &details.norm,
        &Tensor::new(&[5.0, 1.0, 0.0], CPU)?,
        1e-15,
    );
    let expected = nn::cosine_cutoff(&details.norm, 4.0)?;
    assert_close("cutoff", &details.cutoff, &expected, 1e-15);
    let plain = BasisConfig::new(1, 2, Radial::default());
    let details = nn::basis_with_details(&r, &plain)?;
    assert_eq!(flat(&details.cutoff), [1.0; 3]);
    assert_eq!((details.basis.max_degree(), details.basis.num()), (1, 2));
    assert_eq!(details.basis.batch_dims(), [3]);
    Ok(())
}

/// Beyond the cutoff there is nothing, and no derivative either.
#[test]
fn zero_beyond_the_cutoff() -> Result<()> {
    let r = variable(&Tensor::new(
        &[[6.0, 0.0, 0.0], [0.0, 7.0, 1.0], [0.0, 5.9, 0.0]],
        CPU,
    )?)?;
    let b = values(&r, &full(2, 3))?;
    let gradient = grad(&b.sqr()?, &[&r], CreateGraph::No)?.remove(0);
    for outside in 0..2 {
        assert!(flat(&b.get(outside)?).iter().all(|&b| b == 0.0));
        assert_eq!(flat(&gradient.get(outside)?), [0.0; 3]);
    }
    assert!(flat(&b.get(2)?).iter().any(|&b| b > 0.0));
    Ok(())
}

/// The zero vector has no direction: degree 0 only; first and second derivatives are finite.
#[test]
fn zero_vectors_are_harmless() -> Result<()> {
    for damped in [false, true] {
        let mut config = full(2, 3);
        if !damped {
            config.damping_fn = None;
        }
        let r = variable(&zeros(&[1, 3], DType::F64))?;
        let b = values(&r, &config)?;
        let rows = b.reshape((9, 3))?;
        let near = values(&Tensor::new(&[[1e-9, 0.0, 0.0]], CPU)?, &config)?;
        let near = near.reshape((9, 3))?;
        assert_close("scalars", &rows.get(0)?, &near.get(0)?, 1e-8);
        assert_eq!(flat(&rows.narrow(0, 1, 8)?), [0.0; 24]);
        let first = grad(&b.sin()?, &[&r], CreateGraph::Yes)?.remove(0);
        assert!(flat(&first).iter().all(|x| x.is_finite()), "{first}");
        let second = grad(&first.sin()?, &[&r], CreateGraph::No)?.remove(0);
        assert!(flat(&second).iter().all(|x| x.is_finite()), "{second}");
    }
    Ok(())
}

#[test]
fn commutes_with_rotations_and_reflection() -> Result<()> {
    let r = random(&[6, 3], 2)?;
    for cartesian_order in [true, false] {
        let mut config = full(3, 2);
        config.cartesian_order = cartesian_order;
        let check = SymmetryCheck {
            cartesian_order,
            ..SymmetryCheck::default()
        };
        let inputs = [Input::new(&r, Quantity::Vectors)];
        assert_symmetries(
            |x| values(&x[0], &config),
            &inputs,
            Quantity::Features,
            &check,
        );
    }
    Ok(())
}

#[test]
fn displacements_of_shifted_positions_give_the_same_basis() -> Result<()> {
    let graph = Graph::from_indices(&[0, 0, 1, 2, 3], &[1, 2, 0, 3, 0], 4)?;
    let f = |x: &[Tensor]| {
        let r = (gather_src(&x[0], &graph)? - gather_dst(&x[0], &graph)?)?;
        values(&r, &full(2, 3))
    };
    let inputs = [Input::new(&random(&[4, 3], 2)?, Quantity::Points)];
    assert_symmetries(f, &inputs, Quantity::Features, &SymmetryCheck::default());
    Ok(())
}

/// First and second order, with and without cutoff and damping.
#[test]
fn derivatives_match_differences() -> Result<()> {
    let r = (random(&[3, 3], 4)? + 0.3)?;
    let plain = BasisConfig::new(3, 2, "exponential_bernstein".parse::<Radial>()?);
    let harmonics = AngularFunction::SphericalHarmonics {
        normalization: Normalization::Orthonormal,
        r_is_normalized: false,
    };
    let normalized = BasisConfig {
        angular_fn: harmonics,
        ..full(2, 2)
    };
    for config in [plain, full(0, 3), full(2, 3), normalized] {
        let inputs = std::slice::from_ref(&r);
        assert_gradients(
            |x| values(&x[0], &config),
            inputs,
            &GradientCheck::default(),
        );
    }
    Ok(())
}

#[test]
fn leading_axes_do_not_matter() -> Result<()> {
    let config = full(2, 3);
    let r = random(&[6, 3], 2)?;
    let b = values(&r, &config)?;
    let folded = nn::basis(&r.reshape((2, 3, 3))?, &config)?;
    assert_eq!(folded.batch_dims(), [2, 3]);
    assert_close("two axes", &folded.to_tensor()?.flatten(0, 1)?, &b, 0.0);
    let one = values(&r.get(1)?, &config)?;
    assert_eq!(one.dims(), [1, 9, 3]);
    assert_close("no axis", &one, &b.get(1)?, 1e-15);
    let none = nn::basis(&zeros(&[0, 3], DType::F64), &config)?;
    assert_eq!(none.to_tensor()?.dims(), [0, 1, 9, 3]);
    Ok(())
}

#[test]
fn bad_inputs_are_errors_that_name_the_argument() {
    let good = full(1, 2);
    for dims in [&[][..], &[4], &[4, 2], &[3, 0]] {
        let result = nn::basis(&zeros(dims, DType::F64), &good);
        assert_error("shape", result, &["r", "shape (..., 3)"]);
    }
    for dtype in [DType::I64, DType::F16] {
        let result = nn::basis(&zeros(&[4, 3], dtype), &good);
        assert_error("dtype", result, &["r", "f32 or f64"]);
    }
    let r = Tensor::ones((4, 3), DType::F64, &Device::Cpu).unwrap();
    assert_error("num", nn::basis(&r, &full(1, 0)), &["num", "at least 1"]);
    let high = nn::basis(&r, &full(e3x_so3::MAX_DEGREE + 1, 2));
    assert_error("degree", high, &["max_degree"]);
    for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let config = full(1, 2).with_cutoff(Cutoff::smooth(bad));
        assert_error("cutoff", nn::basis(&r, &config), &["cutoff"]);
    }
}

#[test]
fn parts_that_do_not_fit_are_errors() -> Result<()> {
    let angular = random(&[4, 9], 0)?;
    let radial = random(&[4, 3], 1)?;
    let both = Basis::from_factors(&angular, &radial)?;
    let expected = angular.unsqueeze(2)?.broadcast_mul(&radial.unsqueeze(1)?)?;
    assert_close("product", &both.to_tensor()?, &expected.unsqueeze(1)?, 0.0);
    for (a, r) in [
        (&[4, 9][..], &[5, 3][..]),
        (&[4, 8], &[4, 3]),
        (&[4, 0], &[4, 3]),
        (&[4, 9], &[4, 0]),
        (&[4, 9], &[1, 4, 3]),
        (&[], &[3]),
    ] {
        let result = Basis::from_factors(&zeros(a, DType::F64), &zeros(r, DType::F64));
        assert_error("factors", result, &["angular, radial"]);
    }
    let mixed = Basis::from_factors(&angular, &single(&radial));
    assert_error("dtype", mixed, &["radial", "F64"]);
    for dims in [&[4, 2, 9, 3][..], &[4, 1, 8, 3], &[9, 3], &[4, 3, 9, 3]] {
        let result = Basis::from_tensor(&zeros(dims, DType::F64));
        assert_error("tensor", result, &["basis"]);
    }
    Ok(())
}
