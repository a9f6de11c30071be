//! Warm-up, clipping, weight decay, averages and plateaus in the trainer: off by default (the warm-up
//! excepted), effective when on, and part of checkpoints.

mod common;

use std::path::Path;

use common::{assert_error, ethanol, small, small_run, values};
use e3x::optim::{PlateauConfig, Schedule};
use e3x_atoms::model::{ModelConfig, TrainedPotential};
use e3x_atoms::train::{
    Checkpoint, EpochReport, Precision, TrainConfig, Trainer, evaluate, load_potential,
};

type Change<T> = fn(&mut T);

fn trainer(change: impl Fn(&mut TrainConfig)) -> Trainer {
    let mut config = small_run(Precision::F64);
    change(&mut config);
    Trainer::new(config, &ethanol(40)).unwrap()
}

/// Parameters after the first epoch, and the learning rates of its steps.
fn first_epoch(change: impl Fn(&mut TrainConfig)) -> (Vec<f64>, Vec<f64>) {
    let (mut trainer, mut rates) = (trainer(change), Vec::new());
    let report = |step: &e3x_atoms::train::StepReport| rates.push(step.learning_rate);
    trainer.train_epoch(report).unwrap();
    (parameters(&trainer), rates)
}

fn parameters(trainer: &Trainer) -> Vec<f64> {
    let variables = trainer.parameters().variables();
    variables
        .iter()
        .flat_map(|(_, var)| values(var.as_tensor()))
        .collect()
}

#[test]
fn every_option_changes_the_run() {
    let (plain, _) = first_epoch(|_| {});
    let changes: [(&str, bool, Change<TrainConfig>); 7] = [
        ("warm-up", true, |c| c.warmup_steps = Some(3)),
        ("weight decay", true, |c| c.weight_decay = 0.1),
        ("norm", true, |c| c.clip_norm = Some(1e-3)),
        ("value", true, |c| c.clip_value = Some(1e-4)),
        // Limits that are never reached, averages, and plateaus do not change the first epoch.
        ("large norm", false, |c| c.clip_norm = Some(1e9)),
        ("average", false, |c| c.ema_decay = Some(0.9)),
        ("plateau", false, |c| {
            c.plateau = Some(PlateauConfig::default());
        }),
    ];
    for (name, effective, change) in changes {
        assert_eq!(first_epoch(change).0 != plain, effective, "{name}");
    }
}

#[test]
fn the_learning_rate_warms_up() {
    let (_, rates) = first_epoch(|c| {
        c.warmup_steps = Some(4);
        c.schedule = Schedule::Constant;
    });
    let expected = [0.0, 0.0025, 0.005, 0.0075, 0.01, 0.01];
    common::assert_close(&rates, &expected, 1e-15);
    // If nothing else is said: a tenth of all steps, but at least 900, and at most half.
    for (epochs, warm_up) in [(4, 12.0), (1000, 900.0), (2000, 1200.0)] {
        let (_, rates) = first_epoch(|c| {
            (c.warmup_steps, c.schedule, c.epochs) = (None, Schedule::Constant, epochs);
        });
        common::assert_close(&rates[..2], &[0.0, 0.01 / warm_up], 1e-15);
    }
}

#[test]
fn the_learning_rate_falls_when_the_validation_loss_does_not() {
    // Nothing improves by a factor of 1000.
    let plateau = PlateauConfig {
        factor: 0.5,
        patience: 1,
        rtol: 0.999,
        ..PlateauConfig::default()
    };
    let mut trainer = trainer(|c| {
        c.plateau = Some(plateau);
        c.schedule = Schedule::Constant;
    });
    let mut rates = Vec::new();
    for _ in 0..3 {
        let mut last = 0.0;
        trainer
            .train_epoch(|step| last = step.learning_rate)
            .unwrap();
        rates.push(last);
    }
    common::assert_close(&rates, &[0.01, 0.01, 0.005], 1e-15);
}

/// The model is the one with averaged parameters, in memory and in the file.
#[test]
fn averages_are_what_is_evaluated() {
    let mut run = trainer(|c| c.ema_decay = Some(0.8));
    let report = run.train_epoch(|_| {}).unwrap();
    let frames = run.valid_frames();
    let of = |potential: &TrainedPotential| evaluate(potential, frames, |_, _| {}).unwrap();
    assert_eq!(of(run.potential()), report.valid);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("averaged.safetensors");
    run.save(&path).unwrap();
    assert_eq!(of(&load_potential(&path).unwrap()), report.valid);

    // Without the average, the parameters in the file are those of the last step.
    let mut checkpoint = Checkpoint::read(&path).unwrap();
    checkpoint.config.ema_decay = None;
    let raw = checkpoint.potential().unwrap();
    let mut plain = trainer(|_| {});
    let expected = plain.train_epoch(|_| {}).unwrap();
    assert_eq!(of(&raw), expected.valid);
    assert_ne!(expected.valid, report.valid);
    // A decay of zero averages nothing.
    let mut zero = trainer(|c| c.ema_decay = Some(0.0));
    assert_eq!(zero.train_epoch(|_| {}).unwrap(), expected);
}

fn all_options(config: &mut TrainConfig) {
    config.warmup_steps = Some(5);
    config.weight_decay = 0.01;
    config.clip_value = Some(0.5);
    config.clip_norm = Some(0.5);
    config.ema_decay = Some(0.9);
    config.schedule = "exponential:0.5/10".parse().unwrap();
    config.plateau = Some(PlateauConfig {
        factor: 0.5,
        patience: 1,
        rtol: 0.999,
        ..PlateauConfig::default()
    });
}

fn bytes(trainer: &Trainer, path: &Path) -> Vec<u8> {
    trainer.save(path).unwrap();
    std::fs::read(path).unwrap()
}

/// With everything on: interrupted after every epoch, the run gives the same reports and files.
#[test]
fn a_resumed_run_is_the_uninterrupted_run() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint.safetensors");
    let mut whole = trainer(all_options);
    let mut run = trainer(all_options);
    for _ in 0..3 {
        let epoch = |run: &mut Trainer| -> EpochReport { run.train_epoch(|_| {}).unwrap() };
        assert_eq!(epoch(&mut whole), epoch(&mut run));
        let (expected, found) = (bytes(&whole, &path), bytes(&run, &path));
        assert!(expected == found);
        let checkpoint = Checkpoint::read(&path).unwrap();
        assert_eq!(checkpoint.averaged_steps, checkpoint.steps);
        run = Trainer::resume(run.config().clone(), &ethanol(40), &checkpoint).unwrap();
        assert!(bytes(&run, &path) == expected);
    }
    let mut broken = Checkpoint::read(&path).unwrap();
    broken.average.remove("element_bias");
    assert_error(broken.potential(), &["element_bias", "an average"]);
    let resumed = Trainer::resume(run.config().clone(), &ethanol(40), &broken);
    assert_error(resumed, &["element_bias", "an average"]);
}

/// Settings written before these options existed.
#[test]
fn settings_of_older_checkpoints_are_read() {
    let mut settings = serde_json::to_value(TrainConfig::default()).unwrap();
    let fields = settings.as_object_mut().unwrap();
    let options = [
        "warmup_steps",
        "weight_decay",
        "clip_value",
        "clip_norm",
        "ema_decay",
        "plateau",
        "initial",
        "order",
    ];
    for option in options {
        fields.remove(option).unwrap();
    }
    let model = fields["model"].as_object_mut().unwrap();
    for option in ["attention_heads", "use_fused_tensor"] {
        model.remove(option).unwrap();
    }
    let config: TrainConfig = serde_json::from_value(settings).unwrap();
    let expected = TrainConfig {
        warmup_steps: Some(0),
        clip_norm: None,
        ..TrainConfig::default()
    };
    assert_eq!(config, expected);
    assert_eq!(config.differences(&expected), [""; 0]);
    let other = TrainConfig {
        plateau: Some(PlateauConfig::default()),
        model: ModelConfig {
            attention_heads: Some(4),
            ..small()
        },
        ..config.clone()
    };
    let differences = config.differences(&other);
    for part in [
        "model.attention_heads: null, not 4",
        "plateau: null, not none",
    ] {
        assert!(differences.iter().any(|x| x == part), "{differences:?}");
    }
}

/// Steps with the same pairs of atoms are traced after some; a trainer that was resumed begins again.
#[test]
fn traced_steps_are_those_that_are_not() {
    let options: [Change<TrainConfig>; 4] = [
        |c| c.dtype = Precision::F32,
        |c| c.clip_norm = Some(0.1),
        |c| c.model.attention_heads = Some(2),
        |c| c.model.use_fused_tensor = true,
    ];
    for (i, change) in options.into_iter().enumerate() {
        let config = |c: &mut TrainConfig| {
            // All atoms are neighbours.
            c.model.cutoff = 9.0;
            c.num_train = 10;
            c.epochs = 9;
            change(c);
        };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("checkpoint");
        let mut whole = trainer(config);
        let mut parts = trainer(config);
        for epoch in 0..9 {
            let of_whole = whole.train_epoch(|_| {}).unwrap();
            let of_part = parts.train_epoch(|_| {}).unwrap();
            assert_eq!(of_whole, of_part, "option {i}, epoch {epoch}");
            assert_eq!(
                parameters(&whole),
                parameters(&parts),
                "option {i}, epoch {epoch}"
            );
            parts.save(&path).unwrap();
            let checkpoint = Checkpoint::read(&path).unwrap();
            parts = Trainer::resume(whole.config().clone(), &ethanol(40), &checkpoint).unwrap();
        }
        assert!(format!("{whole:?}").contains("operations"), "option {i}");
        assert!(!format!("{parts:?}").contains("operations"), "option {i}");
    }
}
