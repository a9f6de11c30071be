//! Blocks of features that fit vector registers.
//!
//! Kernels work on arrays of `LANES` numbers: fixed sizes turn into straight vector code, and a last block with
//! fewer features is padded with zeros, so that odd numbers of features need no second code path.

use std::mem::MaybeUninit;
use std::ops::{Deref, DerefMut};

use e3x_so3::arch;
use pulp::NullaryFnOnce;

use crate::Real;

/// Features per block.
pub(crate) const LANES: usize = 16;

/// One row of features of a block.
///
/// Aligned to lines of the cache: a wide register is read from two of them otherwise, at half the
/// speed.
#[derive(Debug, Clone, Copy, PartialEq)]
#[repr(C, align(64))]
pub(crate) struct Lanes<T>(pub [T; LANES]);

impl<T: Real> Lanes<T> {
    /// All zero.
    #[inline(always)]
    pub fn zero() -> Self {
        Self([T::ZERO; LANES])
    }

    /// All one.
    #[inline(always)]
    pub fn one() -> Self {
        Self([T::ONE; LANES])
    }
}

impl<T> Deref for Lanes<T> {
    type Target = [T; LANES];

    #[inline(always)]
    fn deref(&self) -> &[T; LANES] {
        &self.0
    }
}

impl<T> DerefMut for Lanes<T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [T; LANES] {
        &mut self.0
    }
}

/// Some features of a row that are computed together: [`Lanes`], or several of them.
///
/// # Safety
/// It consists of `LANES` numbers and nothing else.
pub(crate) unsafe trait Block<T>: Copy + Send + Sync {
    /// Features per block.
    const LANES: usize;
    /// All zero.
    const ZERO: Self;

    /// Reads the first features of a slice; missing lanes are zero.
    fn read(&mut self, row: &[T]);

    /// Writes to the first numbers of a slice.
    fn write(&self, row: &mut [T]);

    /// The numbers, lane by lane.
    fn numbers(&self) -> impl Iterator<Item = T>;

    /// Their sum, in a fixed tree.
    fn sum(&self) -> T;

    /// The numbers of some blocks, one after the other.
    #[inline(always)]
    fn flat(blocks: &[Self]) -> &[T] {
        // SAFETY: a block is `LANES` numbers and nothing else.
        unsafe { std::slice::from_raw_parts(blocks.as_ptr().cast(), blocks.len() * Self::LANES) }
    }

    /// As [`Block::flat`].
    #[inline(always)]
    fn flat_mut(blocks: &mut [Self]) -> &mut [T] {
        let len = blocks.len() * Self::LANES;
        // SAFETY: as above.
        unsafe { std::slice::from_raw_parts_mut(blocks.as_mut_ptr().cast(), len) }
    }
}

// SAFETY: 16 numbers of 4 or 8 bytes leave no space to the next multiple of 64 bytes.
unsafe impl<T: Real> Block<T> for Lanes<T> {
    const LANES: usize = LANES;
    const ZERO: Self = Self([T::ZERO; LANES]);

    #[inline(always)]
    fn read(&mut self, row: &[T]) {
        // A full block has a size that is known when compiling: one or two vector loads.
        if let Some(full) = row.first_chunk::<LANES>() {
            self.copy_from_slice(full);
        } else {
            self.fill(T::ZERO);
            for (lane, &value) in self.iter_mut().zip(row) {
                *lane = value;
            }
        }
    }

    #[inline(always)]
    fn write(&self, row: &mut [T]) {
        if let Some(full) = row.first_chunk_mut::<LANES>() {
            *full = self.0;
            return;
        }
        for (value, &lane) in row.iter_mut().zip(self.iter()) {
            *value = lane;
        }
    }

    #[inline(always)]
    fn numbers(&self) -> impl Iterator<Item = T> {
        self.iter().copied()
    }

    #[inline(always)]
    fn sum(&self) -> T {
        sum(self)
    }
}

// SAFETY: an array has the layout of its elements.
unsafe impl<T: Real, B: Block<T>> Block<T> for [B; 2] {
    const LANES: usize = 2 * B::LANES;
    const ZERO: Self = [B::ZERO; 2];

    #[inline(always)]
    fn read(&mut self, row: &[T]) {
        let [first, second] = self;
        let (row, rest) = row.split_at(row.len().min(B::LANES));
        first.read(row);
        second.read(rest);
    }

    #[inline(always)]
    fn write(&self, row: &mut [T]) {
        let [first, second] = self;
        let (row, rest) = row.split_at_mut(row.len().min(B::LANES));
        first.write(row);
        second.write(rest);
    }

    #[inline(always)]
    fn numbers(&self) -> impl Iterator<Item = T> {
        self.iter().flat_map(Block::numbers)
    }

    #[inline(always)]
    fn sum(&self) -> T {
        self[0].sum() + self[1].sum()
    }
}

/// The first numbers of a slice that has as many as a block.
#[inline(always)]
pub(crate) fn full<T: Real>(row: &[T]) -> [T; LANES] {
    let mut full = [T::ZERO; LANES];
    full.copy_from_slice(&row[..LANES]);
    full
}

/// Number of blocks that hold `features`.
pub(crate) fn num_blocks(features: usize) -> usize {
    features.div_ceil(LANES)
}

/// Runs `f` compiled for the widest vector instructions of this processor. Everything that `f`
/// calls must be `#[inline(always)]` to profit; the closure itself may escape if it is large, which
/// [`dispatch`] does not let happen.
#[inline(always)]
pub(crate) fn vectorized<R>(f: impl FnOnce() -> R) -> R {
    dispatch(Run(f))
}

/// As [`vectorized`] for a structure whose `call` is `#[inline(always)]`.
#[inline(always)]
pub(crate) fn dispatch<F: NullaryFnOnce>(f: F) -> F::Output {
    arch().dispatch(f)
}

/// A closure that is compiled for vector instructions.
pub(crate) struct Run<F>(pub F);

impl<R, F: FnOnce() -> R> NullaryFnOnce for Run<F> {
    type Output = R;

    #[inline(always)]
    fn call(self) -> R {
        (self.0)()
    }
}

/// Reads one block of a row of features; missing lanes are zero.
#[inline(always)]
pub(crate) fn load<T: Real>(row: &[T], block: usize) -> Lanes<T> {
    let rest = &row[block * LANES..];
    if let Some(full) = rest.first_chunk::<LANES>() {
        return Lanes(*full);
    }
    let mut lanes = Lanes::zero();
    for (lane, &value) in lanes.iter_mut().zip(rest) {
        *lane = value;
    }
    lanes
}

/// As [`load`], in place: a value that is returned takes a detour over the stack.
#[inline(always)]
pub(crate) fn load_to<T, B: Block<T>>(row: &[T], block: usize, to: &mut B) {
    let rest = &row[block * B::LANES..];
    // A full block has a size that is known when compiling.
    if let Some(full) = rest.get(..B::LANES) {
        to.read(full);
    } else {
        to.read(rest);
    }
}

/// Reads one block of as many rows of `width` features as `to` has.
#[inline(always)]
pub(crate) fn load_rows<T: Copy, B: Block<T>>(
    rows: &[T],
    width: usize,
    block: usize,
    to: &mut [B],
) {
    if width == B::LANES {
        // A row is a block. No call: rows are too few to be worth one.
        for (to, row) in to.iter_mut().zip(rows.chunks_exact(B::LANES)) {
            to.read(row);
        }
        return;
    }
    let mut rest = rows;
    for to in to {
        let (row, tail) = rest.split_at(width);
        load_to(row, block, to);
        rest = tail;
    }
}

/// Writes one block of as many rows of `width` features as `from` has.
#[inline(always)]
pub(crate) fn store_rows<T: Copy, B: Block<T>>(
    rows: &mut [T],
    width: usize,
    block: usize,
    from: &[B],
) {
    if width == B::LANES {
        for (from, row) in from.iter().zip(rows.chunks_exact_mut(B::LANES)) {
            from.write(row);
        }
        return;
    }
    let mut rest = rows;
    for from in from {
        let (row, tail) = rest.split_at_mut(width);
        store(row, block, from);
        rest = tail;
    }
}

/// Writes one block of a row of features.
#[inline(always)]
pub(crate) fn store<T, B: Block<T>>(row: &mut [T], block: usize, from: &B) {
    let rest = &mut row[block * B::LANES..];
    if let Some(full) = rest.get_mut(..B::LANES) {
        from.write(full);
    } else {
        from.write(rest);
    }
}

/// As [`store`], to numbers that need not be there before.
#[inline(always)]
pub(crate) fn write<T: Real>(row: &mut [MaybeUninit<T>], block: usize, from: &Lanes<T>) {
    let rest = &mut row[block * LANES..];
    if let Some(full) = rest.get_mut(..LANES) {
        full.write_copy_of_slice(&from.0);
        return;
    }
    for (number, &lane) in rest.iter_mut().zip(from.iter()) {
        number.write(lane);
    }
}

/// Some columns, from `first` on, of a matrix that has at most [`LANES`] rows of `width` numbers; each row gets its lane,
/// other lanes are zero.
///
/// Not compiled for wide vector instructions: compilers would scatter numbers with them, which takes longer.
#[inline(never)]
pub(crate) fn lanes_of_columns<T: Real>(
    rows: &[T],
    width: usize,
    first: usize,
    to: &mut [Lanes<T>],
) {
    if rows.len() < LANES * width || first + to.len() > width {
        to.fill(Lanes::zero());
        for (i, row) in rows.chunks_exact(width).enumerate() {
            for (to, &number) in to.iter_mut().zip(&row[first..]) {
                to[i] = number;
            }
        }
        return;
    }
    for (k, to) in to.iter_mut().enumerate() {
        for i in 0..LANES {
            // SAFETY: the matrix has LANES rows and all columns, as was just checked. A check for each number takes
            // longer than the rest.
            to[i] = unsafe { *rows.get_unchecked(i * width + first + k) };
        }
    }
}

/// Writes as many rows as there is space for, one from each lane.
#[inline(never)]
pub(crate) fn rows_of_lanes<F: Real, T: Real>(from: &[Lanes<F>], rows: &mut [MaybeUninit<T>]) {
    for (i, row) in rows.chunks_exact_mut(from.len()).enumerate().take(LANES) {
        for (number, from) in row.iter_mut().zip(from) {
            number.write(T::from_f64(from[i].to_f64()));
        }
    }
}

/// `acc += a * b`, lane by lane.
#[inline(always)]
pub(crate) fn add_product<T: Real>(acc: &mut Lanes<T>, a: &Lanes<T>, b: &Lanes<T>) {
    for f in 0..LANES {
        acc[f] = a[f].mul_add(b[f], acc[f]);
    }
}

/// `acc += c * a`, lane by lane.
#[inline(always)]
pub(crate) fn add_scaled<T: Real>(acc: &mut Lanes<T>, c: T, a: &Lanes<T>) {
    for f in 0..LANES {
        acc[f] = c.mul_add(a[f], acc[f]);
    }
}

/// `a * b`, lane by lane.
#[inline(always)]
pub(crate) fn product<T: Real>(a: &Lanes<T>, b: &Lanes<T>) -> Lanes<T> {
    let mut out = *a;
    for f in 0..LANES {
        out[f] *= b[f];
    }
    out
}

/// Sum of the lanes, in a fixed tree.
#[inline(always)]
pub(crate) fn sum<T: Real>(lanes: &Lanes<T>) -> T {
    let mut eight = [T::ZERO; 8];
    for f in 0..8 {
        eight[f] = lanes[f] + lanes[f + 8];
    }
    let mut four = [T::ZERO; 4];
    for f in 0..4 {
        four[f] = eight[f] + eight[f + 4];
    }
    (four[0] + four[2]) + (four[1] + four[3])
}

/// `c * a`, lane by lane.
#[inline(always)]
pub(crate) fn scaled<T: Real>(c: T, a: &Lanes<T>) -> Lanes<T> {
    let mut out = *a;
    for f in 0..LANES {
        out[f] *= c;
    }
    out
}
