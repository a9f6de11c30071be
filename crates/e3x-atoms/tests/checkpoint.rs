//! Checkpoints: a resumed run is the uninterrupted run, and nothing else is accepted.

mod common;

use std::path::{Path, PathBuf};

use common::{assert_error, ethanol, small_run, values};
use e3x_atoms::Frame;
use e3x_atoms::train::{
    Checkpoint, EpochReport, Precision, TrainConfig, Trainer, evaluate, load_potential,
};
use tempfile::TempDir;

type Change<T> = fn(&mut T);

fn epoch(trainer: &mut Trainer) -> EpochReport {
    trainer.train_epoch(|_| {}).unwrap()
}

/// A run after its first epoch, its checkpoint, and the folder that holds it.
fn started(dtype: Precision) -> (Trainer, PathBuf, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint.safetensors");
    let mut trainer = Trainer::new(small_run(dtype), &ethanol(40)).unwrap();
    epoch(&mut trainer);
    trainer.save(&path).unwrap();
    (trainer, path, folder)
}

fn resume(config: TrainConfig, frames: &[Frame], path: &Path) -> e3x_atoms::Result<Trainer> {
    Trainer::resume(config, frames, &Checkpoint::read(path)?)
}

#[test]
fn a_resumed_run_is_the_uninterrupted_run() {
    for dtype in [Precision::F32, Precision::F64] {
        let (mut whole, path, folder) = started(dtype);
        let mut reports = Vec::new();
        while whole.epoch() < 3 {
            reports.push(epoch(&mut whole));
            let name = format!("whole-{}", whole.epoch());
            whole.save(folder.path().join(name)).unwrap();
        }
        // Once from the first epoch, and once interrupted again after every epoch.
        for interrupted in [false, true] {
            let mut run = resume(small_run(dtype), &ethanol(40), &path).unwrap();
            assert_eq!(run.epoch(), 1);
            for report in &reports {
                assert_eq!(epoch(&mut run), *report);
                let again = folder.path().join("again");
                run.save(&again).unwrap();
                let expected = folder.path().join(format!("whole-{}", run.epoch()));
                let bytes = |path: &Path| std::fs::read(path).unwrap();
                assert!(bytes(&again) == bytes(&expected), "epoch {}", run.epoch());
                if interrupted {
                    run = resume(small_run(dtype), &ethanol(40), &again).unwrap();
                }
            }
        }
    }
}

#[test]
fn everything_comes_back() {
    let (trainer, path, _folder) = started(Precision::F64);
    let checkpoint = Checkpoint::read(&path).unwrap();
    assert_eq!(checkpoint.config, *trainer.config());
    assert_eq!(checkpoint.scale, trainer.potential().scale);
    assert_eq!((checkpoint.epoch, checkpoint.steps), (1, 6));
    let names: Vec<_> = checkpoint.parameters.keys().cloned().collect();
    let variables = trainer.parameters().variables();
    let expected: Vec<_> = variables.iter().map(|(name, _)| name.clone()).collect();
    assert_eq!(names, expected);
    for (name, var) in &variables {
        assert_eq!(
            values(&checkpoint.parameters[name]),
            values(var.as_tensor())
        );
        for moment in ["mean", "square"] {
            let moment = &checkpoint.optimizer[&format!("{moment}/{name}")];
            assert_eq!(moment.dims(), var.dims());
        }
    }
    let loaded = load_potential(&path).unwrap();
    let frames = trainer.valid_frames();
    let deviations = evaluate(&loaded, frames, |_, _| {}).unwrap();
    let expected = evaluate(trainer.potential(), frames, |_, _| {}).unwrap();
    assert_eq!(deviations, expected);
}

#[test]
fn other_settings_are_named() {
    let (_, path, _folder) = started(Precision::F32);
    let changes: [(&str, Change<TrainConfig>); 9] = [
        ("model.features: 4, not 6", |c| c.model.features = 6),
        ("model.cutoff: 4.0, not 4.5", |c| c.model.cutoff = 4.5),
        ("num_valid: 10, not 9", |c| c.num_valid = 9),
        ("epochs: 3, not 4", |c| c.epochs = 4),
        ("batch_size: 5, not 6", |c| c.batch_size = 6),
        ("learning_rate: 0.01, not 0.02", |c| c.learning_rate = 0.02),
        ("forces_weight: 1.0, not 2.0", |c| c.forces_weight = 2.0),
        ("seed: 0, not 1", |c| c.seed = 1),
        ("dtype: \"f32\", not \"f64\"", |c| c.dtype = Precision::F64),
    ];
    let mut all = small_run(Precision::F32);
    for (message, change) in changes {
        let mut config = small_run(Precision::F32);
        change(&mut config);
        assert_error(resume(config, &ethanol(40), &path), &["`resume`", message]);
        change(&mut all);
    }
    let messages = changes.map(|(message, _)| message);
    assert_error(resume(all, &ethanol(40), &path), &messages);
    assert!(resume(small_run(Precision::F32), &ethanol(40), &path).is_ok());
}

#[test]
fn other_data_is_refused() {
    let (_, path, _folder) = started(Precision::F32);
    let changes: [Change<Frame>; 3] = [
        |f| f.energy = f.energy.map(|e| e + 1.0),
        |f| f.forces.as_mut().unwrap()[0][0] += 1e-9,
        |f| f.positions[8][2] += 1e-9,
    ];
    for change in changes {
        let mut data = ethanol(40);
        change(&mut data[20]);
        let result = resume(small_run(Precision::F32), &data, &path);
        assert_error(result, &["`data`", "the checkpoint", "fingerprint"]);
    }
    let result = resume(small_run(Precision::F32), &ethanol(39), &path);
    assert_error(result, &["at most 39"]);
}

#[test]
fn what_is_not_a_checkpoint() {
    let (_, path, folder) = started(Precision::F32);
    let bytes = std::fs::read(&path).unwrap();
    let other = folder.path().join("other.safetensors");
    let read = |content: &[u8]| {
        std::fs::write(&other, content).unwrap();
        load_potential(&other)
    };
    assert!(read(&bytes).is_ok());
    let parts = ["other.safetensors", "expected a checkpoint", "received"];
    assert_error(read(b""), &parts);
    assert_error(read(b"not a checkpoint, but some text"), &parts);
    assert_error(read(&[255; 4096]), &parts);
    for length in [7, 8, 100, bytes.len() / 2, bytes.len() - 1] {
        assert_error(read(&bytes[..length]), &parts);
    }
    assert_error(read(&[&bytes[..], b"more"].concat()), &parts);
    // A safetensors file of something else, and a checkpoint of the future.
    let text = String::from_utf8_lossy(&bytes).into_owned();
    assert!(text.contains("checkpoint 1") && text.contains("{\"e3x\":"));
    let replaced = |from: &[u8], to: &[u8]| {
        let start = bytes.windows(from.len()).position(|w| w == from).unwrap();
        [&bytes[..start], to, &bytes[start + from.len()..]].concat()
    };
    assert_error(
        read(&replaced(b"checkpoint 1", b"checkpoint 2")),
        &["checkpoint 2"],
    );
    assert_error(
        read(&replaced(b"{\"e3x\":", b"{\"e4x\":")),
        &["no 'e3x' in its metadata"],
    );
    assert_error(read(&replaced(b"epochs", b"epocks")), &["epocks"]);
    let renamed = read(&replaced(b"\"element_bias\"", b"\"element_bios\""));
    assert_error(renamed, &["element_bias"]);
    let missing = load_potential(folder.path().join("missing.safetensors"));
    assert_error(missing, &["cannot read", "missing.safetensors"]);
    assert_error(load_potential(folder.path()), &["cannot read"]);
}

#[test]
fn parameters_that_do_not_fit() {
    let (_, path, _folder) = started(Precision::F32);
    let good = Checkpoint::read(&path).unwrap();
    let check = |spoil: Change<Checkpoint>, name: &str| {
        let mut bad = good.clone();
        spoil(&mut bad);
        assert_error(bad.potential(), &[name]);
        let result = Trainer::resume(small_run(Precision::F32), &ethanol(40), &bad);
        assert_error(result, &[name]);
    };
    check(
        |c| drop(c.parameters.remove("Dense_4/kernel")),
        "Dense_4/kernel",
    );
    check(
        |c| {
            let bias = c.parameters["element_bias"].clone();
            c.parameters.insert("extra".into(), bias);
        },
        "extra",
    );
    check(
        |c| {
            let bias = c.parameters["element_bias"].narrow(0, 0, 3).unwrap();
            c.parameters.insert("element_bias".into(), bias);
        },
        "element_bias",
    );
    let mut bad = good.clone();
    bad.optimizer.remove("square/element_bias");
    let result = Trainer::resume(small_run(Precision::F32), &ethanol(40), &bad);
    assert_error(result, &["square/element_bias"]);
}

#[test]
fn a_failing_write_leaves_the_old_file() {
    let (mut trainer, path, folder) = started(Precision::F32);
    let old = std::fs::read(&path).unwrap();
    epoch(&mut trainer);
    // A folder of the target's name: the rename fails after everything is written.
    let taken = folder.path().join("taken");
    std::fs::create_dir(&taken).unwrap();
    assert_error(trainer.save(&taken), &["taken"]);
    assert_error(
        trainer.save(folder.path().join("no/such.st")),
        &["cannot create", "such.st"],
    );
    let entries = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!((std::fs::read(&path).unwrap(), entries), (old.clone(), 2));
    trainer.save(&path).unwrap();
    assert_ne!(std::fs::read(&path).unwrap(), old);
}
