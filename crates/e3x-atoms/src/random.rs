//! Seeded random numbers whose values are part of the contract: the same on every platform and in every version.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

/// What a random sequence is for. Sequences of different purposes are independent for the same seed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Purpose {
    Split,
    Epoch,
    Velocities,
}

/// The generator for a purpose, a seed and a stream (for instance the epoch).
///
/// The key is spelt out instead of derived by a helper of the `rand` crates, since those may change.
pub(crate) fn generator(purpose: Purpose, seed: u64, stream: u64) -> ChaCha8Rng {
    let name: &[u8; 8] = match purpose {
        Purpose::Split => b"split   ",
        Purpose::Epoch => b"epoch   ",
        Purpose::Velocities => b"velocity",
    };
    let mut key = [0_u8; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8..16].copy_from_slice(name);
    let mut generator = ChaCha8Rng::from_seed(key);
    generator.set_stream(stream);
    generator
}

/// A random permutation of `0..length` (Fisher and Yates).
pub(crate) fn permutation(length: usize, generator: &mut ChaCha8Rng) -> Vec<usize> {
    let mut order: Vec<usize> = (0..length).collect();
    for last in (1..length).rev() {
        let other = below(last as u64 + 1, generator) as usize;
        order.swap(last, other);
    }
    order
}

/// A uniform random integer below `bound`, without bias (Lemire, ACM Trans. Model. Comput. Simul. 29, 3 (2019)).
fn below(bound: u64, generator: &mut ChaCha8Rng) -> u64 {
    let threshold = bound.wrapping_neg() % bound;
    loop {
        let product = u128::from(generator.next_u64()) * u128::from(bound);
        if product as u64 >= threshold {
            return (product >> 64) as u64;
        }
    }
}
