//! Operations of `e3x.so3`.

use candle_core::Tensor;
use e3x::so3::{self, Normalization, QuadratureSize, SphericalHarmonicsConfig};

use crate::case::{CPU, Case, Outputs, Result};
use crate::registry::Function;

pub fn find(name: &str) -> Option<Function> {
    Some(match name {
        "spherical_harmonics" => spherical_harmonics,
        "solid_harmonics" => solid_harmonics,
        "clebsch_gordan" => clebsch_gordan,
        "clebsch_gordan_for_degrees" => clebsch_gordan_for_degrees,
        "rotation" => |case| Ok(so3::rotation(&case.input("axis")?, &case.input("angle")?)?.into()),
        "rotation_euler" => |case| Ok(rotation_euler(case)?.into()),
        "euler_angles_from_rotation" => |case| {
            let (a, b, c) = so3::euler_angles_from_rotation(&case.input("rot")?)?;
            Ok(vec![a, b, c].into())
        },
        "alignment_rotation" => {
            |case| Ok(so3::alignment_rotation(&case.input("u")?, &case.input("v")?)?.into())
        }
        "wigner_d" => |case| wigner_d(case, &case.input("rot")?),
        "irreps_to_tensor" => |case| convert(case, so3::irreps_to_tensor),
        "tensor_to_irreps" => |case| convert(case, so3::tensor_to_irreps),
        "is_traceless_symmetric" => is_traceless_symmetric,
        "lebedev_quadrature" => |case| {
            let (points, weights) =
                so3::lebedev_quadrature(quadrature_size(case)?, case.dtype, &CPU)?;
            Ok(vec![points, weights].into())
        },
        "delley_quadrature" => |case| {
            let (points, weights) =
                so3::delley_quadrature(quadrature_size(case)?, case.dtype, &CPU)?;
            Ok(vec![points, weights].into())
        },
        _ => return None,
    })
}

fn spherical_harmonics(case: &Case) -> Result<Outputs> {
    let mut config = SphericalHarmonicsConfig::default();
    case.args
        .set("r_is_normalized", &mut config.r_is_normalized)?;
    case.args
        .set("cartesian_order", &mut config.cartesian_order)?;
    if let Some(name) = case.args.get::<String>("normalization")? {
        config.normalization = name.parse()?;
    }
    let max_degree = case.args.required("max_degree")?;
    Ok(so3::spherical_harmonics(&case.input("r")?, max_degree, config)?.into())
}

fn solid_harmonics(case: &Case) -> Result<Outputs> {
    let max_degree = case.args.required("max_degree")?;
    let cartesian_order = case.args.or("cartesian_order", true)?;
    Ok(so3::solid_harmonics(&case.input("r")?, max_degree, cartesian_order)?.into())
}

fn clebsch_gordan(case: &Case) -> Result<Outputs> {
    let [l1, l2, l3] = degrees(case, ["max_degree1", "max_degree2", "max_degree3"])?;
    let cartesian_order = case.args.or("cartesian_order", true)?;
    Ok(so3::clebsch_gordan(l1, l2, l3, cartesian_order, case.dtype, &CPU)?.into())
}

fn clebsch_gordan_for_degrees(case: &Case) -> Result<Outputs> {
    let [l1, l2, l3] = degrees(case, ["degree1", "degree2", "degree3"])?;
    let cartesian_order = case.args.or("cartesian_order", true)?;
    Ok(so3::clebsch_gordan_for_degrees(l1, l2, l3, cartesian_order, case.dtype, &CPU)?.into())
}

fn degrees(case: &Case, names: [&str; 3]) -> Result<[usize; 3]> {
    let [l1, l2, l3] = names.map(|name| case.args.required(name));
    Ok([l1?, l2?, l3?])
}

pub fn rotation_euler(case: &Case) -> Result<Tensor> {
    let [a, b, c] = ["a", "b", "c"].map(|name| case.input(name));
    Ok(so3::rotation_euler(&a?, &b?, &c?)?)
}

/// Wigner-D matrices with the keywords of the case.
pub fn wigner_d(case: &Case, rot: &Tensor) -> Result<Outputs> {
    let max_degree = case.args.required("max_degree")?;
    let cartesian_order = case.args.or("cartesian_order", true)?;
    Ok(so3::wigner_d(rot, max_degree, cartesian_order)?.into())
}

fn convert(
    case: &Case,
    function: fn(&Tensor, usize, bool, Normalization) -> e3x::Result<Tensor>,
) -> Result<Outputs> {
    let degree = case.args.required("degree")?;
    let cartesian_order = case.args.or("cartesian_order", true)?;
    let normalization = match case.args.get::<String>("normalization")? {
        Some(name) => name.parse()?,
        None => Normalization::Racah,
    };
    Ok(function(&case.input("x")?, degree, cartesian_order, normalization)?.into())
}

fn is_traceless_symmetric(case: &Case) -> Result<Outputs> {
    let degree = case.args.required("degree")?;
    let (rtol, atol) = (case.args.or("rtol", 1e-5)?, case.args.or("atol", 1e-5)?);
    let answer = so3::is_traceless_symmetric(&case.input("x")?, degree, rtol, atol)?;
    Ok(Tensor::new(u8::from(answer), &CPU)?.into())
}

fn quadrature_size(case: &Case) -> Result<QuadratureSize> {
    match (case.args.get("precision")?, case.args.get("num")?) {
        (Some(precision), None) => Ok(QuadratureSize::Precision(precision)),
        (None, Some(num)) => Ok(QuadratureSize::Num(num)),
        _ => Err("exactly one of precision and num is needed".into()),
    }
}
