//! Behaviour under rotations, reflection and translations.

use std::fmt;

use candle_core::{D, DType, Device, Tensor};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use super::rotation::Rotation;
use super::{CheckError, CheckResult, draw, index_of, irrep_at, is_close, largest, unwrap, values};
use crate::config::Config;
use crate::{Error, FeatureShape, Result};

/// How the elements of a tensor change when space is rotated, reflected or translated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Quantity {
    /// Not at all: energies, distances, weights.
    Invariant,
    /// Vectors in the last axis (forces, displacements); translations do not change them.
    Vectors,
    /// Points in the last axis (positions): vectors that translations move.
    Points,
    /// Matrices in the last two axes (stresses): `rotation^T @ matrix @ rotation`.
    Matrices,
    /// Features `(..., 1 or 2, (L+1)^2, F)`.
    Features,
}

/// A symmetry operation of space.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Transformation {
    /// `r @ rotation`
    Rotation(Rotation),
    /// `-r`
    Reflection,
    /// `r + shift`
    Translation([f64; 3]),
}

impl Transformation {
    /// Applies the operation to a tensor (`f64`).
    ///
    /// ```
    /// use e3x::testing::{Quantity, Transformation, random};
    /// let forces = random(&[5, 3], 0)?;
    /// let reflected = Transformation::Reflection.apply(&forces, Quantity::Vectors, true)?;
    /// assert_eq!((reflected + forces)?.abs()?.max_all()?.to_scalar::<f64>()?, 0.0);
    /// # Ok::<(), e3x::Error>(())
    /// ```
    ///
    /// # Errors
    /// If the shape of `x` is not one of the quantity.
    pub fn apply(&self, x: &Tensor, quantity: Quantity, cartesian_order: bool) -> Result<Tensor> {
        let axes = match quantity {
            Quantity::Invariant | Quantity::Features => 0,
            Quantity::Vectors | Quantity::Points => 1,
            Quantity::Matrices => 2,
        };
        let dims = x.dims();
        if dims.len() < axes || dims[dims.len() - axes..].iter().any(|&size| size != 3) {
            let received = format!("shape {dims:?}");
            return Err(Error::argument(
                "x",
                format!("{axes} last axes of size 3"),
                received,
            ));
        }
        match (self, quantity) {
            (Self::Rotation(rotation), Quantity::Vectors | Quantity::Points) => {
                Ok(x.contiguous()?.broadcast_matmul(&rotation.matrix()?)?)
            }
            (Self::Rotation(rotation), Quantity::Matrices) => {
                let matrix = rotation.matrix()?;
                let rows = x
                    .contiguous()?
                    .broadcast_matmul(&matrix)?
                    .t()?
                    .contiguous()?;
                Ok(rows.broadcast_matmul(&matrix)?.t()?)
            }
            (Self::Rotation(rotation), Quantity::Features) => {
                let shape = FeatureShape::of("x", x)?;
                let matrix = rotation.wigner_d(shape.max_degree, cartesian_order)?;
                // y[m, f] = sum over l of x[l, f] D[l, m]
                let columns = x.transpose(D::Minus1, D::Minus2)?.contiguous()?;
                Ok(columns
                    .broadcast_matmul(&matrix)?
                    .transpose(D::Minus1, D::Minus2)?)
            }
            (Self::Reflection, Quantity::Vectors | Quantity::Points) => Ok(x.neg()?),
            (Self::Reflection, Quantity::Features) => reflected(x),
            (Self::Translation(shift), Quantity::Points) => {
                Ok(x.broadcast_add(&Tensor::new(shift, &Device::Cpu)?)?)
            }
            (_, Quantity::Invariant)
            | (Self::Reflection, Quantity::Matrices)
            | (Self::Translation(_), _) => Ok(x.clone()),
        }
    }
}

/// Changes the sign of everything of odd parity.
fn reflected(x: &Tensor) -> Result<Tensor> {
    let shape = FeatureShape::of("x", x)?;
    let signs = (0..shape.parity).flat_map(|p| {
        (0..shape.size()).map(move |i| {
            let odd = if shape.parity == 2 { p } else { i.isqrt() % 2 };
            if odd == 1 { -1.0 } else { 1.0 }
        })
    });
    let signs = Tensor::from_iter(signs, &Device::Cpu)?;
    Ok(x.broadcast_mul(&signs.reshape((shape.parity, shape.size(), 1))?)?)
}

impl fmt::Display for Transformation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rotation(rotation) => write!(f, "{rotation:?}"),
            Self::Reflection => write!(f, "Reflection"),
            Self::Translation(shift) => write!(f, "Translation by {shift:?}"),
        }
    }
}

/// An argument of a function and how it transforms.
#[derive(Debug, Clone)]
pub struct Input {
    /// The values (`f64`).
    pub values: Tensor,
    /// How they transform.
    pub quantity: Quantity,
}

impl Input {
    /// Values that transform like `quantity`.
    pub fn new(values: &Tensor, quantity: Quantity) -> Self {
        Self {
            values: values.clone(),
            quantity,
        }
    }
}

/// How symmetries are checked: `|f(transformed) - transformed f| <= atol + rtol * scale`, where
/// `scale` is the largest value of the output.
#[derive(Debug, Clone, PartialEq)]
pub struct SymmetryCheck {
    /// Number of random rotations.
    pub num_rotations: usize,
    /// Tolerance relative to the largest value of the output.
    pub rtol: f64,
    /// Absolute tolerance.
    pub atol: f64,
    /// Order of the entries of each degree of features.
    pub cartesian_order: bool,
    /// Leading axes of the random features of [`check_equivariant`].
    pub batch: Vec<usize>,
    /// Seed of rotations, translations and random features.
    pub seed: u64,
}

impl Default for SymmetryCheck {
    fn default() -> Self {
        Self {
            num_rotations: 3,
            rtol: 1e-11,
            atol: 1e-12,
            cartesian_order: Config::cartesian_order(),
            batch: vec![4],
            seed: 0,
        }
    }
}

impl SymmetryCheck {
    /// The reflection, random rotations, and a translation.
    fn transformations(&self, translate: bool) -> Result<Vec<Transformation>> {
        let mut all = vec![Transformation::Reflection];
        for i in 0..self.num_rotations {
            let seed = self.seed.wrapping_mul(1000).wrapping_add(i as u64);
            all.push(Transformation::Rotation(Rotation::random(seed)?));
        }
        if translate {
            let shift = draw(&[3], &mut ChaCha8Rng::seed_from_u64(self.seed))?.to_vec1()?;
            all.push(Transformation::Translation([shift[0], shift[1], shift[2]]));
        }
        Ok(all)
    }
}

/// Checks that `f` commutes with rotations and reflection, on random features of the given shapes.
///
/// Inputs have shape `(batch..., P, (L+1)^2, F)` with [`SymmetryCheck::batch`], `f64`; the output
/// is taken for features as well. For positions, vectors or invariant outputs see
/// [`check_symmetries`].
///
/// ```
/// use candle_core::Tensor;
/// use e3x::FeatureShape;
/// use e3x::testing::{SymmetryCheck, check_equivariant};
/// let shapes = [FeatureShape::new(2, 1, 4)?];
/// let double = |x: &[Tensor]| Ok((&x[0] * 2.0)?);
/// check_equivariant(double, &shapes, &SymmetryCheck::default()).unwrap();
///
/// // A nonlinear function of the components of a vector is not equivariant.
/// let tanh = |x: &[Tensor]| Ok(x[0].tanh()?);
/// let error = check_equivariant(tanh, &shapes, &SymmetryCheck::default()).unwrap_err();
/// assert!(error.to_string().contains("degree 1, even parity"));
/// # Ok::<(), e3x::Error>(())
/// ```
///
/// # Errors
/// [`CheckError::Broken`] with the operation, degree and parity that broke; an error of `f`.
pub fn check_equivariant(
    f: impl Fn(&[Tensor]) -> Result<Tensor>,
    inputs: &[FeatureShape],
    check: &SymmetryCheck,
) -> CheckResult {
    let mut rng = ChaCha8Rng::seed_from_u64(check.seed);
    let mut random = |shape: &FeatureShape| {
        let values = draw(&shape.with_batch(&check.batch), &mut rng)?;
        Ok(Input::new(&values, Quantity::Features))
    };
    let inputs = inputs.iter().map(&mut random).collect::<Result<Vec<_>>>()?;
    check_symmetries(f, &inputs, Quantity::Features, check)
}

/// Checks that `f` commutes with rotations, reflection and (if an input is
/// [`Quantity::Points`]) translations.
///
/// ```
/// use candle_core::Tensor;
/// use e3x::testing::{Input, Quantity, SymmetryCheck, check_symmetries, random};
/// // Displacements from the centre.
/// let f = |x: &[Tensor]| Ok(x[0].broadcast_sub(&x[0].mean_keepdim(0)?)?);
/// let positions = Input::new(&random(&[5, 3], 0)?, Quantity::Points);
/// check_symmetries(f, &[positions], Quantity::Vectors, &SymmetryCheck::default()).unwrap();
/// # Ok::<(), e3x::Error>(())
/// ```
///
/// # Errors
/// [`CheckError::Broken`] if `f` does not commute, or is zero everywhere so that nothing can be
/// seen; an error of `f`.
pub fn check_symmetries(
    f: impl Fn(&[Tensor]) -> Result<Tensor>,
    inputs: &[Input],
    output: Quantity,
    check: &SymmetryCheck,
) -> CheckResult {
    let plain: Vec<_> = inputs.iter().map(|input| input.values.clone()).collect();
    let reference = f(&plain)?.detach();
    if values(&reference)?.iter().all(|&x| x == 0.0) {
        let message = "the output is zero everywhere: nothing to check";
        return Err(CheckError::Broken(message.to_string()));
    }
    let translate = inputs
        .iter()
        .any(|input| input.quantity == Quantity::Points);
    for transformation in check.transformations(translate)? {
        let apply = |x: &Tensor, quantity| transformation.apply(x, quantity, check.cartesian_order);
        let transformed = inputs
            .iter()
            .map(|input| apply(&input.values, input.quantity))
            .collect::<Result<Vec<_>>>()?;
        let actual = f(&transformed)?;
        let expected = apply(&reference, output)?;
        if let Some(message) = difference(&actual, &expected, output, check)? {
            return Err(CheckError::Broken(format!("{transformation}: {message}")));
        }
    }
    Ok(())
}

/// [`check_equivariant`] for tests.
///
/// # Panics
/// If the check fails.
#[track_caller]
pub fn assert_equivariant(
    f: impl Fn(&[Tensor]) -> Result<Tensor>,
    inputs: &[FeatureShape],
    check: &SymmetryCheck,
) {
    unwrap(check_equivariant(f, inputs, check));
}

/// [`check_symmetries`] for tests.
///
/// # Panics
/// If the check fails.
#[track_caller]
pub fn assert_symmetries(
    f: impl Fn(&[Tensor]) -> Result<Tensor>,
    inputs: &[Input],
    output: Quantity,
    check: &SymmetryCheck,
) {
    unwrap(check_symmetries(f, inputs, output, check));
}

/// What differs, if anything does.
fn difference(
    actual: &Tensor,
    expected: &Tensor,
    quantity: Quantity,
    check: &SymmetryCheck,
) -> CheckResult<Option<String>> {
    if actual.dims() != expected.dims() || actual.dtype() != DType::F64 {
        return Ok(Some(format!(
            "expected f64 of shape {:?}, received {:?} of shape {:?}",
            expected.dims(),
            actual.dtype(),
            actual.dims()
        )));
    }
    let (a, e) = (values(actual)?, values(expected)?);
    let tolerance = check.atol + check.rtol * largest(&e);
    let mut broken: Vec<Broken> = Vec::new();
    for i in (0..e.len()).filter(|&i| !is_close(a[i], e[i], tolerance)) {
        let first = index_of(i, expected.dims());
        let part = part(quantity, &first, expected.dims());
        let error = (a[i] - e[i]).abs();
        match broken.iter_mut().find(|broken| broken.part == part) {
            Some(broken) => {
                broken.largest = broken.largest.max(error);
                broken.num += 1;
            }
            None => broken.push(Broken {
                part,
                num: 1,
                first,
                largest: error,
            }),
        }
    }
    if broken.is_empty() {
        return Ok(None);
    }
    let parts: Vec<_> = broken.iter().map(Broken::to_string).collect();
    Ok(Some(format!(
        "f(transformed inputs) differs from transformed f(inputs) in {}; tolerance {tolerance:.1e}",
        parts.join(", ")
    )))
}

/// Part of an output that breaks a symmetry.
struct Broken {
    part: String,
    num: usize,
    first: Vec<usize>,
    largest: f64,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            part,
            num,
            first,
            largest,
        } = self;
        write!(
            f,
            "{part} ({num} values, first at {first:?}, largest error {largest:.1e})"
        )
    }
}

/// "degree 1, odd parity" for features.
fn part(quantity: Quantity, index: &[usize], dims: &[usize]) -> String {
    match quantity {
        Quantity::Features => irrep_at(index, dims),
        _ => None,
    }
    .unwrap_or_else(|| format!("{quantity:?}").to_lowercase())
}
