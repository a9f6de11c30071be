//! Extended XYZ: the data sets of the repository, the syntax, round trips.

use std::path::{Path, PathBuf};

use e3x_atoms::extxyz::{KeyNames, ReadConfig, Reader, Writer, read_all};
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
}
