//! The program `ethanol` as a user runs it.

mod common;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use common::program::{Place, TINY, assert_success, text};
use common::repository;
use e3x_atoms::extxyz::{ReadConfig, read_all};
use e3x_atoms::metrics::read_metrics;
use e3x_atoms::train::Checkpoint;

/// The number in `line` between the two texts.
#[track_caller]
fn number(line: &str, before: &str, after: &str) -> f64 {
    let number = line
        .strip_prefix(before)
        .and_then(|rest| rest.strip_suffix(after));
    let number = number.and_then(|number| number.parse::<f64>().ok());
    number.unwrap_or_else(|| panic!("`{line}` is not `{before}NUMBER{after}`"))
}

#[test]
fn a_run_prints_its_errors_and_leaves_its_files() {
    let place = Place::new();
    let data = repository("data/ethanol_gfn2.extxyz");
    let output = place.run(&format!("{TINY} --epochs 2 --data {}", data.display()));
    assert_success(&output);
    let stdout = text(&output.stdout);
    assert!(stdout.contains("2000 frames of 9 atoms"), "{stdout}");
    let epochs = stdout.lines().filter(|line| line.starts_with("epoch "));
    assert_eq!(epochs.count(), 2, "{stdout}");
    let maes: Vec<&str> = stdout.lines().filter(|line| line.contains("MAE")).collect();
    let [.., energy, forces] = maes[..] else {
        panic!("no MAEs: {stdout}");
    };
    let energy = number(energy, "valid energy MAE: ", " meV");
    let forces = number(forces, "valid forces MAE: ", " meV/Å");
    let table = read_metrics(place.out.join("metrics.csv")).unwrap();
    assert_eq!(table.epochs, [1, 2]);
    let last = |name: &str| 1e3 * table.column(name).unwrap()[1];
    assert!((last("valid_energy_mae_eV") - energy).abs() < 0.051);
    assert!((last("valid_forces_mae_eV_per_A") - forces).abs() < 0.051);

    let names: Vec<_> = place.files().into_keys().collect();
    let expected = [
        "checkpoint.safetensors",
        "dynamics.png",
        "forces.png",
        "learning_curves.png",
        "metrics.csv",
        "relaxed.extxyz",
        "trajectory.extxyz",
    ];
    assert_eq!(names, expected);
    for name in ["dynamics.png", "forces.png", "learning_curves.png"] {
        assert!(place.read(name).starts_with(b"\x89PNG\r\n\x1a\n"));
    }
    let checkpoint = Checkpoint::read(&place.out.join("checkpoint.safetensors")).unwrap();
    assert_eq!((checkpoint.epoch, checkpoint.steps), (2, 8));
    let read = |name| read_all(place.out.join(name), &ReadConfig::energy_and_forces()).unwrap();
    let (relaxed, trajectory) = (read("relaxed.extxyz"), read("trajectory.extxyz"));
    assert_eq!((relaxed.len(), trajectory.len()), (1, 3));
    assert!(trajectory.iter().all(|frame| frame.velocities.is_some()));
    let (first, last) = (&trajectory[0], &trajectory[2]);
    assert_eq!(first.positions, relaxed[0].positions);
    assert_ne!(first.positions, last.positions);
}

#[test]
fn a_second_run_needs_permission() {
    let place = Place::with_run();
    let before = place.files();
    let again = format!("{TINY} --epochs 2");
    let output = place.run(&again);
    assert!(!output.status.success());
    let stderr = text(&output.stderr);
    for part in [
        "`--out`",
        "--resume",
        "--overwrite",
        "checkpoint.safetensors",
    ] {
        assert!(stderr.contains(part), "{stderr}");
    }
    assert!(place.files() == before);
    // Also if somebody deleted the checkpoint but not the metrics.
    std::fs::remove_file(place.out.join("checkpoint.safetensors")).unwrap();
    let output = place.run(&again);
    assert!(!output.status.success());
    assert!(text(&output.stderr).contains("metrics.csv"));

    assert_success(&place.run(&format!("{TINY} --epochs 2 --seed 1 --overwrite")));
    let after = place.files();
    assert_eq!(before.len(), after.len());
    assert!(before["metrics.csv"] != after["metrics.csv"]);
    assert_eq!(text(&after["metrics.csv"]).lines().count(), 3);
}

/// A run from the files that `--starts-only` wrote, with another seed, learns the same.
#[test]
fn starts_are_written_for_other_programs() {
    let place = Place::new();
    let output = place.run(&format!("{TINY} --epochs 2 --starts-only"));
    assert_success(&output);
    let names: Vec<_> = place.files().into_keys().collect();
    assert_eq!(names, ["initial.safetensors", "order.json"]);
    // They are not replaced unasked.
    let written = place.files();
    let again = place.run(&format!("{TINY} --epochs 2 --starts-only --seed 1"));
    assert!(!again.status.success() && place.files() == written);
    let again = format!("{TINY} --epochs 2 --starts-only --overwrite");
    assert_success(&place.run(&again));
    assert!(place.files() == written);

    let [initial, order] = ["initial.safetensors", "order.json"].map(|name| place.out.join(name));
    let given = format!(
        "--seed 5 --initial {} --order {}",
        initial.display(),
        order.display()
    );
    let metrics = |flags: &str| {
        assert_success(&place.run(&format!("{TINY} --epochs 2 --overwrite {flags}")));
        place.read("metrics.csv")
    };
    assert_eq!(metrics(&given), metrics("--seed 0"));
}

#[test]
fn resuming_nothing_starts_at_the_beginning() {
    let (place, other) = (Place::with_run(), Place::new());
    assert_success(&other.run(&format!("{TINY} --epochs 2 --resume")));
    for name in ["checkpoint.safetensors", "metrics.csv", "trajectory.extxyz"] {
        assert!(place.read(name) == other.read(name), "{name}");
    }
    // And resuming a run that has ended changes nothing.
    let output = other.run(&format!("{TINY} --epochs 2 --resume"));
    assert_success(&output);
    assert!(text(&output.stdout).contains("resuming after epoch 2"));
    assert!(place.files() == other.files());
}

/// Waits until the metrics hold so many epochs, then kills the program. Whether it was in time.
fn kill_after(mut child: Child, metrics: &Path, epochs: usize) -> bool {
    let deadline = Instant::now() + Duration::from_mins(2);
    let rows = || std::fs::read_to_string(metrics).map_or(0, |text| text.lines().count());
    while rows() <= epochs && child.try_wait().unwrap().is_none() {
        assert!(Instant::now() < deadline, "the program hangs");
        std::thread::sleep(Duration::from_millis(1));
    }
    child.kill().unwrap();
    !child.wait().unwrap().success()
}

#[test]
fn a_killed_run_resumes_to_the_same_bits() {
    let run = format!("{TINY} --epochs 40 --dtype f64 --lr 0.03 --forces-weight 10");
    let whole = Place::new();
    assert_success(&whole.run(&run));
    let place = Place::new();
    let metrics = place.out.join("metrics.csv");
    let start = |more: &str| {
        let mut command = place.command(&format!("{run} {more}"));
        command.stdout(Stdio::null()).spawn().unwrap()
    };
    let killed = (0..5).any(|_| kill_after(start("--overwrite"), &metrics, 3));
    assert!(
        killed,
        "the run was over every time before it could be killed"
    );
    let epoch = |path: &str| Checkpoint::read(&place.out.join(path)).unwrap().epoch;
    let reached = epoch("checkpoint.safetensors");
    assert!((2..40).contains(&reached), "{reached}");
    kill_after(start("--resume"), &metrics, reached + 4);
    let reached = epoch("checkpoint.safetensors");

    // What a kill at other moments leaves: a half-written checkpoint, and metrics ahead of it.
    let half = place
        .out
        .join(".e3x-tmp-checkpoint.safetensors.1-0.safetensors");
    std::fs::write(half, b"half of a checkpoint").unwrap();
    let kept = std::fs::read_to_string(&metrics).unwrap();
    let kept: Vec<&str> = kept.lines().take(reached + 1).collect();
    let ahead = format!("{},1,2,3,4,5,6\n{},1,2", reached + 1, reached + 2);
    std::fs::write(&metrics, kept.join("\n") + "\n" + &ahead).unwrap();

    let output = place.run(&format!("{run} --resume"));
    assert_success(&output);
    let stdout = text(&output.stdout);
    let line = format!("resuming after epoch {reached}");
    assert!(stdout.contains(&line), "{stdout}");
    let (found, expected) = (place.files(), whole.files());
    let names = |files: &BTreeMap<String, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&found), names(&expected));
    for (name, content) in &expected {
        assert!(found[name] == *content, "{name} differs");
    }
}

#[test]
fn checkpoints_can_be_evaluated() {
    let place = Place::with_run();
    let before = place.files();
    let checkpoint = place.out.join("checkpoint.safetensors");
    let file = repository("data/molecules_gfn2.extxyz");
    for (evaluate, frames) in [(&checkpoint, 30), (&place.data, 30), (&file, 500)] {
        let output = place.run(&format!("--evaluate {}", evaluate.display()));
        assert_success(&output);
        let stdout = text(&output.stdout);
        let lines: Vec<&str> = stdout.lines().collect();
        let [title, energy, forces] = lines[..] else {
            panic!("{stdout}");
        };
        assert!(title.ends_with(&format!("{frames} frames")), "{title}");
        for (line, name, unit) in [(energy, "energy", " meV"), (forces, "forces", " meV/Å")] {
            let (mae, rmse) = line.split_once(", ").unwrap();
            let mae = number(mae, &format!("{name} MAE: "), unit);
            let rmse = number(rmse, "RMSE: ", unit);
            assert!(0.0 < mae && mae <= rmse, "{line}");
        }
    }
    assert!(place.files() == before);
}

/// Attention, fused tensors and all options of training: the run ends, and resumes as the same run.
#[test]
fn other_models_and_options() {
    for options in [
        "--attention --lr 0.005",
        "--attention 2 --fused-tensor",
        "--fused-tensor --warmup 3 --weight-decay 0.01 --clip-norm 5 --ema 0.9 --plateau 1 --schedule exponential:0.5",
    ] {
        let place = Place::new();
        let output = place.run(&format!("{TINY} --epochs 2 {options}"));
        assert_success(&output);
        let model =
            ["MessagePass_0", "SelfAttention_0"][usize::from(options.contains("attention"))];
        assert!(text(&output.stdout).contains(model));
        let refused = place.run(&format!("{TINY} --epochs 2 --resume"));
        assert!(!refused.status.success());
        assert!(text(&refused.stderr).contains("`--resume`"));
        assert_success(&place.run(&format!("{TINY} --epochs 2 {options} --resume")));
    }
}
