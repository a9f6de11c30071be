//! Between rows of three or four numbers and vectors of components.

use std::arch::x86_64::{__m512, __m512d, __m512i};

use pulp::Simd;
use pulp::bytemuck::{cast, cast_slice};

use super::{as_v4, write};

/// The numbers `component`, `component + 3`, ... of three vectors of 16, in two steps: where they are in the first two
/// vectors, and in those together with the third.
const fn every_third_of_16(component: usize) -> [[u32; 16]; 2] {
    let mut steps = [[0; 16]; 2];
    let mut i = 0;
    while i < 16 {
        let source = (3 * i + component) as u32;
        let is_in_third = source >= 32;
        steps[0][i] = if is_in_third { 0 } else { source };
        steps[1][i] = if is_in_third { source - 16 } else { i as u32 };
        i += 1;
    }
    steps
}

/// As [`every_third_of_16`] for vectors of 8.
const fn every_third_of_8(component: usize) -> [[u64; 8]; 2] {
    let mut steps = [[0; 8]; 2];
    let mut i = 0;
    while i < 8 {
        let source = (3 * i + component) as u64;
        let is_in_third = source >= 16;
        steps[0][i] = if is_in_third { 0 } else { source };
        steps[1][i] = if is_in_third { source - 8 } else { i as u64 };
        i += 1;
    }
    steps
}

/// The components of 16 points.
#[inline(always)]
pub(in crate::simd) fn read_f32<S: Simd>(simd: S, points: &[[f32; 3]]) -> Option<[S::f32s; 3]> {
    const STEPS: [[[u32; 16]; 2]; 3] = [
        every_third_of_16(0),
        every_third_of_16(1),
        every_third_of_16(2),
    ];
    let v4 = as_v4(simd)?.avx512f;
    let numbers: &[[f32; 16]] = cast_slice(points.first_chunk::<16>()?.as_slice());
    let [a, b, c]: [__m512; 3] = [cast(numbers[0]), cast(numbers[1]), cast(numbers[2])];
    let mut components = [a; 3];
    for (component, [first, second]) in components.iter_mut().zip(STEPS) {
        let (first, second): (__m512i, __m512i) = (cast(first), cast(second));
        let of_two = v4._mm512_permutex2var_ps(a, first, b);
        *component = v4._mm512_permutex2var_ps(of_two, second, c);
    }
    Some([
        cast(components[0]),
        cast(components[1]),
        cast(components[2]),
    ])
}

/// The components of 8 points.
#[inline(always)]
pub(in crate::simd) fn read_f64<S: Simd>(simd: S, points: &[[f64; 3]]) -> Option<[S::f64s; 3]> {
    const STEPS: [[[u64; 8]; 2]; 3] = [
        every_third_of_8(0),
        every_third_of_8(1),
        every_third_of_8(2),
    ];
    let v4 = as_v4(simd)?.avx512f;
    let numbers: &[[f64; 8]] = cast_slice(points.first_chunk::<8>()?.as_slice());
    let [a, b, c]: [__m512d; 3] = [cast(numbers[0]), cast(numbers[1]), cast(numbers[2])];
    let mut components = [a; 3];
    for (component, [first, second]) in components.iter_mut().zip(STEPS) {
        let (first, second): (__m512i, __m512i) = (cast(first), cast(second));
        let of_two = v4._mm512_permutex2var_pd(a, first, b);
        *component = v4._mm512_permutex2var_pd(of_two, second, c);
    }
    Some([
        cast(components[0]),
        cast(components[1]),
        cast(components[2]),
    ])
}

/// Writes four vectors as the columns of 16 rows.
#[inline(always)]
pub(in crate::simd) fn write_fours_f32<S: Simd>(simd: S, columns: [S::f32s; 4], rows: &mut [f32]) {
    const LOW: [u32; 16] = [0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23];
    const HIGH: [u32; 16] = [8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31];
    let Some(v4) = as_v4(simd) else { return };
    let v4 = v4.avx512f;
    let [a, b, c, d]: [__m512; 4] = columns.map(cast);
    let (low, high): (__m512i, __m512i) = (cast(LOW), cast(HIGH));
    let pairs = [
        [
            v4._mm512_permutex2var_ps(a, low, b),
            v4._mm512_permutex2var_ps(c, low, d),
        ],
        [
            v4._mm512_permutex2var_ps(a, high, b),
            v4._mm512_permutex2var_ps(c, high, d),
        ],
    ];
    // Pairs of numbers are interleaved as the numbers of vectors of eight are.
    let (low, high): (__m512i, __m512i) = (cast(LOW_OF_8), cast(HIGH_OF_8));
    for (half, [ab, cd]) in pairs.into_iter().enumerate() {
        let (ab, cd): (__m512d, __m512d) = (cast(ab), cast(cd));
        write(
            v4._mm512_permutex2var_pd(ab, low, cd),
            &mut rows[32 * half..],
        );
        write(
            v4._mm512_permutex2var_pd(ab, high, cd),
            &mut rows[32 * half + 16..],
        );
    }
}

/// The first four numbers of two vectors, one from each in turn.
const LOW_OF_8: [u64; 8] = [0, 8, 1, 9, 2, 10, 3, 11];
/// The last four numbers of two vectors, one from each in turn.
const HIGH_OF_8: [u64; 8] = [4, 12, 5, 13, 6, 14, 7, 15];

/// Writes four vectors as the columns of 8 rows.
#[inline(always)]
pub(in crate::simd) fn write_fours_f64<S: Simd>(simd: S, columns: [S::f64s; 4], rows: &mut [f64]) {
    const FIRST: [u64; 8] = [0, 1, 8, 9, 2, 3, 10, 11];
    const SECOND: [u64; 8] = [4, 5, 12, 13, 6, 7, 14, 15];
    let Some(v4) = as_v4(simd) else { return };
    let v4 = v4.avx512f;
    let [a, b, c, d]: [__m512d; 4] = columns.map(cast);
    let (low, high): (__m512i, __m512i) = (cast(LOW_OF_8), cast(HIGH_OF_8));
    let pairs = [
        [
            v4._mm512_permutex2var_pd(a, low, b),
            v4._mm512_permutex2var_pd(c, low, d),
        ],
        [
            v4._mm512_permutex2var_pd(a, high, b),
            v4._mm512_permutex2var_pd(c, high, d),
        ],
    ];
    let (first, second): (__m512i, __m512i) = (cast(FIRST), cast(SECOND));
    for (half, [ab, cd]) in pairs.into_iter().enumerate() {
        write(
            v4._mm512_permutex2var_pd(ab, first, cd),
            &mut rows[16 * half..],
        );
        write(
            v4._mm512_permutex2var_pd(ab, second, cd),
            &mut rows[16 * half + 8..],
        );
    }
}
