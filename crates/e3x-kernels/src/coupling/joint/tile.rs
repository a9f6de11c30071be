//! Rows of some items, one block of lanes of each, in the order of a program.

use super::Ordered;
use super::program::{Joint, Place};
use super::step::Tile;
use crate::Real;
use crate::arithmetic::Arithmetic;
use crate::coupling::Operands;
use crate::coupling::tile::Results;
use crate::coupling::{CouplingJob, Slot};
use crate::items::{read_row, write_row};
use crate::lanes::Lanes;
use crate::place::{at, at_mut};
use crate::prefetch::Ahead;

/// Buffers of a task for `NI` items at a time.
pub(super) struct Buffers<'a, T, const P: usize, const NI: usize> {
    program: &'a Joint,
    /// Rows of the factors, of the argument that is the target and of its derivative, `(item, parity, row)`; then the
    /// derivative with respect to the weight of all items of the task, `(block, weight)`.
    lanes: Vec<Lanes<T>>,
    /// Rows of a parity of the factors and of the target.
    rows: [usize; 3],
}

impl<'a, T: Real, const P: usize, const NI: usize> Buffers<'a, T, P, NI> {
    pub fn new(ordered: &Ordered<'a, T>, blocks: usize) -> Self {
        let program = ordered.program;
        let [first, second] = program.factors.each_ref().map(|places| 2 * places.len());
        let target = program.target.len();
        let num = NI * P * (first + second + 2 * target) + blocks * program.paths.len();
        Self {
            program,
            lanes: vec![Lanes::zero(); num],
            rows: [first, second, target],
        }
    }

    /// Factors, argument, derivative of it, and that of the weight.
    #[inline(always)]
    fn parts(&mut self) -> [&mut [Lanes<T>]; 5] {
        let [first, second, target] = self.rows.map(|rows| NI * P * rows);
        let (first, rest) = self.lanes.split_at_mut(first);
        let (second, rest) = rest.split_at_mut(second);
        let (values, rest) = rest.split_at_mut(target);
        let (target, totals) = rest.split_at_mut(target);
        [first, second, values, target, totals]
    }

    /// Everything that steps read and write.
    #[inline(always)]
    pub fn tile<'b>(
        &'b mut self,
        coefficients: &'b [T],
        weights: &'b [Lanes<T>],
        block: usize,
    ) -> Tile<'b, T> {
        let rows = self.rows;
        let products = &self.program.products;
        let [first, second, values, target, totals] = self.parts();
        Tile {
            coefficients,
            products,
            weights,
            totals: &mut totals[block * weights.len()..][..weights.len()],
            factors: [first, second],
            values,
            target,
            rows,
        }
    }

    /// The derivative with respect to the weight.
    pub fn into_totals(mut self) -> Vec<Lanes<T>> {
        let [.., totals] = self.parts();
        let num = totals.len();
        self.lanes.split_off(self.lanes.len() - num)
    }

    /// Reads `num` items from `first` on; missing items are zero.
    #[inline(always)]
    pub fn load<A: Arithmetic<Block<T> = Lanes<T>>>(
        &mut self,
        job: &CouplingJob<'_>,
        operands: &Operands<'_, T>,
        items: (usize, usize),
        block: usize,
    ) {
        let Joint {
            roles,
            factors: [places1, places2],
            target,
            ..
        } = self.program;
        let width = job.features;
        let [x, z, values, ..] = self.parts();
        for (slot, places, to) in [
            (roles.factors[0], places1, x),
            (roles.factors[1], places2, z),
        ] {
            let size = places.len() * width;
            for (n, to) in to.chunks_exact_mut(2 * places.len()).enumerate() {
                let rows = rows_of::<T, P>(operands, slot, items, n, size);
                for (row, place) in rows.chunks_exact(width).zip(places) {
                    load_number::<T, A>(row, block, place, to);
                }
                if rows.is_empty() {
                    to.fill(Lanes::zero());
                }
            }
        }
        for (n, to) in values.chunks_exact_mut(target.len()).enumerate() {
            let rows = rows_of::<T, P>(operands, roles.target, items, n, target.len() * width);
            for (row, &place) in rows.chunks_exact(width).zip(target) {
                read_row::<T, A>(row, block, at_mut(to, place));
            }
            if rows.is_empty() {
                to.fill(Lanes::zero());
            }
        }
    }

    /// What [`Self::load`] and [`Self::store`] need of `num` items later on, in some steps. These are counted from the
    /// first item of all, and from that of the task.
    pub fn ahead(
        &self,
        job: &CouplingJob<'_>,
        operands: &Operands<'_, T>,
        results: &Results<'_, T>,
        ([of_all, of_task], num): ([usize; 2], usize),
        steps: usize,
    ) -> Ahead {
        let mut ahead = Ahead::new(steps);
        let roles = self.program.roles;
        for slot in [roles.factors[0], roles.factors[1], roles.target] {
            let size = slot.rows(job.plan) * job.features;
            let values = operands.of(0, slot as usize).unwrap_or_default();
            ahead.add(values, of_all * size..(of_all + num) * size);
        }
        let size = roles.target.rows(job.plan) * job.features;
        let results = &*results[roles.target as usize];
        ahead.add(results, of_task * size..(of_task + num) * size);
        ahead.start()
    }

    /// Writes the target of `num` items to their results, from the item `first` of these on.
    #[inline(always)]
    pub fn store<A: Arithmetic<Block<T> = Lanes<T>>>(
        &mut self,
        job: &CouplingJob<'_>,
        results: &mut Results<'_, T>,
        (first, num): (usize, usize),
        block: usize,
    ) {
        let Joint { roles, target, .. } = self.program;
        let results = &mut results[roles.target as usize];
        let size = target.len() * job.features;
        let [_, _, _, from, _] = self.parts();
        let from = from.chunks_exact(target.len()).take(num * P);
        let rows = results[first * P * size..].chunks_exact_mut(size);
        for (rows, from) in rows.zip(from) {
            for (row, &place) in rows.chunks_exact_mut(job.features).zip(target) {
                write_row::<T, A>(A::load(at(from, place)), row, block);
            }
        }
    }
}

/// `size` numbers of an argument for the item and parity `n` of some items, `(first, number)`; none if there are not as
/// many items.
#[inline(always)]
fn rows_of<'a, T, const P: usize>(
    operands: &Operands<'a, T>,
    slot: Slot,
    (first, num): (usize, usize),
    n: usize,
    size: usize,
) -> &'a [T] {
    let values = operands.of(0, slot as usize).unwrap_or_default();
    if n < num * P {
        &values[(first * P + n) * size..][..size]
    } else {
        &[]
    }
}

/// Reads a part of a complex number, and writes that of its conjugate as well.
#[inline(always)]
fn load_number<T: Real, A: Arithmetic<Block<T> = Lanes<T>>>(
    row: &[T],
    block: usize,
    place: &Place,
    to: &mut [Lanes<T>],
) {
    let number = read_row::<T, A>(row, block, at_mut(to, place.own));
    let mut conjugate = A::zero::<T>();
    A::add_scaled_sum(&mut conjugate, T::from_f64(place.sign), number);
    A::store::<T>(conjugate, at_mut(to, place.conjugate));
}
