//! Dense layers: one matrix per parity and degree, applied to every entry of the degree.
//!
//! All that a dense layer and its derivatives need is the sum
//!
//! ```text
//! S = sum over items e, parities p, degrees l, orders m, channels i and o
//!       x[e, p, l m, i]  w[p, l, i, o]  z[e, p, l m, o]
//! ```
//!
//! with one of its three arguments left out. The products are strided calls of `gemm`; nothing is
//! copied.

use crate::error::check_len;
use crate::{Real, Result, par};
use gemm::Parallelism;

/// An argument of the sum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Slot {
    /// x, `(items, parity, (max_degree + 1)^2, in_features)`.
    Input,
    /// w, `(parity, max_degree + 1, in_features, out_features)`.
    Weight,
    /// z, `(items, parity, (max_degree + 1)^2, out_features)`.
    Output,
}

/// Sizes of a dense layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DensePlan {
    /// Size of the parity axis.
    pub parity: usize,
    /// Highest degree.
    pub max_degree: usize,
    /// Channels of the input.
    pub in_features: usize,
    /// Channels of the output.
    pub out_features: usize,
}

impl Slot {
    /// All arguments, in the order in which forms take them.
    pub const ALL: [Self; 3] = [Self::Input, Self::Weight, Self::Output];

    /// The arguments of the form that leaves this one out, in order.
    pub fn others(self) -> [Self; 2] {
        match self {
            Self::Input => [Self::Weight, Self::Output],
            Self::Weight => [Self::Input, Self::Output],
            Self::Output => [Self::Input, Self::Weight],
        }
    }

    /// Shape of the argument.
    pub fn shape(self, plan: &DensePlan, items: usize) -> [usize; 4] {
        let DensePlan {
            parity,
            max_degree,
            in_features,
            out_features,
        } = *plan;
        match self {
            Self::Input => [items, parity, (max_degree + 1).pow(2), in_features],
            Self::Weight => [parity, max_degree + 1, in_features, out_features],
            Self::Output => [items, parity, (max_degree + 1).pow(2), out_features],
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Weight => "weight",
            Self::Output => "output",
        }
    }
}

/// Items per task of the parallel loop.
const ITEMS_PER_TASK: usize = 64;

/// The form that leaves out `slot`; `args` are the other arguments in the order of
/// [`Slot::others`]. Returns the values of the argument left out, in C order.
///
/// # Errors
/// If an argument has the wrong size.
pub fn form<T: Real>(
    plan: &DensePlan,
    slot: Slot,
    items: usize,
    args: [&[T]; 2],
) -> Result<Vec<T>> {
    for (other, arg) in slot.others().into_iter().zip(args) {
        check_len(
            other.name(),
            arg.len(),
            other.shape(plan, items).iter().product(),
        )?;
    }
    let mut out = vec![T::ZERO; slot.shape(plan, items).iter().product()];
    if out.is_empty() || args.iter().any(|arg| arg.is_empty()) {
        return Ok(out);
    }
    match slot {
        Slot::Output => per_item(plan, args[0], args[1], false, &mut out),
        Slot::Input => per_item(plan, args[1], args[0], true, &mut out),
        Slot::Weight => weight(plan, items, args[0], args[1], &mut out),
    }
    Ok(out)
}

/// A matrix inside a slice: element `(r, c)` is at `start + r * rows + c * columns`.
#[derive(Clone, Copy)]
struct View {
    start: usize,
    rows: usize,
    columns: usize,
}

/// `out = input W` (or `W^T`) for every entry of every degree.
fn per_item<T: Real>(plan: &DensePlan, input: &[T], weight: &[T], transposed: bool, out: &mut [T]) {
    let (n_in, n_out) = if transposed {
        (plan.out_features, plan.in_features)
    } else {
        (plan.in_features, plan.out_features)
    };
    let entries = plan.parity * (plan.max_degree + 1).pow(2);
    let work = input.len() * n_out;
    par::for_each_chunk(out, ITEMS_PER_TASK * entries * n_out, work, |task, out| {
        let input = &input[task * ITEMS_PER_TASK * entries * n_in..];
        let items = out.len() / (entries * n_out);
        for entry in 0..entries {
            let matrix = View {
                start: matrix_of(plan, entry) * plan.in_features * plan.out_features,
                rows: if transposed { 1 } else { plan.out_features },
                columns: if transposed { plan.out_features } else { 1 },
            };
            let lhs = View {
                start: entry * n_in,
                rows: entries * n_in,
                columns: 1,
            };
            let dst = View {
                start: entry * n_out,
                rows: entries * n_out,
                columns: 1,
            };
            multiply(
                [items, n_out, n_in],
                (out, dst),
                false,
                (input, lhs),
                (weight, matrix),
            );
        }
    });
}

/// `w[p, l] = sum over m of input[p, l m]^T output[p, l m]`.
fn weight<T: Real>(plan: &DensePlan, items: usize, input: &[T], output: &[T], out: &mut [T]) {
    let size = (plan.max_degree + 1).pow(2);
    let (n_in, n_out) = (plan.in_features, plan.out_features);
    par::for_each_chunk(out, n_in * n_out, input.len() * n_out, |matrix, out| {
        let (p, l) = (
            matrix / (plan.max_degree + 1),
            matrix % (plan.max_degree + 1),
        );
        for (m, entry) in (p * size + l * l..p * size + (l + 1) * (l + 1)).enumerate() {
            let lhs = View {
                start: entry * n_in,
                rows: 1,
                columns: plan.parity * size * n_in,
            };
            let rhs = View {
                start: entry * n_out,
                rows: plan.parity * size * n_out,
                columns: 1,
            };
            let dst = View {
                start: 0,
                rows: n_out,
                columns: 1,
            };
            multiply(
                [n_in, n_out, items],
                (out, dst),
                m > 0,
                (input, lhs),
                (output, rhs),
            );
        }
    });
}

/// Index of the matrix that acts on an entry (parity, degree, order).
fn matrix_of(plan: &DensePlan, entry: usize) -> usize {
    let size = (plan.max_degree + 1).pow(2);
    entry / size * (plan.max_degree + 1) + (entry % size).isqrt()
}

/// `dst (+)= lhs rhs` for an `m x k` and a `k x n` matrix inside slices.
fn multiply<T: Real>(
    [m, n, k]: [usize; 3],
    (dst, d): (&mut [T], View),
    accumulate: bool,
    (lhs, l): (&[T], View),
    (rhs, r): (&[T], View),
) {
    let end = |v: View, rows: usize, columns: usize| {
        v.start + (rows - 1) * v.rows + (columns - 1) * v.columns
    };
    assert!(end(d, m, n) < dst.len() && end(l, m, k) < lhs.len() && end(r, k, n) < rhs.len());
    // SAFETY: the last element of each matrix was just checked to lie inside its slice, strides
    // are not negative, and `dst` is borrowed exclusively.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            dst.as_mut_ptr().add(d.start),
            d.columns as isize,
            d.rows as isize,
            accumulate,
            lhs.as_ptr().add(l.start),
            l.columns as isize,
            l.rows as isize,
            rhs.as_ptr().add(r.start),
            r.columns as isize,
            r.rows as isize,
            T::ONE,
            T::ONE,
            false,
            false,
            false,
            Parallelism::None,
        );
    }
}
