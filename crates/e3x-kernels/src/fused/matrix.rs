//! From irreps to matrices and back, for one block of lanes of `NI` items.
//!
//! Functions work on `N` matrices of an argument together, as these have the same coefficients: of all degrees if the
//! argument has both parities, otherwise of even degrees (even irreps) or of odd ones. Rows of irreps are
//! `(parity, row, item)`, matrices `(matrix, place, item)`, weights and their derivatives `(matrix, degree)`.

use super::plan::{Pair, Side};
use crate::Real;
use crate::arithmetic::Arithmetic;
use crate::lanes::Lanes;
use crate::place::{at, from, nth, nth_mut};
use crate::prefetch::Ahead;

/// The place of a number and its coefficient.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rounded<T> {
    pub place: u32,
    pub coefficient: T,
}

/// What takes the irreps of an argument to its matrices, and back.
pub(super) struct Conversion<'a, T> {
    pub side: &'a Side,
    pub num_matrices: usize,
    /// Entries of a matrix.
    pub size: usize,
    pub to_matrix: Vec<Rounded<T>>,
    pub from_matrix: Vec<Rounded<T>>,
}

/// Weights and irreps whose products are added.
pub(super) type Weighted<'a, T> = (&'a [Lanes<T>], &'a [Lanes<T>]);

/// What the derivative with respect to a matrix is multiplied with: weights, for the derivative with respect to irreps,
/// and irreps, for that with respect to weights. Empty if not wanted.
pub(super) struct Times<'a, T> {
    pub weights: &'a [Lanes<T>],
    pub irreps: &'a [Lanes<T>],
    /// Whether the derivative of the irreps is added to what is there.
    pub adds: bool,
}

/// Calls a function for the matrices of all degrees, or for those of even and those of odd degrees.
macro_rules! for_matrices {
    ($conversion:expr, $function:ident($($argument:expr),*)) => {
        match ($conversion.side.parities, $conversion.num_matrices) {
            (2, 2) => $function::<T, A, NI, 2, true, true>($conversion, 0, $($argument),*),
            (2, _) => $function::<T, A, NI, 4, true, true>($conversion, 0, $($argument),*),
            (_, 2) => {
                $function::<T, A, NI, 1, true, false>($conversion, 0, $($argument),*);
                $function::<T, A, NI, 1, false, true>($conversion, 1, $($argument),*);
            }
            _ => {
                $function::<T, A, NI, 2, true, false>($conversion, 0, $($argument),*);
                $function::<T, A, NI, 2, false, true>($conversion, 2, $($argument),*);
            }
        }
    };
}

/// The parity of a matrix among `N`.
#[inline(always)]
fn parity<const N: usize, const EVEN: bool, const ODD: bool>(n: usize) -> usize {
    if EVEN && ODD { n / (N / 2) } else { 0 }
}

impl<T: Real> Conversion<'_, T> {
    /// Writes the matrices of sums of products of weights and irreps.
    #[inline(always)]
    pub fn write<A: Arithmetic<Block<T> = Lanes<T>>, const NI: usize>(
        &self,
        ahead: &mut Ahead,
        sums: &[Weighted<'_, T>],
        weighted: &mut [Lanes<T>],
        matrices: &mut [Lanes<T>],
    ) {
        for_matrices!(self, write_matrices(ahead, sums, weighted, matrices));
    }

    /// Writes, or adds to, the derivative with respect to irreps, and adds to that with respect to weights, from those with
    /// respect to matrices, which are overwritten.
    #[inline(always)]
    pub fn read<A: Arithmetic<Block<T> = Lanes<T>>, const NI: usize>(
        &self,
        ahead: &mut Ahead,
        matrices: &mut [Lanes<T>],
        times: &Times<'_, T>,
        target: &mut [Lanes<T>],
        totals: &mut [Lanes<T>],
    ) {
        for_matrices!(self, read_matrices(ahead, matrices, times, target, totals));
    }
}

/// Not inlined: all cases in one function take minutes to compile.
#[inline(never)]
fn write_matrices<
    T: Real,
    A: Arithmetic<Block<T> = Lanes<T>>,
    const NI: usize,
    const N: usize,
    const EVEN: bool,
    const ODD: bool,
>(
    conversion: &Conversion<'_, T>,
    first: usize,
    ahead: &mut Ahead,
    sums: &[Weighted<'_, T>],
    weighted: &mut [Lanes<T>],
    matrices: &mut [Lanes<T>],
) {
    A::vectorized(
        #[inline(always)]
        || {
            weigh::<T, A, NI, N, EVEN, ODD>(conversion, first, sums, weighted);
            let rows = weighted.as_chunks::<NI>().0.as_chunks::<N>().0;
            let size = conversion.size * NI;
            let matrices = &mut matrices[first * size..][..N * size];
            let mut start = 0;
            for Pair { places, terms } in &conversion.side.pairs {
                ahead.step();
                let [mut even, mut odd] = [[[A::zero::<T>(); NI]; N]; 2];
                let [of_even, of_odd] = terms.map(|num| {
                    start += num;
                    from(&conversion.to_matrix, start - num, num as usize)
                });
                if EVEN {
                    add_terms::<T, A, NI, N>(&mut even, of_even, rows);
                }
                if ODD {
                    add_terms::<T, A, NI, N>(&mut odd, of_odd, rows);
                }
                for n in 0..N {
                    for i in 0..NI {
                        let place = n * size + i;
                        let [even, odd] = [even[n][i], odd[n][i]];
                        let [upper, lower] = match (EVEN, ODD) {
                            (true, true) => [A::add(even, odd), A::subtract(even, odd)],
                            (true, _) => [even; 2],
                            _ => [odd, A::subtract(A::zero(), odd)],
                        };
                        A::store(lower, nth_mut(matrices, place + places[1] as usize * NI));
                        A::store(upper, nth_mut(matrices, place + places[0] as usize * NI));
                    }
                }
            }
        },
    );
}

/// Adds numbers of `N` matrices times coefficients.
#[inline(always)]
fn add_terms<T: Real, A: Arithmetic<Block<T> = Lanes<T>>, const NI: usize, const N: usize>(
    sums: &mut [[A::Sum<T>; NI]; N],
    terms: &[Rounded<T>],
    rows: &[[[Lanes<T>; NI]; N]],
) {
    for term in terms {
        let row = at(rows, term.place);
        for n in 0..N {
            for i in 0..NI {
                A::add_scaled_sum(&mut sums[n][i], term.coefficient, A::load(&row[n][i]));
            }
        }
    }
}

/// Writes sums of products of weights and irreps, `(row, matrix, item)`.
#[inline(always)]
fn weigh<
    T: Real,
    A: Arithmetic<Block<T> = Lanes<T>>,
    const NI: usize,
    const N: usize,
    const EVEN: bool,
    const ODD: bool,
>(
    conversion: &Conversion<'_, T>,
    first: usize,
    sums: &[Weighted<'_, T>],
    weighted: &mut [Lanes<T>],
) {
    let side = conversion.side;
    for l in 0..side.degrees {
        if !(if l % 2 == 0 { EVEN } else { ODD }) {
            continue;
        }
        for (index, (weights, irreps)) in sums.iter().enumerate() {
            let mut of_degree = [A::zero::<T>(); N];
            for n in 0..N {
                of_degree[n] = A::load(&weights[(first + n) * side.degrees + l]);
            }
            for row in l * l..(l + 1) * (l + 1) {
                for n in 0..N {
                    let from = (parity::<N, EVEN, ODD>(n) * side.rows() + row) * NI;
                    for i in 0..NI {
                        let to = &mut weighted[(row * N + n) * NI + i];
                        let mut sum = if index > 0 { A::load(to) } else { A::zero() };
                        A::add_multiple(&mut sum, &irreps[from + i], of_degree[n]);
                        A::store(sum, to);
                    }
                }
            }
        }
    }
}

/// Not inlined: all cases in one function take minutes to compile.
#[inline(never)]
fn read_matrices<
    T: Real,
    A: Arithmetic<Block<T> = Lanes<T>>,
    const NI: usize,
    const N: usize,
    const EVEN: bool,
    const ODD: bool,
>(
    conversion: &Conversion<'_, T>,
    first: usize,
    ahead: &mut Ahead,
    matrices: &mut [Lanes<T>],
    times: &Times<'_, T>,
    target: &mut [Lanes<T>],
    totals: &mut [Lanes<T>],
) {
    A::vectorized(
        #[inline(always)]
        || {
            let side = conversion.side;
            let size = conversion.size * NI;
            let matrices = &mut matrices[first * size..][..N * size];
            split::<T, A, NI, N, EVEN, ODD>(conversion, matrices);
            let (mut row, mut start) = (0, 0);
            for l in 0..side.degrees {
                let skipped = !(if l % 2 == 0 { EVEN } else { ODD });
                let weight = |n: usize| (first + n) * side.degrees + l;
                let mut weights = [A::zero::<T>(); N];
                if !times.weights.is_empty() {
                    for n in 0..N {
                        weights[n] = A::load(&times.weights[weight(n)]);
                    }
                }
                let mut sums = [A::zero::<T>(); N];
                for _ in 0..=2 * l {
                    ahead.step();
                    let num = side.entries[row];
                    if !skipped {
                        let terms = from(&conversion.from_matrix, start, num as usize);
                        let entry = entry::<T, A, NI, N>(terms, size, matrices);
                        if !times.weights.is_empty() {
                            let place = (row, times.adds);
                            add_entry::<T, A, NI, N, EVEN, ODD>(
                                conversion, place, &entry, &weights, target,
                            );
                        }
                        if !times.irreps.is_empty() {
                            for n in 0..N {
                                let place = (parity::<N, EVEN, ODD>(n) * side.rows() + row) * NI;
                                for i in 0..NI {
                                    A::add_multiple(
                                        &mut sums[n],
                                        &times.irreps[place + i],
                                        entry[n][i],
                                    );
                                }
                            }
                        }
                    }
                    row += 1;
                    start += num;
                }
                if !times.irreps.is_empty() && !skipped {
                    for n in 0..N {
                        let total = &mut totals[weight(n)];
                        A::store(A::add(A::load(total), sums[n]), total);
                    }
                }
            }
        },
    );
}

/// Writes sums of the entries (i, j) and (j, i), and differences, if degrees need them.
#[inline(always)]
fn split<
    T: Real,
    A: Arithmetic<Block<T> = Lanes<T>>,
    const NI: usize,
    const N: usize,
    const EVEN: bool,
    const ODD: bool,
>(
    conversion: &Conversion<'_, T>,
    matrices: &mut [Lanes<T>],
) {
    for Pair { places, .. } in &conversion.side.pairs {
        if places[0] == places[1] {
            continue;
        }
        for n in 0..N {
            for i in 0..NI {
                let places = places.map(|place| (n * conversion.size + place as usize) * NI + i);
                let [upper, lower] = places.map(|place| A::load::<T>(nth(matrices, place)));
                if EVEN {
                    A::store(A::add(upper, lower), nth_mut(matrices, places[0]));
                }
                if ODD {
                    A::store(A::subtract(upper, lower), nth_mut(matrices, places[1]));
                }
            }
        }
    }
}

/// An entry of a degree of `N` matrices.
#[inline(always)]
fn entry<T: Real, A: Arithmetic<Block<T> = Lanes<T>>, const NI: usize, const N: usize>(
    terms: &[Rounded<T>],
    size: usize,
    matrices: &[Lanes<T>],
) -> [[A::Sum<T>; NI]; N] {
    let mut sums = [[A::zero::<T>(); NI]; N];
    for term in terms {
        for n in 0..N {
            for i in 0..NI {
                let place = term.place as usize * NI + n * size + i;
                let number = A::load(nth(matrices, place));
                A::add_scaled_sum(&mut sums[n][i], term.coefficient, number);
            }
        }
    }
    sums
}

/// Writes or adds an entry of a degree, times weights, to the rows of its parities.
#[inline(always)]
fn add_entry<
    T: Real,
    A: Arithmetic<Block<T> = Lanes<T>>,
    const NI: usize,
    const N: usize,
    const EVEN: bool,
    const ODD: bool,
>(
    conversion: &Conversion<'_, T>,
    (row, adds): (usize, bool),
    entry: &[[A::Sum<T>; NI]; N],
    weights: &[A::Sum<T>; N],
    target: &mut [Lanes<T>],
) {
    let parities = if EVEN && ODD { 2 } else { 1 };
    for p in 0..parities {
        for i in 0..NI {
            let to = &mut target[(p * conversion.side.rows() + row) * NI + i];
            let mut sum = if adds { A::load(to) } else { A::zero() };
            for n in 0..N / parities {
                let n = p * (N / parities) + n;
                A::add_multiple_sum(&mut sum, entry[n][i], weights[n]);
            }
            A::store(sum, to);
        }
    }
}
