//! Weights of e3nn's layers.

use std::collections::BTreeMap;

use candle_core::{DType, Device, Tensor};
use e3x_so3::{Irrep, Irreps, Parity, linear_paths, tensor_paths};

use crate::error::{check_float, check_same_dtype};
use crate::{Error, Result};

/// Converts the weights of e3nn's `Linear(inputs, outputs)` into the parameters of
/// [`Dense`](crate::nn::Dense), by name.
///
/// The layer of E3x takes features as [`irreps_to_features`](super::irreps_to_features) makes them
/// and computes the same. Its kernels are the weights divided by the square root of the number of
/// copies that are summed ([`linear_paths`]); kernels of irreps that the outputs do not mention are
/// zero. `bias` belongs to all even scalars of the outputs (`biases=True`).
///
/// # Shapes
/// `weight`: flat, as e3nn stores it; `bias`: `(features,)` or nothing. Results: `0+/kernel`,
/// `1-/kernel`, ..., shape `(copies of the inputs, copies of the outputs)`, and `0+/bias` if there
/// is a bias. They have the dtype of `weight` and are not on the tape.
///
/// ```
/// use candle_core::{DType, Device, Tensor};
/// use e3x::FeatureShape;
/// use e3x::nn::{Dense, DenseConfig, Parameters};
/// let (inputs, outputs) = ("4x0e + 4x1o".parse()?, "2x0e + 2x1o".parse()?);
/// let weight = Tensor::ones(16, DType::F64, &Device::Cpu)?;
/// let parameters = e3x::convert::dense_from_e3nn(&weight, None, &inputs, &outputs)?;
/// let vb = Parameters::from_tensors(parameters).builder(DType::F64, &Device::Cpu);
/// let config = DenseConfig { use_bias: false, ..DenseConfig::new(2) };
/// let dense = Dense::new(FeatureShape::new(1, 1, 4)?, config, vb)?;
/// let y = dense.forward(&Tensor::ones((1, 4, 4), DType::F64, &Device::Cpu)?)?;
/// assert_eq!(y.flatten_all()?.to_vec1::<f64>()?, [2.0; 8]); // 4 / √4
/// # Ok::<(), e3x::Error>(())
/// ```
///
/// # Errors
/// If irreps have different numbers of copies, the outputs have irreps that the features of the
/// inputs do not have, a shape does not fit, or dtypes are not floating point or differ.
pub fn dense_from_e3nn(
    weight: &Tensor,
    bias: Option<&Tensor>,
    inputs: &Irreps,
    outputs: &Irreps,
) -> Result<BTreeMap<String, Tensor>> {
    let layer = Linear::new(inputs, outputs)?;
    let values = flat("weight", weight, layer.num_weights)?;
    let mut parameters = BTreeMap::new();
    for irrep in layer.irreps() {
        let mut kernel = vec![0.0; layer.rows * layer.columns];
        layer.visit(irrep, |position, element, factor| {
            kernel[element] = factor * values[position];
        })?;
        let kernel = tensor(kernel, &[layer.rows, layer.columns], weight)?;
        parameters.insert(kernel_name(irrep), kernel);
    }
    if let Some(bias) = bias {
        check_same_dtype("bias", bias, "weight", weight)?;
        flat("bias", bias, layer.columns)?;
        parameters.insert("0+/bias".to_owned(), bias.detach());
    }
    Ok(parameters)
}

/// Converts the parameters of [`Dense`](crate::nn::Dense) into weights and bias of e3nn's
/// `Linear(inputs, outputs)`; the inverse of [`dense_from_e3nn`].
///
/// # Shapes
/// As there. The result is flat, with the dtype of the kernels.
///
/// # Errors
/// If a kernel is missing or has another shape, or as [`dense_from_e3nn`].
pub fn dense_to_e3nn(
    parameters: &BTreeMap<String, Tensor>,
    inputs: &Irreps,
    outputs: &Irreps,
) -> Result<(Tensor, Option<Tensor>)> {
    let layer = Linear::new(inputs, outputs)?;
    let mut weight = vec![0.0; layer.num_weights];
    let mut first: Option<&Tensor> = None;
    for irrep in layer.irreps() {
        let name = kernel_name(irrep);
        let kernel = parameters
            .get(&name)
            .ok_or_else(|| Error::argument("parameters", format!("'{name}'"), "none"))?;
        check_same_dtype("parameters", kernel, "the first", first.unwrap_or(kernel))?;
        first = first.or(Some(kernel));
        let values = shaped("parameters", kernel, &[layer.rows, layer.columns])?;
        layer.visit(irrep, |position, element, factor| {
            weight[position] = values[element] / factor;
        })?;
    }
    let like = first.ok_or_else(|| Error::argument("inputs", "at least one irrep", "none"))?;
    let weight = tensor(weight, &[layer.num_weights], like)?;
    Ok((weight, parameters.get("0+/bias").map(Tensor::detach)))
}

/// The weights of a linear layer on both sides.
struct Linear<'a> {
    inputs: &'a Irreps,
    outputs: &'a Irreps,
    shape: (usize, usize),
    rows: usize,
    columns: usize,
    num_weights: usize,
}

impl<'a> Linear<'a> {
    fn new(inputs: &'a Irreps, outputs: &'a Irreps) -> Result<Self> {
        let (parity, max_degree, rows) = inputs.feature_shape()?;
        let (_, _, columns) = outputs.feature_shape()?;
        limit("outputs", &[rows, columns, max_degree + 1])?;
        let layer = Self {
            inputs,
            outputs,
            shape: (parity, max_degree),
            rows,
            columns,
            num_weights: linear_paths(inputs, outputs)?
                .last()
                .map_or(0, |path| path.weights.end),
        };
        let known: Vec<_> = layer.irreps().collect();
        let present = outputs.blocks().iter().filter(|b| b.multiplicity > 0);
        match present.map(|b| b.irrep).find(|i| !known.contains(i)) {
            None => Ok(layer),
            Some(irrep) => {
                let expected = format!("irreps of features with {inputs}");
                Err(Error::argument("outputs", expected, irrep.to_string()))
            }
        }
    }

    /// All irreps of the features.
    fn irreps(&self) -> impl Iterator<Item = Irrep> + use<> {
        let (parity, max_degree) = self.shape;
        (0..=max_degree).flat_map(move |degree| {
            let proper = Parity::of_degree(degree);
            let all = [proper, proper * Parity::Odd].into_iter().take(parity);
            all.map(move |parity| Irrep { degree, parity })
        })
    }

    /// Calls `visit` with the position among e3nn's weights, the element of the kernel of `irrep`,
    /// and the factor from weight to element.
    fn visit(&self, irrep: Irrep, mut visit: impl FnMut(usize, usize, f64)) -> Result<()> {
        let first_rows = self.inputs.first_features();
        let first_columns = self.outputs.first_features();
        for path in linear_paths(self.inputs, self.outputs)? {
            if self.inputs.blocks()[path.input].irrep != irrep {
                continue;
            }
            let columns = self.outputs.blocks()[path.output].multiplicity;
            for (i, position) in path.weights.enumerate() {
                let row = first_rows[path.input] + i / columns;
                let column = first_columns[path.output] + i % columns;
                visit(position, row * self.columns + column, path.factor);
            }
        }
        Ok(())
    }
}

/// Converts the weights of a tensor product of e3nn that couples copy by copy into the kernel of
/// [`nn::Tensor`](crate::nn::Tensor).
///
/// Which product, and the factor between weights and kernel: [`tensor_paths`]. The layer of E3x
/// takes features as [`irreps_to_features`](super::irreps_to_features) makes them, has the degree
/// and parity of [`Irreps::feature_shape`] of the outputs, and computes the same. Elements of paths
/// to irreps that are not mentioned are zero.
///
/// # Shapes
/// `weight`: flat, as e3nn stores it. Result:
/// `(P1, L1+1, P2, L2+1, P3, L3+1, F)`, with the dtype of `weight`, not on the tape.
///
/// ```
/// use candle_core::{DType, Device, Tensor};
/// let irreps = "8x0e + 8x1o".parse()?;
/// let weight = Tensor::ones(32, DType::F64, &Device::Cpu)?;
/// let kernel = e3x::convert::tensor_from_e3nn(&weight, &irreps, &irreps, &irreps)?;
/// assert_eq!(kernel.dims(), [1, 2, 1, 2, 1, 2, 8]);
/// # Ok::<(), e3x::Error>(())
/// ```
///
/// # Errors
/// If irreps have different numbers of copies or occur twice, a shape does not fit, or `weight` is
/// not floating point.
pub fn tensor_from_e3nn(
    weight: &Tensor,
    inputs1: &Irreps,
    inputs2: &Irreps,
    outputs: &Irreps,
) -> Result<Tensor> {
    let layer = Product::new([inputs1, inputs2, outputs])?;
    let values = flat("weight", weight, layer.num_weights())?;
    let mut kernel = vec![0.0; layer.shape.iter().product()];
    layer.visit(|position, element, factor| kernel[element] = factor * values[position]);
    tensor(kernel, &layer.shape, weight)
}

/// Converts the kernel of [`nn::Tensor`](crate::nn::Tensor) into weights of e3nn; the inverse of
/// [`tensor_from_e3nn`].
///
/// # Shapes
/// As there. The result is flat.
///
/// # Errors
/// As [`tensor_from_e3nn`].
pub fn tensor_to_e3nn(
    kernel: &Tensor,
    inputs1: &Irreps,
    inputs2: &Irreps,
    outputs: &Irreps,
) -> Result<Tensor> {
    let layer = Product::new([inputs1, inputs2, outputs])?;
    let values = shaped("kernel", kernel, &layer.shape)?;
    let mut weight = vec![0.0; layer.num_weights()];
    layer.visit(|position, element, factor| weight[position] = values[element] / factor);
    tensor(weight, &[layer.num_weights()], kernel)
}

/// The weights of a tensor product on both sides.
struct Product<'a> {
    irreps: [&'a Irreps; 3],
    paths: Vec<e3x_so3::TensorPath>,
    shape: Vec<usize>,
}

impl<'a> Product<'a> {
    fn new(irreps: [&'a Irreps; 3]) -> Result<Self> {
        let mut shape = Vec::with_capacity(7);
        for (argument, irreps) in ["inputs1", "inputs2", "outputs"].into_iter().zip(irreps) {
            if irreps.first_features().iter().any(|&first| first > 0) {
                let received = irreps.to_string();
                return Err(Error::argument(argument, "every irrep once", received));
            }
            let (parity, max_degree, features) = irreps.feature_shape()?;
            shape.extend([parity, max_degree + 1]);
            if argument == "outputs" {
                shape.push(features);
            }
        }
        limit("outputs", &shape)?;
        let [first, second, third] = irreps;
        Ok(Self {
            irreps,
            paths: tensor_paths(first, second, third)?,
            shape,
        })
    }

    fn num_weights(&self) -> usize {
        self.paths.last().map_or(0, |path| path.weights.end)
    }

    /// Calls `visit` with the position among e3nn's weights, the element of the kernel, and the
    /// factor from weight to element.
    fn visit(&self, mut visit: impl FnMut(usize, usize, f64)) {
        for path in &self.paths {
            let [first, second] = path.inputs;
            let mut row = 0;
            for (axis, block) in [first, second, path.output].into_iter().enumerate() {
                let irrep = self.irreps[axis].blocks()[block].irrep;
                let [parity, degrees] = [self.shape[2 * axis], self.shape[2 * axis + 1]];
                let p = usize::from(parity == 2 && irrep.parity == Parity::Odd);
                row = (row * parity + p) * degrees + irrep.degree;
            }
            let start = row * self.shape[6];
            for (u, position) in path.weights.clone().enumerate() {
                visit(position, start + u, path.factor);
            }
        }
    }
}

/// Checks that there is memory for parameters of this shape.
fn limit(argument: &'static str, shape: &[usize]) -> Result<()> {
    const LIMIT: usize = 1 << 27;
    let size = |total: usize, n: &usize| total.saturating_mul(*n);
    let elements = shape.iter().fold(1, size);
    if elements <= LIMIT {
        return Ok(());
    }
    let expected = format!("a layer with at most {LIMIT} parameters");
    Err(Error::argument(argument, expected, elements.to_string()))
}

/// E3x's name of the kernel for an irrep.
fn kernel_name(irrep: Irrep) -> String {
    let sign = match irrep.parity {
        Parity::Even => '+',
        Parity::Odd => '-',
    };
    format!("{}{sign}/kernel", irrep.degree)
}

fn flat(argument: &'static str, x: &Tensor, len: usize) -> Result<Vec<f64>> {
    shaped(argument, x, &[len])
}

/// The values of a tensor of a given shape.
fn shaped(argument: &'static str, x: &Tensor, shape: &[usize]) -> Result<Vec<f64>> {
    check_float(argument, x.dtype())?;
    if x.dims() != shape {
        let received = format!("shape {:?}", x.dims());
        return Err(Error::argument(
            argument,
            format!("shape {shape:?}"),
            received,
        ));
    }
    Ok(x.to_dtype(DType::F64)?.flatten_all()?.to_vec1()?)
}

fn tensor(values: Vec<f64>, shape: &[usize], like: &Tensor) -> Result<Tensor> {
    Ok(Tensor::from_vec(values, shape, &Device::Cpu)?
        .to_dtype(like.dtype())?
        .to_device(like.device())?)
}
