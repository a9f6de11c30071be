//! Rows of the factors of some items, one block of lanes of each, and where their target goes.

use std::mem::MaybeUninit;

use super::program::{Fold, Out};
use super::sum::Totals;
use crate::Real;
use crate::arithmetic::Arithmetic;
use crate::coupling::Operands;
use crate::items::{read_row, write_row};
use crate::lanes::Lanes;
use crate::prefetch::Ahead;

/// Factors of `NI` items at a time.
pub(super) struct Tile<'a, T, const P: usize, const NI: usize> {
    program: &'a Fold,
    /// Rows of the factors and of the target.
    rows: [usize; 3],
    features: usize,
    /// All items.
    values: [&'a [T]; 2],
    /// Rows of some of them, `(row, parity, item)`, of the second factor in the order of the program.
    lanes: Vec<Lanes<T>>,
}

impl<'a, T: Real, const P: usize, const NI: usize> Tile<'a, T, P, NI> {
    pub fn new(
        program: &'a Fold,
        rows: [usize; 3],
        operands: &Operands<'a, T>,
        features: usize,
    ) -> Self {
        let values = program
            .roles
            .factors
            .map(|slot| operands.of(0, slot as usize));
        Self {
            program,
            rows,
            features,
            values: values.map(Option::unwrap_or_default),
            lanes: vec![Lanes::zero(); (rows[0] + program.inner.len() * P) * NI],
        }
    }

    /// Rows of both factors.
    #[inline(always)]
    pub fn factors(&self) -> [&[Lanes<T>]; 2] {
        self.lanes.split_at(self.rows[0] * NI).into()
    }

    /// Reads `num` items from `first` on; missing items are zero.
    #[inline(always)]
    pub fn load<A: Arithmetic<Block<T> = Lanes<T>>>(
        &mut self,
        items: (usize, usize),
        block: usize,
    ) {
        let [first, second, _] = self.rows;
        let (x, inner) = self.lanes.split_at_mut(first * NI);
        for (row, to) in x.chunks_exact_mut(P * NI).enumerate() {
            load_row::<T, A, P, NI>(
                self.values[0],
                (first, row),
                self.features,
                items,
                block,
                to,
            );
        }
        for (&row, to) in self
            .program
            .inner
            .iter()
            .zip(inner.chunks_exact_mut(P * NI))
        {
            let place = (second, row as usize / P);
            load_row::<T, A, P, NI>(self.values[1], place, self.features, items, block, to);
        }
    }

    /// What [`Self::load`] and [`Self::store`] need of `num` items later on, in some steps. These are counted from the
    /// first item of all, and from that of the task.
    pub fn ahead(
        &self,
        results: &[MaybeUninit<T>],
        [of_all, of_task]: [usize; 2],
        num: usize,
        steps: usize,
    ) -> Ahead {
        let mut ahead = Ahead::new(steps);
        let sizes = self.rows.map(|rows| rows * self.features);
        for (values, size) in self.values.into_iter().zip(sizes) {
            ahead.add(values, of_all * size..(of_all + num) * size);
        }
        ahead.add(results, of_task * sizes[2]..(of_task + num) * sizes[2]);
        ahead.start()
    }

    /// Writes an entry of the target of `num` items to their results, from the item `first` of these on.
    #[inline(always)]
    pub fn store<A: Arithmetic<Block<T> = Lanes<T>>, const PARTS: usize>(
        &self,
        out: &Out,
        totals: &[Totals<T, A, P, NI>; PARTS],
        (first, num): (usize, usize),
        block: usize,
        results: &mut [MaybeUninit<T>],
    ) {
        let rows = self.rows[2];
        for part in 0..PARTS {
            for p in 0..P {
                let row = out.rows[part] as usize / P + p * (rows / P);
                for i in 0..NI {
                    if i < num {
                        let start = ((first + i) * rows + row) * self.features;
                        let row = &mut results[start..][..self.features];
                        write_row::<T, A>(totals[part][p][i], row, block);
                    }
                }
            }
        }
    }
}

/// Reads a row of both parities of `num` items from `first` on.
#[inline(always)]
fn load_row<T: Real, A: Arithmetic<Block<T> = Lanes<T>>, const P: usize, const NI: usize>(
    values: &[T],
    (rows, row): (usize, usize),
    features: usize,
    (first, num): (usize, usize),
    block: usize,
    to: &mut [Lanes<T>],
) {
    for p in 0..P {
        for i in 0..NI {
            let to = &mut to[p * NI + i];
            if i >= num {
                *to = Lanes::zero();
                continue;
            }
            let start = ((first + i) * rows + p * (rows / P) + row) * features;
            let row = &values[start..][..features];
            read_row::<T, A>(row, block, to);
        }
    }
}
