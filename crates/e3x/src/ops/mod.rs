//! Index operations, safe norms and helpers: `e3x.ops`.
//!
//! Messages travel along edges between nodes. A [`Graph`] holds the edges as a sparse index list
//! (one destination and one source index per edge) or a dense one (a fixed number of sources per
//! destination), checked once; the functions gather from nodes to edges and reduce over the edges
//! of each destination.
//!
//! ```
//! use candle_core::{Device, Tensor};
//! use e3x::ops::{Graph, gather_src, indexed_sum};
//!
//! // Two edges point to node 0, one to node 2.
//! let graph = Graph::from_indices(&[0, 0, 2], &[1, 2, 0], 3)?;
//! let x = Tensor::new(&[1.0, 10.0, 100.0], &Device::Cpu)?;
//! let messages = gather_src(&x, &graph)?;
//! assert_eq!(messages.to_vec1::<f64>()?, [10.0, 100.0, 1.0]);
//! let sums = indexed_sum(&messages, &graph, false)?;
//! assert_eq!(sums.to_vec1::<f64>()?, [110.0, 0.0, 1.0]);
//! # Ok::<(), e3x::Error>(())
//! ```

mod cache;
mod graph;
mod helpers;
mod indexed;
mod indices;
mod pairs;
mod safe;
mod softmax;

pub use graph::Graph;
pub use helpers::{evaluate_derivatives, inverse_softplus, linear_combination, reshape};
pub use indexed::{displacements, gather_dst, gather_src, indexed_max, indexed_min, indexed_sum};
pub use pairs::{
    dense_pairwise_indices, dense_to_sparse_indices, sparse_pairwise_indices,
    sparse_to_dense_indices,
};
pub use safe::{norm, normalize, normalize_and_return_norm};
pub use softmax::indexed_softmax;
