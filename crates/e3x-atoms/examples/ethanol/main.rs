//! An equivariant force field on quantum-chemistry data: train it, check it, run it.
//!
//!     cargo run --release --example ethanol
//!     cargo run --release --example ethanol -- --epochs 100
//!
//! Reads 2000 configurations of ethanol (GFN2-xTB), trains the message-passing potential of E3x's MD17 tutorial on
//! energies and forces, evaluates it on a second trajectory, relaxes the molecule and runs molecular dynamics.

#[path = "../common/allocator.rs"]
mod allocator;
mod cli;
mod dynamics;
mod timing;
mod training;

use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use cli::{Cli, with_flag};
use e3x_atoms::extxyz::{ReadConfig, read_all};
use e3x_atoms::metrics::EnergyForceDeviations;
use e3x_atoms::train::{evaluate, load_potential};
use e3x_atoms::{Error, Result};

fn main() -> ExitCode {
    allocator::keep_freed_memory();
    let started = Instant::now();
    let cli = Cli::parse();
    let result = match &cli.evaluate {
        Some(file) => evaluate_file(&cli, file),
        None => run(&cli, started),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", with_flag(error));
            ExitCode::FAILURE
        }
    }
}

/// Trains, evaluates, relaxes, runs dynamics.
fn run(cli: &Cli, started: Instant) -> Result<()> {
    cli.train_config().check()?;
    let data = cli.data_file()?;
    let frames = read_all(&data, &ReadConfig::energy_and_forces())?;
    if let Some(calls) = cli.time_only {
        return timing::run(cli, &frames, calls, started);
    }
    if cli.starts_only {
        return training::write_starts(cli, &frames);
    }
    println!(
        "{}: {} frames of {} atoms",
        data.display(),
        frames.len(),
        frames[0].len()
    );
    let trained = training::run(cli, &frames)?;
    dynamics::run(cli, &trained.potential, &trained.start)?;
    println!(
        "test energy MAE: {:.1} meV",
        trained.test.energy.mae().unwrap_or(f64::NAN) * 1e3
    );
    println!(
        "test forces MAE: {:.1} meV/Å",
        trained.test.forces.mae().unwrap_or(f64::NAN) * 1e3
    );
    println!(
        "valid energy MAE: {:.1} meV",
        trained.valid.energy.mae().unwrap_or(f64::NAN) * 1e3
    );
    println!(
        "valid forces MAE: {:.1} meV/Å",
        trained.valid.forces.mae().unwrap_or(f64::NAN) * 1e3
    );
    println!("results: {}", cli.out.display());
    Ok(())
}

/// `--evaluate FILE`.
fn evaluate_file(cli: &Cli, file: &Path) -> Result<()> {
    let is_checkpoint = file
        .extension()
        .is_some_and(|extension| extension == "safetensors");
    let (checkpoint, data) = if is_checkpoint {
        (file.to_path_buf(), cli.data_file()?)
    } else {
        (cli.checkpoint(), file.to_path_buf())
    };
    let frames = read_all(&data, &ReadConfig::energy_and_forces())?;
    let potential = load_potential(&checkpoint)?;
    let deviations = evaluate(&potential, &frames, |_, _| {})?;
    println!(
        "{} on {}, {} frames",
        checkpoint.display(),
        data.display(),
        frames.len()
    );
    print_deviations("", &deviations);
    Ok(())
}

/// Four lines: MAE and RMSE of energies and forces.
fn print_deviations(set: &str, deviations: &EnergyForceDeviations) {
    let quantities = [
        ("energy", "meV", &deviations.energy),
        ("forces", "meV/Å", &deviations.forces),
    ];
    for (quantity, unit, d) in quantities {
        let (mae, rmse) = (
            d.mae().unwrap_or(f64::NAN) * 1e3,
            d.rmse().unwrap_or(f64::NAN) * 1e3,
        );
        println!("{set}{quantity} MAE: {mae:.1} {unit}, RMSE: {rmse:.1} {unit}");
    }
}

/// An error about an argument of the command line.
fn argument(argument: &str, expected: impl Into<String>, received: impl Into<String>) -> Error {
    Error::Argument {
        argument: argument.into(),
        expected: expected.into(),
        received: received.into(),
    }
}
