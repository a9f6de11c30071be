//! Velocities of a temperature, without drift and rotation.

use rand_distr::{Distribution, StandardNormal};

use crate::error::{Error, Result, check_finite_rows, check_non_negative, check_rows};
use crate::linalg::{Mat3, Vec3, add, cross, dot, scale, scale_rows, sub, symmetric_eigen};
use crate::random::{Purpose, generator};
use crate::units::{AMU_ANGSTROM2_PER_FS2, BOLTZMANN};

/// Options of [`maxwell_boltzmann`].
#[derive(Clone, Debug, PartialEq)]
pub struct VelocityConfig {
    /// Temperature in K; 300 by default.
    pub temperature: f64,
    /// Seed of the random numbers; 0 by default.
    pub seed: u64,
    /// Whether the centre of mass shall rest; true by default.
    pub remove_translation: bool,
    /// Whether the angular momentum about the centre of mass shall be zero; true by default. Set it to false for
    /// periodic systems, which cannot rotate freely.
    pub remove_rotation: bool,
}

impl Default for VelocityConfig {
    fn default() -> Self {
        Self {
            temperature: 300.0,
            seed: 0,
            remove_translation: true,
            remove_rotation: true,
        }
    }
}

/// Velocities in Å/fs, shape `(N, 3)`, drawn from the distribution of Maxwell and Boltzmann.
///
/// Every component of atom i is normal with variance k_B T / m_i. Then drift and rotation are removed as the options say,
/// and the velocities are scaled such that [`temperature`] with the remaining [`degrees_of_freedom`] is exactly the
/// one asked for. A single atom whose drift is removed has no degree of freedom left and rests.
///
/// `positions` are in Å with shape `(N, 3)`, `masses` in u with shape `(N,)`.
///
/// # Errors
/// [`Error::Argument`] for a negative temperature, masses that are not positive, or shapes that differ.
pub fn maxwell_boltzmann(
    positions: &[[f64; 3]],
    masses: &[f64],
    config: &VelocityConfig,
) -> Result<Vec<[f64; 3]>> {
    check_non_negative("temperature", config.temperature)?;
    let freedom = degrees_of_freedom(
        positions,
        masses,
        config.remove_translation,
        config.remove_rotation,
    )?;
    let mut random = generator(Purpose::Velocities, config.seed, 0);
    let thermal = BOLTZMANN * config.temperature / AMU_ANGSTROM2_PER_FS2;
    let mut velocities: Vec<Vec3> = Vec::with_capacity(masses.len());
    for mass in masses {
        let width = (thermal / mass).sqrt();
        velocities.push(std::array::from_fn(|_| {
            let normal: f64 = StandardNormal.sample(&mut random);
            width * normal
        }));
    }
    if freedom == 0 {
        velocities.fill([0.0; 3]);
        return Ok(velocities);
    }
    if config.remove_translation {
        remove_translation(&mut velocities, masses)?;
    }
    if config.remove_rotation {
        remove_rotation(&mut velocities, positions, masses)?;
    }
    let present = temperature(kinetic_energy(&velocities, masses)?, freedom);
    if present > 0.0 {
        let factor = (config.temperature / present).sqrt();
        scale_rows(factor, &mut velocities);
    }
    Ok(velocities)
}

/// The number of independent directions of motion: 3N, less 3 without drift, less the number of axes about which the
/// atoms can rotate (3, for linear molecules 2, for a single atom 0) without rotation.
///
/// An axis counts if its principal moment of inertia exceeds 1e-8 of the largest one.
///
/// # Errors
/// [`Error::Argument`] for masses that are not positive or shapes that differ.
pub fn degrees_of_freedom(
    positions: &[[f64; 3]],
    masses: &[f64],
    remove_translation: bool,
    remove_rotation: bool,
) -> Result<usize> {
    check_atoms(positions, masses)?;
    if masses.is_empty() {
        return Ok(0);
    }
    let translations = if remove_translation { 3 } else { 0 };
    let rotations = if remove_rotation {
        Inertia::new(positions, masses).axes().count()
    } else {
        0
    };
    Ok((3 * masses.len()).saturating_sub(translations + rotations))
}

/// Subtracts the velocity of the centre of mass. Velocities in any unit, shape `(N, 3)`; masses in u, shape `(N,)`.
///
/// # Errors
/// [`Error::Argument`] for masses that are not positive or shapes that differ.
pub fn remove_translation(velocities: &mut [[f64; 3]], masses: &[f64]) -> Result<()> {
    check_atoms(velocities, masses)?;
    let drift = center(velocities, masses);
    for row in velocities {
        *row = sub(*row, drift);
    }
    Ok(())
}

/// Subtracts the rigid rotation that carries the angular momentum about the centre of mass.
///
/// The angular velocity is the pseudo-inverse of the inertia tensor times the angular momentum, so linear molecules and
/// single atoms work too. Velocities in any unit, positions in Å, both with shape `(N, 3)`; masses in u, shape `(N,)`.
///
/// # Errors
/// [`Error::Argument`] for masses that are not positive or shapes that differ.
pub fn remove_rotation(
    velocities: &mut [[f64; 3]],
    positions: &[[f64; 3]],
    masses: &[f64],
) -> Result<()> {
    check_atoms(positions, masses)?;
    let momentum = angular_momentum(positions, velocities, masses)?;
    let inertia = Inertia::new(positions, masses);
    let mut rate = [0.0; 3];
    for (moment, axis) in inertia.axes() {
        rate = add(rate, scale(dot(axis, momentum) / moment, axis));
    }
    for (velocity, position) in velocities.iter_mut().zip(positions) {
        *velocity = sub(*velocity, cross(rate, sub(*position, inertia.center)));
    }
    Ok(())
}

/// Σ m v in u Å/fs, from velocities in Å/fs and masses in u.
///
/// # Errors
/// [`Error::Argument`] for masses that are not positive or shapes that differ.
pub fn linear_momentum(velocities: &[[f64; 3]], masses: &[f64]) -> Result<[f64; 3]> {
    check_atoms(velocities, masses)?;
    let momenta = velocities
        .iter()
        .zip(masses)
        .map(|(velocity, mass)| scale(*mass, *velocity));
    Ok(momenta.fold([0.0; 3], add))
}

/// Σ m (r − R) × v about the centre of mass R, in u Å²/fs, from positions in Å, velocities in Å/fs and masses in u.
///
/// # Errors
/// [`Error::Argument`] for masses that are not positive or shapes that differ.
pub fn angular_momentum(
    positions: &[[f64; 3]],
    velocities: &[[f64; 3]],
    masses: &[f64],
) -> Result<[f64; 3]> {
    check_atoms(positions, masses)?;
    check_rows("velocities", velocities.len(), masses.len())?;
    let middle = center(positions, masses);
    let mut sum = [0.0; 3];
    for ((position, velocity), mass) in positions.iter().zip(velocities).zip(masses) {
        sum = add(sum, scale(*mass, cross(sub(*position, middle), *velocity)));
    }
    Ok(sum)
}

/// Σ ½ m v² in eV, from velocities in Å/fs and masses in u.
///
/// # Errors
/// [`Error::Argument`] for masses that are not positive or shapes that differ.
pub fn kinetic_energy(velocities: &[[f64; 3]], masses: &[f64]) -> Result<f64> {
    check_atoms(velocities, masses)?;
    Ok(kinetic(velocities, masses))
}

/// [`kinetic_energy`] of arrays that fit.
pub(super) fn kinetic(velocities: &[Vec3], masses: &[f64]) -> f64 {
    let squares = velocities
        .iter()
        .zip(masses)
        .map(|(v, mass)| mass * dot(*v, *v));
    0.5 * AMU_ANGSTROM2_PER_FS2 * squares.sum::<f64>()
}

/// The temperature in K of a kinetic energy in eV: 2 E / (k_B · degrees of freedom); 0 without any.
pub fn temperature(kinetic_energy: f64, degrees_of_freedom: usize) -> f64 {
    if degrees_of_freedom == 0 {
        return 0.0;
    }
    2.0 * kinetic_energy / (BOLTZMANN * degrees_of_freedom as f64)
}

/// Checks that rows and masses fit and the masses are positive.
fn check_atoms(rows: &[Vec3], masses: &[f64]) -> Result<()> {
    check_rows("positions or velocities", rows.len(), masses.len())?;
    check_finite_rows("positions or velocities", rows)?;
    match masses
        .iter()
        .position(|mass| !(mass.is_finite() && *mass > 0.0))
    {
        None => Ok(()),
        Some(atom) => {
            let argument = format!("masses[{atom}]");
            Err(Error::argument(
                argument,
                "a finite number > 0",
                masses[atom],
            ))
        }
    }
}

/// The mean of rows, weighted by mass; zero without atoms.
fn center(rows: &[Vec3], masses: &[f64]) -> Vec3 {
    let total: f64 = masses.iter().sum();
    if total == 0.0 {
        return [0.0; 3];
    }
    let weighted = rows
        .iter()
        .zip(masses)
        .map(|(row, mass)| scale(mass / total, *row));
    weighted.fold([0.0; 3], add)
}

/// The inertia tensor about the centre of mass, diagonalised.
struct Inertia {
    center: Vec3,
    /// Principal moments in u Å².
    moments: Vec3,
    /// Principal axes as rows.
    axes: Mat3,
    /// Moments below this do not count.
    least: f64,
}

impl Inertia {
    /// Of atoms at positions in Å with masses in u.
    fn new(positions: &[Vec3], masses: &[f64]) -> Self {
        let center = center(positions, masses);
        let mut tensor = [[0.0; 3]; 3];
        for (position, mass) in positions.iter().zip(masses) {
            let r = sub(*position, center);
            for a in 0..3 {
                tensor[a][a] += mass * dot(r, r);
                for b in 0..3 {
                    tensor[a][b] -= mass * r[a] * r[b];
                }
            }
        }
        let (moments, axes) = symmetric_eigen(&tensor);
        let largest = moments.iter().copied().fold(0.0, f64::max);
        // The second bound: atoms within 1e-6 Å of their centre are at the same place.
        let least = (1e-8 * largest).max(1e-12 * masses.iter().sum::<f64>());
        Self {
            center,
            moments,
            axes,
            least,
        }
    }

    /// The axes about which the atoms can rotate, with their moments.
    fn axes(&self) -> impl Iterator<Item = (f64, Vec3)> + '_ {
        let all = self.moments.iter().copied().zip(self.axes);
        all.filter(|(moment, _)| *moment > self.least)
    }
}
