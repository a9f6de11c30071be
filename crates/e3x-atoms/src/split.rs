//! Seeded splits and shuffles of a data set.
//!
//! Everything here is a pure function of its arguments: no generator is advanced from call to call, so a run that
//! resumes at epoch 57 draws what an uninterrupted run draws at epoch 57.

use std::collections::HashMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::atomic_file;
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

/// Which frames a run trains and validates on, and in which order each epoch visits them: what
/// [`train_valid_split`] and [`epoch_permutation`] draw, written down, so that two programs can train
/// on the same batches.
///
/// As JSON: `{"train": [...], "valid": [...], "epochs": [[...], ...]}` with indices of frames; every
/// epoch is a permutation of `train`.
///
/// ```
/// use e3x_atoms::split::FrameOrder;
/// let order = FrameOrder { train: vec![4, 1], valid: vec![0], epochs: vec![vec![1, 4]] };
/// assert_eq!(order.split(5)?.rest, [2, 3]);
/// assert_eq!(order.positions(0)?, [1, 0]);
/// # Ok::<(), e3x_atoms::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FrameOrder {
    /// Frames to train on.
    pub train: Vec<usize>,
    /// Frames to validate on.
    pub valid: Vec<usize>,
    /// The training frames in the order of each epoch.
    pub epochs: Vec<Vec<usize>>,
}

impl FrameOrder {
    /// What a run of this seed draws from `num_frames` frames.
    ///
    /// # Errors
    /// As [`train_valid_split`].
    pub fn draw(
        num_frames: usize,
        num_train: usize,
        num_valid: usize,
        epochs: usize,
        seed: u64,
    ) -> Result<Self> {
        let Split { train, valid, .. } = train_valid_split(num_frames, num_train, num_valid, seed)?;
        let epochs = (0..epochs as u64)
            .map(|epoch| {
                let order = epoch_permutation(seed, epoch, num_train);
                order.into_iter().map(|i| train[i]).collect()
            })
            .collect();
        Ok(Self {
            train,
            valid,
            epochs,
        })
    }

    /// Writes a JSON file, in one step.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be written; the file is then what it was before.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        atomic_file::write_with(path, |writer| {
            serde_json::to_writer(writer, self)
                .map_err(|error| Error::io("write", path)(error.into()))
        })
    }

    /// Reads a JSON file.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be read, [`Error::Argument`] if it says something else.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let text = std::fs::read_to_string(path).map_err(|source| Error::Io {
            action: "read",
            path: path.to_path_buf(),
            source,
        })?;
        serde_json::from_str(&text).map_err(|error| {
            let expected = "a JSON object with train, valid and epochs";
            Error::argument("order", expected, format!("{}: {error}", path.display()))
        })
    }

    /// The parts of a data set of `num_frames`.
    ///
    /// # Errors
    /// [`Error::Argument`] if there is no training frame, or a frame is named twice or does not exist.
    pub fn split(&self, num_frames: usize) -> Result<Split> {
        if self.train.is_empty() {
            return Err(Error::argument("order", "at least one training frame", 0));
        }
        let mut used = vec![false; num_frames];
        for &frame in self.train.iter().chain(&self.valid) {
            match used.get_mut(frame) {
                Some(used) if !*used => *used = true,
                known => {
                    let expected = match known {
                        Some(_) => "every frame at most once in train and valid".into(),
                        None => format!("frames below {num_frames}"),
                    };
                    return Err(Error::argument("order", expected, format!("frame {frame}")));
                }
            }
        }
        Ok(Split {
            train: self.train.clone(),
            valid: self.valid.clone(),
            rest: (0..num_frames).filter(|&i| !used[i]).collect(),
        })
    }

    /// The order of an epoch as positions in [`FrameOrder::train`].
    ///
    /// # Errors
    /// [`Error::Argument`] if the epoch is not there or not a permutation of the training frames.
    pub fn positions(&self, epoch: usize) -> Result<Vec<usize>> {
        let Some(frames) = self.epochs.get(epoch) else {
            let expected = format!("at least {} epochs", epoch + 1);
            return Err(Error::argument("order", expected, self.epochs.len()));
        };
        let mut positions: HashMap<usize, usize> = self
            .train
            .iter()
            .enumerate()
            .map(|(i, &frame)| (frame, i))
            .collect();
        let order: Vec<usize> = frames
            .iter()
            .filter_map(|frame| positions.remove(frame))
            .collect();
        if order.len() != frames.len() || !positions.is_empty() {
            let expected = format!(
                "a permutation of the training frames in epoch {}",
                epoch + 1
            );
            let received = format!("{} of {} frames", order.len(), self.train.len());
            return Err(Error::argument("order", expected, received));
        }
        Ok(order)
    }
}
