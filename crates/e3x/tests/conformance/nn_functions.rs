//! Functions of distances in `e3x.nn`, and the basis.

use candle_core::Tensor;
use e3x::nn::{
    self, AngularFunction, BasisConfig, BasisDetails, Cutoff, Damping, Radial, ReciprocalKind,
};

use crate::case::{Case, Outputs, Result};
use crate::registry::Function;

pub fn find(name: &str) -> Option<Function> {
    Some(match name {
        "basic_bernstein" => |case| basic(case, nn::basic_bernstein),
        "basic_chebyshev" => |case| basic(case, nn::basic_chebyshev),
        "basic_fourier" => |case| basic(case, nn::basic_fourier),
        "basic_gaussian" => |case| basic(case, nn::basic_gaussian),
        "sinc" => |case| basic(case, nn::sinc),
        "rectangular_window" => |case| basic(case, nn::rectangular_window),
        "smooth_window" => |case| basic(case, nn::smooth_window),
        "triangular_window" => |case| basic(case, nn::triangular_window),
        "reciprocal_bernstein" => |case| reciprocal(case, nn::reciprocal_bernstein),
        "reciprocal_chebyshev" => |case| reciprocal(case, nn::reciprocal_chebyshev),
        "reciprocal_fourier" => |case| reciprocal(case, nn::reciprocal_fourier),
        "reciprocal_gaussian" => |case| reciprocal(case, nn::reciprocal_gaussian),
        "exponential_bernstein" => |case| exponential(case, nn::exponential_bernstein),
        "exponential_chebyshev" => |case| exponential(case, nn::exponential_chebyshev),
        "exponential_fourier" => |case| exponential(case, nn::exponential_fourier),
        "exponential_gaussian" => |case| exponential(case, nn::exponential_gaussian),
        "reciprocal_mapping" => {
            |case| Ok(nn::reciprocal_mapping(&case.input("x")?, kind(case)?)?.into())
        }
        "exponential_mapping" => |case| {
            let gamma: f64 = case.args.or("gamma", 1.0)?;
            let cuspless = case.args.or("cuspless", false)?;
            Ok(nn::exponential_mapping(&case.input("x")?, gamma, cuspless)?.into())
        },
        "smooth_cutoff" => |case| scalar(case, nn::smooth_cutoff, "cutoff"),
        "cosine_cutoff" => |case| scalar(case, nn::cosine_cutoff, "cutoff"),
        "smooth_damping" => |case| scalar(case, nn::smooth_damping, "gamma"),
        "smooth_switch" => |case| {
            let (x0, x1) = (case.args.or("x0", 0.0)?, case.args.or("x1", 1.0)?);
            Ok(nn::smooth_switch(&case.input("x")?, x0, x1)?.into())
        },
        "basis" => basis,
        _ => return None,
    })
}

fn basic(case: &Case, function: fn(&Tensor, usize, f64) -> e3x::Result<Tensor>) -> Result<Outputs> {
    let limit = case.args.or("limit", 1.0)?;
    Ok(function(&case.input("x")?, case.args.required("num")?, limit)?.into())
}

fn kind(case: &Case) -> Result<ReciprocalKind> {
    case.args.or("kind", ReciprocalKind::default())
}

fn reciprocal(
    case: &Case,
    function: fn(&Tensor, usize, ReciprocalKind, bool) -> e3x::Result<Tensor>,
) -> Result<Outputs> {
    let weighting = case.args.or("use_reciprocal_weighting", false)?;
    let num = case.args.required("num")?;
    Ok(function(&case.input("x")?, num, kind(case)?, weighting)?.into())
}

fn exponential(
    case: &Case,
    function: fn(&Tensor, usize, f64, bool, bool) -> e3x::Result<Tensor>,
) -> Result<Outputs> {
    let gamma = case.args.or("gamma", 1.0)?;
    let cuspless = case.args.or("cuspless", false)?;
    let weighting = case.args.or("use_exponential_weighting", false)?;
    let num = case.args.required("num")?;
    Ok(function(&case.input("x")?, num, gamma, cuspless, weighting)?.into())
}

fn scalar(
    case: &Case,
    function: fn(&Tensor, f64) -> e3x::Result<Tensor>,
    constant: &str,
) -> Result<Outputs> {
    let constant = case.args.or(constant, 1.0)?;
    Ok(function(&case.input("x")?, constant)?.into())
}

/// A function given by name (`<stem>_fn`) and keyword arguments (`<stem>_kwargs`), deserialised
/// as users would from a configuration file; `None` if the case does not name one.
fn named<T: serde::de::DeserializeOwned>(case: &Case, stem: &str) -> Result<Option<T>> {
    let Some(name) = case.args.get::<String>(&format!("{stem}_fn"))? else {
        return Ok(None);
    };
    let mut object = case.args.group(&format!("{stem}_kwargs"));
    object.insert("name".to_string(), name.into());
    let function = serde_json::from_value(object.into());
    function
        .map(Some)
        .map_err(|error| format!("{stem}_fn: {error}").into())
}

/// The radial functions in the arguments of a case.
pub fn radial(case: &Case) -> Result<Radial> {
    named(case, "radial")?.ok_or_else(|| "argument 'radial_fn' is missing".into())
}

/// The configuration of `nn.basis` in the arguments of a case.
pub fn basis_config(case: &Case) -> Result<BasisConfig> {
    let (max_degree, num) = (
        case.args.required("max_degree")?,
        case.args.required("num")?,
    );
    let mut config = BasisConfig::new(max_degree, num, radial(case)?);
    if let Some(cutoff) = named::<Cutoff>(case, "cutoff")? {
        config = config.with_cutoff(cutoff);
    }
    if let Some(damping) = named::<Damping>(case, "damping")? {
        config = config.with_damping(damping);
    }
    if let Some(name) = case.args.get::<String>("angular_fn")? {
        config.angular_fn = angular(case, &name)?;
    }
    case.args
        .set("cartesian_order", &mut config.cartesian_order)?;
    Ok(config)
}

/// `angular_fn` with `angular_kwargs`; named by the case, a function has its own defaults.
fn angular(case: &Case, name: &str) -> Result<AngularFunction> {
    match name {
        "solid_harmonics" => Ok(AngularFunction::SolidHarmonics),
        "spherical_harmonics" => {
            let name: String = case
                .args
                .or("angular_kwargs.normalization", "racah".to_string())?;
            Ok(AngularFunction::SphericalHarmonics {
                normalization: name.parse()?,
                r_is_normalized: case.args.or("angular_kwargs.r_is_normalized", false)?,
            })
        }
        other => Err(format!("angular_fn: unknown name '{other}'").into()),
    }
}

fn basis(case: &Case) -> Result<Outputs> {
    let details = nn::basis_with_details(&case.input("r")?, &basis_config(case)?)?;
    basis_outputs(case, details)
}

/// The basis and what the case asks for beside it.
pub fn basis_outputs(case: &Case, details: BasisDetails) -> Result<Outputs> {
    let mut outputs = vec![details.basis.to_tensor()?];
    if case.args.or("return_cutoff", false)? {
        outputs.push(details.cutoff);
    }
    if case.args.or("return_norm", false)? {
        outputs.push(details.norm);
    }
    Ok(outputs.into())
}
