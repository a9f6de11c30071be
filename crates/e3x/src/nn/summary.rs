//! What a model consists of: a table of layers, shapes and numbers of parameters.

use std::fmt;

use candle_core::Tensor as Array;

use super::tensor_product::TensorProduct;
use crate::nn::{
    Dense, Embed, FusedTensor, Interaction, Linear, MessagePass, MultiHeadAttention, Residual,
    SelfAttention, Tensor, TensorDense,
};

/// What a layer can tell about itself. All layers of [`nn`](crate::nn) can; implement it for
/// layers of your own to build them with [`Builder::layer`](super::Builder::layer) and to have
/// them in a [`Summary`].
///
/// ```
/// use candle_core::{DType, Device};
/// use e3x::FeatureShape;
/// use e3x::nn::{Dense, DenseConfig, Layer, Parameters};
/// let vb = Parameters::seeded(0).builder(DType::F32, &Device::Cpu);
/// let dense = Dense::new(FeatureShape::new(1, 1, 4)?, DenseConfig::new(8), vb)?;
/// assert_eq!(dense.output_dims(), [1, 4, 8]);
/// assert_eq!(dense.num_parameters(), 2 * 4 * 8 + 8);
/// # Ok::<(), e3x::Error>(())
/// ```
pub trait Layer {
    /// Last axes of the result: the three of features, or fewer for what is no features.
    fn output_dims(&self) -> Vec<usize>;

    /// Number of values of all parameters.
    fn num_parameters(&self) -> usize;
}

/// Number of values of tensors.
pub(crate) fn count<'a>(tensors: impl IntoIterator<Item = &'a Array>) -> usize {
    tensors.into_iter().map(Array::elem_count).sum()
}

/// Implements [`Layer`] for a layer of features: its type, its parameters.
macro_rules! layer {
    ($kind:ty, $layer:ident => $count:expr) => {
        impl Layer for $kind {
            fn output_dims(&self) -> Vec<usize> {
                self.output_shape().dims().to_vec()
            }

            fn num_parameters(&self) -> usize {
                let $layer = self;
                $count
            }
        }
    };
}

layer!(Embed, layer => count([layer.parameter()]));
layer!(Dense, layer => count(layer.parameters()));
layer!(Tensor, layer => count([layer.kernel()]));
layer!(FusedTensor, layer => count(layer.parameters()));
layer!(TensorDense, layer => layer.parts().0.num_parameters() + layer.parts().1.num_parameters());
layer!(MessagePass, layer => layer.parts().0.num_parameters() + layer.parts().1.num_parameters());
layer!(MultiHeadAttention, layer => layer.count_parameters());
layer!(SelfAttention, layer => layer.inner().num_parameters());
layer!(Residual, layer => layer.layers().into_iter().map(Layer::num_parameters).sum());
layer!(Interaction, layer => layer.count_parameters());
layer!(TensorProduct, layer => match layer {
    TensorProduct::Tensor(tensor) => tensor.num_parameters(),
    TensorProduct::Fused(tensor) => tensor.num_parameters(),
});

impl Layer for Linear {
    fn output_dims(&self) -> Vec<usize> {
        vec![self.features()]
    }

    fn num_parameters(&self) -> usize {
        count(self.parameters())
    }
}

/// The layers of a model with the shapes of their results and their numbers of parameters; prints
/// as a table.
///
/// ```
/// use candle_core::{DType, Device};
/// use e3x::FeatureShape;
/// use e3x::nn::{Builder, DenseConfig, Parameters, TensorDenseConfig};
///
/// let mut model = Builder::new(Parameters::seeded(0).builder(DType::F32, &Device::Cpu));
/// let dense = model.dense(FeatureShape::new(1, 1, 3)?, DenseConfig::new(8))?;
/// model.tensor_dense(dense.output_shape(), TensorDenseConfig::default())?;
/// let table = model.summary().to_string();
/// assert_eq!(table, "\
/// layer          output shape  parameters
/// Dense_0           (1, 4, 8)          56
/// TensorDense_0     (2, 4, 8)         400
/// total                               456");
/// # Ok::<(), e3x::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    rows: Vec<Row>,
}

/// A layer in a [`Summary`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Path of the layer.
    pub name: String,
    /// Last axes of its result.
    pub output_dims: Vec<usize>,
    /// Number of values of all its parameters.
    pub num_parameters: usize,
}

impl Summary {
    /// Adds a layer.
    pub fn push(&mut self, name: impl Into<String>, layer: &impl Layer) {
        self.rows.push(Row {
            name: name.into(),
            output_dims: layer.output_dims(),
            num_parameters: layer.num_parameters(),
        });
    }

    /// Adds a parameter that belongs to no layer.
    pub fn push_parameter(&mut self, name: impl Into<String>, parameter: &Array) {
        self.rows.push(Row {
            name: name.into(),
            output_dims: parameter.dims().to_vec(),
            num_parameters: parameter.elem_count(),
        });
    }

    /// The layers in the order in which they were built.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// Number of values of all parameters.
    pub fn num_parameters(&self) -> usize {
        self.rows.iter().map(|row| row.num_parameters).sum()
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shape = |dims: &[usize]| {
            let dims: Vec<String> = dims.iter().map(ToString::to_string).collect();
            format!("({})", dims.join(", "))
        };
        let line = |name: &str, shape: String, parameters: String| [name.into(), shape, parameters];
        let mut lines = vec![line("layer", "output shape".into(), "parameters".into())];
        lines.extend(self.rows.iter().map(|row| {
            let parameters = row.num_parameters.to_string();
            line(&row.name, shape(&row.output_dims), parameters)
        }));
        lines.push(line(
            "total",
            String::new(),
            self.num_parameters().to_string(),
        ));
        let width = |column: usize| {
            let lengths = lines
                .iter()
                .map(|line: &[String; 3]| line[column].chars().count());
            lengths.max().unwrap_or(0)
        };
        let widths = [0, 1, 2].map(width);
        for (i, [name, shape, parameters]) in lines.iter().enumerate() {
            let end = if i == 0 { "" } else { "\n" };
            let [a, b, c] = widths;
            write!(f, "{end}{name:<a$}  {shape:>b$}  {parameters:>c$}")?;
        }
        Ok(())
    }
}
