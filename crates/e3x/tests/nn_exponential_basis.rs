//! `ExponentialBasis`: values, derivatives with respect to the decay constant, bad input.

mod support;

use candle_core::DType;
use e3x::Result;
use e3x::nn::{self, BasisConfig, Cutoff, ExponentialBasis, ExponentialBasisConfig};
use e3x::nn::{Exponential, Parameters, Radial};
use e3x::testing::{GradientCheck, assert_gradients_with, random};
use support::{CPU, assert_close, assert_error, flat, names_of, single, zeros};

fn radial(gamma: f64) -> Radial {
    Radial::ExponentialBernstein(Exponential {
        gamma,
        ..Exponential::default()
    })
}

fn config(initial_gamma: f64) -> ExponentialBasisConfig {
    let config = ExponentialBasisConfig::new(2, 4, radial(1.0));
    ExponentialBasisConfig {
        initial_gamma,
        ..config.with_cutoff(Cutoff::smooth(6.0))
    }
}

#[test]
fn starts_at_the_initial_decay_constant() -> Result<()> {
    let r = random(&[5, 3], 1)?;
    for gamma in [1e-6, 0.3, 1.0, 50.0] {
        let parameters = Parameters::seeded(0);
        let layer = ExponentialBasis::new(config(gamma), parameters.builder(DType::F64, CPU))?;
        assert_eq!(names_of(&parameters), ["gamma"]);
        assert_eq!(layer.shape(), (2, 4));
        let relative = flat(&layer.gamma()?)[0] / gamma;
        assert!((relative - 1.0).abs() < 1e-9, "{gamma}: {relative}");
        let details = layer.forward_with_details(&r)?;
        let plain = BasisConfig::new(2, 4, radial(gamma)).with_cutoff(Cutoff::smooth(6.0));
        let expected = nn::basis_with_details(&r, &plain)?;
        let values = details.basis.to_tensor()?;
        assert_close("basis", &values, &expected.basis.to_tensor()?, 1e-9);
        assert_close("cutoff", &details.cutoff, &expected.cutoff, 0.0);
        assert_close("norm", &details.norm, &expected.norm, 0.0);

        let narrow = Parameters::seeded(0).builder(DType::F32, CPU);
        let narrow = ExponentialBasis::new(config(gamma), narrow)?.forward(&single(&r))?;
        assert_close("f32", &narrow.to_tensor()?, &values, 1e-5);
    }
    Ok(())
}

#[test]
fn derivatives_match_differences() -> Result<()> {
    let parameters = Parameters::seeded(0);
    let layer = ExponentialBasis::new(config(0.7), parameters.builder(DType::F64, CPU))?;
    let r = [random(&[4, 3], 2)?];
    let f = |r: &[candle_core::Tensor]| layer.forward(&r[0])?.to_tensor();
    assert_gradients_with(f, &r, &parameters, &GradientCheck::default());
    Ok(())
}

#[test]
fn bad_input_is_an_error_that_names_the_argument() -> Result<()> {
    let build =
        |config| ExponentialBasis::new(config, Parameters::seeded(0).builder(DType::F64, CPU));
    for gamma in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert_error(
            "gamma",
            build(config(gamma)),
            &["initial_gamma", "larger than 0"],
        );
    }
    let other = ExponentialBasisConfig::new(1, 4, Radial::default());
    assert_error("radial", build(other), &["radial_fn", "exponential_..."]);
    let none = ExponentialBasisConfig::new(1, 0, radial(1.0));
    assert_error("none", build(none), &["num"]);
    let layer = build(config(1.0))?;
    assert_error(
        "shape",
        layer.forward(&zeros(&[3, 2], DType::F64)),
        &["r", "(..., 3)"],
    );
    assert_error(
        "dtype",
        layer.forward(&zeros(&[3, 3], DType::F32)),
        &["r", "F64"],
    );
    let missing = Parameters::from_tensors([]).builder(DType::F64, CPU);
    let missing = ExponentialBasis::new(config(1.0), missing);
    assert_error("parameter", missing, &["gamma"]);
    Ok(())
}
