//! Blocks of features that fit vector registers.
//!
//! Kernels work on `[T; LANES]`: fixed sizes turn into straight vector code, and a last block with
//! fewer features is padded with zeros, so that odd numbers of features need no second code path.

use std::sync::OnceLock;

use pulp::Arch;

use crate::Real;

/// Features per block.
pub(crate) const LANES: usize = 16;

/// One row of features of a block.
pub(crate) type Lanes<T> = [T; LANES];

/// Number of blocks that hold `features`.
pub(crate) fn num_blocks(features: usize) -> usize {
    features.div_ceil(LANES)
}

/// Runs `f` compiled for the widest vector instructions of this processor. Everything that `f`
/// calls must be `#[inline(always)]` to profit.
#[inline(always)]
pub(crate) fn vectorized<R>(f: impl FnOnce() -> R) -> R {
    struct Run<F>(F);
    impl<R, F: FnOnce() -> R> pulp::NullaryFnOnce for Run<F> {
        type Output = R;
        #[inline(always)]
        fn call(self) -> R {
            (self.0)()
        }
    }
    static ARCH: OnceLock<Arch> = OnceLock::new();
    ARCH.get_or_init(Arch::new).dispatch(Run(f))
}

/// Reads one block of a row of features; missing lanes are zero.
#[inline(always)]
pub(crate) fn load<T: Real>(row: &[T], block: usize) -> Lanes<T> {
    let rest = &row[block * LANES..];
    // A full block has a size that is known when compiling: one or two vector loads.
    if let Some(full) = rest.first_chunk::<LANES>() {
        return *full;
    }
    let mut lanes = [T::ZERO; LANES];
    for (lane, &value) in lanes.iter_mut().zip(rest) {
        *lane = value;
    }
    lanes
}

/// Writes one block of a row of features.
#[inline(always)]
pub(crate) fn store<T: Real>(row: &mut [T], block: usize, lanes: &Lanes<T>) {
    let rest = &mut row[block * LANES..];
    if let Some(full) = rest.first_chunk_mut::<LANES>() {
        *full = *lanes;
        return;
    }
    for (value, &lane) in rest.iter_mut().zip(lanes) {
        *value = lane;
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
    let mut half = *lanes;
    let mut width = LANES / 2;
    while width > 0 {
        for f in 0..width {
            let other = half[f + width];
            half[f] += other;
        }
        width /= 2;
    }
    half[0]
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
