//! Which function runs which operation. Operations that are not listed are skipped.

use crate::case::{Case, Outputs, Result};

/// Runs an operation on the inputs of a case.
pub type Function = fn(&Case) -> Result<Outputs>;

/// The function for an operation such as `nn.Dense`.
pub fn find(op: &str) -> Option<Function> {
    let (_namespace, _name) = op.split_once('.')?;
    None
}
