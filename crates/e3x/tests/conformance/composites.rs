//! Compositions of several functions of E3x.

use e3x::autograd::{self, CreateGraph};
use e3x::nn;

use crate::case::{Case, Outputs, Result};
use crate::nn_functions::basis_config;
use crate::registry::Function;
use crate::so3;

pub fn find(name: &str) -> Option<Function> {
    Some(match name {
        "basis_gradient" => basis_gradient,
        "wigner_d_rotation_euler" => |case| so3::wigner_d(case, &so3::rotation_euler(case)?),
        _ => return None,
    })
}

/// Derivative of `sum(weights * basis(r))` with respect to r.
fn basis_gradient(case: &Case) -> Result<Outputs> {
    let (r, weights) = (case.input("r")?, case.input("weights")?);
    let basis = nn::basis(&r, &basis_config(case)?)?.to_tensor()?;
    let total = (basis * weights)?.sum_all()?;
    Ok(autograd::grad(&total, &[&r], CreateGraph::Yes)?.into())
}
