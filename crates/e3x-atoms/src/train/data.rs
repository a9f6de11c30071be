//! What training sees of frames: labels in the model's unit, a fingerprint, deviations.

use candle_core::{DType, Tensor};

use crate::error::{Error, Result};
use crate::frame::Frame;
use crate::metrics::EnergyForceDeviations;
use crate::model::{EnergyScale, Prediction, TrainedPotential};

/// Frames that are evaluated as one batch.
const EVALUATION_BATCH: usize = 50;

/// Reference values in the model's unit.
pub(super) struct Target {
    pub(super) energy: Tensor,
    pub(super) forces: Tensor,
    unit: f64,
}

impl Target {
    pub(super) fn new(frames: &[&Frame], scale: EnergyScale, dtype: DType) -> Result<Self> {
        let mut energies = Vec::with_capacity(frames.len());
        let mut forces = Vec::new();
        for (i, frame) in frames.iter().enumerate() {
            let (energy, rows) = labels(frame, i)?;
            energies.push((energy - scale.shift) / scale.unit);
            forces.extend(rows.as_flattened().iter().map(|f| f / scale.unit));
        }
        let device = candle_core::Device::Cpu;
        let atoms = forces.len() / 3;
        Ok(Self {
            energy: Tensor::from_vec(energies, frames.len(), &device)?.to_dtype(dtype)?,
            forces: Tensor::from_vec(forces, (atoms, 3), &device)?.to_dtype(dtype)?,
            unit: scale.unit,
        })
    }

    pub(super) fn add_deviations(
        &self,
        energy: &Tensor,
        forces: &Tensor,
        deviations: &mut EnergyForceDeviations,
    ) -> Result<()> {
        let values = |x: &Tensor| x.to_dtype(DType::F64)?.flatten_all()?.to_vec1::<f64>();
        let pairs = [
            (&mut deviations.energy, energy, &self.energy),
            (&mut deviations.forces, forces, &self.forces),
        ];
        for (sum, predicted, reference) in pairs {
            for (p, r) in values(predicted)?.into_iter().zip(values(reference)?) {
                sum.add(p * self.unit, r * self.unit);
            }
        }
        Ok(())
    }
}

/// Energy and forces of a frame.
pub(super) fn labels(frame: &Frame, index: usize) -> Result<(f64, &[[f64; 3]])> {
    match (frame.energy, &frame.forces) {
        (Some(energy), Some(forces)) => Ok((energy, forces)),
        _ => Err(Error::argument(
            format!("frames[{index}]"),
            "an energy and forces",
            "a frame without them",
        )),
    }
}

/// A number that differs for different frames: the 64-bit FNV-1a hash of everything that training
/// sees of them.
pub(super) fn fingerprint<'a>(frames: impl Iterator<Item = &'a Frame>) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut add = |bits: u64| {
        for byte in bits.to_le_bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    };
    for frame in frames {
        add(frame.numbers.len() as u64);
        frame.numbers.iter().for_each(|z| add(u64::from(*z)));
        frame.pbc.iter().for_each(|pbc| add(u64::from(*pbc)));
        let cell = frame.cell.iter().flatten();
        let forces = frame.forces.iter().flatten();
        let rows = frame.positions.iter().chain(forces).chain(cell);
        let numbers = rows.flatten().chain(frame.energy.iter());
        numbers.for_each(|x| add(x.to_bits()));
    }
    hash
}

/// Deviations of a model on labelled frames; `each` sees every frame with its prediction.
///
/// # Errors
/// [`Error::Argument`] if a frame lacks energy or forces; those of the model.
pub fn evaluate(
    potential: &TrainedPotential,
    frames: &[Frame],
    mut each: impl FnMut(&Frame, &Prediction),
) -> Result<EnergyForceDeviations> {
    let mut deviations = EnergyForceDeviations::default();
    for (chunk, frames) in frames.chunks(EVALUATION_BATCH).enumerate() {
        let predictions = potential.predict(&frames.iter().collect::<Vec<_>>())?;
        for (i, (frame, prediction)) in frames.iter().zip(&predictions).enumerate() {
            let (energy, forces) = labels(frame, chunk * EVALUATION_BATCH + i)?;
            deviations.add_frame(prediction.energy, energy, &prediction.forces, forces)?;
            each(frame, prediction);
        }
    }
    Ok(deviations)
}
