//! Memory that is asked for before it is needed.

use std::ops::Range;

/// Bytes of a line of the cache.
const LINE: usize = 64;

/// Most ranges of memory at a time.
const RANGES: usize = 12;

/// Ranges of memory that will be read or written later, asked for little by little, one after the other.
pub(crate) struct Ahead {
    /// What is left of the first range.
    next: *const u8,
    lines: usize,
    /// Start and lines of the others, the last one first.
    rest: [(*const u8, usize); RANGES],
    num_rest: usize,
    steps: usize,
    lines_per_step: usize,
}

impl Ahead {
    /// Nothing so far.
    pub fn new(steps: usize) -> Self {
        Self {
            next: std::ptr::null(),
            lines: 0,
            rest: [(std::ptr::null(), 0); RANGES],
            num_rest: 0,
            steps: steps.max(1),
            lines_per_step: 0,
        }
    }

    /// Adds a part of some numbers; nothing if there are not that many, or too many ranges.
    pub fn add<T>(&mut self, numbers: &[T], part: Range<usize>) {
        let part = numbers.get(part).unwrap_or_default();
        let lines = size_of_val(part).div_ceil(LINE);
        if lines > 0
            && let Some(rest) = self.rest.get_mut(self.num_rest)
        {
            *rest = (part.as_ptr().cast(), lines);
            self.num_rest += 1;
        }
    }

    /// Ready for the first step.
    pub fn start(mut self) -> Self {
        let lines = self.rest[..self.num_rest].iter().map(|&(_, lines)| lines);
        self.lines_per_step = lines.sum::<usize>().div_ceil(self.steps);
        self
    }

    /// Asks for the next lines to be brought to the second cache, if there is an instruction for it.
    #[inline(always)]
    pub fn step(&mut self) {
        for _ in 0..self.lines_per_step {
            if self.lines == 0 {
                if self.num_rest == 0 {
                    return;
                }
                self.num_rest -= 1;
                (self.next, self.lines) = self.rest[self.num_rest];
            }
            #[cfg(target_arch = "x86_64")]
            {
                use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
                // SAFETY: a prefetch may be of any address.
                unsafe { _mm_prefetch::<_MM_HINT_T1>(self.next.cast()) };
            }
            self.next = self.next.wrapping_add(LINE);
            self.lines -= 1;
        }
    }
}
