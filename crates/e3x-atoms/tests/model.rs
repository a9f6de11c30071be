//! The message-passing potential: symmetries, derivatives, smoothness, precision, names.

mod common;

use candle_core::{DType, Device, Tensor};
use common::{assert_close, assert_error, copper, ethanol, model, predict, small, values};
use e3x::autograd::{CreateGraph, grad};
use e3x::testing::{
    GradientCheck, Input, Quantity, Rotation, SymmetryCheck, assert_gradients_with,
    assert_symmetries,
};
use e3x_atoms::Frame;
use e3x_atoms::batch::Batch;
use e3x_atoms::model::{
    EnergyScale, MessagePassingPotential, ModelConfig, Prediction, TrainedPotential,
};
use e3x_atoms::potential::Potential;

type Change = fn(&mut ModelConfig);

/// A model with tensors of degree 2 and pseudotensors on the way.
fn rich() -> ModelConfig {
    ModelConfig {
        max_degree: 2,
        num_iterations: 3,
        ..small()
    }
}

fn at(batch: &Batch, positions: &Tensor) -> Batch {
    Batch {
        positions: positions.clone(),
        ..batch.clone()
    }
}

fn one(model: &MessagePassingPotential, frame: &Frame) -> Prediction {
    predict(model, &[frame]).remove(0)
}

fn moved(frame: &Frame, atom: usize, axis: usize, distance: f64) -> Frame {
    let mut frame = frame.clone();
    frame.positions[atom][axis] += distance;
    frame
}

#[test]
fn energies_are_invariant_and_forces_are_vectors() {
    let (model, _) = model(&rich(), 0, DType::F64);
    let data = ethanol(2);
    let batch = Batch::new(&[&data[0], &data[1]], 4.0, DType::F64).unwrap();
    let positions = [Input::new(&batch.positions, Quantity::Points)];
    let check = SymmetryCheck::default();
    let energy = |x: &[Tensor]| Ok(model.energy(&batch, &x[0]).unwrap());
    assert_symmetries(energy, &positions, Quantity::Invariant, &check);
    let forces = |x: &[Tensor]| {
        let at = at(&batch, &x[0]);
        let (_, forces) = model.energy_and_forces(&at, CreateGraph::No).unwrap();
        Ok(forces)
    };
    assert_symmetries(forces, &positions, Quantity::Vectors, &check);
}

#[test]
fn a_rotated_crystal_has_the_same_energy() {
    let (model, _) = model(&small(), 1, DType::F64);
    let frame = copper();
    let matrix = Rotation::random(3).unwrap().matrix().unwrap();
    let matrix = matrix.to_vec2::<f64>().unwrap();
    let turn = |row: [f64; 3]| {
        [0, 1, 2].map(|k| row[0] * matrix[0][k] + row[1] * matrix[1][k] + row[2] * matrix[2][k])
    };
    let turned = Frame {
        positions: frame.positions.iter().map(|row| turn(*row)).collect(),
        cell: frame.cell.map(|cell| cell.map(turn)),
        forces: None,
        stress: None,
        ..frame.clone()
    };
    let (found, original) = (one(&model, &turned), one(&model, &frame));
    let expected = Prediction {
        energy: original.energy,
        forces: original.forces.iter().map(|row| turn(*row)).collect(),
    };
    common::assert_same(&found, &expected, 1e-11);
}

#[test]
fn atoms_come_in_any_order() {
    let (model, _) = model(&rich(), 2, DType::F64);
    let frame = &ethanol(1)[0];
    let expected = one(&model, frame);
    let orders = [[1, 0, 2, 3, 8, 6, 5, 7, 4], [8, 7, 6, 5, 4, 3, 2, 1, 0]];
    for order in orders {
        let numbers = order.map(|i| frame.numbers[i]).to_vec();
        let positions = order.map(|i| frame.positions[i]).to_vec();
        let found = one(&model, &Frame::new(numbers, positions));
        let forces = order.map(|i| expected.forces[i]).to_vec();
        let energy = expected.energy;
        common::assert_same(&found, &Prediction { energy, forces }, 1e-12);
    }
    // Unlike atoms are not interchangeable.
    let mut wrong = frame.clone();
    wrong.positions.swap(0, 2);
    assert!((one(&model, &wrong).energy - expected.energy).abs() > 1e-4);
}

#[test]
fn forces_are_the_negative_gradient() {
    let (model, _) = model(&rich(), 3, DType::F64);
    let molecule = &ethanol(1)[0];
    let crystal = Frame {
        numbers: vec![29, 8, 29],
        positions: vec![[0.1, 0.0, 0.2], [1.7, 1.9, 0.3], [2.0, 0.4, 2.5]],
        cell: Some([[3.6, 0.2, 0.0], [0.0, 3.4, 0.3], [0.1, 0.0, 3.9]]),
        pbc: [true, true, false],
        ..Frame::default()
    };
    for frame in [molecule, &crystal] {
        let forces = one(&model, frame).forces;
        let mut expected = Vec::new();
        for atom in 0..frame.len() {
            for axis in 0..3 {
                let energy = |h: f64| one(&model, &moved(frame, atom, axis, h)).energy;
                let (near, far) = (energy(1e-3) - energy(-1e-3), energy(2e-3) - energy(-2e-3));
                expected.push((far - 8.0 * near) / 12e-3);
            }
        }
        assert!(expected.iter().any(|force| force.abs() > 1e-2));
        assert_close(forces.as_flattened(), &expected, 1e-8);
    }
}

#[test]
fn derivatives_of_energies_of_first_and_second_order() {
    let config = ModelConfig {
        features: 2,
        num_basis_functions: 3,
        max_atomic_number: 8,
        ..small()
    };
    let (model, parameters) = model(&config, 4, DType::F64);
    let water = Frame::new(
        vec![8, 1, 1],
        vec![[0.0, 0.1, 0.0], [0.9, 0.0, 0.2], [-0.3, 0.9, 0.1]],
    );
    let batch = Batch::new(&[&water], 4.0, DType::F64).unwrap();
    assert_gradients_with(
        |x| Ok(model.energy(&batch, &x[0]).unwrap()),
        std::slice::from_ref(&batch.positions),
        &parameters,
        &GradientCheck::default(),
    );
}

#[test]
fn a_loss_on_forces_has_the_right_gradient() {
    let (model, parameters) = model(&rich(), 5, DType::F64);
    let frame = &ethanol(1)[0];
    let batch = Batch::new(&[frame], 4.0, DType::F64).unwrap();
    let target = frame.forces.as_deref().unwrap().as_flattened();
    let target = Tensor::from_slice(target, (9, 3), &Device::Cpu).unwrap();
    let loss = || -> candle_core::Result<Tensor> {
        let (energy, forces) = model.energy_and_forces(&batch, CreateGraph::Yes).unwrap();
        (forces - &target)?.sqr()?.mean_all()? + energy.sum_all()? * 0.1
    };
    let variables = parameters.variables();
    let inputs: Vec<&Tensor> = variables.iter().map(|(_, var)| var.as_tensor()).collect();
    let gradients = grad(&loss().unwrap(), &inputs, CreateGraph::No).unwrap();
    let mut zero = Vec::new();
    for ((name, var), gradient) in variables.iter().zip(&gradients) {
        let norm = values(gradient).iter().map(|g| g * g).sum::<f64>().sqrt();
        // Along the gradient itself, the derivative is its norm.
        let direction = if norm == 0.0 {
            zero.push(name.as_str());
            gradient.ones_like().unwrap()
        } else {
            (gradient / norm).unwrap()
        };
        let origin = var.as_tensor().copy().unwrap();
        let along = |h: f64| {
            var.set(&(&origin + (&direction * h).unwrap()).unwrap())
                .unwrap();
            values(&loss().unwrap())[0]
        };
        let (near, far) = (along(1e-3) - along(-1e-3), along(2e-3) - along(-2e-3));
        var.set(&origin).unwrap();
        let expected = (8.0 * near - far) / 12e-3;
        let error = (norm - expected).abs();
        assert!(error <= 1e-6 * norm, "{name}: {norm} {expected}");
    }
    // What comes out of the last but one iteration with the parity of a pseudotensor cannot reach
    // a scalar, and forces do not see a constant.
    let unused = ["0-", "1+", "2-"];
    let unused = ["Dense_2", "Dense_3"]
        .iter()
        .flat_map(|layer| unused.map(|irrep| format!("{layer}/{irrep}/kernel")));
    assert_eq!(zero, unused.collect::<Vec<_>>());
}

#[test]
fn energies_and_forces_are_smooth_at_the_cutoff() {
    let (model, _) = model(&small(), 6, DType::F64);
    let frame = |r: f64| {
        let positions = vec![[0.0; 3], [0.0, 1.1, 0.0], [0.8 * r, 0.0, 0.6 * r]];
        Frame::new(vec![6, 1, 8], positions)
    };
    let (first, last, step) = (2.5, 4.5, 0.002);
    let mut before = one(&model, &frame(first));
    let far = one(&model, &frame(100.0)).energy;
    assert!((before.energy - far).abs() > 1e-3);
    let radial = |p: &Prediction| 0.8 * p.forces[2][0] + 0.6 * p.forces[2][2];
    for i in 1..=1000 {
        let now = one(&model, &frame(first + step * f64::from(i)));
        // No jump in the energy, and none in its slope: the trapezoid rule integrates the forces.
        let work = 0.5 * step * (radial(&now) + radial(&before));
        let gain = before.energy - now.energy;
        assert!((gain - work).abs() < 1e-7, "step {i}: {gain} {work}");
        assert!((radial(&now) - radial(&before)).abs() < 0.05, "step {i}");
        before = now;
    }
    let end = one(&model, &frame(last));
    assert_close(&[end.energy], &[far], 1e-13);
}

#[test]
fn lonely_atoms() {
    for dtype in [DType::F32, DType::F64] {
        let (model, _) = model(&small(), 7, dtype);
        let atom = |z: u32, x: f64| Frame::new(vec![z], vec![[x, 0.0, 0.0]]);
        let energies = predict(&model, &[&atom(8, 0.0), &atom(1, 3.0)]);
        for energy in &energies {
            assert!(energy.energy.is_finite() && energy.energy != 0.0);
            assert_eq!(energy.forces, [[0.0; 3]]);
        }
        assert_ne!(energies[0].energy, energies[1].energy);
        let apart = Frame::new(vec![8, 1], vec![[0.0; 3], [5.0, 0.0, 0.0]]);
        let sum = energies[0].energy + energies[1].energy;
        assert_close(&[one(&model, &apart).energy], &[sum], 1e-6);
    }
}

#[test]
fn single_precision_agrees_with_double() {
    let config = rich();
    let (double, parameters) = model(&config, 8, DType::F64);
    let (single, rounded) = model(&config, 9, DType::F32);
    let tensors = parameters.variables().into_iter();
    let tensors = tensors
        .map(|(name, var)| (name, var.into_inner()))
        .collect();
    rounded.assign(&tensors).unwrap();
    assert_eq!((single.dtype(), double.dtype()), (DType::F32, DType::F64));
    for frame in [&ethanol(1)[0], &copper()] {
        let (a, b) = (one(&single, frame), one(&double, frame));
        common::assert_same(&a, &b, 1e-4);
        assert_ne!(a, b);
    }
}

#[test]
fn impossible_sizes() {
    let bad: [(&str, Change); 7] = [
        ("`features`", |c| c.features = 0),
        ("`num_iterations`", |c| c.num_iterations = 0),
        ("`num_basis_functions`", |c| c.num_basis_functions = 0),
        ("`max_atomic_number`", |c| c.max_atomic_number = 0),
        ("`cutoff`", |c| c.cutoff = 0.0),
        ("`cutoff`", |c| c.cutoff = -5.0),
        ("`cutoff`", |c| c.cutoff = f64::NAN),
    ];
    for (name, spoil) in bad {
        let mut config = small();
        spoil(&mut config);
        let result = MessagePassingPotential::seeded(&config, 0, DType::F32);
        assert_error(result, &[name, "expected"]);
    }
}

#[test]
fn elements_beyond_the_model() {
    let (model, _) = model(&small(), 0, DType::F32);
    let frame = Frame::new(vec![1, 30], vec![[0.0; 3], [0.0, 0.0, 1.0]]);
    let batch = Batch::new(&[&frame], 4.0, DType::F32).unwrap();
    let result = model.energy(&batch, &batch.positions);
    assert_error(result, &["atomic_numbers", "from 0 to 29", "30"]);
    let wrong_precision = Batch::new(&[&ethanol(1)[0]], 4.0, DType::F64).unwrap();
    let result = model.energy(&wrong_precision, &wrong_precision.positions);
    assert_error(result, &["f64", "f32"]);
}

#[test]
fn units_and_shift_of_a_trained_potential() {
    let (model, _) = model(&small(), 10, DType::F64);
    let frame = &ethanol(1)[0];
    let inside = one(&model, frame);
    let scale = EnergyScale {
        unit: 0.5,
        shift: -300.0,
    };
    let trained = TrainedPotential { model, scale };
    let (energy, forces) = trained
        .potential(frame)
        .energy_and_forces(&frame.numbers, &frame.positions)
        .unwrap();
    assert_close(&[energy], &[0.5 * inside.energy - 300.0], 1e-14);
    let halves: Vec<f64> = inside
        .forces
        .as_flattened()
        .iter()
        .map(|f| 0.5 * f)
        .collect();
    assert_close(forces.as_flattened(), &halves, 1e-14);
}
