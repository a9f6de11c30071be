//! Directed edges between nodes, sorted both ways.

use crate::{Error, Result};

/// Marks the destination of an edge that belongs to no node: sums drop it.
pub const PADDING: u32 = u32::MAX;

/// Edge numbers grouped by node: the edges of node `i` are
/// `edges[offsets[i]..offsets[i + 1]]`, in ascending order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Csr {
    offsets: Vec<u32>,
    edges: Vec<u32>,
}

impl Csr {
    /// Groups edges by the node that `node_of` names; edges without a node are left out.
    fn group(num_nodes: usize, num_edges: usize, node_of: impl Fn(usize) -> Option<u32>) -> Self {
        let mut offsets = vec![0u32; num_nodes + 1];
        for node in (0..num_edges).filter_map(&node_of) {
            offsets[node as usize + 1] += 1;
        }
        for i in 0..num_nodes {
            offsets[i + 1] += offsets[i];
        }
        let mut next = offsets.clone();
        let mut edges = vec![0u32; offsets[num_nodes] as usize];
        for edge in 0..num_edges {
            if let Some(node) = node_of(edge) {
                let slot = &mut next[node as usize];
                edges[*slot as usize] = edge as u32;
                *slot += 1;
            }
        }
        Self { offsets, edges }
    }

    /// Number of nodes.
    pub fn num_nodes(&self) -> usize {
        self.offsets.len().saturating_sub(1)
    }

    /// The edges of a node, in ascending order.
    #[inline]
    pub fn edges_of(&self, node: usize) -> &[u32] {
        &self.edges[self.offsets[node] as usize..self.offsets[node + 1] as usize]
    }
}

/// Edges from source to destination nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EdgeList {
    dst: Vec<u32>,
    src: Vec<u32>,
    by_dst: Csr,
    by_src: Csr,
}

impl EdgeList {
    /// Checks the indices and sorts the edges by destination and by source.
    ///
    /// A destination may be [`PADDING`]; such an edge takes part in no sum.
    ///
    /// # Errors
    /// If the lists differ in length or an index is out of range.
    pub fn new(dst: Vec<u32>, src: Vec<u32>, num_dst: usize, num_src: usize) -> Result<Self> {
        if dst.len() != src.len() {
            let expected = format!("as many entries as dst_idx, {}", dst.len());
            return Err(Error::argument("src_idx", expected, src.len().to_string()));
        }
        if dst.len() >= PADDING as usize {
            return Err(Error::argument(
                "dst_idx",
                "fewer than 2^32 - 1 edges",
                dst.len().to_string(),
            ));
        }
        if let Some(bad) = dst.iter().find(|&&i| i != PADDING && i as usize >= num_dst) {
            return Err(Error::argument(
                "dst_idx",
                format!("indices below {num_dst}"),
                bad.to_string(),
            ));
        }
        if let Some(bad) = src.iter().find(|&&i| i as usize >= num_src) {
            return Err(Error::argument(
                "src_idx",
                format!("indices below {num_src}"),
                bad.to_string(),
            ));
        }
        let by_dst = Csr::group(num_dst, dst.len(), |e| (dst[e] != PADDING).then(|| dst[e]));
        let by_src = Csr::group(num_src, src.len(), |e| (dst[e] != PADDING).then(|| src[e]));
        Ok(Self {
            dst,
            src,
            by_dst,
            by_src,
        })
    }

    /// Number of edges, padding included.
    pub fn len(&self) -> usize {
        self.dst.len()
    }

    /// Whether there is no edge.
    pub fn is_empty(&self) -> bool {
        self.dst.is_empty()
    }

    /// Number of destination nodes.
    pub fn num_dst(&self) -> usize {
        self.by_dst.num_nodes()
    }

    /// Number of source nodes.
    pub fn num_src(&self) -> usize {
        self.by_src.num_nodes()
    }

    /// Destination of each edge, or [`PADDING`].
    pub fn dst(&self) -> &[u32] {
        &self.dst
    }

    /// Source of each edge.
    pub fn src(&self) -> &[u32] {
        &self.src
    }

    /// Edges by destination, padding left out.
    pub fn by_dst(&self) -> &Csr {
        &self.by_dst
    }

    /// Edges by source, those without destination left out.
    pub fn by_src(&self) -> &Csr {
        &self.by_src
    }
}
