//! Memory that is asked for before it is needed.

use std::ops::Range;

/// Bytes of a line of the cache.
const LINE: usize = 64;

/// Numbers that will be read later, asked for little by little.
#[derive(Clone, Copy)]
pub(crate) struct Ahead {
    next: *const u8,
    lines_per_step: usize,
}

impl Ahead {
    /// Of a part of some numbers, in some steps; of nothing if there are not that many.
    pub fn new<T>(numbers: &[T], part: Range<usize>, steps: usize) -> Self {
        let part = numbers.get(part).unwrap_or_default();
        Self {
            next: part.as_ptr().cast(),
            lines_per_step: size_of_val(part).div_ceil(LINE).div_ceil(steps.max(1)),
        }
    }

    /// Asks for the next lines to be brought to the second cache, if there is an instruction for it.
    #[inline(always)]
    pub fn step(&mut self) {
        for _ in 0..self.lines_per_step {
            #[cfg(target_arch = "x86_64")]
            {
                use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
                // SAFETY: a prefetch may be of any address.
                unsafe { _mm_prefetch::<_MM_HINT_T1>(self.next.cast()) };
            }
            self.next = self.next.wrapping_add(LINE);
        }
    }
}
