//! Clebsch–Gordan coefficients of real irreducible representations.

mod complex;
mod real;

use crate::cache::Cache;
use crate::error::{Error, check_degree};
use crate::{Order, Result, num_harmonics};
use std::sync::Arc;

/// The largest degree of Clebsch–Gordan coefficients.
///
/// ```
/// let limit = e3x_so3::MAX_CLEBSCH_GORDAN_DEGREE;
/// assert!(e3x_so3::clebsch_gordan_terms(limit + 1, 1, limit, true).is_err());
/// ```
pub const MAX_CLEBSCH_GORDAN_DEGREE: usize = 200;

/// The largest number of elements of a dense array (8 GiB).
const MAX_DENSE_ELEMENTS: usize = 1 << 30;

/// One non-zero Clebsch–Gordan coefficient; see [`clebsch_gordan_terms`].
///
/// The indices are positions within the degrees, in the chosen order: `0 <= m1 <= 2·degree1` and so on. They are short,
/// because there are many terms: with all degrees up to 20, three and a half million.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClebschGordanTerm {
    /// Position of the component of the first factor.
    pub m1: u16,
    /// Position of the component of the second factor.
    pub m2: u16,
    /// Position of the component of the product.
    pub m3: u16,
    /// The coefficient.
    pub value: f64,
}

impl ClebschGordanTerm {
    /// `m1`, `m2`, `m3` as indices.
    ///
    /// ```
    /// let terms = e3x_so3::clebsch_gordan_terms(1, 1, 0, true)?;
    /// assert_eq!(terms[2].positions(), [2, 2, 0]);
    /// # Ok::<(), e3x_so3::Error>(())
    /// ```
    pub fn positions(&self) -> [usize; 3] {
        [self.m1, self.m2, self.m3].map(usize::from)
    }
}

/// The non-zero coefficients that couple `degree1` and `degree2` to `degree3`, sorted by `m1`, `m2`, `m3`.
///
/// They are E3x's (arXiv 2401.07595). With the unitary matrices `U(l)` from complex to real harmonics of Condon and
/// Shortley's phase,
///
/// ```text
/// U(m, m') = (δ(m,-m') + (-1)^m δ(m,m')) / √2     m > 0
/// U(m, m') = δ(0,m')                              m = 0
/// U(m, m') = i (δ(m,m') - (-1)^m δ(-m,m')) / √2   m < 0
/// ```
///
/// and the complex coefficients `⟨l1 m1 l2 m2|l3 m3⟩`,
///
/// ```text
/// C(m1, m2, m3) = i^(l1+l2-l3) Σ U(m1, m1') U(m2, m2') U*(m3, m3') ⟨l1 m1' l2 m2'|l3 m3'⟩
/// ```
///
/// which is real. At most two `m3` go with each pair `(m1, m2)`, `|m3| = |m1| + |m2|` or `||m1| - |m2||`, and all
/// complex coefficients that contribute to one `C` are equal up to sign, so there is no cancellation: `C` has a
/// relative error of a few units in the last place. The complex coefficients are the formula of Racah (Physical
/// Review 62, 438 (1942)) with an integer sum that is evaluated exactly. Degrees that do not satisfy the triangle
/// inequality have no terms.
///
/// The list is computed once and shared by all threads.
///
/// # Errors
///
/// When a degree is above [`MAX_CLEBSCH_GORDAN_DEGREE`].
///
/// # Example
///
/// ```
/// // The product of two vectors that is a scalar: their dot product / √3, up to sign.
/// let terms = e3x_so3::clebsch_gordan_terms(1, 1, 0, true)?;
/// assert_eq!(terms.len(), 3);
/// for (i, term) in terms.iter().enumerate() {
///     assert_eq!(term.positions(), [i, i, 0]);
///     assert!((term.value - 3.0_f64.sqrt().recip()).abs() < 1e-15);
/// }
/// # Ok::<(), e3x_so3::Error>(())
/// ```
pub fn clebsch_gordan_terms(
    degree1: usize,
    degree2: usize,
    degree3: usize,
    cartesian_order: bool,
) -> Result<Arc<[ClebschGordanTerm]>> {
    static CACHE: Cache<([usize; 3], Order), [ClebschGordanTerm]> = Cache::new();
    check_degrees(
        ["degree1", "degree2", "degree3"],
        [degree1, degree2, degree3],
    )?;
    let degrees = [degree1, degree2, degree3];
    let order = Order::from_cartesian(cartesian_order);
    Ok(CACHE.get_or_compute((degrees, order), || real::terms(degrees, order).into()))
}

/// The coefficients that couple `degree1` and `degree2` to `degree3` as a dense array of shape
/// `(2·degree1+1, 2·degree2+1, 2·degree3+1)`.
///
/// The counterpart of `e3x.so3.clebsch_gordan_for_degrees`; see [`clebsch_gordan_terms`] for the definition.
///
/// # Errors
///
/// When a degree is above [`MAX_CLEBSCH_GORDAN_DEGREE`].
///
/// # Example
///
/// ```
/// // The product of two vectors that is a vector: their cross product / √2, here x × y = z.
/// let cg = e3x_so3::clebsch_gordan_for_degrees(1, 1, 1, true)?;
/// assert!((cg[0 * 9 + 1 * 3 + 2] - 0.5_f64.sqrt()).abs() < 1e-15);
/// # Ok::<(), e3x_so3::Error>(())
/// ```
pub fn clebsch_gordan_for_degrees(
    degree1: usize,
    degree2: usize,
    degree3: usize,
    cartesian_order: bool,
) -> Result<Vec<f64>> {
    let terms = clebsch_gordan_terms(degree1, degree2, degree3, cartesian_order)?;
    let (num2, num3) = (2 * degree2 + 1, 2 * degree3 + 1);
    let mut dense = vec![0.0; (2 * degree1 + 1) * num2 * num3];
    for term in terms.iter() {
        let [m1, m2, m3] = term.positions();
        dense[(m1 * num2 + m2) * num3 + m3] = term.value;
    }
    Ok(dense)
}

/// The coefficients of all degrees at once as a dense array of shape
/// `((max_degree1+1)², (max_degree2+1)², (max_degree3+1)²)`.
///
/// The counterpart of `e3x.so3.clebsch_gordan`; see [`clebsch_gordan_terms`] for the definition. The array is mostly
/// zeros.
///
/// # Errors
///
/// When a degree is above [`MAX_CLEBSCH_GORDAN_DEGREE`] or the array would have more than 2³⁰ elements.
///
/// # Example
///
/// ```
/// let cg = e3x_so3::clebsch_gordan(1, 1, 2, true)?;
/// assert_eq!(cg.len(), 4 * 4 * 9);
/// assert_eq!(cg[0], 1.0);
/// # Ok::<(), e3x_so3::Error>(())
/// ```
pub fn clebsch_gordan(
    max_degree1: usize,
    max_degree2: usize,
    max_degree3: usize,
    cartesian_order: bool,
) -> Result<Vec<f64>> {
    let max_degrees = [max_degree1, max_degree2, max_degree3];
    check_degrees(["max_degree1", "max_degree2", "max_degree3"], max_degrees)?;
    let [num1, num2, num3] = max_degrees.map(num_harmonics);
    let elements = num1 * num2 * num3;
    if elements > MAX_DENSE_ELEMENTS {
        return Err(Error::ArrayTooLarge {
            what: "Clebsch-Gordan coefficients",
            elements,
            limit: MAX_DENSE_ELEMENTS,
            remedy: "lower degrees or the sparse terms",
        });
    }
    let mut dense = vec![0.0; elements];
    for l1 in 0..=max_degree1 {
        for l2 in 0..=max_degree2 {
            for l3 in l1.abs_diff(l2)..=(l1 + l2).min(max_degree3) {
                for term in clebsch_gordan_terms(l1, l2, l3, cartesian_order)?.iter() {
                    let [m1, m2, m3] = term.positions();
                    let row = (l1 * l1 + m1) * num2 + l2 * l2 + m2;
                    dense[row * num3 + l3 * l3 + m3] = term.value;
                }
            }
        }
    }
    Ok(dense)
}

pub(crate) fn check_degrees(arguments: [&'static str; 3], degrees: [usize; 3]) -> Result<()> {
    for (argument, degree) in arguments.into_iter().zip(degrees) {
        check_degree(argument, MAX_CLEBSCH_GORDAN_DEGREE, degree)?;
    }
    Ok(())
}
