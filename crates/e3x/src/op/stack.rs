//! Matrices put together to one weight, and taken apart.

use candle_core::{DType, Shape, Tensor};
use e3x_kernels::rows::equal_rows;
use smallvec::smallvec;

use super::Element;
use super::tape::{MultiOp, Values, numbers, record};
use crate::{Error, Result};

/// How matrices of shape `(rows, columns)` are put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arrangement {
    /// Along a new first axis.
    Stacked,
    /// Side by side: shape `(rows, number columns)`.
    SideBySide,
}

/// Matrices of one shape as one tensor.
pub(crate) fn arranged(matrices: &[&Tensor], arrangement: Arrangement) -> Result<Tensor> {
    Stack::new(matrices, arrangement)?.apply(matrices)
}

/// Whether `whole` is what [`arranged`] makes of the matrices now, as far as that is easy to say.
pub(crate) fn holds(
    whole: &Tensor,
    matrices: &[&Tensor],
    arrangement: Arrangement,
) -> Result<bool> {
    let stack = Stack::new(matrices, arrangement)?;
    let fits = |x: &Tensor| x.is_contiguous() && x.dtype() == whole.dtype();
    if whole.elem_count() != stack.number * stack.size() || !matrices.iter().all(|x| fits(x)) {
        return Ok(false);
    }
    match whole.dtype() {
        DType::F32 => stack.is_made_of::<f32>(whole, matrices),
        DType::F64 => stack.is_made_of::<f64>(whole, matrices),
        _ => Ok(false),
    }
}

#[derive(Debug, Clone)]
struct Stack {
    number: usize,
    rows: usize,
    columns: usize,
    arrangement: Arrangement,
}

impl Stack {
    fn new(matrices: &[&Tensor], arrangement: Arrangement) -> Result<Self> {
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
            arrangement,
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
        match self.arrangement {
            Arrangement::Stacked => (matrix * self.rows + row) * self.columns,
            Arrangement::SideBySide => (row * self.number + matrix) * self.columns,
        }
    }

    fn is_made_of<T: Element>(&self, whole: &Tensor, matrices: &[&Tensor]) -> Result<bool> {
        let (storage, layout) = whole.storage_and_layout();
        let whole = numbers::<T>(Self::NAME, &storage, layout)?;
        // Rows that follow each other in the matrix, and how far apart they are in the whole.
        let (width, stride) = match self.arrangement {
            Arrangement::Stacked => (self.size(), self.size()),
            Arrangement::SideBySide => (self.columns, self.number * self.columns),
        };
        for (matrix, x) in matrices.iter().enumerate() {
            let (storage, layout) = x.storage_and_layout();
            let x = numbers::<T>(Self::NAME, &storage, layout)?;
            if !equal_rows(width, x, stride, &whole[self.start(matrix, 0)..]) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

impl MultiOp for Stack {
    const NAME: &'static str = "stack of kernels";

    fn forward<T: Element>(&self, args: &[&[T]], _: &[&Shape]) -> Result<Values<T>> {
        let (n, rows, columns) = (self.number, self.rows, self.columns);
        let mut whole = Vec::with_capacity(n * self.size());
        let shape = match self.arrangement {
            Arrangement::Stacked => {
                for values in args {
                    whole.extend_from_slice(values);
                }
                Shape::from((n, rows, columns))
            }
            Arrangement::SideBySide => {
                for row in 0..rows {
                    for values in args {
                        whole.extend_from_slice(&values[row * columns..][..columns]);
                    }
                }
                Shape::from((rows, n * columns))
            }
        };
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
#[derive(Debug, Clone)]
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
