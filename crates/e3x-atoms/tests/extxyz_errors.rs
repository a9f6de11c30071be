//! Extended XYZ: every kind of broken file gives an error that names the line and what was expected there.

use e3x_atoms::extxyz::{KeyNames, ReadConfig, Reader, read_all, write_all};
use e3x_atoms::{Column, ColumnValues, Error, Frame};
use proptest::prelude::*;

fn parse(text: &str) -> Result<Vec<Frame>, Error> {
    parse_with(text, ReadConfig::default())
}

fn parse_with(text: &str, config: ReadConfig) -> Result<Vec<Frame>, Error> {
    Reader::new("test", text.as_bytes(), config).collect()
}

/// The message of the error that reading `text` gives.
fn message(text: &str) -> String {
    parse(text).unwrap_err().to_string()
}

#[track_caller]
fn assert_contains(message: &str, parts: &[&str]) {
    for part in parts {
        assert!(message.contains(part), "`{part}` is not in: {message}");
    }
}

#[test]
fn broken_files_name_the_line_and_what_was_expected() {
    let ok = "1\nProperties=species:S:1:pos:R:3\nH 0 0 0\n";
    let cases: &[(&str, &[&str])] = &[
        ("hello\nworld\n", &["test:1:", "number of atoms", "`hello`"]),
        ("-3\nx\n", &["test:1:", "`-3`"]),
        ("0\nx\n", &["test:1:", "> 0"]),
        ("3\n", &["test:2:", "comment line", "end of the file"]),
        (
            "1\nplain xyz comment\nH 0 0 0\n",
            &["test:2:", "Properties=", "`plain xyz comment`"],
        ),
        (
            "2\nProperties=species:S:1:pos:R:3\nH 0 0 0\n",
            &["test:4:", "atom 2 of 2", "end of the file"],
        ),
        (
            "99999999999999\nProperties=species:S:1:pos:R:3\nH 0 0 0\n",
            &["test:4:", "atom 2 of"],
        ),
        (
            "1\nProperties=species:S:1:pos:R:3\nH 0 0 0\nH 0 0 0\n",
            &["test:4:", "number of atoms"],
        ),
        (
            "1\nProperties=species:S:1:pos:R:3\nH 0 0\n",
            &["test:3:", "4 columns", "3 columns"],
        ),
        (
            "1\nProperties=species:S:1:pos:R:3\nH 0 0 0 0\n",
            &["test:3:", "5 columns"],
        ),
        (
            "1\nProperties=species:S:1:pos:R:3\nH 0 nan 0\n",
            &["test:3:", "pos: a finite number", "`nan`"],
        ),
        (
            "1\nProperties=species:S:1:pos:R:3\nH 0 1e999 0\n",
            &["test:3:", "finite", "`1e999`"],
        ),
        (
            "1\nProperties=species:S:1:pos:R:3\nH 0 x 0\n",
            &["test:3:", "pos: a number", "`x`"],
        ),
        (
            "1\nProperties=species:S:1:pos:R:3\nQq 0 0 0\n",
            &["test:3:", "symbol of an element", "`Qq`"],
        ),
        (
            "1\nProperties=Z:I:1:pos:R:3\n119 0 0 0\n",
            &["test:3:", "1 to 118", "`119`"],
        ),
        (
            "1\nProperties=species:S:1:Z:I:1:pos:R:3\nH 2 0 0 0\n",
            &["test:3:", "same element"],
        ),
        (
            "1\nProperties=species:S:1:pos:R:3:pos:R:3\n",
            &["test:2:", "each column once", "`pos` twice"],
        ),
        (
            "1\nProperties=species:S:1:pos:R:3:forces:R:2\n",
            &["test:2:", "forces:R:3", "`forces:R:2`"],
        ),
        (
            "1\nProperties=species:S:1:pos:S:3\n",
            &["test:2:", "pos:R:3"],
        ),
        ("1\nProperties=species:S:1:pos:R\n", &["test:2:", "triples"]),
        (
            "1\nProperties=species:S:1:pos:R:3:a:Q:1\n",
            &["test:2:", "kind S, R, I or L", "`a:Q:1`"],
        ),
        (
            "1\nProperties=species:S:1:pos:R:3:a:R:0\n",
            &["test:2:", "width of at least 1"],
        ),
        (
            "1\nProperties=pos:R:3\n0 0 0\n",
            &["test:2:", "species:S:1 or Z:I:1"],
        ),
        ("1\nProperties=species:S:1\nH\n", &["test:2:", "pos:R:3"]),
        (
            "1\nProperties=species:S:1:pos:R:3 energy=nan\nH 0 0 0\n",
            &["test:2:", "energy: a finite number"],
        ),
        (
            "1\nProperties=species:S:1:pos:R:3 energy=1 energy=2\nH 0 0 0\n",
            &["test:2:", "`energy` twice"],
        ),
        (
            "1\nProperties=species:S:1:pos:R:3 a=b=c\nH 0 0 0\n",
            &["test:2:", "`a`", "quotes"],
        ),
        (
            "1\nProperties=species:S:1:pos:R:3 a=\nH 0 0 0\n",
            &["test:2:", "a value after `a=`"],
        ),
        (
            "1\nProperties=species:S:1:pos:R:3 a=\"x\nH 0 0 0\n",
            &["test:2:", "closing \""],
        ),
        (
            "1\nProperties=species:S:1:pos:R:3 a={x\nH 0 0 0\n",
            &["test:2:", "closing }"],
        ),
        (
            "1\nProperties=species:S:1:pos:R:3 pbc=\"T T\"\nH 0 0 0\n",
            &["test:2:", "pbc", "three"],
        ),
        (
            "1\nProperties=species:S:1:pos:R:3 pbc=\"T T T\"\nH 0 0 0\n",
            &["test:2:", "Lattice"],
        ),
        (
            "1\nProperties=species:S:1:pos:R:3 Lattice=\"1 2 3\"\nH 0 0 0\n",
            &["test:2:", "nine numbers"],
        ),
        (
            "1\nProperties=species:S:1:pos:R:3 Lattice=[[1,0,0],[0,1,0],[0,0,1]]\nH 0 0 0\n",
            &["test:2:", "nine numbers"],
        ),
        (
            "1\nProperties=species:S:1:pos:R:3 stress=\"1 2\"\nH 0 0 0\n",
            &["test:2:", "stress", "six"],
        ),
        (
            "1\nProperties=species:S:1:pos:R:3 virial=\"1 2 3 4 5 6\"\nH 0 0 0\n",
            &["test:2:", "Lattice", "virial"],
        ),
    ];
    for (text, parts) in cases {
        assert_contains(&message(text), parts);
        // The line is counted through the file, and frames before the fault are delivered.
        let joined = format!("{ok}\n{text}");
        let results: Vec<_> =
            Reader::new("test", joined.as_bytes(), ReadConfig::default()).collect();
        assert!(
            results[0].is_ok() && results.last().unwrap().is_err(),
            "{text}"
        );
    }
    let joined = format!("{ok}\n1\nProperties=species:S:1:pos:R:3\nH 0 nan 0\n");
    assert_contains(&message(&joined), &["test:7:"]);
}

#[test]
fn bytes_that_are_not_text() {
    let bytes: &[u8] = &[0x89, b'P', b'N', b'G', 0xff, b'\n'];
    let result: Result<Vec<_>, _> =
        Reader::new("image.png", bytes, ReadConfig::default()).collect();
    assert_contains(&result.unwrap_err().to_string(), &["image.png:1:", "UTF-8"]);
}

#[test]
fn required_labels_must_be_there() {
    let text = "1\nProperties=species:S:1:pos:R:3 Energy=1\nH 0 0 0\n";
    let error = |config| parse_with(text, config).unwrap_err().to_string();
    let energy = error(ReadConfig {
        require_energy: true,
        ..ReadConfig::default()
    });
    assert_contains(
        &energy,
        &["test:2:", "the key `energy`", "required", "Energy"],
    );
    let forces = error(ReadConfig {
        require_forces: true,
        ..ReadConfig::default()
    });
    assert_contains(&forces, &["test:2:", "`forces:R:3`", "species:S:1:pos:R:3"]);
    let stress = error(ReadConfig {
        require_stress: true,
        ..ReadConfig::default()
    });
    assert_contains(&stress, &["test:2:", "`stress`"]);
}

#[test]
fn files_that_are_missing_or_empty() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("no.extxyz");
    let error = read_all(&path, &ReadConfig::default()).unwrap_err();
    assert!(matches!(error, Error::Io { action: "open", .. }), "{error}");
    std::fs::write(&path, "\n\n").unwrap();
    let error = read_all(&path, &ReadConfig::default()).unwrap_err();
    assert_contains(
        &error.to_string(),
        &["no.extxyz:1:", "at least one", "empty"],
    );
    assert!(
        read_all(folder.path(), &ReadConfig::default()).is_err(),
        "a folder is not a file"
    );
}

#[test]
fn what_cannot_be_written_is_refused_and_the_old_file_stays() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.extxyz");
    let good = Frame::new(vec![1], vec![[0.0; 3]]);
    write_all(&path, std::slice::from_ref(&good), &KeyNames::default()).unwrap();
    let with = |change: fn(&mut Frame)| {
        let mut frame = good.clone();
        change(&mut frame);
        frame
    };
    let text = |words: &[&str]| ColumnValues::Text(words.iter().map(|w| (*w).to_owned()).collect());
    let mut blank = good.clone();
    blank.columns.insert(
        "a".into(),
        Column {
            width: 1,
            values: text(&["x y"]),
        },
    );
    let mut colon = good.clone();
    colon.columns.insert(
        "a:b".into(),
        Column {
            width: 1,
            values: text(&["x"]),
        },
    );
    let cases = [
        (Frame::default(), "at least one atom"),
        (with(|f| f.numbers[0] = 0), "numbers[0]"),
        (with(|f| f.positions[0][1] = f64::NAN), "positions[0]"),
        (with(|f| f.positions.clear()), "positions"),
        (with(|f| f.forces = Some(vec![])), "forces"),
        (with(|f| f.energy = Some(f64::INFINITY)), "energy"),
        (with(|f| f.pbc[2] = true), "cell"),
        (
            with(|f| drop(f.info.insert("pbc".into(), "x".into()))),
            "`pbc`",
        ),
        (
            with(|f| drop(f.info.insert(String::new(), "x".into()))),
            "info",
        ),
        (
            with(|f| drop(f.info.insert("virial".into(), "x".into()))),
            "`virial`",
        ),
        (blank, "white space"),
        (colon, "`a:b`"),
    ];
    for (frame, part) in cases {
        let frames = [good.clone(), frame];
        let error = write_all(&path, &frames, &KeyNames::default()).unwrap_err();
        assert_contains(&error.to_string(), &[part]);
        assert_eq!(read_all(&path, &ReadConfig::default()).unwrap().len(), 1);
    }
    assert_eq!(
        std::fs::read_dir(folder.path()).unwrap().count(),
        1,
        "no temporary file is left"
    );
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in "(?s).{0,80}", tail in "[0-9 .HCe=:\"\\n]{0,60}") {
        let _ = parse(&text);
        let _ = parse(&format!("2\n{text}\n{tail}"));
        let _ = parse(&format!("1\nProperties=species:S:1:pos:R:3 {text}\nH 0 0 0\n{tail}"));
    }
}
