//! The example programs, in shorter versions: they run, and show what they say.
//!
//! Cargo builds examples together with the tests, but not for `--test examples` alone; then run
//! `cargo build --release -p e3x --examples` first.

use std::path::Path;
use std::process::{Command, Stdio};

/// Runs a program in an empty folder; what it prints, and the size of its picture.
fn run(name: &str, options: &str) -> (String, (u32, u32)) {
    // target/release/deps/examples-... -> target/release/examples/...
    let test = std::env::current_exe().unwrap();
    let folder = test.parent().and_then(Path::parent).unwrap();
    let program = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    let program = folder.join("examples").join(program);
    assert!(
        program.exists(),
        "{} is missing: run `cargo build --release -p e3x --examples`",
        program.display()
    );
    let place = tempfile::tempdir().unwrap();
    let output = Command::new(program)
        .args(options.split_whitespace())
        .args(["--out", "picture.png"])
        .env("RAYON_NUM_THREADS", "1")
        .current_dir(place.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let (stdout, stderr) = (text(output.stdout), text(output.stderr));
    assert!(output.status.success(), "{stdout}{stderr}");
    // Not a terminal: no progress bars.
    assert_eq!(stderr, "");
    let picture = std::fs::read(place.path().join("picture.png")).unwrap();
    assert!(picture.starts_with(b"\x89PNG\r\n\x1a\n"));
    let number = |at: usize| u32::from_be_bytes(picture[at..at + 4].try_into().unwrap());
    (stdout, (number(16), number(20)))
}

/// The number that follows `before`.
fn number(text: &str, before: &str) -> f64 {
    let (_, rest) = text
        .split_once(before)
        .unwrap_or_else(|| panic!("no '{before}' in {text}"));
    let word = rest
        .split([' ', '\n', ','])
        .find(|word| !word.is_empty())
        .unwrap();
    word.parse()
        .unwrap_or_else(|_| panic!("no number after '{before}': {word}"))
}

#[test]
fn tetracubes() {
    let (text, size) = run("tetracubes", "--epochs 12 --copies 200");
    assert_eq!(size, (1000, 640));
    let rotated: Vec<&str> = text
        .lines()
        .filter(|x| x.starts_with("perturbation"))
        .collect();
    assert_eq!(rotated.len(), 11);
    for line in &rotated {
        assert!(number(line, "   equivariant: ") >= 99.5, "{line}");
        // One of each pair of screws: never more than 7 of 8, and hardly less.
        let blind = number(line, "no pseudotensors: ");
        assert!((87.0..=87.5).contains(&blind), "{line}");
    }
    let ordinary = |line: &str| number(line, "ordinary: ");
    assert!(
        ordinary(rotated[0]) > 99.0 && ordinary(rotated[10]) < 30.0,
        "{text}"
    );
}

#[test]
fn moment_of_inertia() {
    let (text, size) = run("moment_of_inertia", "--epochs 3 --train 320");
    assert_eq!(size, (1000, 640));
    assert!(
        text.contains("TensorDense_1     (2, 9, 1)         162"),
        "{text}"
    );
    assert!(number(&text, "validation loss ").is_finite());
    let error = number(&text, "before and after the rotation: ");
    // The model knows little yet, but it is equivariant.
    let difference = number(&text, "prediction for rotated points: ");
    assert!(difference < 1e-4 && error > 1e-2, "{text}");
}

#[test]
fn features() {
    let (text, size) = run("features", "--angle 30");
    assert_eq!(size, (1310, 810));
    assert!(number(&text, "rotated features: ") < 1e-13, "{text}");
    assert!(number(&text, "mirrored features: ") < 1e-13, "{text}");
}
