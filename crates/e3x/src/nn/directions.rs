//! Directions of edges and the frames that go with them.

use std::sync::{Arc, Mutex, PoisonError};

use candle_core::{DType, Device, Tensor};
use e3x_kernels::EdgeList;
use e3x_kernels::edges::PADDING;

use super::angular::AngularFunction;
use super::basis::BasisConfig;
use crate::Result;
use crate::op::frames::frames;
use crate::op::tape::view;

/// Displacement vectors whose harmonics are the angular part of a basis.
#[derive(Debug, Clone)]
pub(crate) struct Directions {
    /// Shape `(n, 3)`.
    vectors: Tensor,
    /// Vectors without direction.
    zeros: Arc<[usize]>,
    /// Values of the harmonics with m = 0 at the z axis, one for each degree.
    scales: Arc<[f64]>,
    cartesian_order: bool,
    /// Frames up to some degree, made when they are first asked for.
    frames: Arc<Mutex<Option<(usize, Tensor)>>>,
}

/// Values of harmonics with m = 0 at the z axis, computed once per process.
fn scales(function: AngularFunction, max_degree: usize) -> Result<Arc<[f64]>> {
    static KNOWN: Mutex<Vec<(AngularFunction, Arc<[f64]>)>> = Mutex::new(Vec::new());
    let known = || KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let fits = |(of, scales): &&(_, Arc<[f64]>)| *of == function && scales.len() == max_degree + 1;
    if let Some((_, scales)) = known().iter().find(fits) {
        return Ok(Arc::clone(scales));
    }
    let up = Tensor::new(&[[0.0, 0.0, 1.0]], &Device::Cpu)?;
    let values = function.evaluate(&up, max_degree, false)?;
    let values = values.flatten_all()?.to_vec1::<f64>()?;
    let scales: Arc<[f64]> = (0..=max_degree).map(|l| values[l * l + l]).collect();
    known().push((function, Arc::clone(&scales)));
    Ok(scales)
}

impl Directions {
    /// The directions of `r`, shape `(..., 3)`.
    pub(super) fn new(r: &Tensor, config: &BasisConfig) -> Result<Self> {
        let vectors = view(r, (r.elem_count() / 3, 3))?;
        let numbers = vectors
            .detach()
            .to_dtype(DType::F64)?
            .flatten_all()?
            .to_vec1::<f64>()?;
        let zeros = numbers.chunks_exact(3).enumerate();
        let zeros = zeros
            .filter(|(_, r)| r.iter().all(|&x| x == 0.0))
            .map(|(n, _)| n);
        Ok(Self {
            zeros: zeros.collect(),
            scales: scales(config.angular_fn, config.max_degree)?,
            vectors,
            cartesian_order: config.cartesian_order,
            frames: Arc::default(),
        })
    }

    /// Whether every edge of a graph has a direction.
    pub(super) fn cover(&self, edges: &EdgeList) -> bool {
        let is_padding = |&edge: &usize| edges.dst().get(edge) == Some(&PADDING);
        self.zeros.iter().all(is_padding)
    }

    pub(super) fn scales(&self) -> &Arc<[f64]> {
        &self.scales
    }

    pub(super) fn cartesian_order(&self) -> bool {
        self.cartesian_order
    }

    /// Frames of all edges up to a degree. Layers that ask for the same degree share them, and
    /// their derivatives.
    pub(super) fn frames(&self, max_degree: usize) -> Result<Tensor> {
        let mut made = self.frames.lock().unwrap_or_else(PoisonError::into_inner);
        match &*made {
            Some((degree, frames)) if *degree == max_degree => Ok(frames.clone()),
            _ => {
                let new = frames(&self.vectors, max_degree, self.cartesian_order)?;
                *made = Some((max_degree, new.clone()));
                Ok(new)
            }
        }
    }
}
