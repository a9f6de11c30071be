//! Fused tensor products: irreps as matrices, which are multiplied.
//!
//! The irreps of an argument a, even or odd, are entries of a matrix (arXiv:2401.07595, section 3.2)
//!
//! ```text
//! M(w, a)[i, j] = sum over l, m of w[l] C[λ i, λ j -> l m] a[l, m]      λ = ceil(L / 2)
//! ```
//!
//! with L the highest of all degrees, and everything that the product and its derivatives need comes from the sum
//!
//! ```text
//! S = sum over items, features, channels c and i, j, k of  X[i, k]  Y[k, j]  Z[i, j]
//! X = M(w1, x),    Y = M(w2, y),    Z = M(w3, z)
//! ```
//!
//! which is linear in each of its six arguments. Channels are the four products of even and odd irreps, each with weights
//! of its own for the product. [`form`] leaves one argument out, [`gradients`] several, [`second`] gives mixed second
//! derivatives along tangents.
//!
//! It takes `(L + 1)^3` multiply-adds for each channel, and about as many to come to matrices and back, as each entry of
//! a matrix has entries of just two m from each degree; a tensor product with a weight for each path takes more than ten
//! times as many at L = 6. Matrices of even degrees are symmetric and those of odd degrees antisymmetric, so that
//! coefficients above the diagonal are enough.

mod job;
mod kernel;
mod matrix;
mod multiply;
mod plan;
mod tile;

use crate::operands::{self, Sizes};
use crate::{Real, Result};
pub use plan::FusedPlan;

/// Number of arguments of the sum.
pub const SLOTS: usize = 6;

/// An argument of the sum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Slot {
    /// x, `(items, rows1, features)`.
    First,
    /// y, `(items, rows2, features)`.
    Second,
    /// z, `(items, rows3, features)`.
    Product,
    /// w1 of even and odd irreps, `(2, L1 + 1, features)`.
    FirstWeight,
    /// w2 of even and odd irreps, `(2, L2 + 1, features)`.
    SecondWeight,
    /// w3 by parities of first factor, second factor and product, eee, ooe, eoo and oeo, `(4, L3 + 1, features)`.
    ProductWeight,
}

impl Slot {
    /// All arguments, in order.
    pub const ALL: [Self; SLOTS] = [
        Self::First,
        Self::Second,
        Self::Product,
        Self::FirstWeight,
        Self::SecondWeight,
        Self::ProductWeight,
    ];

    /// Rows of the argument (per item, if it has items).
    pub fn rows(self, plan: &FusedPlan) -> usize {
        plan.rows(self)
    }

    /// Number of values of the argument.
    pub fn len(self, plan: &FusedPlan, items: usize, features: usize) -> usize {
        let items = if self.is_weight() { 1 } else { items };
        items * self.rows(plan) * features
    }

    /// Whether it is a weight, which all items share.
    pub fn is_weight(self) -> bool {
        self as usize >= plan::SIDES
    }

    /// First factor, second factor or product.
    fn side(self) -> usize {
        self as usize % plan::SIDES
    }

    fn name(self) -> &'static str {
        let names = ["first", "second", "product"];
        let weights = ["first_weight", "second_weight", "product_weight"];
        if self.is_weight() {
            weights[self.side()]
        } else {
            names[self.side()]
        }
    }
}

/// The derivative of S with respect to `slot`; that with respect to z is the product itself.
///
/// `args` has all arguments in the order of [`Slot::ALL`]; that of `slot` is ignored. Returns the values in C order.
///
/// # Errors
/// If an argument has the wrong size.
pub fn form<T: Real>(
    plan: &FusedPlan,
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
    plan: &FusedPlan,
    items: usize,
    features: usize,
    wanted: [bool; SLOTS],
    args: [&[T]; SLOTS],
) -> Result<Vec<Vec<T>>> {
    let operands = Operands::for_gradients(sizes(plan, items, features), wanted, args)?;
    let job = FusedJob {
        plan,
        items,
        features,
        wanted,
    };
    Ok(T::fused(job, operands))
}

/// For all slots j that are `wanted`, in order, the sum over the tangents `u_i` that are given of
/// `∂²S/∂a_i ∂a_j u_i`.
///
/// # Errors
/// If an argument or a tangent has the wrong size.
pub fn second<T: Real>(
    plan: &FusedPlan,
    items: usize,
    features: usize,
    wanted: [bool; SLOTS],
    args: [&[T]; SLOTS],
    tangents: [Option<&[T]>; SLOTS],
) -> Result<Vec<Vec<T>>> {
    let operands = Operands::for_second(sizes(plan, items, features), args, tangents)?;
    let job = FusedJob {
        plan,
        items,
        features,
        wanted,
    };
    Ok(T::fused(job, operands))
}

/// What to compute, with arguments that were checked.
#[doc(hidden)]
#[derive(Debug, Clone, Copy)]
pub struct FusedJob<'a> {
    plan: &'a FusedPlan,
    items: usize,
    features: usize,
    wanted: [bool; SLOTS],
}

/// Arguments, and tangents if second derivatives are computed.
#[doc(hidden)]
pub type Operands<'a, T> = operands::Operands<'a, T, SLOTS>;

fn sizes(plan: &FusedPlan, items: usize, features: usize) -> Sizes<SLOTS> {
    Slot::ALL.map(|slot| (slot.name(), slot.len(plan, items, features)))
}
