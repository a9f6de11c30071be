//! The kernel of a fused tensor product on the tape.
//!
//! For paths p and features f the sum
//!
//! ```text
//! S = sum over p, f of  G[p]  a[i(p), f]  b[j(p), f]  c[k(p), f]  z[p, f]
//! ```
//!
//! of which the kernel is the derivative with respect to z.

use std::sync::Arc;

use candle_core::{Shape, Tensor};

use super::Element;
use super::multilinear::{Multilinear, form};
use crate::Result;

/// What a kernel is made of.
#[derive(Debug)]
pub(crate) struct FusedPaths {
    /// Rows of the three weights, by path.
    pub rows: [Vec<usize>; 3],
    /// G; zero for paths that do not exist.
    pub factors: Vec<f64>,
}

/// The kernel, shape `(paths, features)`, of three weights of shape `(rows, features)`.
pub(crate) fn fused_kernel(paths: &Arc<FusedPaths>, weights: [&Tensor; 3]) -> Result<Tensor> {
    let (_, width) = weights[0].dims2()?;
    let sum = FusedKernel {
        paths: Arc::clone(paths),
        num_rows: [weights[0].dim(0)?, weights[1].dim(0)?, weights[2].dim(0)?],
        width,
    };
    form(sum, KERNEL, &weights)
}

/// The argument that stands in for the cotangent of the kernel.
const KERNEL: usize = 3;

#[derive(Debug, Clone)]
struct FusedKernel {
    paths: Arc<FusedPaths>,
    num_rows: [usize; 3],
    width: usize,
}

impl Multilinear for FusedKernel {
    const NAME: &'static str = "kernel of a fused tensor product";
    const SLOTS: usize = 4;

    fn shape(&self, slot: usize) -> Shape {
        let rows = self.num_rows.get(slot).copied();
        Shape::from((rows.unwrap_or(self.paths.factors.len()), self.width))
    }

    fn form<T: Element>(&self, slot: usize, args: &[&[T]]) -> Result<Vec<T>> {
        let mut out = vec![T::zero(); self.shape(slot).elem_count()];
        let row = |slot: usize, path: usize| {
            let row = self.paths.rows.get(slot).map_or(path, |rows| rows[path]);
            row * self.width..(row + 1) * self.width
        };
        for (path, &factor) in self.paths.factors.iter().enumerate() {
            if factor == 0.0 {
                continue;
            }
            let factor = T::of(factor);
            let mut others = (0..Self::SLOTS).filter(|&other| other != slot);
            let [a, b, c] = std::array::from_fn(|_| {
                let other = others.next().unwrap_or_default();
                &args[other][row(other, path)]
            });
            let numbers = a.iter().zip(b).zip(c);
            for (sum, ((&a, &b), &c)) in out[row(slot, path)].iter_mut().zip(numbers) {
                *sum += factor * a * b * c;
            }
        }
        Ok(out)
    }
}
