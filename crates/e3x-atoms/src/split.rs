//! Seeded splits and shuffles of a data set.
//!
//! Everything here is a pure function of its arguments: no generator is advanced from call to call, so a run that
//! resumes at epoch 57 draws what an uninterrupted run draws at epoch 57.

use crate::error::{Error, Result};
use crate::random::{Purpose, generator, permutation};

/// The parts of a data set, as indices of its frames.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Split {
    /// Frames to train on.
    pub train: Vec<usize>,
    /// Frames to validate on while training.
    pub valid: Vec<usize>,
    /// All other frames.
    pub rest: Vec<usize>,
}

/// Draws training and validation frames at random, without overlap.
///
/// The same arguments give the same split on every platform. The split of a seed is one permutation of all frames, cut
/// in three, so its training frames come in random order.
///
/// ```
/// let split = e3x_atoms::split::train_valid_split(1000, 900, 100, 42)?;
/// assert_eq!((split.train.len(), split.valid.len(), split.rest.len()), (900, 100, 0));
/// # Ok::<(), e3x_atoms::Error>(())
/// ```
///
/// # Errors
/// [`Error::Argument`] if `num_train` is 0 or there are fewer than `num_train + num_valid` frames.
pub fn train_valid_split(
    num_frames: usize,
    num_train: usize,
    num_valid: usize,
    seed: u64,
) -> Result<Split> {
    if num_train == 0 {
        return Err(Error::argument("num_train", "at least 1", num_train));
    }
    let wanted = num_train.saturating_add(num_valid);
    if wanted > num_frames {
        return Err(Error::argument(
            "num_train + num_valid",
            format!("at most {num_frames}, the number of frames"),
            format!("{num_train} + {num_valid}"),
        ));
    }
    let mut order = permutation(num_frames, &mut generator(Purpose::Split, seed, 0));
    let rest = order.split_off(wanted);
    let valid = order.split_off(num_train);
    Ok(Split {
        train: order,
        valid,
        rest,
    })
}

/// The order in which epoch `epoch` visits `length` training frames: a permutation of `0..length`.
///
/// It depends on the arguments alone, not on the epochs before.
pub fn epoch_permutation(seed: u64, epoch: u64, length: usize) -> Vec<usize> {
    permutation(length, &mut generator(Purpose::Epoch, seed, epoch))
}
