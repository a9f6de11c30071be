//! Softmax over the edges of each destination: `e3x.ops.indexed_softmax`.

use std::sync::Arc;

use candle_core::Tensor;
use e3x_kernels::Segments;

use super::Graph;
use super::indexed::{check_leading, empty_value};
use crate::error::{check_float, check_same_dtype};
use crate::op::segment::Extreme;
use crate::op::softmax::softmax;
use crate::{Error, Result};

/// Softmax over the edges of each destination: E3x's `ops.indexed_softmax`.
///
/// With the edges j of destination i that take part in reductions, and optional weights w (a
/// smooth cutoff, for example),
///
/// ```text
/// y_ij = w_ij exp(x_ij - max_k x_ik) / sum_k w_ik exp(x_ik - max_k x_ik)
/// ```
///
/// Edges that reductions drop get this value too, not zero, as in E3x: those of a dense list with
/// the maximum and sum of their row, padding of a sparse list with those of the last destination.
/// Mask the result where that matters. Where the sum is zero (no edge, or no weight), E3x divides
/// by it; here the result and its derivatives are zero.
///
/// # Shapes
/// `inputs`, `multiplicative_mask` and the result: the shape of the index list and any further
/// axes.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use e3x::ops::{Graph, indexed_softmax};
/// let graph = Graph::from_indices(&[0, 0, 1], &[1, 2, 0], 3)?;
/// let x = Tensor::new(&[1000.0, 1000.0, -1000.0], &Device::Cpu)?;
/// let y = indexed_softmax(&x, &graph, None)?;
/// assert_eq!(y.to_vec1::<f64>()?, [0.5, 0.5, 1.0]);
/// # Ok::<(), e3x::Error>(())
/// ```
///
/// # Errors
/// If `inputs` is neither f32 nor f64, the mask has another shape or dtype than `inputs`, or in the
/// cases of [`indexed_sum`](crate::ops::indexed_sum).
pub fn indexed_softmax(
    inputs: &Tensor,
    graph: &Graph,
    multiplicative_mask: Option<&Tensor>,
) -> Result<Tensor> {
    check_float("inputs", inputs.dtype())?;
    check_leading("inputs", inputs, graph.index_dims())?;
    if let Some(mask) = multiplicative_mask {
        check_same_dtype("multiplicative_mask", mask, "inputs", inputs)?;
        if mask.dims() != inputs.dims() {
            let expected = format!("the shape of inputs, {:?}", inputs.dims());
            let received = format!("{:?}", mask.dims());
            return Err(Error::argument("multiplicative_mask", expected, received));
        }
    }
    let segments = graph.reduction()?;
    // As in E3x, padding of a sparse list takes the sum of the last row, but hands no gradient back.
    let (all, heard) = if graph.is_dense() {
        let all = Arc::new(rows_of_dense_list(graph)?);
        (all.clone(), all)
    } else {
        let list = graph.dst_gather(graph.num_segments().unwrap_or(0))?;
        (list.clamped.clone(), segments.clone())
    };
    let initial = empty_value(Extreme::Max, inputs.dtype(), graph.is_dense());
    softmax(inputs, multiplicative_mask, segments, all, heard, initial)
}

/// The row of each entry of a dense list.
fn rows_of_dense_list(graph: &Graph) -> Result<Segments> {
    let dims = graph.index_dims();
    let width = dims.last().copied().unwrap_or(0);
    let rows: usize = dims[..dims.len().saturating_sub(1)].iter().product();
    let list = (0..rows).flat_map(|row| std::iter::repeat_n(row as u32, width));
    Ok(Segments::new(list.collect(), rows)?)
}
