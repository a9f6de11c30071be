//! Complex products of entries of the factors, and what their derivatives add to the factors.

use super::program::{Kind, Product};
use super::tile::{Row, row, row_mut};
use crate::Real;
use crate::arithmetic::Arithmetic;
use crate::lanes::Lanes;

/// Numbers that are computed together for each part of a product: channels (pairs of parities of the
/// factors) times items.
pub(super) const N: usize = 8;

/// `x y` for all pairs of parities.
#[inline(always)]
fn product<T, A, const P1: usize, const P2: usize, const NI: usize>(
    x: &Row<T, P1, NI>,
    y: &Row<T, P2, NI>,
) -> [A::Sum<T>; N]
where
    T: Real,
    A: Arithmetic<Block<T> = Lanes<T>>,
{
    let mut products = [A::zero::<T>(); N];
    for n in 0..N {
        let (p1, p2, i) = (n / (P2 * NI), n / NI % P2, n % NI);
        products[n] = A::multiply(A::load(&x[p1][i]), A::load(&y[p2][i]));
    }
    products
}

/// `sum += x y` (or `-= x y`) for all pairs of parities.
#[inline(always)]
fn add<T, A, const P1: usize, const P2: usize, const NI: usize>(
    sum: &mut [A::Sum<T>; N],
    negative: bool,
    x: &Row<T, P1, NI>,
    y: &Row<T, P2, NI>,
) where
    T: Real,
    A: Arithmetic<Block<T> = Lanes<T>>,
{
    for n in 0..N {
        let (p1, p2, i) = (n / (P2 * NI), n / NI % P2, n % NI);
        if negative {
            A::subtract_product(&mut sum[n], &x[p1][i], &y[p2][i]);
        } else {
            A::add_product(&mut sum[n], &x[p1][i], &y[p2][i]);
        }
    }
}

/// The product of two entries, `PARTS` parts of it.
#[inline(always)]
pub(super) fn multiply<
    T,
    A,
    const P1: usize,
    const P2: usize,
    const NI: usize,
    const PARTS: usize,
>(
    kind: Kind,
    at: &Product,
    x: &[Lanes<T>],
    y: &[Lanes<T>],
) -> [[A::Sum<T>; N]; PARTS]
where
    T: Real,
    A: Arithmetic<Block<T> = Lanes<T>>,
{
    let [c1, s1] = at.first.map(|at| row::<T, P1, NI>(x, at));
    let [c2, s2] = at.second.map(|at| row::<T, P2, NI>(y, at));
    let mut products = [[A::zero::<T>(); N]; PARTS];
    if kind == Kind::ImaginaryPart {
        products[0] = product::<T, A, P1, P2, NI>(s1, c2);
        add::<T, A, P1, P2, NI>(&mut products[0], true, c1, s2);
        return products;
    }
    products[0] = product::<T, A, P1, P2, NI>(c1, c2);
    if !matches!(kind, Kind::Real | Kind::RealFirst | Kind::RealSecond) {
        add::<T, A, P1, P2, NI>(&mut products[0], kind == Kind::Plain, s1, s2);
    }
    if PARTS == 2 {
        let imaginary = &mut products[PARTS - 1];
        if kind == Kind::RealFirst || kind == Kind::FirstConjugate {
            *imaginary = product::<T, A, P1, P2, NI>(c1, s2);
        } else {
            *imaginary = product::<T, A, P1, P2, NI>(s1, c2);
        }
        match kind {
            Kind::Plain => add::<T, A, P1, P2, NI>(imaginary, false, c1, s2),
            Kind::FirstConjugate => add::<T, A, P1, P2, NI>(imaginary, true, s1, c2),
            Kind::SecondConjugate => add::<T, A, P1, P2, NI>(imaginary, true, c1, s2),
            _ => {}
        }
    }
    products
}

/// What is added to an entry: a factor of the other side times a derivative with respect to a part, with a
/// sign.
type Term<'a, T, A, const Q: usize, const NI: usize> =
    (bool, &'a Row<T, Q, NI>, &'a [<A as Arithmetic>::Sum<T>; N]);

/// `to[p] += other[q] grad[p, q]` (or `-=`), summed over the parities q of the other factor, which stand
/// `strides[1]` apart among the gradients, those of this factor `strides[0]`.
#[inline(always)]
fn add_to<T, A, const P: usize, const Q: usize, const NI: usize, const TERMS: usize>(
    to: &mut Row<T, P, NI>,
    strides: [usize; 2],
    terms: [Term<'_, T, A, Q, NI>; TERMS],
) where
    T: Real,
    A: Arithmetic<Block<T> = Lanes<T>>,
{
    for p in 0..P {
        for i in 0..NI {
            let mut sum = A::load(&to[p][i]);
            for t in 0..TERMS {
                let (negative, other, grad) = terms[t];
                for q in 0..Q {
                    let grad = grad[p * strides[0] + q * strides[1] + i];
                    if negative {
                        A::subtract_multiple(&mut sum, &other[q][i], grad);
                    } else {
                        A::add_multiple(&mut sum, &other[q][i], grad);
                    }
                }
            }
            A::store::<T>(sum, &mut to[p][i]);
        }
    }
}

/// Adds the derivatives with respect to the entries of the first factor to `to`, from those with respect to
/// the parts of the product and the entries of the other factor. `P` are the parities of the factor, `Q` of
/// the other; `at` are the rows of both; see [`add_to`] for `strides`. For the second factor, exchange the two.
#[inline(always)]
pub(super) fn differentiate<
    T,
    A,
    const P: usize,
    const Q: usize,
    const NI: usize,
    const PARTS: usize,
>(
    kind: Kind,
    [[at_c, at_s], others]: [[u32; 2]; 2],
    other: &[Lanes<T>],
    to: &mut [Lanes<T>],
    grads: &[[A::Sum<T>; N]; PARTS],
    strides: [usize; 2],
) where
    T: Real,
    A: Arithmetic<Block<T> = Lanes<T>>,
{
    let [c, s] = others.map(|at| row::<T, Q, NI>(other, at));
    let (re, im) = (&grads[0], &grads[PARTS - 1]);
    macro_rules! add {
        ($at:ident, $(($negative:literal, $factor:ident, $grad:ident)),+) => {
            add_to::<T, A, P, Q, NI, _>(
                row_mut(to, $at),
                strides,
                [$(($negative, $factor, $grad)),+],
            )
        };
    }
    match kind {
        Kind::Real => add!(at_c, (false, c, re)),
        Kind::RealPart => {
            add!(at_c, (false, c, re));
            add!(at_s, (false, s, re));
        }
        Kind::ImaginaryPart => {
            add!(at_c, (true, s, re));
            add!(at_s, (false, c, re));
        }
        Kind::ConjugateImaginaryPart => {
            add!(at_c, (false, s, re));
            add!(at_s, (true, c, re));
        }
        Kind::RealFirst => add!(at_c, (false, c, re), (false, s, im)),
        Kind::RealSecond => {
            add!(at_c, (false, c, re));
            add!(at_s, (false, c, im));
        }
        Kind::FirstConjugate => {
            add!(at_c, (false, c, re), (false, s, im));
            add!(at_s, (false, s, re), (true, c, im));
        }
        Kind::SecondConjugate => {
            add!(at_c, (false, c, re), (true, s, im));
            add!(at_s, (false, s, re), (false, c, im));
        }
        Kind::Plain => {
            add!(at_c, (false, c, re), (false, s, im));
            add!(at_s, (true, s, re), (false, c, im));
        }
    }
}
