//! The Rust half of `bench/compare.py`: builds one workload, compares its results with those of the reference, and times
//! it on request.
//!
//!     bench_workloads FOLDER
//!
//! FOLDER holds what the reference's half has written: `workload.json`, `inputs.safetensors` and, for every measure,
//! `MEASURE.safetensors`. Requests come as lines of JSON on standard input, answers go to standard output. It is not
//! meant to be called by hand.

#[path = "../common/allocator.rs"]
mod allocator;
mod atoms;
mod compare;
mod layers;
mod memory;
mod workload;

use std::error::Error;
use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use candle_core::Tensor;
use serde::Deserialize;
use workload::Workload;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Named results, by the names under which the reference stores them.
type Outputs = Vec<(String, Tensor)>;

/// What is timed.
trait Measure {
    /// Computes once.
    fn call(&mut self) -> Result<Outputs>;

    /// Turns the result of the first call into what is compared with the reference.
    fn check(&mut self, first: Outputs) -> Result<Outputs> {
        Ok(first)
    }
}

/// A line of standard input.
#[derive(Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
enum Request {
    /// Reads the inputs, builds a measure and computes its first result.
    Build { measure: String },
    /// Compares this result with the reference's.
    Check { measure: String },
    /// Times some calls.
    Time { calls: usize },
}

/// The process between two requests.
struct Worker {
    folder: PathBuf,
    measure: Option<Box<dyn Measure>>,
    first: Outputs,
}

impl Worker {
    /// The answer to a request.
    fn answer(&mut self, request: &Request) -> Result<serde_json::Value> {
        match request {
            Request::Build { measure } => self.build(measure),
            Request::Check { measure } => self.check(measure),
            Request::Time { calls } => self.time(*calls),
        }
    }

    fn build(&mut self, measure: &str) -> Result<serde_json::Value> {
        self.measure = None;
        memory::reset_peak();
        let mut built = Workload::read(&self.folder)?.build(measure)?;
        self.first = built.call()?;
        self.measure = Some(built);
        Ok(serde_json::json!({ "peak_mib": memory::peak_mib() }))
    }

    fn check(&mut self, measure: &str) -> Result<serde_json::Value> {
        let first = std::mem::take(&mut self.first);
        let outputs = self.measure()?.check(first)?;
        let expected = self.folder.join(format!("{measure}.safetensors"));
        let (name, deviation) = compare::largest_deviation(&outputs, &expected)?;
        Ok(serde_json::json!({ "largest": name, "deviation": deviation }))
    }

    fn time(&mut self, calls: usize) -> Result<serde_json::Value> {
        let measure = self.measure()?;
        let mut samples = Vec::with_capacity(calls);
        for _ in 0..calls {
            let start = Instant::now();
            measure.call()?;
            samples.push(start.elapsed().as_secs_f64() * 1e3);
        }
        Ok(serde_json::json!({ "ms": samples }))
    }

    fn measure(&mut self) -> Result<&mut Box<dyn Measure>> {
        self.measure
            .as_mut()
            .ok_or_else(|| "nothing has been built yet".into())
    }
}

fn run(folder: &Path) -> Result<()> {
    let mut worker = Worker {
        folder: folder.to_path_buf(),
        measure: None,
        first: Outputs::new(),
    };
    let mut answers = std::io::stdout().lock();
    // The first line says that the process is up.
    writeln!(answers, "{{}}")?;
    for line in std::io::stdin().lock().lines() {
        let answer = worker.answer(&serde_json::from_str(&line?)?)?;
        writeln!(answers, "{answer}")?;
    }
    Ok(())
}

fn main() -> ExitCode {
    allocator::keep_freed_memory();
    let mut arguments = std::env::args_os().skip(1);
    let (Some(folder), None) = (arguments.next(), arguments.next()) else {
        eprintln!(
            "usage: bench_workloads FOLDER (a folder written and a process run by bench/compare.py)"
        );
        return ExitCode::FAILURE;
    };
    match run(Path::new(&folder)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
