//! The derivatives with respect to one argument with degrees and to the weight, without products in memory.
//!
//! With complex numbers as in `program.rs`
//!
//! ```text
//! U[M] = sum over m1 of a X[m1] Z[M - m1]        derivative of y: w U[M]        derivative of w: y[M] U[M]
//! ```
//!
//! for two degrees of the factors X and Z and M >= 0: products are formed in registers, and so are the sums U of all
//! degrees of the target that they lead to. Factors are kept with all m from -l to l, so that a sum is one loop, whatever
//! the signs of m; numbers with m = 0 are real and come before that loop.

mod program;
mod step;
mod tile;

pub(crate) use program::Joint;

use super::job::Task;
use super::{CouplingJob, Operands};
use crate::arithmetic::Arithmetic;
use crate::lanes::{self, Lanes};
use crate::place::at;
use crate::prefetch::Ahead;
use crate::{CouplingPlan, Real};
use step::run;
use tile::Buffers;

/// A program with its coefficients, and the weights in its order, `(block of lanes, weight)`.
pub(super) struct Ordered<'a, T> {
    pub program: &'a Joint,
    coefficients: Vec<T>,
    weights: Vec<Lanes<T>>,
}

impl<'a, T: Real> Ordered<'a, T> {
    /// From weights as `(block of lanes, path)`.
    pub fn new(program: &'a Joint, weights: &[Lanes<T>], plan: &CouplingPlan) -> Self {
        let mut ordered = Vec::new();
        for weights in weights.chunks_exact(plan.path_places()) {
            ordered.extend(program.paths.iter().map(|&path| *at(weights, path)));
        }
        let rounded = |&c: &f64| T::from_f64(c);
        Self {
            program,
            coefficients: program.coefficients.iter().map(rounded).collect(),
            weights: ordered,
        }
    }

    /// Computes the items of a task, `NI` at a time; returns the derivative with respect to the weight, `(block, weight)`.
    /// Not inlined: the code is long.
    #[inline(never)]
    pub fn visit<A: Arithmetic<Block<T> = Lanes<T>>, const P: usize, const NI: usize>(
        &self,
        job: &CouplingJob<'_>,
        operands: &Operands<'_, T>,
        task: &mut Task<'_, T>,
    ) -> Vec<Lanes<T>> {
        let blocks = lanes::num_blocks(job.features);
        let mut buffers = Buffers::<T, P, NI>::new(self, blocks);
        let steps = self.program.steps.len() * blocks;
        A::vectorized(
            #[inline(always)]
            || {
                for first in (0..task.items).step_by(NI) {
                    let num = NI.min(task.items - first);
                    let items = (task.first + first, num);
                    let next = first + num;
                    let num_next = NI.min(job.items - task.first - next);
                    let next = [task.first + next, next];
                    let mut ahead =
                        buffers.ahead(job, operands, &task.results, (next, num_next), steps);
                    for block in 0..blocks {
                        buffers.load::<A>(job, operands, items, block);
                        self.add::<A, P, NI>(block, &mut ahead, &mut buffers);
                        buffers.store::<A>(job, &mut task.results, (first, num), block);
                    }
                }
            },
        );
        buffers.into_totals()
    }

    /// Writes the target of the items in the buffers, and adds to the weight.
    #[inline(always)]
    fn add<A: Arithmetic<Block<T> = Lanes<T>>, const P: usize, const NI: usize>(
        &self,
        block: usize,
        ahead: &mut Ahead,
        buffers: &mut Buffers<'_, T, P, NI>,
    ) {
        let num = self.program.paths.len();
        let weights = &self.weights[block * num..][..num];
        let tile = &mut buffers.tile(&self.coefficients, weights, block);
        tile.target.fill(Lanes::zero());
        for step in &self.program.steps {
            ahead.step();
            match step.outs {
                1 => run::<T, A, P, NI, 1>(step, tile),
                2 => run::<T, A, P, NI, 2>(step, tile),
                3 => run::<T, A, P, NI, 3>(step, tile),
                4 => run::<T, A, P, NI, 4>(step, tile),
                5 if P > 1 => run::<T, A, P, NI, 5>(step, tile),
                6 if P > 1 => run::<T, A, P, NI, 6>(step, tile),
                7 if P > 1 => run::<T, A, P, NI, 7>(step, tile),
                _ => {}
            }
        }
    }

    /// Multiply-adds for each channel, item and feature, roughly.
    pub fn work(&self) -> usize {
        let steps = self.program.steps.iter();
        let work = steps.map(|step| {
            let [reals, others] = [step.reals, step.products].map(|num| num as usize);
            step.parts * (reals * (1 + step.outs) + others * (2 + step.outs) + 2 * step.outs)
        });
        work.sum()
    }
}
