//! Two networks that classify shapes: one that is equivariant, one that is not.

use candle_core::Tensor;
use e3x::FeatureShape;
use e3x::nn::{
    self, Basic, BasisConfig, Builder, Initializer, Linear, Radial, Summary, TensorDense,
    TensorDenseConfig, VarBuilder,
};

/// Number of features of both networks.
const FEATURES: usize = 8;
const CLASSES: usize = 8;
const MAX_DEGREE: usize = 2;

/// What training needs of a network: shapes `(B, 4, 3)` in, scores of the classes `(B, 8)` out.
pub trait Classifier {
    fn logits(&self, shapes: &Tensor) -> e3x::Result<Tensor>;
    fn summary(&self) -> &Summary;
}

/// Moves the centre of each shape to the origin: translations then change nothing.
fn centred(shapes: &Tensor) -> e3x::Result<Tensor> {
    Ok(shapes.broadcast_sub(&shapes.mean_keepdim(1)?)?)
}

/// The equivariant network. Its scores are made of scalars, which rotations do not change.
pub struct Equivariant {
    basis: BasisConfig,
    first: TensorDense,
    second: TensorDense,
    output: Linear,
    summary: Summary,
}

impl Equivariant {
    /// Without pseudotensors, the second layer drops the pseudoscalars: numbers that change their
    /// sign when the shape is mirrored, and the only ones that tell a left from a right screw.
    pub fn new(include_pseudotensors: bool, vb: VarBuilder) -> e3x::Result<Self> {
        let windows = Radial::TriangularWindow(Basic { limit: 2.0 });
        let basis = BasisConfig::new(MAX_DEGREE, FEATURES, windows);
        let mut model = Builder::new(vb);
        let shape = FeatureShape::new(1, MAX_DEGREE, FEATURES)?;
        // Couples tensors of degree 0, 1, 2: the results include pseudotensors of degree 1 and 2.
        let first = model.tensor_dense(shape, TensorDenseConfig::default())?;
        // Couples again, down to degree 0: scalars and pseudoscalars.
        let scalars = TensorDenseConfig {
            max_degree: Some(0),
            include_pseudotensors,
            ..TensorDenseConfig::default()
        };
        let second = model.tensor_dense(first.output_shape(), scalars)?;
        let inputs = second.output_shape().len();
        let output = model.linear(inputs, CLASSES, true, Initializer::lecun_normal())?;
        let summary = model.summary().clone();
        Ok(Self {
            basis,
            first,
            second,
            output,
            summary,
        })
    }
}

impl Classifier for Equivariant {
    fn logits(&self, shapes: &Tensor) -> e3x::Result<Tensor> {
        // Every cube becomes features: (B, 4, 1, 9, 8). Their mean describes the shape, whatever
        // the order of the cubes: (B, 1, 9, 8).
        let cubes = nn::basis(&centred(shapes)?, &self.basis)?.to_tensor()?;
        let x = cubes.mean(1)?;
        let x = self.first.forward(&x)?; // (B, 2, 9, 8)
        let x = self.second.forward(&x)?; // (B, 1 or 2, 1, 8)
        self.output.forward(&x.flatten_from(1)?)
    }

    fn summary(&self) -> &Summary {
        &self.summary
    }
}

/// An ordinary network: two hidden layers on the coordinates as they come.
pub struct Ordinary {
    layers: [Linear; 3],
    summary: Summary,
}

impl Ordinary {
    pub fn new(vb: VarBuilder) -> e3x::Result<Self> {
        let mut model = Builder::new(vb);
        let mut layer =
            |inputs, outputs| model.linear(inputs, outputs, true, Initializer::lecun_normal());
        let layers = [
            layer(4 * 3, FEATURES)?,
            layer(FEATURES, FEATURES)?,
            layer(FEATURES, CLASSES)?,
        ];
        let summary = model.summary().clone();
        Ok(Self { layers, summary })
    }
}

impl Classifier for Ordinary {
    fn logits(&self, shapes: &Tensor) -> e3x::Result<Tensor> {
        let [first, second, output] = &self.layers;
        let x = centred(shapes)?.flatten_from(1)?; // (B, 12)
        let x = first.forward(&x)?.relu()?;
        let x = second.forward(&x)?.relu()?;
        output.forward(&x)
    }

    fn summary(&self) -> &Summary {
        &self.summary
    }
}
