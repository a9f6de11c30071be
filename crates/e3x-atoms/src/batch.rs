//! Frames as tensors: several molecules or cells in one graph.

use candle_core::{DType, Device, Tensor};
use e3x::ops::Graph;

use crate::error::{Error, Result};
use crate::frame::Frame;
use crate::neighbors::{Pairs, pairs_within};

/// Several frames as one graph without edges between them.
///
/// A message-passing model costs the same for one frame of 90 atoms as for ten of nine.
#[derive(Debug, Clone)]
pub struct Batch {
    /// Number of frames B.
    pub num_frames: usize,
    /// Atomic numbers of all N atoms, shape `(N)`, u32.
    pub atomic_numbers: Tensor,
    /// Positions in Å, shape `(N, 3)`.
    pub positions: Tensor,
    /// Edges between atoms, from `src` to `dst`.
    pub graph: Graph,
    /// What to add to `positions[src] - positions[dst]`, in Å, shape `(edges, 3)`; `None` if all
    /// are zero (no periodic images).
    pub offsets: Option<Tensor>,
    /// Frame of each atom.
    pub segments: Graph,
    /// Number of atoms of each frame.
    pub sizes: Vec<usize>,
}

impl Batch {
    /// Puts frames together, with edges between all atoms (and periodic images) that are not
    /// farther apart than `cutoff` (Å).
    ///
    /// # Errors
    /// [`Error::Argument`] if there is no frame or a frame without atoms, if positions are not
    /// finite, or if the cutoff is not positive.
    pub fn new(frames: &[&Frame], cutoff: f64, dtype: DType) -> Result<Self> {
        Self::from_pairs(frames, &pairs_of(frames, cutoff)?, dtype)
    }

    /// [`Batch::new`] with the edges of each frame.
    pub(crate) fn from_pairs(frames: &[&Frame], pairs: &[Pairs], dtype: DType) -> Result<Self> {
        let mut builder = Builder::default();
        for (frame, pairs) in frames.iter().zip(pairs) {
            builder.add(frame, pairs);
        }
        builder.finish(dtype)
    }

    /// The same atoms at other positions, shape `(N, 3)`.
    pub(crate) fn at(&self, positions: &Tensor) -> Self {
        Self {
            positions: positions.clone(),
            ..self.clone()
        }
    }

    /// Number of atoms N.
    pub fn num_atoms(&self) -> usize {
        self.sizes.iter().sum()
    }

    /// Displacement vectors of all edges in Å, shape `(edges, 3)`.
    ///
    /// # Errors
    /// Those of the tensor library.
    pub fn displacements(&self, positions: &Tensor) -> Result<Tensor> {
        let offsets = self.offsets.as_ref();
        Ok(e3x::ops::displacements(positions, &self.graph, offsets)?)
    }
}

/// All pairs of each frame that are not farther apart than `cutoff` (Å).
///
/// # Errors
/// As [`Batch::new`].
pub(crate) fn pairs_of(frames: &[&Frame], cutoff: f64) -> Result<Vec<Pairs>> {
    if frames.is_empty() {
        return Err(Error::argument("frames", "at least one frame", 0));
    }
    let pairs = |(i, frame): (usize, &&Frame)| {
        frame.check().map_err(|error| error.of_frame(i))?;
        if frame.is_empty() {
            let argument = format!("frames[{i}]");
            return Err(Error::argument(argument, "at least one atom", 0));
        }
        pairs_within(&frame.positions, frame.cell.as_ref(), frame.pbc, cutoff)
    };
    frames.iter().enumerate().map(pairs).collect()
}

/// The positions of the atoms of all frames, shape `(N, 3)`.
pub(crate) fn positions(frames: &[&Frame], dtype: DType) -> Result<Tensor> {
    let rows = frames
        .iter()
        .flat_map(|frame| frame.positions.as_flattened());
    vectors(rows.copied().collect(), dtype)
}

/// Numbers as rows of three.
fn vectors(numbers: Vec<f64>, dtype: DType) -> Result<Tensor> {
    let shape = (numbers.len() / 3, 3);
    Ok(Tensor::from_vec(numbers, shape, &Device::Cpu)?.to_dtype(dtype)?)
}

#[derive(Default)]
struct Builder {
    numbers: Vec<u32>,
    positions: Vec<f64>,
    dst: Vec<u32>,
    src: Vec<u32>,
    offsets: Vec<f64>,
    periodic: bool,
    segments: Vec<u32>,
    sizes: Vec<usize>,
}

impl Builder {
    fn add(&mut self, frame: &Frame, pairs: &Pairs) {
        let first = self.numbers.len() as u32;
        let segment = self.sizes.len() as u32;
        self.numbers.extend(&frame.numbers);
        self.positions.extend(frame.positions.as_flattened());
        self.dst.extend(pairs.dst.iter().map(|i| i + first));
        self.src.extend(pairs.src.iter().map(|i| i + first));
        self.offsets
            .extend(pairs.offsets(frame.cell.as_ref()).as_flattened());
        self.periodic |= pairs.shifts.iter().any(|shift| shift != &[0; 3]);
        self.segments
            .extend(std::iter::repeat_n(segment, frame.len()));
        self.sizes.push(frame.len());
    }

    fn finish(self, dtype: DType) -> Result<Batch> {
        let device = Device::Cpu;
        let atoms = self.numbers.len();
        let indices = |values: Vec<u32>| {
            let n = values.len();
            Tensor::from_vec(values, n, &device)
        };
        let offsets = if self.periodic {
            Some(vectors(self.offsets, dtype)?)
        } else {
            None
        };
        Ok(Batch {
            num_frames: self.sizes.len(),
            atomic_numbers: indices(self.numbers)?,
            positions: vectors(self.positions, dtype)?,
            graph: Graph::sparse(&indices(self.dst)?, &indices(self.src)?, atoms)?,
            offsets,
            segments: Graph::sparse_dst(&indices(self.segments)?, self.sizes.len())?,
            sizes: self.sizes,
        })
    }
}
