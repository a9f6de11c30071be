//! Training: it learns, is reproducible, and refuses what cannot be trained on.

mod common;

use common::{assert_error, ethanol, small_run, values};
use e3x::optim::{PlateauConfig, Schedule};
use e3x_atoms::Frame;
use e3x_atoms::extxyz::{ReadConfig, Reader};
use e3x_atoms::train::{EpochReport, Precision, StepReport, TrainConfig, Trainer, evaluate};

type Change<T> = fn(&mut T);

/// Trains for all epochs.
fn train(trainer: &mut Trainer) -> (Vec<EpochReport>, Vec<StepReport>) {
    let (mut epochs, mut steps) = (Vec::new(), Vec::new());
    while trainer.epoch() < trainer.config().epochs {
        epochs.push(trainer.train_epoch(|step| steps.push(*step)).unwrap());
    }
    (epochs, steps)
}

fn parameters(trainer: &Trainer) -> Vec<(String, Vec<u64>)> {
    let bits = |x: &candle_core::Tensor| values(x).into_iter().map(f64::to_bits).collect();
    let variables = trainer.parameters().variables().into_iter();
    variables
        .map(|(name, var)| (name, bits(var.as_tensor())))
        .collect()
}

/// A run that leaves the plateau around the zeros of a fresh model within a second.
fn quick() -> TrainConfig {
    let mut config = small_run(Precision::F64);
    config.model.features = 8;
    config.model.num_basis_functions = 16;
    config.epochs = 8;
    config.batch_size = 2;
    config.learning_rate = 0.03;
    config.schedule = Schedule::Constant;
    config.forces_weight = 100.0;
    config.energy_unit = 1.0;
    config
}

#[test]
fn the_model_learns_energies_and_forces() {
    let data = ethanol(40);
    let mut trainer = Trainer::new(quick(), &data).unwrap();
    let before = evaluate(trainer.potential(), trainer.valid_frames(), |_, _| {}).unwrap();
    let (epochs, _) = train(&mut trainer);
    assert!(epochs[1].loss < epochs[0].loss);
    let last = epochs.last().unwrap();
    assert!(last.loss < 0.85 * epochs[0].loss);
    assert!(last.valid.forces.mae().unwrap() < 0.9 * before.forces.mae().unwrap());
    assert_eq!(last.valid.energy.count(), 10);
    assert_eq!(last.valid.forces.count(), 10 * 27);
    assert_eq!(last.train.forces.count(), 30 * 27);
    // The report is that of the model as it is now.
    let now = evaluate(trainer.potential(), trainer.valid_frames(), |_, _| {}).unwrap();
    assert_eq!(now, last.valid);
}

#[test]
fn the_loss_is_that_of_the_reports() {
    for (forces_weight, energy_unit) in [(0.0, 1.0), (3.0, 1.0), (1.0, 0.05)] {
        let config = TrainConfig {
            forces_weight,
            energy_unit,
            ..small_run(Precision::F64)
        };
        let mut trainer = Trainer::new(config, &ethanol(40)).unwrap();
        let report = trainer.train_epoch(|_| {}).unwrap();
        let (energy, forces) = (report.train.energy, report.train.forces);
        let squares = [energy, forces].map(|d| (d.rmse().unwrap() / energy_unit).powi(2));
        let expected = squares[0] + forces_weight * squares[1];
        let error = (report.loss - expected).abs();
        assert!(error < 1e-10 * expected, "{} {expected}", report.loss);
    }
}

#[test]
fn the_seed_decides_and_nothing_else() {
    let data = ethanol(40);
    for dtype in [Precision::F32, Precision::F64] {
        let run = |seed| {
            let config = TrainConfig {
                seed,
                epochs: 2,
                ..small_run(dtype)
            };
            let mut trainer = Trainer::new(config, &data).unwrap();
            let reports = train(&mut trainer);
            (reports, parameters(&trainer))
        };
        let (first, second, other) = (run(1), run(1), run(2));
        assert_eq!(first, second);
        assert_ne!(first.0, other.0);
        assert_ne!(first.1, other.1);
    }
}

#[test]
fn steps_and_learning_rates() {
    let data = ethanol(40);
    for (schedule, last) in [(Schedule::Constant, 0.01), (Schedule::Cosine, 0.0)] {
        let config = TrainConfig {
            schedule,
            batch_size: 7,
            ..small_run(Precision::F32)
        };
        let mut trainer = Trainer::new(config, &data).unwrap();
        // 30 = 4 * 7 + 2: the rest is left out, in every epoch another one.
        let (epochs, steps) = train(&mut trainer);
        let numbers: Vec<_> = steps.iter().map(|step| (step.step, step.steps)).collect();
        assert_eq!(numbers, [(1, 4), (2, 4), (3, 4), (4, 4)].repeat(3));
        assert_eq!(epochs[0].train.energy.count(), 28);
        assert_eq!(steps[0].learning_rate, 0.01);
        let end = steps.last().unwrap().learning_rate;
        assert!((end - last).abs() < 3e-4, "{end}");
        assert!(steps.is_sorted_by(|a, b| a.learning_rate >= b.learning_rate));
        let mean = steps[..4].iter().map(|step| step.loss).sum::<f64>() / 4.0;
        assert!((epochs[0].loss - mean).abs() < 1e-9 * mean);
    }
}

#[test]
fn frames_that_cannot_be_trained_on() {
    let check = |spoil: Change<Frame>, parts: &[&str]| {
        let mut data = ethanol(40);
        spoil(&mut data[17]);
        assert_error(Trainer::new(small_run(Precision::F32), &data), parts);
    };
    check(|f| f.energy = None, &["frames[17]", "energy"]);
    check(|f| f.forces = None, &["frames[17]", "forces"]);
    check(|f| f.energy = Some(f64::NAN), &["frames[17].energy", "NaN"]);
    check(
        |f| f.positions[2][0] = f64::NAN,
        &["frames[17].positions[2]"],
    );
    check(
        |f| f.forces.as_mut().unwrap().truncate(8),
        &["frames[17].forces"],
    );
    let forces = |f: &mut Frame| f.forces.as_mut().unwrap()[1][1] = f64::INFINITY;
    check(forces, &["frames[17].forces[1]", "inf"]);
    // Also when evaluating.
    let trainer = Trainer::new(small_run(Precision::F32), &ethanol(40)).unwrap();
    let mut data = ethanol(60);
    data[55].energy = None;
    let result = evaluate(trainer.potential(), &data, |_, _| {});
    assert_error(result, &["frames[55]", "energy"]);
}

#[test]
fn the_reader_refuses_labels_that_are_not_finite() {
    let read = |energy: &str, force: &str| {
        let text = format!(
            "1\nProperties=species:S:1:pos:R:3:forces:R:3 energy={energy}\nH 0 0 0 0 0 {force}\n"
        );
        let config = ReadConfig::energy_and_forces();
        Reader::new("labels", text.as_bytes(), config)
            .next()
            .unwrap()
    };
    assert!(read("-1.5", "0.5").is_ok());
    assert_error(read("nan", "0.5"), &["labels:2", "energy"]);
    assert_error(read("inf", "0.5"), &["labels:2", "energy"]);
    assert_error(read("-1.5", "NaN"), &["labels:3", "forces"]);
    assert_error(read("-1.5", "1e999"), &["labels:3", "forces"]);
}

#[test]
fn impossible_settings() {
    let data = ethanol(40);
    let bad: [(&str, Change<TrainConfig>); 19] = [
        ("`num_train`", |c| c.num_train = 0),
        ("`num_train + num_valid`", |c| c.num_train = 31),
        ("`num_train + num_valid`", |c| c.num_valid = usize::MAX),
        ("`batch_size`", |c| c.batch_size = 0),
        ("`batch_size`", |c| c.batch_size = 31),
        ("`learning_rate`", |c| c.learning_rate = 0.0),
        ("`learning_rate`", |c| c.learning_rate = f64::NAN),
        ("`forces_weight`", |c| c.forces_weight = -1.0),
        ("`forces_weight`", |c| c.forces_weight = f64::INFINITY),
        ("`energy_unit`", |c| c.energy_unit = 0.0),
        ("`features`", |c| c.model.features = 0),
        ("`cutoff`", |c| c.model.cutoff = f64::NAN),
        ("`attention_heads`", |c| c.model.attention_heads = Some(3)),
        ("`weight_decay`", |c| c.weight_decay = f64::NAN),
        ("`clip_norm`", |c| c.clip_norm = Some(0.0)),
        ("`clip_value`", |c| c.clip_value = Some(-1.0)),
        ("`ema_decay`", |c| c.ema_decay = Some(1.0)),
        ("`decay_rate`", |c| {
            c.schedule = Schedule::Exponential {
                decay_rate: 0.0,
                transition_steps: None,
            };
        }),
        ("`patience`", |c| {
            c.plateau = Some(PlateauConfig {
                patience: 0,
                ..PlateauConfig::default()
            });
        }),
    ];
    for (name, spoil) in bad {
        let mut config = small_run(Precision::F32);
        spoil(&mut config);
        assert_error(Trainer::new(config, &data), &[name, "expected"]);
    }
    assert_error(Trainer::new(small_run(Precision::F32), &[]), &["at most 0"]);
}

#[test]
fn elements_beyond_the_model_are_an_error() {
    let mut config = small_run(Precision::F32);
    config.model.max_atomic_number = 7;
    let mut trainer = Trainer::new(config, &ethanol(40)).unwrap();
    let result = trainer.train_epoch(|_| {});
    assert_error(result, &["atomic_numbers", "from 0 to 7", "8"]);
}

#[test]
fn a_run_that_explodes_says_where() {
    let config = TrainConfig {
        learning_rate: 1e30,
        schedule: Schedule::Constant,
        ..small_run(Precision::F32)
    };
    let mut trainer = Trainer::new(config, &ethanol(40)).unwrap();
    let result = trainer.train_epoch(|_| {});
    assert_error(result, &["epoch 1, step", "loss"]);
    assert_eq!(trainer.epoch(), 0);
}
