//! Lists of irreducible representations, and how they are written.

mod parse;

use crate::{Error, Result};
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

/// How a representation changes under the reflection `r → -r`.
///
/// ```
/// use e3x_so3::Parity;
/// assert_eq!(Parity::of_degree(3), Parity::Odd); // of harmonics
/// assert_eq!(Parity::Odd * Parity::Odd, Parity::Even);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Parity {
    /// Unchanged; written `e`.
    Even,
    /// Changes its sign; written `o`.
    Odd,
}

impl Parity {
    /// The parity of spherical harmonics, `(-1)^degree`.
    ///
    /// ```
    /// assert_eq!(e3x_so3::Parity::of_degree(0), e3x_so3::Parity::Even);
    /// ```
    pub fn of_degree(degree: usize) -> Self {
        if degree.is_multiple_of(2) {
            Self::Even
        } else {
            Self::Odd
        }
    }
}

impl std::ops::Mul for Parity {
    type Output = Self;

    /// The parity of a product.
    fn mul(self, other: Self) -> Self {
        if self == other { Self::Even } else { Self::Odd }
    }
}

/// An irreducible representation of O(3): a degree and a parity.
///
/// Written as the degree followed by `e` (even) or `o` (odd), as in e3nn: `1o` is a vector, `1e` a pseudovector.
///
/// ```
/// use e3x_so3::{Irrep, Parity};
/// let vector: Irrep = "1o".parse()?;
/// assert_eq!(vector, Irrep { degree: 1, parity: Parity::Odd });
/// assert_eq!((vector.dim(), vector.to_string()), (3, "1o".to_string()));
/// assert!(vector.is_proper());
/// # Ok::<(), e3x_so3::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Irrep {
    /// The degree `l`.
    pub degree: usize,
    /// The behaviour under reflection.
    pub parity: Parity,
}

impl Irrep {
    /// The number of components, `2l + 1`, or `usize::MAX` where that is larger.
    ///
    /// ```
    /// assert_eq!("2e".parse::<e3x_so3::Irrep>()?.dim(), 5);
    /// # Ok::<(), e3x_so3::Error>(())
    /// ```
    pub fn dim(&self) -> usize {
        self.degree.saturating_mul(2).saturating_add(1)
    }

    /// Whether it is a proper tensor, with the parity of harmonics of its degree, and not a pseudotensor.
    ///
    /// ```
    /// assert!(!"1e".parse::<e3x_so3::Irrep>()?.is_proper());
    /// # Ok::<(), e3x_so3::Error>(())
    /// ```
    pub fn is_proper(&self) -> bool {
        self.parity == Parity::of_degree(self.degree)
    }

    /// Whether the tensor product of `self` and `other` contains `product`.
    ///
    /// ```
    /// use e3x_so3::Irrep;
    /// let [vector, pseudovector]: [Irrep; 2] = ["1o".parse()?, "1e".parse()?];
    /// assert!(vector.couples(&vector, &pseudovector)); // the cross product
    /// assert!(!vector.couples(&vector, &vector));
    /// # Ok::<(), e3x_so3::Error>(())
    /// ```
    pub fn couples(&self, other: &Self, product: &Self) -> bool {
        let range = self.degree.abs_diff(other.degree)..=self.degree.saturating_add(other.degree);
        range.contains(&product.degree) && self.parity * other.parity == product.parity
    }
}

impl fmt::Display for Irrep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let letter = match self.parity {
            Parity::Even => 'e',
            Parity::Odd => 'o',
        };
        write!(f, "{}{letter}", self.degree)
    }
}

/// A list of irreducible representations with how many there are of each, as e3nn writes it: `32x0e+16x1o`.
///
/// ```
/// use e3x_so3::Irreps;
/// let irreps: Irreps = "32x0e + 16x1o + 2e".parse()?;
/// assert_eq!(irreps.to_string(), "32x0e+16x1o+1x2e");
/// assert_eq!(irreps.dim(), 32 + 16 * 3 + 5);
/// # Ok::<(), e3x_so3::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Irreps {
    blocks: Vec<IrrepBlock>,
}

/// One entry of [`Irreps`]: so many copies of a representation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct IrrepBlock {
    /// The number of copies.
    pub multiplicity: usize,
    /// The representation.
    pub irrep: Irrep,
}

impl IrrepBlock {
    /// The number of components of all copies, or `usize::MAX` where that is larger.
    ///
    /// ```
    /// let irreps: e3x_so3::Irreps = "4x1o".parse()?;
    /// assert_eq!(irreps.blocks()[0].dim(), 12);
    /// # Ok::<(), e3x_so3::Error>(())
    /// ```
    pub fn dim(&self) -> usize {
        self.multiplicity.saturating_mul(self.irrep.dim())
    }
}

/// The largest number of components of [`Irreps`].
const MAX_DIM: usize = 1 << 40;

impl Irreps {
    /// A list from its entries.
    ///
    /// # Errors
    ///
    /// When there are more than 2⁴⁰ components.
    ///
    /// # Example
    ///
    /// ```
    /// use e3x_so3::Irreps;
    /// let irreps = Irreps::new([(8, "0e".parse()?), (4, "1o".parse()?)])?;
    /// assert_eq!(irreps, "8x0e+4x1o".parse()?);
    /// # Ok::<(), e3x_so3::Error>(())
    /// ```
    pub fn new(blocks: impl IntoIterator<Item = (usize, Irrep)>) -> Result<Self> {
        let blocks: Vec<_> = (blocks.into_iter())
            .map(|(multiplicity, irrep)| IrrepBlock {
                multiplicity,
                irrep,
            })
            .collect();
        let mut total = 0_usize;
        for block in &blocks {
            total = total.saturating_add(block.irrep.dim().saturating_mul(block.multiplicity));
            if total > MAX_DIM || block.irrep.dim() > MAX_DIM {
                return Err(Error::ArrayTooLarge {
                    what: "irreps",
                    elements: total,
                    limit: MAX_DIM,
                    remedy: "fewer copies or lower degrees",
                });
            }
        }
        Ok(Self { blocks })
    }

    /// The irreps of E3x's features of shape `(parity, (max_degree+1)², features)`, sorted by degree, the proper one
    /// of each degree first.
    ///
    /// # Errors
    ///
    /// When `parity` is neither 1 nor 2, or there are more than 2⁴⁰ components.
    ///
    /// # Example
    ///
    /// ```
    /// use e3x_so3::Irreps;
    /// assert_eq!(Irreps::of_features(1, 2, 8)?.to_string(), "8x0e+8x1o+8x2e");
    /// assert_eq!(Irreps::of_features(2, 1, 8)?.to_string(), "8x0e+8x0o+8x1o+8x1e");
    /// # Ok::<(), e3x_so3::Error>(())
    /// ```
    pub fn of_features(parity: usize, max_degree: usize, features: usize) -> Result<Self> {
        let mut total = 0_usize;
        if !(parity == 1 || parity == 2) {
            return Err(Error::Invalid {
                argument: "parity",
                expected: "1 or 2".into(),
                actual: parity.to_string(),
            });
        }
        let mut blocks = Vec::new();
        for degree in 0..=max_degree {
            total = total.saturating_add(2 * degree + 1);
            if total > MAX_DIM {
                return Err(Error::ArrayTooLarge {
                    what: "irreps",
                    elements: total,
                    limit: MAX_DIM,
                    remedy: "fewer copies or lower degrees",
                });
            }
            let proper = Parity::of_degree(degree);
            for parity in [proper, proper * Parity::Odd].into_iter().take(parity) {
                blocks.push((features, Irrep { degree, parity }));
            }
        }
        Self::new(blocks)
    }

    /// The entries.
    ///
    /// ```
    /// let irreps: e3x_so3::Irreps = "8x0e+4x1o".parse()?;
    /// assert_eq!(irreps.blocks()[1].multiplicity, 4);
    /// # Ok::<(), e3x_so3::Error>(())
    /// ```
    pub fn blocks(&self) -> &[IrrepBlock] {
        &self.blocks
    }

    /// The number of components of all entries.
    ///
    /// ```
    /// assert_eq!("8x0e+4x1o".parse::<e3x_so3::Irreps>()?.dim(), 20);
    /// # Ok::<(), e3x_so3::Error>(())
    /// ```
    pub fn dim(&self) -> usize {
        self.blocks.iter().map(IrrepBlock::dim).sum()
    }

    /// The largest degree; nothing for an empty list.
    ///
    /// ```
    /// assert_eq!("8x0e+4x1o".parse::<e3x_so3::Irreps>()?.max_degree(), Some(1));
    /// # Ok::<(), e3x_so3::Error>(())
    /// ```
    pub fn max_degree(&self) -> Option<usize> {
        self.blocks.iter().map(|block| block.irrep.degree).max()
    }

    /// How many copies there are of a representation, in all entries together.
    ///
    /// ```
    /// let irreps: e3x_so3::Irreps = "8x0e+4x1o+2x0e".parse()?;
    /// assert_eq!(irreps.count("0e".parse()?), 10);
    /// # Ok::<(), e3x_so3::Error>(())
    /// ```
    pub fn count(&self, irrep: Irrep) -> usize {
        let same = self.blocks.iter().filter(|block| block.irrep == irrep);
        same.map(|block| block.multiplicity).sum()
    }

    /// Where the components of each entry are in an array of all of them.
    ///
    /// ```
    /// let irreps: e3x_so3::Irreps = "8x0e+4x1o".parse()?;
    /// assert_eq!(irreps.ranges(), [0..8, 8..20]);
    /// # Ok::<(), e3x_so3::Error>(())
    /// ```
    pub fn ranges(&self) -> Vec<Range<usize>> {
        let mut start = 0;
        let next = |block: &IrrepBlock| {
            let range = start..start + block.dim();
            start = range.end;
            range
        };
        self.blocks.iter().map(next).collect()
    }

    /// The shape `(parity, max_degree, features)` of E3x's features that can hold these irreps: every copy of a
    /// representation becomes a feature.
    ///
    /// # Errors
    ///
    /// When the list is empty, or the representations have different numbers of copies: E3x has the same number of
    /// features for all.
    ///
    /// # Example
    ///
    /// ```
    /// use e3x_so3::Irreps;
    /// assert_eq!("8x0e+8x1o".parse::<Irreps>()?.feature_shape()?, (1, 1, 8));
    /// assert_eq!("8x0e+5x1e+3x1e".parse::<Irreps>()?.feature_shape()?, (2, 1, 8));
    /// assert!("8x0e+4x1o".parse::<Irreps>()?.feature_shape().is_err());
    /// # Ok::<(), e3x_so3::Error>(())
    /// ```
    pub fn feature_shape(&self) -> Result<(usize, usize, usize)> {
        let invalid = |expected: &str| Error::Invalid {
            argument: "irreps",
            expected: expected.into(),
            actual: format!("'{self}'"),
        };
        let present: Vec<_> = (self.blocks.iter())
            .filter(|block| block.multiplicity > 0)
            .map(|block| block.irrep)
            .collect();
        let Some(&first) = present.first() else {
            return Err(invalid("at least one representation"));
        };
        let features = self.count(first);
        if present.iter().any(|&irrep| self.count(irrep) != features) {
            return Err(invalid("as many copies of every representation"));
        }
        let parity = if present.iter().all(Irrep::is_proper) {
            1
        } else {
            2
        };
        let max_degree = present.iter().map(|irrep| irrep.degree).max().unwrap_or(0);
        Ok((parity, max_degree, features))
    }

    /// The feature of the first copy of each entry, when all copies of a representation are numbered: the number of
    /// copies in earlier entries.
    ///
    /// ```
    /// let irreps: e3x_so3::Irreps = "8x0e+4x1o+2x0e".parse()?;
    /// assert_eq!(irreps.first_features(), [0, 0, 8]);
    /// # Ok::<(), e3x_so3::Error>(())
    /// ```
    pub fn first_features(&self) -> Vec<usize> {
        let mut counts = BTreeMap::new();
        let next = |block: &IrrepBlock| {
            let count = counts.entry(block.irrep).or_insert(0);
            *count += block.multiplicity;
            *count - block.multiplicity
        };
        self.blocks.iter().map(next).collect()
    }
}

impl fmt::Display for Irreps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, block) in self.blocks.iter().enumerate() {
            let plus = if i == 0 { "" } else { "+" };
            write!(f, "{plus}{}x{}", block.multiplicity, block.irrep)?;
        }
        Ok(())
    }
}
