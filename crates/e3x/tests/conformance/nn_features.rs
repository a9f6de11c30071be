//! Operations of `e3x.nn` on features: helpers and activations.

use candle_core::Tensor;
use e3x::nn;

use crate::case::{CPU, Case, Outputs, Result};
use crate::registry::Function;

pub fn find(name: &str) -> Option<Function> {
    Some(match name {
        "add" => |case| {
            let inputs = case.list("inputs")?;
            Ok(nn::add(&inputs.iter().collect::<Vec<_>>())?.into())
        },
        "even_degree_mask" => |case| {
            let max_degree = case.args.required("max_degree")?;
            Ok(nn::even_degree_mask(max_degree, &CPU)?.into())
        },
        "odd_degree_mask" => |case| {
            let max_degree = case.args.required("max_degree")?;
            Ok(nn::odd_degree_mask(max_degree, &CPU)?.into())
        },
        "reflect" => |case| activation(case, nn::reflect),
        "rotate" => |case| {
            let (x, wigner_d) = (case.input("x")?, case.input("wigner_d_matrix")?);
            Ok(nn::rotate(&x, &wigner_d)?.into())
        },
        "change_max_degree_or_type" => change_max_degree_or_type,
        "bent_identity" => |case| activation(case, nn::bent_identity),
        "celu" => |case| with_constant(case, nn::celu, "alpha", 1.0),
        "elu" => |case| with_constant(case, nn::elu, "alpha", 1.0),
        "gelu" => |case| {
            let approximate = case.args.or("approximate", true)?;
            Ok(nn::gelu(&case.input("x")?, approximate)?.into())
        },
        "hard_silu" => |case| activation(case, nn::hard_silu),
        "hard_swish" => |case| activation(case, nn::hard_swish),
        "hard_tanh" => |case| activation(case, nn::hard_tanh),
        "leaky_relu" => |case| with_constant(case, nn::leaky_relu, "negative_slope", 0.01),
        "mish" => |case| {
            case.args.or("fast", true)?; // Chooses between formulas for the same number.
            activation(case, nn::mish)
        },
        "relu" => |case| activation(case, nn::relu),
        "relu6" => |case| activation(case, nn::relu6),
        "selu" => |case| activation(case, nn::selu),
        "serf" => |case| activation(case, nn::serf),
        "shifted_softplus" => |case| activation(case, nn::shifted_softplus),
        "silu" => |case| activation(case, nn::silu),
        "soft_sign" => |case| activation(case, nn::soft_sign),
        "swish" => |case| activation(case, nn::swish),
        _ => return None,
    })
}

fn activation(case: &Case, function: fn(&Tensor) -> e3x::Result<Tensor>) -> Result<Outputs> {
    Ok(function(&case.input("x")?)?.into())
}

fn with_constant(
    case: &Case,
    function: fn(&Tensor, f64) -> e3x::Result<Tensor>,
    name: &str,
    default: f64,
) -> Result<Outputs> {
    let constant = case.args.or(name, default)?;
    Ok(function(&case.input("x")?, constant)?.into())
}

fn change_max_degree_or_type(case: &Case) -> Result<Outputs> {
    let max_degree = case.args.get("max_degree")?;
    let include_pseudotensors = case.args.get("include_pseudotensors")?;
    let x = case.input("x")?;
    Ok(nn::change_max_degree_or_type(&x, max_degree, include_pseudotensors)?.into())
}
