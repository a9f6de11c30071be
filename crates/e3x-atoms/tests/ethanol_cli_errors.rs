//! The program `ethanol` with input that is not what it should be.

mod common;

use common::ethanol;
use common::program::{Place, TINY, assert_refused};
use e3x_atoms::Frame;
use e3x_atoms::extxyz::{KeyNames, write_all};

/// Files that are not what they should be, in the folder of a place.
fn write_bad_files(place: &Place) {
    let write = |name: &str, content: &str| {
        std::fs::write(place.folder.path().join(name), content).unwrap();
    };
    let good = std::fs::read_to_string(&place.data).unwrap();
    write("empty.extxyz", "");
    write("text.extxyz", "Dear all,\nthe data will follow.\n");
    let lines: Vec<&str> = good.lines().collect();
    write("cut.extxyz", &lines[..16].join("\n"));
    write("garbage.safetensors", "garbage");
    let save = |name: &str, spoil: fn(&mut Frame)| {
        let mut frames = ethanol(30);
        frames.iter_mut().for_each(spoil);
        write_all(
            place.folder.path().join(name),
            &frames,
            &KeyNames::default(),
        )
        .unwrap();
    };
    save("no_forces.extxyz", |frame| frame.forces = None);
    save("no_energy.extxyz", |frame| frame.energy = None);
    let nan = |line: usize, from: &str, to: &str| {
        let mut lines = lines.clone();
        let changed = lines[line - 1].replacen(from, to, 1);
        assert_ne!(changed, lines[line - 1]);
        lines[line - 1] = &changed;
        lines.join("\n") + "\n"
    };
    write("nan_energy.extxyz", &nan(13, "energy=-", "energy=nan "));
    let number = lines[15].split_whitespace().last().unwrap();
    write("nan_forces.extxyz", &nan(16, number, "NaN"));
}

#[test]
fn bad_input_is_named_and_changes_nothing() {
    let place = Place::with_run();
    write_bad_files(&place);
    let before = place.files();
    // (arguments beside --overwrite, what stderr has to name)
    let table = [
        ("--data missing.extxyz", "missing.extxyz"),
        ("--data out", "`out`"),
        (
            "--data empty.extxyz",
            "empty.extxyz:1: expected at least one",
        ),
        (
            "--data text.extxyz",
            "text.extxyz:1: expected the number of atoms",
        ),
        ("--data cut.extxyz", "cut.extxyz:17: expected"),
        (
            "--data no_forces.extxyz",
            "no_forces.extxyz:2: expected the column `forces",
        ),
        (
            "--data no_energy.extxyz",
            "no_energy.extxyz:2: expected the key `energy`",
        ),
        ("--data nan_energy.extxyz", "nan_energy.extxyz:13: expected"),
        ("--data nan_forces.extxyz", "nan_forces.extxyz:16: expected"),
        ("--train 0", "`--train`: expected at least 1"),
        ("--train 26", "`--train + --valid`: expected at most 30"),
        (
            "--train 18446744073709551615",
            "`--train + --valid`: expected at most 30",
        ),
        ("--train twenty", "--train"),
        ("--valid 11", "`--train + --valid`: expected at most 30"),
        ("--batch 0", "`--batch`: expected from 1 to"),
        ("--batch 21", "`--batch`: expected from 1 to"),
        ("--features 0", "`--features`: expected at least 1"),
        ("--iterations 0", "`--iterations`: expected at least 1"),
        ("--basis 0", "`--basis`: expected at least 1"),
        ("--max-degree -1", "--max-degree"),
        ("--cutoff -1", "`--cutoff`: expected a positive number"),
        ("--cutoff 0", "`--cutoff`: expected a positive number"),
        ("--cutoff nan", "`--cutoff`: expected a positive number"),
        ("--lr nan", "`--lr`: expected a number > 0"),
        ("--lr -0.01", "`--lr`: expected a number > 0"),
        ("--lr fast", "--lr"),
        (
            "--forces-weight -1",
            "`--forces-weight`: expected a number >= 0",
        ),
        (
            "--schedule foo",
            "expected constant, cosine, exponential:RATE",
        ),
        (
            "--schedule exponential:0",
            "decay_rate: expected a positive",
        ),
        (
            "--attention 3",
            "`--attention`: expected a divisor of features",
        ),
        (
            "--attention 0",
            "`--attention`: expected a divisor of features",
        ),
        (
            "--weight-decay -1",
            "`--weight-decay`: expected a number >= 0",
        ),
        ("--clip-norm=-1", "`--clip-norm`: expected a number > 0"),
        ("--ema 1", "`--ema`: expected a number of at least 0"),
        ("--plateau 0", "`--plateau`: expected at least 1"),
        ("--warmup -1", "--warmup"),
        ("--dtype f16", "expected f32 or f64"),
        ("--energy-unit hartree", "kcal/mol, eV"),
        ("--epochs -1", "--epochs"),
        ("--resume", "--resume"),
        ("--unknown", "--unknown"),
        ("--out text.extxyz", "text.extxyz"),
        ("--out text.extxyz/below", "text.extxyz/below"),
    ];
    let options = [
        ("--train", "20"),
        ("--valid", "5"),
        ("--batch", "5"),
        ("--md-steps", "5"),
    ];
    for (args, named) in table {
        let mut all = format!("{args} --overwrite");
        for (flag, value) in options.iter().filter(|(flag, _)| !args.contains(flag)) {
            all = format!("{all} {flag} {value}");
        }
        assert_refused(&place, &all, named);
        assert!(place.files() == before, "{args} changed the out folder");
    }
    let table = [
        (
            format!("{TINY} --epochs 2 --resume --lr 0.01"),
            "learning_rate: 0.04, not 0.01",
        ),
        (format!("{TINY} --epochs 3 --resume"), "epochs: 2, not 3"),
        (
            format!("{TINY} --epochs 2 --resume --cutoff 4 --dtype f64"),
            "`--resume`",
        ),
        ("--evaluate text.extxyz".into(), "text.extxyz:1: expected"),
        (
            "--evaluate no_forces.extxyz".into(),
            "no_forces.extxyz:2: expected",
        ),
        ("--evaluate missing.extxyz".into(), "missing.extxyz"),
        (
            "--evaluate missing.safetensors".into(),
            "missing.safetensors",
        ),
        (
            "--evaluate garbage.safetensors".into(),
            "garbage.safetensors:1: expected a checkpoint",
        ),
        (
            "--evaluate data.extxyz --out nowhere".into(),
            "nowhere/checkpoint.safetensors",
        ),
        ("--evaluate data.extxyz --resume".into(), "--evaluate"),
        ("--evaluate".into(), "--evaluate"),
    ];
    for (args, named) in &table {
        assert_refused(&place, args, named);
        assert!(place.files() == before, "{args} changed the out folder");
    }
    assert!(!place.folder.path().join("nowhere").exists());
}

#[test]
fn resuming_with_other_data_is_refused() {
    let place = Place::with_run();
    let before = place.files();
    let mut frames = ethanol(30);
    for frame in &mut frames {
        frame.positions[0][0] += 0.01;
    }
    write_all(&place.data, &frames, &KeyNames::default()).unwrap();
    assert_refused(
        &place,
        &format!("{TINY} --epochs 2 --resume"),
        "`--data`: expected",
    );
    std::fs::write(place.out.join("checkpoint.safetensors"), b"garbage").unwrap();
    let damaged = format!("{TINY} --epochs 2 --resume");
    assert_refused(
        &place,
        &damaged,
        "checkpoint.safetensors:1: expected a checkpoint",
    );
    assert!(place.read("metrics.csv") == before["metrics.csv"]);
}
