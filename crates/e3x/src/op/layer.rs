//! Sums of a layer with what is added to them at once: a bias of the scalars, and features beside the layer (a
//! residual connection).

use std::sync::Arc;

use candle_core::{Shape, Tensor};
use e3x_kernels::rows::{RowMap, add};
use smallvec::smallvec;

use super::Element;
use super::bias::sum_scalars;
use super::multilinear::{Multilinear, backward_of_form};
use super::rows::move_rows;
use super::tape::{Few, MultiOp, Values, record, view_as};
use crate::Result;

/// Features that are added to the result of a layer: as many items.
#[derive(Debug, Clone)]
pub(crate) struct Residual<'a> {
    pub features: &'a Tensor,
    /// Which rows go where, if they are not those of the result.
    pub map: Option<RowMap>,
}

/// A form, of shape `(items, ..., features)`, as [`form`](super::multilinear::form) gives it, with a `bias` of shape
/// `(features)` added to the first row of every item, and a residual.
pub(crate) fn layer<M: Multilinear>(
    (sum, slot): (M, usize),
    others: &[&Tensor],
    bias: Option<&Tensor>,
    residual: Option<Residual>,
) -> Result<Tensor> {
    let mut operands: Few<&Tensor> = others.iter().copied().chain(bias).collect();
    let op = Layer {
        sum,
        slot,
        has_bias: bias.is_some(),
        has_residual: residual.is_some(),
        map: residual
            .as_ref()
            .and_then(|residual| residual.map.clone().map(Arc::new)),
    };
    operands.extend(residual.map(|residual| residual.features));
    Ok(record(op, &operands)?.remove(0))
}

#[derive(Clone)]
struct Layer<M> {
    sum: M,
    slot: usize,
    has_bias: bool,
    has_residual: bool,
    /// Where the rows of the residual go.
    map: Option<Arc<RowMap>>,
}

impl<M: Multilinear> MultiOp for Layer<M> {
    const NAME: &'static str = M::NAME;

    fn forward<T: Element>(&self, args: &[&[T]], _: &[&Shape]) -> Result<Values<T>> {
        let (form, added) = args.split_at(M::SLOTS - 1);
        let mut all: Few<&[T]> = Few::from_slice(form);
        all.insert(self.slot, &[]);
        let mut values = self.sum.form(self.slot, &all)?;
        let shape = self.sum.shape(self.slot);
        let (item, width) = match shape.dims() {
            [_, rows @ .., width] => (rows.iter().product::<usize>() * width, *width),
            _ => (1, 1),
        };
        if self.has_bias {
            for row in values.chunks_exact_mut(item.max(1)) {
                for (value, &bias) in row.iter_mut().zip(&added[0][..width]) {
                    *value += bias;
                }
            }
        }
        if self.has_residual {
            let features = added[usize::from(self.has_bias)];
            add(self.map.as_deref(), width, features, &mut values)?;
        }
        Ok(smallvec![(values, shape)])
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
        let of_form = M::SLOTS - 1;
        let (form, wanted_of_form) = (&args[..of_form], &wanted[..of_form]);
        let mut all = backward_of_form(&self.sum, self.slot, form, grad, wanted_of_form)?;
        let shape = self.sum.shape(self.slot);
        if self.has_bias {
            let grad = wanted[all.len()].then(|| sum_scalars(&view_as(grad, &shape)?));
            all.push(grad.transpose()?);
        }
        if self.has_residual {
            let features = &args[all.len()];
            let grad = wanted[all.len()].then(|| self.backward_of_residual(features, grad, &shape));
            all.push(grad.transpose()?);
        }
        Ok(all)
    }
}

impl<M: Multilinear> Layer<M> {
    fn backward_of_residual(
        &self,
        features: &Tensor,
        grad: &Tensor,
        shape: &Shape,
    ) -> Result<Tensor> {
        let Some(map) = &self.map else {
            return view_as(grad, features.shape());
        };
        let width = shape.dims().last().copied().unwrap_or(1);
        let items = shape.elem_count() / (map.rows_out() * width).max(1);
        let grad = view_as(grad, &Shape::from((items, map.rows_out(), width)))?;
        let grad = move_rows(map.transposed(), &grad)?;
        view_as(&grad, features.shape())
    }
}
