//! Weights of e3nn's linear layers and tensor products.

use crate::{Error, Irreps, Result};
use std::ops::Range;

/// Which weights of e3nn's `Linear` connect two entries, and their factor; see [`linear_paths`].
#[derive(Debug, Clone, PartialEq)]
pub struct LinearPath {
    /// The entry of the inputs.
    pub input: usize,
    /// The entry of the outputs.
    pub output: usize,
    /// Where its weights are, of shape `(copies of the input, copies of the output)`.
    pub weights: Range<usize>,
    /// What the weights are multiplied by.
    pub factor: f64,
}

/// The paths of e3nn's `Linear(inputs, outputs)`, in the order of its weights.
///
/// Every entry of the inputs is connected to every entry of the outputs with the same representation:
///
/// ```text
/// y[output, w] = Σ_inputs factor Σ_u weight[u, w] x[input, u]      factor = 1 / √(copies in all inputs of the sum)
/// ```
///
/// (e3nn's `path_normalization="element"`, its default). E3x's `Dense` has no factor: its kernel is
/// `factor · weight`. Biases are the same in both.
///
/// # Errors
///
/// When there are more than 2⁴⁰ weights.
///
/// # Example
///
/// ```
/// let paths = e3x_so3::linear_paths(&"4x0e+16x1o".parse()?, &"8x0e+8x1o".parse()?)?;
/// assert_eq!((paths[1].weights.clone(), paths[1].factor), (32..160, 0.25));
/// # Ok::<(), e3x_so3::Error>(())
/// ```
pub fn linear_paths(inputs: &Irreps, outputs: &Irreps) -> Result<Vec<LinearPath>> {
    let mut paths = Vec::new();
    let mut start = 0_usize;
    for (input, x) in inputs.blocks().iter().enumerate() {
        for (output, y) in outputs.blocks().iter().enumerate() {
            if x.irrep != y.irrep {
                continue;
            }
            let end = advance(start, x.multiplicity.saturating_mul(y.multiplicity))?;
            paths.push(LinearPath {
                input,
                output,
                weights: start..end,
                factor: factor(inputs.count(x.irrep)),
            });
            start = end;
        }
    }
    Ok(paths)
}

/// Which weights of e3nn's `TensorProduct` belong to a path, and their factor; see [`tensor_paths`].
#[derive(Debug, Clone, PartialEq)]
pub struct TensorPath {
    /// The entries of the two factors.
    pub inputs: [usize; 2],
    /// The entry of the product.
    pub output: usize,
    /// Where its weights are: one for each copy.
    pub weights: Range<usize>,
    /// What the weights are multiplied by when the coefficients are E3x's.
    pub factor: f64,
}

/// The paths of the tensor product of e3nn that couples copy by copy, in the order of its weights.
///
/// This is `TensorProduct` with an instruction `(i1, i2, i3, "uuu", True)` for all entries that couple, `i3` running
/// fastest; the entries must have the same number of copies. With one copy of everything, it is
/// `FullyConnectedTensorProduct`. With e3nn's defaults (`irrep_normalization="component"`,
/// `path_normalization="element"`), and with the coefficients `C` of
/// [`clebsch_gordan_for_degrees`](crate::clebsch_gordan_for_degrees), which are `√(2l+1)` times e3nn's,
///
/// ```text
/// y[output, u] = Σ_paths factor weight[u] C x1[input1, u] x2[input2, u]      factor = 1 / √(paths to the output)
/// ```
///
/// E3x's `Tensor` has no factor: its kernel is `factor · weight`. (A fully connected product of several copies mixes
/// them in every path, which E3x's `Tensor` does not; there is no equal kernel.)
///
/// # Errors
///
/// When entries have different numbers of copies, or there are more than 2⁴⁰ weights.
///
/// # Example
///
/// ```
/// let irreps = "8x0e+8x1o".parse()?;
/// let paths = e3x_so3::tensor_paths(&irreps, &irreps, &irreps)?;
/// // Scalars come from 0 ⊗ 0 and 1 ⊗ 1, vectors from 0 ⊗ 1 and 1 ⊗ 0.
/// assert_eq!(paths.len(), 4);
/// assert!((paths[3].factor - 0.5_f64.sqrt()).abs() < 1e-15);
/// assert_eq!(paths[3].weights, 24..32);
/// # Ok::<(), e3x_so3::Error>(())
/// ```
pub fn tensor_paths(
    inputs1: &Irreps,
    inputs2: &Irreps,
    outputs: &Irreps,
) -> Result<Vec<TensorPath>> {
    let copies = copies([inputs1, inputs2, outputs])?;
    let mut paths = Vec::new();
    let mut counts = vec![0; outputs.blocks().len()];
    let mut start = 0;
    for (input1, x1) in inputs1.blocks().iter().enumerate() {
        for (input2, x2) in inputs2.blocks().iter().enumerate() {
            for (output, y) in outputs.blocks().iter().enumerate() {
                if !x1.irrep.couples(&x2.irrep, &y.irrep) {
                    continue;
                }
                let end = advance(start, copies)?;
                counts[output] += 1;
                paths.push(TensorPath {
                    inputs: [input1, input2],
                    output,
                    weights: start..end,
                    factor: 1.0,
                });
                start = end;
            }
        }
    }
    for path in &mut paths {
        path.factor = factor(counts[path.output]);
    }
    Ok(paths)
}

/// The number of copies, the same everywhere.
fn copies(all: [&Irreps; 3]) -> Result<usize> {
    let mut blocks = all.into_iter().flat_map(Irreps::blocks);
    let Some(first) = blocks.next() else {
        return Ok(0);
    };
    match blocks.find(|block| block.multiplicity != first.multiplicity) {
        None => Ok(first.multiplicity),
        Some(other) => Err(Error::Invalid {
            argument: "irreps",
            expected: format!("{} copies of every representation", first.multiplicity),
            actual: format!("{}x{}", other.multiplicity, other.irrep),
        }),
    }
}

fn factor(terms: usize) -> f64 {
    (terms.max(1) as f64).sqrt().recip()
}

fn advance(start: usize, weights: usize) -> Result<usize> {
    const LIMIT: usize = 1 << 40;
    let end = start.saturating_add(weights);
    if end <= LIMIT {
        return Ok(end);
    }
    Err(Error::ArrayTooLarge {
        what: "weights",
        elements: end,
        limit: LIMIT,
        remedy: "fewer copies",
    })
}
