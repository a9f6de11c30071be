//! Vector instructions of x86.

use std::arch::x86_64::{
    __m256, __m256d, __m512, __m512d, __m512i, _mm256_add_pd, _mm256_add_ps, _mm256_fmadd_pd,
    _mm256_fmadd_ps, _mm256_fnmadd_pd, _mm256_fnmadd_ps, _mm256_mul_pd, _mm256_mul_ps,
    _mm256_set1_pd, _mm256_set1_ps, _mm256_sub_pd, _mm256_sub_ps, _mm512_add_pd, _mm512_add_ps,
    _mm512_fmadd_pd, _mm512_fmadd_ps, _mm512_fnmadd_pd, _mm512_fnmadd_ps, _mm512_mul_pd,
    _mm512_mul_ps, _mm512_permutexvar_ps, _mm512_set1_pd, _mm512_set1_ps, _mm512_setzero_ps,
    _mm512_shuffle_f32x4, _mm512_shuffle_ps, _mm512_sub_pd, _mm512_sub_ps,
};
use std::mem::{MaybeUninit, transmute};

use pulp::x86::{V3, V4};

use super::Arithmetic;
use crate::Real;
use crate::lanes::{self, LANES, Lanes, Run};

/// The registers that hold a block of lanes of an element type.
pub trait Vectors: Sized {
    type Wide: Registers<Self>;
    type Half: Registers<Self>;
}

/// A block of lanes in registers of one width.
///
/// # Safety
/// The processor must have AVX-512F for wide, AVX2 and FMA for half registers.
pub trait Registers<T>: Copy {
    /// Blocks that all registers hold.
    const HELD: usize;

    unsafe fn load(lanes: &[T; LANES]) -> Self;
    unsafe fn store(self) -> [T; LANES];
    unsafe fn multiply(self, other: Self) -> Self;
    unsafe fn add(self, other: Self) -> Self;
    unsafe fn subtract(self, other: Self) -> Self;
    unsafe fn add_multiple(&mut self, a: Self, b: Self);
    unsafe fn subtract_multiple(&mut self, a: Self, b: Self);
    unsafe fn scaled(self, c: T) -> Self;
    unsafe fn add_scaled_sum(&mut self, c: T, a: Self);
    unsafe fn add_sums<const N: usize>(sums: [Self; N], to: &mut [T]);
}

/// Registers of a vector type and its instructions.
macro_rules! registers {
    ($t:ty, $vector:ty, $num:literal, [$multiply:ident, $plus:ident, $minus:ident], $add:ident, $subtract:ident, $set:ident, $sums:path) => {
        impl Registers<$t> for [$vector; $num] {
            // 32 registers of 64 bytes, 16 of 32.
            const HELD: usize = size_of::<$vector>() / 2 / $num;

            #[inline(always)]
            unsafe fn load(lanes: &[$t; LANES]) -> Self {
                // SAFETY: arrays of numbers and of vectors have the same size and no invalid
                // values.
                unsafe { transmute(*lanes) }
            }

            #[inline(always)]
            unsafe fn store(self) -> [$t; LANES] {
                // SAFETY: as above.
                unsafe { transmute(self) }
            }

            #[inline(always)]
            unsafe fn multiply(mut self, other: Self) -> Self {
                // SAFETY: the caller vouches for the instructions.
                unsafe {
                    for i in 0..$num {
                        self[i] = $multiply(self[i], other[i]);
                    }
                }
                self
            }

            #[inline(always)]
            unsafe fn add(mut self, other: Self) -> Self {
                // SAFETY: as above.
                unsafe {
                    for i in 0..$num {
                        self[i] = $plus(self[i], other[i]);
                    }
                }
                self
            }

            #[inline(always)]
            unsafe fn subtract(mut self, other: Self) -> Self {
                // SAFETY: as above.
                unsafe {
                    for i in 0..$num {
                        self[i] = $minus(self[i], other[i]);
                    }
                }
                self
            }

            #[inline(always)]
            unsafe fn add_multiple(&mut self, a: Self, b: Self) {
                // SAFETY: the caller vouches for the instructions.
                unsafe {
                    for i in 0..$num {
                        self[i] = $add(a[i], b[i], self[i]);
                    }
                }
            }

            #[inline(always)]
            unsafe fn subtract_multiple(&mut self, a: Self, b: Self) {
                // SAFETY: as above.
                unsafe {
                    for i in 0..$num {
                        self[i] = $subtract(a[i], b[i], self[i]);
                    }
                }
            }

            #[inline(always)]
            unsafe fn scaled(mut self, c: $t) -> Self {
                // SAFETY: as above.
                unsafe {
                    let c = $set(c);
                    for i in 0..$num {
                        self[i] = $multiply(c, self[i]);
                    }
                }
                self
            }

            #[inline(always)]
            unsafe fn add_scaled_sum(&mut self, c: $t, a: Self) {
                // SAFETY: as above.
                unsafe {
                    let c = $set(c);
                    for i in 0..$num {
                        self[i] = $add(c, a[i], self[i]);
                    }
                }
            }

            #[inline(always)]
            unsafe fn add_sums<const N: usize>(sums: [Self; N], to: &mut [$t]) {
                // SAFETY: as above.
                unsafe { $sums(sums, to) }
            }
        }
    };
}

registers!(
    f32,
    __m512,
    1,
    [_mm512_mul_ps, _mm512_add_ps, _mm512_sub_ps],
    _mm512_fmadd_ps,
    _mm512_fnmadd_ps,
    _mm512_set1_ps,
    by_halves
);
registers!(
    f32,
    __m256,
    2,
    [_mm256_mul_ps, _mm256_add_ps, _mm256_sub_ps],
    _mm256_fmadd_ps,
    _mm256_fnmadd_ps,
    _mm256_set1_ps,
    one_by_one
);
registers!(
    f64,
    __m512d,
    2,
    [_mm512_mul_pd, _mm512_add_pd, _mm512_sub_pd],
    _mm512_fmadd_pd,
    _mm512_fnmadd_pd,
    _mm512_set1_pd,
    one_by_one
);
registers!(
    f64,
    __m256d,
    4,
    [_mm256_mul_pd, _mm256_add_pd, _mm256_sub_pd],
    _mm256_fmadd_pd,
    _mm256_fnmadd_pd,
    _mm256_set1_pd,
    one_by_one
);

/// Adds the sum of the lanes of each block to a number.
#[inline(always)]
unsafe fn one_by_one<T: Real, R: Registers<T>, const N: usize>(sums: [R; N], to: &mut [T]) {
    for (sum, to) in sums.into_iter().zip(to) {
        // SAFETY: the caller vouches for the instructions.
        *to += lanes::sum(&Lanes(unsafe { sum.store() }));
    }
}

/// As [`one_by_one`], up to sixteen at a time: registers are added in pairs, and each sum has half as many lanes
/// after each step.
#[inline(always)]
unsafe fn by_halves<const N: usize>(sums: [[__m512; 1]; N], to: &mut [f32]) {
    for first in (0..N).step_by(LANES) {
        let num = (N - first).min(LANES);
        // SAFETY: the caller vouches for the instructions; arrays of numbers and registers have the same size and
        // no invalid values.
        let all: [f32; LANES] = unsafe {
            let mut registers = [_mm512_setzero_ps(); LANES];
            for i in 0..num {
                registers[i] = sums[first + i][0];
            }
            transmute(all_sums(registers))
        };
        for (to, sum) in to[first..first + num].iter_mut().zip(all) {
            *to += sum;
        }
    }
}

/// Adds pairs of registers, `$first` and `$second` being the parts of both that are added: half of each.
macro_rules! add_pairs {
    ($registers:ident, $num:literal, $shuffle:ident, $first:literal, $second:literal) => {
        for i in 0..$num {
            let (a, b) = ($registers[2 * i], $registers[2 * i + 1]);
            $registers[i] = _mm512_add_ps($shuffle::<$first>(a, b), $shuffle::<$second>(a, b));
        }
    };
}

/// The sums of all lanes of each register.
#[inline(always)]
unsafe fn all_sums(mut registers: [__m512; LANES]) -> __m512 {
    // SAFETY: the caller vouches for the instructions.
    unsafe {
        // Halves of a register, quarters, pairs, single lanes. Zeros that are added to zeros cost nothing.
        add_pairs!(registers, 8, _mm512_shuffle_f32x4, 0x44, 0xee);
        add_pairs!(registers, 4, _mm512_shuffle_f32x4, 0x88, 0xdd);
        add_pairs!(registers, 2, _mm512_shuffle_ps, 0x44, 0xee);
        add_pairs!(registers, 1, _mm512_shuffle_ps, 0x88, 0xdd);
        // The last two steps work on quarters: each has every fourth sum.
        let places = [0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15];
        _mm512_permutexvar_ps(transmute::<[i32; LANES], __m512i>(places), registers[0])
    }
}

impl Vectors for f32 {
    type Wide = [__m512; 1];
    type Half = [__m256; 2];
}

impl Vectors for f64 {
    type Wide = [__m512d; 2];
    type Half = [__m256d; 4];
}

/// AVX-512. Chosen by `with_arithmetic` only on processors that have it.
pub(crate) struct Wide;

/// AVX2 and FMA. Chosen by `with_arithmetic` only on processors that have them.
pub(crate) struct Half;

macro_rules! arithmetic {
    ($name:ident, $variant:ident) => {
        impl Arithmetic for $name {
            type Block<T: Real> = Lanes<T>;
            type Sum<T: Real> = T::$name;
            type Single = Self;

            #[inline(always)]
            fn held<T: Real>() -> usize {
                <T::$name as Registers<T>>::HELD
            }

            #[inline(always)]
            fn load<T: Real>(lanes: &Lanes<T>) -> T::$name {
                // SAFETY: this arithmetic is only chosen where its instructions exist.
                unsafe { T::$name::load(lanes) }
            }

            #[inline(always)]
            fn store<T: Real>(sum: T::$name, lanes: &mut Lanes<T>) {
                // SAFETY: as above.
                *lanes = Lanes(unsafe { sum.store() });
            }

            #[inline(always)]
            fn load_row<T: Real>(row: &[T]) -> T::$name {
                // SAFETY: as above.
                unsafe { T::$name::load(&lanes::full(row)) }
            }

            #[inline(always)]
            fn store_row<T: Real>(sum: T::$name, row: &mut [T]) {
                // SAFETY: as above.
                row[..LANES].copy_from_slice(&unsafe { sum.store() });
            }

            #[inline(always)]
            fn write_row<T: Real>(sum: T::$name, row: &mut [MaybeUninit<T>]) {
                // SAFETY: as above.
                row[..LANES].write_copy_of_slice(&unsafe { sum.store() });
            }

            #[inline(always)]
            fn multiply<T: Real>(a: T::$name, b: T::$name) -> T::$name {
                // SAFETY: as above.
                unsafe { a.multiply(b) }
            }

            #[inline(always)]
            fn add<T: Real>(a: T::$name, b: T::$name) -> T::$name {
                // SAFETY: as above.
                unsafe { a.add(b) }
            }

            #[inline(always)]
            fn subtract<T: Real>(a: T::$name, b: T::$name) -> T::$name {
                // SAFETY: as above.
                unsafe { a.subtract(b) }
            }

            #[inline(always)]
            fn add_multiple_sum<T: Real>(sum: &mut T::$name, a: T::$name, b: T::$name) {
                // SAFETY: as above.
                unsafe { sum.add_multiple(a, b) }
            }

            #[inline(always)]
            fn subtract_multiple_sum<T: Real>(sum: &mut T::$name, a: T::$name, b: T::$name) {
                // SAFETY: as above.
                unsafe { sum.subtract_multiple(a, b) }
            }

            #[inline(always)]
            fn scaled<T: Real>(c: T, a: T::$name) -> T::$name {
                // SAFETY: as above.
                unsafe { a.scaled(c) }
            }

            #[inline(always)]
            fn add_scaled_sum<T: Real>(sum: &mut T::$name, c: T, a: T::$name) {
                // SAFETY: as above.
                unsafe { sum.add_scaled_sum(c, a) }
            }

            #[inline(always)]
            fn add_sums<T: Real, const N: usize>(sums: [T::$name; N], to: &mut [T]) {
                // SAFETY: as above.
                unsafe { T::$name::add_sums(sums, to) }
            }

            #[inline(always)]
            fn vectorized<R>(f: impl FnOnce() -> R) -> R {
                // SAFETY: as above. Nobody looks at the processor again: kernels call this for each edge.
                unsafe { $variant::new_unchecked() }.vectorize(Run(f))
            }
        }
    };
}

arithmetic!(Wide, V4);
arithmetic!(Half, V3);
