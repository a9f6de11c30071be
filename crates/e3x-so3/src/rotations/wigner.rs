//! Wigner-D matrices and their generators.

use super::matrix::{Matrix, finite, orthogonal, unit};
use super::quaternion::matrix_of_unit_quaternion;
use super::wigner_blocks::{Blocks, LANES, NextBlock, Several, Term};
use crate::cache::Cache;
use crate::error::{check_degree, check_length, count_items};
use crate::{
    ClebschGordanTerm, Order, Real, Result, arch, clebsch_gordan_terms, derivative_terms,
    num_harmonics,
};
use std::sync::Arc;

/// The largest degree of Wigner-D matrices.
pub(crate) const MAX_WIGNER_DEGREE: usize = 100;

/// Wigner-D matrices of all degrees up to a largest one: what rotations do to harmonics.
///
/// ```text
/// spherical_harmonics(r @ rot) = spherical_harmonics(r) @ D(rot)
/// ```
///
/// `D` is block diagonal with one orthogonal block of `2l+1` rows for each degree `l`. In Cartesian order the block of
/// degree 1 is `rot`. The matrix `rot` may be a reflection as well.
///
/// Degree by degree, `D(l)` follows from differentiating its definition. With the matrices `E` of
/// [`derivative_terms`], `∂R(l)/∂r[i] = E[i] R(l-1)`, which satisfy `Σ E[i] E[i]ᵀ = l (2l-1)`,
///
/// ```text
/// D(l) = Σ_ij E[i] rot[i,j] D(l-1) E[j]ᵀ / (l (2l-1))
/// ```
///
/// Up to scale `E` is an isometry, so rounding errors only add up with the degree, and the result is a polynomial in the
/// elements of `rot`: there are no special rotations.
///
/// The counterpart of `e3x.so3.wigner_d`. Use the function [`wigner_d`] for single matrices.
///
/// # Example
///
/// ```
/// use e3x_so3::{WignerD, rotation};
/// let wigner = WignerD::new(1, true)?;
/// let rot = rotation([1.0, 2.0, 3.0], 0.4_f64)?;
/// let mut d = [0.0; 16];
/// wigner.matrices(rot.as_flattened(), &mut d)?;
/// assert!((d[5] - rot[0][0]).abs() < 1e-15);
/// # Ok::<(), e3x_so3::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct WignerD {
    max_degree: usize,
    /// The at most five terms of every harmonic.
    rows: Vec<Vec<Term>>,
}

impl WignerD {
    /// Prepares the computation of all degrees `0..=max_degree`.
    ///
    /// # Errors
    ///
    /// When `max_degree` is above 100.
    ///
    /// # Example
    ///
    /// ```
    /// assert!(e3x_so3::WignerD::new(2, true).is_ok());
    /// assert!(e3x_so3::WignerD::new(1000, true).is_err());
    /// ```
    pub fn new(max_degree: usize, cartesian_order: bool) -> Result<Self> {
        check_degree("max_degree", MAX_WIGNER_DEGREE, max_degree)?;
        let mut rows = vec![Vec::new(); num_harmonics(max_degree)];
        for term in derivative_terms(max_degree, cartesian_order)?.iter() {
            let lower = term.col.isqrt();
            rows[term.row].push(Term {
                axis: term.axis,
                col: term.col - lower * lower,
                coefficient: term.coefficient,
            });
        }
        Ok(Self { max_degree, rows })
    }

    /// The matrices of `n` rotations `rot` of shape `(n, 3, 3)`, written to `matrices` of shape
    /// `(n, (L+1)², (L+1)²)`.
    ///
    /// # Errors
    ///
    /// When a length does not fit or a matrix is not orthogonal.
    ///
    /// # Example
    ///
    /// ```
    /// let mut d = [0.0; 1];
    /// e3x_so3::WignerD::new(0, true)?.matrices(&[1., 0., 0., 0., 1., 0., 0., 0., 1.], &mut d)?;
    /// assert_eq!(d, [1.0]);
    /// # Ok::<(), e3x_so3::Error>(())
    /// ```
    pub fn matrices<T: Real>(&self, rot: &[T], matrices: &mut [T]) -> Result<()> {
        let n = count_items("rot", "3×3 matrices", 9, rot.len())?;
        let num = num_harmonics(self.max_degree);
        let shape = "(n, (max_degree+1)², (max_degree+1)²)";
        check_length("matrices", shape, n * num * num, matrices.len())?;
        let mut blocks = Blocks::default();
        for (rot, matrices) in
            (rot.chunks(9 * LANES)).zip(matrices.chunks_mut((LANES * num * num).max(1)))
        {
            self.fill(&several_of(rot)?, &mut blocks, matrices);
        }
        Ok(())
    }

    /// The blocks of the matrices of `n` rotations `rot` of shape `(n, 3, 3)` without the zeros between them, written to
    /// `blocks` of shape `(n, (L+1) (2L+1) (2L+3) / 3)`: for each degree its `2l+1` rows, one after the other.
    ///
    /// # Errors
    ///
    /// When a length does not fit or a matrix is not orthogonal.
    ///
    /// # Example
    ///
    /// ```
    /// let mut blocks = [0.0; 10];
    /// e3x_so3::WignerD::new(1, true)?.blocks(&[0., 1., 0., -1., 0., 0., 0., 0., 1.], &mut blocks)?;
    /// assert_eq!(blocks, [1.0, 0., 1., 0., -1., 0., 0., 0., 0., 1.]);
    /// # Ok::<(), e3x_so3::Error>(())
    /// ```
    pub fn blocks<T: Real>(&self, rot: &[T], blocks: &mut [T]) -> Result<()> {
        let n = count_items("rot", "3×3 matrices", 9, rot.len())?;
        let degrees = self.max_degree + 1;
        let len = degrees * (2 * degrees - 1) * (2 * degrees + 1) / 3;
        let shape = "(n, (L+1) (2L+1) (2L+3) / 3)";
        check_length("blocks", shape, n * len, blocks.len())?;
        let mut buffers = Blocks::default();
        for (rot, blocks) in (rot.chunks(9 * LANES)).zip(blocks.chunks_mut(LANES * len)) {
            let several = several_of(rot)?;
            let mut start = 0;
            self.visit(&several, &mut buffers, |_, block| {
                for (lane, blocks) in blocks.chunks_exact_mut(len).enumerate() {
                    for (element, values) in blocks[start..].iter_mut().zip(block) {
                        *element = T::from_f64(values[lane]);
                    }
                }
                start += block.len();
            });
        }
        Ok(())
    }

    /// The matrices of `n` rotations given by quaternions `[w, x, y, z]` of shape `(n, 4)`, written to `matrices` of
    /// shape `(n, (L+1)², (L+1)²)`.
    ///
    /// A quaternion and its multiples are the same rotation; see
    /// [`rotation_from_quaternion`](crate::rotation_from_quaternion).
    ///
    /// # Errors
    ///
    /// When a length does not fit or a quaternion is zero or not finite.
    ///
    /// # Example
    ///
    /// ```
    /// let mut d = [0.0; 16];
    /// let quaternion = [1.0, 0.0, 0.0, 1.0]; // By π/2 about z.
    /// e3x_so3::WignerD::new(1, true)?.matrices_from_quaternions(&quaternion, &mut d)?;
    /// assert!((d[4 + 2] - 1.0_f64).abs() < 1e-15); // From x to y.
    /// # Ok::<(), e3x_so3::Error>(())
    /// ```
    pub fn matrices_from_quaternions<T: Real>(
        &self,
        quaternions: &[T],
        matrices: &mut [T],
    ) -> Result<()> {
        let n = count_items("quaternions", "quaternions", 4, quaternions.len())?;
        let num = num_harmonics(self.max_degree);
        let shape = "(n, (max_degree+1)², (max_degree+1)²)";
        check_length("matrices", shape, n * num * num, matrices.len())?;
        let mut blocks = Blocks::default();
        for (quaternions, matrices) in
            (quaternions.chunks(4 * LANES)).zip(matrices.chunks_mut((LANES * num * num).max(1)))
        {
            let mut several = Several::default();
            for (lane, &quaternion) in quaternions.as_chunks().0.iter().enumerate() {
                let quaternion = unit("quaternions", finite::<T, 4>("quaternions", quaternion)?)?;
                several.put(lane, &matrix_of_unit_quaternion(quaternion));
            }
            self.fill(&several, &mut blocks, matrices);
        }
        Ok(())
    }

    /// The matrices of at most [`LANES`] rotations.
    fn fill<T: Real>(&self, rot: &Several, blocks: &mut Blocks, matrices: &mut [T]) {
        let num = num_harmonics(self.max_degree);
        matrices.fill(T::ZERO);
        self.visit(rot, blocks, |l, block| {
            let size = 2 * l + 1;
            for (lane, matrix) in matrices.chunks_exact_mut(num * num).enumerate() {
                for (i, row) in block.chunks_exact(size).enumerate() {
                    let start = (l * l + i) * num + l * l;
                    for (element, values) in matrix[start..start + size].iter_mut().zip(row) {
                        *element = T::from_f64(values[lane]);
                    }
                }
            }
        });
    }

    /// Calls `visit(l, block)` for all degrees.
    fn visit(
        &self,
        rot: &Several,
        blocks: &mut Blocks,
        mut visit: impl FnMut(usize, &[[f64; LANES]]),
    ) {
        blocks.block.clear();
        blocks.block.push([1.0; LANES]);
        for l in 0..=self.max_degree {
            if l > 0 {
                self.next_block(l, rot, blocks);
            }
            visit(l, &blocks.block);
        }
    }

    /// The blocks of degree `l` in place of those of degree `l-1`.
    fn next_block(&self, l: usize, rot: &Several, blocks: &mut Blocks) {
        let rows = &self.rows[l * l..(l + 1) * (l + 1)];
        arch().dispatch(NextBlock {
            l,
            rows,
            rot,
            blocks,
        });
    }
}

/// At most [`LANES`] rotations.
fn several_of<T: Real>(rot: &[T]) -> Result<Several> {
    let mut several = Several::default();
    for (lane, elements) in rot.chunks_exact(9).enumerate() {
        let rows: &[[T; 3]] = elements.as_chunks().0;
        several.put(lane, &orthogonal("rot", &[rows[0], rows[1], rows[2]])?);
    }
    Ok(several)
}

/// The Wigner-D matrix of one rotation, of shape `((max_degree+1)², (max_degree+1)²)`; see [`WignerD`].
///
/// The counterpart of `e3x.so3.wigner_d`.
///
/// # Errors
///
/// When `rot` is not orthogonal or `max_degree` is above 100.
///
/// # Example
///
/// ```
/// use e3x_so3::{rotation_euler, wigner_d};
/// let rot = rotation_euler(0.1_f64, 0.2, 0.3)?;
/// let d = wigner_d(&rot, 1, true)?;
/// for i in 0..3 {
///     for j in 0..3 {
///         assert!((d[4 * (i + 1) + j + 1] - rot[i][j]).abs() < 1e-15);
///     }
/// }
/// # Ok::<(), e3x_so3::Error>(())
/// ```
pub fn wigner_d<T: Real>(
    rot: &[[T; 3]; 3],
    max_degree: usize,
    cartesian_order: bool,
) -> Result<Vec<T>> {
    let wigner = WignerD::new(max_degree, cartesian_order)?;
    let num = num_harmonics(max_degree);
    let mut matrix = vec![T::ZERO; num * num];
    wigner.matrices(rot.as_flattened(), &mut matrix)?;
    Ok(matrix)
}

/// The Wigner-D matrix of the rotation of a quaternion `[w, x, y, z]`, of shape
/// `((max_degree+1)², (max_degree+1)²)`; see [`WignerD`].
///
/// # Errors
///
/// When the quaternion is zero or not finite, or `max_degree` is above 100.
///
/// # Example
///
/// ```
/// use e3x_so3::{rotation_from_quaternion, wigner_d, wigner_d_from_quaternion};
/// let quaternion = [0.5_f64, -0.1, 0.7, 0.2];
/// let rot = rotation_from_quaternion(quaternion)?;
/// let [a, b] = [wigner_d(&rot, 3, true)?, wigner_d_from_quaternion(quaternion, 3, true)?];
/// assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-15));
/// # Ok::<(), e3x_so3::Error>(())
/// ```
pub fn wigner_d_from_quaternion<T: Real>(
    quaternion: [T; 4],
    max_degree: usize,
    cartesian_order: bool,
) -> Result<Vec<T>> {
    let wigner = WignerD::new(max_degree, cartesian_order)?;
    let num = num_harmonics(max_degree);
    let mut matrix = vec![T::ZERO; num * num];
    wigner.matrices_from_quaternions(&quaternion, &mut matrix)?;
    Ok(matrix)
}

/// The block of one degree of a Wigner-D matrix in the order `m = -l, ..., l`, shape `(2·degree+1, 2·degree+1)`.
pub(crate) fn wigner_block(rot: &Matrix, degree: usize) -> Result<Vec<f64>> {
    let wigner = WignerD::new(degree, false)?;
    let (mut several, mut blocks) = (Several::default(), Blocks::default());
    several.put(0, rot);
    blocks.block.push([1.0; LANES]);
    for l in 1..=degree {
        wigner.next_block(l, &several, &mut blocks);
    }
    Ok(blocks.block.iter().map(|numbers| numbers[0]).collect())
}

/// One element of a generator of rotations; see [`generator_terms`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GeneratorTerm {
    /// The axis of the rotation: 0, 1, 2 for `x`, `y`, `z`.
    pub axis: usize,
    /// Row: `l² +` the position within degree `l`.
    pub row: usize,
    /// Column: `l² +` the position within the same degree.
    pub col: usize,
    /// The element.
    pub coefficient: f64,
}

/// The generators `X` of rotations about the coordinate axes, in all degrees `0..=max_degree`: the derivatives of
/// Wigner-D matrices with respect to the angle, at the identity.
///
/// ```text
/// D(rotation(axis, angle)) = exp(angle X[axis])      X[axis] = √(l(l+1)) C(1, l, l)[axis, :, :]
/// ```
///
/// with the Clebsch–Gordan coefficients `C` of [`clebsch_gordan_terms`] (the formula E3x uses for Wigner-D matrices of
/// Euler angles). They give all derivatives: along a path of rotations with angular velocity `ω`,
/// `d rot/dt = rot @ Σ ω[k] X[k]` (in degree 1, Cartesian order), the matrix changes by `dD/dt = D @ Σ ω[k] X[k]`.
///
/// The list is computed once and shared.
///
/// # Errors
///
/// When `max_degree` is above 100.
///
/// # Example
///
/// ```
/// // A rotation about z moves x towards y.
/// let terms = e3x_so3::generator_terms(1, true)?;
/// let term = terms.iter().find(|term| (term.axis, term.row) == (2, 1)).unwrap();
/// assert_eq!(term.col, 2);
/// assert!((term.coefficient - 1.0).abs() < 1e-15);
/// # Ok::<(), e3x_so3::Error>(())
/// ```
pub fn generator_terms(max_degree: usize, cartesian_order: bool) -> Result<Arc<[GeneratorTerm]>> {
    static CACHE: Cache<(usize, Order), [GeneratorTerm]> = Cache::new();
    check_degree("max_degree", MAX_WIGNER_DEGREE, max_degree)?;
    let order = Order::from_cartesian(cartesian_order);
    let blocks = (1..=max_degree)
        .map(|l| clebsch_gordan_terms(1, l, l, cartesian_order))
        .collect::<Result<Vec<_>>>()?;
    Ok(CACHE.get_or_compute((max_degree, order), || {
        (1..)
            .zip(&blocks)
            .flat_map(|(l, block)| generators(l, block, order))
            .collect()
    }))
}

fn generators(
    l: usize,
    block: &[ClebschGordanTerm],
    order: Order,
) -> impl Iterator<Item = GeneratorTerm> {
    let factor = ((l * (l + 1)) as f64).sqrt();
    block.iter().map(move |term| GeneratorTerm {
        // Degree 1 in Cartesian order is x, y, z.
        axis: Order::Cartesian.position(1, order.m(1, term.m1.into())),
        row: l * l + usize::from(term.m2),
        col: l * l + usize::from(term.m3),
        coefficient: factor * term.value,
    })
}
