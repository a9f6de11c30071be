//! Tensor products of features: one sum of products with weights, and its derivatives.
//!
//! Everything a tensor product layer and its derivatives need comes from the sum
//!
//! ```text
//! S = sum over items e, paths p, terms (i, j, k, C) of p, features f
//!       C  x[e, row1 + i, f]  y[e, row2 + j, f]  w[weight, f]  z[e, row3 + k, f]
//! ```
//!
//! which is linear in each of its four arguments. [`form`] leaves one out: leaving out z gives the
//! product, leaving out another argument gives the derivative with respect to it when z is the
//! cotangent. [`gradients`] gives several of these derivatives, [`second`] the mixed second
//! derivatives along tangents, each in one pass over the items.
//!
//! Entries m and -m are the parts of complex numbers, of which only products that lead to the same m of the
//! third argument couple, with real coefficients that both parts share (`program.rs`): half as many
//! multiplications as coefficients between real entries. Some items are computed together, so that
//! coefficients and weights that were found once serve several sums in registers.
//!
//! If all arguments have the same parities, each derivative is computed on its own without writing products to
//! memory (`fold/`), that of the weight together with one other (`joint/`). Second derivatives, arguments of different
//! parities and the weight alone share products and sums of them (`forward.rs` and `backward.rs`).

mod backward;
mod entries;
mod fold;
mod forward;
mod item;
mod job;
mod joint;
mod multiply;
mod program;
mod programs;
mod stage;
mod tile;

pub(crate) use programs::Programs;

use crate::operands::{self, Sizes};
use crate::{CouplingPlan, Real, Result};

/// Number of arguments of the sum.
#[doc(hidden)]
pub const SLOTS: usize = 4;

/// An argument of the sum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Slot {
    /// x, `(items, rows1, features)`.
    First,
    /// y, `(items, rows2, features)`.
    Second,
    /// w, `(weight_rows, features)`, shared by all items.
    Weight,
    /// z, `(items, rows3, features)`.
    Product,
}

impl Slot {
    /// All arguments, in order.
    pub const ALL: [Self; SLOTS] = [Self::First, Self::Second, Self::Weight, Self::Product];

    /// Rows of the argument (per item, if it has items).
    pub fn rows(self, plan: &CouplingPlan) -> usize {
        match self {
            Self::First => plan.rows1(),
            Self::Second => plan.rows2(),
            Self::Weight => plan.weight_rows(),
            Self::Product => plan.rows3(),
        }
    }

    /// Number of values of the argument.
    pub fn len(self, plan: &CouplingPlan, items: usize, features: usize) -> usize {
        let items = if self == Self::Weight { 1 } else { items };
        items * self.rows(plan) * features
    }

    fn name(self) -> &'static str {
        ["first", "second", "weight", "product"][self as usize]
    }
}

/// The derivative of S with respect to `slot`; that with respect to z is the product itself.
///
/// `args` has all arguments in the order of [`Slot::ALL`]; that of `slot` is ignored. Returns the
/// values in C order.
///
/// # Errors
/// If an argument has the wrong size.
pub fn form<T: Real>(
    plan: &CouplingPlan,
    slot: Slot,
    items: usize,
    features: usize,
    args: [&[T]; SLOTS],
) -> Result<Vec<T>> {
    let mut wanted = [false; SLOTS];
    wanted[slot as usize] = true;
    Ok(gradients(plan, items, features, wanted, args)?.remove(0))
}

/// The derivatives of S with respect to all slots that are `wanted`, in order.
///
/// The argument of a slot that is the only one wanted is ignored.
///
/// # Errors
/// If an argument has the wrong size.
pub fn gradients<T: Real>(
    plan: &CouplingPlan,
    items: usize,
    features: usize,
    wanted: [bool; SLOTS],
    args: [&[T]; SLOTS],
) -> Result<Vec<Vec<T>>> {
    let operands = Operands::for_gradients(sizes(plan, items, features), wanted, args)?;
    let job = CouplingJob {
        plan,
        items,
        features,
        wanted,
    };
    Ok(T::coupling(job, operands))
}

/// For all slots j that are `wanted`, in order, the sum over the tangents `u_i` that are given of
/// `∂²S/∂a_i ∂a_j u_i`.
///
/// # Errors
/// If an argument or a tangent has the wrong size.
pub fn second<T: Real>(
    plan: &CouplingPlan,
    items: usize,
    features: usize,
    wanted: [bool; SLOTS],
    args: [&[T]; SLOTS],
    tangents: [Option<&[T]>; SLOTS],
) -> Result<Vec<Vec<T>>> {
    let operands = Operands::for_second(sizes(plan, items, features), args, tangents)?;
    let job = CouplingJob {
        plan,
        items,
        features,
        wanted,
    };
    Ok(T::coupling(job, operands))
}

/// What to compute, with arguments that were checked.
#[doc(hidden)]
#[derive(Debug, Clone, Copy)]
pub struct CouplingJob<'a> {
    plan: &'a CouplingPlan,
    items: usize,
    features: usize,
    wanted: [bool; SLOTS],
}

/// Arguments, and tangents if second derivatives are computed.
#[doc(hidden)]
pub type Operands<'a, T> = operands::Operands<'a, T, SLOTS>;

fn sizes(plan: &CouplingPlan, items: usize, features: usize) -> Sizes<SLOTS> {
    Slot::ALL.map(|slot| (slot.name(), slot.len(plan, items, features)))
}
