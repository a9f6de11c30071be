//! What the instructions for vectors of 512 bits can do beyond the operations that all instructions share.

mod triples;

use std::any::Any;
use std::arch::x86_64::{__m512, __m512d, _MM_HINT_T0};

use pulp::Simd;
use pulp::bytemuck::{Pod, cast, cast_slice};
use pulp::x86::V4;

use super::Wide;

pub(super) use triples::{read_f32, read_f64, write_fours_f32, write_fours_f64};

/// The instructions, if they are those for 512 bits; known when code is compiled for them.
#[inline(always)]
fn as_v4<S: Simd>(simd: S) -> Option<V4> {
    (&simd as &dyn Any).downcast_ref().copied()
}

/// Asks for the line of an address, which may be any, to be brought to the first cache.
#[inline(always)]
pub(super) fn prefetch<S: Simd, T>(simd: S, address: *const T) {
    if let Some(v4) = as_v4(simd) {
        v4.sse._mm_prefetch::<_MM_HINT_T0>(address.cast());
    }
}

/// Whether there are squares to transpose.
#[inline(always)]
pub(super) fn is_v4<S: Simd>(simd: S) -> bool {
    as_v4(simd).is_some()
}

/// Writes 16 vectors of 16 numbers as the first columns of a matrix with rows that begin `width` numbers after each
/// other.
#[inline(always)]
pub(super) fn write_f32<S: Simd>(
    simd: S,
    columns: &[Wide<S, f32>; 16],
    width: usize,
    matrix: &mut [f32],
) {
    let Some(v4) = as_v4(simd) else { return };
    let v4 = v4.avx512f;
    // Of every fourth row from the first, second, third and fourth on: the parts from four columns each.
    let mut parts = [[v4._mm512_setzero_ps(); 4]; 4];
    for i in 0..4 {
        let (a, b): (__m512, __m512) = (cast(columns[4 * i].lanes), cast(columns[4 * i + 1].lanes));
        let (c, d): (__m512, __m512) = (
            cast(columns[4 * i + 2].lanes),
            cast(columns[4 * i + 3].lanes),
        );
        let (ab, cd): (__m512d, __m512d) = (
            cast(v4._mm512_unpacklo_ps(a, b)),
            cast(v4._mm512_unpacklo_ps(c, d)),
        );
        parts[0][i] = cast(v4._mm512_unpacklo_pd(ab, cd));
        parts[1][i] = cast(v4._mm512_unpackhi_pd(ab, cd));
        let (ab, cd): (__m512d, __m512d) = (
            cast(v4._mm512_unpackhi_ps(a, b)),
            cast(v4._mm512_unpackhi_ps(c, d)),
        );
        parts[2][i] = cast(v4._mm512_unpacklo_pd(ab, cd));
        parts[3][i] = cast(v4._mm512_unpackhi_pd(ab, cd));
    }
    for i in 0..4 {
        let [a, b, c, d] = parts[i];
        let (first, second) = (
            v4._mm512_shuffle_f32x4::<0b01_00_01_00>(a, b),
            v4._mm512_shuffle_f32x4::<0b01_00_01_00>(c, d),
        );
        write(
            v4._mm512_shuffle_f32x4::<0b10_00_10_00>(first, second),
            &mut matrix[i * width..],
        );
        write(
            v4._mm512_shuffle_f32x4::<0b11_01_11_01>(first, second),
            &mut matrix[(i + 4) * width..],
        );
        let (first, second) = (
            v4._mm512_shuffle_f32x4::<0b11_10_11_10>(a, b),
            v4._mm512_shuffle_f32x4::<0b11_10_11_10>(c, d),
        );
        write(
            v4._mm512_shuffle_f32x4::<0b10_00_10_00>(first, second),
            &mut matrix[(i + 8) * width..],
        );
        write(
            v4._mm512_shuffle_f32x4::<0b11_01_11_01>(first, second),
            &mut matrix[(i + 12) * width..],
        );
    }
}

/// Writes 8 vectors of 8 numbers as the first columns of a matrix with rows that begin `width` numbers after each
/// other.
#[inline(always)]
pub(super) fn write_f64<S: Simd>(
    simd: S,
    columns: &[Wide<S, f64>; 8],
    width: usize,
    matrix: &mut [f64],
) {
    let Some(v4) = as_v4(simd) else { return };
    let v4 = v4.avx512f;
    // Of the even and of the odd rows: the parts from two columns each.
    let mut parts = [[v4._mm512_setzero_pd(); 4]; 2];
    for i in 0..4 {
        let (a, b) = (cast(columns[2 * i].lanes), cast(columns[2 * i + 1].lanes));
        parts[0][i] = v4._mm512_unpacklo_pd(a, b);
        parts[1][i] = v4._mm512_unpackhi_pd(a, b);
    }
    for i in 0..2 {
        let [a, b, c, d] = parts[i];
        let (first, second) = (
            v4._mm512_shuffle_f64x2::<0b01_00_01_00>(a, b),
            v4._mm512_shuffle_f64x2::<0b01_00_01_00>(c, d),
        );
        write(
            v4._mm512_shuffle_f64x2::<0b10_00_10_00>(first, second),
            &mut matrix[i * width..],
        );
        write(
            v4._mm512_shuffle_f64x2::<0b11_01_11_01>(first, second),
            &mut matrix[(i + 2) * width..],
        );
        let (first, second) = (
            v4._mm512_shuffle_f64x2::<0b11_10_11_10>(a, b),
            v4._mm512_shuffle_f64x2::<0b11_10_11_10>(c, d),
        );
        write(
            v4._mm512_shuffle_f64x2::<0b10_00_10_00>(first, second),
            &mut matrix[(i + 4) * width..],
        );
        write(
            v4._mm512_shuffle_f64x2::<0b11_01_11_01>(first, second),
            &mut matrix[(i + 6) * width..],
        );
    }
}

/// Writes a vector to the front.
#[inline(always)]
fn write<V: Pod, T: Pod>(vector: V, numbers: &mut [T]) {
    let vector: &[T] = cast_slice(std::slice::from_ref(&vector));
    numbers[..vector.len()].copy_from_slice(vector);
}
