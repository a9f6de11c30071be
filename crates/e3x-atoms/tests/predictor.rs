//! `Predictor`: the results of `TrainedPotential::predict`, whatever changes from call to call.

mod common;

use candle_core::DType;
use common::{assert_error, copper, ethanol, model, small};
use e3x_atoms::Frame;
use e3x_atoms::model::{EnergyScale, ModelConfig, Prediction, TrainedPotential};
use e3x_atoms::potential::Potential;
use e3x_atoms::predictor::Predictor;

/// More calls than it takes until the model is traced.
const CALLS: usize = 9;

fn trained(config: &ModelConfig, dtype: DType) -> TrainedPotential {
    let (model, _) = model(config, 3, dtype);
    let scale = EnergyScale {
        unit: 0.5,
        shift: -3.0,
    };
    TrainedPotential { model, scale }
}

fn bits(predictions: &[Prediction]) -> Vec<u64> {
    let numbers = |p: &Prediction| {
        let forces = p.forces.as_flattened().iter().copied();
        std::iter::once(p.energy).chain(forces).collect::<Vec<_>>()
    };
    let numbers = predictions.iter().flat_map(numbers);
    numbers.map(f64::to_bits).collect()
}

/// The frame with all atoms moved a little, differently for each call.
fn moved(frame: &Frame, call: usize) -> Frame {
    let mut frame = frame.clone();
    for (i, x) in frame.positions.as_flattened_mut().iter_mut().enumerate() {
        *x += 0.01 * ((i * 7 + call * 13) as f64).sin();
    }
    frame
}

/// A predictor and `predict` give the same bits for moving atoms.
#[track_caller]
fn assert_same(trained: &TrainedPotential, frames: &[&Frame], calls: usize) {
    let mut predictor = trained.predictor();
    for call in 0..calls {
        let moved: Vec<Frame> = frames.iter().map(|frame| moved(frame, call)).collect();
        let frames: Vec<&Frame> = moved.iter().collect();
        let (found, expected) = (predictor.predict(&frames), trained.predict(&frames));
        let (found, expected) = (found.unwrap(), expected.unwrap());
        assert_eq!(found.len(), expected.len(), "call {call}");
        assert_eq!(bits(&found), bits(&expected), "call {call}");
    }
    assert!(is_traced(&predictor));
}

fn is_traced(predictor: &Predictor<'_>) -> bool {
    format!("{predictor:?}").contains("operations")
}

#[test]
fn molecules_batches_and_crystals() {
    let data = ethanol(3);
    // All atoms are neighbours, so that nothing changes but positions.
    let near = ModelConfig {
        cutoff: 9.0,
        max_degree: 2,
        num_iterations: 3,
        ..small()
    };
    for dtype in [DType::F32, DType::F64] {
        let trained = trained(&near, dtype);
        assert_same(&trained, &[&data[0]], CALLS);
        assert_same(&trained, &data.iter().collect::<Vec<_>>(), CALLS);
        let pair = Frame::new(vec![8, 1], vec![[0.0; 3], [0.0, 0.0, 20.0]]);
        assert_same(&trained, &[&pair, &data[1]], CALLS);
    }
    let crystal = ModelConfig {
        cutoff: 3.1,
        ..small()
    };
    assert_same(&trained(&crystal, DType::F32), &[&copper()], CALLS);
}

#[test]
fn other_models() {
    let data = ethanol(1);
    let options: [fn(&mut ModelConfig); 3] = [
        |config| config.attention_heads = Some(2),
        |config| config.use_fused_tensor = true,
        |config| config.num_iterations = 1,
    ];
    for change in options {
        let mut config = ModelConfig {
            cutoff: 9.0,
            ..small()
        };
        change(&mut config);
        assert_same(&trained(&config, DType::F64), &[&data[0]], CALLS);
    }
}

/// Atoms, cells, pairs and numbers of frames change in the middle.
#[test]
fn other_systems_in_between() {
    let data = ethanol(2);
    let config = ModelConfig {
        cutoff: 9.0,
        ..small()
    };
    let trained = trained(&config, DType::F64);
    let mut predictor = trained.predictor();
    let mut other_atoms = data[0].clone();
    other_atoms.numbers[3] = 7;
    let mut boxed = data[0].clone();
    boxed.cell = Some([[12.0, 0.0, 0.0], [0.0, 12.0, 0.0], [0.0, 0.0, 12.0]]);
    boxed.pbc = [true; 3];
    let mut smaller_box = boxed.clone();
    smaller_box.cell = Some([[11.9, 0.0, 0.0], [0.0, 11.9, 0.0], [0.0, 0.0, 11.9]]);
    let mut apart = data[0].clone();
    apart.positions[0][0] += 20.0;
    let systems = [
        vec![&data[0]],
        vec![&other_atoms],
        vec![&boxed],
        vec![&smaller_box],
        vec![&apart],
        vec![&data[0], &data[1]],
    ];
    for frames in systems.iter().chain(&systems) {
        for call in 0..CALLS {
            let moved: Vec<Frame> = frames.iter().map(|frame| moved(frame, call)).collect();
            let moved: Vec<&Frame> = moved.iter().collect();
            let found = predictor.predict(&moved).unwrap();
            assert_eq!(bits(&found), bits(&trained.predict(&moved).unwrap()));
        }
    }
}

#[test]
fn parameters_that_change() {
    let frame = &ethanol(1)[0];
    let config = ModelConfig {
        cutoff: 9.0,
        ..small()
    };
    let (model, parameters) = model(&config, 3, DType::F64);
    let scale = EnergyScale {
        unit: 1.0,
        shift: 0.0,
    };
    let trained = TrainedPotential { model, scale };
    let mut predictor = trained.predictor();
    let mut last = Vec::new();
    for (path, var) in parameters.variables() {
        for _ in 0..CALLS {
            predictor.predict(&[frame]).unwrap();
        }
        assert!(is_traced(&predictor));
        var.set(&(var.as_tensor().detach() * 1.25).unwrap())
            .unwrap();
        let found = bits(&predictor.predict(&[frame]).unwrap());
        assert_eq!(found, bits(&trained.predict(&[frame]).unwrap()), "{path}");
        last.push(found);
    }
    last.dedup();
    assert!(last.len() > 5, "parameters without effect");
}

#[test]
fn as_a_potential() {
    let frame = &ethanol(1)[0];
    let config = ModelConfig {
        cutoff: 9.0,
        ..small()
    };
    let trained = trained(&config, DType::F32);
    let mut potential = trained.potential(frame);
    for call in 0..CALLS {
        let moved = moved(frame, call);
        let (energy, forces) = potential
            .energy_and_forces(&moved.numbers, &moved.positions)
            .unwrap();
        let expected = trained.predict(&[&moved]).unwrap();
        assert_eq!(bits(&[Prediction { energy, forces }]), bits(&expected));
    }
}

#[test]
fn bad_frames_are_refused_before_and_after_tracing() {
    let frame = &ethanol(1)[0];
    let trained = trained(&small(), DType::F32);
    let mut predictor = trained.predictor();
    for _ in 0..2 {
        assert_error(predictor.predict(&[]), &["frames", "at least one"]);
        let mut bad = frame.clone();
        bad.positions[2][1] = f64::NAN;
        let result = predictor.predict(&[frame, &bad]);
        assert_error(result, &["frames[1]", "positions", "NaN"]);
        let mut unknown = frame.clone();
        unknown.numbers[0] = 30;
        let result = predictor.predict(&[&unknown]);
        assert_error(result, &["atomic_numbers", "from 0 to 29", "30"]);
        for _ in 0..CALLS {
            predictor.predict(&[frame]).unwrap();
        }
    }
}
