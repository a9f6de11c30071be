//! Relaxation: moving the atoms to a local minimum of the potential.

mod fire;
mod lbfgs;

use crate::elements;
use crate::error::{Result, check_finite_rows, check_positive, check_rows};
use crate::linalg::{Vec3, add, longest};
use crate::potential::{Potential, evaluate};

/// The algorithm of a relaxation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Method {
    /// The fast inertial relaxation engine: robust, also far from a minimum.
    ///
    /// Bitzek et al., Phys. Rev. Lett. 97, 170201 (2006), with the parameters of ASE: Δt = 0.1, Δt_max = 1, N_min = 5,
    /// f_inc = 1.1, f_dec = 0.5, α_start = 0.1, f_α = 0.99, unit masses.
    Fire,
    /// The limited-memory form of the method of Broyden, Fletcher, Goldfarb and Shanno: few evaluations.
    ///
    /// Nocedal and Wright, Numerical Optimization (2006), algorithm 7.4, with the last 100 steps, unit step length, a
    /// first curvature of 70 eV/Å² (ASE's) and no line search; steps along negative curvature are not remembered.
    #[default]
    Lbfgs,
}

/// Options of [`relax`].
#[derive(Clone, Debug, PartialEq)]
pub struct RelaxConfig {
    /// The algorithm; L-BFGS by default.
    pub method: Method,
    /// Converged when the longest force on an atom is below this, in eV/Å; 0.05 by default.
    pub fmax: f64,
    /// Give up after this many steps; 1000 by default.
    pub max_steps: usize,
    /// The longest step in Å, 0.2 by default: of any atom with L-BFGS, of all atoms together (the norm of all 3N
    /// components) with FIRE, both as in ASE.
    pub max_step: f64,
}

impl Default for RelaxConfig {
    fn default() -> Self {
        Self {
            method: Method::default(),
            fmax: 0.05,
            max_steps: 1000,
            max_step: 0.2,
        }
    }
}

/// Where a relaxation stands; what its callback sees.
#[derive(Clone, Copy, Debug)]
pub struct RelaxProgress<'a> {
    /// The number of steps made so far.
    pub step: usize,
    /// Energy in eV.
    pub energy: f64,
    /// The longest force on an atom in eV/Å.
    pub fmax: f64,
    /// Positions in Å, shape `(N, 3)`.
    pub positions: &'a [[f64; 3]],
    /// Forces in eV/Å, shape `(N, 3)`.
    pub forces: &'a [[f64; 3]],
}

/// The outcome of [`relax`].
#[derive(Clone, Debug, PartialEq)]
pub struct Relaxation {
    /// Whether the longest force fell below [`RelaxConfig::fmax`].
    pub converged: bool,
    /// The number of steps made.
    pub steps: usize,
    /// The last energy in eV.
    pub energy: f64,
    /// The longest of the last forces in eV/Å.
    pub fmax: f64,
    /// The last positions in Å, shape `(N, 3)`.
    pub positions: Vec<[f64; 3]>,
    /// The last forces in eV/Å, shape `(N, 3)`.
    pub forces: Vec<[f64; 3]>,
}

/// Moves atoms until the forces are small.
///
/// `numbers` are atomic numbers, shape `(N,)`; `positions` are in Å, shape `(N, 3)`. `on_step` is called before the first
/// step and after every one; an error from it ends the relaxation. Not converging is no error: see
/// [`Relaxation::converged`].
///
/// ```
/// use e3x_atoms::potential::LennardJones;
/// use e3x_atoms::relax::{RelaxConfig, relax};
///
/// let mut potential = LennardJones::new(1.0, 1.0)?;
/// let start = [[0.0, 0.0, 0.0], [1.3, 0.0, 0.0]];
/// let config = RelaxConfig { fmax: 1e-6, ..RelaxConfig::default() };
/// let result = relax(&mut potential, &[18, 18], &start, &config, |_| Ok(()))?;
/// assert!(result.converged && (result.energy + 1.0).abs() < 1e-12);
/// # Ok::<(), e3x_atoms::Error>(())
/// ```
///
/// # Errors
/// [`Error::Argument`](crate::Error::Argument) for positions or options that make no sense,
/// [`Error::NonFinite`](crate::Error::NonFinite) if energy or forces become NaN or infinite, and the errors of the
/// potential and of `on_step`.
pub fn relax<P: Potential + ?Sized>(
    potential: &mut P,
    numbers: &[u32],
    positions: &[[f64; 3]],
    config: &RelaxConfig,
    mut on_step: impl FnMut(&RelaxProgress<'_>) -> Result<()>,
) -> Result<Relaxation> {
    check_positive("fmax", config.fmax)?;
    check_positive("max_step", config.max_step)?;
    elements::masses(numbers)?;
    check_rows("positions", positions.len(), numbers.len())?;
    check_finite_rows("positions", positions)?;
    let mut method: Box<dyn Stepper> = match config.method {
        Method::Fire => Box::new(fire::Fire::new(positions.len())),
        Method::Lbfgs => Box::new(lbfgs::Lbfgs::default()),
    };
    let mut positions = positions.to_vec();
    let mut step = 0;
    loop {
        let context = || format!("relaxation, step {step}");
        let (energy, forces) = evaluate(potential, numbers, &positions, context)?;
        let fmax = longest(&forces);
        on_step(&RelaxProgress {
            step,
            energy,
            fmax,
            positions: &positions,
            forces: &forces,
        })?;
        let converged = fmax < config.fmax;
        if converged || step >= config.max_steps {
            return Ok(Relaxation {
                converged,
                steps: step,
                energy,
                fmax,
                positions,
                forces,
            });
        }
        let displacement = method.step(&positions, &forces, config.max_step);
        for (position, move_by) in positions.iter_mut().zip(displacement) {
            *position = add(*position, move_by);
        }
        step += 1;
    }
}

/// An algorithm that proposes steps.
trait Stepper {
    /// The displacements of all atoms in Å, from positions in Å and forces in eV/Å.
    fn step(&mut self, positions: &[Vec3], forces: &[Vec3], max_step: f64) -> Vec<Vec3>;
}
