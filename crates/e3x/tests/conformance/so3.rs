//! Operations of `e3x.so3`.

use e3x::so3::{self, SphericalHarmonicsConfig};

use crate::case::{CPU, Case, Outputs, Result};
use crate::registry::Function;

pub fn find(name: &str) -> Option<Function> {
    Some(match name {
        "spherical_harmonics" => spherical_harmonics,
        "solid_harmonics" => solid_harmonics,
        "clebsch_gordan" => clebsch_gordan,
        "clebsch_gordan_for_degrees" => clebsch_gordan_for_degrees,
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
