//! The potential with attention and with fused tensor products.

mod common;

use candle_core::{DType, Device};
use common::{assert_close, ethanol, model, molecules, predict, repository, small, values};
use e3x::autograd::CreateGraph;
use e3x::nn::Parameters;
use e3x::testing::{Input, Quantity, SymmetryCheck, assert_symmetries};
use e3x_atoms::batch::Batch;
use e3x_atoms::model::{MessagePassingPotential, ModelConfig};
use e3x_atoms::{Error, Frame};

fn variants() -> [ModelConfig; 4] {
    [
        (None, false),
        (None, true),
        (Some(2), false),
        (Some(4), true),
    ]
    .map(|(attention_heads, use_fused_tensor)| ModelConfig {
        attention_heads,
        use_fused_tensor,
        ..small()
    })
}

#[test]
fn energies_are_invariant_and_forces_vectors() {
    let frame = ethanol(1).remove(0);
    for config in variants() {
        let (model, _) = model(&config, 1, DType::F64);
        let batch = Batch::new(&[&frame], config.cutoff, DType::F64).unwrap();
        let at = |positions: &candle_core::Tensor| {
            let batch = Batch {
                positions: positions.clone(),
                ..batch.clone()
            };
            let result: Result<_, Error> = model.energy_and_forces(&batch, CreateGraph::No);
            result.map_err(|error| e3x::Error::Candle(candle_core::Error::wrap(error)))
        };
        let positions = [Input::new(&batch.positions, Quantity::Points)];
        let check = SymmetryCheck {
            rtol: 1e-10,
            ..SymmetryCheck::default()
        };
        assert_symmetries(
            |x| Ok(at(&x[0])?.0),
            &positions,
            Quantity::Invariant,
            &check,
        );
        assert_symmetries(|x| Ok(at(&x[0])?.1), &positions, Quantity::Vectors, &check);
    }
}

/// Forces are derivatives of the energy, and an atom that leaves the cutoff does so smoothly.
#[test]
fn forces_are_derivatives_up_to_the_cutoff() {
    let pair = |distance: f64| {
        Frame::new(
            vec![8, 1, 1],
            vec![[0.0; 3], [0.9, 0.1, 0.0], [0.0, 0.0, distance]],
        )
    };
    for config in variants() {
        let (model, _) = model(&config, 2, DType::F64);
        let at = |distance| predict(&model, &[&pair(distance)]).remove(0);
        for distance in [1.3, 2.5, 3.9, config.cutoff] {
            let (h, here) = (1e-4, at(distance));
            let difference = (at(distance - h).energy - at(distance + h).energy) / (2.0 * h);
            assert_close(&[here.forces[2][2]], &[difference], 1e-6);
        }
        let [inside, outside] = [-1e-3, 1e-3].map(|d| at(config.cutoff + d).energy);
        assert_close(&[inside], &[outside], 1e-8);
    }
}

#[test]
fn parameters_are_named_as_in_flax() {
    let names = |config: &ModelConfig| {
        let (model, parameters) = MessagePassingPotential::seeded(config, 0, DType::F32).unwrap();
        assert_eq!(model.summary().num_parameters(), parameters.num_values());
        let variables = parameters.variables().into_iter();
        let names: Vec<String> = variables.map(|(name, _)| name).collect();
        let printed = model.to_string();
        let tops = names.iter().filter_map(|name| name.split('/').next());
        assert!(tops.clone().all(|name| printed.contains(name)), "{printed}");
        names
    };
    let [plain, fused, attention, both] = variants().map(|config| names(&config));
    let has = |names: &[String], name: &str| names.iter().any(|x| x == name);
    assert!(has(&plain, "MessagePass_1/tensor/kernel"));
    assert!(has(&fused, "MessagePass_1/fused_tensor/kernel_e1"));
    assert!(has(
        &attention,
        "SelfAttention_0/relative_positional_encoding/kernel"
    ));
    assert!(has(&attention, "SelfAttention_1/tensor/kernel"));
    assert!(has(&both, "SelfAttention_0/fused_tensor/kernel_eee"));
    for names in [plain, fused, attention, both] {
        assert!(has(&names, "Dense_4/kernel") && has(&names, "element_bias"));
    }
}

/// Fresh models differ in nothing but the exchange: with all weights at their start, they all give
/// the sum of (zero) element biases.
#[test]
fn fresh_models_start_at_zero() {
    let frame = ethanol(1).remove(0);
    for config in variants() {
        let (model, parameters) = MessagePassingPotential::seeded(&config, 0, DType::F64).unwrap();
        assert_eq!(predict(&model, &[&frame])[0].energy, 0.0);
        let readout = parameters.variables();
        let (_, readout) = readout
            .iter()
            .find(|(name, _)| name == "Dense_4/kernel")
            .unwrap();
        assert!(values(readout.as_tensor()).iter().all(|x| *x == 0.0));
    }
}

/// Energies and forces of the same models in Python (`data/variants.py`), from its parameters.
#[test]
fn energies_and_forces_are_those_of_python() {
    let sizes = ModelConfig {
        features: 6,
        num_basis_functions: 5,
        cutoff: 5.0,
        max_atomic_number: 9,
        ..small()
    };
    for (name, attention_heads, use_fused_tensor) in [
        ("fused", None, true),
        ("attention", Some(2), false),
        ("both", Some(3), true),
    ] {
        let file = format!("crates/e3x-atoms/tests/data/variants_{name}.safetensors");
        let data = candle_core::safetensors::load(repository(&file), &Device::Cpu).unwrap();
        let given = data.iter().filter_map(|(path, tensor)| {
            let path = path.strip_prefix("param/")?;
            Some((path.to_string(), tensor.clone()))
        });
        let parameters = Parameters::from_tensors(given);
        let config = ModelConfig {
            attention_heads,
            use_fused_tensor,
            ..sizes.clone()
        };
        let vb = parameters.builder(DType::F64, &Device::Cpu);
        let model = MessagePassingPotential::new(&config, vb).unwrap();
        assert_eq!(parameters.unused(), [""; 0]);
        let frames = molecules(&data);
        let predictions = predict(&model, &frames.iter().collect::<Vec<_>>());
        let energies: Vec<f64> = predictions.iter().map(|p| p.energy).collect();
        let forces: Vec<f64> = predictions.iter().flat_map(|p| p.forces.concat()).collect();
        assert_close(&energies, &values(&data["energy"]), 1e-10);
        assert_close(&forces, &values(&data["forces"]), 1e-10);
    }
}
