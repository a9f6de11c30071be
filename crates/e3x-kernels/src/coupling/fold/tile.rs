//! Rows of the factors of some items, one block of lanes of each, and where their target goes.

use std::mem::MaybeUninit;

use super::program::{Fold, Out, Row};
use super::sum::Totals;
use crate::Real;
use crate::arithmetic::Arithmetic;
use crate::coupling::Operands;
use crate::items::{read_row, write_row};
use crate::lanes::Lanes;
use crate::prefetch::Ahead;

/// Factors of some tiles of `NI` items.
pub(super) struct Group<'a, T, const P: usize, const NI: usize> {
    program: &'a Fold,
    /// Rows of the factors and of the target.
    rows: [usize; 3],
    features: usize,
    /// All items.
    values: [&'a [T]; 2],
    /// Rows of both factors of each tile, `(row, parity, item)`, in the order of the program.
    lanes: Vec<Lanes<T>>,
    /// Blocks of the first factor and of both in a tile.
    sizes: [usize; 2],
}

impl<'a, T: Real, const P: usize, const NI: usize> Group<'a, T, P, NI> {
    pub fn new(
        program: &'a Fold,
        rows: [usize; 3],
        operands: &Operands<'a, T>,
        features: usize,
        tiles: usize,
    ) -> Self {
        let values = program
            .roles
            .factors
            .map(|slot| operands.of(0, slot as usize));
        let [first, second] = [&program.first, &program.second].map(|rows| rows.len() * P * NI);
        Self {
            program,
            rows,
            features,
            values: values.map(Option::unwrap_or_default),
            lanes: vec![Lanes::zero(); (first + second) * tiles],
            sizes: [first, first + second],
        }
    }

    /// How many there are.
    pub fn tiles(&self) -> usize {
        self.lanes.len() / self.sizes[1].max(1)
    }

    /// Rows of both factors of a tile.
    #[inline(always)]
    pub fn factors(&self, tile: usize) -> [&[Lanes<T>]; 2] {
        let [first, size] = self.sizes;
        self.lanes[tile * size..][..size].split_at(first).into()
    }

    /// Reads `num` items from `first` on; missing items of a tile are zero.
    #[inline(always)]
    pub fn load<A: Arithmetic<Block<T> = Lanes<T>>>(
        &mut self,
        (first, num): (usize, usize),
        block: usize,
    ) {
        let [_, size] = self.sizes;
        let (program, features) = (self.program, self.features);
        let tiles = self.lanes.chunks_exact_mut(size).enumerate();
        for (tile, lanes) in tiles.take(num.div_ceil(NI)) {
            let items = (first + tile * NI, num - tile * NI);
            let mut lanes = lanes.chunks_exact_mut(P * NI);
            let factors = [(0, &program.first), (1, &program.second)];
            for (factor, rows) in factors {
                let (values, size) = (self.values[factor], self.rows[factor]);
                for (row, to) in rows.iter().zip(&mut lanes) {
                    load_row::<T, A, P, NI>(values, (size, row), features, items, block, to);
                }
            }
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
                let row = out.rows[part] as usize + p * (rows / P);
                for i in 0..NI {
                    if i < num {
                        let start = ((first + i) * rows + row) * self.features;
                        let row = &mut results[start..][..self.features];
                        let total = totals[part][p][i];
                        if P > 1 && part == 1 && out.turned {
                            write_row::<T, A>(A::subtract(A::zero::<T>(), total), row, block);
                        } else {
                            write_row::<T, A>(total, row, block);
                        }
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
    (rows, row): (usize, &Row),
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
            let start = ((first + i) * rows + p * (rows / P) + row.from as usize) * features;
            let number = read_row::<T, A>(&values[start..][..features], block, to);
            if P > 1 && row.negative {
                A::store::<T>(A::subtract(A::zero::<T>(), number), to);
            }
        }
    }
}
