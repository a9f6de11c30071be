//! What relaxation and dynamics need from a model: energy and forces. And two analytic potentials to test with.

use crate::error::{Error, Result, check_positive, check_rows};
use crate::linalg::{Vec3, add, norm, scale, sub};
use crate::neighbors::{Pairs, all_pairs, pairs_within};

/// A potential energy surface.
///
/// A potential of periodic systems carries its cell itself. `&mut self` lets it keep neighbour lists and buffers from
/// call to call; the result must depend on the arguments alone.
///
/// ```
/// use e3x_atoms::{Error, potential::Potential};
///
/// /// An isotropic trap: E = Σ |r|² / 2.
/// struct Trap;
///
/// impl Potential for Trap {
///     fn energy_and_forces(
///         &mut self,
///         _numbers: &[u32],
///         positions: &[[f64; 3]],
///     ) -> Result<(f64, Vec<[f64; 3]>), Error> {
///         let energy = positions.as_flattened().iter().map(|x| 0.5 * x * x).sum();
///         Ok((energy, positions.iter().map(|row| row.map(|x| -x)).collect()))
///     }
/// }
/// ```
pub trait Potential {
    /// The energy in eV and the forces (its negative gradient) in eV/Å, shape `(N, 3)`.
    ///
    /// `numbers` are the atomic numbers, shape `(N,)`; `positions` are in Å, shape `(N, 3)`.
    ///
    /// # Errors
    /// Whatever the potential needs; [`Error::potential`] carries the errors of other libraries.
    fn energy_and_forces(
        &mut self,
        numbers: &[u32],
        positions: &[[f64; 3]],
    ) -> Result<(f64, Vec<[f64; 3]>)>;
}

impl<P: Potential + ?Sized> Potential for &mut P {
    fn energy_and_forces(
        &mut self,
        numbers: &[u32],
        positions: &[[f64; 3]],
    ) -> Result<(f64, Vec<[f64; 3]>)> {
        (**self).energy_and_forces(numbers, positions)
    }
}

impl<P: Potential + ?Sized> Potential for Box<P> {
    fn energy_and_forces(
        &mut self,
        numbers: &[u32],
        positions: &[[f64; 3]],
    ) -> Result<(f64, Vec<[f64; 3]>)> {
        (**self).energy_and_forces(numbers, positions)
    }
}

/// Evaluates a potential and checks what it returns; `context` names the place in errors.
pub(crate) fn evaluate(
    potential: &mut (impl Potential + ?Sized),
    numbers: &[u32],
    positions: &[Vec3],
    context: impl FnOnce() -> String,
) -> Result<(f64, Vec<Vec3>)> {
    let (energy, forces) = potential.energy_and_forces(numbers, positions)?;
    check_rows("forces of the potential", forces.len(), numbers.len())?;
    let components = forces.as_flattened().iter();
    let fault = if energy.is_finite() {
        components
            .enumerate()
            .find(|(_, force)| !force.is_finite())
            .map(|(index, force)| (format!("forces[{}][{}]", index / 3, index % 3), *force))
    } else {
        Some(("energy".to_owned(), energy))
    };
    match fault {
        None => Ok((energy, forces)),
        Some((quantity, value)) => Err(Error::NonFinite {
            context: context(),
            quantity,
            value,
        }),
    }
}

/// A harmonic spring between two atoms.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bond {
    /// The two atoms.
    pub atoms: [usize; 2],
    /// The force constant k in eV/Å².
    pub stiffness: f64,
    /// The length r₀ at rest in Å.
    pub length: f64,
}

/// Atoms connected by springs: E = Σ ½ k (|r_i − r_j| − r₀)² over the bonds.
///
/// Two atoms of a bond at the same place feel no force of it, as its direction is undefined.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Harmonic {
    /// The springs.
    pub bonds: Vec<Bond>,
}

impl Potential for Harmonic {
    fn energy_and_forces(
        &mut self,
        _numbers: &[u32],
        positions: &[[f64; 3]],
    ) -> Result<(f64, Vec<[f64; 3]>)> {
        let mut energy = 0.0;
        let mut forces = vec![[0.0; 3]; positions.len()];
        for (index, bond) in self.bonds.iter().enumerate() {
            let [i, j] = bond.atoms;
            if i.max(j) >= positions.len() {
                let expected = format!("atoms below {}", positions.len());
                let received = format!("{:?}", bond.atoms);
                return Err(Error::argument(
                    format!("bonds[{index}]"),
                    expected,
                    received,
                ));
            }
            let displacement = sub(positions[j], positions[i]);
            let distance = norm(displacement);
            let stretch = distance - bond.length;
            energy += 0.5 * bond.stiffness * stretch * stretch;
            if distance > 0.0 {
                let force = scale(bond.stiffness * stretch / distance, displacement);
                forces[i] = add(forces[i], force);
                forces[j] = sub(forces[j], force);
            }
        }
        Ok((energy, forces))
    }
}

/// The potential of Lennard-Jones between all pairs of atoms: V(r) = 4 ε ((σ/r)¹² − (σ/r)⁶).
///
/// With a cutoff r_c the shifted-force form V(r) − V(r_c) − (r − r_c) V′(r_c) is used, whose energy and force are
/// continuous (Toxvaerd and Dyre, J. Chem. Phys. 134, 081102 (2011)), so that dynamics conserve energy.
#[derive(Clone, Debug, PartialEq)]
pub struct LennardJones {
    epsilon: f64,
    sigma: f64,
    cutoff: Option<f64>,
    cell: Option<[[f64; 3]; 3]>,
    pbc: [bool; 3],
}

impl LennardJones {
    /// A cluster without cutoff; `epsilon` in eV, `sigma` in Å.
    ///
    /// # Errors
    /// [`Error::Argument`] unless both are positive and finite.
    pub fn new(epsilon: f64, sigma: f64) -> Result<Self> {
        check_positive("epsilon", epsilon)?;
        check_positive("sigma", sigma)?;
        Ok(Self {
            epsilon,
            sigma,
            cutoff: None,
            cell: None,
            pbc: [false; 3],
        })
    }

    /// The same potential cut off at `cutoff` Å.
    ///
    /// # Errors
    /// [`Error::Argument`] unless the cutoff is positive and finite.
    pub fn with_cutoff(mut self, cutoff: f64) -> Result<Self> {
        check_positive("cutoff", cutoff)?;
        self.cutoff = Some(cutoff);
        Ok(self)
    }

    /// The same potential in a periodic cell (rows in Å), cut off at `cutoff` Å.
    ///
    /// # Errors
    /// As for [`pairs_within`].
    pub fn with_cell(mut self, cell: [[f64; 3]; 3], pbc: [bool; 3], cutoff: f64) -> Result<Self> {
        pairs_within(&[], Some(&cell), pbc, cutoff)?;
        self.cell = Some(cell);
        self.pbc = pbc;
        self.with_cutoff(cutoff)
    }

    /// The pairs that interact.
    fn pairs(&self, positions: &[Vec3]) -> Result<Pairs> {
        match self.cutoff {
            Some(cutoff) => pairs_within(positions, self.cell.as_ref(), self.pbc, cutoff),
            None => all_pairs(positions.len()),
        }
    }

    /// Value (eV) and derivative (eV/Å) of the pair potential at a distance, without cutoff.
    fn pair(&self, distance: f64) -> (f64, f64) {
        let sixth = (self.sigma / distance).powi(6);
        let value = 4.0 * self.epsilon * sixth * (sixth - 1.0);
        let derivative = 24.0 * self.epsilon * sixth * (1.0 - 2.0 * sixth) / distance;
        (value, derivative)
    }
}

impl Potential for LennardJones {
    fn energy_and_forces(
        &mut self,
        _numbers: &[u32],
        positions: &[[f64; 3]],
    ) -> Result<(f64, Vec<[f64; 3]>)> {
        let pairs = self.pairs(positions)?;
        let displacements = pairs.displacements(positions, self.cell.as_ref())?;
        let (shift, slope) = self.cutoff.map_or((0.0, 0.0), |cutoff| self.pair(cutoff));
        let mut energy = 0.0;
        let mut forces = vec![[0.0; 3]; positions.len()];
        for (dst, displacement) in pairs.dst.iter().zip(&displacements) {
            let distance = norm(*displacement);
            let (value, derivative) = self.pair(distance);
            // Every pair is listed in both directions.
            energy += 0.5 * (value - shift - slope * (distance - self.cutoff.unwrap_or(0.0)));
            let force = &mut forces[*dst as usize];
            *force = add(
                *force,
                scale((derivative - slope) / distance, *displacement),
            );
        }
        Ok((energy, forces))
    }
}
