//! Gathers from nodes to edges and reductions over the edges of each node: `e3x.ops.indexed`.

use std::sync::Arc;

use candle_core::{DType, Shape, Tensor, WithDType};
use e3x_kernels::Segments;
use e3x_kernels::segment::Value;

use super::Graph;
use crate::op::combine::{difference, scale, sum};
use crate::op::segment::{self, Extreme, GatherList};
use crate::{Error, Result};

/// The inputs of the source of each edge: E3x's `ops.gather_src`.
///
/// # Shapes
/// `inputs`: `(..., num_nodes, *)` with the batch axes of the graph and any further axes `*`.
/// Result: `(..., P, *)` for sparse, `(..., N, M, *)` for dense lists. Indices at or beyond
/// `num_nodes` (padding) give the last node, which gets no gradient for it.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use e3x::ops::{Graph, gather_src};
/// let adj = Tensor::new(&[[1i64, 2], [0, 2]], &Device::Cpu)?; // 2 is padding
/// let x = Tensor::new(&[5.0f32, 7.0], &Device::Cpu)?;
/// let y = gather_src(&x, &Graph::dense(&adj, None)?)?;
/// assert_eq!(y.to_vec2::<f32>()?, [[7.0, 7.0], [5.0, 7.0]]);
/// # Ok::<(), e3x::Error>(())
/// ```
///
/// # Errors
/// If the leading axes of `inputs` are not the batch axes of the graph, if the graph has no source
/// indices, or if there is an edge but no node. Dtypes: f32, f64 and integers.
pub fn gather_src(inputs: &Tensor, graph: &Graph) -> Result<Tensor> {
    gather(inputs, graph, Graph::src_gather)
}

/// The inputs of the destination of each edge: E3x's `ops.gather_dst`.
///
/// # Shapes
/// `inputs`: `(..., num_nodes, *)` with the batch axes of the graph. Result: `(..., P, *)` for
/// sparse lists; for dense ones, where all edges of a row share their destination, only an axis is
/// inserted, `(..., N, 1, *)`, which broadcasts against edges.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use e3x::ops::{Graph, gather_dst};
/// let graph = Graph::from_indices(&[1, 1, 0], &[0, 2, 1], 3)?;
/// let x = Tensor::new(&[5.0f32, 7.0, 9.0], &Device::Cpu)?;
/// assert_eq!(gather_dst(&x, &graph)?.to_vec1::<f32>()?, [7.0, 7.0, 5.0]);
/// # Ok::<(), e3x::Error>(())
/// ```
///
/// # Errors
/// As [`gather_src`], with destination in place of source.
pub fn gather_dst(inputs: &Tensor, graph: &Graph) -> Result<Tensor> {
    if !graph.is_dense() {
        return gather(inputs, graph, Graph::dst_gather);
    }
    let axis = graph.index_dims().len() - 1;
    let nodes = &graph.index_dims()[..axis];
    check_leading("inputs", inputs, nodes)?;
    Ok(inputs.unsqueeze(axis)?)
}

/// Vectors from the destination of each edge to its source, `r = x_src - x_dst`, with `offsets`
/// `r = x_src - x_dst + offset` (of the images of periodic cells).
///
/// The same as differences of [`gather_src`] and [`gather_dst`], but layers know which variables the
/// result depends on and leave out derivatives with respect to it that nobody asked for.
///
/// # Shapes
/// `positions`: `(..., num_nodes, 3)`, or any size of the last axis. `offsets` and result:
/// `(..., P, 3)` for sparse, `(..., N, M, 3)` for dense lists. Units: those of the positions.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use e3x::ops::{Graph, displacements};
/// let graph = Graph::from_indices(&[0, 1], &[1, 0], 2)?;
/// let x = Tensor::new(&[[0.0f32, 0.0, 0.0], [1.0, 2.0, 3.0]], &Device::Cpu)?;
/// let r = displacements(&x, &graph, None)?;
/// assert_eq!(r.to_vec2::<f32>()?, [[1.0, 2.0, 3.0], [-1.0, -2.0, -3.0]]);
/// # Ok::<(), e3x::Error>(())
/// ```
///
/// # Errors
/// As [`gather_src`]; if the offsets do not have the shape and dtype of the result.
pub fn displacements(
    positions: &Tensor,
    graph: &Graph,
    offsets: Option<&Tensor>,
) -> Result<Tensor> {
    crate::error::check_float("positions", positions.dtype())?;
    let src = gather_src(positions, graph)?;
    let dst = gather_dst(positions, graph)?;
    let dst = if dst.shape() == src.shape() {
        dst
    } else {
        dst.broadcast_as(src.shape())?
    };
    let Some(offsets) = offsets else {
        return difference(&src, &dst);
    };
    crate::error::check_same_dtype("offsets", offsets, "positions", positions)?;
    if offsets.shape() != src.shape() {
        let expected = format!("shape {:?}", src.dims());
        let received = format!("shape {:?}", offsets.dims());
        return Err(Error::argument("offsets", expected, received));
    }
    sum(&[&src, &scale(-1.0, &dst)?, offsets])
}

/// Sums over the edges of each destination: E3x's `ops.indexed_sum`.
///
/// # Shapes
/// `inputs`: `(..., P, *)` or `(..., N, M, *)`, the shape of the index list and any further axes.
/// Result: `(..., num_segments, *)` or `(..., N, *)`, zero for destinations without edges. With
/// `keepdims`, sparse lists give every edge the result of its destination, `(..., P, *)` (that of
/// the last destination for padding), dense ones an axis of size one, `(..., N, 1, *)`.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use e3x::ops::{Graph, indexed_sum};
/// let graph = Graph::from_indices(&[0, 0, 2, 3], &[1, 2, 0, 0], 3)?; // 3 is padding
/// let x = Tensor::new(&[1.0, 2.0, 4.0, 8.0], &Device::Cpu)?;
/// assert_eq!(indexed_sum(&x, &graph, false)?.to_vec1::<f64>()?, [3.0, 0.0, 4.0]);
/// assert_eq!(indexed_sum(&x, &graph, true)?.to_vec1::<f64>()?, [3.0, 3.0, 4.0, 4.0]);
/// # Ok::<(), e3x::Error>(())
/// ```
///
/// # Errors
/// If the leading axes of `inputs` are not those of the index list, if the graph has no
/// destinations, or if `keepdims` finds an edge but no destination. Dtypes: f32, f64 and integers,
/// which wrap on overflow.
pub fn indexed_sum(inputs: &Tensor, graph: &Graph, keepdims: bool) -> Result<Tensor> {
    reduce(inputs, graph, keepdims, Reduction::Sum)
}

/// The smallest of the edges of each destination: E3x's `ops.indexed_min`.
///
/// Equal minima share the derivative evenly. Destinations without edges get the largest value of
/// the dtype for dense lists, infinity for sparse ones (integers: the largest value).
///
/// # Shapes
/// As [`indexed_sum`].
///
/// ```
/// use candle_core::{Device, Tensor};
/// use e3x::ops::{Graph, indexed_min};
/// let graph = Graph::from_indices(&[0, 0], &[1, 2], 2)?;
/// let x = Tensor::new(&[3.0, 2.0], &Device::Cpu)?;
/// assert_eq!(indexed_min(&x, &graph, false)?.to_vec1::<f64>()?, [2.0, f64::INFINITY]);
/// # Ok::<(), e3x::Error>(())
/// ```
///
/// # Errors
/// As [`indexed_sum`].
pub fn indexed_min(inputs: &Tensor, graph: &Graph, keepdims: bool) -> Result<Tensor> {
    reduce(inputs, graph, keepdims, Reduction::Extreme(Extreme::Min))
}

/// The largest of the edges of each destination: E3x's `ops.indexed_max`.
///
/// Equal maxima share the derivative evenly. Destinations without edges get the lowest finite value
/// of the dtype for dense lists, minus infinity for sparse ones (integers: the lowest value).
///
/// # Shapes
/// As [`indexed_sum`].
///
/// ```
/// use candle_core::{Device, Tensor};
/// use e3x::ops::{Graph, indexed_max};
/// let graph = Graph::from_indices(&[0, 0, 1], &[1, 2, 0], 2)?;
/// let x = Tensor::new(&[3.0, 2.0, -1.0], &Device::Cpu)?;
/// assert_eq!(indexed_max(&x, &graph, false)?.to_vec1::<f64>()?, [3.0, -1.0]);
/// # Ok::<(), e3x::Error>(())
/// ```
///
/// # Errors
/// As [`indexed_sum`].
pub fn indexed_max(inputs: &Tensor, graph: &Graph, keepdims: bool) -> Result<Tensor> {
    reduce(inputs, graph, keepdims, Reduction::Extreme(Extreme::Max))
}

#[derive(Clone, Copy)]
enum Reduction {
    Sum,
    Extreme(Extreme),
}

/// Checks that `inputs` starts with the axes `leading`.
pub(super) fn check_leading(
    argument: &'static str,
    inputs: &Tensor,
    leading: &[usize],
) -> Result<()> {
    if inputs.dims().starts_with(leading) {
        return Ok(());
    }
    Err(Error::argument(
        argument,
        format!("a shape that starts with {leading:?}"),
        format!("shape {:?}", inputs.dims()),
    ))
}

fn gather(
    inputs: &Tensor,
    graph: &Graph,
    list: impl FnOnce(&Graph, usize) -> Result<Arc<GatherList>>,
) -> Result<Tensor> {
    let batch = graph.batch_dims();
    check_leading("inputs", inputs, batch)?;
    let Some((&num_nodes, rest)) = inputs.dims()[batch.len()..].split_first() else {
        let expected = format!("an axis of nodes after the batch axes {batch:?}");
        let received = format!("shape {:?}", inputs.dims());
        return Err(Error::argument("inputs", expected, received));
    };
    let list = list(graph, num_nodes)?;
    let shape = Shape::from([graph.index_dims(), rest].concat());
    match inputs.dtype() {
        DType::F32 | DType::F64 => segment::gather(inputs, &list, shape),
        _ => map_integers(
            inputs,
            shape,
            &Gather {
                segments: &list.clamped,
            },
        ),
    }
}

fn reduce(inputs: &Tensor, graph: &Graph, keepdims: bool, reduction: Reduction) -> Result<Tensor> {
    let index_dims = graph.index_dims();
    check_leading("inputs", inputs, index_dims)?;
    let segments = graph.reduction()?;
    let num_segments = graph.num_segments().unwrap_or(0);
    let is_dense = graph.is_dense();
    let mut dims = [graph.batch_dims(), &[num_segments]].concat();
    if is_dense && keepdims {
        dims.push(1);
    }
    dims.extend(&inputs.dims()[index_dims.len()..]);
    let shape = Shape::from(dims);
    let outputs = match (inputs.dtype(), reduction) {
        (DType::F32 | DType::F64, Reduction::Sum) => segment::sum(inputs, &segments, shape)?,
        (DType::F32 | DType::F64, Reduction::Extreme(kind)) => {
            let initial = empty_value(kind, inputs.dtype(), is_dense);
            segment::extreme(inputs, &segments, shape, kind, initial)?
        }
        _ => map_integers(
            inputs,
            shape,
            &Reduce {
                segments: &segments,
                reduction,
            },
        )?,
    };
    if keepdims && !is_dense {
        return gather_dst(&outputs, graph);
    }
    Ok(outputs)
}

/// The extreme of nothing.
pub(super) fn empty_value(kind: Extreme, dtype: DType, is_dense: bool) -> f64 {
    let highest = match (is_dense, dtype) {
        (false, _) => f64::INFINITY,
        (true, DType::F32) => f64::from(f32::MAX),
        (true, _) => f64::MAX,
    };
    match kind {
        Extreme::Min => highest,
        Extreme::Max => -highest,
    }
}

/// Something to do with rows of `width` integers.
trait IntegerMap {
    fn num_rows(&self) -> usize;
    fn map<T: Value>(&self, x: &[T], width: usize, lowest: T, highest: T) -> Result<Vec<T>>;
}

struct Gather<'a> {
    segments: &'a Segments,
}

impl IntegerMap for Gather<'_> {
    fn num_rows(&self) -> usize {
        self.segments.len()
    }

    fn map<T: Value>(&self, x: &[T], width: usize, _: T, _: T) -> Result<Vec<T>> {
        Ok(self.segments.gather(x, width)?)
    }
}

struct Reduce<'a> {
    segments: &'a Segments,
    reduction: Reduction,
}

impl IntegerMap for Reduce<'_> {
    fn num_rows(&self) -> usize {
        self.segments.num_rows()
    }

    fn map<T: Value>(&self, x: &[T], width: usize, lowest: T, highest: T) -> Result<Vec<T>> {
        Ok(match self.reduction {
            Reduction::Sum => self.segments.sum(x, width)?,
            Reduction::Extreme(Extreme::Min) => self.segments.min(x, width, highest)?,
            Reduction::Extreme(Extreme::Max) => self.segments.max(x, width, lowest)?,
        })
    }
}

fn map_integers(x: &Tensor, shape: Shape, map: &impl IntegerMap) -> Result<Tensor> {
    fn typed<T: WithDType + Value>(
        x: &Tensor,
        shape: Shape,
        map: &impl IntegerMap,
        lowest: T,
        highest: T,
    ) -> Result<Tensor> {
        let width = shape.elem_count().checked_div(map.num_rows()).unwrap_or(0);
        let values = if width == 0 {
            vec![]
        } else {
            let x = x.flatten_all()?.to_vec1::<T>()?;
            map.map(&x, width, lowest, highest)?
        };
        Ok(Tensor::from_vec(values, shape, x.device())?)
    }
    match x.dtype() {
        DType::U8 => typed(x, shape, map, u8::MIN, u8::MAX),
        DType::U32 => typed(x, shape, map, u32::MIN, u32::MAX),
        DType::I16 => typed(x, shape, map, i16::MIN, i16::MAX),
        DType::I32 => typed(x, shape, map, i32::MIN, i32::MAX),
        DType::I64 => typed(x, shape, map, i64::MIN, i64::MAX),
        other => Err(Error::argument(
            "inputs",
            "dtype f32, f64 or an integer",
            format!("{other:?}"),
        )),
    }
}
