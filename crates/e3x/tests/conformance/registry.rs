//! Which function runs which operation. Operations that are not listed are skipped.

use crate::case::{Case, Outputs, Result};
use crate::{composites, matrix, models, nn_features, nn_functions, nn_modules, ops, so3};

/// Runs an operation on the inputs of a case.
pub type Function = fn(&Case) -> Result<Outputs>;

/// The function for an operation such as `nn.Dense`.
pub fn find(op: &str) -> Option<Function> {
    let (namespace, name) = op.split_once('.')?;
    match namespace {
        "so3" => so3::find(name),
        "ops" => ops::find(name),
        "nn" => nn_features::find(name)
            .or_else(|| nn_functions::find(name))
            .or_else(|| nn_modules::find(name)),
        "matrix" => matrix::find(name),
        "model" => models::find(name),
        "composite" => composites::find(name),
        _ => None,
    }
}
