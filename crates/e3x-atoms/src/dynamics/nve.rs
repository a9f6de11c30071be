//! Dynamics at constant energy.

use super::velocities::{degrees_of_freedom, kinetic, temperature};
use crate::error::{Error, Result, check_positive};
use crate::frame::Frame;
use crate::linalg::{Vec3, add, scale, scale_rows};
use crate::potential::{Potential, evaluate};
use crate::units::AMU_ANGSTROM2_PER_FS2;

/// Options of [`Nve`].
#[derive(Clone, Debug, PartialEq)]
pub struct NveConfig {
    /// The time step in fs; 0.5 by default.
    pub time_step: f64,
    /// The number of degrees of freedom that the temperature refers to. By default those without drift, and for frames
    /// that are not periodic without rotation, as [`maxwell_boltzmann`](super::maxwell_boltzmann) draws velocities.
    pub degrees_of_freedom: Option<usize>,
}

impl Default for NveConfig {
    fn default() -> Self {
        Self {
            time_step: 0.5,
            degrees_of_freedom: None,
        }
    }
}

/// What is recorded along a trajectory.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Observables {
    /// The number of steps made.
    pub step: u64,
    /// The time in fs.
    pub time: f64,
    /// The potential energy in eV.
    pub potential: f64,
    /// The kinetic energy in eV.
    pub kinetic: f64,
    /// The sum of potential and kinetic energy in eV.
    pub total: f64,
    /// The temperature in K.
    pub temperature: f64,
}

/// Dynamics at constant number of atoms, volume and energy with the velocity Verlet algorithm.
///
/// ```text
/// v ← v + ½ Δt F/m,      r ← r + Δt v,      F ← F(r),      v ← v + ½ Δt F/m
/// ```
///
/// Swope et al., J. Chem. Phys. 76, 637 (1982). It is symplectic and reversible in time; the error of the total energy
/// stays bounded and is O(Δt²).
///
/// The whole state is [`Nve::frame`] (positions and velocities): going on from it gives the same bits as never stopping.
///
/// ```
/// use e3x_atoms::Frame;
/// use e3x_atoms::dynamics::{Nve, NveConfig};
/// use e3x_atoms::potential::LennardJones;
///
/// let dimer = Frame::new(vec![18, 18], vec![[0.0, 0.0, 0.0], [4.0, 0.0, 0.0]]);
/// let mut nve = Nve::new(LennardJones::new(0.0104, 3.4)?, &dimer, &NveConfig::default())?;
/// let samples = nve.run(100, 10, |_, _| Ok(()))?;
/// assert_eq!(samples.len(), 11);
/// assert!((samples[10].total - samples[0].total).abs() < 1e-6);
/// # Ok::<(), e3x_atoms::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Nve<P> {
    potential: P,
    /// The numbers, the cell and the other keys; the rest is below.
    frame: Frame,
    masses: Vec<f64>,
    positions: Vec<Vec3>,
    velocities: Vec<Vec3>,
    forces: Vec<Vec3>,
    energy: f64,
    time_step: f64,
    freedom: usize,
    step: u64,
}

impl<P: Potential> Nve<P> {
    /// Starts from a frame: its positions, its velocities (without any, the atoms rest) and the standard masses of its
    /// elements.
    ///
    /// # Errors
    /// [`Error::Argument`] for a frame that [`Frame::check`] refuses or a time step that is not positive;
    /// [`Error::NonFinite`] if energy or forces are not finite; the errors of the potential.
    pub fn new(mut potential: P, frame: &Frame, config: &NveConfig) -> Result<Self> {
        frame.check()?;
        check_positive("time_step", config.time_step)?;
        let mut frame = frame.clone();
        let masses = frame.masses()?;
        let positions = std::mem::take(&mut frame.positions);
        let resting = || vec![[0.0; 3]; masses.len()];
        let velocities = frame.velocities.take().unwrap_or_else(resting);
        // The labels of the start do not belong to later frames.
        (frame.energy, frame.forces, frame.stress) = (None, None, None);
        let freedom = match config.degrees_of_freedom {
            Some(freedom) => freedom,
            None => degrees_of_freedom(&positions, &masses, true, frame.pbc == [false; 3])?,
        };
        let context = || "dynamics, step 0".to_owned();
        let (energy, forces) = evaluate(&mut potential, &frame.numbers, &positions, context)?;
        Ok(Self {
            potential,
            frame,
            masses,
            positions,
            velocities,
            forces,
            energy,
            time_step: config.time_step,
            freedom,
            step: 0,
        })
    }

    /// Makes one step.
    ///
    /// # Errors
    /// [`Error::NonFinite`] if energy or forces are not finite (a sign of too long a time step); the errors of the
    /// potential. The dynamics cannot be continued after an error.
    pub fn step(&mut self) -> Result<()> {
        self.step += 1;
        self.kick();
        for (position, velocity) in self.positions.iter_mut().zip(&self.velocities) {
            *position = add(*position, scale(self.time_step, *velocity));
        }
        let context = || format!("dynamics, step {}", self.step);
        let numbers = &self.frame.numbers;
        let (energy, forces) = evaluate(&mut self.potential, numbers, &self.positions, context)?;
        self.energy = energy;
        self.forces = forces;
        self.kick();
        Ok(())
    }

    /// Accelerates for half a time step.
    fn kick(&mut self) {
        for ((velocity, force), mass) in self
            .velocities
            .iter_mut()
            .zip(&self.forces)
            .zip(&self.masses)
        {
            let factor = 0.5 * self.time_step / (mass * AMU_ANGSTROM2_PER_FS2);
            *velocity = add(*velocity, scale(factor, *force));
        }
    }

    /// Makes `steps` steps and records the observables before the first and after every `every`-th of them.
    ///
    /// `on_sample` is called with every record, for progress and for trajectories; an error from it ends the run.
    ///
    /// # Errors
    /// [`Error::Argument`] if `every` is 0; the errors of [`Nve::step`] and of `on_sample`.
    pub fn run(
        &mut self,
        steps: u64,
        every: u64,
        mut on_sample: impl FnMut(&Self, &Observables) -> Result<()>,
    ) -> Result<Vec<Observables>> {
        if every == 0 {
            return Err(Error::argument("every", "at least 1", every));
        }
        let mut samples = vec![self.observables()];
        on_sample(self, &samples[0])?;
        for done in 1..=steps {
            self.step()?;
            if done % every == 0 {
                let sample = self.observables();
                on_sample(self, &sample)?;
                samples.push(sample);
            }
        }
        Ok(samples)
    }

    /// The observables of the present state.
    pub fn observables(&self) -> Observables {
        let kinetic = kinetic(&self.velocities, &self.masses);
        Observables {
            step: self.step,
            time: self.step as f64 * self.time_step,
            potential: self.energy,
            kinetic,
            total: self.energy + kinetic,
            temperature: temperature(kinetic, self.freedom),
        }
    }

    /// The present state as a frame with energy, forces and velocities.
    pub fn frame(&self) -> Frame {
        Frame {
            positions: self.positions.clone(),
            velocities: Some(self.velocities.clone()),
            forces: Some(self.forces.clone()),
            energy: Some(self.energy),
            ..self.frame.clone()
        }
    }

    /// Turns the velocities around: the dynamics then run back to where they came from.
    pub fn reverse(&mut self) {
        scale_rows(-1.0, &mut self.velocities);
    }

    /// Positions in Å, shape `(N, 3)`.
    pub fn positions(&self) -> &[[f64; 3]] {
        &self.positions
    }

    /// Velocities in Å/fs, shape `(N, 3)`.
    pub fn velocities(&self) -> &[[f64; 3]] {
        &self.velocities
    }

    /// Masses in u, shape `(N,)`.
    pub fn masses(&self) -> &[f64] {
        &self.masses
    }

    /// Gives the potential back.
    pub fn into_potential(self) -> P {
        self.potential
    }
}
