//! `Parameters`: seeds, names, files, assignment, bad input.

mod support;

use std::collections::BTreeMap;
use std::path::PathBuf;

use candle_core::{DType, Tensor};
use e3x::Result;
use e3x::autograd::{CreateGraph, grad, variable};
use e3x::nn::{Dense, DenseConfig, Embed, Initializer, MessagePass, MessagePassConfig};
use e3x::nn::{Parameters, TensorConfig, VarBuilder};
use support::{CPU, assert_error, bits, flat, names_of, shape, values_of, zeros};

/// A file of this test run.
fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-{name}", std::process::id()))
}

fn all_bits(parameters: &Parameters) -> BTreeMap<String, Vec<u64>> {
    let values = values_of(parameters).into_iter();
    values.map(|(name, x)| (name, bits(&x))).collect()
}

/// Builds one part of a small model.
fn build(part: usize, vb: &VarBuilder) -> Result<()> {
    match part {
        0 => drop(Embed::new(4, 2, vb.pp("embed"))?),
        1 => drop(Dense::new(
            shape(2, 1, 2),
            DenseConfig::new(3),
            vb.pp("dense"),
        )?),
        2 => {
            let (a, b) = (shape(1, 1, 2), shape(1, 0, 2));
            drop(e3x::nn::Tensor::new(
                a,
                b,
                TensorConfig::default(),
                vb.pp("tensor"),
            )?);
        }
        _ => {
            let config = MessagePassConfig {
                use_basis_bias: true,
                ..MessagePassConfig::default()
            };
            let vb = vb.pp("blocks").pp("0");
            drop(MessagePass::new(shape(1, 0, 2), (1, 3), config, vb)?);
        }
    }
    Ok(())
}

fn model(seed: u64, order: [usize; 4], dtype: DType) -> Result<Parameters> {
    let parameters = Parameters::seeded(seed);
    let vb = parameters.builder(dtype, CPU);
    for part in order {
        build(part, &vb)?;
    }
    Ok(parameters)
}

const ORDER: [usize; 4] = [0, 1, 2, 3];

#[test]
fn names_are_those_of_flax_in_sorted_order() -> Result<()> {
    let parameters = model(0, [3, 1, 0, 2], DType::F32)?;
    let expected = [
        "blocks/0/filter/0+/bias",
        "blocks/0/filter/0+/kernel",
        "blocks/0/filter/1-/kernel",
        "blocks/0/tensor/kernel",
        "dense/0+/bias",
        "dense/0+/kernel",
        "dense/0-/kernel",
        "dense/1+/kernel",
        "dense/1-/kernel",
        "embed/embedding",
        "tensor/kernel",
    ];
    assert_eq!(names_of(&parameters), expected);
    let sizes = values_of(&parameters);
    let num: usize = sizes.values().map(Tensor::elem_count).sum();
    assert_eq!(parameters.num_values(), num);
    assert_eq!(sizes["dense/1-/kernel"].dims(), [2, 3]);
    Ok(())
}

#[test]
fn the_same_seed_gives_the_same_values_in_any_order_of_layers() -> Result<()> {
    let reference = all_bits(&model(7, ORDER, DType::F64)?);
    assert_eq!(all_bits(&model(7, [3, 2, 1, 0], DType::F64)?), reference);
    assert_eq!(all_bits(&model(7, [1, 3, 0, 2], DType::F64)?), reference);
    let narrow = values_of(&model(7, ORDER, DType::F32)?);
    for (name, wide) in values_of(&model(7, ORDER, DType::F64)?) {
        assert_eq!(narrow[&name].dtype(), DType::F32);
        let rounded = wide.to_dtype(DType::F32)?;
        assert_eq!(flat(&narrow[&name]), flat(&rounded), "{name}");
    }
    Ok(())
}

#[test]
fn other_seeds_and_other_names_give_other_values() -> Result<()> {
    let (a, b) = (model(7, ORDER, DType::F64)?, model(8, ORDER, DType::F64)?);
    let (a, b) = (all_bits(&a), all_bits(&b));
    for name in a.keys().filter(|name| !name.ends_with("bias")) {
        assert_ne!(a[name], b[name], "{name}");
    }
    assert_ne!(a["dense/0+/kernel"], a["dense/0-/kernel"]);
    Ok(())
}

#[test]
fn files_give_the_values_back() -> Result<()> {
    for dtype in [DType::F32, DType::F64] {
        let original = model(1, ORDER, dtype)?;
        let path = path(&format!("{dtype:?}.safetensors"));
        original.save(&path)?;
        let loaded = Parameters::from_file(&path)?;
        std::fs::remove_file(&path).unwrap();
        assert_eq!(loaded.unused(), names_of(&original));
        let vb = loaded.builder(dtype, CPU);
        for part in [2, 0, 3, 1] {
            build(part, &vb)?;
        }
        assert_eq!(all_bits(&loaded), all_bits(&original));
        assert!(loaded.unused().is_empty());
    }
    Ok(())
}

#[test]
fn given_values_are_converted_to_the_dtype_of_the_builder() -> Result<()> {
    let tensors = [("x".to_string(), Tensor::new(&[0.1f64, 0.2], CPU)?)];
    let vb = Parameters::from_tensors(tensors).builder(DType::F32, CPU);
    let x = vb.get_with_hints(2, "x", Initializer::Zeros)?;
    assert_eq!(x.to_vec1::<f32>()?, [0.1, 0.2]);
    Ok(())
}

#[test]
fn unused_tensors_are_listed() -> Result<()> {
    let mut tensors = values_of(&model(1, ORDER, DType::F64)?);
    tensors.insert("head/kernel".into(), zeros(&[2], DType::F64));
    let parameters = Parameters::from_tensors(tensors);
    let vb = parameters.builder(DType::F64, CPU);
    for part in [0, 1, 3] {
        build(part, &vb)?;
    }
    assert_eq!(parameters.unused(), ["head/kernel", "tensor/kernel"]);
    assert!(model(1, ORDER, DType::F64)?.unused().is_empty());
    Ok(())
}

/// Layers built before see assigned values, and clones share them.
#[test]
fn assigned_values_reach_the_layers() -> Result<()> {
    let parameters = Parameters::seeded(0);
    let vb = parameters.builder(DType::F32, CPU);
    let embed = Embed::new(2, 1, vb)?;
    let clone = parameters.clone();
    let table = Tensor::new(&[5.0f64, 6.0], CPU)?.reshape((2, 1, 1, 1))?;
    clone.assign(&BTreeMap::from([("embedding".to_string(), table)]))?;
    let y = embed.forward(&Tensor::new(&[1u32, 0], CPU)?)?;
    assert_eq!(flat(&y), [6.0, 5.0]);
    assert_eq!(flat(&values_of(&parameters)["embedding"]), [5.0, 6.0]);
    Ok(())
}

/// Layers with frozen parameters record nothing, compute the same, and see assigned values.
#[test]
fn frozen_parameters_are_constants_that_follow() -> Result<()> {
    let parameters = Parameters::seeded(0);
    let embed = Embed::new(2, 1, parameters.builder(DType::F64, CPU))?;
    let frozen = Embed::new(2, 1, parameters.frozen().builder(DType::F64, CPU))?;
    let indices = Tensor::new(&[1u32, 0], CPU)?;
    assert!(embed.forward(&indices)?.track_op());
    assert!(!frozen.forward(&indices)?.track_op());
    let table = Tensor::new(&[5.0f64, 6.0], CPU)?.reshape((2, 1, 1, 1))?;
    for _ in 0..2 {
        assert_eq!(
            flat(&frozen.forward(&indices)?),
            flat(&embed.forward(&indices)?)
        );
        parameters.assign(&BTreeMap::from([("embedding".to_string(), table.clone())]))?;
    }
    assert_eq!(flat(&frozen.forward(&indices)?), [6.0, 5.0]);
    Ok(())
}

/// Dense layers keep constant kernels in another order, which must not be seen in values and derivatives.
#[test]
fn frozen_layers_compute_the_same_and_follow() -> Result<()> {
    let dense = |parameters: &Parameters| {
        let vb = parameters.builder(DType::F64, CPU);
        Dense::new(shape(2, 1, 2), DenseConfig::new(3), vb)
    };
    let parameters = Parameters::seeded(0);
    let (free, frozen) = (dense(&parameters)?, dense(&parameters.frozen())?);
    let x = Tensor::arange(0.0f64, 64.0, CPU)?.sin()?;
    let x = variable(&x.reshape((4, 2, 4, 2))?)?;
    let results = |layer: &Dense| -> Result<[Tensor; 3]> {
        let y = layer.forward(&x)?;
        let first = grad(&y.powf(3.0)?.sum_all()?, &[&x], CreateGraph::Yes)?.remove(0);
        let second = grad(&first.sqr()?.sum_all()?, &[&x], CreateGraph::No)?.remove(0);
        Ok([y, first, second])
    };
    for seed in 1..4 {
        for (a, b) in results(&free)?.iter().zip(&results(&frozen)?) {
            let close = |(a, b): (&f64, &f64)| (a - b).abs() <= 1e-12 * a.abs().max(1.0);
            assert!(flat(a).iter().zip(&flat(b)).all(close));
        }
        let other = Parameters::seeded(seed);
        dense(&other)?;
        parameters.assign(&values_of(&other))?;
    }
    Ok(())
}

#[test]
fn assignment_that_fails_changes_nothing() -> Result<()> {
    let parameters = model(1, ORDER, DType::F64)?;
    let before = all_bits(&parameters);
    let good: BTreeMap<_, _> = values_of(&model(2, ORDER, DType::F64)?);
    let last = "tensor/kernel".to_string();
    let mut missing = good.clone();
    missing.remove(&last);
    let result = parameters.assign(&missing);
    assert_error(
        "missing",
        result,
        &["tensor/kernel", "nothing of this name"],
    );
    let mut other = good.clone();
    other.insert(last, zeros(&[1, 2], DType::F64));
    let result = parameters.assign(&other);
    assert_error("shape", result, &["tensor/kernel", "[1, 2]"]);
    let mut unknown = good.clone();
    unknown.insert("zzz".into(), zeros(&[1], DType::F64));
    let result = parameters.assign(&unknown);
    assert_error("unknown", result, &["zzz", "does not have"]);
    assert_eq!(all_bits(&parameters), before);
    parameters.assign(&good)?;
    assert_eq!(
        all_bits(&parameters),
        all_bits(&model(2, ORDER, DType::F64)?)
    );
    Ok(())
}

#[test]
fn a_name_twice_is_shared_if_it_fits_and_an_error_otherwise() -> Result<()> {
    let parameters = Parameters::seeded(0);
    let vb = parameters.builder(DType::F64, CPU);
    let x = vb.get_with_hints(3, "x", Initializer::Ones)?;
    let again = vb.get_with_hints(3, "x", Initializer::Zeros)?;
    assert_eq!(x.id(), again.id());
    assert_eq!(flat(&again), [1.0; 3]);
    let other = vb.get_with_hints(4, "x", Initializer::Ones);
    assert_error(
        "shape",
        other.map_err(e3x::Error::from),
        &["'x'", "[4]", "[3]"],
    );
    let narrow = parameters.builder(DType::F32, CPU);
    let other = narrow.get_with_hints(3, "x", Initializer::Ones);
    assert_error(
        "dtype",
        other.map_err(e3x::Error::from),
        &["'x'", "F32", "F64"],
    );
    Ok(())
}

#[test]
fn candle_layers_can_ask_without_a_shape() -> Result<()> {
    let tensors = [("a/x".to_string(), zeros(&[2, 3], DType::F32))];
    let given = Parameters::from_tensors(tensors).builder(DType::F32, CPU);
    assert!(given.contains_tensor("a.x"));
    assert!(!given.contains_tensor("a.y"));
    assert_eq!(given.pp("a").get_unchecked("x")?.dims(), [2, 3]);
    let missing = given.get_unchecked("b").map_err(e3x::Error::from);
    assert_error("missing", missing, &["'b'", "none of this name"]);
    let seeded = Parameters::seeded(0).builder(DType::F32, CPU);
    assert!(!seeded.contains_tensor("x"));
    assert!(seeded.get_unchecked("x").is_err());
    let linear = candle_nn::linear_no_bias(2, 3, candle_nn::VarBuilder::zeros(DType::F32, CPU))?;
    assert_eq!(linear.weight().dims(), [3, 2]);
    Ok(())
}

#[test]
fn files_that_cannot_be_used_are_errors_that_name_them() -> Result<()> {
    let missing = path("nowhere").join("x.safetensors");
    assert_error(
        "missing",
        Parameters::from_file(&missing),
        &["x.safetensors"],
    );
    let parameters = model(0, ORDER, DType::F32)?;
    assert_error("no folder", parameters.save(&missing), &["x.safetensors"]);
    let garbage = path("garbage.safetensors");
    for bytes in [&b""[..], b"this is not a safetensors file", &[0xff; 64]] {
        std::fs::write(&garbage, bytes).unwrap();
        let result = Parameters::from_file(&garbage);
        assert_error("garbage", result, &["garbage.safetensors"]);
    }
    // A file that ends too early.
    parameters.save(&garbage)?;
    let bytes = std::fs::read(&garbage).unwrap();
    std::fs::write(&garbage, &bytes[..bytes.len() - 5]).unwrap();
    let result = Parameters::from_file(&garbage);
    assert_error("short", result, &["garbage.safetensors"]);
    std::fs::remove_file(&garbage).unwrap();
    Ok(())
}
