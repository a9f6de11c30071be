//! L-BFGS: the method of Broyden, Fletcher, Goldfarb and Shanno with a limited memory.

use std::collections::VecDeque;

use super::Stepper;
use crate::linalg::{Vec3, add, dot_rows, longest, scale, scale_rows, sub};

/// The number of steps remembered.
const MEMORY: usize = 100;
/// The curvature assumed before anything is known, in eV/Å².
const FIRST_CURVATURE: f64 = 70.0;

/// An approximation of the inverse Hessian by the last steps.
#[derive(Default)]
pub(super) struct Lbfgs {
    history: VecDeque<Change>,
    last: Option<(Vec<Vec3>, Vec<Vec3>)>,
}

/// One step and what it did to the gradient.
struct Change {
    /// s: the change of the positions.
    positions: Vec<Vec3>,
    /// y: the change of the gradient.
    gradient: Vec<Vec3>,
    /// s · y > 0.
    product: f64,
}

impl Lbfgs {
    /// Remembers the last step if the curvature along it was positive.
    fn remember(&mut self, positions: &[Vec3], forces: &[Vec3]) {
        if let Some((old_positions, old_forces)) = &self.last {
            let s: Vec<Vec3> = positions
                .iter()
                .zip(old_positions)
                .map(|(a, b)| sub(*a, *b))
                .collect();
            let y: Vec<Vec3> = old_forces
                .iter()
                .zip(forces)
                .map(|(a, b)| sub(*a, *b))
                .collect();
            let product = dot_rows(&s, &y);
            if product > 1e-10 * (dot_rows(&s, &s) * dot_rows(&y, &y)).sqrt() {
                if self.history.len() == MEMORY {
                    self.history.pop_front();
                }
                self.history.push_back(Change {
                    positions: s,
                    gradient: y,
                    product,
                });
            }
        }
        self.last = Some((positions.to_vec(), forces.to_vec()));
    }

    /// The inverse Hessian times the forces (Nocedal and Wright, algorithm 7.4 and equation 7.20).
    fn direction(&self, forces: &[Vec3]) -> Vec<Vec3> {
        let mut q = forces.to_vec();
        let mut weights = Vec::with_capacity(self.history.len());
        for change in self.history.iter().rev() {
            let weight = dot_rows(&change.positions, &q) / change.product;
            add_scaled(&mut q, -weight, &change.gradient);
            weights.push(weight);
        }
        let scaling = self.history.back().map_or(1.0 / FIRST_CURVATURE, |change| {
            change.product / dot_rows(&change.gradient, &change.gradient)
        });
        scale_rows(scaling, &mut q);
        for (change, weight) in self.history.iter().zip(weights.iter().rev()) {
            let correction = dot_rows(&change.gradient, &q) / change.product;
            add_scaled(&mut q, weight - correction, &change.positions);
        }
        q
    }
}

impl Stepper for Lbfgs {
    fn step(&mut self, positions: &[Vec3], forces: &[Vec3], max_step: f64) -> Vec<Vec3> {
        self.remember(positions, forces);
        let mut direction = self.direction(forces);
        let downhill = dot_rows(&direction, forces);
        if !downhill.is_finite() || downhill <= 0.0 {
            // Rounding spoilt the approximation: begin anew along the forces.
            self.history.clear();
            direction = self.direction(forces);
        }
        let length = longest(&direction);
        if length > max_step {
            scale_rows(max_step / length, &mut direction);
        }
        direction
    }
}

/// a ← a + factor · b
fn add_scaled(a: &mut [Vec3], factor: f64, b: &[Vec3]) {
    for (x, y) in a.iter_mut().zip(b) {
        *x = add(*x, scale(factor, *y));
    }
}
