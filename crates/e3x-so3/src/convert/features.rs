//! Features of E3x and arrays of irreps.

use super::Convention;
use crate::error::{check_length, count_items};
use crate::rotations::MAX_WIGNER_DEGREE;
use crate::{Error, Irreps, Parity, Real, Result, num_harmonics};

/// How the copies of a representation lie in an array of irreps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum IrrepsMemory {
    /// Shape `(multiplicity, 2l+1)`: one copy after the other, as in e3nn.
    #[default]
    MulIr,
    /// Shape `(2l+1, multiplicity)`: one component after the other, as in cuEquivariance's `ir_mul`.
    IrMul,
}

/// Conversion between features of E3x, of shape `(n, P, (L+1)², F)`, and arrays of irreps, of shape `(n, dim)`.
///
/// An array of irreps holds the entries of an [`Irreps`] one after the other, each with all of its copies
/// ([`IrrepsMemory`]), in some [`Convention`]. Every copy of a representation is a feature; if it occurs in several
/// entries, those of the first are the first features. Both conversions are exact inverses of each other on what the
/// irreps hold, and transposes of each other. Representations that the irreps do not mention are zero in the features,
/// and left out on the way back.
///
/// # Example
///
/// ```
/// use e3x_so3::{Convention, FeatureConversion, IrrepsMemory};
/// let irreps = "2x0e+2x1o".parse()?;
/// let conversion = FeatureConversion::new(&irreps, Convention::E3nn, IrrepsMemory::MulIr, true)?;
/// assert_eq!(conversion.feature_shape(), (1, 1, 2));
/// // Two scalars, two vectors.
/// let array = [1.0, 2.0, 10.0, 11.0, 12.0, 20.0, 21.0, 22.0];
/// let mut features = [0.0; 8];
/// conversion.to_features(&array, &mut features)?;
/// assert_eq!(features, [1.0, 2.0, 10.0, 20.0, 11.0, 21.0, 12.0, 22.0]);
/// # Ok::<(), e3x_so3::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct FeatureConversion {
    parity: usize,
    max_degree: usize,
    features: usize,
    dim: usize,
    blocks: Vec<Block>,
    /// For every degree of the irreps, `irreps = Q irrep components of E3x`, shape `(2l+1, 2l+1)`; empty for others.
    matrices: Vec<Vec<f64>>,
    memory: IrrepsMemory,
}

/// An entry of the irreps.
#[derive(Debug, Clone)]
struct Block {
    degree: usize,
    multiplicity: usize,
    /// Where it starts in the array of irreps.
    start: usize,
    /// The row of the features of its first component.
    row: usize,
    /// The feature of its first copy.
    first: usize,
}

/// Which way to convert.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Direction {
    ToFeatures,
    ToIrreps,
}

impl FeatureConversion {
    /// Prepares the conversion. `convention` and `memory` are those of the array of irreps; `cartesian_order` is that
    /// of the features, whose shape is [`Irreps::feature_shape`].
    ///
    /// # Errors
    ///
    /// When the representations have different numbers of copies, or a degree is above 100.
    ///
    /// # Example
    ///
    /// ```
    /// use e3x_so3::{Convention, FeatureConversion, IrrepsMemory};
    /// let irreps = "8x0e+4x1o".parse()?;
    /// assert!(FeatureConversion::new(&irreps, Convention::E3nn, IrrepsMemory::MulIr, true).is_err());
    /// # Ok::<(), e3x_so3::Error>(())
    /// ```
    pub fn new(
        irreps: &Irreps,
        convention: Convention,
        memory: IrrepsMemory,
        cartesian_order: bool,
    ) -> Result<Self> {
        check_degrees(irreps)?;
        let (parity, max_degree, features) = irreps.feature_shape()?;
        let mut matrices = vec![Vec::new(); max_degree + 1];
        for block in irreps.blocks().iter().filter(|b| b.multiplicity > 0) {
            let degree = block.irrep.degree;
            if matrices[degree].is_empty() {
                matrices[degree] =
                    Convention::of_e3x(cartesian_order).matrix(convention, degree)?;
            }
        }
        let starts = irreps.ranges().into_iter().map(|range| range.start);
        let blocks = (irreps.blocks().iter().zip(starts))
            .zip(irreps.first_features())
            .filter(|((block, _), _)| block.multiplicity > 0)
            .map(|((block, start), first)| {
                let degree = block.irrep.degree;
                let odd = usize::from(parity == 2 && block.irrep.parity == Parity::Odd);
                Block {
                    degree,
                    multiplicity: block.multiplicity,
                    start,
                    row: odd * num_harmonics(max_degree) + degree * degree,
                    first,
                }
            })
            .collect();
        Ok(Self {
            parity,
            max_degree,
            features,
            dim: irreps.dim(),
            blocks,
            matrices,
            memory,
        })
    }

    /// The shape `(P, L, F)` of the features: parity, largest degree, number of features.
    ///
    /// ```
    /// use e3x_so3::{Convention, FeatureConversion, IrrepsMemory};
    /// let irreps = "4x0e+4x1e".parse()?;
    /// let conversion = FeatureConversion::new(&irreps, Convention::E3nn, IrrepsMemory::MulIr, true)?;
    /// assert_eq!(conversion.feature_shape(), (2, 1, 4));
    /// # Ok::<(), e3x_so3::Error>(())
    /// ```
    pub fn feature_shape(&self) -> (usize, usize, usize) {
        (self.parity, self.max_degree, self.features)
    }

    /// The number of components of the irreps.
    ///
    /// ```
    /// use e3x_so3::{Convention, FeatureConversion, IrrepsMemory};
    /// let irreps = "4x0e+4x1e".parse()?;
    /// let conversion = FeatureConversion::new(&irreps, Convention::E3nn, IrrepsMemory::MulIr, true)?;
    /// assert_eq!(conversion.dim(), 16);
    /// # Ok::<(), e3x_so3::Error>(())
    /// ```
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// Converts arrays of irreps of shape `(n, dim)` into `features` of shape `(n, P, (L+1)², F)`.
    ///
    /// # Errors
    ///
    /// When a length does not fit.
    ///
    /// # Example
    ///
    /// See [`FeatureConversion`].
    pub fn to_features<T: Real>(&self, irreps: &[T], features: &mut [T]) -> Result<()> {
        let n = count_items("irreps", "arrays of irreps", self.dim, irreps.len())?;
        let size = self.feature_size();
        check_length("features", "(n, P, (L+1)², F)", n * size, features.len())?;
        features.fill(T::ZERO);
        for (irreps, features) in irreps
            .chunks_exact(self.dim)
            .zip(features.chunks_exact_mut(size))
        {
            self.convert(Direction::ToFeatures, irreps, features);
        }
        Ok(())
    }

    /// Converts features of shape `(n, P, (L+1)², F)` into arrays of `irreps` of shape `(n, dim)`.
    ///
    /// # Errors
    ///
    /// When a length does not fit.
    ///
    /// # Example
    ///
    /// ```
    /// use e3x_so3::{Convention, FeatureConversion, IrrepsMemory};
    /// let irreps = "1x1o".parse()?;
    /// let conversion = FeatureConversion::new(&irreps, Convention::Standard, IrrepsMemory::MulIr, true)?;
    /// let mut array = [0.0; 3];
    /// conversion.to_irreps(&[9.0, 1.0, 2.0, 3.0], &mut array)?; // There is no scalar to take the 9.
    /// assert_eq!(array, [2.0, 3.0, 1.0]);
    /// # Ok::<(), e3x_so3::Error>(())
    /// ```
    pub fn to_irreps<T: Real>(&self, features: &[T], irreps: &mut [T]) -> Result<()> {
        let size = self.feature_size();
        let n = count_items("features", "features", size, features.len())?;
        check_length("irreps", "(n, dim)", n * self.dim, irreps.len())?;
        irreps.fill(T::ZERO);
        for (features, irreps) in features
            .chunks_exact(size)
            .zip(irreps.chunks_exact_mut(self.dim))
        {
            self.convert(Direction::ToIrreps, features, irreps);
        }
        Ok(())
    }

    fn feature_size(&self) -> usize {
        self.parity * num_harmonics(self.max_degree) * self.features
    }

    /// Adds one converted item to zeros.
    fn convert<T: Real>(&self, direction: Direction, input: &[T], output: &mut [T]) {
        for block in &self.blocks {
            let size = 2 * block.degree + 1;
            let (copies, components) = match self.memory {
                IrrepsMemory::MulIr => (size, 1),
                IrrepsMemory::IrMul => (1, block.multiplicity),
            };
            for (k, &element) in self.matrices[block.degree].iter().enumerate() {
                if element == 0.0 {
                    continue;
                }
                let (i, j) = (k / size, k % size);
                let feature = (block.row + i) * self.features + block.first;
                let irrep = block.start + j * components;
                let element = T::from_f64(element);
                for copy in 0..block.multiplicity {
                    let (feature, irrep) = (feature + copy, irrep + copy * copies);
                    match direction {
                        Direction::ToFeatures => output[feature] += element * input[irrep],
                        Direction::ToIrreps => output[irrep] += element * input[feature],
                    }
                }
            }
        }
    }
}

/// Checks the degrees before anything is computed.
fn check_degrees(irreps: &Irreps) -> Result<()> {
    let degrees = (irreps.blocks().iter())
        .filter(|block| block.multiplicity > 0)
        .map(|block| block.irrep.degree);
    match degrees.max() {
        Some(highest) if highest > MAX_WIGNER_DEGREE => Err(Error::Invalid {
            argument: "irreps",
            expected: format!("degrees of at most {MAX_WIGNER_DEGREE}"),
            actual: format!("degree {highest}"),
        }),
        _ => Ok(()),
    }
}
