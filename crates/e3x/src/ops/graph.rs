//! Validated index lists.

use std::sync::{Arc, OnceLock};

use candle_core::{DType, Tensor};
use e3x_kernels::edges::PADDING;
use e3x_kernels::{EdgeList, Segments};

use super::cache::Cache;
use super::indices::{check_same_shape, flat_size, from_values, index_dims, read};
use crate::op::segment::GatherList;
use crate::{Error, Result};

/// Which nodes exchange messages: a sparse or a dense index list, checked once and cheap to clone.
///
/// * *Sparse*: `dst_idx` and `src_idx` of shape `(..., P)` name the destination and the source of
///   each of P edges, for a given number of segments (destination nodes).
/// * *Dense*: row `i` of `adj_idx`, of shape `(..., N, M)`, names the M sources of destination
///   `i`; a mask `where` of the same shape tells which of them count.
///
/// Leading axes are batch axes: every item has nodes and indices of its own. Index tensors are
/// `i64` or `u32`.
///
/// # Padding
/// As in E3x, an index at or beyond the number of nodes is padding: gathers give the values of the
/// last node (which gets no gradient for it), sparse reductions drop edges whose *destination* is
/// padding, and dense reductions follow the mask. Negative indices, which E3x counts from the
/// end, are an error.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use e3x::ops::Graph;
/// let dst = Tensor::new(&[0i64, 1, 2], &Device::Cpu)?;
/// let src = Tensor::new(&[1i64, 0, 0], &Device::Cpu)?;
/// let graph = Graph::sparse(&dst, &src, 3)?;
/// assert_eq!(graph.index_dims(), [3]);
/// assert_eq!(graph.num_segments(), Some(3));
///
/// let adj = Tensor::new(&[[1i64, 2], [0, 3], [0, 3]], &Device::Cpu)?; // 3 is padding
/// assert!(Graph::dense(&adj, None)?.is_dense());
/// # Ok::<(), e3x::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Graph(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    list: List,
    /// Shape of the index list, batch axes included.
    dims: Vec<usize>,
    reduction: OnceLock<Arc<Segments>>,
    src_gathers: Cache<GatherList>,
    dst_gathers: Cache<GatherList>,
    edges: Cache<EdgeList>,
}

#[derive(Debug)]
enum List {
    Sparse {
        dst: Option<Vec<u32>>,
        src: Option<Vec<u32>>,
        num_segments: Option<usize>,
    },
    Dense {
        adj: Vec<u32>,
        mask: Option<Vec<bool>>,
    },
}

impl Graph {
    /// A sparse list: destination and source of each edge.
    ///
    /// # Shapes
    /// Both `(..., P)`, with nodes numbered per item of the batch.
    ///
    /// # Errors
    /// If the shapes differ or have no axis, the dtype is neither i64 nor u32, or an index is
    /// negative.
    pub fn sparse(dst_idx: &Tensor, src_idx: &Tensor, num_segments: usize) -> Result<Self> {
        check_same_shape("src_idx", src_idx, "dst_idx", dst_idx)?;
        let dims = index_dims("dst_idx", dst_idx, 1)?;
        let dst = Some(read("dst_idx", dst_idx)?);
        let src = Some(read("src_idx", src_idx)?);
        Self::new_sparse(dst, src, Some(num_segments), dims)
    }

    /// A sparse list of destinations only: enough for reductions and
    /// [`gather_dst`](super::gather_dst).
    ///
    /// # Errors
    /// As [`Graph::sparse`].
    pub fn sparse_dst(dst_idx: &Tensor, num_segments: usize) -> Result<Self> {
        let dims = index_dims("dst_idx", dst_idx, 1)?;
        let dst = Some(read("dst_idx", dst_idx)?);
        Self::new_sparse(dst, None, Some(num_segments), dims)
    }

    /// A sparse list of sources only: enough for [`gather_src`](super::gather_src).
    ///
    /// # Errors
    /// As [`Graph::sparse`].
    pub fn sparse_src(src_idx: &Tensor) -> Result<Self> {
        let dims = index_dims("src_idx", src_idx, 1)?;
        let src = Some(read("src_idx", src_idx)?);
        Self::new_sparse(None, src, None, dims)
    }

    /// A sparse list without batch axes from slices of any integer type.
    ///
    /// ```
    /// use e3x::ops::Graph;
    /// let graph = Graph::from_indices(&[0usize, 1], &[1, 0], 2)?;
    /// assert_eq!(graph.num_edges(), 2);
    /// assert!(Graph::from_indices(&[0i32, -1], &[1, 0], 2).is_err());
    /// # Ok::<(), e3x::Error>(())
    /// ```
    ///
    /// # Errors
    /// If the slices differ in length or an index is negative.
    pub fn from_indices<I>(dst_idx: &[I], src_idx: &[I], num_segments: usize) -> Result<Self>
    where
        I: Copy + TryInto<i64>,
    {
        if dst_idx.len() != src_idx.len() {
            let expected = format!("as many indices as dst_idx, {}", dst_idx.len());
            let received = src_idx.len().to_string();
            return Err(Error::argument("src_idx", expected, received));
        }
        let dst = Some(from_values("dst_idx", dst_idx)?);
        let src = Some(from_values("src_idx", src_idx)?);
        Self::new_sparse(dst, src, Some(num_segments), vec![dst_idx.len()])
    }

    /// A dense list: the sources of each destination, and which of them count (`u8`, zero for
    /// those that do not).
    ///
    /// Without a mask, sources below the number of source nodes count. Reductions, which do not
    /// know that number, assume as many sources as destinations, N; E3x requires a mask there.
    ///
    /// # Shapes
    /// `adj_idx` and `where_`: `(..., N, M)`.
    ///
    /// # Errors
    /// If `adj_idx` has fewer than two axes, the shapes differ, a dtype is wrong or an index is
    /// negative.
    pub fn dense(adj_idx: &Tensor, where_: Option<&Tensor>) -> Result<Self> {
        let dims = index_dims("adj_idx", adj_idx, 2)?;
        let adj = read("adj_idx", adj_idx)?;
        let mask = match where_ {
            None => None,
            Some(mask) => {
                check_same_shape("where", mask, "adj_idx", adj_idx)?;
                if mask.dtype() != DType::U8 {
                    let received = format!("{:?}", mask.dtype());
                    return Err(Error::argument("where", "dtype u8", received));
                }
                let mask = mask.flatten_all()?.to_vec1::<u8>()?;
                Some(mask.into_iter().map(|flag| flag != 0).collect())
            }
        };
        Ok(Self::new(List::Dense { adj, mask }, dims))
    }

    fn new_sparse(
        dst: Option<Vec<u32>>,
        src: Option<Vec<u32>>,
        num_segments: Option<usize>,
        dims: Vec<usize>,
    ) -> Result<Self> {
        let batch: usize = dims[..dims.len() - 1].iter().product();
        flat_size("num_segments", batch, num_segments.unwrap_or(0))?;
        let list = List::Sparse {
            dst,
            src,
            num_segments,
        };
        Ok(Self::new(list, dims))
    }

    fn new(list: List, dims: Vec<usize>) -> Self {
        Self(Arc::new(Inner {
            list,
            dims,
            reduction: OnceLock::new(),
            src_gathers: Cache::default(),
            dst_gathers: Cache::default(),
            edges: Cache::default(),
        }))
    }

    /// Whether the list is dense.
    pub fn is_dense(&self) -> bool {
        matches!(self.0.list, List::Dense { .. })
    }

    /// Shape of the index list: `(..., P)` or `(..., N, M)`.
    pub fn index_dims(&self) -> &[usize] {
        &self.0.dims
    }

    /// Batch axes: the index list's without `P` or `N, M`.
    pub fn batch_dims(&self) -> &[usize] {
        let own = if self.is_dense() { 2 } else { 1 };
        &self.0.dims[..self.0.dims.len() - own]
    }

    /// Axes of the edges of one item: `[P]` or `[N, M]`.
    pub fn edge_dims(&self) -> &[usize] {
        &self.0.dims[self.batch_dims().len()..]
    }

    /// Number of edges of all items, padding included.
    pub fn num_edges(&self) -> usize {
        self.0.dims.iter().product()
    }

    /// Number of destinations of each item, if destinations are known ([`Graph::sparse_src`]).
    pub fn num_segments(&self) -> Option<usize> {
        match &self.0.list {
            List::Sparse { num_segments, .. } => *num_segments,
            List::Dense { .. } => Some(self.edge_dims()[0]),
        }
    }

    /// The graph with sources below `num_sources` in reductions too, if no mask says otherwise.
    pub(crate) fn with_num_sources(&self, num_sources: usize) -> Self {
        match &self.0.list {
            List::Dense { adj, mask: None } if self.num_segments() != Some(num_sources) => {
                let mask = Some(adj.iter().map(|&j| (j as usize) < num_sources).collect());
                let adj = adj.clone();
                Self::new(List::Dense { adj, mask }, self.0.dims.clone())
            }
            _ => self.clone(),
        }
    }

    /// The edges between the nodes of all items, for message passing. Node `i` of item `b` is row
    /// `b * num_segments + i` as destination, `b * num_nodes + i` as source; edges that reductions
    /// drop have the destination [`PADDING`].
    ///
    /// # Errors
    /// If the graph lacks destinations or sources, or there is no node to clamp a source to.
    pub fn edges(&self, num_nodes: usize) -> Result<Arc<EdgeList>> {
        self.0.edges.get(num_nodes, || {
            let src = self.flat_rows("num_nodes", self.src()?, num_nodes, None)?;
            let num_src = self.batch_size() * num_nodes;
            let rows = self.reduction_rows(num_nodes)?;
            Ok(EdgeList::new(
                rows,
                src,
                self.num_flat_segments()?,
                num_src,
            )?)
        })
    }

    /// Whether an edge that counts has a source that is padding: its values are those of the last
    /// node, but the last node gets no gradient for them.
    pub(crate) fn counts_padding(&self, num_nodes: usize) -> Result<bool> {
        let src = self.src()?;
        if src.iter().all(|&src| (src as usize) < num_nodes) {
            return Ok(false);
        }
        let edges = self.edges(num_nodes)?;
        let mut pairs = src.iter().zip(edges.dst());
        Ok(pairs.any(|(&src, &dst)| dst != PADDING && src as usize >= num_nodes))
    }

    /// Which row of `num_nodes` flattened source nodes each edge gathers from.
    pub(crate) fn src_gather(&self, num_nodes: usize) -> Result<Arc<GatherList>> {
        self.0
            .src_gathers
            .get(num_nodes, || self.gather(self.src()?, num_nodes))
    }

    /// As [`Graph::src_gather`] with the destinations of a sparse list.
    pub(crate) fn dst_gather(&self, num_nodes: usize) -> Result<Arc<GatherList>> {
        self.0
            .dst_gathers
            .get(num_nodes, || self.gather(self.dst()?, num_nodes))
    }

    /// Which flattened destination each edge is reduced to.
    pub(crate) fn reduction(&self) -> Result<Arc<Segments>> {
        if let Some(segments) = self.0.reduction.get() {
            return Ok(segments.clone());
        }
        let num_sources = self.num_segments().unwrap_or(0);
        let rows = self.reduction_rows(num_sources)?;
        let segments = Arc::new(Segments::new(rows, self.num_flat_segments()?)?);
        Ok(self.0.reduction.get_or_init(|| segments).clone())
    }

    fn reduction_rows(&self, num_sources: usize) -> Result<Vec<u32>> {
        let per_row = self.0.dims.last().copied().unwrap_or(1);
        Ok(match &self.0.list {
            List::Sparse { .. } => {
                let num = self.num_segments().unwrap_or(0);
                let per_item = |(e, &i): (usize, &u32)| match i as usize {
                    i if i < num => (e / per_row * num + i) as u32,
                    _ => PADDING,
                };
                self.dst()?.iter().enumerate().map(per_item).collect()
            }
            List::Dense { adj, mask } => {
                let counts = |e: usize| match mask {
                    Some(mask) => mask[e],
                    None => (adj[e] as usize) < num_sources,
                };
                let row = |e| {
                    if counts(e) {
                        (e / per_row) as u32
                    } else {
                        PADDING
                    }
                };
                (0..adj.len()).map(row).collect()
            }
        })
    }

    fn gather(&self, idx: &[u32], num: usize) -> Result<GatherList> {
        let num_rows = self.batch_size().saturating_mul(num);
        let segments = |padding| {
            let rows = self.flat_rows("inputs", idx, num, padding)?;
            Ok::<_, Error>(Arc::new(Segments::new(rows, num_rows)?))
        };
        let clamped = segments(None)?;
        let marked = if idx.iter().any(|&i| i as usize >= num) {
            segments(Some(PADDING))?
        } else {
            clamped.clone()
        };
        Ok(GatherList { clamped, marked })
    }

    /// Indices into the `num` nodes of each item as rows of all nodes; padding as given, or clamped.
    fn flat_rows(
        &self,
        argument: &'static str,
        idx: &[u32],
        num: usize,
        padding: Option<u32>,
    ) -> Result<Vec<u32>> {
        flat_size(argument, self.batch_size(), num)?;
        if num == 0 && !idx.is_empty() {
            let expected = "at least one node to gather from";
            return Err(Error::argument(argument, expected, "none"));
        }
        let per_item: usize = self.edge_dims().iter().product();
        let row = |(e, &i): (usize, &u32)| match (i as usize, padding) {
            (i, Some(padding)) if i >= num => padding,
            (i, _) => (e / per_item * num + i.min(num - 1)) as u32,
        };
        Ok(idx.iter().enumerate().map(row).collect())
    }

    fn batch_size(&self) -> usize {
        self.batch_dims().iter().product()
    }

    fn num_flat_segments(&self) -> Result<usize> {
        let num = self.num_segments().unwrap_or(0);
        flat_size("num_segments", self.batch_size(), num)
    }

    fn src(&self) -> Result<&[u32]> {
        match &self.0.list {
            List::Sparse { src: Some(idx), .. } | List::Dense { adj: idx, .. } => Ok(idx),
            List::Sparse { src: None, .. } => Err(missing("source", "Graph::sparse_dst")),
        }
    }

    fn dst(&self) -> Result<&[u32]> {
        match &self.0.list {
            List::Sparse { dst: Some(idx), .. } => Ok(idx),
            _ => Err(missing("destination", "Graph::sparse_src")),
        }
    }
}

fn missing(what: &str, constructor: &str) -> Error {
    let expected = format!("a graph with {what} indices");
    Error::argument("graph", expected, format!("one from {constructor}"))
}
