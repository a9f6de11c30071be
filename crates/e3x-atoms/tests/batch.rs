//! Batches: several frames in one graph, periodic cells, bad frames.

mod common;

use candle_core::DType;
use common::{
    assert_close, assert_error, assert_same, copper, ethanol, frames, model, predict, small, values,
};
use e3x_atoms::Frame;
use e3x_atoms::batch::Batch;
use e3x_atoms::model::{MessagePassingPotential, Prediction};
use e3x_atoms::neighbors::pairs_within;

fn small_model() -> MessagePassingPotential {
    model(&small(), 0, DType::F64).0
}

fn one(frame: &Frame) -> Prediction {
    predict(&small_model(), &[frame]).remove(0)
}

/// Cell vectors of a periodic frame.
fn cell(frame: &Frame) -> [[f64; 3]; 3] {
    frame.cell.unwrap()
}

fn add(a: [f64; 3], b: [f64; 3], factor: f64) -> [f64; 3] {
    [0, 1, 2].map(|k| a[k] + factor * b[k])
}

/// A frame without labels, which belong to other positions.
fn unlabelled(frame: &Frame, positions: Vec<[f64; 3]>) -> Frame {
    Frame {
        cell: frame.cell,
        pbc: frame.pbc,
        ..Frame::new(frame.numbers.clone(), positions)
    }
}

#[test]
fn a_batch_gives_what_its_frames_give_alone() {
    let mut all = ethanol(2);
    all.extend(frames("molecules_gfn2.extxyz", 10, 50));
    all.insert(3, copper());
    all.push(Frame::new(vec![8], vec![[1.0, 2.0, 3.0]]));
    let sizes: std::collections::BTreeSet<usize> = all.iter().map(Frame::len).collect();
    assert!(sizes.len() > 4, "{sizes:?}");
    let model = small_model();
    let forwards: Vec<&Frame> = all.iter().collect();
    let backwards: Vec<&Frame> = all.iter().rev().collect();
    let alone: Vec<Prediction> = all
        .iter()
        .map(|frame| predict(&model, &[frame]).remove(0))
        .collect();
    let together = predict(&model, &forwards);
    let mut reversed = predict(&model, &backwards);
    reversed.reverse();
    for ((alone, together), reversed) in alone.iter().zip(&together).zip(&reversed) {
        assert_same(together, alone, 1e-12);
        assert_same(reversed, alone, 1e-12);
    }
    assert!((alone[0].energy - alone[1].energy).abs() > 1e-6);
}

#[test]
fn sizes_dtypes_and_offsets() {
    let (molecule, crystal) = (ethanol(1).remove(0), copper());
    let batch = Batch::new(&[&molecule, &molecule], 3.0, DType::F32).unwrap();
    assert!(batch.offsets.is_none());
    assert_eq!((batch.num_frames, batch.num_atoms()), (2, 18));
    assert_eq!(batch.positions.dtype(), DType::F32);
    assert_eq!(batch.positions.dims(), [18, 3]);
    let batch = Batch::new(&[&molecule, &crystal], 3.0, DType::F64).unwrap();
    let offsets = batch.offsets.as_ref().unwrap();
    assert_eq!(offsets.dims(), [batch.graph.num_edges(), 3]);
    assert_eq!(
        (batch.sizes.as_slice(), batch.num_atoms()),
        (&[9, 32][..], 41)
    );
}

#[test]
fn displacements_are_those_of_the_neighbour_lists() {
    let (molecule, crystal) = (ethanol(1).remove(0), copper());
    let batch = Batch::new(&[&molecule, &crystal], 3.5, DType::F64).unwrap();
    let mut expected = Vec::new();
    for frame in [&molecule, &crystal] {
        let pairs = pairs_within(&frame.positions, frame.cell.as_ref(), frame.pbc, 3.5).unwrap();
        let displacements = pairs.displacements(&frame.positions, frame.cell.as_ref());
        expected.extend(displacements.unwrap());
    }
    let found = values(&batch.displacements(&batch.positions).unwrap());
    assert_close(&found, expected.as_flattened(), 1e-14);
    let longest = found
        .chunks_exact(3)
        .map(|r| r.iter().map(|x| x * x).sum::<f64>().sqrt())
        .fold(0.0, f64::max);
    assert!(longest < 3.5 && longest > 3.3, "{longest}");
}

#[test]
fn a_crystal_may_be_wrapped_and_moved() {
    let frame = copper();
    let expected = one(&frame);
    let jumps = |i: usize| [(i % 3) as f64 - 1.0, (i % 4) as f64 - 2.0, (i % 2) as f64];
    let wrap = |(i, r): (usize, &[f64; 3])| {
        let cell = cell(&frame);
        let jumps = jumps(i);
        (0..3).fold(*r, |r, k| add(r, cell[k], jumps[k]))
    };
    let wrapped: Vec<_> = frame.positions.iter().enumerate().map(wrap).collect();
    assert_same(&one(&unlabelled(&frame, wrapped)), &expected, 1e-11);
    let moved = frame
        .positions
        .iter()
        .map(|r| add(*r, [3.3, -20.0, 0.7], 1.0));
    assert_same(&one(&unlabelled(&frame, moved.collect())), &expected, 1e-11);
}

#[test]
fn a_crystal_is_not_a_cluster() {
    let frame = copper();
    let cluster = Frame::new(frame.numbers.clone(), frame.positions.clone());
    assert!((one(&frame).energy - one(&cluster).energy).abs() > 1e-3);
    let slab = Frame {
        pbc: [true, true, false],
        ..unlabelled(&frame, frame.positions.clone())
    };
    assert!((one(&frame).energy - one(&slab).energy).abs() > 1e-3);
}

#[test]
fn twice_the_crystal_has_twice_the_energy() {
    let frame = copper();
    let single = one(&frame);
    for axis in 0..3 {
        let mut big = unlabelled(&frame, frame.positions.clone());
        let vector = cell(&frame)[axis];
        big.numbers.extend(&frame.numbers);
        let images = frame.positions.iter().map(|r| add(*r, vector, 1.0));
        big.positions.extend(images);
        if let Some(cell) = &mut big.cell {
            cell[axis] = vector.map(|x| 2.0 * x);
        }
        let expected = Prediction {
            energy: 2.0 * single.energy,
            forces: [&single.forces[..], &single.forces[..]].concat(),
        };
        assert_same(&one(&big), &expected, 1e-11);
    }
}

#[test]
fn a_cell_smaller_than_the_cutoff() {
    // One atom that only sees its own images: every lattice vector gives the same energy.
    let cell = [[2.6, 0.0, 0.0], [0.0, 2.6, 0.0], [0.0, 0.0, 2.6]];
    let lattice = |position: [f64; 3]| Frame {
        cell: Some(cell),
        pbc: [true; 3],
        ..Frame::new(vec![29], vec![position])
    };
    let (here, there) = (one(&lattice([0.0; 3])), one(&lattice([1.0, -4.0, 9.0])));
    assert_same(&there, &here, 1e-11);
    assert_close(here.forces.as_flattened(), &[0.0; 3], 1e-12);
    let alone = one(&Frame::new(vec![29], vec![[0.0; 3]]));
    assert!((here.energy - alone.energy).abs() > 1e-3);
}

#[test]
fn bad_batches() {
    let good = ethanol(1).remove(0);
    let check = |spoil: &dyn Fn(&mut Frame), parts: &[&str]| {
        let mut bad = good.clone();
        spoil(&mut bad);
        let result = Batch::new(&[&good, &bad], 4.0, DType::F64);
        assert_error(result, parts);
    };
    assert_error(
        Batch::new(&[], 4.0, DType::F64),
        &["`frames`", "at least one frame"],
    );
    check(
        &|f| *f = Frame::default(),
        &["`frames[1]`", "at least one atom"],
    );
    check(
        &|f| f.positions[3][1] = f64::NAN,
        &["frames[1].positions[3]", "finite"],
    );
    check(
        &|f| f.positions[8][0] = f64::INFINITY,
        &["frames[1].positions[8]"],
    );
    check(&|f| f.numbers[2] = 0, &["frames[1]", "1"]);
    check(&|f| f.numbers[2] = 119, &["frames[1]", "118"]);
    check(
        &|f| f.positions.truncate(8),
        &["frames[1].positions", "9", "8"],
    );
    check(&|f| f.pbc = [true; 3], &["frames[1].cell", "none"]);
    for cutoff in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert_error(Batch::new(&[&good], cutoff, DType::F64), &["`cutoff`"]);
    }
    let unknown = Batch::new(&[&Frame::new(vec![30], vec![[0.0; 3]])], 4.0, DType::F64).unwrap();
    let result = small_model().energy(&unknown, &unknown.positions);
    assert_error(result, &["atomic_numbers", "from 0 to 29", "30"]);
}

#[test]
fn a_flat_cell_is_an_error() {
    let mut flat = copper();
    flat.stress = None;
    flat.cell = flat.cell.map(|cell| [cell[0], cell[1], cell[0]]);
    assert_error(Batch::new(&[&flat], 4.0, DType::F64), &["cell"]);
}
