//! `--time-only N`: how long a training step and an evaluation take.

use std::time::Instant;

use e3x_atoms::train::{TrainConfig, Trainer};
use e3x_atoms::{Frame, Result};

use crate::argument;
use crate::cli::Cli;

/// Calls before the clock counts.
const WARM_UP: usize = 5;

/// Times N training steps and N evaluations of one batch and prints their medians as one line of JSON, in ms; also the
/// time from the start of the program to the first result.
pub fn run(cli: &Cli, frames: &[Frame], calls: usize, started: Instant) -> Result<()> {
    if calls == 0 {
        return Err(argument("--time-only", "at least 1", "0"));
    }
    let steps = calls + WARM_UP;
    // One epoch of as many steps as are timed, over batches drawn again and again from the same frames.
    let batch = frames.get(..cli.batch).unwrap_or(frames);
    let repeated: Vec<Frame> = batch
        .iter()
        .cycle()
        .take(batch.len() * steps)
        .cloned()
        .collect();
    let config = TrainConfig {
        num_train: repeated.len(),
        num_valid: 0,
        epochs: 1,
        ..cli.train_config()
    };
    let mut trainer = Trainer::new(config, &repeated)?;
    let mut train_step = Vec::with_capacity(steps);
    let mut first = None;
    let mut last = Instant::now();
    trainer.train_epoch(|_| {
        train_step.push(last.elapsed().as_secs_f64() * 1e3);
        first.get_or_insert_with(|| started.elapsed().as_secs_f64());
        last = Instant::now();
    })?;
    let evaluation = time(calls, || {
        trainer
            .potential()
            .predict(&batch.iter().collect::<Vec<_>>())
    })?;
    let single = time(calls, || trainer.potential().predict(&[&batch[0]]))?;
    println!(
        "{{\"threads\": {}, \"start_up_s\": {:.3}, \"train_step_ms\": {:.3}, \"evaluation_ms\": {:.3}, \
         \"single_evaluation_ms\": {:.3}}}",
        std::thread::available_parallelism().map_or(1, usize::from),
        first.unwrap_or(f64::NAN),
        median(&mut train_step[WARM_UP..]),
        evaluation,
        single,
    );
    Ok(())
}

/// Median time of a call in ms.
fn time<T>(calls: usize, mut f: impl FnMut() -> Result<T>) -> Result<f64> {
    let mut samples = Vec::with_capacity(calls);
    for call in 0..calls + WARM_UP {
        let start = Instant::now();
        f()?;
        if call >= WARM_UP {
            samples.push(start.elapsed().as_secs_f64() * 1e3);
        }
    }
    Ok(median(&mut samples))
}

fn median(samples: &mut [f64]) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples.get(samples.len() / 2).copied().unwrap_or(f64::NAN)
}
