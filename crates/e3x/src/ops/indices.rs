//! Reading index tensors.

use candle_core::{DType, Tensor};
use e3x_kernels::edges::PADDING;

use crate::{Error, Result};

/// The values of an index tensor in C order, for the argument of this name.
///
/// # Errors
/// If the dtype is neither i64 nor u32, or an index is negative.
pub(crate) fn read(argument: &'static str, indices: &Tensor) -> Result<Vec<u32>> {
    let flat = indices.flatten_all()?;
    match indices.dtype() {
        DType::U32 => Ok(flat.to_vec1::<u32>()?),
        DType::I64 => from_values(argument, &flat.to_vec1::<i64>()?),
        other => {
            let received = format!("{other:?}");
            Err(Error::argument(argument, "dtype i64 or u32", received))
        }
    }
}

/// As [`read`], from integers. Numbers beyond 32 bits become the largest one: an index that no
/// list of nodes has, so padding.
pub(crate) fn from_values<I>(argument: &'static str, indices: &[I]) -> Result<Vec<u32>>
where
    I: Copy + TryInto<i64>,
{
    let convert = |&index: &I| {
        let index = index.try_into().unwrap_or(i64::MAX);
        if index < 0 {
            let expected = "indices that are not negative";
            return Err(Error::argument(argument, expected, index.to_string()));
        }
        Ok(u32::try_from(index).unwrap_or(u32::MAX))
    };
    indices.iter().map(convert).collect()
}

/// Checks that two index tensors have the same shape.
pub(crate) fn check_same_shape(
    argument: &'static str,
    tensor: &Tensor,
    other: &'static str,
    reference: &Tensor,
) -> Result<()> {
    if tensor.dims() == reference.dims() {
        return Ok(());
    }
    Err(Error::argument(
        argument,
        format!("the shape of {other}, {:?}", reference.dims()),
        format!("{:?}", tensor.dims()),
    ))
}

/// The shape of an index tensor with at least `min_rank` axes.
pub(crate) fn index_dims(
    argument: &'static str,
    idx: &Tensor,
    min_rank: usize,
) -> Result<Vec<usize>> {
    if idx.rank() >= min_rank {
        return Ok(idx.dims().to_vec());
    }
    let expected = format!("at least {min_rank} axes");
    let received = format!("shape {:?}", idx.dims());
    Err(Error::argument(argument, expected, received))
}

/// The product of numbers of items and of rows in each, if rows of that number can be indexed.
pub(crate) fn flat_size(argument: &'static str, batch: usize, num: usize) -> Result<usize> {
    batch
        .checked_mul(num)
        .filter(|&size| size < PADDING as usize)
        .ok_or_else(|| {
            let received = format!("{num} in each of {batch} items");
            Error::argument(argument, "fewer than 2^32 - 1 rows in total", received)
        })
}
