//! Molecular dynamics: velocities of a temperature, velocity Verlet, and how well the energy is conserved.

mod drift;
mod nve;
mod velocities;

pub use drift::{EnergyDrift, energy_drift};
pub use nve::{Nve, NveConfig, Observables};
pub use velocities::{
    VelocityConfig, angular_momentum, degrees_of_freedom, kinetic_energy, linear_momentum,
    maxwell_boltzmann, remove_rotation, remove_translation, temperature,
};
