//! Message passing in the frames of the edges.
//!
//! The sum of [`message`](crate::message), for filters whose angular part is a harmonic of the
//! edge's direction, with the matrices D that rotate features into a frame whose z axis is that
//! direction, in place of the angular part:
//!
//! ```text
//! S = sum over edges e, features f, pairs of irreps (a of the input, b of the output)
//!       z'[b, ±m] x'[a, m]  sum over paths of the pair  c[path, |m|] radial[e, l1, f] w[path, f]
//!
//! x' = D[e] x[src(e)]      z' = D[e] z[dst(e)]
//! ```
//!
//! D enters twice and counts as two arguments, so that S is linear in each of its six. [`gradients`]
//! gives the derivatives with respect to any of them, [`second`] the mixed second derivatives along
//! tangents; each is one pass over the edges. First derivatives of plans of low degrees have code of their own (`low`).

mod directions;
mod drive;
mod first;
mod frames;
mod low;
mod outer;
mod parts;
mod pass;
mod plan;
mod rotate;
mod second;
mod share;
mod sink;
mod split;
mod sums;
mod torque;

pub use frames::{Turn, TurnSlot, frame_len, frames};
pub use plan::AlignedPlan;

use crate::arithmetic::{Arithmetic, Pair, with_arithmetic};
use crate::edges::EdgeList;
use crate::error::check_len;
use crate::lanes::{Block, LANES};
use crate::{Real, Result};
use first::First;
use low::{LowFirst, LowPlan};
use pass::Pass;
use second::Second;

/// Number of arguments of the sum.
#[doc(hidden)]
pub const SLOTS: usize = 6;

/// An argument of the sum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Slot {
    /// x, `(source nodes, rows2, features)`.
    Input,
    /// Radial part of the filter, `(edges, max_degree1 + 1, features)`.
    Radial,
    /// w, `(weight_rows, features)`.
    Weight,
    /// D of the input, `(edges, frame_len(max_degree))`; see [`frames`].
    InputFrame,
    /// D of the output: the same numbers.
    OutputFrame,
    /// z, `(destination nodes, rows3, features)`.
    Output,
}

impl Slot {
    /// All arguments, in order.
    pub const ALL: [Self; SLOTS] = [
        Self::Input,
        Self::Radial,
        Self::Weight,
        Self::InputFrame,
        Self::OutputFrame,
        Self::Output,
    ];

    /// Shape of the argument; of frames, those of the degree that the plan needs.
    pub fn shape(self, plan: &AlignedPlan, edges: &EdgeList, features: usize) -> Vec<usize> {
        match self {
            Self::Input => vec![edges.num_src(), plan.input.rows, features],
            Self::Radial => vec![edges.len(), plan.filter_degrees(), features],
            Self::Weight => vec![plan.weight_rows(), features],
            Self::InputFrame | Self::OutputFrame => {
                vec![edges.len(), frame_len(plan.frame_degree())]
            }
            Self::Output => vec![edges.num_dst(), plan.output.rows, features],
        }
    }

    /// Number of values of the argument.
    fn len(self, plan: &AlignedPlan, edges: &EdgeList, features: usize) -> usize {
        match self {
            Self::Input => edges.num_src() * plan.input.rows * features,
            Self::Radial => edges.len() * plan.filter_degrees() * features,
            Self::Weight => plan.weight_rows() * features,
            Self::InputFrame | Self::OutputFrame => edges.len() * frame_len(plan.frame_degree()),
            Self::Output => edges.num_dst() * plan.output.rows * features,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Radial => "radial",
            Self::Weight => "weight",
            Self::InputFrame => "input frame",
            Self::OutputFrame => "output frame",
            Self::Output => "output",
        }
    }
}

/// The derivatives of S with respect to all slots that are `wanted`, in order. Those of the output
/// are the messages themselves.
///
/// The argument of a slot that is the only one wanted is ignored.
///
/// # Errors
/// If an argument has the wrong size.
pub fn gradients<T: Real>(
    plan: &AlignedPlan,
    edges: &EdgeList,
    features: usize,
    wanted: [bool; SLOTS],
    args: [&[T]; SLOTS],
) -> Result<Vec<Vec<T>>> {
    first(plan, edges, features, (wanted, false), args)
}

/// As [`gradients`], but the derivatives with respect to frames may be others that [`Turn`] takes to the same
/// torques, which is faster. They must not be differentiated again.
///
/// # Errors
/// As [`gradients`].
pub fn gradients_for_torques<T: Real>(
    plan: &AlignedPlan,
    edges: &EdgeList,
    features: usize,
    wanted: [bool; SLOTS],
    args: [&[T]; SLOTS],
) -> Result<Vec<Vec<T>>> {
    first(plan, edges, features, (wanted, true), args)
}

fn first<T: Real>(
    plan: &AlignedPlan,
    edges: &EdgeList,
    features: usize,
    (wanted, for_torques): ([bool; SLOTS], bool),
    args: [&[T]; SLOTS],
) -> Result<Vec<Vec<T>>> {
    let alone = wanted.iter().filter(|&&w| w).count() == 1;
    for slot in Slot::ALL {
        if !(alone && wanted[slot as usize]) {
            check(plan, edges, features, slot, args[slot as usize])?;
        }
    }
    let job = AlignedJob {
        plan,
        edges,
        features,
        wanted,
        for_torques: for_torques && !alone,
    };
    Ok(T::aligned_gradients(job, args))
}

/// For all slots j that are `wanted`, in order, the sum over the tangents `u_i` that are given of
/// `∂²S/∂a_i ∂a_j u_i`.
///
/// # Errors
/// If an argument or a tangent has the wrong size.
pub fn second<T: Real>(
    plan: &AlignedPlan,
    edges: &EdgeList,
    features: usize,
    wanted: [bool; SLOTS],
    args: [&[T]; SLOTS],
    tangents: [Option<&[T]>; SLOTS],
) -> Result<Vec<Vec<T>>> {
    for slot in Slot::ALL {
        check(plan, edges, features, slot, args[slot as usize])?;
        if let Some(tangent) = tangents[slot as usize] {
            check(plan, edges, features, slot, tangent)?;
        }
    }
    let job = AlignedJob {
        plan,
        edges,
        features,
        wanted,
        for_torques: false,
    };
    Ok(T::aligned_second(job, args, tangents))
}

fn check<T>(
    plan: &AlignedPlan,
    edges: &EdgeList,
    features: usize,
    slot: Slot,
    values: &[T],
) -> Result<()> {
    let expected = slot.len(plan, edges, features);
    check_len(slot.name(), values.len(), expected)
}

/// What to compute, with arguments that were checked.
#[doc(hidden)]
#[derive(Debug, Clone, Copy)]
pub struct AlignedJob<'a> {
    plan: &'a AlignedPlan,
    edges: &'a EdgeList,
    features: usize,
    wanted: [bool; SLOTS],
    /// Whether only the torques of derivatives with respect to frames matter.
    for_torques: bool,
}

impl AlignedJob<'_> {
    pub(crate) fn gradients<T: Real>(self, args: [&[T]; SLOTS]) -> Vec<Vec<T>> {
        with_arithmetic!(A => {
            // An irrep of degree 2, its gains and the filter are 11 blocks in registers, 22 if two blocks of features are
            // computed at once.
            let many = A::held::<T>() >= 32;
            match &self.plan.low {
                Some(low) if many && self.features > LANES => self.low::<T, Pair<A>>(low, args),
                Some(low) => self.low::<T, A>(low, args),
                None if self.features > LANES => self.first::<T, Pair<A>>(args),
                None => self.first::<T, A>(args),
            }
        })
    }

    fn low<T: Real, A: Arithmetic>(&self, low: &LowPlan, args: [&[T]; SLOTS]) -> Vec<Vec<T>> {
        let pass = self.pass::<T, A>();
        drive::run(&LowFirst::<T, A>::new(&pass, low, args, self.for_torques))
    }

    fn first<T: Real, A: Arithmetic>(&self, args: [&[T]; SLOTS]) -> Vec<Vec<T>> {
        let pass = self.pass::<T, A>();
        drive::run(&First::<T, A>::new(&pass, args, self.for_torques))
    }

    pub(crate) fn second<T: Real>(
        self,
        args: [&[T]; SLOTS],
        tangents: [Option<&[T]>; SLOTS],
    ) -> Vec<Vec<T>> {
        with_arithmetic!(A => if self.features > LANES {
            self.mixed::<T, Pair<A>>(args, tangents)
        } else {
            self.mixed::<T, A>(args, tangents)
        })
    }

    fn mixed<T: Real, A: Arithmetic>(
        &self,
        args: [&[T]; SLOTS],
        tangents: [Option<&[T]>; SLOTS],
    ) -> Vec<Vec<T>> {
        drive::run(&Second::<T, A>::new(&self.pass::<T, A>(), args, tangents))
    }

    fn pass<T: Real, A: Arithmetic>(&self) -> Pass<'_> {
        let lanes = A::Block::<T>::LANES;
        Pass::new(self.plan, self.edges, self.features, self.wanted, lanes)
    }
}
