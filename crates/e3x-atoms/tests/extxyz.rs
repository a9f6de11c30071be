//! Extended XYZ: the data sets of the repository, round trips, and every kind of broken file.

use std::path::{Path, PathBuf};

use e3x_atoms::extxyz::{KeyNames, ReadConfig, Reader, Writer, read_all, write_all};
use e3x_atoms::{Column, ColumnValues, Error, Frame};
use proptest::prelude::*;

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../data")
        .join(name)
}

fn parse(text: &str) -> Result<Vec<Frame>, Error> {
    parse_with(text, ReadConfig::default())
}

fn parse_with(text: &str, config: ReadConfig) -> Result<Vec<Frame>, Error> {
    Reader::new("test", text.as_bytes(), config).collect()
}

fn write(frames: &[Frame]) -> Result<String, Error> {
    let mut text = Vec::new();
    let mut writer = Writer::new("test", &mut text, KeyNames::default());
    frames.iter().try_for_each(|frame| writer.write(frame))?;
    Ok(String::from_utf8(text).unwrap())
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
fn the_data_sets_of_the_repository() {
    let config = ReadConfig::energy_and_forces();
    let ethanol = read_all(data("ethanol_gfn2.extxyz"), &config).unwrap();
    assert_eq!(ethanol.len(), 2000);
    assert!(
        ethanol
            .iter()
            .all(|f| f.numbers == [6, 6, 8, 1, 1, 1, 1, 1, 1] && f.pbc == [false; 3])
    );
    assert_eq!(ethanol[0].energy, Some(-309.4574851402));
    assert_eq!(
        ethanol[0].positions[1],
        [0.23414964, 0.39497569, -0.34542978]
    );
    assert_eq!(
        ethanol[0].forces.as_ref().unwrap()[1],
        [-0.08373876, 2.57173083, 0.02290957]
    );

    let molecules = read_all(data("molecules_gfn2.extxyz"), &config).unwrap();
    assert_eq!(molecules.len(), 500);
    assert_eq!((molecules[0].len(), molecules[499].len()), (5, 4));

    let config = ReadConfig {
        require_stress: true,
        ..config
    };
    let copper = read_all(data("copper_emt.extxyz"), &config).unwrap();
    assert_eq!(copper.len(), 200);
    assert_eq!(copper[0].pbc, [true; 3]);
    assert_eq!(
        copper[0].cell.unwrap()[1],
        [-0.1267768282, 7.0979790671, 0.0910672158]
    );
    assert_eq!(copper[0].stress.unwrap()[1][2], 0.022662593523);
    let volume = copper[0].volume().unwrap();
    assert!((volume - 370.0).abs() < 10.0, "{volume}");

    for frames in [&ethanol[..5], &molecules[..], &copper[..5]] {
        assert_eq!(parse(&write(frames).unwrap()).unwrap(), frames);
    }
}

#[test]
fn columns_in_any_order_and_unknown_ones() {
    let text = "2\nProperties=tags:I:1:forces:R:3:Z:I:1:name:S:2:fixed:L:1:pos:R:3:q:R:1 note='a \\'b\\''\r\n\
                7 1 2 3 8 a b T 4 5 6 -1.5\r\n-3 1e-3 2D0 3.d1 1 c d False 7 8 9 +.5\r\n";
    let frame = parse(text).unwrap().remove(0);
    assert_eq!(frame.numbers, [8, 1]);
    assert_eq!(frame.positions, [[4.0, 5.0, 6.0], [7.0, 8.0, 9.0]]);
    assert_eq!(
        frame.forces,
        Some(vec![[1.0, 2.0, 3.0], [0.001, 2.0, 30.0]])
    );
    let column = |width, values| Column { width, values };
    assert_eq!(
        frame.columns["tags"],
        column(1, ColumnValues::Integer(vec![7, -3]))
    );
    assert_eq!(
        frame.columns["q"],
        column(1, ColumnValues::Real(vec![-1.5, 0.5]))
    );
    assert_eq!(
        frame.columns["fixed"],
        column(1, ColumnValues::Logical(vec![true, false]))
    );
    let words = ["a", "b", "c", "d"].map(String::from).to_vec();
    assert_eq!(frame.columns["name"], column(2, ColumnValues::Text(words)));
    assert_eq!(frame.info["note"], "a 'b'");
    assert_eq!(
        parse(&write(std::slice::from_ref(&frame)).unwrap()).unwrap(),
        [frame]
    );
}

#[test]
fn values_in_quotes_braces_and_brackets() {
    let text = "1\nflag \"my key\" = \"x = 1\" b={1 2 3} c=[[1, 2],[3, 4]] d=\"tab\\\\ \\\"q\\\" \\n\" e='' \
                Lattice=[1,0,0,0,2,0,0,0,3] pbc={T F T} Properties=species:S:1:pos:R:3\nH 0 0 0\n";
    let frame = parse(text).unwrap().remove(0);
    let info: Vec<_> = frame
        .info
        .iter()
        .map(|(k, v)| (k.as_str(), v.as_str()))
        .collect();
    let expected = [
        ("b", "1 2 3"),
        ("c", "[[1, 2],[3, 4]]"),
        ("d", "tab\\ \"q\" \n"),
        ("e", ""),
        ("flag", "T"),
        ("my key", "x = 1"),
    ];
    assert_eq!(info, expected);
    assert_eq!(
        frame.cell,
        Some([[1.0, 0.0, 0.0], [0.0, 2.0, 0.0], [0.0, 0.0, 3.0]])
    );
    assert_eq!(frame.pbc, [true, false, true]);
    assert_eq!(
        parse(&write(std::slice::from_ref(&frame)).unwrap()).unwrap(),
        [frame]
    );
}

#[test]
fn names_of_labels_virial_and_voigt() {
    let text = "1\nProperties=species:S:1:pos:R:3:REF_forces:R:3:forces:R:3 REF_energy=-1 energy=5 \
                Lattice=\"2 0 0 0 2 0 0 0 2\" virials=\"8 0 0 0 16 0 0 0 24\"\nH 0 0 0 1 1 1 2 2 2\n";
    let keys = KeyNames {
        energy: "REF_energy".into(),
        forces: "REF_forces".into(),
        ..KeyNames::default()
    };
    let config = ReadConfig {
        keys,
        ..ReadConfig::energy_and_forces()
    };
    let frame = parse_with(text, config).unwrap().remove(0);
    assert_eq!(frame.energy, Some(-1.0));
    assert_eq!(frame.forces, Some(vec![[1.0; 3]]));
    assert_eq!(frame.info["energy"], "5");
    assert_eq!(
        frame.columns["forces"].values,
        ColumnValues::Real(vec![2.0; 3])
    );
    assert_eq!(frame.pbc, [true; 3], "a Lattice alone is periodic");
    assert_eq!(
        frame.stress,
        Some([[-1.0, 0.0, 0.0], [0.0, -2.0, 0.0], [0.0, 0.0, -3.0]])
    );
    // Under the standard names, the other column `forces` would be read as the forces.
    assert_contains(
        &write(&[frame]).unwrap_err().to_string(),
        &["columns", "`forces`"],
    );

    let text = "1\nProperties=species:S:1:pos:R:3 stress=\"1 2 3 4 5 6\" virial=\"1 2 3 4 5 6\"\nH 0 0 0\n";
    let frame = parse(text).unwrap().remove(0);
    assert_eq!(
        frame.stress,
        Some([[1.0, 6.0, 5.0], [6.0, 2.0, 4.0], [5.0, 4.0, 3.0]])
    );
    assert_eq!(
        parse(&write(std::slice::from_ref(&frame)).unwrap()).unwrap(),
        [frame]
    );
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

#[test]
fn appending_to_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trajectory.extxyz");
    let frames: Vec<_> = (1..=3)
        .map(|z| Frame::new(vec![z], vec![[f64::from(z); 3]]))
        .collect();
    let mut writer = Writer::create(&path, KeyNames::default()).unwrap();
    writer.write(&frames[0]).unwrap();
    writer.flush().unwrap();
    let mut writer = Writer::append(&path, KeyNames::default()).unwrap();
    writer.write(&frames[1]).unwrap();
    writer.write(&frames[2]).unwrap();
    drop(writer);
    assert_eq!(read_all(&path, &ReadConfig::default()).unwrap(), frames);
}

fn finite() -> impl Strategy<Value = f64> {
    any::<u64>()
        .prop_map(f64::from_bits)
        .prop_filter("finite", |x| x.is_finite())
}

fn row() -> impl Strategy<Value = [f64; 3]> {
    [finite(), finite(), finite()]
}

prop_compose! {
    fn any_frame()(atoms in 1_usize..4)(
        numbers in prop::collection::vec(1_u32..=118, atoms),
        positions in prop::collection::vec(row(), atoms),
        cell in prop::option::of([row(), row(), row()]),
        pbc in any::<[bool; 3]>(),
        energy in prop::option::of(finite()),
        forces in prop::option::of(prop::collection::vec(row(), atoms)),
        velocities in prop::option::of(prop::collection::vec(row(), atoms)),
        stress in prop::option::of([row(), row(), row()]),
        info in prop::collection::btree_map("[a-z =\\\\\"'\\[\\]{},åµ]{1,5}", "(?s)[^\0]{0,12}", 0..4),
        charges in prop::collection::vec(finite(), 2 * atoms),
        words in prop::collection::vec("[^\\s]{1,4}", atoms),
    ) -> Frame {
        let columns = [
            ("q".to_owned(), Column { width: 2, values: ColumnValues::Real(charges) }),
            ("w=\"'".to_owned(), Column { width: 1, values: ColumnValues::Text(words) }),
        ];
        let pbc = pbc.map(|periodic| periodic && cell.is_some());
        let columns = columns.into_iter().collect();
        Frame { numbers, positions, cell, pbc, energy, forces, stress, velocities, info, columns }
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read_back_bit_for_bit(frames in prop::collection::vec(any_frame(), 1..3)) {
        let text = write(&frames).unwrap();
        let back = parse(&text).unwrap();
        prop_assert_eq!(&back, &frames);
        // `-0.0 == 0.0`, so compare the bits of the text once more.
        prop_assert_eq!(write(&back).unwrap(), text);
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "(?s).{0,80}", tail in "[0-9 .HCe=:\"\\n]{0,60}") {
        let _ = parse(&text);
        let _ = parse(&format!("2\n{text}\n{tail}"));
        let _ = parse(&format!("1\nProperties=species:S:1:pos:R:3 {text}\nH 0 0 0\n{tail}"));
    }
}
