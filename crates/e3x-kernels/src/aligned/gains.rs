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
use super::plan::{AlignedPath, Part};
use crate::Real;
use crate::arithmetic::Arithmetic;

/// Calls `$function::<A, T, N>(...)` with the number of |m| of a part.
macro_rules! for_orders {
    ($part:expr, $function:ident($($arg:expr),*)) => {
        match $part.orders.len() {
            1 => $function::<A, T, 1>($($arg),*),
            2 => $function::<A, T, 2>($($arg),*),
            3 => $function::<A, T, 3>($($arg),*),
            _ => $function::<A, T, 4>($($arg),*),
        }
    };
}

/// The gains of all parts, for the sum of the products of weights of paths and filters of degrees.
#[inline(never)]
pub(super) fn gains<A: Arithmetic, T: Real>(
    pass: &Pass<'_, T>,
    factors: &[Factors<'_, A::Block<T>>],
    gains: &mut [A::Block<T>],
) {
    A::vectorized(
        #[inline(always)]
        || {
            for part in &pass.plan.parts {
                let (c, paths) = pass.part(part);
                let gains = &mut gains[part.gains..];
                for_orders!(part, gains_of_part(part, c, paths, factors, gains));
            }
        },
    );
}

#[inline(always)]
fn gains_of_part<A: Arithmetic, T: Real, const N: usize>(
    part: &Part,
    c: &[T],
    paths: &[AlignedPath],
    factors: &[Factors<'_, A::Block<T>>],
    gains: &mut [A::Block<T>],
) {
    let mut sums = [A::zero(); N];
    let (c, _) = c[..paths.len() * N].as_chunks::<N>();
    for (weights, filter) in factors {
        let weights = &weights[part.paths.clone()];
        for ((c, path), weight) in c.iter().zip(paths).zip(weights) {
            let mut product = A::zero();
            A::add_product(&mut product, weight, &filter[path.degree]);
            for i in 0..N {
                A::add_scaled_sum(&mut sums[i], c[i], product);
            }
        }
    }
    let gains = &mut gains[..N];
    for i in 0..N {
        A::store(sums[i], &mut gains[i]);
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

/// Adds what radial part and weights get from the products of rows of the input and of the output in the
/// frame, the sum over all `ends`.
#[inline(never)]
pub(super) fn products<A: Arithmetic, T: Real>(
    pass: &Pass<'_, T>,
    ends: &[Factors<'_, A::Block<T>>],
    mut shares: Shares<'_, A::Block<T>>,
) {
    A::vectorized(
        #[inline(always)]
        || {
            for part in &pass.plan.parts {
                let (c, paths) = pass.part(part);
                for_orders!(part, products_of_part(part, c, paths, ends, &mut shares));
            }
        },
    );
}

#[inline(always)]
fn products_of_part<A: Arithmetic, T: Real, const N: usize>(
    part: &Part,
    c: &[T],
    paths: &[AlignedPath],
    ends: &[Factors<'_, A::Block<T>>],
    shares: &mut Shares<'_, A::Block<T>>,
) {
    let mut p = [A::zero(); N];
    for (x, z) in ends {
        for i in 0..N {
            let m = part.orders.start + i;
            let (z_plus, z_minus) = (&z[part.z + m], &z[part.z - m]);
            if part.odd {
                A::add_product(&mut p[i], &x[part.x - m], z_plus);
                A::subtract_product(&mut p[i], &x[part.x + m], z_minus);
            } else {
                A::add_product(&mut p[i], &x[part.x + m], z_plus);
                if m > 0 {
                    A::add_product(&mut p[i], &x[part.x - m], z_minus);
                }
            }
        }
    }
    let (c, _) = c[..paths.len() * N].as_chunks::<N>();
    for ((c, path), i) in c.iter().zip(paths).zip(part.paths.clone()) {
        let mut q = A::zero();
        for i in 0..N {
            A::add_scaled_sum(&mut q, c[i], p[i]);
        }
        if let Some((weights, radial)) = &mut shares.radial {
            A::accumulate_multiple(&mut radial[path.degree], &weights[i], q);
        }
        if let Some((filter, sums)) = &mut shares.weight {
            A::accumulate_multiple(&mut sums[i], &filter[path.degree], q);
        }
    }
}
