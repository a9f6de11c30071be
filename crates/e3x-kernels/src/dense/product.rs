//! Products of some rows with a matrix.
//!
//! Some rows times some columns of the result are sums in registers; the matrix is packed, so that its numbers
//! are read one after the other and, for the depths that occur, from the nearest cache.

use std::mem::MaybeUninit;

use crate::Real;
use crate::arithmetic::{Arithmetic, with_arithmetic};
use crate::lanes::{self, LANES, Lanes, vectorized};

/// Most terms of a sum at a time: `DEPTH` rows of 32 numbers are 16 KB.
pub(super) const DEPTH: usize = 128;

/// Columns at once, in blocks of lanes, if there are as many and registers hold enough.
const WIDE: usize = 2;

/// A matrix, read some columns at a time, row by row.
#[derive(Debug, Clone)]
pub struct Matrix<'a, T> {
    rows: usize,
    columns: usize,
    /// Blocks of lanes at once.
    width: usize,
    numbers: Numbers<'a, T>,
}

/// The numbers of a matrix.
#[derive(Debug, Clone)]
enum Numbers<'a, T> {
    /// In the order in which they are read: `(columns at once, row, block of lanes)`.
    Packed(Vec<Lanes<T>>),
    /// Where they are: rows that start at some places, of so many columns that some at once are always complete.
    InPlace(&'a [T], &'a [usize]),
}

impl<'a, T: Real> Matrix<'a, T> {
    /// Blocks of lanes at once.
    fn width(columns: usize) -> usize {
        let holds_many = with_arithmetic!(A => A::held::<T>()) >= 16;
        if columns > LANES && holds_many {
            WIDE
        } else {
            1
        }
    }

    /// The matrix whose rows, of `columns` numbers, start at `starts`.
    pub(super) fn of_rows(values: &'a [T], starts: &'a [usize], columns: usize) -> Self {
        let (rows, width) = (starts.len(), Self::width(columns));
        if columns.is_multiple_of(width * LANES) {
            return Self {
                rows,
                columns,
                width,
                numbers: Numbers::InPlace(values, starts),
            };
        }
        Self::pack(rows, columns, |block, width, packed| {
            for (row, &start) in starts.iter().enumerate() {
                let values = &values[start..start + columns];
                lanes::load_to(values, block, &mut packed[row * width]);
            }
        })
    }

    /// The matrix whose rows, of `columns` numbers, follow each other in `values`, packed in any case.
    pub(super) fn packed(values: &[T], columns: usize) -> Self {
        Self::pack(values.len() / columns, columns, |block, width, packed| {
            for (row, values) in values.chunks_exact(columns).enumerate() {
                lanes::load_to(values, block, &mut packed[row * width]);
            }
        })
    }

    /// The matrix whose columns are the rows, of `rows` numbers, that follow each other in `values`.
    pub(super) fn of_columns(values: &[T], rows: usize) -> Self {
        Self::pack(rows, values.len() / rows, |block, width, packed| {
            let values = &values[block * LANES * rows..];
            let values = &values[..values.len().min(LANES * rows)];
            // Some rows at a time stay in the nearest cache.
            for first in (0..rows).step_by(LANES) {
                transpose(values, rows, first, width, packed);
            }
        })
    }

    /// A matrix of which `pack(block, width, packed)` writes a block of lanes of all rows, which are `width` apart.
    fn pack(rows: usize, columns: usize, pack: impl Fn(usize, usize, &mut [Lanes<T>])) -> Self {
        let width = Self::width(columns);
        let blocks = columns.div_ceil(LANES);
        let mut packed = vec![Lanes::zero(); blocks.next_multiple_of(width) * rows];
        for block in 0..blocks {
            let start = block / width * rows * width + block % width;
            pack(block, width, &mut packed[start..]);
        }
        Self {
            rows,
            columns,
            width,
            numbers: Numbers::Packed(packed),
        }
    }
}

/// `packed[row * width][column] = columns[column][row]` for `LANES` rows from the first on, or as many as there
/// are; `columns` are at most `LANES` rows of `rows` numbers.
fn transpose<T: Real>(
    columns: &[T],
    rows: usize,
    first: usize,
    width: usize,
    packed: &mut [Lanes<T>],
) {
    let numbers = |column: usize| &columns[column * rows + first..(column + 1) * rows];
    if columns.len() == LANES * rows && first + LANES <= rows {
        vectorized(
            #[inline(always)]
            || {
                let mut tile = [[T::ZERO; LANES]; LANES];
                for column in 0..LANES {
                    tile[column].copy_from_slice(&numbers(column)[..LANES]);
                }
                for row in 0..LANES {
                    let lanes = &mut packed[(first + row) * width];
                    for column in 0..LANES {
                        lanes[column] = tile[column][row];
                    }
                }
            },
        );
        return;
    }
    for column in 0..columns.len() / rows {
        for (row, &number) in numbers(column).iter().take(LANES).enumerate() {
            packed[(first + row) * width][column] = number;
        }
    }
}

/// Writes `out[row, c] = sum over k of left[row + steps[k]] matrix[k, c]` for all columns c of some rows, which are
/// where they start in `left` and in `out`; or adds these sums to the numbers that are there, if it `adds`. There are
/// steps, as many as rows of the matrix.
///
/// # Safety
/// If it `adds`, there are numbers.
pub(crate) unsafe fn multiply<T: Real>(
    matrix: &Matrix<'_, T>,
    rows: &[[usize; 2]],
    (left, steps): (&[T], &[usize]),
    adds: bool,
    out: &mut [MaybeUninit<T>],
) {
    assert!(!steps.is_empty() && steps.len() == matrix.rows);
    if !rows.is_empty() {
        let ([row, result], step) = vectorized(
            #[inline(always)]
            || {
                let later = |[a, b]: [usize; 2], &[x, y]: &[usize; 2]| [a.max(x), b.max(y)];
                let step = steps.iter().fold(0, |last, &step| step.max(last));
                (rows.iter().fold([0; 2], later), step)
            },
        );
        assert!(row + step < left.len() && result + matrix.columns <= out.len());
        let product = Product {
            matrix,
            rows,
            left,
            steps,
            adds,
        };
        with_arithmetic!(A => product.run::<A>(out));
    }
}

/// Some terms of the sums of some columns.
struct Terms<'a, T, const WIDTH: usize> {
    /// Whether they are added to what is there.
    adds: bool,
    /// The columns: `WIDTH` blocks of lanes from `WIDTH * block` on.
    block: usize,
    steps: &'a [usize],
    columns: Columns<'a, T, WIDTH>,
}

/// Some rows of some columns of a matrix.
#[derive(Clone, Copy)]
enum Columns<'a, T, const WIDTH: usize> {
    Packed(&'a [[Lanes<T>; WIDTH]]),
    /// The numbers from the first of these columns on, and where rows start.
    InPlace(&'a [T], &'a [usize]),
}

/// Rows and steps that were checked to lie inside `left`.
struct Product<'a, T> {
    matrix: &'a Matrix<'a, T>,
    rows: &'a [[usize; 2]],
    left: &'a [T],
    steps: &'a [usize],
    adds: bool,
}

impl<T: Real> Product<'_, T> {
    /// Rows at once: as many as registers hold beside what they are made of.
    fn run<A: Arithmetic<Block<T> = Lanes<T>>>(&self, out: &mut [MaybeUninit<T>]) {
        match (A::held::<T>(), self.matrix.width) {
            (32.., WIDE) => self.columns::<A, WIDE, 8, 4>(out),
            (16.., WIDE) => self.columns::<A, WIDE, 6, 2>(out),
            (16.., _) => self.columns::<A, 1, 12, 4>(out),
            (8.., _) => self.columns::<A, 1, 6, 3>(out),
            _ => self.columns::<A, 1, 3, 1>(out),
        }
    }

    /// All columns, `WIDTH` blocks of lanes at a time.
    fn columns<A, const WIDTH: usize, const MANY: usize, const FEW: usize>(
        &self,
        out: &mut [MaybeUninit<T>],
    ) where
        A: Arithmetic<Block<T> = Lanes<T>>,
    {
        let blocks = self.matrix.columns.div_ceil(WIDTH * LANES);
        A::vectorized(
            #[inline(always)]
            || {
                for block in 0..blocks {
                    for first in (0..self.steps.len()).step_by(DEPTH) {
                        let num = DEPTH.min(self.steps.len() - first);
                        let columns = match &self.matrix.numbers {
                            Numbers::Packed(packed) => {
                                let packed = packed.as_chunks::<WIDTH>().0;
                                let start = block * self.matrix.rows + first;
                                Columns::Packed(&packed[start..start + num])
                            }
                            Numbers::InPlace(values, starts) => {
                                let values = &values[block * WIDTH * LANES..];
                                Columns::InPlace(values, &starts[first..first + num])
                            }
                        };
                        let terms = Terms {
                            adds: self.adds || first > 0,
                            block,
                            steps: &self.steps[first..first + num],
                            columns,
                        };
                        let mut rest = self.rows;
                        while rest.len() > FEW {
                            let (rows, others) = rest.split_at(rest.len().min(MANY));
                            self.tile::<A, WIDTH, MANY>(&terms, rows, out);
                            rest = others;
                        }
                        if !rest.is_empty() {
                            self.tile::<A, WIDTH, FEW>(&terms, rest, out);
                        }
                    }
                }
            },
        );
    }

    /// Some rows, `ROWS` at most and one at least, of some columns.
    #[inline(always)]
    fn tile<A: Arithmetic<Block<T> = Lanes<T>>, const WIDTH: usize, const ROWS: usize>(
        &self,
        terms: &Terms<'_, T, WIDTH>,
        rows: &[[usize; 2]],
        out: &mut [MaybeUninit<T>],
    ) {
        // Missing rows are computed like the last one, and dropped.
        let mut left = [self.left.as_ptr(); ROWS];
        for r in 0..ROWS {
            // SAFETY: `multiply` has checked that all rows start inside of `left`.
            left[r] = unsafe { left[r].add(rows[r.min(rows.len() - 1)][0]) };
        }
        let mut sums = [[A::zero::<T>(); WIDTH]; ROWS];
        let mut columns = [A::zero::<T>(); WIDTH];
        macro_rules! add {
            ($step:expr) => {
                for r in 0..ROWS {
                    // SAFETY: `multiply` has checked that the largest step from the last row is inside, too.
                    let factor = unsafe { *left[r].add($step) };
                    for c in 0..WIDTH {
                        A::add_scaled_sum(&mut sums[r][c], factor, columns[c]);
                    }
                }
            };
        }
        match terms.columns {
            Columns::Packed(packed) => {
                for (&step, row) in terms.steps.iter().zip(packed) {
                    for c in 0..WIDTH {
                        columns[c] = A::load(&row[c]);
                    }
                    add!(step);
                }
            }
            Columns::InPlace(values, starts) => {
                for (&step, &start) in terms.steps.iter().zip(starts) {
                    let row = &values[start..start + WIDTH * LANES];
                    for c in 0..WIDTH {
                        columns[c] = A::load_row(&row[c * LANES..]);
                    }
                    add!(step);
                }
            }
        }
        for r in 0..ROWS {
            let Some(&[_, start]) = rows.get(r) else {
                break;
            };
            let row = &mut out[start..start + self.matrix.columns];
            for c in 0..WIDTH {
                let at = terms.block * WIDTH + c;
                let Some(numbers) = row.get(at * LANES..) else {
                    break;
                };
                let mut block = Lanes::zero();
                if terms.adds {
                    for (lane, number) in block.iter_mut().zip(numbers) {
                        // SAFETY: the first part of the sum was written to all numbers of the rows, unless the
                        // caller vouches for them.
                        *lane = unsafe { number.assume_init() };
                    }
                    A::add_scaled_sum(&mut sums[r][c], T::ONE, A::load(&block));
                }
                A::store(sums[r][c], &mut block);
                lanes::write(row, at, &block);
            }
        }
    }
}
