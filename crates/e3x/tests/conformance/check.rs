//! Running one case and judging the result.

use std::panic::{AssertUnwindSafe, catch_unwind};

use candle_core::Tensor;
use e3x::autograd::{self, CreateGraph};

use crate::case::{Case, NotBuilt, Outputs, Result, Tensors};
use crate::compare::Deviation;
use crate::folders::CaseFile;
use crate::registry;

/// What became of a case.
#[derive(Debug)]
pub enum Status {
    Passed,
    Failed(Vec<String>),
    /// The library does not have the operation yet, or not this part of it.
    Skipped(Option<&'static str>),
}

/// A case that was run.
#[derive(Debug)]
pub struct Outcome {
    pub file: CaseFile,
    pub op: String,
    pub is_f64: bool,
    pub status: Status,
    pub deviation: Deviation,
}

/// Runs the case in a file. Errors and panics fail it.
pub fn run(file: &CaseFile) -> Outcome {
    let mut outcome = Outcome {
        file: file.clone(),
        op: file.op.clone(),
        is_f64: true,
        status: Status::Passed,
        deviation: Deviation::default(),
    };
    let result = catch_unwind(AssertUnwindSafe(|| judge(&mut outcome)));
    match result {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            outcome.status = match error.downcast_ref::<NotBuilt>() {
                Some(NotBuilt(part)) => Status::Skipped(Some(part)),
                None => Status::Failed(vec![error.to_string()]),
            }
        }
        Err(payload) => {
            let text = payload.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| payload.downcast_ref::<&str>().copied());
            let message = format!("panicked: {}", text.unwrap_or("without a message"));
            outcome.status = Status::Failed(vec![message]);
        }
    }
    outcome
}

fn judge(outcome: &mut Outcome) -> Result<()> {
    let case = Case::read(&outcome.file.path)?;
    outcome.is_f64 = case.dtype == candle_core::DType::F64;
    if case.op != outcome.op {
        let folder = &outcome.op;
        return Err(format!("the case is of '{}', in the folder of '{folder}'", case.op).into());
    }
    let Some(function) = registry::find(&case.op) else {
        outcome.status = Status::Skipped(None);
        return Ok(());
    };
    let Outputs(outputs) = function(&case)?;
    let outputs: Tensors = outputs.into_iter().collect();
    let unused = case.unused();
    if !unused.is_empty() {
        return Err(format!(
            "ignored by the test of the operation: {}",
            unused.join(", ")
        )
        .into());
    }
    let mut failures = Vec::new();
    let mut compare = |prefix: &str, actual: &Tensors, expected: &Tensors| -> Result<()> {
        for (name, expected) in expected {
            let name = format!("{prefix}.{name}");
            let Some(actual) = actual.get(&name[prefix.len() + 1..]) else {
                failures.push(format!("{name}: nothing of this name came out"));
                continue;
            };
            let comparison = case.tolerance.compare(actual, expected)?;
            outcome.deviation = outcome.deviation.max(comparison.deviation);
            failures.extend(
                comparison
                    .failure
                    .map(|failure| format!("{name}: {failure}")),
            );
        }
        for name in actual.keys().filter(|name| !expected.contains_key(*name)) {
            failures.push(format!("{prefix}.{name}: not an output of the reference"));
        }
        Ok(())
    };
    compare("out", &outputs, &case.expected)?;
    if !case.gradients.is_empty() {
        compare("grad", &gradients(&case, &outputs)?, &case.gradients)?;
    }
    if !failures.is_empty() {
        failures.extend(case.note.iter().map(|note| format!("note: {note}")));
        outcome.status = Status::Failed(failures);
    }
    Ok(())
}

/// Vector-Jacobian products of all variables with expected gradients.
fn gradients(case: &Case, outputs: &Tensors) -> Result<Tensors> {
    let mut variables = case.variables();
    variables.retain(|name, _| case.gradients.contains_key(name));
    let mut total: Option<Tensor> = None;
    for (name, output) in outputs {
        let cotangent = match case.cotangents.get(name) {
            Some(cotangent) => cotangent.clone(),
            None if name == "loss" => output.ones_like()?,
            None => continue,
        };
        let term = (output * cotangent)?.sum_all()?;
        total = Some(match total {
            Some(total) => (total + term)?,
            None => term,
        });
    }
    let total = total.ok_or("gradients without cotangents")?;
    let inputs: Vec<_> = variables.values().collect();
    let gradients = autograd::grad(&total, &inputs, CreateGraph::No)?;
    Ok(variables.into_keys().zip(gradients).collect())
}
