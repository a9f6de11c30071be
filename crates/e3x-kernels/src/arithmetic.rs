//! Sums of products on blocks of lanes, with instructions that are named instead of hoped for.
//!
//! Compilers turn loops over lanes into vector instructions most of the time. Where such loops are
//! nested in loops of a few fixed steps, they may unroll the lanes and vectorise over the steps
//! instead, gathering numbers one by one, several times slower.

use crate::Real;
use crate::lanes::{LANES, Lanes};

/// How products are added.
pub(crate) trait Arithmetic: Sync + 'static {
    /// `acc += a * b`, lane by lane.
    fn accumulate<T: Real>(acc: &mut Lanes<T>, a: &Lanes<T>, b: &Lanes<T>);

    /// `acc -= a * b`, lane by lane.
    fn deduct<T: Real>(acc: &mut Lanes<T>, a: &Lanes<T>, b: &Lanes<T>);

    /// `acc += c * a`, lane by lane.
    fn accumulate_scaled<T: Real>(acc: &mut Lanes<T>, c: T, a: &Lanes<T>);

    /// Runs `f` compiled for the instructions of this arithmetic. Everything that `f` calls must be
    /// `#[inline(always)]` to profit.
    fn vectorized<R>(f: impl FnOnce() -> R) -> R;
}

/// Multiplication and addition one after the other, for processors without an instruction that does
/// both: the standard library would call a function for each number.
pub(crate) struct Unfused;

impl Arithmetic for Unfused {
    #[inline(always)]
    fn accumulate<T: Real>(acc: &mut Lanes<T>, a: &Lanes<T>, b: &Lanes<T>) {
        for f in 0..LANES {
            acc[f] += a[f] * b[f];
        }
    }

    #[inline(always)]
    fn deduct<T: Real>(acc: &mut Lanes<T>, a: &Lanes<T>, b: &Lanes<T>) {
        for f in 0..LANES {
            acc[f] -= a[f] * b[f];
        }
    }

    #[inline(always)]
    fn accumulate_scaled<T: Real>(acc: &mut Lanes<T>, c: T, a: &Lanes<T>) {
        for f in 0..LANES {
            acc[f] += c * a[f];
        }
    }

    #[inline(always)]
    fn vectorized<R>(f: impl FnOnce() -> R) -> R {
        f()
    }
}

/// Calls `$function::<A>(...)` with the fastest arithmetic of this processor.
macro_rules! with_arithmetic {
    ($arithmetic:ident => $call:expr) => {{
        #[cfg(target_arch = "x86_64")]
        match crate::lanes::arch() {
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

/// Loops with one rounding, for processors whose basic instructions include that.
#[cfg(not(target_arch = "x86_64"))]
pub(crate) struct Looped;

#[cfg(not(target_arch = "x86_64"))]
impl Arithmetic for Looped {
    #[inline(always)]
    fn accumulate<T: Real>(acc: &mut Lanes<T>, a: &Lanes<T>, b: &Lanes<T>) {
        crate::lanes::add_product(acc, a, b);
    }

    #[inline(always)]
    fn deduct<T: Real>(acc: &mut Lanes<T>, a: &Lanes<T>, b: &Lanes<T>) {
        for f in 0..LANES {
            acc[f] = (-a[f]).mul_add(b[f], acc[f]);
        }
    }

    #[inline(always)]
    fn accumulate_scaled<T: Real>(acc: &mut Lanes<T>, c: T, a: &Lanes<T>) {
        crate::lanes::add_scaled(acc, c, a);
    }

    #[inline(always)]
    fn vectorized<R>(f: impl FnOnce() -> R) -> R {
        crate::lanes::vectorized(f)
    }
}

/// Vector instructions of x86.
#[cfg(target_arch = "x86_64")]
pub(crate) mod x86 {
    use std::arch::x86_64::{
        __m256, __m256d, __m512, __m512d, _mm256_fmadd_pd, _mm256_fmadd_ps, _mm256_fnmadd_pd,
        _mm256_fnmadd_ps, _mm256_set1_pd, _mm256_set1_ps, _mm512_fmadd_pd, _mm512_fmadd_ps,
        _mm512_fnmadd_pd, _mm512_fnmadd_ps, _mm512_set1_pd, _mm512_set1_ps,
    };
    use std::mem::transmute;

    use pulp::Arch;

    use super::Arithmetic;
    use crate::Real;
    use crate::lanes::{LANES, Lanes, Run, arch};

    /// The operations of [`Arithmetic`] for one element type and vector width.
    ///
    /// # Safety
    /// The processor must have AVX-512F (`wide`), or AVX2 and FMA (`half`).
    pub trait Vectors: Sized {
        unsafe fn wide(acc: &mut [Self; LANES], a: &[Self; LANES], b: &[Self; LANES], minus: bool);
        unsafe fn wide_scaled(acc: &mut [Self; LANES], c: Self, a: &[Self; LANES]);
        unsafe fn half(acc: &mut [Self; LANES], a: &[Self; LANES], b: &[Self; LANES], minus: bool);
        unsafe fn half_scaled(acc: &mut [Self; LANES], c: Self, a: &[Self; LANES]);
    }

    /// One implementation for an element type, from its vector types and instructions.
    macro_rules! vectors {
        (
            $t:ty,
            $wide:ty, $wide_num:literal, $wide_add:ident, $wide_sub:ident, $wide_set:ident,
            $half:ty, $half_num:literal, $half_add:ident, $half_sub:ident, $half_set:ident
        ) => {
            impl Vectors for $t {
                #[inline(always)]
                unsafe fn wide(
                    acc: &mut [$t; LANES],
                    a: &[$t; LANES],
                    b: &[$t; LANES],
                    minus: bool,
                ) {
                    // SAFETY: arrays of numbers and of vectors have the same size and no invalid
                    // values; the caller vouches for the instructions.
                    unsafe {
                        let a: [$wide; $wide_num] = transmute(*a);
                        let b: [$wide; $wide_num] = transmute(*b);
                        let mut sum: [$wide; $wide_num] = transmute(*acc);
                        for i in 0..$wide_num {
                            sum[i] = if minus {
                                $wide_sub(a[i], b[i], sum[i])
                            } else {
                                $wide_add(a[i], b[i], sum[i])
                            };
                        }
                        *acc = transmute::<[$wide; $wide_num], [$t; LANES]>(sum);
                    }
                }

                #[inline(always)]
                unsafe fn wide_scaled(acc: &mut [$t; LANES], c: $t, a: &[$t; LANES]) {
                    // SAFETY: as above.
                    unsafe {
                        let (c, a) = (
                            $wide_set(c),
                            transmute::<[$t; LANES], [$wide; $wide_num]>(*a),
                        );
                        let mut sum: [$wide; $wide_num] = transmute(*acc);
                        for i in 0..$wide_num {
                            sum[i] = $wide_add(c, a[i], sum[i]);
                        }
                        *acc = transmute::<[$wide; $wide_num], [$t; LANES]>(sum);
                    }
                }

                #[inline(always)]
                unsafe fn half(
                    acc: &mut [$t; LANES],
                    a: &[$t; LANES],
                    b: &[$t; LANES],
                    minus: bool,
                ) {
                    // SAFETY: as above.
                    unsafe {
                        let a: [$half; $half_num] = transmute(*a);
                        let b: [$half; $half_num] = transmute(*b);
                        let mut sum: [$half; $half_num] = transmute(*acc);
                        for i in 0..$half_num {
                            sum[i] = if minus {
                                $half_sub(a[i], b[i], sum[i])
                            } else {
                                $half_add(a[i], b[i], sum[i])
                            };
                        }
                        *acc = transmute::<[$half; $half_num], [$t; LANES]>(sum);
                    }
                }

                #[inline(always)]
                unsafe fn half_scaled(acc: &mut [$t; LANES], c: $t, a: &[$t; LANES]) {
                    // SAFETY: as above.
                    unsafe {
                        let (c, a) = (
                            $half_set(c),
                            transmute::<[$t; LANES], [$half; $half_num]>(*a),
                        );
                        let mut sum: [$half; $half_num] = transmute(*acc);
                        for i in 0..$half_num {
                            sum[i] = $half_add(c, a[i], sum[i]);
                        }
                        *acc = transmute::<[$half; $half_num], [$t; LANES]>(sum);
                    }
                }
            }
        };
    }

    vectors!(
        f32,
        __m512,
        1,
        _mm512_fmadd_ps,
        _mm512_fnmadd_ps,
        _mm512_set1_ps,
        __m256,
        2,
        _mm256_fmadd_ps,
        _mm256_fnmadd_ps,
        _mm256_set1_ps
    );
    vectors!(
        f64,
        __m512d,
        2,
        _mm512_fmadd_pd,
        _mm512_fnmadd_pd,
        _mm512_set1_pd,
        __m256d,
        4,
        _mm256_fmadd_pd,
        _mm256_fnmadd_pd,
        _mm256_set1_pd
    );

    /// AVX-512. Chosen by `with_arithmetic` only on processors that have it.
    pub(crate) struct Wide;

    /// AVX2 and FMA. Chosen by `with_arithmetic` only on processors that have them.
    pub(crate) struct Half;

    macro_rules! arithmetic {
        ($name:ident, $variant:ident, $op:ident, $scaled:ident) => {
            impl Arithmetic for $name {
                #[inline(always)]
                fn accumulate<T: Real>(acc: &mut Lanes<T>, a: &Lanes<T>, b: &Lanes<T>) {
                    // SAFETY: this arithmetic is only chosen where its instructions exist.
                    unsafe { T::$op(acc, a, b, false) }
                }

                #[inline(always)]
                fn deduct<T: Real>(acc: &mut Lanes<T>, a: &Lanes<T>, b: &Lanes<T>) {
                    // SAFETY: as above.
                    unsafe { T::$op(acc, a, b, true) }
                }

                #[inline(always)]
                fn accumulate_scaled<T: Real>(acc: &mut Lanes<T>, c: T, a: &Lanes<T>) {
                    // SAFETY: as above.
                    unsafe { T::$scaled(acc, c, a) }
                }

                #[inline(always)]
                fn vectorized<R>(f: impl FnOnce() -> R) -> R {
                    match arch() {
                        Arch::$variant(simd) => simd.vectorize(Run(f)),
                        _ => unreachable!("chosen for other processors"),
                    }
                }
            }
        };
    }

    arithmetic!(Wide, V4, wide, wide_scaled);
    arithmetic!(Half, V3, half, half_scaled);
}
