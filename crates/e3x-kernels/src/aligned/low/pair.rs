//! What an irrep of degree L gets from one of degree OTHER, and what filter and weights get from both.

use super::{FILTERS, Pair};
use crate::Real;
use crate::arithmetic::Arithmetic;
use crate::place::{at_mut, from};

/// What all pairs of one block have in common.
pub(super) struct Shared<'a, T: Real, A: Arithmetic> {
    /// Weights times coefficients, in the order of these.
    pub table: &'a [A::Block<T>],
    pub coefficients: &'a [T],
    /// The filter by degree.
    pub filter: [A::Sum<T>; FILTERS],
}

/// Constants of a pair: `ODD` if m couples to -m.
pub(super) struct Degrees<const L: usize, const OTHER: usize, const ODD: bool>;

impl<const L: usize, const OTHER: usize, const ODD: bool> Degrees<L, OTHER, ODD> {
    /// Highest and lowest |m|, and number of them.
    const REACH: usize = if L < OTHER { L } else { OTHER };
    const FIRST: usize = ODD as usize;
    const ORDERS: usize = Self::REACH + 1 - Self::FIRST;
    /// Lowest degree of the filter; the others are larger by 2 each.
    const LOWEST: usize = L.abs_diff(OTHER) + Self::FIRST;
    /// Most degrees of the filter.
    const PATHS: usize = if Self::LOWEST + 2 < FILTERS { 2 } else { 1 };
}

impl<const L: usize, const OTHER: usize, const ODD: bool> Degrees<L, OTHER, ODD> {
    /// The entries of an irrep that take part.
    #[inline(always)]
    fn entries<B>(rows: &[B], center: u32) -> &[B] {
        from(rows, center - Self::REACH as u32, 2 * Self::REACH + 1)
    }

    /// The gains of a pair, one for each |m|.
    #[inline(always)]
    fn gains<T: Real, A: Arithmetic>(
        shared: &Shared<'_, T, A>,
        pair: &Pair,
    ) -> [A::Sum<T>; FILTERS] {
        let num = Self::ORDERS;
        let mut gains = [A::zero(); FILTERS];
        let table = from(shared.table, pair.coefficients, num);
        for i in 0..num {
            gains[i] = A::multiply(A::load(&table[i]), shared.filter[Self::LOWEST]);
        }
        if Self::PATHS > 1 && pair.num > 1 {
            let table = from(shared.table, pair.coefficients + num as u32, num);
            for i in 0..num {
                A::add_multiple(&mut gains[i], &table[i], shared.filter[Self::LOWEST + 2]);
            }
        }
        gains
    }

    /// Adds what the irrep gets from the other one. `BACK`: from the output to the input.
    #[inline(always)]
    pub fn add<T: Real, A: Arithmetic, const ROWS: usize, const BACK: bool>(
        shared: &Shared<'_, T, A>,
        pair: &Pair,
        others: &[A::Block<T>],
        sums: &mut [A::Sum<T>; ROWS],
    ) {
        let gains = Self::gains(shared, pair);
        let other = Self::entries(others, pair.other);
        for i in 0..Self::ORDERS {
            let m = Self::FIRST + i;
            let [plus, minus] = [&other[Self::REACH + m], &other[Self::REACH - m]];
            match (ODD, BACK) {
                (false, _) => {
                    A::add_multiple(&mut sums[L + m], plus, gains[i]);
                    if m > 0 {
                        A::add_multiple(&mut sums[L - m], minus, gains[i]);
                    }
                }
                (true, false) => {
                    A::add_multiple(&mut sums[L + m], minus, gains[i]);
                    A::subtract_multiple(&mut sums[L - m], plus, gains[i]);
                }
                (true, true) => {
                    A::subtract_multiple(&mut sums[L + m], minus, gains[i]);
                    A::add_multiple(&mut sums[L - m], plus, gains[i]);
                }
            }
        }
    }

    /// The products of both ends, of the input (L) and of the output, one for each |m|. Both with the place of m = 0.
    #[inline(always)]
    pub fn products<T: Real, A: Arithmetic>(
        (own, center): (&[A::Block<T>], u32),
        (others, other_center): (&[A::Block<T>], u32),
    ) -> [A::Sum<T>; FILTERS] {
        let own = Self::entries(own, center);
        let other = Self::entries(others, other_center);
        let mut products = [A::zero(); FILTERS];
        for i in 0..Self::ORDERS {
            let m = Self::FIRST + i;
            let [x, other_x] = [&own[Self::REACH + m], &own[Self::REACH - m]];
            let [z, other_z] = [&other[Self::REACH + m], &other[Self::REACH - m]];
            products[i] = if ODD {
                let mut product = A::multiply(A::load(other_x), A::load(z));
                A::subtract_product(&mut product, x, other_z);
                product
            } else {
                let mut product = A::multiply(A::load(x), A::load(z));
                if m > 0 {
                    A::add_product(&mut product, other_x, other_z);
                }
                product
            };
        }
        products
    }

    /// Adds what the filter gets from the products of both ends.
    #[inline(always)]
    pub fn share_filter<T: Real, A: Arithmetic>(
        shared: &Shared<'_, T, A>,
        pair: &Pair,
        products: &[A::Sum<T>; FILTERS],
        radial: &mut [A::Sum<T>; FILTERS],
    ) {
        let num = Self::ORDERS;
        let table = from(shared.table, pair.coefficients, num);
        for i in 0..num {
            A::add_multiple(&mut radial[Self::LOWEST], &table[i], products[i]);
        }
        if Self::PATHS > 1 && pair.num > 1 {
            let table = from(shared.table, pair.coefficients + num as u32, num);
            for i in 0..num {
                A::add_multiple(&mut radial[Self::LOWEST + 2], &table[i], products[i]);
            }
        }
    }

    /// Adds what the weights get.
    #[inline(always)]
    pub fn share_weights<T: Real, A: Arithmetic>(
        shared: &Shared<'_, T, A>,
        pair: &Pair,
        products: &[A::Sum<T>; FILTERS],
        weights: &mut [A::Block<T>],
    ) {
        let num = Self::ORDERS;
        for path in 0..Self::PATHS {
            if path > 0 && pair.num == 1 {
                continue;
            }
            let c = from(
                shared.coefficients,
                pair.coefficients + (path * num) as u32,
                num,
            );
            let mut sum = A::zero();
            for i in 0..num {
                A::add_scaled_sum(&mut sum, c[i], products[i]);
            }
            let weight = at_mut(weights, pair.path + path as u32);
            let mut total = A::load(weight);
            A::add_multiple_sum(&mut total, shared.filter[Self::LOWEST + 2 * path], sum);
            A::store(total, weight);
        }
    }
}
