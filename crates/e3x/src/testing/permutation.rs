//! Behaviour under a change of the order of items.

use candle_core::{DType, Device, Tensor};
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use super::{CheckError, CheckResult, index_of, is_close, largest, unwrap, values};
use crate::{Error, Result};

/// A new order of items (atoms, nodes).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permutation {
    /// The item that comes to each position.
    order: Vec<u32>,
}

impl Permutation {
    /// A random order of `num` items, the same for the same seed.
    pub fn random(num: usize, seed: u64) -> Self {
        let mut order: Vec<u32> = (0..num as u32).collect();
        order.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
        Self { order }
    }

    /// Brings the items in axis 0 of a tensor into the new order.
    ///
    /// # Errors
    /// If `x` has another number of items.
    pub fn apply(&self, x: &Tensor) -> Result<Tensor> {
        if x.dims().first() != Some(&self.order.len()) {
            let received = format!("shape {:?}", x.dims());
            return Err(Error::argument(
                "x",
                format!("{} items in axis 0", self.order.len()),
                received,
            ));
        }
        let order = Tensor::new(self.order.as_slice(), &Device::Cpu)?;
        Ok(x.index_select(&order, 0)?)
    }

    /// Renames the items in a list of indices (an integer tensor of any shape). Indices that are
    /// not below the number of items, which stand for padding, stay.
    ///
    /// ```
    /// use candle_core::{Device, Tensor};
    /// use e3x::testing::Permutation;
    /// let items = Tensor::new(&[10.0f64, 11.0, 12.0], &Device::Cpu)?;
    /// let indices = Tensor::new(&[2u32, 0, 0], &Device::Cpu)?;
    /// let permutation = Permutation::random(3, 1);
    /// let (moved, renamed) = (permutation.apply(&items)?, permutation.relabel(&indices)?);
    /// assert_eq!(moved.index_select(&renamed, 0)?.to_vec1::<f64>()?, [12.0, 10.0, 10.0]);
    /// # Ok::<(), e3x::Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of the tensor library.
    pub fn relabel(&self, indices: &Tensor) -> Result<Tensor> {
        let mut position: Vec<i64> = vec![0; self.order.len()];
        for (new, &old) in self.order.iter().enumerate() {
            position[old as usize] = new as i64;
        }
        let rename = |i: i64| {
            usize::try_from(i)
                .ok()
                .and_then(|i| position.get(i))
                .map_or(i, |&i| i)
        };
        let old = indices
            .to_dtype(DType::I64)?
            .flatten_all()?
            .to_vec1::<i64>()?;
        let new: Vec<i64> = old.into_iter().map(rename).collect();
        Ok(Tensor::from_vec(new, indices.shape(), &Device::Cpu)?.to_dtype(indices.dtype())?)
    }
}

/// What a permutation of the items of a function's inputs does to its output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Items {
    /// The output has the items in axis 0, and they come in the new order (forces).
    Permuted,
    /// Nothing (energies).
    Invariant,
}

/// Checks that the order of items does not matter to `f`.
///
/// `inputs` have the items in axis 0; `indices` are integer tensors whose entries count items (the
/// index lists of a graph). Both are handed to `f`, first as they are, then in a random order.
/// Values per edge stay in their order and can be captured.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use e3x::testing::{Items, check_permutation, random};
/// let differences = |x: &[Tensor], i: &[Tensor]| {
///     Ok((x[0].index_select(&i[0], 0)? - x[0].index_select(&i[1], 0)?)?)
/// };
/// let dst = Tensor::new(&[0u32, 1, 3], &Device::Cpu)?;
/// let src = Tensor::new(&[1u32, 2, 0], &Device::Cpu)?;
/// let x = random(&[4, 3], 0)?;
/// check_permutation(differences, &[x], &[dst, src], Items::Invariant, 0, 1e-12).unwrap();
/// # Ok::<(), e3x::Error>(())
/// ```
///
/// # Errors
/// [`CheckError::Broken`] with the element that differs by more than
/// `tolerance * (1 + largest value)`, or an error of `f`.
pub fn check_permutation(
    f: impl Fn(&[Tensor], &[Tensor]) -> Result<Tensor>,
    inputs: &[Tensor],
    indices: &[Tensor],
    output: Items,
    seed: u64,
    tolerance: f64,
) -> CheckResult {
    let num = inputs.first().and_then(|x| x.dims().first().copied());
    let Some(num) = num else {
        let error = Error::argument("inputs", "at least one tensor with items in axis 0", "none");
        return Err(error.into());
    };
    let permutation = Permutation::random(num, seed);
    let reference = f(inputs, indices)?.detach();
    let expected = match output {
        Items::Permuted => permutation.apply(&reference)?,
        Items::Invariant => reference,
    };
    let inputs = inputs
        .iter()
        .map(|x| permutation.apply(x))
        .collect::<Result<Vec<_>>>()?;
    let indices = indices
        .iter()
        .map(|x| permutation.relabel(x))
        .collect::<Result<Vec<_>>>()?;
    let actual = f(&inputs, &indices)?;
    if actual.dims() != expected.dims() {
        let (expected, actual) = (expected.dims(), actual.dims());
        let message = format!("order of items: expected shape {expected:?}, received {actual:?}");
        return Err(CheckError::Broken(message));
    }
    let (a, e) = (values(&actual)?, values(&expected)?);
    let tolerance = tolerance * (1.0 + largest(&e));
    match (0..e.len()).find(|&i| !is_close(a[i], e[i], tolerance)) {
        None => Ok(()),
        Some(i) => Err(CheckError::Broken(format!(
            "the order of items matters, at {:?}: expected {:e}, received {:e} in the order {:?}",
            index_of(i, expected.dims()),
            e[i],
            a[i],
            permutation.order,
        ))),
    }
}

/// [`check_permutation`] for tests.
///
/// # Panics
/// If the check fails.
#[track_caller]
pub fn assert_permutation(
    f: impl Fn(&[Tensor], &[Tensor]) -> Result<Tensor>,
    inputs: &[Tensor],
    indices: &[Tensor],
    output: Items,
    seed: u64,
    tolerance: f64,
) {
    unwrap(check_permutation(
        f, inputs, indices, output, seed, tolerance,
    ));
}
