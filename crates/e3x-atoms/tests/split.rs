//! Seeded splits and shuffles.

use e3x_atoms::split::{Split, epoch_permutation, train_valid_split};

fn sorted(mut indices: Vec<usize>) -> Vec<usize> {
    indices.sort_unstable();
    indices
}

#[test]
fn a_split_covers_every_frame_once() {
    for (train, valid, total) in [(900, 100, 1000), (1, 0, 1), (3, 4, 20), (7, 0, 9)] {
        let Split {
            train: a,
            valid: b,
            rest: c,
        } = train_valid_split(total, train, valid, 5).unwrap();
        assert_eq!(
            (a.len(), b.len(), c.len()),
            (train, valid, total - train - valid)
        );
        assert_eq!(sorted([a, b, c].concat()), (0..total).collect::<Vec<_>>());
    }
}

#[test]
fn seeds_decide_and_nothing_else() {
    let split = |seed| train_valid_split(100, 60, 20, seed).unwrap();
    assert_eq!(split(1), split(1));
    assert_ne!(split(1), split(2));
    // Fixed for all time: a change here would change every published split.
    assert_eq!(train_valid_split(10, 5, 5, 0).unwrap().train, FIRST_TRAIN);
    assert_eq!(epoch_permutation(0, 3, 8), FIRST_EPOCH);
}

#[test]
fn asking_for_more_than_there_is() {
    for (train, valid) in [(8, 3), (11, 0), (usize::MAX, 1), (1, usize::MAX)] {
        let message = train_valid_split(10, train, valid, 0)
            .unwrap_err()
            .to_string();
        assert!(message.contains("at most 10"), "{message}");
    }
    let message = train_valid_split(10, 0, 1, 0).unwrap_err().to_string();
    assert!(message.contains("num_train"), "{message}");
}

#[test]
fn epochs_are_permutations_that_do_not_depend_on_earlier_ones() {
    let epochs: Vec<_> = (0..5)
        .map(|epoch| epoch_permutation(7, epoch, 50))
        .collect();
    for (index, order) in epochs.iter().enumerate() {
        assert_eq!(sorted(order.clone()), (0..50).collect::<Vec<_>>());
        assert_eq!(*order, epoch_permutation(7, index as u64, 50));
        assert!(epochs[..index].iter().all(|other| other != order));
    }
    assert_ne!(epoch_permutation(8, 0, 50), epochs[0]);
    assert!(epoch_permutation(0, 0, 0).is_empty());
    assert_eq!(epoch_permutation(0, u64::MAX, 1), [0]);
}

#[test]
fn shuffles_are_uniform() {
    // Each of the 6 orders of 3 things is as likely as the others: 5 standard deviations of 6000 draws are 144.
    let mut counts = std::collections::BTreeMap::new();
    for epoch in 0..6000 {
        *counts
            .entry(epoch_permutation(1, epoch, 3))
            .or_insert(0_i32) += 1;
    }
    assert_eq!(counts.len(), 6);
    assert!(
        counts.values().all(|count| (count - 1000).abs() < 144),
        "{counts:?}"
    );
}

// Confirmed by an independent ChaCha8 (RFC 8439's block function with 8 rounds) in another language.
const FIRST_TRAIN: [usize; 5] = [9, 0, 5, 2, 3];
const FIRST_EPOCH: [usize; 8] = [0, 2, 6, 7, 3, 1, 4, 5];
