//! Sums of products on blocks of lanes, with instructions that are named instead of hoped for.
//!
//! Compilers turn loops over lanes into vector instructions most of the time. Where such loops are
//! nested in loops of a few fixed steps, they may unroll the lanes and vectorise over the steps
//! instead, gathering numbers one by one, several times slower.

#[cfg(target_arch = "x86_64")]
pub(crate) mod x86;

use std::marker::PhantomData;
use std::mem::MaybeUninit;

use crate::Real;
use crate::lanes::{Block, LANES, Lanes};

/// How products are added.
pub(crate) trait Arithmetic: Sync + 'static {
    /// Lanes that are computed together, in memory.
    type Block<T: Real>: Block<T>;
    /// The same in registers.
    type Sum<T: Real>: Copy;

    /// The same on the smallest blocks.
    type Single: Arithmetic;

    /// Blocks of lanes that the registers hold.
    fn held<T: Real>() -> usize;

    /// Reads a block of lanes.
    fn load<T: Real>(lanes: &Self::Block<T>) -> Self::Sum<T>;

    /// Writes a block of lanes.
    fn store<T: Real>(sum: Self::Sum<T>, lanes: &mut Self::Block<T>);

    /// Reads the first numbers of a row, wherever it starts. The row must have as many as a block.
    fn load_row<T: Real>(row: &[T]) -> Self::Sum<T>;

    /// Writes the first numbers of a row, likewise.
    fn store_row<T: Real>(sum: Self::Sum<T>, row: &mut [T]);

    /// As [`Arithmetic::store_row`], to numbers that need not be there before.
    fn write_row<T: Real>(sum: Self::Sum<T>, row: &mut [MaybeUninit<T>]);

    /// `a * b`, lane by lane.
    fn multiply<T: Real>(a: Self::Sum<T>, b: Self::Sum<T>) -> Self::Sum<T>;

    /// `a + b`, lane by lane. Processors with instructions for `a * b + c` may have further units for this one.
    fn add<T: Real>(a: Self::Sum<T>, b: Self::Sum<T>) -> Self::Sum<T>;

    /// `a - b`, lane by lane.
    fn subtract<T: Real>(a: Self::Sum<T>, b: Self::Sum<T>) -> Self::Sum<T>;

    /// `sum += a * b`, lane by lane, with both factors in registers.
    fn add_multiple_sum<T: Real>(sum: &mut Self::Sum<T>, a: Self::Sum<T>, b: Self::Sum<T>);

    /// `sum -= a * b` with both factors in registers.
    fn subtract_multiple_sum<T: Real>(sum: &mut Self::Sum<T>, a: Self::Sum<T>, b: Self::Sum<T>);

    /// `c * a`, lane by lane.
    fn scaled<T: Real>(c: T, a: Self::Sum<T>) -> Self::Sum<T>;

    /// `sum += c * a` with a block in registers.
    fn add_scaled_sum<T: Real>(sum: &mut Self::Sum<T>, c: T, a: Self::Sum<T>);

    /// Runs `f` compiled for the instructions of this arithmetic. Everything that `f` calls must be
    /// `#[inline(always)]` to profit.
    fn vectorized<R>(f: impl FnOnce() -> R) -> R;

    /// Nothing added yet.
    #[inline(always)]
    fn zero<T: Real>() -> Self::Sum<T> {
        Self::load(&Self::Block::ZERO)
    }

    /// `sum += a * b`, lane by lane, with a factor in registers.
    #[inline(always)]
    fn add_multiple<T: Real>(sum: &mut Self::Sum<T>, a: &Self::Block<T>, b: Self::Sum<T>) {
        Self::add_multiple_sum(sum, Self::load(a), b);
    }

    /// `sum -= a * b` with a factor in registers.
    #[inline(always)]
    fn subtract_multiple<T: Real>(sum: &mut Self::Sum<T>, a: &Self::Block<T>, b: Self::Sum<T>) {
        Self::subtract_multiple_sum(sum, Self::load(a), b);
    }

    /// `sum += a * b`, lane by lane.
    #[inline(always)]
    fn add_product<T: Real>(sum: &mut Self::Sum<T>, a: &Self::Block<T>, b: &Self::Block<T>) {
        Self::add_multiple(sum, a, Self::load(b));
    }

    /// `sum -= a * b`, lane by lane.
    #[inline(always)]
    fn subtract_product<T: Real>(sum: &mut Self::Sum<T>, a: &Self::Block<T>, b: &Self::Block<T>) {
        Self::subtract_multiple(sum, a, Self::load(b));
    }

    /// The sums of all lanes of some blocks.
    #[inline(always)]
    fn sums<T: Real, const N: usize>(sums: [Self::Sum<T>; N]) -> [T; N] {
        let mut all = [T::ZERO; N];
        Self::add_sums(sums, &mut all);
        all
    }

    /// Adds the sums of all lanes of some blocks to as many numbers.
    #[inline(always)]
    fn add_sums<T: Real, const N: usize>(sums: [Self::Sum<T>; N], to: &mut [T]) {
        for (sum, to) in sums.into_iter().zip(to) {
            let mut block = Self::Block::ZERO;
            Self::store(sum, &mut block);
            *to += block.sum();
        }
    }

    /// `acc += a * b` in memory.
    #[inline(always)]
    fn accumulate<T: Real>(acc: &mut Self::Block<T>, a: &Self::Block<T>, b: &Self::Block<T>) {
        let mut sum = Self::load(acc);
        Self::add_product(&mut sum, a, b);
        Self::store(sum, acc);
    }

    /// `acc += a * b` in memory, with a factor in registers.
    #[inline(always)]
    fn accumulate_multiple<T: Real>(acc: &mut Self::Block<T>, a: &Self::Block<T>, b: Self::Sum<T>) {
        let mut sum = Self::load(acc);
        Self::add_multiple(&mut sum, a, b);
        Self::store(sum, acc);
    }
}

/// An arithmetic on two blocks at once: what it costs to find them is paid once.
pub(crate) struct Pair<A>(PhantomData<fn() -> A>);

impl<A: Arithmetic> Arithmetic for Pair<A> {
    type Block<T: Real> = [A::Block<T>; 2];
    type Sum<T: Real> = [A::Sum<T>; 2];
    type Single = A::Single;

    #[inline(always)]
    fn held<T: Real>() -> usize {
        A::held::<T>() / 2
    }

    #[inline(always)]
    fn load<T: Real>([first, second]: &Self::Block<T>) -> Self::Sum<T> {
        [A::load(first), A::load(second)]
    }

    #[inline(always)]
    fn store<T: Real>(sum: Self::Sum<T>, [first, second]: &mut Self::Block<T>) {
        A::store(sum[0], first);
        A::store(sum[1], second);
    }

    #[inline(always)]
    fn load_row<T: Real>(row: &[T]) -> Self::Sum<T> {
        let row = &row[..Self::Block::<T>::LANES];
        let (first, second) = row.split_at(A::Block::<T>::LANES);
        [A::load_row(first), A::load_row(second)]
    }

    #[inline(always)]
    fn store_row<T: Real>(sum: Self::Sum<T>, row: &mut [T]) {
        let row = &mut row[..Self::Block::<T>::LANES];
        let (first, second) = row.split_at_mut(A::Block::<T>::LANES);
        A::store_row(sum[0], first);
        A::store_row(sum[1], second);
    }

    #[inline(always)]
    fn write_row<T: Real>(sum: Self::Sum<T>, row: &mut [MaybeUninit<T>]) {
        let row = &mut row[..Self::Block::<T>::LANES];
        let (first, second) = row.split_at_mut(A::Block::<T>::LANES);
        A::write_row(sum[0], first);
        A::write_row(sum[1], second);
    }

    #[inline(always)]
    fn multiply<T: Real>(a: Self::Sum<T>, b: Self::Sum<T>) -> Self::Sum<T> {
        [A::multiply(a[0], b[0]), A::multiply(a[1], b[1])]
    }

    #[inline(always)]
    fn add<T: Real>(a: Self::Sum<T>, b: Self::Sum<T>) -> Self::Sum<T> {
        [A::add(a[0], b[0]), A::add(a[1], b[1])]
    }

    #[inline(always)]
    fn subtract<T: Real>(a: Self::Sum<T>, b: Self::Sum<T>) -> Self::Sum<T> {
        [A::subtract(a[0], b[0]), A::subtract(a[1], b[1])]
    }

    #[inline(always)]
    fn add_multiple_sum<T: Real>(sum: &mut Self::Sum<T>, a: Self::Sum<T>, b: Self::Sum<T>) {
        A::add_multiple_sum(&mut sum[0], a[0], b[0]);
        A::add_multiple_sum(&mut sum[1], a[1], b[1]);
    }

    #[inline(always)]
    fn subtract_multiple_sum<T: Real>(sum: &mut Self::Sum<T>, a: Self::Sum<T>, b: Self::Sum<T>) {
        A::subtract_multiple_sum(&mut sum[0], a[0], b[0]);
        A::subtract_multiple_sum(&mut sum[1], a[1], b[1]);
    }

    #[inline(always)]
    fn scaled<T: Real>(c: T, a: Self::Sum<T>) -> Self::Sum<T> {
        [A::scaled(c, a[0]), A::scaled(c, a[1])]
    }

    #[inline(always)]
    fn add_scaled_sum<T: Real>(sum: &mut Self::Sum<T>, c: T, a: Self::Sum<T>) {
        A::add_scaled_sum(&mut sum[0], c, a[0]);
        A::add_scaled_sum(&mut sum[1], c, a[1]);
    }

    #[inline(always)]
    fn add_sums<T: Real, const N: usize>(sums: [Self::Sum<T>; N], to: &mut [T]) {
        // No closure: it might lose the vector instructions.
        let mut both = [A::zero(); N];
        for i in 0..N {
            let [first, second] = sums[i];
            both[i] = first;
            A::add_scaled_sum(&mut both[i], T::ONE, second);
        }
        A::add_sums(both, to);
    }

    #[inline(always)]
    fn vectorized<R>(f: impl FnOnce() -> R) -> R {
        A::vectorized(f)
    }
}

/// Calls `$function::<A>(...)` with the fastest arithmetic of this process: the widest that the processor has and
/// `e3x_so3::Instructions` allows.
macro_rules! with_arithmetic {
    ($arithmetic:ident => $call:expr) => {{
        #[cfg(target_arch = "x86_64")]
        match e3x_so3::arch() {
            pulp::Arch::V4(_) => {
                type $arithmetic = crate::arithmetic::x86::Wide;
                $call
            }
            pulp::Arch::V3(_) => {
                type $arithmetic = crate::arithmetic::x86::Half;
                $call
            }
            _ => {
                type $arithmetic = crate::arithmetic::Unfused;
                $call
            }
        }
        #[cfg(not(target_arch = "x86_64"))]
        {
            type $arithmetic = crate::arithmetic::Looped;
            $call
        }
    }};
}
pub(crate) use with_arithmetic;

/// An arithmetic of loops over lanes in memory.
macro_rules! loops {
    ($name:ident, |$sum:ident, $a:ident, $b:ident| $add:expr, $subtract:expr, $vectorized:path) => {
        impl Arithmetic for $name {
            type Block<T: Real> = Lanes<T>;
            type Sum<T: Real> = Lanes<T>;
            type Single = Self;

            #[inline(always)]
            fn held<T: Real>() -> usize {
                8
            }

            #[inline(always)]
            fn load<T: Real>(lanes: &Lanes<T>) -> Lanes<T> {
                *lanes
            }

            #[inline(always)]
            fn store<T: Real>(sum: Lanes<T>, lanes: &mut Lanes<T>) {
                *lanes = sum;
            }

            #[inline(always)]
            fn load_row<T: Real>(row: &[T]) -> Lanes<T> {
                Lanes(crate::lanes::full(row))
            }

            #[inline(always)]
            fn store_row<T: Real>(sum: Lanes<T>, row: &mut [T]) {
                row[..LANES].copy_from_slice(&sum.0);
            }

            #[inline(always)]
            fn write_row<T: Real>(sum: Lanes<T>, row: &mut [MaybeUninit<T>]) {
                row[..LANES].write_copy_of_slice(&sum.0);
            }

            #[inline(always)]
            fn multiply<T: Real>(a: Lanes<T>, b: Lanes<T>) -> Lanes<T> {
                crate::lanes::product(&a, &b)
            }

            #[inline(always)]
            fn add<T: Real>(mut a: Lanes<T>, b: Lanes<T>) -> Lanes<T> {
                for f in 0..LANES {
                    a[f] += b[f];
                }
                a
            }

            #[inline(always)]
            fn subtract<T: Real>(mut a: Lanes<T>, b: Lanes<T>) -> Lanes<T> {
                for f in 0..LANES {
                    a[f] -= b[f];
                }
                a
            }

            #[inline(always)]
            fn add_multiple_sum<T: Real>(sum: &mut Lanes<T>, a: Lanes<T>, b: Lanes<T>) {
                for f in 0..LANES {
                    let ($sum, $a, $b) = (sum[f], a[f], b[f]);
                    sum[f] = $add;
                }
            }

            #[inline(always)]
            fn subtract_multiple_sum<T: Real>(sum: &mut Lanes<T>, a: Lanes<T>, b: Lanes<T>) {
                for f in 0..LANES {
                    let ($sum, $a, $b) = (sum[f], a[f], b[f]);
                    sum[f] = $subtract;
                }
            }

            #[inline(always)]
            fn scaled<T: Real>(c: T, mut a: Lanes<T>) -> Lanes<T> {
                for f in 0..LANES {
                    a[f] *= c;
                }
                a
            }

            #[inline(always)]
            fn add_scaled_sum<T: Real>(sum: &mut Lanes<T>, c: T, a: Lanes<T>) {
                for f in 0..LANES {
                    let ($sum, $a, $b) = (sum[f], c, a[f]);
                    sum[f] = $add;
                }
            }

            #[inline(always)]
            fn vectorized<R>(f: impl FnOnce() -> R) -> R {
                $vectorized(f)
            }
        }
    };
}

/// Multiplication and addition one after the other, for processors without an instruction that does
/// both: the standard library would call a function for each number.
pub(crate) struct Unfused;

loops!(Unfused, |sum, a, b| sum + a * b, sum - a * b, call);

#[inline(always)]
fn call<R>(f: impl FnOnce() -> R) -> R {
    f()
}

/// Loops with one rounding, for processors whose basic instructions include that.
#[cfg(not(target_arch = "x86_64"))]
pub(crate) struct Looped;

#[cfg(not(target_arch = "x86_64"))]
loops!(
    Looped,
    |sum, a, b| a.mul_add(b, sum),
    (-a).mul_add(b, sum),
    crate::lanes::vectorized
);
