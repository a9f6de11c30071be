//! Training with a progress bar, metrics, checkpoints and plots.

use std::time::Instant;

use e3x_atoms::atomic_file::remove_leftovers;
use e3x_atoms::metrics::{EnergyForceDeviations, MetricsLog, read_metrics};
use e3x_atoms::model::TrainedPotential;
use e3x_atoms::split::{FrameOrder, train_valid_split};
use e3x_atoms::train::{Checkpoint, EpochReport, Trainer, evaluate};
use e3x_atoms::{Error, Frame, Result, plot};
use indicatif::{ProgressBar, ProgressStyle};

use crate::cli::Cli;
use crate::{argument, print_deviations};

/// Frames of the file from which training and validation frames are drawn.
const POOL: usize = 1000;

const COLUMNS: [&str; 6] = [
    "loss",
    "train_energy_mae_eV",
    "train_forces_mae_eV_per_A",
    "valid_energy_mae_eV",
    "valid_forces_mae_eV_per_A",
    "learning_rate",
];

/// The files of a run.
const RESULTS: [&str; 7] = [
    "checkpoint.safetensors",
    "metrics.csv",
    "learning_curves.png",
    "forces.png",
    "relaxed.extxyz",
    "trajectory.extxyz",
    "dynamics.png",
];

/// What training leaves for the rest of the program.
pub struct Trained {
    /// The model.
    pub potential: TrainedPotential,
    /// Deviations on the validation frames.
    pub valid: EnergyForceDeviations,
    /// Deviations on the test frames.
    pub test: EnergyForceDeviations,
    /// A frame to start relaxation and dynamics from.
    pub start: Frame,
}

/// Trains (or goes on training) and evaluates.
pub fn run(cli: &Cli, frames: &[Frame]) -> Result<Trained> {
    let (pool, test) = pool_and_test(cli, frames)?;
    let mut trainer = start(cli, pool)?;
    println!("{}", trainer.potential().model);
    println!(
        "{} parameters; {} training, {} validation, {} test frames; {} epochs of {} steps",
        trainer.parameters().num_values(),
        cli.train,
        cli.valid,
        test.len(),
        cli.epochs,
        trainer.config().steps_per_epoch(),
    );
    train(cli, &mut trainer)?;
    let potential = trainer.potential().clone();
    let valid = evaluate(&potential, trainer.valid_frames(), |_, _| {})?;
    print_deviations("valid ", &valid);
    let deviations = evaluate_test(cli, &potential, &test)?;
    print_deviations("test ", &deviations);
    draw_learning_curves(cli)?;
    Ok(Trained {
        potential,
        valid,
        test: deviations,
        start: pool[0].clone(),
    })
}

/// Writes what a run starts from: its parameters, its frames and their order.
pub fn write_starts(cli: &Cli, frames: &[Frame]) -> Result<()> {
    let (pool, _) = pool_and_test(cli, frames)?;
    let trainer = Trainer::new(cli.train_config(), pool)?;
    let order = match &cli.order {
        Some(file) => FrameOrder::read(file)?,
        None => FrameOrder::draw(pool.len(), cli.train, cli.valid, cli.epochs, cli.seed)?,
    };
    let files = ["initial.safetensors", "order.json"].map(|name| cli.out.join(name));
    if let Some(existing) = files.iter().find(|file| file.exists() && !cli.overwrite) {
        return Err(argument(
            "--out",
            "a folder without the start of a run (or --overwrite to replace it)",
            format!("one with {}", existing.display()),
        ));
    }
    create_out(cli)?;
    trainer.parameters().save(&files[0])?;
    order.write(&files[1])?;
    println!("written: {}, {}", files[0].display(), files[1].display());
    Ok(())
}

fn create_out(cli: &Cli) -> Result<()> {
    std::fs::create_dir_all(&cli.out).map_err(|source| Error::Io {
        action: "create",
        path: cli.out.clone(),
        source,
    })
}

/// The frames to draw from, and those to test on: what comes after the pool, or else what is not drawn.
fn pool_and_test<'a>(cli: &Cli, frames: &'a [Frame]) -> Result<(&'a [Frame], Vec<Frame>)> {
    let wanted = cli.train.saturating_add(cli.valid);
    let (pool, after) = frames.split_at(frames.len().min(POOL.max(wanted)));
    if !after.is_empty() {
        return Ok((pool, after.to_vec()));
    }
    let split = match &cli.order {
        Some(file) => FrameOrder::read(file)?.split(pool.len())?,
        None => train_valid_split(pool.len(), cli.train, cli.valid, cli.seed)?,
    };
    Ok((pool, split.rest.iter().map(|&i| pool[i].clone()).collect()))
}

/// A fresh trainer, or the one of the checkpoint.
fn start(cli: &Cli, pool: &[Frame]) -> Result<Trainer> {
    let config = cli.train_config();
    let file = cli.checkpoint();
    if cli.resume && file.exists() {
        let trainer = Trainer::resume(config, pool, &Checkpoint::read(&file)?)?;
        println!("resuming after epoch {}", trainer.epoch());
        return Ok(trainer);
    }
    let existing = [file.clone(), cli.metrics()]
        .into_iter()
        .find(|x| x.exists());
    if let Some(existing) = existing.filter(|_| !cli.resume && !cli.overwrite) {
        let expected =
            "a folder without a run (or --resume to continue it, --overwrite to replace it)";
        return Err(argument(
            "--out",
            expected,
            format!("one with {}", existing.display()),
        ));
    }
    let trainer = Trainer::new(config, pool)?;
    create_out(cli)?;
    trainer.save(&file)?;
    Ok(trainer)
}

fn train(cli: &Cli, trainer: &mut Trainer) -> Result<()> {
    for name in RESULTS {
        remove_leftovers(&cli.out.join(name))?;
    }
    let mut log = match trainer.epoch() {
        0 => MetricsLog::create(cli.metrics(), &COLUMNS)?,
        epoch => MetricsLog::resume(cli.metrics(), &COLUMNS, epoch as u64)?,
    };
    let steps = trainer.config().steps_per_epoch();
    let bar = ProgressBar::new(steps as u64).with_style(style(
        "epoch {prefix} {bar:24} {pos}/{len} steps  {per_sec}  {msg}",
    ));
    while trainer.epoch() < trainer.config().epochs {
        let started = Instant::now();
        bar.reset();
        bar.set_prefix(format!("{:>3}", trainer.epoch() + 1));
        let mut learning_rate = 0.0;
        let report = trainer.train_epoch(|step| {
            learning_rate = step.learning_rate;
            bar.set_position(step.step as u64);
            bar.set_message(format!("loss {:.4}", step.loss));
        })?;
        let line = epoch_line(&report, steps, started.elapsed().as_secs_f64());
        bar.suspend(|| println!("{line}"));
        log.append(report.epoch as u64, &row(&report, learning_rate))?;
        trainer.save(cli.checkpoint())?;
    }
    bar.finish_and_clear();
    Ok(())
}

fn epoch_line(report: &EpochReport, steps: usize, seconds: f64) -> String {
    let milli = |mae: Option<f64>| mae.map_or("-".into(), |mae| format!("{:.1}", mae * 1e3));
    let mae = |d: &EnergyForceDeviations| {
        let (energy, forces) = (milli(d.energy.mae()), milli(d.forces.mae()));
        format!("{energy:>7} meV {forces:>7} meV/Å")
    };
    format!(
        "epoch {:>3}  loss {:9.4}  train MAE {}  valid MAE {}  {:.1} s, {:.0} steps/s",
        report.epoch,
        report.loss,
        mae(&report.train),
        mae(&report.valid),
        seconds,
        steps as f64 / seconds,
    )
}

fn row(report: &EpochReport, learning_rate: f64) -> [f64; 6] {
    let value = |mae: Option<f64>| mae.unwrap_or(f64::NAN);
    [
        report.loss,
        value(report.train.energy.mae()),
        value(report.train.forces.mae()),
        value(report.valid.energy.mae()),
        value(report.valid.forces.mae()),
        learning_rate,
    ]
}

/// Evaluates on the test frames and draws predicted against true forces.
fn evaluate_test(
    cli: &Cli,
    potential: &TrainedPotential,
    test: &[Frame],
) -> Result<EnergyForceDeviations> {
    let (mut predicted, mut reference) = (Vec::new(), Vec::new());
    let deviations = evaluate(potential, test, |frame, prediction| {
        predicted.extend_from_slice(&prediction.forces);
        reference.extend_from_slice(frame.forces.as_deref().unwrap_or_default());
    })?;
    if !predicted.is_empty() {
        plot::forces_scatter(cli.out.join("forces.png"), &predicted, &reference)?;
    }
    Ok(deviations)
}

fn draw_learning_curves(cli: &Cli) -> Result<()> {
    let table = read_metrics(cli.metrics())?;
    if table.epochs.is_empty() {
        return Ok(());
    }
    let column = |name: &str| table.column(name).unwrap_or_default();
    plot::learning_curves(
        cli.out.join("learning_curves.png"),
        &plot::LearningCurves {
            epochs: &table.epochs,
            train_energy: &column(COLUMNS[1]),
            valid_energy: &column(COLUMNS[3]),
            train_forces: &column(COLUMNS[2]),
            valid_forces: &column(COLUMNS[4]),
        },
    )
}

/// A style for progress bars; the default one should the template ever be wrong.
pub fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
