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
    arch().dispatch(Run(f))
}

fn arch() -> Arch {
    static ARCH: OnceLock<Arch> = OnceLock::new();
    *ARCH.get_or_init(Arch::new)
}

struct Run<F>(F);

impl<R, F: FnOnce() -> R> pulp::NullaryFnOnce for Run<F> {
    type Output = R;

    #[inline(always)]
    fn call(self) -> R {
        (self.0)()
    }
}

/// How products are added.
pub(crate) trait Arithmetic: Sync + 'static {
    /// `a * b + c`.
    fn mul_add<T: Real>(a: T, b: T, c: T) -> T;

    /// Runs `f` compiled for the widest vector instructions that go with this arithmetic; see
    /// [`vectorized`].
    fn vectorized<R>(f: impl FnOnce() -> R) -> R;
}

/// With one rounding, by an instruction of the processor.
pub(crate) struct Fused;

/// With two roundings: x86 processors without such an instruction would call a function instead.
pub(crate) struct Unfused;

/// Whether the processor has an instruction that multiplies and adds.
pub(crate) fn has_fused() -> bool {
    #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
    return !matches!(arch(), Arch::Scalar);
    #[cfg(not(any(target_arch = "x86", target_arch = "x86_64")))]
    return true;
}

impl Arithmetic for Fused {
    #[inline(always)]
    fn mul_add<T: Real>(a: T, b: T, c: T) -> T {
        a.mul_add(b, c)
    }

    #[inline(always)]
    fn vectorized<R>(f: impl FnOnce() -> R) -> R {
        // Not `dispatch`: that compiles `f` for processors without the instruction as well.
        #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
        return match arch() {
            Arch::V4(simd) => pulp::Simd::vectorize(simd, Run(f)),
            Arch::V3(simd) => pulp::Simd::vectorize(simd, Run(f)),
            _ => unreachable!("kernels with fused arithmetic are chosen by `has_fused`"),
        };
        #[cfg(not(any(target_arch = "x86", target_arch = "x86_64")))]
        return vectorized(f);
    }
}

impl Arithmetic for Unfused {
    #[inline(always)]
    fn mul_add<T: Real>(a: T, b: T, c: T) -> T {
        a * b + c
    }

    #[inline(always)]
    fn vectorized<R>(f: impl FnOnce() -> R) -> R {
        f()
    }
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

/// `acc += a * b`, lane by lane, in this arithmetic.
#[inline(always)]
pub(crate) fn accumulate<A: Arithmetic, T: Real>(acc: &mut Lanes<T>, a: &Lanes<T>, b: &Lanes<T>) {
    for f in 0..LANES {
        acc[f] = A::mul_add(a[f], b[f], acc[f]);
    }
}

/// `acc -= a * b`, lane by lane, in this arithmetic.
#[inline(always)]
pub(crate) fn deduct<A: Arithmetic, T: Real>(acc: &mut Lanes<T>, a: &Lanes<T>, b: &Lanes<T>) {
    for f in 0..LANES {
        acc[f] = A::mul_add(-a[f], b[f], acc[f]);
    }
}

/// `acc += c * a`, lane by lane, in this arithmetic.
#[inline(always)]
pub(crate) fn accumulate_scaled<A: Arithmetic, T: Real>(acc: &mut Lanes<T>, c: T, a: &Lanes<T>) {
    for f in 0..LANES {
        acc[f] = A::mul_add(c, a[f], acc[f]);
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
