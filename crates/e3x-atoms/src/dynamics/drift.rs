//! How well dynamics conserve the total energy.

use std::fmt;

use super::nve::Observables;
use crate::error::{Error, Result};

/// How the total energy of a trajectory behaved.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EnergyDrift {
    /// The slope of the straight line fitted to the total energy, in meV/atom/ps.
    pub slope: f64,
    /// The largest deviation of the total energy from its first value, in meV/atom.
    pub max_deviation: f64,
    /// The root mean square deviation of the total energy from the fitted line, in meV/atom.
    pub fluctuation: f64,
}

impl fmt::Display for EnergyDrift {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "drift {:+.4} meV/atom/ps, fluctuation {:.4} meV/atom, largest deviation {:.4} meV/atom",
            self.slope, self.fluctuation, self.max_deviation
        )
    }
}

/// Fits the total energy of a trajectory of `num_atoms` atoms by a straight line (least squares).
///
/// # Errors
/// [`Error::Argument`] for fewer than two samples, samples at one time only, or no atoms.
pub fn energy_drift(samples: &[Observables], num_atoms: usize) -> Result<EnergyDrift> {
    if num_atoms == 0 {
        return Err(Error::argument("num_atoms", "at least 1", num_atoms));
    }
    let count = samples.len() as f64;
    let (Some(first), true) = (samples.first(), samples.len() >= 2) else {
        return Err(Error::argument("samples", "at least 2", samples.len()));
    };
    // Relative to the first sample, so that a large offset costs no digits.
    let time = |sample: &Observables| sample.time - first.time;
    let energy = |sample: &Observables| sample.total - first.total;
    let mean_time = samples.iter().map(time).sum::<f64>() / count;
    let mean_energy = samples.iter().map(energy).sum::<f64>() / count;
    let spread: f64 = samples.iter().map(|s| (time(s) - mean_time).powi(2)).sum();
    if spread == 0.0 {
        return Err(Error::argument(
            "samples",
            "at least 2 different times",
            "one time",
        ));
    }
    let covariance: f64 = samples
        .iter()
        .map(|s| (time(s) - mean_time) * (energy(s) - mean_energy))
        .sum();
    let slope = covariance / spread;
    let squares: f64 = samples
        .iter()
        .map(|s| (energy(s) - mean_energy - slope * (time(s) - mean_time)).powi(2))
        .sum();
    let largest = samples.iter().map(|s| energy(s).abs()).fold(0.0, f64::max);
    let to_mev_per_atom = 1e3 / num_atoms as f64;
    Ok(EnergyDrift {
        slope: slope * 1e3 * to_mev_per_atom,
        max_deviation: largest * to_mev_per_atom,
        fluctuation: (squares / count).sqrt() * to_mev_per_atom,
    })
}
