//! What couples the rows of both ends of an edge, and the transpose of that: what the radial part and
//! the weights get.
//!
//! ```text
//! g[pair, |m|] = sum over the paths of the pair  c[path, |m|] w[path] r[l1]
//! q[path] = sum over |m|  c[path, |m|] p[pair, |m|]     p = x'[±m] z'[±m]
//! ```
//!
//! Each function is one pass over all paths of one block of features. None is inlined: they are called
//! from several places.

use super::couple::Factors;
use super::pass::Pass;
use super::plan::{AlignedPath, MOST_ORDERS, Part};
use crate::Real;
use crate::arithmetic::Arithmetic;
use crate::place::{at, at_mut, from, from_mut};

/// Where the paths of a part are, its coefficients `(path, |m|)`, and its gains, one for each |m|.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Places {
    paths: u32,
    num: u32,
    coefficients: u32,
    gains: u32,
}

/// Parts by their number of |m|.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Parts {
    of: [Vec<Places>; MOST_ORDERS],
    /// Numbers of paths, coefficients and gains; places are below.
    lens: [usize; 3],
}

impl Parts {
    pub fn new(parts: &[Part], lens: [usize; 3]) -> Self {
        let mut of: [Vec<Places>; MOST_ORDERS] = Default::default();
        for part in parts {
            let orders = part.orders.len();
            let [paths, coefficients, gains] = lens;
            assert!(part.paths.end <= paths && part.gains + orders <= gains);
            assert!(part.coefficients + orders * part.paths.len() <= coefficients);
            of[orders - 1].push(Places {
                paths: part.paths.start as u32,
                num: part.paths.len() as u32,
                coefficients: part.coefficients as u32,
                gains: part.gains as u32,
            });
        }
        Self { of, lens }
    }

    /// Checks that there is a block at every place.
    fn check<T>(&self, pass: &Pass<'_, T>, paths: usize, gains: usize) {
        assert!(paths >= self.lens[0] && gains >= self.lens[2]);
        assert!(pass.coefficients.len() >= self.lens[1]);
    }
}

/// Calls `$function::<A, T, N>(places, coefficients, ...)` for all parts, with their number of |m|.
macro_rules! for_parts {
    ($pass:ident, $function:ident($($arg:expr),*)) => {
        let parts = &$pass.plan.gain_parts;
        for_parts!(@ $pass, parts, $function($($arg),*), 1 2 3 4);
    };
    (@ $pass:ident, $parts:ident, $function:ident $args:tt, $($n:literal)*) => {
        $(for places in &$parts.of[$n - 1] {
            let num = $n * places.num as usize;
            let c = from(&$pass.coefficients, places.coefficients, num).as_chunks::<$n>().0;
            for_parts!(@call $function, $n, places, c, $args);
        })*
    };
    (@call $function:ident, $n:literal, $places:ident, $c:ident, ($($arg:expr),*)) => {
        $function::<A, T, $n>($places, $c, $($arg),*)
    };
}

/// The gains of all parts, for the sum of the products of weights of paths and filters of degrees.
#[inline(never)]
pub(super) fn gains<A: Arithmetic, T: Real, const NUM: usize>(
    pass: &Pass<'_, T>,
    factors: &[Factors<'_, A::Block<T>>; NUM],
    gains: &mut [A::Block<T>],
) {
    let paths = pass.plan.paths.as_slice();
    pass.plan.gain_parts.check(pass, paths.len(), gains.len());
    for (weights, filter) in factors {
        assert!(weights.len() >= paths.len() && filter.len() >= pass.plan.filter_degrees());
    }
    A::vectorized(
        #[inline(always)]
        || {
            for_parts!(pass, gains_of_part(paths, factors, gains));
        },
    );
}

/// As many |m| at once as registers hold.
#[inline(always)]
fn gains_of_part<A: Arithmetic, T: Real, const N: usize>(
    places: &Places,
    c: &[[T; N]],
    paths: &[AlignedPath],
    factors: &[Factors<'_, A::Block<T>>],
    gains: &mut [A::Block<T>],
) {
    let gains = from_mut(gains, places.gains, N);
    let paths = (from(paths, places.paths, places.num as usize), places.paths);
    if N <= 2 || A::held::<T>() >= 8 {
        combine::<A, T, N, N>(c, paths, factors, gains, 0);
    } else {
        combine::<A, T, N, 2>(c, paths, factors, gains, 0);
        if N == 3 {
            combine::<A, T, N, 1>(c, paths, factors, gains, 2);
        } else {
            combine::<A, T, N, 2>(c, paths, factors, gains, 2);
        }
    }
}

/// `gains[m] = sum over paths of c[path, m] w[path] r[l1]` for M of the N |m|, from `start` on. The products of weight
/// and filter stay in registers: they are formed again for each part, which is faster than to write and read them.
#[inline(always)]
fn combine<A: Arithmetic, T: Real, const N: usize, const M: usize>(
    c: &[[T; N]],
    (paths, first): (&[AlignedPath], u32),
    factors: &[Factors<'_, A::Block<T>>],
    gains: &mut [A::Block<T>],
    start: usize,
) {
    let mut sums = [A::zero(); M];
    for ((c, path), place) in c.iter().zip(paths).zip(first..) {
        let mut product = A::zero();
        for (index, (weights, filter)) in factors.iter().enumerate() {
            let weight = A::load(at(weights, place));
            let filter = A::load(at(filter, path.degree as u32));
            if index == 0 {
                product = A::multiply(weight, filter);
            } else {
                A::add_multiple_sum(&mut product, weight, filter);
            }
        }
        for i in 0..M {
            A::add_scaled_sum(&mut sums[i], c[start + i], product);
        }
    }
    for i in 0..M {
        A::store(sums[i], at_mut(gains, (start + i) as u32));
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

/// Adds what radial part and weights get from the products p of both ends, one for each gain.
#[inline(never)]
pub(super) fn share<A: Arithmetic, T: Real>(
    pass: &Pass<'_, T>,
    products: &[A::Block<T>],
    mut shares: Shares<'_, A::Block<T>>,
) {
    let (paths, parts) = (&pass.plan.paths[..], &pass.plan.gain_parts);
    parts.check(pass, paths.len(), products.len());
    if let Some((weights, radial)) = &shares.radial {
        assert!(weights.len() >= paths.len() && radial.len() >= pass.plan.filter_degrees());
    }
    if let Some((filter, sums)) = &shares.weight {
        assert!(sums.len() >= paths.len() && filter.len() >= pass.plan.filter_degrees());
    }
    A::vectorized(
        #[inline(always)]
        || {
            if let (Some((weights, radial)), Some((filter, sums))) =
                (&mut shares.radial, &mut shares.weight)
            {
                for_parts!(
                    pass,
                    share_both(paths, products, (weights, radial), (filter, sums))
                );
                return;
            }
            if let Some((weights, radial)) = &mut shares.radial {
                for_parts!(pass, share_filter(paths, weights, products, radial));
            }
            if let Some((filter, sums)) = &mut shares.weight {
                for_parts!(pass, share_of_part(paths, filter, products, sums));
            }
        },
    );
}

/// What the filter gets by the paths of a part.
#[inline(always)]
fn share_filter<A: Arithmetic, T: Real, const N: usize>(
    places: &Places,
    c: &[[T; N]],
    paths: &[AlignedPath],
    weights: &[A::Block<T>],
    products: &[A::Block<T>],
    radial: &mut [A::Block<T>],
) {
    let num = places.num as usize;
    let paths = from(paths, places.paths, num);
    let products = held::<A, T, N>(from(products, places.gains, N));
    let weights = from(weights, places.paths, num);
    for ((c, path), weight) in c.iter().zip(paths).zip(weights) {
        let q = of_path::<A, T, N>(c, &products);
        A::accumulate_multiple(at_mut(radial, path.degree as u32), weight, q);
    }
}

/// What filter and weights get by the paths of a part: `q` serves both.
#[inline(always)]
fn share_both<A: Arithmetic, T: Real, const N: usize>(
    places: &Places,
    c: &[[T; N]],
    paths: &[AlignedPath],
    products: &[A::Block<T>],
    (weights, radial): Share<'_, A::Block<T>>,
    (filter, sums): Share<'_, A::Block<T>>,
) {
    let num = places.num as usize;
    let paths = from(paths, places.paths, num);
    let products = held::<A, T, N>(from(products, places.gains, N));
    let weights = from(weights, places.paths, num);
    let sums = from_mut(sums, places.paths, num);
    for (((c, path), weight), sum) in c.iter().zip(paths).zip(weights).zip(sums) {
        let q = of_path::<A, T, N>(c, &products);
        A::accumulate_multiple(sum, at(filter, path.degree as u32), q);
        A::accumulate_multiple(at_mut(radial, path.degree as u32), weight, q);
    }
}

/// What the weights of the paths of a part get.
#[inline(always)]
fn share_of_part<A: Arithmetic, T: Real, const N: usize>(
    places: &Places,
    c: &[[T; N]],
    paths: &[AlignedPath],
    filter: &[A::Block<T>],
    products: &[A::Block<T>],
    sums: &mut [A::Block<T>],
) {
    let num = places.num as usize;
    let paths = from(paths, places.paths, num);
    let products = held::<A, T, N>(from(products, places.gains, N));
    let sums = from_mut(sums, places.paths, num);
    for ((c, path), sum) in c.iter().zip(paths).zip(sums) {
        let q = of_path::<A, T, N>(c, &products);
        A::accumulate_multiple(sum, at(filter, path.degree as u32), q);
    }
}

/// The products of a part in registers.
#[inline(always)]
fn held<A: Arithmetic, T: Real, const N: usize>(products: &[A::Block<T>]) -> [A::Sum<T>; N] {
    let mut held = [A::zero(); N];
    for i in 0..N {
        held[i] = A::load(at(products, i as u32));
    }
    held
}

/// `q[path]`.
#[inline(always)]
fn of_path<A: Arithmetic, T: Real, const N: usize>(
    c: &[T; N],
    products: &[A::Sum<T>; N],
) -> A::Sum<T> {
    let mut q = A::zero();
    for i in 0..N {
        A::add_scaled_sum(&mut q, c[i], products[i]);
    }
    q
}
