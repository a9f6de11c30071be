//! A trained potential for the same atoms again and again.

use candle_core::{DType, Device, Tensor};
use e3x::autograd::CreateGraph;
use e3x::trace::Trace;

use crate::batch::{Batch, pairs_of};
use crate::error::{Error, Result};
use crate::frame::Frame;
use crate::model::{MessagePassingPotential, Prediction, TrainedPotential};
use crate::neighbors::Pairs;
use crate::potential::Potential;

/// Calls with the same atoms and pairs after which a trace is worth its making, which takes as long as three
/// calls and saves a third of one.
const CALLS: usize = 6;

/// Most pairs for which there is something to save.
const MOST_PAIRS: usize = 1 << 12;

/// Energies and forces of a [`TrainedPotential`].
///
/// The results are those of [`TrainedPotential::predict`]. If atoms, cells and pairs within the cutoff are the same as in
/// the calls before, what to compute is known (a [`Trace`]), and only that is done: for small molecules
/// in two thirds of the time, and on two threads in half of it.
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
    last: Option<Known>,
}

/// What was computed last.
#[derive(Debug)]
struct Known {
    systems: Vec<System>,
    /// How often.
    calls: usize,
    trace: Option<Trace>,
}

/// What a trace does not depend on numerically.
#[derive(Debug, PartialEq)]
struct System {
    numbers: Vec<u32>,
    cell: Option<[[f64; 3]; 3]>,
    pairs: Pairs,
}

impl<'a> Predictor<'a> {
    pub(crate) fn new(trained: &'a TrainedPotential) -> Self {
        Self {
            trained,
            last: None,
        }
    }

    /// Energies and forces of several frames, computed as one batch.
    ///
    /// # Errors
    /// As [`TrainedPotential::predict`].
    pub fn predict(&mut self, frames: &[&Frame]) -> Result<Vec<Prediction>> {
        let pairs = pairs_of(frames, self.trained.model.config().cutoff)?;
        let known = match self.last.take().filter(|known| known.is_of(frames, &pairs)) {
            Some(known) => known,
            None => Known::new(frames, &pairs),
        };
        let known = self.last.insert(known);
        let trained = self.trained;
        if let Some(trace) = known.trace(&trained.model, frames, &pairs)? {
            let positions = positions(frames, trained.model.dtype())?;
            let outputs = trace.run(&[&positions])?;
            return trained.predictions(&outputs[0], &outputs[1], &sizes(frames));
        }
        let batch = Batch::from_pairs(frames, &pairs, trained.model.dtype())?;
        let (energy, forces) = trained.model.energy_and_forces(&batch, CreateGraph::No)?;
        trained.predictions(&energy, &forces, &batch.sizes)
    }
}

impl Known {
    fn new(frames: &[&Frame], pairs: &[Pairs]) -> Self {
        let system = |(frame, pairs): (&&Frame, &Pairs)| System {
            numbers: frame.numbers.clone(),
            cell: frame.cell,
            pairs: pairs.clone(),
        };
        Self {
            systems: frames.iter().zip(pairs).map(system).collect(),
            calls: 0,
            trace: None,
        }
    }

    fn is_of(&self, frames: &[&Frame], pairs: &[Pairs]) -> bool {
        let same = |((system, frame), pairs): ((&System, &&Frame), &Pairs)| {
            system.numbers == frame.numbers && system.cell == frame.cell && &system.pairs == pairs
        };
        self.systems.len() == frames.len() && self.systems.iter().zip(frames).zip(pairs).all(same)
    }

    /// What to compute, if it is known or worth being found out.
    fn trace(
        &mut self,
        model: &MessagePassingPotential,
        frames: &[&Frame],
        pairs: &[Pairs],
    ) -> Result<Option<&Trace>> {
        if let Some(trace) = &self.trace
            && !trace.is_current()?
        {
            // Parameters have changed.
            self.trace = None;
            self.calls = 0;
        }
        self.calls += 1;
        let few = pairs.iter().map(Pairs::len).sum::<usize>() <= MOST_PAIRS;
        if self.trace.is_none() && few && self.calls >= CALLS {
            let batch = Batch::from_pairs(frames, pairs, model.dtype())?;
            let energy_and_forces = |inputs: &[Tensor]| {
                let batch = Batch {
                    positions: inputs[0].clone(),
                    ..batch.clone()
                };
                let (energy, forces) = model.energy_and_forces(&batch, CreateGraph::No)?;
                Ok::<_, Error>(vec![energy, forces])
            };
            self.trace = Some(Trace::new(energy_and_forces, &[&batch.positions])?);
        }
        Ok(self.trace.as_ref())
    }
}

fn sizes(frames: &[&Frame]) -> Vec<usize> {
    frames.iter().map(|frame| frame.len()).collect()
}

fn positions(frames: &[&Frame], dtype: DType) -> Result<Tensor> {
    let rows = frames
        .iter()
        .flat_map(|frame| frame.positions.as_flattened());
    let shape = (sizes(frames).iter().sum::<usize>(), 3);
    let numbers = rows.copied().collect::<Vec<f64>>();
    Ok(Tensor::from_vec(numbers, shape, &Device::Cpu)?.to_dtype(dtype)?)
}

/// A [`TrainedPotential`] in a fixed cell.
#[derive(Debug)]
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
