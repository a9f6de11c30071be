//! A trained potential for the same atoms again and again.

use candle_core::Tensor;
use e3x::autograd::CreateGraph;
use e3x::trace::Trace;

use crate::batch::{Batch, pairs_of, positions};
use crate::error::{Error, Result};
use crate::frame::Frame;
use crate::model::{Prediction, TrainedPotential};
use crate::potential::Potential;
use crate::traced::Traced;

/// Energies and forces of a [`TrainedPotential`].
///
/// The results are those of [`TrainedPotential::predict`]. If atoms, cells and pairs within the cutoff are the same as in
/// the calls before, what to compute is known (a [`Trace`]), and only that is done: for small molecules
/// in 0.7 of the time, and in 0.6 of it on two threads (ethanol).
///
/// ```
/// use candle_core::DType;
/// use e3x_atoms::Frame;
/// use e3x_atoms::model::{EnergyScale, MessagePassingPotential, ModelConfig, TrainedPotential};
///
/// let (model, _) = MessagePassingPotential::seeded(&ModelConfig::default(), 0, DType::F32)?;
/// let trained = TrainedPotential { model, scale: EnergyScale { unit: 1.0, shift: 0.0 } };
/// let mut predictor = trained.predictor();
/// for distance in [0.74, 0.75, 0.76] {
///     let hydrogen = Frame::new(vec![1, 1], vec![[0.0; 3], [0.0, 0.0, distance]]);
///     let prediction = predictor.predict(&[&hydrogen])?.remove(0);
///     assert_eq!(prediction.forces.len(), 2);
/// }
/// # Ok::<(), e3x_atoms::Error>(())
/// ```
#[derive(Debug)]
pub struct Predictor<'a> {
    trained: &'a TrainedPotential,
    traced: Traced,
}

impl<'a> Predictor<'a> {
    pub(crate) fn new(trained: &'a TrainedPotential) -> Self {
        Self {
            trained,
            traced: Traced::default(),
        }
    }

    /// Energies and forces of several frames, computed as one batch.
    ///
    /// # Errors
    /// As [`TrainedPotential::predict`].
    pub fn predict(&mut self, frames: &[&Frame]) -> Result<Vec<Prediction>> {
        let pairs = pairs_of(frames, self.trained.model.config().cutoff)?;
        let model = &self.trained.model;
        let make = |batch: &Batch| {
            let energy_and_forces = |inputs: &[Tensor]| {
                let (energy, forces) =
                    model.energy_and_forces(&batch.at(&inputs[0]), CreateGraph::No)?;
                Ok::<_, Error>(vec![energy, forces])
            };
            Trace::new(energy_and_forces, &[&batch.positions])
        };
        if let Some(trace) = self.traced.trace(frames, &pairs, model.dtype(), make)? {
            let outputs = trace.run(&[&positions(frames, model.dtype())?])?;
            let sizes: Vec<usize> = frames.iter().map(|frame| frame.len()).collect();
            return self.trained.predictions(&outputs[0], &outputs[1], &sizes);
        }
        let batch = Batch::from_pairs(frames, &pairs, model.dtype())?;
        let (energy, forces) = model.energy_and_forces(&batch, CreateGraph::No)?;
        self.trained.predictions(&energy, &forces, &batch.sizes)
    }
}

/// A clone begins without a trace.
impl Clone for Predictor<'_> {
    fn clone(&self) -> Self {
        Self::new(self.trained)
    }
}

/// A [`TrainedPotential`] in a fixed cell.
#[derive(Debug, Clone)]
pub struct FramePotential<'a> {
    predictor: Predictor<'a>,
    cell: Option<[[f64; 3]; 3]>,
    pbc: [bool; 3],
}

impl<'a> FramePotential<'a> {
    pub(crate) fn new(trained: &'a TrainedPotential, frame: &Frame) -> Self {
        Self {
            predictor: trained.predictor(),
            cell: frame.cell,
            pbc: frame.pbc,
        }
    }
}

impl Potential for FramePotential<'_> {
    fn energy_and_forces(
        &mut self,
        numbers: &[u32],
        positions: &[[f64; 3]],
    ) -> Result<(f64, Vec<[f64; 3]>)> {
        let frame = Frame {
            cell: self.cell,
            pbc: self.pbc,
            ..Frame::new(numbers.to_vec(), positions.to_vec())
        };
        let prediction = self.predictor.predict(&[&frame])?.remove(0);
        Ok((prediction.energy, prediction.forces))
    }
}
