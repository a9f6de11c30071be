//! Derivatives against differences, and where they are special.

use std::f64::consts::{FRAC_PI_2, PI};

use candle_core::{DType, Tensor};
use e3x::Result;
use e3x::autograd::{CreateGraph, grad, variable};
use e3x::ops::evaluate_derivatives;
use e3x::so3::{
    Normalization, alignment_rotation, euler_angles_from_rotation, irreps_to_tensor,
    is_traceless_symmetric, rotation, rotation_euler, tensor_to_irreps, wigner_d,
};
use e3x::testing::{GradientCheck, assert_gradients, random};
use e3x_so3::Order;

use super::{CPU, defect, distance, flat, pairs, rotate, rotations, special_rotations};

#[test]
fn alignment_has_finite_derivatives_that_keep_aligning() -> Result<()> {
    let (u, v) = pairs()?;
    let (u, v) = (variable(&u.narrow(0, 0, 12)?)?, v.narrow(0, 0, 12)?);
    let weights = random(&[12, 3], 3)?;
    // u @ rot / |u| is always v / |v|, whatever u.
    let turned = rotate(
        &e3x::ops::normalize(&u, Some(&[-1]))?,
        &alignment_rotation(&u, &v)?,
    )?;
    let gradient = grad(&turned.mul(&weights)?, &[&u], CreateGraph::Yes)?.remove(0);
    assert!(flat(&gradient)?.iter().all(|x| x.is_finite()));
    for rows in [0..2, 8..12] {
        // Where the derivatives are not huge.
        let part = gradient.narrow(0, rows.start, rows.len())?;
        assert!(flat(&part)?.iter().all(|x| x.abs() < 1e-10), "{rows:?}");
    }
    let second = grad(&gradient.sqr()?, &[&u], CreateGraph::No)?.remove(0);
    assert!(flat(&second)?.iter().all(|x| x.is_finite()));
    Ok(())
}

#[test]
fn gradients_match_differences() -> Result<()> {
    let check = GradientCheck::default();
    let (u, v) = (random(&[4, 3], 0)?, random(&[4, 3], 1)?);
    assert_gradients(
        |x| alignment_rotation(&x[0], &x[1]),
        &[u.clone(), v.clone()],
        &check,
    );
    let far = (v * 0.3)?.broadcast_sub(&u)?;
    assert_gradients(
        |x| alignment_rotation(&x[0], &x[1]),
        &[u.clone(), far],
        &check,
    );
    let angles = random(&[4], 2)?;
    assert_gradients(|x| rotation(&x[0], &x[1]), &[u, angles.clone()], &check);
    let three = [angles.clone(), random(&[4], 3)?, random(&[4], 4)?];
    assert_gradients(|x| rotation_euler(&x[0], &x[1], &x[2]), &three, &check);
    let harmonics = |cartesian_order| {
        move |x: &[Tensor]| wigner_d(&rotation_euler(&x[0], &x[1], &x[2])?, 3, cartesian_order)
    };
    let two = three
        .clone()
        .map(|x| x.narrow(0, 0, 2))
        .into_iter()
        .collect::<candle_core::Result<Vec<_>>>()?;
    assert_gradients(harmonics(true), &two, &check);
    assert_gradients(harmonics(false), &two, &check);
    // The angles of a rotation that moves: from other angles, near the poles as well.
    let angles = |a: &Tensor| Tensor::stack(&[a, a], 0);
    let poles = Tensor::new(&[0.3, 1.5690, -1.5690, 0.0], CPU)?;
    let others = [
        angles(&(&three[0] * 0.5)?)?,
        angles(&poles)?,
        angles(&(&three[2] * 0.5)?)?,
    ];
    let recovered = |x: &[Tensor]| {
        let (a, b, c) = euler_angles_from_rotation(&rotation_euler(&x[0], &x[1], &x[2])?)?;
        Ok(Tensor::stack(&[(a + 1.0)?.sin()?, b.sin()?, c.cos()?], 0)?)
    };
    assert_gradients(recovered, &others, &check);
    Ok(())
}

#[test]
fn conversions_are_differentiable() -> Result<()> {
    let check = GradientCheck::default();
    for degree in 0..=4 {
        for normalization in [
            Normalization::Racah,
            Normalization::FourPi,
            Normalization::Orthonormal,
        ] {
            let x = random(&[2, 2 * degree + 1], 1)?;
            let to_tensor = |x: &Tensor| irreps_to_tensor(x, degree, false, normalization);
            let to_irreps = |x: &Tensor| tensor_to_irreps(x, degree, false, normalization);
            let tensor = to_tensor(&x)?;
            assert!(is_traceless_symmetric(&tensor, degree, 0.0, 1e-12)?);
            assert!(distance(&to_irreps(&tensor)?, &x)? < 1e-13);
            if degree < 4 {
                assert_gradients(|x| Ok(to_tensor(&x[0])?.sqr()?), &[x], &check);
                assert_gradients(
                    |x| Ok(to_irreps(&x[0])?.sqr()?),
                    &[random(tensor.dims(), 2)?],
                    &check,
                );
            }
        }
    }
    Ok(())
}

#[test]
fn special_rotations_have_angles_and_finite_derivatives() -> Result<()> {
    let rot = special_rotations()?;
    assert!(defect(&rot)? < 4e-15);
    for dtype in [DType::F64, DType::F32] {
        let tolerance = if dtype == DType::F64 { 4e-15 } else { 1e-6 };
        let rot = variable(&rot.to_dtype(dtype)?)?;
        let (a, b, c) = euler_angles_from_rotation(&rot)?;
        let again = rotation_euler(&a, &b, &c)?;
        assert!(
            distance(&again, &rot)? < tolerance,
            "{}",
            distance(&again, &rot)?
        );
        let total = ((a.sqr()? + b.sqr()?)? + c.sqr()?)?;
        let first = grad(&total, &[&rot], CreateGraph::Yes)?.remove(0);
        assert!(flat(&first)?.iter().all(|x| x.is_finite()));
        let second = grad(&first.sin()?, &[&rot], CreateGraph::No)?.remove(0);
        assert!(flat(&second)?.iter().all(|x| x.is_finite()));
        let d = wigner_d(&rot, 4, true)?;
        let first = grad(&d.sqr()?.mul(&d)?, &[&rot], CreateGraph::Yes)?.remove(0);
        let second = grad(&first.sqr()?, &[&rot], CreateGraph::No)?.remove(0);
        assert!(
            flat(&first)?
                .iter()
                .chain(&flat(&second)?)
                .all(|x| x.is_finite())
        );
    }
    Ok(())
}

/// The gradient is tangential, and a reflection has the same derivative as in differences.
#[test]
fn wigner_d_gradients_of_reflections() -> Result<()> {
    let angles = [random(&[2], 0)?, random(&[2], 1)?, random(&[2], 2)?];
    let f = |x: &[Tensor]| wigner_d(&rotation_euler(&x[0], &x[1], &x[2])?.neg()?, 3, true);
    assert_gradients(f, &angles, &GradientCheck::default());
    let rot = variable(&rotations(3, 1)?)?;
    let d = wigner_d(&rot, 3, true)?;
    let g = grad(&d.mul(&random(d.dims(), 0)?)?, &[&rot], CreateGraph::No)?.remove(0);
    let product = rot.detach().transpose(1, 2)?.contiguous()?.matmul(&g)?;
    let transpose = product.transpose(1, 2)?.neg()?;
    assert!(distance(&product, &transpose)? < 1e-14);
    Ok(())
}

/// About the z-axis, elements are `±cos(m angle)` and `±sin(m angle)`.
#[test]
fn fourth_derivatives_of_wigner_d() -> Result<()> {
    let max_degree = 4;
    let angles = Tensor::new(&[0.0, 0.3, FRAC_PI_2, PI], CPU)?;
    let axis = Tensor::new(&[0.0, 0.0, 2.0], CPU)?;
    let f = |angles: &Tensor| wigner_d(&rotation(&axis, angles)?, max_degree, true);
    let derivatives = evaluate_derivatives(f, &angles, 4)?;
    let orders = (0..=max_degree)
        .flat_map(|l| (0..=2 * l).map(move |i| Order::Cartesian.m(l, i) as f64))
        .map(|m| m.powi(4));
    let factors = Tensor::from_iter(orders, CPU)?.unsqueeze(1)?;
    let expected = derivatives[0].broadcast_mul(&factors)?;
    assert!(distance(&derivatives[4], &expected)? < 1e-11);
    Ok(())
}
