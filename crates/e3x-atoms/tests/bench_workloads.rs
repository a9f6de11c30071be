//! The program `bench_workloads`, the Rust half of `bench/compare.py`: it computes what the layers compute, sees
//! differences, and says what it misses.
//!
//! Cargo builds examples together with the tests, but not for `--test bench_workloads` alone; then run
//! `cargo build --release --example bench_workloads` first.

use std::collections::HashMap;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use candle_core::{DType, Device, Tensor};
use e3x::FeatureShape;
use e3x::nn::{Dense, DenseConfig, Parameters};
use serde_json::Value;
use tempfile::TempDir;

/// A dense layer on three items, as the reference's half would have written it; returns its output.
fn dense(folder: &Path) -> Tensor {
    let workload = r#"{"name": "dense", "kind": "dense", "args": {"features": 4, "items": 3}}"#;
    std::fs::write(folder.join("workload.json"), workload).unwrap();
    let device = Device::Cpu;
    let inputs = Tensor::arange(0f32, 3.0 * 2.0 * 4.0 * 4.0, &device).unwrap();
    let inputs = (inputs.reshape((3, 2, 4, 4)).unwrap() / 50.0).unwrap();
    let parameters = Parameters::seeded(0);
    let shape = FeatureShape::of("inputs", &inputs).unwrap();
    let vb = parameters.builder(DType::F32, &device);
    let layer = Dense::new(shape, DenseConfig::new(4), vb).unwrap();
    let y = layer.forward(&inputs).unwrap().detach();
    let mut tensors = HashMap::from([
        ("in.inputs".to_string(), inputs),
        ("in.cotangent".to_string(), y.ones_like().unwrap()),
    ]);
    for (path, variable) in parameters.variables() {
        tensors.insert(format!("param.{path}"), variable.into_inner());
    }
    candle_core::safetensors::save(&tensors, folder.join("inputs.safetensors")).unwrap();
    y
}

/// The program's answers to these requests.
fn run(folder: &Path, requests: &str) -> Output {
    // target/release/deps/bench_workloads-... -> target/release/examples/bench_workloads
    let test = std::env::current_exe().unwrap();
    let target = test.parent().and_then(Path::parent).unwrap();
    let name = format!("bench_workloads{}", std::env::consts::EXE_SUFFIX);
    let mut program = Command::new(target.join("examples").join(name))
        .arg(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("bench_workloads: run `cargo build --release --example bench_workloads`");
    let mut stdin = program.stdin.take().unwrap();
    stdin.write_all(requests.as_bytes()).unwrap();
    drop(stdin);
    program.wait_with_output().unwrap()
}

const BUILD: &str = r#"{"do": "build", "measure": "forward"}"#;
const CHECK: &str = r#"{"do": "check", "measure": "forward"}"#;
const TIME: &str = r#"{"do": "time", "calls": 3}"#;

fn answers(output: &Output) -> Vec<Value> {
    assert!(output.status.success(), "{output:?}");
    let text = std::str::from_utf8(&output.stdout).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn results_are_compared_and_calls_timed() {
    let folder = TempDir::new().unwrap();
    let y = dense(folder.path());
    let reference = folder.path().join("forward.safetensors");
    let requests = format!("{BUILD}\n{CHECK}\n{TIME}\n");
    for (factor, deviation) in [(1.0, 0.0), (0.5, 1.0)] {
        let expected = HashMap::from([("y", (&y * factor).unwrap())]);
        candle_core::safetensors::save(&expected, &reference).unwrap();
        let answers = answers(&run(folder.path(), &requests));
        assert_eq!(answers.len(), 4); // The first one says that the program is up.
        let found = answers[2]["deviation"].as_f64().unwrap();
        assert!((found - deviation).abs() < 1e-5, "{found}");
        assert_eq!(answers[3]["ms"].as_array().unwrap().len(), 3);
    }
}

#[test]
fn what_is_missing_is_named() {
    let folder = TempDir::new().unwrap();
    dense(folder.path());
    let cases = [
        (TIME, "nothing has been built yet"),
        (r#"{"do": "build", "measure": "hessian"}"#, "hessian"),
        (r#"{"do": "tea"}"#, "tea"),
    ];
    for (request, message) in cases {
        let output = run(folder.path(), &format!("{request}\n"));
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(
            !output.status.success() && errors.contains(message),
            "{errors}"
        );
    }
}
