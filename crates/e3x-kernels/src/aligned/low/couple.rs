//! All irreps of one end, one block of features.

use super::pair::{Degrees, Shared};
use super::turn::{turn, turn_back};
use super::{End, FILTERS, Pair, Target};
use crate::Real;
use crate::aligned::pass::{Rows, RowsMut};
use crate::arithmetic::Arithmetic;

/// Calls `$function::<A, T, L, ROWS>(target, ...)` for all irreps, L and ROWS being their degree and number of entries.
macro_rules! for_irreps {
    ($end:expr, $function:ident($($arg:expr),*)) => {
        for parity in 0..$end.parities {
            let of_parity = &$end.targets[parity * $end.degrees..][..$end.degrees];
            if let [target, ..] = of_parity {
                $function::<A, T, 0, 1>(target, $($arg),*);
            }
            if let [_, target, ..] = of_parity {
                $function::<A, T, 1, 3>(target, $($arg),*);
            }
            if let [_, _, target] = of_parity {
                $function::<A, T, 2, 5>(target, $($arg),*);
            }
        }
    };
}

/// Calls `$function::<A, T, L, OTHER, ODD, ROWS>(pair, ...)` for all pairs of a target.
macro_rules! for_pairs {
    ($target:expr, $function:ident $args:tt) => {
        for_pairs!(@one 0, 0, false, $target, $function $args);
        for_pairs!(@one 1, 1, false, $target, $function $args);
        for_pairs!(@one 2, 2, false, $target, $function $args);
        if L > 0 {
            for_pairs!(@one 3, 1, true, $target, $function $args);
            for_pairs!(@one 4, 2, true, $target, $function $args);
        }
    };
    (@one $pair:literal, $other:literal, $odd:literal, $target:expr, $function:ident($($arg:expr),*)) => {
        if $target.pairs[$pair].num > 0 {
            $function::<A, T, L, $other, $odd, ROWS>(&$target.pairs[$pair], $($arg),*);
        }
    };
}

/// Calls `$function::<A, T, ROWS, TURNED>(...)` where TURNED is the number of entries up to a reach.
macro_rules! with_reach {
    ($reach:expr, $function:ident $args:tt) => {
        if $reach == L {
            with_reach!(@call $function, ROWS, $args);
        } else if $reach == 0 {
            with_reach!(@call $function, 1, $args);
        } else {
            with_reach!(@call $function, 3, $args);
        }
    };
    (@call $function:ident, $turned:tt, ($($arg:expr),*)) => {
        $function::<A, T, ROWS, $turned>($($arg),*);
    };
}

/// Turns all irreps into the frame, all entries that what turns them takes if `widened`.
#[inline(always)]
pub(super) fn into_frame<A: Arithmetic, T: Real>(
    end: &End,
    frame: &[T],
    (x, block): (Rows<'_, T>, usize),
    local: &mut [A::Block<T>],
    widened: bool,
) {
    for_irreps!(end, turn_irrep(frame, (x, block), local, widened));
}

#[inline(always)]
fn turn_irrep<A: Arithmetic, T: Real, const L: usize, const ROWS: usize>(
    target: &Target,
    frame: &[T],
    (x, block): (Rows<'_, T>, usize),
    local: &mut [A::Block<T>],
    widened: bool,
) {
    let x = (x.of(target.row, block), x.stride);
    let reach = if widened { target.around } else { target.reach };
    let local = &mut local[target.center - reach..];
    with_reach!(reach, turn(frame, x, local));
}

/// Where derivatives with respect to the features of one end go.
pub(super) struct Results<'a, T, B> {
    /// In the frame, if somebody asks for them there.
    pub local: Option<&'a mut [B]>,
    /// Matrices of the edge and rows of the node.
    pub rows: Option<(&'a [T], RowsMut<'a, T>)>,
}

impl<T, B> Results<'_, T, B> {
    #[inline(always)]
    pub fn none() -> Self {
        Self {
            local: None,
            rows: None,
        }
    }
}

/// Writes the middle rows.
#[inline(always)]
fn store<A: Arithmetic, T: Real, const ROWS: usize, const TURNED: usize>(
    sums: &[A::Sum<T>; ROWS],
    local: &mut [A::Block<T>],
) {
    let local = &mut local[..TURNED];
    for m in 0..TURNED {
        A::store(sums[(ROWS - TURNED) / 2 + m], &mut local[m]);
    }
}

/// Writes what an irrep got.
#[inline(always)]
fn write<A: Arithmetic, T: Real, const L: usize, const ROWS: usize>(
    target: &Target,
    sums: &[A::Sum<T>; ROWS],
    to: &mut Results<'_, T, A::Block<T>>,
) {
    if let Some(local) = &mut to.local {
        let local = &mut local[target.center - target.reach..];
        with_reach!(target.reach, store(sums, local));
    }
    if let Some((frame, rows)) = &mut to.rows {
        let stride = rows.stride;
        let numbers = &mut rows.numbers[target.row * stride..];
        with_reach!(target.reach, turn_back(frame, sums, numbers, stride));
    }
}

/// From the input to the output.
#[inline(always)]
pub(super) fn forth<A: Arithmetic, T: Real>(
    end: &End,
    shared: &Shared<'_, T, A>,
    local_x: &[A::Block<T>],
    to: &mut Results<'_, T, A::Block<T>>,
) {
    // What the places of pairs are below; those of the table were checked when the plan was made.
    assert!(local_x.len() >= end.others);
    for_irreps!(end, forth_irrep(shared, local_x, to));
}

#[inline(always)]
fn forth_irrep<A: Arithmetic, T: Real, const L: usize, const ROWS: usize>(
    target: &Target,
    shared: &Shared<'_, T, A>,
    local_x: &[A::Block<T>],
    to: &mut Results<'_, T, A::Block<T>>,
) {
    let mut sums = [A::zero(); ROWS];
    for_pairs!(target, forth_pair(shared, local_x, &mut sums));
    write::<A, T, L, ROWS>(target, &sums, to);
}

#[inline(always)]
fn forth_pair<
    A: Arithmetic,
    T: Real,
    const L: usize,
    const OTHER: usize,
    const ODD: bool,
    const ROWS: usize,
>(
    pair: &Pair,
    shared: &Shared<'_, T, A>,
    local_x: &[A::Block<T>],
    sums: &mut [A::Sum<T>; ROWS],
) {
    Degrees::<L, OTHER, ODD>::add::<T, A, ROWS, false>(shared, pair, local_x, sums);
}

/// What goes back from the output.
pub(super) struct Backward<'a, T: Real, A: Arithmetic> {
    pub local_x: &'a [A::Block<T>],
    pub local_z: &'a [A::Block<T>],
    /// Whether the input gets something.
    pub input: bool,
    /// What the filter and the weights get.
    pub radial: Option<[A::Sum<T>; FILTERS]>,
    pub weights: Option<&'a mut [A::Block<T>]>,
}

/// From the output to the input, the filter and the weights.
#[inline(always)]
pub(super) fn back<A: Arithmetic, T: Real>(
    end: &End,
    shared: &Shared<'_, T, A>,
    backward: &mut Backward<'_, T, A>,
    to: &mut Results<'_, T, A::Block<T>>,
) {
    assert!(backward.local_z.len() >= end.others && backward.local_x.len() >= end.rows);
    for_irreps!(end, back_irrep(shared, backward, to));
}

#[inline(always)]
fn back_irrep<A: Arithmetic, T: Real, const L: usize, const ROWS: usize>(
    target: &Target,
    shared: &Shared<'_, T, A>,
    backward: &mut Backward<'_, T, A>,
    to: &mut Results<'_, T, A::Block<T>>,
) {
    let mut sums = [A::zero(); ROWS];
    for_pairs!(
        target,
        back_pair(shared, target.center, backward, &mut sums)
    );
    if backward.input {
        write::<A, T, L, ROWS>(target, &sums, to);
    }
}

#[inline(always)]
fn back_pair<
    A: Arithmetic,
    T: Real,
    const L: usize,
    const OTHER: usize,
    const ODD: bool,
    const ROWS: usize,
>(
    pair: &Pair,
    shared: &Shared<'_, T, A>,
    center: usize,
    backward: &mut Backward<'_, T, A>,
    sums: &mut [A::Sum<T>; ROWS],
) {
    let local_z = backward.local_z;
    if backward.input {
        Degrees::<L, OTHER, ODD>::add::<T, A, ROWS, true>(shared, pair, local_z, sums);
    }
    if backward.radial.is_none() && backward.weights.is_none() {
        return;
    }
    let own = (backward.local_x, center as u32);
    let products = Degrees::<L, OTHER, ODD>::products::<T, A>(own, (local_z, pair.other));
    if let Some(radial) = &mut backward.radial {
        Degrees::<L, OTHER, ODD>::share_filter(shared, pair, &products, radial);
    }
    if let Some(weights) = &mut backward.weights {
        Degrees::<L, OTHER, ODD>::share_weights(shared, pair, &products, weights);
    }
}
