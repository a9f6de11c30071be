//! Errors of predictions (MAE, RMSE) and their record over the epochs of a training.

mod record;

pub use record::{MetricsLog, MetricsTable, read_metrics};

use crate::error::{Result, check_rows};

/// Sums of absolute and squared deviations between predictions and reference values.
///
/// ```
/// use e3x_atoms::metrics::Deviations;
///
/// let mut deviations = Deviations::default();
/// deviations.add(1.0, 2.0);
/// deviations.add(5.0, 2.0);
/// assert_eq!(deviations.mae(), Some(2.0));
/// assert_eq!(deviations.rmse(), Some(5.0_f64.sqrt()));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Deviations {
    count: u64,
    absolute: f64,
    squared: f64,
}

impl Deviations {
    /// Adds one prediction and its reference value, in the same unit.
    pub fn add(&mut self, predicted: f64, reference: f64) {
        let deviation = predicted - reference;
        self.count += 1;
        self.absolute += deviation.abs();
        self.squared += deviation * deviation;
    }

    /// Adds all components of vectors, for instance of the forces on the atoms, shape `(N, 3)` each.
    ///
    /// # Errors
    /// [`Error::Argument`](crate::Error::Argument) if the shapes differ; nothing is added then.
    pub fn add_rows(&mut self, predicted: &[[f64; 3]], reference: &[[f64; 3]]) -> Result<()> {
        check_rows("predicted", predicted.len(), reference.len())?;
        let pairs = predicted
            .as_flattened()
            .iter()
            .zip(reference.as_flattened());
        pairs.for_each(|(predicted, reference)| self.add(*predicted, *reference));
        Ok(())
    }

    /// Adds what another accumulator has gathered.
    pub fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.absolute += other.absolute;
        self.squared += other.squared;
    }

    /// The number of values added.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The mean absolute error in the unit of the values; `None` if nothing was added.
    pub fn mae(&self) -> Option<f64> {
        (self.count > 0).then(|| self.absolute / self.count as f64)
    }

    /// The root mean square error in the unit of the values; `None` if nothing was added.
    pub fn rmse(&self) -> Option<f64> {
        (self.count > 0).then(|| (self.squared / self.count as f64).sqrt())
    }
}

/// Deviations of energies (eV, one value per frame) and of force components (eV/Å, 3N values per frame).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct EnergyForceDeviations {
    /// Deviations of the energies.
    pub energy: Deviations,
    /// Deviations of the force components.
    pub forces: Deviations,
}

impl EnergyForceDeviations {
    /// Adds one frame: energies in eV, forces in eV/Å with shape `(N, 3)`.
    ///
    /// # Errors
    /// [`Error::Argument`](crate::Error::Argument) if the shapes of the forces differ; nothing is added then.
    pub fn add_frame(
        &mut self,
        energy: f64,
        reference_energy: f64,
        forces: &[[f64; 3]],
        reference_forces: &[[f64; 3]],
    ) -> Result<()> {
        self.forces.add_rows(forces, reference_forces)?;
        self.energy.add(energy, reference_energy);
        Ok(())
    }

    /// Adds what another accumulator has gathered.
    pub fn merge(&mut self, other: &Self) {
        self.energy.merge(&other.energy);
        self.forces.merge(&other.forces);
    }
}
