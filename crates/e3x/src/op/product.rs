//! Products of tensors, element by element and row by row: the sum of `a[i, k] b[i, k] s[i]`.

use candle_core::{Shape, Tensor};

use super::Element;
use super::multilinear::{Multilinear, form};
use super::tape::view;
use crate::{Error, Result};

/// `a b` for tensors of one shape.
pub(crate) fn multiply(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    check(a.shape() == b.shape(), a.shape(), b)?;
    let sum = Product {
        rows: a.elem_count(),
        width: 1,
    };
    view(&form(sum, COTANGENT, &[a, b])?, a.shape().clone())
}

/// Every row of `x`, shape `(..., width)`, times its number in `s`, shape `(...)` or `(..., 1)`.
pub(crate) fn scale_rows(x: &Tensor, s: &Tensor) -> Result<Tensor> {
    let width = x.dims().last().copied().unwrap_or(1);
    check(s.elem_count() * width == x.elem_count(), x.shape(), s)?;
    let sum = Product {
        rows: s.elem_count(),
        width,
    };
    view(&form(sum, COTANGENT, &[x, s])?, x.shape().clone())
}

/// Each number of `x` several times in a row of its own, shape `(..., times)`.
pub(crate) fn repeat(x: &Tensor, times: usize) -> Result<Tensor> {
    let ones = Tensor::ones([x.dims(), &[times]].concat(), x.dtype(), x.device())?;
    scale_rows(&ones, x)
}

/// The sum of products over each row of two tensors of one shape `(..., width)`; shape `(...)`, flat.
pub(crate) fn dot_rows(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    check(a.shape() == b.shape(), a.shape(), b)?;
    let width = a.dims().last().copied().unwrap_or(1);
    let rows = a.elem_count().checked_div(width).unwrap_or(0);
    form(Product { rows, width }, SCALE, &[a, b])
}

fn check(fits: bool, shape: &Shape, other: &Tensor) -> Result<()> {
    if fits {
        return Ok(());
    }
    let expected = format!("numbers for shape {:?}", shape.dims());
    Err(Error::argument(
        Product::NAME,
        expected,
        format!("shape {:?}", other.dims()),
    ))
}

/// The argument that is left out for a product of rows.
const COTANGENT: usize = 1;
const SCALE: usize = 2;

#[derive(Debug, Clone)]
struct Product {
    rows: usize,
    width: usize,
}

impl Multilinear for Product {
    const NAME: &'static str = "product";
    const SLOTS: usize = 3;

    fn shape(&self, slot: usize) -> Shape {
        match slot {
            SCALE => Shape::from(self.rows),
            _ => Shape::from((self.rows, self.width)),
        }
    }

    fn form<T: Element>(&self, slot: usize, args: &[&[T]]) -> Result<Vec<T>> {
        let rows = |slot: usize| args[slot].chunks_exact(self.width.max(1));
        if slot == SCALE {
            let dot = |(a, b): (&[T], &[T])| a.iter().zip(b).map(|(&a, &b)| a * b).sum::<T>();
            return Ok(rows(0).zip(rows(1)).map(dot).collect());
        }
        let (x, s) = (args[COTANGENT - slot], args[SCALE]);
        if self.width == 1 {
            return Ok(x.iter().zip(s).map(|(&x, &s)| x * s).collect());
        }
        let mut out = Vec::with_capacity(x.len());
        for (row, &s) in rows(COTANGENT - slot).zip(s) {
            out.extend(row.iter().map(|&x| x * s));
        }
        Ok(out)
    }
}
