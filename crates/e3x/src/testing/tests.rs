//! That the checks find what is broken.

use candle_core::{CpuStorage, CustomOp1, Layout, Result as CandleResult, Shape, Tensor};

use super::{
    GradientCheck, Input, Items, Quantity, SymmetryCheck, check_equivariant, check_gradients,
    check_gradients_with, check_permutation, check_symmetries, random,
};
use crate::nn::{Initializer, Parameters};
use crate::{FeatureShape, Result};

/// x^2 with a right first and a wrong second derivative.
struct Square;

impl CustomOp1 for Square {
    fn name(&self) -> &'static str {
        "square"
    }

    fn cpu_fwd(&self, s: &CpuStorage, l: &Layout) -> CandleResult<(CpuStorage, Shape)> {
        let squares = s.as_slice::<f64>()?.iter().map(|x| x * x).collect();
        Ok((CpuStorage::F64(squares), l.shape().clone()))
    }

    fn bwd(&self, x: &Tensor, _: &Tensor, grad: &Tensor) -> CandleResult<Option<Tensor>> {
        ((x.detach() * 2.0)? * grad).map(Some)
    }
}

fn message(result: super::CheckResult) -> String {
    result.map_or_else(|error| error.to_string(), |()| "passed".to_string())
}

#[test]
fn finds_a_wrong_second_derivative() -> Result<()> {
    let square = |x: &[Tensor]| Ok(x[1].apply_op1(Square)?);
    let inputs = [random(&[2], 0)?, random(&[2, 3], 1)?];
    let first_only = GradientCheck {
        order: 1,
        ..GradientCheck::default()
    };
    assert_eq!(
        message(check_gradients(square, &inputs, &first_only)),
        "passed"
    );
    let message = message(check_gradients(square, &inputs, &GradientCheck::default()));
    assert!(message.starts_with("second derivative"), "{message}");
    assert!(
        message.contains("with respect to input 1 at [0, 0]"),
        "{message}"
    );
    Ok(())
}

/// The derivative of the vectors' part is missing, that of the scalars is there.
#[test]
fn names_degree_and_parity_of_wrong_derivatives() -> Result<()> {
    let f = |x: &[Tensor]| {
        let scalars = x[0].narrow(2, 0, 1)?;
        let vectors = x[0].narrow(2, 1, 3)?.narrow(1, 1, 1)?.detach();
        Ok((scalars.sqr()?.sum_all()? + vectors.sqr()?.sum_all()?)?)
    };
    let inputs = [random(&[1, 2, 4, 2], 0)?];
    let message = message(check_gradients(f, &inputs, &GradientCheck::default()));
    assert!(message.starts_with("first derivative with respect to input 0 at [0, 1, 1, 0]"));
    assert!(
        message.ends_with("6 of 16 elements differ, as features: degree 1, odd parity)"),
        "{message}"
    );
    Ok(())
}

/// All that breaks is named, and nothing else.
#[test]
fn names_all_degrees_that_break() -> Result<()> {
    let shape = [FeatureShape::new(1, 2, 1)?];
    let f = |x: &[Tensor]| {
        let right = x[0].narrow(2, 0, 1)?;
        Ok(Tensor::cat(&[right, x[0].narrow(2, 1, 8)?.powf(3.0)?], 2)?)
    };
    let message = message(check_equivariant(f, &shape, &SymmetryCheck::default()));
    assert!(message.starts_with("Rotation"), "{message}");
    for part in [
        "degree 1, odd parity (12 values",
        "degree 2, even parity (20 values",
    ] {
        assert!(message.contains(part), "{message}");
    }
    assert!(!message.contains("degree 0"), "{message}");
    Ok(())
}

#[test]
fn finds_a_wrong_derivative_of_a_parameter_and_restores_it() -> Result<()> {
    let parameters = Parameters::seeded(0);
    let vb = parameters.builder(candle_core::DType::F64, &candle_core::Device::Cpu);
    let weight = vb.get_with_hints(3, "weight", Initializer::Ones)?;
    let inputs = [random(&[3], 0)?];
    let check = GradientCheck::default();
    let right = |x: &[Tensor]| Ok((x[0].sin()? * weight.sqr()?)?);
    let wrong = |x: &[Tensor]| Ok((x[0].sin()? * (&weight * weight.detach())?)?);
    assert_eq!(
        message(check_gradients_with(right, &inputs, &parameters, &check)),
        "passed"
    );
    let message = message(check_gradients_with(wrong, &inputs, &parameters, &check));
    assert!(message.contains("parameter 'weight' at [0]"), "{message}");
    assert_eq!(weight.to_vec1::<f64>()?, [1.0; 3]);
    Ok(())
}

#[test]
fn names_degree_and_parity_that_break() -> Result<()> {
    let check = SymmetryCheck::default();
    let shape = [FeatureShape::new(2, 1, 2)?];
    // Adds proper scalars to pseudoscalars.
    let mixed = |x: &[Tensor]| {
        let even = x[0].narrow(1, 0, 1)?;
        let odd = (x[0].narrow(1, 1, 1)? + even.narrow(2, 0, 1)?.pad_with_zeros(2, 0, 3)?)?;
        Ok(Tensor::cat(&[even, odd], 1)?)
    };
    let message = message(check_equivariant(mixed, &shape, &check));
    assert!(message.starts_with("Reflection: "), "{message}");
    assert!(
        message.contains("in degree 0, odd parity (8 values, first at [0, 1, 0, 0]"),
        "{message}"
    );
    Ok(())
}

#[test]
fn zero_outputs_and_nan_do_not_pass() -> Result<()> {
    let check = SymmetryCheck::default();
    let shape = [FeatureShape::new(1, 1, 2)?];
    let zero = message(check_equivariant(
        |x| Ok(x[0].zeros_like()?),
        &shape,
        &check,
    ));
    assert!(zero.contains("zero everywhere"), "{zero}");
    let nan = |x: &[Tensor]| Ok((&x[0] * f64::NAN)?);
    let nan = message(check_equivariant(nan, &shape, &check));
    assert!(nan.contains("differs"), "{nan}");
    Ok(())
}

#[test]
fn translations_are_checked_for_points() -> Result<()> {
    let check = SymmetryCheck::default();
    let x = random(&[4, 3], 0)?;
    let norms = |x: &[Tensor]| Ok(x[0].sqr()?.sum(1)?);
    let of = |quantity| {
        check_symmetries(
            norms,
            &[Input::new(&x, quantity)],
            Quantity::Invariant,
            &check,
        )
    };
    assert_eq!(message(of(Quantity::Vectors)), "passed");
    let points = message(of(Quantity::Points));
    assert!(points.starts_with("Translation by"), "{points}");
    Ok(())
}

#[test]
fn matrices_turn_with_their_vectors() -> Result<()> {
    let outer = |x: &[Tensor]| Ok(x[0].unsqueeze(2)?.broadcast_mul(&x[1].unsqueeze(1)?)?);
    let vectors =
        |seed| Ok::<_, crate::Error>(Input::new(&random(&[4, 3], seed)?, Quantity::Vectors));
    let inputs = [vectors(0)?, vectors(1)?];
    let check = SymmetryCheck::default();
    assert_eq!(
        message(check_symmetries(outer, &inputs, Quantity::Matrices, &check)),
        "passed"
    );
    Ok(())
}

#[test]
fn order_of_items_is_checked() -> Result<()> {
    let x = [random(&[5, 2], 0)?];
    let last = |x: &[Tensor], _: &[Tensor]| Ok(x[0].narrow(0, 4, 1)?);
    let found = message(check_permutation(last, &x, &[], Items::Invariant, 0, 1e-12));
    assert!(
        found.contains("the order of items matters, at [0, 0]"),
        "{found}"
    );
    let same = |x: &[Tensor], _: &[Tensor]| Ok(x[0].clone());
    assert_eq!(
        message(check_permutation(same, &x, &[], Items::Permuted, 0, 1e-12)),
        "passed"
    );
    Ok(())
}
