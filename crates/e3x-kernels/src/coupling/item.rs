//! What some items add to each argument, for one block of lanes.

use std::marker::PhantomData;

use super::fold::{Fold, Weighted};
use super::joint::Ordered;
use super::multiply::N;
use super::program::Group;
use super::stage::{Operand, Stages};
use super::tile::Buffers;
use super::{CouplingJob, Operands, SLOTS, Slot};
use crate::Real;
use crate::arithmetic::Arithmetic;
use crate::lanes::{self, Lanes};
use crate::plan::Path;
use crate::prefetch::Ahead;

/// A computation with everything that does not depend on the items.
pub(super) struct Kernel<'a, T, A> {
    arithmetic: PhantomData<A>,
    pub job: CouplingJob<'a>,
    pub operands: Operands<'a, T>,
    pub stages: Stages,
    /// Arguments that are computed alone, with their coefficients.
    pub folds: Vec<Weighted<'a, T>>,
    /// The argument that is computed together with the weight.
    pub joint: Option<Ordered<'a, T>>,
    groups: &'a [Group],
    /// Coefficients of each group `(out, product)` and `(product, out)`.
    coefficients: Vec<[Vec<T>; 2]>,
    /// The weight and its tangent as `(block of lanes, path)`; zero for channels without a path.
    weights: [Vec<Lanes<T>>; 2],
    pub blocks: usize,
}

impl<'a, T: Real, A: Arithmetic<Block<T> = Lanes<T>>> Kernel<'a, T, A> {
    pub fn new(job: CouplingJob<'a>, operands: Operands<'a, T>) -> Self {
        let blocks = lanes::num_blocks(job.features);
        let pack = |weights: Option<&[T]>| {
            let (paths, places) = (job.plan.paths(), job.plan.path_places());
            let mut packed = vec![Lanes::zero(); places * blocks];
            let Some(weights) = weights else {
                return packed;
            };
            for (block, packed) in packed.chunks_exact_mut(places).enumerate() {
                for (path, lanes) in paths.iter().zip(packed) {
                    let row = &weights[path.weight * job.features..][..job.features];
                    lanes::load_to(row, block, lanes);
                }
            }
            packed
        };
        let weight = Slot::Weight as usize;
        let round = |group: &Group| {
            let coefficients = &group.coefficients;
            let columns = group.products.len();
            let transposed = (0..columns).flat_map(|c| coefficients[c..].iter().step_by(columns));
            let rounded = |&c: &f64| T::from_f64(c);
            [
                coefficients.iter().map(rounded).collect(),
                transposed.map(rounded).collect(),
            ]
        };
        let stages = Stages::new(&job, &operands);
        let weights = [0, 1].map(|level| pack(operands.of(level, weight)));
        let folds = stages
            .folds
            .iter()
            .map(|&target| Weighted::new(job.plan.fold(target), &weights[0], job.plan));
        let joint = stages
            .joint
            .map(|target| Ordered::new(job.plan.joint(target), &weights[0], job.plan));
        let groups = if stages.forward.is_empty() && stages.backward.is_empty() {
            &[]
        } else {
            job.plan.groups()
        };
        Self {
            arithmetic: PhantomData,
            folds: folds.collect(),
            groups,
            coefficients: groups.iter().map(round).collect(),
            joint,
            stages,
            weights,
            blocks,
            job,
            operands,
        }
    }

    /// Adds what the items in the buffers contribute, and asks for those that are `ahead`.
    #[inline(always)]
    pub fn tile<const P1: usize, const P2: usize, const NI: usize>(
        &self,
        block: usize,
        ahead: &mut Ahead,
        buffers: &mut Buffers<T, NI>,
    ) {
        for (group, coefficients) in self.groups.iter().zip(&self.coefficients) {
            ahead.step();
            if group.parts == 1 {
                self.group::<P1, P2, NI, 1>(group, coefficients, block, buffers);
            } else {
                self.group::<P1, P2, NI, 2>(group, coefficients, block, buffers);
            }
        }
    }

    #[inline(always)]
    fn group<const P1: usize, const P2: usize, const NI: usize, const PARTS: usize>(
        &self,
        group: &Group,
        [by_out, by_product]: &[Vec<T>; 2],
        block: usize,
        buffers: &mut Buffers<T, NI>,
    ) {
        for stage in &self.stages.forward {
            self.forward::<P1, P2, NI, PARTS>(stage, group, by_out, block, buffers);
        }
        for stage in &self.stages.backward {
            self.backward::<P1, P2, NI, PARTS>(stage, group, by_product, block, buffers);
        }
    }

    /// Multiply-adds, roughly.
    pub fn work(&self) -> usize {
        let folds = self.folds.iter().map(|fold| {
            let Fold {
                sums, coefficients, ..
            } = fold.program;
            2 * (coefficients.len() + 2 * sums.len())
        });
        let groups = self
            .groups
            .iter()
            .map(|group| group.parts * (group.coefficients.len() + 4 * group.products.len()));
        let stages = self.stages.forward.len() + self.stages.backward.len();
        let joint = self.joint.as_ref().map_or(0, Ordered::work);
        let entries = folds.sum::<usize>() + joint + stages * groups.sum::<usize>();
        entries * self.job.items * self.job.features * self.job.plan.channels()
    }

    /// Paths of the derivative with respect to the weight in the order in which it is computed.
    pub fn paths(&self) -> Vec<Option<&'a Path>> {
        let plan = self.job.plan;
        let path = |place: usize| plan.paths().get(place);
        match &self.joint {
            Some(joint) => {
                let places = joint.program.paths.iter();
                places.map(|&place| path(place as usize)).collect()
            }
            None => (0..plan.path_places()).map(path).collect(),
        }
    }

    /// Times that a tile asks for what is ahead.
    pub fn steps(&self) -> usize {
        self.groups.len()
    }

    /// Most products and outs of a group.
    pub fn most_products(&self) -> usize {
        let groups = self.groups.iter();
        let most = groups.map(|g| g.products.len().max(g.outs.len())).max();
        most.unwrap_or(0)
    }

    /// The weights of a block, or their tangents.
    #[inline(always)]
    pub fn weights(&self, operand: Operand, block: usize) -> &[Lanes<T>] {
        let paths = self.job.plan.path_places();
        &self.weights[operand / SLOTS][block * paths..][..paths]
    }
}

/// Runs a loop for all products of each kind of a group: the kind is known when compiling.
macro_rules! for_each_kind {
    ($parts:ident, $group:ident, |$kind:ident, $product:ident| $body:block) => {
        let first = 0;
        if $parts == 1 {
            for_each_kind!(@ $group, first, |$kind, $product| $body, Real RealPart ImaginaryPart);
        } else {
            for_each_kind!(@ $group, first, |$kind, $product| $body,
                Plain SecondConjugate FirstConjugate RealFirst RealSecond);
        }
    };
    (@ $group:ident, $first:ident, |$kind:ident, $product:ident| $body:block, $k:ident $($rest:ident)*) => {
        let $kind = Kind::$k;
        let end = $group.ends[Kind::$k as usize] as usize;
        for $product in &$group.products[$first..end] $body
        for_each_kind!(@ $group, end, |$kind, $product| $body, $($rest)*);
    };
    (@ $group:ident, $first:ident, |$kind:ident, $product:ident| $body:block,) => {
        let _ = $first;
    };
}
pub(super) use for_each_kind;

/// Writes numbers, or adds them to what is there.
#[inline(always)]
pub(super) fn put<T: Real, A: Arithmetic<Block<T> = Lanes<T>>, const PARTS: usize>(
    numbers: &[[A::Sum<T>; N]; PARTS],
    adds: bool,
    to: &mut [[Lanes<T>; N]; PARTS],
) {
    for part in 0..PARTS {
        for n in 0..N {
            let mut sum = numbers[part][n];
            if adds {
                A::add_scaled_sum(&mut sum, T::ONE, A::load(&to[part][n]));
            }
            A::store::<T>(sum, &mut to[part][n]);
        }
    }
}

/// A row of a matrix times rows of all parts, for as many columns at a time as registers hold.
#[inline(always)]
pub(super) fn contract<T: Real, A: Arithmetic<Block<T> = Lanes<T>>, const PARTS: usize>(
    row: &[T],
    input: &[[Lanes<T>; N]],
) -> [[A::Sum<T>; N]; PARTS] {
    let input = input.as_chunks::<PARTS>().0;
    let mut sums = [[A::zero::<T>(); N]; PARTS];
    match A::held::<T>() {
        32.. => {
            for (&c, input) in row.iter().zip(input) {
                for part in 0..PARTS {
                    add_columns::<T, A, N>(c, &input[part], &mut sums[part], 0);
                }
            }
        }
        16.. => {
            for part in 0..PARTS {
                for (&c, input) in row.iter().zip(input) {
                    add_columns::<T, A, N>(c, &input[part], &mut sums[part], 0);
                }
            }
        }
        _ => {
            for part in 0..PARTS {
                for half in 0..2 {
                    for (&c, input) in row.iter().zip(input) {
                        let first = half * N / 2;
                        add_columns::<T, A, { N / 2 }>(c, &input[part], &mut sums[part], first);
                    }
                }
            }
        }
    }
    sums
}

/// `sums += c input` for `M` columns.
#[inline(always)]
fn add_columns<T: Real, A: Arithmetic<Block<T> = Lanes<T>>, const M: usize>(
    c: T,
    input: &[Lanes<T>; N],
    sums: &mut [A::Sum<T>; N],
    first: usize,
) {
    for n in first..first + M {
        A::add_scaled_sum(&mut sums[n], c, A::load(&input[n]));
    }
}
