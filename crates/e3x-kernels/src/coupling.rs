//! Tensor products of features: one trilinear coupling with weights, in four forms.
//!
//! Everything a tensor product layer and its derivatives need is the sum
//!
//! ```text
//! S = sum over items e, paths p, terms (i, j, k, C) of p, features f
//!       C  x[e, row1 + i, f]  y[e, row2 + j, f]  w[weight, f]  z[e, row3 + k, f]
//! ```
//!
//! with one of its four arguments left out: leaving out z gives the product, leaving out another
//! argument gives the derivative with respect to it when z is the cotangent. The derivative of a
//! form is again a form, so every order of derivative is covered.

use crate::error::check_len;
use crate::lanes::{self, LANES, Lanes};
use crate::{CouplingPlan, Real, Result, par};

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
    /// All arguments, in the order in which forms take them.
    pub const ALL: [Self; 4] = [Self::First, Self::Second, Self::Weight, Self::Product];

    /// The arguments of the form that leaves this one out, in order.
    pub fn others(self) -> [Self; 3] {
        match self {
            Self::First => [Self::Second, Self::Weight, Self::Product],
            Self::Second => [Self::First, Self::Weight, Self::Product],
            Self::Weight => [Self::First, Self::Second, Self::Product],
            Self::Product => [Self::First, Self::Second, Self::Weight],
        }
    }

    /// Rows of the argument (per item, if it has items).
    pub fn rows(self, plan: &CouplingPlan) -> usize {
        match self {
            Self::First => plan.rows1(),
            Self::Second => plan.rows2(),
            Self::Weight => plan.weight_rows(),
            Self::Product => plan.rows3(),
        }
    }
}

/// Items per task of the parallel loops. Fixed, so that sums over items do not depend on the
/// number of threads.
const ITEMS_PER_TASK: usize = 32;

/// The form that leaves out `slot`.
///
/// `args` are the other arguments in the order of [`Slot::others`]. Returns the values of the
/// argument left out, in C order.
///
/// # Errors
/// If an argument has the wrong size.
pub fn form<T: Real>(
    plan: &CouplingPlan,
    slot: Slot,
    items: usize,
    features: usize,
    args: [&[T]; 3],
) -> Result<Vec<T>> {
    const NAMES: [&str; 4] = ["first", "second", "weight", "product"];
    let size = |s: Slot| {
        let rows = s.rows(plan) * features;
        if s == Slot::Weight {
            rows
        } else {
            rows * items
        }
    };
    let mut operands: [&[T]; 4] = [&[]; 4];
    for (other, arg) in slot.others().into_iter().zip(args) {
        check_len(NAMES[other as usize], arg.len(), size(other))?;
        operands[other as usize] = arg;
    }
    let job = Job {
        plan,
        slot,
        features,
        operands,
    };
    let mut out = vec![T::ZERO; size(slot)];
    if out.is_empty() || items == 0 {
        return Ok(out);
    }
    if slot == Slot::Weight {
        job.reduce_weight(items, &mut out);
    } else {
        let row = slot.rows(plan) * features;
        par::for_each_chunk(
            &mut out,
            row * ITEMS_PER_TASK,
            job.work(items),
            |task, out| {
                lanes::vectorized(
                    #[inline(always)]
                    || {
                        let mut scratch = Scratch::new(&job);
                        for (i, out) in out.chunks_mut(row).enumerate() {
                            job.item(task * ITEMS_PER_TASK + i, out, &mut scratch);
                        }
                    },
                );
            },
        );
    }
    Ok(out)
}

struct Job<'a, T> {
    plan: &'a CouplingPlan,
    slot: Slot,
    features: usize,
    operands: [&'a [T]; 4],
}

/// One block of lanes of every row of the four arguments.
struct Scratch<T> {
    rows: [Vec<Lanes<T>>; 4],
}

impl<T: Real> Scratch<T> {
    fn new(job: &Job<'_, T>) -> Self {
        Self {
            rows: Slot::ALL.map(|slot| vec![[T::ZERO; LANES]; slot.rows(job.plan)]),
        }
    }
}

impl<T: Real> Job<'_, T> {
    /// Multiply-adds of the whole form.
    fn work(&self, items: usize) -> usize {
        let blocks = self.plan.blocks();
        let terms: usize = self
            .plan
            .paths()
            .iter()
            .map(|p| blocks[p.block].terms.len())
            .sum();
        2 * items * terms * self.features
    }

    /// The rows of an argument that belong to an item.
    #[inline(always)]
    fn rows_of(&self, slot: Slot, item: usize) -> &[T] {
        let len = slot.rows(self.plan) * self.features;
        let start = if slot == Slot::Weight { 0 } else { item * len };
        &self.operands[slot as usize][start..start + len]
    }

    #[inline(always)]
    fn load(&self, slot: Slot, item: usize, block: usize, rows: &mut [Lanes<T>]) {
        for (lanes, row) in rows
            .iter_mut()
            .zip(self.rows_of(slot, item).chunks(self.features))
        {
            *lanes = lanes::load(row, block);
        }
    }

    /// Adds one block of one item to the rows of the argument left out.
    #[inline(always)]
    fn accumulate(&self, item: usize, block: usize, scratch: &mut Scratch<T>) {
        for slot in self.slot.others() {
            self.load(slot, item, block, &mut scratch.rows[slot as usize]);
        }
        let [x, y, w, z] = &mut scratch.rows;
        for path in self.plan.paths() {
            let coefficients = &self.plan.blocks()[path.block];
            let [l1, l2, l3] = coefficients.degrees;
            let x = &mut x[path.row1..path.row1 + 2 * l1 + 1];
            let y = &mut y[path.row2..path.row2 + 2 * l2 + 1];
            let z = &mut z[path.row3..path.row3 + 2 * l3 + 1];
            let w = &mut w[path.weight];
            for term in &coefficients.terms {
                let (i, j, k) = (term.i as usize, term.j as usize, term.k as usize);
                let c = T::from_f64(term.value);
                match self.slot {
                    Slot::Product => {
                        let xw = lanes::product(&x[i], w);
                        lanes::add_product(&mut z[k], &lanes::scaled(c, &xw), &y[j]);
                    }
                    Slot::First => {
                        let zw = lanes::product(&z[k], w);
                        lanes::add_product(&mut x[i], &lanes::scaled(c, &zw), &y[j]);
                    }
                    Slot::Second => {
                        let zw = lanes::product(&z[k], w);
                        lanes::add_product(&mut y[j], &lanes::scaled(c, &zw), &x[i]);
                    }
                    Slot::Weight => {
                        let xz = lanes::product(&x[i], &z[k]);
                        lanes::add_product(w, &lanes::scaled(c, &xz), &y[j]);
                    }
                }
            }
        }
    }

    #[inline(always)]
    fn item(&self, item: usize, out: &mut [T], scratch: &mut Scratch<T>) {
        for block in 0..lanes::num_blocks(self.features) {
            scratch.rows[self.slot as usize].fill([T::ZERO; LANES]);
            self.accumulate(item, block, scratch);
            let rows = &scratch.rows[self.slot as usize];
            for (row, lanes) in out.chunks_mut(self.features).zip(rows) {
                lanes::store(row, block, lanes);
            }
        }
    }

    /// Sums over items in tasks of fixed size, then over tasks in order.
    fn reduce_weight(&self, items: usize, out: &mut [T]) {
        let per_task = ITEMS_PER_TASK.max(items.div_ceil(64));
        let partial = |task: usize| {
            lanes::vectorized(
                #[inline(always)]
                || {
                    let mut out = vec![T::ZERO; out.len()];
                    let mut scratch = Scratch::new(self);
                    let items = task * per_task..items.min((task + 1) * per_task);
                    for block in 0..lanes::num_blocks(self.features) {
                        scratch.rows[Slot::Weight as usize].fill([T::ZERO; LANES]);
                        for item in items.clone() {
                            self.accumulate(item, block, &mut scratch);
                        }
                        let rows = &scratch.rows[Slot::Weight as usize];
                        for (row, lanes) in out.chunks_mut(self.features).zip(rows) {
                            lanes::store(row, block, lanes);
                        }
                    }
                    out
                },
            )
        };
        let tasks = items.div_ceil(per_task);
        let partials: Vec<Vec<T>> = par::map_tasks(tasks, self.work(items), partial);
        for partial in partials {
            for (sum, value) in out.iter_mut().zip(partial) {
                *sum += value;
            }
        }
    }
}
