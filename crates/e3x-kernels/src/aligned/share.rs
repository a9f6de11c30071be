//! The transpose of coupling: what the radial part and the weights get from the rows of both ends of an edge.
//!
//! ```text
//! q[path] = sum over |m|  c[path, |m|] p[|m|]
//! p[|m|] = x'[m] z'[m] + x'[-m] z'[-m]     or, if l1 + l2 + l3 is odd,     x'[-m] z'[m] - x'[m] z'[-m]
//! ```
//!
//! Pair by pair: the products p of a pair stay in registers for all of its paths.

use super::parts::{Lens, Part};
use super::plan::Side;
use crate::Real;
use crate::arithmetic::Arithmetic;
use crate::place::{from, nth, nth_mut};

/// Most |m| of a part.
const MOST: usize = 7;

/// All parts by their kind.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Products {
    /// Those whose |m| start at the lowest one that there is, and those of higher |m|.
    low: [Vec<Part>; 2 * MOST],
    high: [Vec<Part>; 2 * MOST],
    /// Those of the parts.
    pub coefficients: Vec<f64>,
    lens: Lens,
}

impl Products {
    pub fn new([input, output]: [&Side; 2], pairs: &[Part], of_pairs: &[f64]) -> Self {
        let mut products = Self::default();
        for pair in pairs {
            for part in pair.split(MOST, of_pairs, &mut products.coefficients) {
                let lists = if part.first == 0 {
                    &mut products.low
                } else {
                    &mut products.high
                };
                lists[part.kind as usize].push(part);
            }
        }
        let rows = [input.local_rows, output.local_rows];
        let parts = products.low.iter().chain(&products.high).flatten();
        products.lens = Lens::new(parts, rows, products.coefficients.len());
        products
    }
}

/// Factors of products, and what the products are added to.
type Share<'a, B> = (&'a [B], &'a mut [B]);

/// Where the products of paths go.
pub(super) struct Shares<'a, B> {
    /// `radial[l1] += w[path] q[path]`: weights and radial part.
    pub radial: Option<Share<'a, B>>,
    /// `weight[path] += r[l1] q[path]`: filter and sums of the weights.
    pub weight: Option<Share<'a, B>>,
}

/// Rows of the input and of the output, in the frame.
pub(super) type Ends<'a, B> = (&'a [B], &'a [B]);

/// Calls `share_part` for all parts, with the constants of their kind.
macro_rules! for_parts {
    ($products:ident, $args:tt) => {
        for_parts!(@each $products.low, true, $args);
        for_parts!(@each $products.high, false, $args);
    };
    (@each $lists:expr, $lowest:literal, $args:tt) => {
        for_parts!(@list $lists, $lowest, $args,
            0 false 1, 1 true 1, 2 false 2, 3 true 2, 4 false 3, 5 true 3, 6 false 4, 7 true 4,
            8 false 5, 9 true 5, 10 false 6, 11 true 6, 12 false 7, 13 true 7)
    };
    (@list $lists:expr, $lowest:literal, $args:tt, $($kind:literal $odd:literal $n:literal),*) => {
        $(for part in &$lists[$kind] {
            for_parts!(@call $lowest, $odd, $n, part, $args);
        })*
    };
    (@call $lowest:literal, $odd:literal, $n:literal, $part:ident, ($($arg:expr),*)) => {
        share_part::<A, T, $lowest, $odd, $n>($part, $($arg),*)
    };
}

/// Adds what radial part and weights get from one pair of ends, or from the sum over two; `c` are the coefficients of
/// the products.
#[inline(never)]
pub(super) fn share<A: Arithmetic, T: Real>(
    (products, c): (&Products, &[T]),
    ends: Ends<'_, A::Block<T>>,
    others: Option<Ends<'_, A::Block<T>>>,
    mut shares: Shares<'_, A::Block<T>>,
) {
    let lens = &products.lens;
    for (x, z) in [Some(ends), others].into_iter().flatten() {
        assert!(x.len() >= lens.rows[0] && z.len() >= lens.rows[1]);
    }
    let (paths, degrees) = (lens.paths, lens.degrees);
    if let Some((weights, radial)) = &shares.radial {
        assert!(weights.len() >= paths && radial.len() >= degrees);
    }
    if let Some((filter, sums)) = &shares.weight {
        assert!(sums.len() >= paths && filter.len() >= degrees);
    }
    assert_eq!(c.len(), lens.coefficients);
    A::vectorized(
        #[inline(always)]
        || {
            for_parts!(products, (c, ends, others, &mut shares));
        },
    );
}

/// LOWEST: |m| start from the lowest possible one.
#[inline(always)]
fn share_part<A: Arithmetic, T: Real, const LOWEST: bool, const ODD: bool, const N: usize>(
    part: &Part,
    c: &[T],
    ends: Ends<'_, A::Block<T>>,
    others: Option<Ends<'_, A::Block<T>>>,
    shares: &mut Shares<'_, A::Block<T>>,
) {
    let mut products = products::<A, T, LOWEST, ODD, N>(part, ends);
    if let Some(others) = others {
        let others = self::products::<A, T, LOWEST, ODD, N>(part, others);
        for i in 0..N {
            products[i] = A::add(products[i], others[i]);
        }
    }
    let num = part.num as usize;
    let c = from(c, part.coefficients, N * num).as_chunks::<N>().0;
    let mut degree = part.degree as usize;
    for (path, c) in (part.path as usize..).zip(c) {
        let mut q = A::scaled(c[0], products[0]);
        for i in 1..N {
            A::add_scaled_sum(&mut q, c[i], products[i]);
        }
        if let Some((filter, sums)) = &mut shares.weight {
            A::accumulate_multiple(nth_mut(sums, path), nth(filter, degree), q);
        }
        if let Some((weights, radial)) = &mut shares.radial {
            A::accumulate_multiple(nth_mut(radial, degree), nth(weights, path), q);
        }
        degree += 2;
    }
}

/// The products of rows, one for each |m|.
#[inline(always)]
fn products<A: Arithmetic, T: Real, const LOWEST: bool, const ODD: bool, const N: usize>(
    part: &Part,
    (x, z): Ends<'_, A::Block<T>>,
) -> [A::Sum<T>; N] {
    let first = if LOWEST {
        usize::from(ODD)
    } else {
        part.first as usize
    };
    let mut products = [A::zero(); N];
    for i in 0..N {
        let m = first + i;
        let [[x, mirrored_x], [z, mirrored_z]] =
            [(x, part.x), (z, part.z)].map(|(rows, center)| {
                [
                    nth(rows, center as usize + m),
                    nth(rows, center as usize - m),
                ]
            });
        if ODD {
            products[i] = A::multiply(A::load(mirrored_x), A::load(z));
            A::subtract_product(&mut products[i], x, mirrored_z);
        } else {
            products[i] = A::multiply(A::load(x), A::load(z));
            if !(LOWEST && i == 0) {
                A::add_product(&mut products[i], mirrored_x, mirrored_z);
            }
        }
    }
    products
}
