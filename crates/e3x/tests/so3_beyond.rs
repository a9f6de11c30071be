//! What `e3x::so3` has beyond E3x: quaternions, Gaunt coefficients, transforms on the sphere.

mod support;

use std::f64::consts::{FRAC_PI_2, PI};

use candle_core::{DType, Tensor};
use e3x::Result;
use e3x::autograd::{CreateGraph, grad, variable};
use e3x::so3::{
    Normalization, SphereTransform, delley_quadrature, gaunt, gaunt_for_degrees,
    gauss_legendre_quadrature, quaternion_from_rotation, rotation, rotation_from_quaternion,
    wigner_d, wigner_d_from_quaternion,
};
use e3x::testing::{GradientCheck, assert_gradients, random};
use proptest::prelude::*;
use support::{CPU, assert_close, assert_error, flat, single, zeros};

const RACAH: Normalization = Normalization::Racah;

/// The identity, rotations by π, gimbal poles, tiny and huge quaternions.
fn special_quaternions() -> Result<Tensor> {
    let half = 0.5_f64.sqrt();
    Ok(Tensor::new(
        &[
            [1.0, 0.0, 0.0, 0.0],
            [-1.0, 0.0, 0.0, 0.0],
            [0.0, 1.0, 0.0, 0.0],
            [0.0, 0.0, -1.0, 0.0],
            [0.0, 0.0, 0.0, 1.0],
            [0.0, 0.6, 0.0, -0.8],
            [half, 0.0, half, 0.0],
            [half, 0.0, -half, 0.0],
            [0.5, 0.5, 0.5, 0.5],
            [1.0, 1e-9, 0.0, 0.0],
            [1e-200, 0.0, 2e-200, 0.0],
            [0.0, 3e30, -1e30, 0.0],
        ],
        CPU,
    )?)
}

#[test]
fn quaternions_are_rotations_about_their_axes() -> Result<()> {
    let (axis, angle) = (random(&[7, 3], 0)?, random(&[7], 1)?);
    let half = (&angle * 0.5)?;
    let unit = e3x::ops::normalize(&axis, Some(&[-1]))?;
    let vector = unit.broadcast_mul(&half.sin()?.unsqueeze(1)?)?;
    let quaternion = Tensor::cat(&[half.cos()?.unsqueeze(1)?, vector], 1)?;
    let rot = rotation_from_quaternion(&(&quaternion * 3.0)?)?;
    assert_close("rotation", &rot, &rotation(&axis, &angle)?, 1e-15);
    assert_close("back", &quaternion_from_rotation(&rot)?, &quaternion, 1e-15);
    let d = wigner_d_from_quaternion(&quaternion.reshape((7, 1, 4))?, 3, true)?;
    assert_eq!(d.dims(), [7, 1, 16, 16]);
    assert_close("wigner", &d.squeeze(1)?, &wigner_d(&rot, 3, true)?, 1e-14);
    let d32 = wigner_d_from_quaternion(&single(&quaternion), 3, true)?;
    assert_eq!(d32.dtype(), DType::F32);
    assert_close("f32", &d32, &d.squeeze(1)?, 1e-5);
    Ok(())
}

#[test]
fn special_rotations_are_those_of_the_mathematics_crate() -> Result<()> {
    let quaternions = special_quaternions()?;
    let d = wigner_d_from_quaternion(&quaternions, 4, false)?;
    let rot = rotation_from_quaternion(&quaternions)?;
    let again = quaternion_from_rotation(&rot)?;
    for (i, q) in quaternions.to_vec2::<f64>()?.iter().enumerate() {
        let q = [q[0], q[1], q[2], q[3]];
        let expected = e3x_so3::wigner_d_from_quaternion(q, 4, false)?;
        let expected = Tensor::from_vec(expected, (25, 25), CPU)?;
        assert_close("wigner", &d.get(i)?, &expected, 1e-14);
        let matrix = e3x_so3::rotation_from_quaternion(q)?;
        let expected = Tensor::new(&e3x_so3::quaternion_from_rotation(&matrix)?, CPU)?;
        assert_close("quaternion", &again.get(i)?, &expected, 1e-15);
    }
    Ok(())
}

#[test]
fn gradients_match_differences_at_special_rotations_too() -> Result<()> {
    let check = GradientCheck::default();
    let moderate = special_quaternions()?.narrow(0, 0, 9)?;
    let general = random(&[2, 4], 3)?;
    for quaternions in [moderate, general] {
        let d = |x: &[Tensor]| wigner_d_from_quaternion(&x[0], 2, true);
        assert_gradients(d, std::slice::from_ref(&quaternions), &check);
        // Of rotations that move, through their matrices.
        let again = |x: &[Tensor]| {
            let quaternion = quaternion_from_rotation(&rotation_from_quaternion(&x[0])?)?;
            // The sign is not continuous where the first component is zero.
            Ok(quaternion.unsqueeze(2)?.matmul(&quaternion.unsqueeze(1)?)?)
        };
        assert_gradients(again, &[quaternions], &check);
    }
    Ok(())
}

#[test]
fn derivatives_are_finite_everywhere() -> Result<()> {
    for dtype in [DType::F64, DType::F32] {
        let rows = if dtype == DType::F64 { 12 } else { 10 };
        let quaternions = special_quaternions()?.narrow(0, 0, rows)?.to_dtype(dtype)?;
        let q = variable(&quaternions)?;
        let d = wigner_d_from_quaternion(&q, 4, true)?;
        let first = grad(&(d.sqr()? * &d)?, &[&q], CreateGraph::Yes)?.remove(0);
        // Huge quaternions have tiny gradients and the other way round.
        let second = grad(&first.narrow(0, 0, 10)?.sqr()?, &[&q], CreateGraph::No)?.remove(0);
        let values = flat(&first).into_iter().chain(flat(&second));
        assert!(values.into_iter().all(f64::is_finite));
    }
    Ok(())
}

#[test]
fn bad_quaternions_are_errors_and_no_quaternions_are_fine() -> Result<()> {
    let zero = Tensor::new(&[[1.0, 0.0, 0.0, 0.0], [0.0; 4]], CPU)?;
    assert_error(
        "zero",
        rotation_from_quaternion(&zero),
        &["quaternion", "zero"],
    );
    let nan = Tensor::new(&[1.0, f64::NAN, 0.0, 0.0], CPU)?;
    assert_error("nan", wigner_d_from_quaternion(&nan, 1, true), &["finite"]);
    let three = zeros(&[2, 3], DType::F64);
    assert_error("axis", rotation_from_quaternion(&three), &["(..., 4)"]);
    let int = zeros(&[4], DType::U8);
    assert_error("dtype", rotation_from_quaternion(&int), &["dtype"]);
    let one = Tensor::new(&[1.0, 0.0, 0.0, 0.0], CPU)?;
    assert_error(
        "degree",
        wigner_d_from_quaternion(&one, 101, true),
        &["max_degree"],
    );
    let reflection = Tensor::eye(3, DType::F64, CPU)?.neg()?;
    assert_error(
        "reflection",
        quaternion_from_rotation(&reflection),
        &["rot"],
    );
    assert_error("vector", quaternion_from_rotation(&one), &["(..., 3, 3)"]);
    let none = rotation_from_quaternion(&zeros(&[0, 2, 4], DType::F32))?;
    assert_eq!(none.dims(), [0, 2, 3, 3]);
    assert_eq!(quaternion_from_rotation(&none)?.dims(), [0, 2, 4]);
    let d = wigner_d_from_quaternion(&zeros(&[0, 4], DType::F32), 1, true)?;
    assert_eq!((d.dims(), d.dtype()), (&[0, 4, 4][..], DType::F32));
    Ok(())
}

#[test]
fn transforms_go_there_and_back_and_are_differentiable() -> Result<()> {
    let (_, weights) = gauss_legendre_quadrature(6, DType::F64, CPU)?;
    let rule = e3x_so3::gauss_legendre_quadrature(6)?;
    let transform = SphereTransform::on_grid(6, 3, false, RACAH, DType::F64, CPU)?;
    let x = random(&[2, 2, 16, 3], 0)?;
    let values = transform.to_values(&x)?;
    assert_eq!(values.dims(), [2, 2, 28, 3]);
    assert_close("back", &transform.to_coefficients(&values)?, &x, 1e-14);
    // The first coefficient is the mean.
    let mean = values.broadcast_mul(&weights.unsqueeze(1)?)?.sum(2)?;
    assert_close("mean", &mean, &x.narrow(2, 0, 1)?.squeeze(2)?, 1e-14);
    let slices = e3x_so3::SphereTransform::new(&rule, 3, false, RACAH)?;
    let mut expected = vec![0.0; values.elem_count()];
    slices.to_values(&flat(&x), 3, &mut expected)?;
    let expected = Tensor::from_vec(expected, values.dims(), CPU)?;
    assert_close("slices", &values, &expected, 1e-14);
    let check = GradientCheck::default();
    let cube = |x: Tensor| Ok((x.sqr()? * x)?);
    let x = random(&[2, 16, 1], 1)?;
    assert_gradients(|x| cube(transform.to_values(&x[0])?), &[x], &check);
    let values = random(&[1, 28, 2], 2)?;
    assert_gradients(
        |x| cube(transform.to_coefficients(&x[0])?),
        &[values],
        &check,
    );
    Ok(())
}

#[test]
fn products_of_values_are_gaunt_products_of_coefficients() -> Result<()> {
    let rule = e3x_so3::gauss_legendre_quadrature(8)?;
    let normalization = Normalization::Orthonormal;
    let transform = |l| SphereTransform::new(&rule, l, true, normalization, DType::F64, CPU);
    let (x, y) = (random(&[9, 1], 0)?, random(&[9, 1], 1)?);
    let product = (transform(2)?.to_values(&x)? * transform(2)?.to_values(&y)?)?;
    let actual = transform(4)?.to_coefficients(&product)?;
    let g = gaunt(2, 2, 4, true, normalization, DType::F64, CPU)?;
    let outer = x.matmul(&y.t()?)?.reshape((1, 81))?;
    let expected = outer.matmul(&g.reshape((81, 25))?)?.t()?;
    assert_close("product", &actual, &expected, 1e-13);
    let block = gaunt_for_degrees(1, 2, 3, true, normalization, DType::F64, CPU)?;
    let part = g.narrow(0, 1, 3)?.narrow(1, 4, 5)?.narrow(2, 9, 7)?;
    assert_close("block", &block, &part, 1e-15);
    Ok(())
}

#[test]
fn bad_arguments_of_transforms_are_errors() -> Result<()> {
    let rule = e3x_so3::gauss_legendre_quadrature(4)?;
    let new = |l, dtype| SphereTransform::new(&rule, l, true, RACAH, dtype, CPU);
    assert_error("precision", new(3, DType::F32), &["max_degree"]);
    assert_error("dtype", new(2, DType::U8), &["dtype"]);
    let transform = new(2, DType::F32)?;
    for dims in [&[][..], &[9], &[8, 1], &[1, 9], &[15, 2]] {
        let x = zeros(dims, DType::F32);
        assert_error("shape", transform.to_values(&x), &["coefficients"]);
    }
    let double = zeros(&[9, 1], DType::F64);
    assert_error("dtype", transform.to_values(&double), &["coefficients"]);
    assert_error("shape", transform.to_coefficients(&double), &["values"]);
    let none = transform.to_values(&zeros(&[0, 9, 4], DType::F32))?;
    assert_eq!(none.dims(), [0, 15, 4]);
    assert_eq!(
        transform.to_values(&zeros(&[9, 0], DType::F32))?.dims(),
        [15, 0]
    );
    assert!(gauss_legendre_quadrature(5000, DType::F32, CPU).is_err());
    let size = e3x::so3::QuadratureSize::Precision(11);
    let (points, _) = delley_quadrature(size, DType::F64, CPU)?;
    assert_eq!(points.dims(), [50, 3]);
    assert!(gaunt(201, 0, 0, true, RACAH, DType::F32, CPU).is_err());
    assert!(gaunt_for_degrees(1, 1, 1, true, RACAH, DType::I64, CPU).is_err());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Around any rotation by any angle, D of the product is the product of D.
    #[test]
    fn quaternions_compose(axis in prop::array::uniform3(-1.0..1.0_f64), angle in prop_oneof![
        -4.0..4.0_f64, Just(PI), Just(FRAC_PI_2), Just(0.0), Just(1e-12),
    ]) {
        prop_assume!(axis.iter().any(|x| x.abs() > 0.1));
        let norm = axis.iter().map(|x| x * x).sum::<f64>().sqrt();
        let (sin, cos) = (0.5 * angle).sin_cos();
        let [x, y, z] = axis.map(|x| x / norm * sin);
        let q = Tensor::new(&[cos, x, y, z], CPU).unwrap();
        let squared = [cos * cos - sin * sin, 2.0 * cos * x, 2.0 * cos * y, 2.0 * cos * z];
        let squared = Tensor::new(&squared, CPU).unwrap();
        let d = wigner_d_from_quaternion(&q, 3, true).unwrap();
        let twice = wigner_d_from_quaternion(&squared, 3, true).unwrap();
        assert_close("twice", &d.matmul(&d).unwrap(), &twice, 1e-13);
    }
}
