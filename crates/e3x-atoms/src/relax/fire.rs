//! FIRE, the fast inertial relaxation engine.

use super::Stepper;
use crate::linalg::{Vec3, add, dot_rows, scale};

const TIME_STEP: f64 = 0.1;
const MAX_TIME_STEP: f64 = 1.0;
const MIN_DOWNHILL: usize = 5;
const INCREASE: f64 = 1.1;
const DECREASE: f64 = 0.5;
const MIXING: f64 = 0.1;
const MIXING_DECREASE: f64 = 0.99;

/// Damped dynamics of unit masses that stops when it runs uphill (Bitzek et al. 2006; the order of operations is
/// that of ASE, whose time unit (Å²/eV)^½ goes with unit masses).
pub(super) struct Fire {
    velocities: Vec<Vec3>,
    time_step: f64,
    mixing: f64,
    /// For how many steps the power F·v has been positive.
    downhill: usize,
}

impl Fire {
    /// At rest.
    pub(super) fn new(atoms: usize) -> Self {
        Self {
            velocities: vec![[0.0; 3]; atoms],
            time_step: TIME_STEP,
            mixing: MIXING,
            downhill: 0,
        }
    }

    /// Turns the velocities towards the forces: v ← (1 − α) v + α |v| F/|F|.
    fn mix(&mut self, forces: &[Vec3]) {
        let speed = dot_rows(&self.velocities, &self.velocities).sqrt();
        let force = dot_rows(forces, forces).sqrt();
        for (velocity, along) in self.velocities.iter_mut().zip(forces) {
            let turned = scale(self.mixing * speed / force, *along);
            *velocity = add(scale(1.0 - self.mixing, *velocity), turned);
        }
    }
}

impl Stepper for Fire {
    fn step(&mut self, _positions: &[Vec3], forces: &[Vec3], max_step: f64) -> Vec<Vec3> {
        let power = dot_rows(forces, &self.velocities);
        let at_rest = self
            .velocities
            .as_flattened()
            .iter()
            .all(|component| *component == 0.0);
        if power > 0.0 {
            self.mix(forces);
            if self.downhill > MIN_DOWNHILL {
                self.time_step = (self.time_step * INCREASE).min(MAX_TIME_STEP);
                self.mixing *= MIXING_DECREASE;
            }
            self.downhill += 1;
        } else if !at_rest {
            self.velocities.fill([0.0; 3]);
            self.mixing = MIXING;
            self.time_step *= DECREASE;
            self.downhill = 0;
        }
        for (velocity, force) in self.velocities.iter_mut().zip(forces) {
            *velocity = add(*velocity, scale(self.time_step, *force));
        }
        let length = self.time_step * dot_rows(&self.velocities, &self.velocities).sqrt();
        let shorten = if length > max_step {
            max_step / length
        } else {
            1.0
        };
        let factor = self.time_step * shorten;
        self.velocities
            .iter()
            .map(|velocity| scale(factor, *velocity))
            .collect()
    }
}
