//! Matrices put together to one weight, and taken apart.

use candle_core::{Shape, Tensor};
use smallvec::smallvec;

use super::Element;
use super::tape::{MultiOp, Values, record};
use crate::{Error, Result};

/// Matrices of shape `(rows, columns)` along a new first axis.
pub(crate) fn stack(matrices: &[&Tensor]) -> Result<Tensor> {
    Stack::new(matrices, false)?.apply(matrices)
}

/// Matrices of shape `(rows, columns)` side by side: shape `(rows, number columns)`.
pub(crate) fn side_by_side(matrices: &[&Tensor]) -> Result<Tensor> {
    Stack::new(matrices, true)?.apply(matrices)
}

#[derive(Debug, Clone)]
struct Stack {
    number: usize,
    rows: usize,
    columns: usize,
    side_by_side: bool,
}

impl Stack {
    fn new(matrices: &[&Tensor], side_by_side: bool) -> Result<Self> {
        let Some(first) = matrices.first() else {
            return Err(Error::argument(Self::NAME, "at least one matrix", "none"));
        };
        let (rows, columns) = first.dims2()?;
        if let Some(other) = matrices.iter().find(|x| x.shape() != first.shape()) {
            let expected = format!("matrices of shape {:?}", first.dims());
            let received = format!("shape {:?}", other.dims());
            return Err(Error::argument(Self::NAME, expected, received));
        }
        Ok(Self {
            number: matrices.len(),
            rows,
            columns,
            side_by_side,
        })
    }

    fn apply(self, matrices: &[&Tensor]) -> Result<Tensor> {
        Ok(record(self, matrices)?.remove(0))
    }

    fn size(&self) -> usize {
        self.rows * self.columns
    }

    /// Where a row of a matrix begins in the whole.
    fn start(&self, matrix: usize, row: usize) -> usize {
        if self.side_by_side {
            (row * self.number + matrix) * self.columns
        } else {
            (matrix * self.rows + row) * self.columns
        }
    }
}

impl MultiOp for Stack {
    const NAME: &'static str = "stack of kernels";

    fn forward<T: Element>(&self, args: &[&[T]], _: &[&Shape]) -> Result<Values<T>> {
        let (n, rows, columns) = (self.number, self.rows, self.columns);
        let shape = if self.side_by_side {
            Shape::from((rows, n * columns))
        } else {
            Shape::from((n, rows, columns))
        };
        let mut whole = Vec::with_capacity(n * self.size());
        if self.side_by_side {
            for row in 0..rows {
                for values in args {
                    whole.extend_from_slice(&values[row * columns..][..columns]);
                }
            }
        } else {
            for values in args {
                whole.extend_from_slice(values);
            }
        }
        Ok(smallvec![(whole, shape)])
    }

    fn backward(
        &self,
        args: &[Tensor],
        grads: &[Option<Tensor>],
        wanted: &[bool],
    ) -> Result<Vec<Option<Tensor>>> {
        let Some(grad) = &grads[0] else {
            return Ok(vec![None; args.len()]);
        };
        let unstack = Unstack {
            stack: self.clone(),
            wanted: wanted.to_vec(),
        };
        let mut parts = record(unstack, &[grad])?.into_iter();
        let part = |&wanted: &bool| if wanted { parts.next() } else { None };
        Ok(wanted.iter().map(part).collect())
    }
}

/// The matrices that are `wanted`.
#[derive(Debug)]
struct Unstack {
    stack: Stack,
    wanted: Vec<bool>,
}

impl MultiOp for Unstack {
    const NAME: &'static str = "kernels of a stack";

    fn forward<T: Element>(&self, args: &[&[T]], _: &[&Shape]) -> Result<Values<T>> {
        let Stack { rows, columns, .. } = self.stack;
        let matrix = |(matrix, _): (usize, &bool)| {
            let mut values = Vec::with_capacity(self.stack.size());
            for row in 0..rows {
                values.extend_from_slice(&args[0][self.stack.start(matrix, row)..][..columns]);
            }
            (values, Shape::from((rows, columns)))
        };
        let all = self.wanted.iter().enumerate();
        Ok(all.filter(|&(_, &wanted)| wanted).map(matrix).collect())
    }

    fn backward(
        &self,
        args: &[Tensor],
        grads: &[Option<Tensor>],
        _: &[bool],
    ) -> Result<Vec<Option<Tensor>>> {
        let shape = (self.stack.rows, self.stack.columns);
        let zeros = Tensor::zeros(shape, args[0].dtype(), args[0].device())?;
        let mut grads = grads.iter();
        let mut matrix = |&wanted: &bool| {
            let grad = if wanted { grads.next() } else { None };
            grad.and_then(Option::as_ref).unwrap_or(&zeros)
        };
        let matrices: Vec<&Tensor> = self.wanted.iter().map(&mut matrix).collect();
        Ok(vec![Some(self.stack.clone().apply(&matrices)?)])
    }
}
