//! Dense layers: one matrix per parity and degree, applied to every entry of the degree.
//!
//! All that a dense layer and its derivatives need is the sum
//!
//! ```text
//! S = sum over items e, parities p, degrees l, orders m, channels i and o
//!       x[e, p, l m, i]  w[p, l, i, o]  z[e, p, l m, o]
//! ```
//!
//! with one of its three arguments left out. All of these are products of matrices, each between a few rows of
//! an argument and a matrix of a size in the order of the number of channels (`product.rs`).

mod packed;
mod product;

use std::mem::MaybeUninit;
use std::ops::Range;

use crate::error::check_len;
use crate::{Real, Result, par};
pub use packed::PackedWeight;
#[doc(hidden)]
pub use product::Matrix;
pub(crate) use product::multiply;

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

/// Multiply-adds, roughly, of a task of the parallel loop over items.
const WORK_PER_TASK: usize = 1 << 16;

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
    let len = slot.shape(plan, items).iter().product();
    if len == 0 || args.iter().any(|arg| arg.is_empty()) {
        return Ok(vec![T::ZERO; len]);
    }
    let (n_in, n_out) = (plan.in_features, plan.out_features);
    Ok(match slot {
        Slot::Output => {
            let starts: Vec<usize> = (0..n_in).map(|i| i * n_out).collect();
            let matrices = args[1].chunks_exact(n_in * n_out);
            let matrices: Vec<_> = matrices
                .map(|w| Matrix::of_rows(w, &starts, n_out))
                .collect();
            per_item(plan, args[0], [n_in, n_out], &matrices)
        }
        Slot::Input => {
            let matrices = args[0].chunks_exact(n_in * n_out);
            let matrices: Vec<_> = matrices.map(|w| Matrix::of_columns(w, n_out)).collect();
            per_item(plan, args[1], [n_out, n_in], &matrices)
        }
        Slot::Weight => weight(plan, args[0], args[1]),
    })
}

impl DensePlan {
    fn entries(&self) -> usize {
        self.parity * (self.max_degree + 1).pow(2)
    }

    /// The matrices, each with the entries that it acts on: those of a degree, for one parity.
    fn matrices(&self) -> impl Iterator<Item = Range<usize>> {
        let size = (self.max_degree + 1).pow(2);
        let degrees = 0..=self.max_degree;
        (0..self.parity).flat_map(move |p| {
            let entries = move |l: usize| p * size + l * l..p * size + (l + 1) * (l + 1);
            degrees.clone().map(entries)
        })
    }
}

/// Fewest items of a task: a matrix is read once for some rows.
const MIN_ITEMS: usize = 8;

/// `input W` (or `W^T`) for every entry of every degree; `matrices` are all W.
fn per_item<T: Real>(
    plan: &DensePlan,
    input: &[T],
    [n_in, n_out]: [usize; 2],
    matrices: &[Matrix<'_, T>],
) -> Vec<T> {
    let entries = plan.entries();
    let items = input.len() / (entries * n_in);
    let columns: Vec<usize> = (0..n_in).collect();
    // An even number of tasks of about the same size, if there is more than one.
    let per_task = (WORK_PER_TASK / (entries * n_in * n_out)).max(MIN_ITEMS);
    let tasks = items.div_ceil(per_task);
    let size = items.div_ceil(if tasks > 1 {
        tasks.next_multiple_of(2)
    } else {
        1
    });
    let ends = par::even_ends(items * entries * n_out, size * entries * n_out);
    let compute = |task: usize, out: &mut [MaybeUninit<T>]| {
        let input = &input[task * size * entries * n_in..];
        let items = out.len() / (entries * n_out);
        let mut rows = Vec::with_capacity(items * (2 * plan.max_degree + 1));
        for (matrix, range) in matrices.iter().zip(plan.matrices()) {
            rows.clear();
            for item in 0..items {
                let of_item = range.clone().map(|entry| item * entries + entry);
                rows.extend(of_item.map(|row| [row * n_in, row * n_out]));
            }
            // SAFETY: it does not add.
            unsafe { T::dense(matrix, &rows, (input, &columns), false, out) };
        }
    };
    // SAFETY: the matrices act on all entries, and every row of a product is written.
    unsafe { par::filled(&ends, input.len() * n_out, compute) }
}

/// `w[p, l] = sum over m of input[p, l m]^T output[p, l m]`.
fn weight<T: Real>(plan: &DensePlan, input: &[T], output: &[T]) -> Vec<T> {
    let (n_in, n_out, entries) = (plan.in_features, plan.out_features, plan.entries());
    let items = input.len() / (entries * n_in);
    // Matrices of many terms are sums of several parts.
    let per_part = (WORK_PER_TASK / (n_in * n_out)).max(product::DEPTH);
    let mut parts = Vec::new();
    for (matrix, range) in plan.matrices().enumerate() {
        let terms = items * range.len();
        let num = terms.div_ceil(per_part);
        let part = |i: usize| {
            (
                matrix,
                range.clone(),
                i * terms / num..(i + 1) * terms / num,
            )
        };
        parts.extend((0..num).map(part));
    }
    let rows: Vec<[usize; 2]> = (0..n_in).map(|i| [i, i * n_out]).collect();
    let compute = |part: usize, out: &mut [MaybeUninit<T>]| {
        let (_, range, terms) = &parts[part];
        let mut starts: [Vec<usize>; 2] = Default::default();
        for first in terms.clone().step_by(product::DEPTH) {
            let [of_input, of_output] = &mut starts;
            of_input.clear();
            of_output.clear();
            for term in first..terms.end.min(first + product::DEPTH) {
                let row = term / range.len() * entries + range.start + term % range.len();
                of_input.push(row * n_in);
                of_output.push(row * n_out);
            }
            let matrix = Matrix::of_rows(output, of_output, n_out);
            // SAFETY: the first step writes all numbers.
            unsafe { T::dense(&matrix, &rows, (input, of_input), first > terms.start, out) };
        }
    };
    let size = n_in * n_out;
    let ends = par::even_ends(parts.len() * size, size);
    // SAFETY: all rows of each part are written.
    let mut sums = unsafe { par::filled(&ends, input.len() * n_out, compute) };
    let mut num = 0;
    for part in 0..parts.len() {
        if part > 0 && parts[part].0 == parts[part - 1].0 {
            let (sum, rest) = sums.split_at_mut(part * size);
            for (sum, &value) in sum[(num - 1) * size..].iter_mut().zip(&rest[..size]) {
                *sum += value;
            }
        } else {
            sums.copy_within(part * size..(part + 1) * size, num * size);
            num += 1;
        }
    }
    sums.truncate(num * size);
    sums
}
