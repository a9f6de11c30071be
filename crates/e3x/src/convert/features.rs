//! Features and arrays of irreps.

use candle_core::Tensor;
use e3x_so3::{Convention, FeatureConversion, Irrep, Irreps, IrrepsMemory, Parity};

use crate::config::Config;
use crate::error::check_float;
use crate::op::irreps::{Conversion, Direction};
use crate::{Error, FeatureShape, Result};

/// How arrays of irreps are laid out. The default is e3nn's.
///
/// ```
/// use e3x::convert::{Convention, IrrepsFormat, IrrepsMemory};
/// let format = IrrepsFormat::default();
/// assert_eq!((format.convention, format.memory), (Convention::E3nn, IrrepsMemory::MulIr));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IrrepsFormat {
    /// What the components of each irrep are.
    pub convention: Convention,
    /// How the copies of an irrep lie in memory.
    pub memory: IrrepsMemory,
    /// Order of the entries of each degree of the features on this side.
    pub cartesian_order: bool,
}

impl Default for IrrepsFormat {
    fn default() -> Self {
        Self {
            convention: Convention::E3nn,
            memory: IrrepsMemory::MulIr,
            cartesian_order: Config::cartesian_order(),
        }
    }
}

/// Converts arrays of irreps into features: every copy of an irrep becomes a feature.
///
/// Irreps that are not mentioned are zero in the features. The irreps must have the same number of
/// copies; P is 2 if there are pseudotensors among them. Details:
/// [`FeatureConversion`]. Linear, its transpose is [`features_to_irreps`], so
/// differentiable to any order.
///
/// # Shapes
/// `x`: `(..., irreps.dim())`, result: `(..., P, (L+1)^2, F)` with the numbers of
/// [`Irreps::feature_shape`].
///
/// ```
/// use candle_core::{Device, Tensor};
/// use e3x::convert::{IrrepsFormat, features_to_irreps, irreps_to_features};
/// let irreps = "8x0e + 8x1o".parse()?;
/// let x = Tensor::rand(-1.0, 1.0, (5, 32), &Device::Cpu)?; // from e3nn
/// let features = irreps_to_features(&x, &irreps, IrrepsFormat::default())?;
/// assert_eq!(features.dims(), [5, 1, 4, 8]);
/// let again = features_to_irreps(&features, &irreps, IrrepsFormat::default())?;
/// assert!((again - x)?.abs()?.max_all()?.to_scalar::<f64>()? < 1e-15);
/// # Ok::<(), e3x::Error>(())
/// ```
///
/// # Errors
/// If the last axis does not fit, `x` is not floating point, the irreps have different numbers of
/// copies, or a degree is above 100.
pub fn irreps_to_features(x: &Tensor, irreps: &Irreps, format: IrrepsFormat) -> Result<Tensor> {
    check_float("x", x.dtype())?;
    let conversion = prepare(irreps, format)?;
    let expected = conversion.dim();
    let batch = match x.dims() {
        [batch @ .., dim] if *dim == expected => batch,
        dims => {
            let shape = format!("shape (..., {expected}) for {irreps}");
            return Err(Error::argument("x", shape, format!("shape {dims:?}")));
        }
    };
    let shape = feature_shape(&conversion)?.with_batch(batch);
    convert(Direction::ToFeatures, conversion, x, shape)
}

/// Converts features into arrays of irreps; the inverse of [`irreps_to_features`].
///
/// Entries of the features that the irreps do not mention are left out.
///
/// # Shapes
/// `x`: `(..., P, (L+1)^2, F)` with the numbers of [`Irreps::feature_shape`], result:
/// `(..., irreps.dim())`.
///
/// # Errors
/// If the last axes do not fit, `x` is not floating point, the irreps have different numbers of
/// copies, or a degree is above 100.
pub fn features_to_irreps(x: &Tensor, irreps: &Irreps, format: IrrepsFormat) -> Result<Tensor> {
    check_float("x", x.dtype())?;
    let conversion = prepare(irreps, format)?;
    let batch = feature_shape(&conversion)?.check("x", x)?;
    let shape = [batch, &[conversion.dim()]].concat();
    convert(Direction::ToIrreps, conversion, x, shape)
}

/// Converts the components of features from one convention to another.
///
/// Between E3x's two orders this is a permutation. To [`Convention::E3nn`], components become those
/// about the y-axis; the memory stays that of E3x. Linear, differentiable to any order.
///
/// # Shapes
/// `x`: `(..., P, (L+1)^2, F)`, also the result.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use e3x::convert::{Convention, change_convention};
/// let x = Tensor::new(&[0.0, 1.0, 2.0, 3.0], &Device::Cpu)?.reshape((1, 4, 1))?; // 1, x, y, z
/// let y = change_convention(&x, Convention::Cartesian, Convention::Standard)?;
/// assert_eq!(y.flatten_all()?.to_vec1::<f64>()?, [0.0, 2.0, 3.0, 1.0]); // 1, y, z, x
/// # Ok::<(), e3x::Error>(())
/// ```
///
/// # Errors
/// If `x` has not the shape of features, is not floating point, or a degree is above 100.
pub fn change_convention(x: &Tensor, from: Convention, to: Convention) -> Result<Tensor> {
    check_float("x", x.dtype())?;
    let shape = FeatureShape::of("x", x)?;
    if from == to || x.elem_count() == 0 {
        return Ok(x.clone());
    }
    // Features are an array of irreps themselves.
    let mut blocks = Vec::new();
    for p in 0..shape.parity {
        for degree in 0..=shape.max_degree {
            let parity = match (shape.parity, p) {
                (1, _) => Parity::of_degree(degree),
                (_, 0) => Parity::Even,
                _ => Parity::Odd,
            };
            blocks.push((shape.features, Irrep { degree, parity }));
        }
    }
    let (direction, convention, here) = if from == Convention::E3nn {
        (Direction::ToFeatures, from, to)
    } else {
        (Direction::ToIrreps, to, from)
    };
    let format = IrrepsFormat {
        convention,
        memory: IrrepsMemory::IrMul,
        cartesian_order: here == Convention::Cartesian,
    };
    let conversion = prepare(&Irreps::new(blocks)?, format)?;
    convert(direction, conversion, x, x.dims().to_vec())
}

fn prepare(irreps: &Irreps, format: IrrepsFormat) -> Result<FeatureConversion> {
    Ok(FeatureConversion::new(
        irreps,
        format.convention,
        format.memory,
        format.cartesian_order,
    )?)
}

fn feature_shape(conversion: &FeatureConversion) -> Result<FeatureShape> {
    let (parity, max_degree, features) = conversion.feature_shape();
    FeatureShape::new(parity, max_degree, features)
}

fn convert(
    direction: Direction,
    conversion: FeatureConversion,
    x: &Tensor,
    shape: Vec<usize>,
) -> Result<Tensor> {
    if x.elem_count() == 0 {
        return Ok(Tensor::zeros(shape, x.dtype(), x.device())?);
    }
    Ok(Conversion::new(direction, conversion)
        .apply(x)?
        .reshape(shape)?)
}
