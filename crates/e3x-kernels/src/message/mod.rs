//! Message passing: gather, couple with a filter, sum per destination, in one pass over edges.
//!
//! The filter of an edge is separable: its entry (l, m) is `angular[e, l m] radial[e, l, f]`. All
//! that message passing and its derivatives need is the sum
//!
//! ```text
//! S = sum over edges e, paths p, terms (i, j, k, C) of p, features f
//!       C  angular[e, l1^2 + i]  radial[e, l1, f]  w[weight, f]
//!          x[src(e), row2 + j, f]  z[dst(e), row3 + k, f]
//! ```
//!
//! with one of its five arguments left out (see [`Slot`]). Nothing of size edges x rows x features
//! is stored. Because the angular part has no feature axis, it is folded into the coefficients
//! first: for each block a matrix with one entry for each j and k, the sum over i of C times the
//! angular part, shared by all features and by both parities.

mod edge;
mod job;

use crate::edges::EdgeList;
use crate::error::check_len;
use crate::{CouplingPlan, Error, Real, Result};

/// An argument of the sum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Slot {
    /// x, `(source nodes, rows2, features)`.
    Input,
    /// radial part of the filter, `(edges, max_degree1 + 1, features)`.
    Radial,
    /// w, `(weight_rows, features)`.
    Weight,
    /// angular part of the filter, `(edges, (max_degree1 + 1)^2)`.
    Angular,
    /// z, `(destination nodes, rows3, features)`.
    Output,
}

impl Slot {
    /// All arguments, in the order in which forms take them.
    pub const ALL: [Self; 5] = [
        Self::Input,
        Self::Radial,
        Self::Weight,
        Self::Angular,
        Self::Output,
    ];

    /// The arguments of the form that leaves this one out, in order.
    pub fn others(self) -> [Self; 4] {
        let mut others = [Self::Input; 4];
        for (slot, other) in others
            .iter_mut()
            .zip(Self::ALL.into_iter().filter(|&s| s != self))
        {
            *slot = other;
        }
        others
    }

    /// Shape of the argument.
    pub fn shape(self, plan: &CouplingPlan, edges: &EdgeList, features: usize) -> Vec<usize> {
        let degrees = plan.spec().first.1 + 1;
        match self {
            Self::Input => vec![edges.num_src(), plan.rows2(), features],
            Self::Radial => vec![edges.len(), degrees, features],
            Self::Weight => vec![plan.weight_rows(), features],
            Self::Angular => vec![edges.len(), degrees * degrees],
            Self::Output => vec![edges.num_dst(), plan.rows3(), features],
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Radial => "radial",
            Self::Weight => "weight",
            Self::Angular => "angular",
            Self::Output => "output",
        }
    }
}

/// The form that leaves out `slot`.
///
/// `args` are the other arguments in the order of [`Slot::others`]. Returns the values of the
/// argument left out, in C order of [`Slot::shape`].
///
/// # Errors
/// If the plan's first factor has both parities, or an argument has the wrong size.
pub fn form<T: Real>(
    plan: &CouplingPlan,
    edges: &EdgeList,
    slot: Slot,
    features: usize,
    args: [&[T]; 4],
) -> Result<Vec<T>> {
    if plan.spec().first.0 != 1 {
        return Err(Error::argument(
            "plan",
            "a first factor of parity 1 (the filter)",
            "parity 2",
        ));
    }
    let mut operands: [&[T]; 5] = [&[]; 5];
    for (other, arg) in slot.others().into_iter().zip(args) {
        let expected = other.shape(plan, edges, features).iter().product();
        check_len(other.name(), arg.len(), expected)?;
        operands[other as usize] = arg;
    }
    let len = slot.shape(plan, edges, features).iter().product();
    let mut out = vec![T::ZERO; len];
    if len > 0 && features > 0 && !edges.is_empty() {
        job::Job::new(plan, edges, features, operands).run(slot, &mut out);
    }
    Ok(out)
}
