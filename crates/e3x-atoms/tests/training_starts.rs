//! Runs that start from given parameters and follow a given order of frames.

mod common;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use candle_core::{DType, Tensor};
use common::{assert_error, ethanol, small_run, values};
use e3x_atoms::model::MessagePassingPotential;
use e3x_atoms::split::FrameOrder;
use e3x_atoms::train::{Checkpoint, Precision, TrainConfig, Trainer};
use tempfile::TempDir;

const FRAMES: usize = 40;

fn parameters(trainer: &Trainer) -> Vec<u64> {
    let variables = trainer.parameters().variables();
    let numbers = variables
        .iter()
        .flat_map(|(_, var)| values(var.as_tensor()));
    numbers.map(f64::to_bits).collect()
}

/// What a run of these settings draws.
fn drawn(config: &TrainConfig) -> FrameOrder {
    FrameOrder::draw(
        FRAMES,
        config.num_train,
        config.num_valid,
        config.epochs,
        config.seed,
    )
    .unwrap()
}

/// Files with what a run of these settings draws: its parameters and its order.
fn files(config: &TrainConfig, folder: &TempDir) -> [PathBuf; 2] {
    let files = ["initial.safetensors", "order.json"].map(|name| folder.path().join(name));
    let dtype = config.dtype.dtype();
    let (_, parameters) =
        MessagePassingPotential::seeded(&config.model, config.seed, dtype).unwrap();
    parameters.save(&files[0]).unwrap();
    drawn(config).write(&files[1]).unwrap();
    files
}

/// What is drawn, written down and read by a run with another seed, gives the same run.
#[test]
fn a_run_can_be_repeated_from_files() {
    let folder = tempfile::tempdir().unwrap();
    let config = small_run(Precision::F64);
    let [initial, order] = files(&config, &folder);
    let given = TrainConfig {
        seed: config.seed + 1,
        initial: Some(initial),
        order: Some(order),
        ..config.clone()
    };
    let mut expected = Trainer::new(config, &ethanol(FRAMES)).unwrap();
    let mut run = Trainer::new(given.clone(), &ethanol(FRAMES)).unwrap();
    assert!(parameters(&run) == parameters(&expected));
    let checkpoint = folder.path().join("checkpoint");
    for _ in 0..2 {
        let report = run.train_epoch(|_| {}).unwrap();
        assert_eq!(report, expected.train_epoch(|_| {}).unwrap());
        assert!(parameters(&run) == parameters(&expected));
        // Interrupted after every epoch.
        run.save(&checkpoint).unwrap();
        let saved = Checkpoint::read(&checkpoint).unwrap();
        run = Trainer::resume(given.clone(), &ethanol(FRAMES), &saved).unwrap();
    }
}

#[test]
fn orders_that_do_not_fit_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let config = small_run(Precision::F32);
    let path = folder.path().join("order.json");
    let refuse = |change: fn(&mut FrameOrder), parts: &[&str]| {
        let mut order = drawn(&config);
        change(&mut order);
        order.write(&path).unwrap();
        let config = TrainConfig {
            order: Some(path.clone()),
            ..config.clone()
        };
        let trainer = Trainer::new(config, &ethanol(FRAMES));
        assert_error(trainer.and_then(|mut x| x.train_epoch(|_| {})), parts);
    };
    refuse(|o| o.train.clear(), &["`order`", "at least one"]);
    refuse(
        |o| o.train[0] = FRAMES,
        &["`order`", "below 40", "frame 40"],
    );
    refuse(|o| o.train[1] = o.train[0], &["`order`", "at most once"]);
    refuse(|o| o.valid[0] = o.train[0], &["`order`", "at most once"]);
    refuse(|o| o.valid.truncate(1), &["`order`", "validation frames"]);
    refuse(|o| o.epochs.truncate(1), &["`order`", "epochs", "1"]);
    refuse(
        |o| o.epochs[0].truncate(5),
        &["`order`", "permutation", "epoch 1"],
    );
    refuse(
        |o| o.epochs[0][3] = o.epochs[0][4],
        &["`order`", "permutation"],
    );
}

#[test]
fn files_that_cannot_be_read_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing");
    let broken = folder.path().join("broken");
    std::fs::write(&broken, "not what was expected").unwrap();
    let start = |initial: Option<&Path>, order: Option<&Path>| {
        let config = TrainConfig {
            initial: initial.map(Path::to_path_buf),
            order: order.map(Path::to_path_buf),
            ..small_run(Precision::F32)
        };
        Trainer::new(config, &ethanol(FRAMES))
    };
    assert_error(start(None, Some(&missing)), &["read", "missing"]);
    assert_error(start(None, Some(&broken)), &["`order`", "JSON", "broken"]);
    for file in [&missing, &broken] {
        let name = file.file_name().unwrap().to_str().unwrap();
        assert_error(start(Some(file), None), &["`initial`", "safetensors", name]);
    }
    // Parameters of another model.
    let tensor = Tensor::zeros(3, DType::F32, &candle_core::Device::Cpu).unwrap();
    let other = HashMap::from([("something", tensor)]);
    candle_core::safetensors::save(&other, &broken).unwrap();
    assert_error(start(Some(&broken), None), &["something"]);
}
