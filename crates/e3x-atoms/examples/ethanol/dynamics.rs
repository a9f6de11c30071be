//! Relaxation, and molecular dynamics at constant energy.

use e3x_atoms::dynamics::{Nve, NveConfig, VelocityConfig, energy_drift, maxwell_boltzmann};
use e3x_atoms::extxyz::{KeyNames, write_all};
use e3x_atoms::model::TrainedPotential;
use e3x_atoms::relax::{RelaxConfig, relax};
use e3x_atoms::{Frame, Result, plot};
use indicatif::ProgressBar;

use crate::cli::Cli;
use crate::training::style;

/// Temperature of the initial velocities in K.
const TEMPERATURE: f64 = 300.0;
/// Every how many steps a frame of the trajectory is written.
const WRITE_EVERY: u64 = 10;

/// Relaxes the molecule and runs dynamics from the relaxed structure.
pub fn run(cli: &Cli, potential: &TrainedPotential, start: &Frame) -> Result<()> {
    let relaxed = relaxation(cli, potential, start)?;
    dynamics(cli, potential, relaxed)
}

fn relaxation(cli: &Cli, potential: &TrainedPotential, start: &Frame) -> Result<Frame> {
    let config = RelaxConfig::default();
    let mut model = potential.potential(start);
    let bar = ProgressBar::new_spinner().with_style(style("relaxation {spinner} {msg}"));
    let result = relax(
        &mut model,
        &start.numbers,
        &start.positions,
        &config,
        |progress| {
            bar.set_message(format!(
                "step {}, fmax {:.3} eV/Å",
                progress.step, progress.fmax
            ));
            bar.tick();
            Ok(())
        },
    )?;
    bar.finish_and_clear();
    let outcome = if result.converged {
        "converged"
    } else {
        "NOT converged"
    };
    println!(
        "relaxation: {outcome} after {} steps, energy {:.4} eV, fmax {:.3} eV/Å (limit {})",
        result.steps, result.energy, result.fmax, config.fmax
    );
    let relaxed = Frame {
        cell: start.cell,
        pbc: start.pbc,
        energy: Some(result.energy),
        forces: Some(result.forces),
        ..Frame::new(start.numbers.clone(), result.positions)
    };
    write_all(
        cli.out.join("relaxed.extxyz"),
        std::slice::from_ref(&relaxed),
        &KeyNames::default(),
    )?;
    Ok(relaxed)
}

fn dynamics(cli: &Cli, potential: &TrainedPotential, mut frame: Frame) -> Result<()> {
    let config = VelocityConfig {
        temperature: TEMPERATURE,
        seed: cli.seed,
        remove_rotation: frame.pbc == [false; 3],
        ..VelocityConfig::default()
    };
    frame.velocities = Some(maxwell_boltzmann(
        &frame.positions,
        &frame.masses()?,
        &config,
    )?);
    let nve_config = NveConfig::default();
    let mut nve = Nve::new(potential.potential(&frame), &frame, &nve_config)?;
    let bar = ProgressBar::new(cli.md_steps).with_style(style(
        "dynamics {bar:24} {pos}/{len} steps  {per_sec}  {msg}",
    ));
    let mut trajectory = Vec::new();
    let samples = nve.run(cli.md_steps, 1, |nve, sample| {
        bar.set_position(sample.step);
        if sample.step % WRITE_EVERY == 0 {
            bar.set_message(format!("{:.0} K", sample.temperature));
            trajectory.push(nve.frame());
        }
        Ok(())
    })?;
    let seconds = bar.elapsed().as_secs_f64();
    bar.finish_and_clear();
    write_all(
        cli.out.join("trajectory.extxyz"),
        &trajectory,
        &KeyNames::default(),
    )?;
    if samples.len() < 2 {
        return Ok(());
    }
    println!(
        "dynamics: {} steps of {} fs from {TEMPERATURE} K, {:.0} steps/s; total energy: {}",
        cli.md_steps,
        nve_config.time_step,
        cli.md_steps as f64 / seconds,
        energy_drift(&samples, frame.len())?
    );
    plot::dynamics_energies(cli.out.join("dynamics.png"), &samples, frame.len())
}
