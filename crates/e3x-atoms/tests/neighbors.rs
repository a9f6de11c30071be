//! Neighbour lists against known crystals and against the brute-force oracle.

use e3x_atoms::extxyz::{ReadConfig, read_all};
use e3x_atoms::neighbors::{Pairs, all_pairs, pairs_within, pairs_within_brute_force};
use proptest::prelude::*;

const CUBE: [[f64; 3]; 3] = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];

fn keys(pairs: &Pairs) -> Vec<(u32, u32, [i32; 3])> {
    (0..pairs.len())
        .map(|k| (pairs.dst[k], pairs.src[k], pairs.shifts[k]))
        .collect()
}

#[test]
fn shells_of_the_simple_cubic_lattice() {
    // The number of lattice points at squared distances up to 1, 2, 3, 4, 5, 6 (OEIS A005875, summed, less the origin).
    for (squared, count) in [(1, 6), (2, 18), (3, 26), (4, 32), (5, 56), (6, 80)] {
        let cutoff = f64::from(squared).sqrt() + 0.01;
        let pairs = pairs_within(&[[0.3, -7.2, 100.9]], Some(&CUBE), [true; 3], cutoff).unwrap();
        assert_eq!(pairs.len(), count, "cutoff {cutoff}");
    }
}

#[test]
fn the_face_centred_cubic_cells_of_copper() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../data/copper_emt.extxyz");
    let frame = read_all(path, &ReadConfig::default()).unwrap().remove(0);
    for cutoff in [3.1, 5.0, 9.0] {
        let list = |find: fn(&_, _, _, _) -> _| -> Result<Pairs, _> {
            find(&frame.positions[..], frame.cell.as_ref(), frame.pbc, cutoff)
        };
        let pairs = list(|a, b, c, d| pairs_within(a, b, c, d)).unwrap();
        assert_eq!(
            pairs,
            list(|a, b, c, d| pairs_within_brute_force(a, b, c, d)).unwrap()
        );
        if cutoff == 3.1 {
            assert!(
                (pairs.len() as f64 / 32.0 - 12.0).abs() < 0.5,
                "12 nearest neighbours"
            );
        }
    }
}

#[test]
fn the_cutoff_itself_is_outside() {
    let positions = [[0.0; 3], [2.0, 0.0, 0.0]];
    assert!(
        pairs_within(&positions, None, [false; 3], 2.0)
            .unwrap()
            .is_empty()
    );
    assert_eq!(
        pairs_within(&positions, None, [false; 3], 2.0 + 1e-12)
            .unwrap()
            .len(),
        2
    );
}

#[test]
fn displacements_point_from_dst_to_src() {
    let positions = [[0.1, 0.0, 0.0], [1.9, 0.0, 0.0]];
    let cell = [[2.0, 0.0, 0.0], [0.0; 3], [0.0; 3]];
    let pairs = pairs_within(&positions, Some(&cell), [true, false, false], 0.5).unwrap();
    assert_eq!(keys(&pairs), [(0, 1, [-1, 0, 0]), (1, 0, [1, 0, 0])]);
    let displacements = pairs.displacements(&positions, Some(&cell)).unwrap();
    assert!((displacements[0][0] + 0.2).abs() < 1e-12);
    assert!((displacements[1][0] - 0.2).abs() < 1e-12);
    assert_eq!(pairs.offsets(None), [[0.0; 3]; 2]);
    assert!(pairs.displacements(&positions[..1], None).is_err());
}

#[test]
fn directions_that_are_not_periodic_ignore_their_vectors() {
    let positions = [[0.0; 3], [0.5, 0.4, 0.0], [5.0, 0.2, 9.0]];
    let with_zeros = [[3.0, 0.5, 0.0], [0.0; 3], [0.0; 3]];
    let with_others = [[3.0, 0.5, 0.0], [1.0, 1.0, 1.0], [1.0, 1.0, 1.0]];
    let list = |cell| pairs_within(&positions, Some(cell), [true, false, false], 4.0).unwrap();
    assert_eq!(list(&with_zeros), list(&with_others));
    let open = |cell| pairs_within(&positions, cell, [false; 3], 4.0).unwrap();
    assert_eq!(open(Some(&with_zeros)), open(None));
}

#[test]
fn all_pairs_are_those_within_infinity() {
    let positions: Vec<_> = (0..5).map(|k| [f64::from(k), 0.0, 0.0]).collect();
    assert_eq!(
        all_pairs(5).unwrap(),
        pairs_within(&positions, None, [false; 3], 1e300).unwrap()
    );
    assert!(all_pairs(0).unwrap().is_empty() && all_pairs(1).unwrap().is_empty());
    assert!(all_pairs((1 << 15) + 1).is_err());
}

#[test]
fn bad_input_is_refused() {
    let one = [[0.0; 3]];
    let flat = [[1.0, 0.0, 0.0], [2.0, 0.0, 0.0], [0.0, 0.0, 1.0]];
    let nan = [[f64::NAN, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
    let cases = [
        (one, Some(&CUBE), [true; 3], 0.0, "cutoff"),
        (one, Some(&CUBE), [true; 3], f64::NAN, "cutoff"),
        (one, Some(&CUBE), [true; 3], f64::INFINITY, "cutoff"),
        (one, Some(&CUBE), [true; 3], 1e9, "cutoff"),
        (one, None, [false, true, false], 1.0, "cell"),
        (one, Some(&flat), [true; 3], 1.0, "cell"),
        (one, Some(&flat), [true, true, false], 1.0, "cell"),
        (one, Some(&[[0.0; 3]; 3]), [false, false, true], 1.0, "cell"),
        (one, Some(&nan), [true; 3], 1.0, "cell"),
        ([[f64::NAN; 3]], None, [false; 3], 1.0, "positions[0]"),
        (
            [[1e15, 0.0, 0.0]],
            Some(&CUBE),
            [true; 3],
            1.0,
            "positions[0]",
        ),
    ];
    for (positions, cell, pbc, cutoff, part) in cases {
        let message = pairs_within(&positions, cell, pbc, cutoff)
            .unwrap_err()
            .to_string();
        assert!(message.contains(part), "{message}");
    }
    assert!(pairs_within(&[], None, [false; 3], 5.0).unwrap().is_empty());
    assert!(
        pairs_within(&[], Some(&CUBE), [true; 3], 5.0)
            .unwrap()
            .is_empty()
    );
}

#[test]
fn far_apart_and_coincident_atoms() {
    let positions = [
        [-1e8, 0.0, 0.0],
        [1e8, 3.0, 1e200],
        [-1e8, 0.0, 0.0],
        [-1e8, 0.5, 0.0],
    ];
    let pairs = pairs_within(&positions, None, [false; 3], 1.0).unwrap();
    let zero = [0; 3];
    let expected = [
        (0, 2, zero),
        (0, 3, zero),
        (2, 0, zero),
        (2, 3, zero),
        (3, 0, zero),
        (3, 2, zero),
    ];
    assert_eq!(keys(&pairs), expected);
}

#[test]
fn large_systems_take_linear_time() {
    // 6,000 atoms at the density of water would take the oracle minutes.
    let positions: Vec<[f64; 3]> = (0..6_000)
        .map(|k| [k % 20, (k / 20) % 20, k / 400].map(|n| f64::from(n) * 2.15))
        .collect();
    let cell = [[43.0, 0.0, 0.0], [0.0, 43.0, 0.0], [0.0, 0.0, 32.25]];
    let pairs = pairs_within(&positions, Some(&cell), [true; 3], 5.0).unwrap();
    // Squared distances of a simple cubic lattice up to (5 / 2.15)² = 5.4.
    assert_eq!(pairs.len(), 6_000 * 56);
    assert!(keys(&pairs).is_sorted());
}

prop_compose! {
    /// Cells from needle-like to flat, some far from reduced, and atoms up to several cells outside.
    fn system()(
        lengths in [0.6_f64..8.0, 0.6_f64..8.0, 0.6_f64..8.0],
        skew in [-1.5_f64..1.5, -1.5_f64..1.5, -1.5_f64..1.5],
        flip in any::<bool>(),
        pbc in any::<[bool; 3]>(),
        cutoff in 0.3_f64..4.0,
        fractions in prop::collection::vec([-3.0_f64..3.0, -3.0_f64..3.0, -3.0_f64..3.0], 0..12),
    ) -> (Vec<[f64; 3]>, [[f64; 3]; 3], [bool; 3], f64) {
        let [a, b, c] = lengths;
        let mut cell = [
            [a, 0.0, 0.1],
            [skew[0] * a, b, 0.0],
            [skew[1] * a, skew[2] * b, c],
        ];
        if flip {
            cell.swap(0, 1);
        }
        let position = |f: &[f64; 3]| {
            std::array::from_fn(|k| f[0] * cell[0][k] + f[1] * cell[1][k] + f[2] * cell[2][k])
        };
        (fractions.iter().map(position).collect(), cell, pbc, cutoff)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn the_cell_list_is_the_oracle((positions, cell, pbc, cutoff) in system()) {
        let fast = pairs_within(&positions, Some(&cell), pbc, cutoff).unwrap();
        let slow = pairs_within_brute_force(&positions, Some(&cell), pbc, cutoff).unwrap();
        prop_assert_eq!(&fast, &slow);
        prop_assert!(keys(&fast).windows(2).all(|pair| pair[0] < pair[1]), "sorted, no duplicates");
        // Every pair has its reverse.
        let all: std::collections::BTreeSet<_> = keys(&fast).into_iter().collect();
        for (dst, src, shift) in &all {
            prop_assert!(all.contains(&(*src, *dst, shift.map(|s| -s))));
        }
        for row in fast.displacements(&positions, Some(&cell)).unwrap() {
            prop_assert!(row.iter().map(|x| x * x).sum::<f64>().sqrt() < cutoff + 1e-9);
        }
    }

    #[test]
    fn moving_atoms_by_cell_vectors_changes_shifts_only(
        (positions, cell, pbc, cutoff) in system(),
        moves in prop::collection::vec([-5_i32..5, -5_i32..5, -5_i32..5], 12),
    ) {
        let mut moved = positions.clone();
        for (position, by) in moved.iter_mut().zip(&moves) {
            for k in (0..3).filter(|k| pbc[*k]) {
                for x in 0..3 {
                    position[x] += f64::from(by[k]) * cell[k][x];
                }
            }
        }
        let distances = |positions: &[[f64; 3]]| {
            let pairs = pairs_within(positions, Some(&cell), pbc, cutoff).unwrap();
            let rows = pairs.displacements(positions, Some(&cell)).unwrap();
            let mut lengths: Vec<f64> =
                rows.iter().map(|r| r.iter().map(|x| x * x).sum::<f64>().sqrt()).collect();
            lengths.sort_by(f64::total_cmp);
            lengths
        };
        let (before, after) = (distances(&positions), distances(&moved));
        prop_assert_eq!(before.len(), after.len());
        prop_assert!(before.iter().zip(&after).all(|(a, b)| (a - b).abs() < 1e-9));
    }
}
