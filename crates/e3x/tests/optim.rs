//! `Adam` against its formula, its state, and learning-rate schedules.

mod support;

use std::collections::{BTreeMap, HashMap};

use candle_core::{DType, Tensor};
use e3x::Result;
use e3x::autograd::{CreateGraph, grad};
use e3x::nn::{Initializer, Parameters};
use e3x::optim::{Adam, AdamConfig, Schedule};
use e3x::testing::random;
use support::{CPU, assert_close, assert_error, bits, flat, names_of, values_of, zeros};

/// Two parameters; their names sort as `a/x`, `b`.
fn parameters(dtype: DType) -> Result<Parameters> {
    let parameters = Parameters::seeded(4);
    let vb = parameters.builder(dtype, CPU);
    let init = Initializer::Normal {
        mean: 0.0,
        stddev: 1.0,
    };
    vb.get_with_hints(2, "b", init.clone())?;
    vb.pp("a").get_with_hints((2, 3), "x", init)?;
    Ok(parameters)
}

fn gradients(step: u64, dtype: DType) -> Result<Vec<Tensor>> {
    let a = random(&[2, 3], 2 * step)?.to_dtype(dtype)?;
    Ok(vec![a, random(&[2], 2 * step + 1)?.to_dtype(dtype)?])
}

/// Everything that a step changes.
fn snapshot(parameters: &Parameters, adam: &Adam) -> (Vec<Vec<u64>>, u64) {
    let values = values_of(parameters);
    let state = adam.state();
    let all = values.values().chain(state.values());
    (all.map(bits).collect(), adam.steps())
}

/// By hand, with the numbers of the first two steps: m1 = 0.1 g, v1 = 0.001 g^2, so that the
/// first step is lr g / (|g| + eps).
#[test]
fn first_steps_are_those_computed_by_hand() -> Result<()> {
    let parameters = Parameters::seeded(0);
    let vb = parameters.builder(DType::F64, CPU);
    let x = vb.get_with_hints(2, "x", Initializer::Constant(1.0))?;
    let mut adam = Adam::new(&parameters, AdamConfig::default())?;
    adam.step(&[Tensor::new(&[0.5, -4.0], CPU)?], 0.1)?;
    let expected = [
        1.0 - 0.1 * 0.5 / (0.5 + 1e-8),
        1.0 + 0.1 * 4.0 / (4.0 + 1e-8),
    ];
    assert_close("first", &x, &Tensor::new(&expected, CPU)?, 1e-15);

    // Gradient zero: m2 = 0.09 g, v2 = 0.000999 g^2; divided by 0.19 and 0.001999.
    adam.step(&[Tensor::new(&[0.0, 0.0], CPU)?], 0.2)?;
    let move_of = |g: f64| {
        let (m, v) = (0.09 * g / 0.19, 0.000999 * g * g / 0.001999);
        0.2 * m / (v.sqrt() + 1e-8)
    };
    let expected = [expected[0] - move_of(0.5), expected[1] - move_of(-4.0)];
    assert_close("second", &x, &Tensor::new(&expected, CPU)?, 1e-12);
    assert_eq!(adam.steps(), 2);
    Ok(())
}

/// Twenty steps against the formula for plain numbers: 1e-13 in f64, 1e-5 in f32.
#[test]
fn steps_follow_the_formula() -> Result<()> {
    let config = AdamConfig {
        b1: 0.8,
        b2: 0.95,
        eps: 1e-3,
        weight_decay: 0.0,
    };
    for (dtype, tolerance) in [(DType::F64, 1e-13), (DType::F32, 1e-5)] {
        let parameters = parameters(dtype)?;
        let mut adam = Adam::new(&parameters, config)?;
        let mut x: Vec<f64> = values_of(&parameters).values().flat_map(flat).collect();
        let (mut m, mut v) = (vec![0.0; x.len()], vec![0.0; x.len()]);
        for t in 1..=20u64 {
            let grads = gradients(t, dtype)?;
            let rate = 0.1 / t as f64;
            adam.step(&grads, rate)?;
            let flat_grads: Vec<f64> = grads.iter().flat_map(flat).collect();
            for (i, g) in flat_grads.into_iter().enumerate() {
                m[i] = config.b1 * m[i] + (1.0 - config.b1) * g;
                v[i] = config.b2 * v[i] + (1.0 - config.b2) * g * g;
                let mean = m[i] / (1.0 - config.b1.powi(t as i32));
                let square = v[i] / (1.0 - config.b2.powi(t as i32));
                x[i] -= rate * mean / (square.sqrt() + config.eps);
            }
        }
        let actual: Vec<f64> = values_of(&parameters).values().flat_map(flat).collect();
        let (actual, expected) = (Tensor::new(actual, CPU)?, Tensor::new(x, CPU)?);
        assert_close("parameters", &actual, &expected, tolerance);
        let state = adam.state();
        let squares = ["square/a/x", "square/b"].map(|name| flat(&state[name]));
        let (squares, v) = (Tensor::new(squares.concat(), CPU)?, Tensor::new(v, CPU)?);
        assert_close("squares", &squares, &v, tolerance);
        assert!(values_of(&parameters).values().all(|x| x.dtype() == dtype));
    }
    Ok(())
}

#[test]
fn finds_the_minimum_of_a_bowl() -> Result<()> {
    let parameters = parameters(DType::F64)?;
    let mut adam = Adam::new(&parameters, AdamConfig::default())?;
    let variables: Vec<Tensor> = adam.variables().cloned().collect();
    let inputs: Vec<&Tensor> = variables.iter().collect();
    let loss = || variables[0].sqr()?.sum_all()? + (&variables[1] - 1.0)?.sqr()?.sum_all()?;
    for step in 0..300 {
        let grads = grad(&loss()?, &inputs, CreateGraph::No)?;
        adam.step(&grads, 0.1 * Schedule::Cosine.factor(step, 300))?;
    }
    assert!(flat(&loss()?)[0] < 1e-6, "{}", loss()?);
    Ok(())
}

#[test]
fn variables_and_state_are_named_and_sorted() -> Result<()> {
    let parameters = parameters(DType::F64)?;
    let adam = Adam::new(&parameters, AdamConfig::default())?;
    assert_eq!(names_of(&parameters), ["a/x", "b"]);
    let dims: Vec<Vec<usize>> = adam.variables().map(|x| x.dims().to_vec()).collect();
    assert_eq!(dims, [vec![2, 3], vec![2]]);
    let state = adam.state();
    let names: Vec<&String> = state.keys().collect();
    assert_eq!(names, ["mean/a/x", "mean/b", "square/a/x", "square/b"]);
    assert!(state.values().all(|x| flat(x).iter().all(|&x| x == 0.0)));
    Ok(())
}

/// Ten steps in one go, and with everything written to a file and read after the fifth.
#[test]
fn saved_state_continues_with_the_same_bits() -> Result<()> {
    let file = format!(
        "{}/{}-adam",
        env!("CARGO_TARGET_TMPDIR"),
        std::process::id()
    );
    for dtype in [DType::F32, DType::F64] {
        let whole = parameters(dtype)?;
        let mut adam = Adam::new(&whole, AdamConfig::default())?;
        let first = parameters(dtype)?;
        let mut before = Adam::new(&first, AdamConfig::default())?;
        for t in 0..10 {
            adam.step(&gradients(t, dtype)?, 0.01)?;
            if t < 5 {
                before.step(&gradients(t, dtype)?, 0.01)?;
            }
        }
        let state: HashMap<_, _> = before.state().into_iter().collect();
        candle_core::safetensors::save(&state, &file)?;
        let state: BTreeMap<_, _> = candle_core::safetensors::load(&file, CPU)?
            .into_iter()
            .collect();
        std::fs::remove_file(&file).unwrap();

        let second = Parameters::from_tensors(values_of(&first));
        let vb = second.builder(dtype, CPU);
        vb.pp("a").get_with_hints((2, 3), "x", Initializer::Zeros)?;
        vb.get_with_hints(2, "b", Initializer::Zeros)?;
        let mut after = Adam::new(&second, AdamConfig::default())?;
        after.load_state(&state, before.steps())?;
        for t in 5..10 {
            after.step(&gradients(t, dtype)?, 0.01)?;
        }
        assert_eq!(
            snapshot(&second, &after),
            snapshot(&whole, &adam),
            "{dtype:?}"
        );
    }
    Ok(())
}

/// A state taken out does not change with later steps.
#[test]
fn states_are_snapshots() -> Result<()> {
    let parameters = parameters(DType::F64)?;
    let mut adam = Adam::new(&parameters, AdamConfig::default())?;
    adam.step(&gradients(0, DType::F64)?, 0.1)?;
    let state = adam.state();
    let before: Vec<_> = state.values().map(bits).collect();
    adam.step(&gradients(1, DType::F64)?, 0.1)?;
    assert_eq!(state.values().map(bits).collect::<Vec<_>>(), before);
    assert_ne!(adam.state().values().map(bits).collect::<Vec<_>>(), before);
    Ok(())
}

#[test]
fn gradients_that_do_not_fit_are_errors_and_change_nothing() -> Result<()> {
    let parameters = parameters(DType::F64)?;
    let mut adam = Adam::new(&parameters, AdamConfig::default())?;
    adam.step(&gradients(0, DType::F64)?, 0.1)?;
    let before = snapshot(&parameters, &adam);
    let good = gradients(1, DType::F64)?;
    let bad = |i: usize, gradient: Tensor| {
        let mut grads = good.clone();
        grads[i] = gradient;
        grads
    };
    let fewer = adam.step(&good[..1], 0.1);
    assert_error("fewer", fewer, &["grads", "2 parameters", "received 1"]);
    assert_error("none", adam.step(&[], 0.1), &["grads"]);
    let shape = adam.step(&bad(1, zeros(&[3], DType::F64)), 0.1);
    assert_error("shape", shape, &["'b'", "[2]", "[3]"]);
    let scalar = adam.step(&bad(0, zeros(&[], DType::F64)), 0.1);
    assert_error("scalar", scalar, &["'a/x'", "[2, 3]"]);
    let dtype = adam.step(&bad(1, zeros(&[2], DType::F32)), 0.1);
    assert_error("dtype", dtype, &["'b'", "F64", "F32"]);
    assert_eq!(snapshot(&parameters, &adam), before);
    Ok(())
}

#[test]
fn states_that_do_not_fit_are_errors_and_change_nothing() -> Result<()> {
    let parameters = parameters(DType::F64)?;
    let mut adam = Adam::new(&parameters, AdamConfig::default())?;
    adam.step(&gradients(0, DType::F64)?, 0.1)?;
    let before = snapshot(&parameters, &adam);
    let zero: BTreeMap<String, Tensor> = adam
        .state()
        .into_iter()
        .map(|(name, x)| (name, x.zeros_like().unwrap()))
        .collect();
    for name in zero.keys() {
        let mut missing = zero.clone();
        missing.remove(name);
        let result = adam.load_state(&missing, 9);
        assert_error("missing", result, &[name, "nothing of this name"]);
        let mut other = zero.clone();
        other.insert(name.clone(), zeros(&[7], DType::F64));
        assert_error("shape", adam.load_state(&other, 9), &[name, "[7]"]);
    }
    assert_eq!(snapshot(&parameters, &adam), before);
    adam.load_state(&zero, 0)?;
    assert_eq!(adam.steps(), 0);
    Ok(())
}

#[test]
fn parameters_of_half_precision_are_errors() -> Result<()> {
    let parameters = Parameters::seeded(0);
    let vb = parameters.builder(DType::F16, CPU);
    vb.get_with_hints(2, "half", Initializer::Ones)?;
    let result = Adam::new(&parameters, AdamConfig::default());
    assert_error("f16", result, &["'half'", "f32 or f64", "F16"]);
    let none = Adam::new(&Parameters::seeded(0), AdamConfig::default());
    assert!(none?.step(&[], 0.1).is_ok());
    Ok(())
}

#[test]
fn schedules_have_the_values_of_their_formulas() -> Result<()> {
    for step in [0, 1, 50, 100, 1000] {
        assert_eq!(Schedule::Constant.factor(step, 100), 1.0);
    }
    for (step, expected) in [
        (0, 1.0),
        (25, 0.5 + 0.5 * 0.5f64.sqrt()),
        (50, 0.5),
        (75, 0.5 - 0.5 * 0.5f64.sqrt()),
        (100, 0.0),
        (101, 0.0),
        (usize::MAX, 0.0),
    ] {
        let factor = Schedule::Cosine.factor(step, 100);
        assert!((factor - expected).abs() < 1e-15, "step {step}: {factor}");
    }
    assert_eq!(Schedule::Cosine.factor(0, 0), 0.0);
    let factors: Vec<f64> = (0..=30).map(|i| Schedule::Cosine.factor(i, 30)).collect();
    assert!(factors.windows(2).all(|pair| pair[0] > pair[1]));
    assert_eq!(Schedule::default(), Schedule::Cosine);
    let exponential = |transition_steps| Schedule::Exponential {
        decay_rate: 0.125,
        transition_steps,
    };
    for (step, total, expected) in [(0, 30, 1.0), (10, 30, 0.5), (30, 30, 0.125), (5, 0, 1.0)] {
        let factor = exponential(None).factor(step, total);
        assert!((factor - expected).abs() < 1e-15, "step {step}: {factor}");
    }
    let all = [
        Schedule::Constant,
        Schedule::Cosine,
        exponential(None),
        exponential(Some(1000)),
    ];
    for schedule in all {
        // Without warm-up nothing changes, not even a bit.
        for step in [0, 7, 50, 100, 200] {
            let (plain, warm) = (
                schedule.factor(step, 100),
                schedule.factor_with_warm_up(0, step, 100),
            );
            assert_eq!(plain.to_bits(), warm.to_bits());
        }
        assert_eq!(schedule.to_string().parse::<Schedule>()?, schedule);
    }
    for (name, parts) in [
        ("Linear", ["schedule", "cosine", "Linear"]),
        (
            "exponential",
            ["schedule", "exponential:RATE", "exponential"],
        ),
        ("exponential:", ["schedule", "RATE/STEPS", "exponential:"]),
        ("exponential:0.1/-3", ["schedule", "RATE/STEPS", "-3"]),
        ("exponential:0", ["decay_rate", "a positive number", "0"]),
        (
            "exponential:nan",
            ["decay_rate", "a positive number", "NaN"],
        ),
        ("exponential:0.5/0", ["transition_steps", "at least 1", "0"]),
    ] {
        assert_error(name, name.parse::<Schedule>(), &parts);
    }
    Ok(())
}
