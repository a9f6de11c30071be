//! Blocks at places that were checked when a plan was made.
//!
//! Places are numbers below lengths that are known with the plan. Functions that follow them check once that there are
//! as many blocks, or make as many themselves (`coupling`: a block for each path and one for those that do not exist).

/// The block at a place.
#[inline(always)]
pub(crate) fn at<B>(blocks: &[B], place: u32) -> &B {
    debug_assert!((place as usize) < blocks.len());
    // SAFETY: see above.
    unsafe { blocks.get_unchecked(place as usize) }
}

/// As [`at`], for places that are computed: as numbers of the size of addresses, parts that are known when compiling
/// become part of the instruction.
#[inline(always)]
pub(crate) fn nth<B>(blocks: &[B], place: usize) -> &B {
    debug_assert!(place < blocks.len());
    // SAFETY: see above.
    unsafe { blocks.get_unchecked(place) }
}

/// As [`nth`].
#[inline(always)]
pub(crate) fn nth_mut<B>(blocks: &mut [B], place: usize) -> &mut B {
    debug_assert!(place < blocks.len());
    // SAFETY: see above.
    unsafe { blocks.get_unchecked_mut(place) }
}

/// As [`at`].
#[inline(always)]
pub(crate) fn at_mut<B>(blocks: &mut [B], place: u32) -> &mut B {
    debug_assert!((place as usize) < blocks.len());
    // SAFETY: see above.
    unsafe { blocks.get_unchecked_mut(place as usize) }
}

/// Some blocks from a place on.
#[inline(always)]
pub(crate) fn from<B>(blocks: &[B], place: u32, num: usize) -> &[B] {
    debug_assert!(place as usize + num <= blocks.len());
    // SAFETY: see above.
    unsafe { blocks.get_unchecked(place as usize..place as usize + num) }
}

/// As [`from`].
#[inline(always)]
pub(crate) fn from_mut<B>(blocks: &mut [B], place: u32, num: usize) -> &mut [B] {
    debug_assert!(place as usize + num <= blocks.len());
    // SAFETY: see above.
    unsafe { blocks.get_unchecked_mut(place as usize..place as usize + num) }
}
