//! Optimisers, clipping, averages and schedules against numbers of optax
//! (`data/optax_reference.json`, written by `data/optax_reference.py`).

mod support;

use std::collections::BTreeMap;

use candle_core::{DType, Tensor};
use e3x::Result;
use e3x::nn::{Initializer, Parameters};
use e3x::optim::{
    Adam, AdamConfig, ExponentialMovingAverage, PlateauConfig, ReduceOnPlateau, Schedule,
    clip_by_global_norm, clip_by_value, global_norm,
};
use serde_json::Value;
use support::{CPU, assert_close, assert_error, bits, flat, values_of, zeros};

const START: [f64; 3] = [0.5, -1.25, 3.0];

fn table(name: &str) -> Value {
    let all: Value = serde_json::from_str(include_str!("data/optax_reference.json")).unwrap();
    all[name].clone()
}

fn rows(name: &str) -> Vec<Vec<f64>> {
    serde_json::from_value(table(name)).unwrap()
}

fn numbers(name: &str) -> Vec<f64> {
    serde_json::from_value(table(name)).unwrap()
}

fn gradient(step: usize) -> Vec<f64> {
    let entry = |i: usize| (i as f64 * 1.7 + step as f64).sin() * (step + 1) as f64;
    (0..3).map(entry).collect()
}

/// One parameter `x` with the start values, and its path.
fn start(dtype: DType) -> Result<(Parameters, candle_core::Var)> {
    let parameters = Parameters::seeded(0);
    let vb = parameters.builder(dtype, CPU);
    vb.get_with_hints(3, "x", Initializer::Zeros)?;
    let values = Tensor::new(&START, CPU)?.to_dtype(dtype)?;
    parameters.assign(&BTreeMap::from([("x".to_string(), values)]))?;
    let var = parameters.variables().remove(0).1;
    Ok((parameters, var))
}

fn check(what: &str, actual: &Tensor, expected: &[f64], dtype: DType) -> Result<()> {
    let tolerance = if dtype == DType::F64 { 1e-13 } else { 1e-6 };
    assert_eq!(actual.dtype(), dtype, "{what}");
    let expected = Tensor::new(expected, CPU)?;
    assert_close(what, &actual.to_dtype(DType::F64)?, &expected, tolerance);
    Ok(())
}

#[test]
fn adam_and_adamw_are_those_of_optax() -> Result<()> {
    let adamw = AdamConfig {
        b1: 0.8,
        b2: 0.95,
        eps: 1e-3,
        weight_decay: 0.2,
    };
    for (name, config) in [("adam", AdamConfig::default()), ("adamw", adamw)] {
        for dtype in [DType::F64, DType::F32] {
            let (parameters, var) = start(dtype)?;
            let mut adam = Adam::new(&parameters, config)?;
            for (step, expected) in rows(name).iter().enumerate() {
                let grad = Tensor::new(gradient(step), CPU)?.to_dtype(dtype)?;
                adam.step(&[grad], 0.1)?;
                check(&format!("{name} {step}"), &var, expected, dtype)?;
            }
        }
    }
    assert_eq!(AdamConfig::adamw().weight_decay, 1e-4);
    Ok(())
}

/// Against plain descent with rate 1, for which the sum of clipped gradients is what x moves by.
#[test]
fn clipping_is_that_of_optax() -> Result<()> {
    for name in ["clip_by_global_norm", "clip"] {
        for dtype in [DType::F64, DType::F32] {
            let mut x = Tensor::new(&START, CPU)?.to_dtype(dtype)?;
            for (step, expected) in rows(name).iter().enumerate() {
                // Two gradients that belong together.
                let grad = Tensor::new(gradient(step), CPU)?.to_dtype(dtype)?;
                let parts = [grad.narrow(0, 0, 1)?, grad.narrow(0, 1, 2)?];
                let clipped = if name == "clip" {
                    clip_by_value(&parts, 0.75)?
                } else {
                    clip_by_global_norm(&parts, 2.5)?.0
                };
                x = (x - Tensor::cat(&clipped, 0)?)?;
                check(&format!("{name} {step}"), &x, expected, dtype)?;
            }
        }
    }
    Ok(())
}

#[test]
fn small_gradients_are_not_touched() -> Result<()> {
    let grads = [Tensor::new(&[3.0, -4.0], CPU)?, zeros(&[0], DType::F64)];
    let (same, norm) = clip_by_global_norm(&grads, 5.1)?;
    assert_eq!((norm, bits(&same[0])), (5.0, bits(&grads[0])));
    let (clipped, _) = clip_by_global_norm(&grads, 1e-3)?;
    assert!((global_norm(&clipped)? - 1e-3).abs() < 1e-15);
    assert_eq!(global_norm(&[])?, 0.0);
    assert!(clip_by_global_norm(&[], 1.0)?.0.is_empty());
    Ok(())
}

#[test]
fn averages_are_those_of_optax() -> Result<()> {
    for dtype in [DType::F64, DType::F32] {
        let (parameters, var) = start(dtype)?;
        let mut average = ExponentialMovingAverage::new(&parameters, 0.9)?;
        assert_eq!(flat(&average.averages()?["x"]), START);
        for (step, expected) in rows("ema").iter().enumerate() {
            let grad = Tensor::new(gradient(step), CPU)?.to_dtype(dtype)?;
            var.set(&(var.as_tensor() + grad)?)?;
            average.update()?;
            check("average", &average.averages()?["x"], expected, dtype)?;
        }
        assert_eq!(average.count(), 6);
    }
    Ok(())
}

#[test]
fn a_saved_average_continues_with_the_same_bits() -> Result<()> {
    let (parameters, var) = start(DType::F32)?;
    let mut whole = ExponentialMovingAverage::new(&parameters, 0.5)?;
    whole.update()?;
    let mut second = ExponentialMovingAverage::new(&parameters, 0.5)?;
    second.load_state(&whole.state(), whole.count())?;
    var.set(&(var.as_tensor() * 3.0)?)?;
    for average in [&mut whole, &mut second] {
        average.update()?;
    }
    assert_eq!(
        bits(&whole.averages()?["x"]),
        bits(&second.averages()?["x"])
    );
    let missing = second.load_state(&BTreeMap::new(), 7);
    assert_error("missing", missing, &["'x'", "nothing of this name"]);
    let other = BTreeMap::from([("x".to_string(), zeros(&[2], DType::F32))]);
    let other = second.load_state(&other, 7);
    assert_error("shape", other, &["'x'", "[3]", "[2]"]);
    assert_eq!(second.count(), 2);
    // An average is no part of the tape, and a snapshot.
    let before = second.averages()?;
    assert!(!before["x"].track_op());
    var.set(&zeros(&[3], DType::F32))?;
    second.update()?;
    assert_ne!(bits(&before["x"]), bits(&second.averages()?["x"]));
    Ok(())
}

#[test]
fn schedules_are_those_of_optax() {
    let exponential = |decay_rate, transition_steps| Schedule::Exponential {
        decay_rate,
        transition_steps,
    };
    let all = [
        ("cosine", Schedule::Cosine, 0),
        ("exponential", exponential(0.5, Some(7)), 0),
        ("warmup_cosine", Schedule::Cosine, 5),
        // Over the 15 steps after the warm-up.
        ("warmup_exponential", exponential(0.1, None), 5),
    ];
    for (name, schedule, warm_up) in all {
        for (step, expected) in numbers(name).into_iter().enumerate() {
            let factor = schedule.factor_with_warm_up(warm_up, step, 20);
            let error = (factor - expected).abs();
            assert!(error < 1e-14, "{name}, step {step}: {factor}, {expected}");
        }
    }
}

/// The losses of `optax_reference.py`.
const LOSSES: [f64; 20] = [
    4.0,
    3.0,
    3.5,
    3.2,
    3.1,
    2.999,
    2.0,
    2.1,
    2.0,
    2.05,
    2.2,
    2.3,
    f64::NAN,
    2.4,
    1.0,
    1.5,
    1.4,
    1.3,
    1.2,
    1.1,
];

#[test]
fn plateaus_are_those_of_optax() -> Result<()> {
    let plain = PlateauConfig::default();
    let all = [
        (
            "plateau",
            PlateauConfig {
                factor: 0.5,
                patience: 2,
                rtol: 0.01,
                ..plain
            },
        ),
        (
            "plateau_cooldown",
            PlateauConfig {
                factor: 0.5,
                patience: 2,
                atol: 0.05,
                cooldown: 3,
                ..plain
            },
        ),
        (
            "plateau_average",
            PlateauConfig {
                patience: 1,
                accumulation_size: 3,
                min_scale: 0.02,
                ..plain
            },
        ),
    ];
    for (name, config) in all {
        let mut plateau = ReduceOnPlateau::new(config)?;
        assert_eq!(*plateau.config(), config);
        for (i, (loss, expected)) in LOSSES.into_iter().zip(numbers(name)).enumerate() {
            let scale = plateau.update(loss);
            assert!((scale - expected).abs() < 1e-15, "{name} {i}: {scale}");
            assert_eq!(scale, plateau.scale());
            // The state goes to a file and comes back.
            let text = serde_json::to_string(&plateau).unwrap();
            plateau = serde_json::from_str(&text).unwrap();
        }
    }
    Ok(())
}

#[test]
fn impossible_options_are_errors() -> Result<()> {
    let (parameters, _) = start(DType::F64)?;
    for decay in [1.0, -0.1, f64::NAN] {
        let average = ExponentialMovingAverage::new(&parameters, decay);
        assert_error("average", average, &["decay", "below 1"]);
    }
    let good = AdamConfig::default();
    for (name, config) in [
        ("b1", AdamConfig { b1: 1.0, ..good }),
        ("b2", AdamConfig { b2: -0.1, ..good }),
        (
            "eps",
            AdamConfig {
                eps: f64::NAN,
                ..good
            },
        ),
        (
            "weight_decay",
            AdamConfig {
                weight_decay: -1.0,
                ..good
            },
        ),
    ] {
        assert_error(name, Adam::new(&parameters, config), &[name]);
    }
    let good = PlateauConfig::default();
    for (name, config) in [
        (
            "factor",
            PlateauConfig {
                factor: 1.0,
                ..good
            },
        ),
        (
            "factor",
            PlateauConfig {
                factor: f64::NAN,
                ..good
            },
        ),
        ("rtol", PlateauConfig { rtol: 1.5, ..good }),
        ("atol", PlateauConfig { rtol: 0.0, ..good }),
        (
            "min_scale",
            PlateauConfig {
                min_scale: -1.0,
                ..good
            },
        ),
        (
            "patience",
            PlateauConfig {
                patience: 0,
                ..good
            },
        ),
        (
            "accumulation_size",
            PlateauConfig {
                accumulation_size: 0,
                ..good
            },
        ),
    ] {
        assert_error(name, ReduceOnPlateau::new(config), &[name]);
    }
    let grads = [Tensor::new(&[1.0, f64::NAN], CPU)?];
    assert_error(
        "norm",
        clip_by_global_norm(&grads, 1.0),
        &["grads", "finite", "NaN"],
    );
    for limit in [0.0, -1.0, f64::INFINITY, f64::NAN] {
        assert_error("norm", clip_by_global_norm(&[], limit), &["max_norm"]);
        assert_error("value", clip_by_value(&[], limit), &["max_delta"]);
    }
    let integers = [Tensor::new(&[1i64], CPU)?];
    assert_error(
        "dtype",
        global_norm(&integers),
        &["grads", "f32 or f64", "I64"],
    );
    assert_error("dtype", clip_by_value(&integers, 1.0), &["grads", "I64"]);
    assert!(values_of(&parameters).contains_key("x"));
    Ok(())
}
