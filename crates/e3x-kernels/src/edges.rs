//! Directed edges between nodes, sorted both ways.

use std::ops::Range;
use std::sync::OnceLock;

pub use crate::csr::PADDING;

use crate::csr::Csr;
use crate::{Error, Result};

/// Edges from source to destination nodes.
#[derive(Debug, Clone)]
pub struct EdgeList {
    dst: Vec<u32>,
    src: Vec<u32>,
    by_dst: Csr,
    by_src: Csr,
    /// See [`EdgeList::gaps`].
    gaps: OnceLock<Vec<usize>>,
}

/// The same edges between as many nodes; the rest follows from these.
impl PartialEq for EdgeList {
    fn eq(&self, other: &Self) -> bool {
        let nodes = |edges: &Self| [edges.num_dst(), edges.num_src()];
        self.dst == other.dst && self.src == other.src && nodes(self) == nodes(other)
    }
}

impl Eq for EdgeList {}

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
        let by_dst = Csr::new(&dst, num_dst);
        let kept = |(&dst, &src): (&u32, &u32)| if dst == PADDING { PADDING } else { src };
        let summed: Vec<u32> = dst.iter().zip(&src).map(kept).collect();
        let by_src = Csr::new(&summed, num_src);
        Ok(Self {
            dst,
            src,
            by_dst,
            by_src,
            gaps: OnceLock::new(),
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
        self.by_dst.num_rows()
    }

    /// Number of source nodes.
    pub fn num_src(&self) -> usize {
        self.by_src.num_rows()
    }

    /// Destination of each edge, or [`PADDING`].
    pub fn dst(&self) -> &[u32] {
        &self.dst
    }

    /// Source of each edge.
    pub fn src(&self) -> &[u32] {
        &self.src
    }

    /// The edges that end at a node, in ascending order.
    ///
    /// # Panics
    /// If the node does not exist.
    pub fn edges_to(&self, node: usize) -> Vec<usize> {
        let positions = self.by_dst.range(node);
        positions
            .map(|position| self.by_dst.entry(position))
            .collect()
    }

    /// The edges that start at a node and end at one, in ascending order.
    ///
    /// # Panics
    /// If the node does not exist.
    pub fn edges_from(&self, node: usize) -> Vec<usize> {
        let positions = self.by_src.range(node);
        positions
            .map(|position| self.by_src.entry(position))
            .collect()
    }

    /// The range of the sources of all edges that end at some nodes.
    pub(crate) fn sources(&self, nodes: &Range<usize>) -> Range<usize> {
        let (mut first, mut end) = (usize::MAX, 0);
        for node in nodes.clone() {
            for position in self.by_dst.range(node) {
                let src = self.src[self.by_dst.entry(position)] as usize;
                (first, end) = (first.min(src), end.max(src + 1));
            }
        }
        first.min(end)..end
    }

    /// The nodes that no edge leads from or to across: between nodes before one of them and it and those after it, as
    /// between the molecules of a batch. None if sources and destinations are not the same nodes.
    pub(crate) fn gaps(&self) -> &[usize] {
        self.gaps.get_or_init(|| {
            let num = self.num_dst();
            if self.num_src() != num {
                return Vec::new();
            }
            let sources: Vec<_> = (0..num)
                .map(|node| self.sources(&(node..node + 1)))
                .collect();
            // The lowest source of the edges to a node and to all nodes after it.
            let mut lowest = vec![num; num + 1];
            for (node, sources) in sources.iter().enumerate().rev() {
                let own = if sources.is_empty() {
                    num
                } else {
                    sources.start
                };
                lowest[node] = lowest[node + 1].min(own);
            }
            let (mut gaps, mut highest) = (Vec::new(), 0);
            for (node, sources) in sources.iter().enumerate() {
                if highest <= node && lowest[node] >= node {
                    gaps.push(node);
                }
                highest = highest.max(sources.end);
            }
            gaps
        })
    }

    pub(crate) fn by_dst(&self) -> &Csr {
        &self.by_dst
    }

    pub(crate) fn by_src(&self) -> &Csr {
        &self.by_src
    }
}
