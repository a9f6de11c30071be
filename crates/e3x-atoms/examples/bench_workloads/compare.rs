//! Our results against those of the reference.

use std::path::Path;

use candle_core::{DType, Device, Tensor};

use crate::{Outputs, Result};

/// The tensor that deviates most and its deviation: the largest difference of an entry over the largest entry of the
/// reference's tensor; infinite where something is not a number.
///
/// # Errors
/// If the names or shapes differ.
pub fn largest_deviation(outputs: &Outputs, expected: &Path) -> Result<(String, f64)> {
    let mut expected = candle_core::safetensors::load(expected, &Device::Cpu)?;
    let mut largest = (String::new(), 0.0);
    for (name, output) in outputs {
        let Some(reference) = expected.remove(name) else {
            return Err(format!("{name}: the reference has no such result").into());
        };
        if output.dims() != reference.dims() {
            let (ours, theirs) = (output.dims(), reference.dims());
            return Err(format!("{name}: shape {ours:?}, the reference has {theirs:?}").into());
        }
        let deviation = deviation(&values(output)?, &values(&reference)?);
        if deviation >= largest.1 {
            largest = (name.clone(), deviation);
        }
    }
    match expected.keys().next() {
        Some(name) => Err(format!("{name}: only the reference has this result").into()),
        None => Ok(largest),
    }
}

fn values(x: &Tensor) -> Result<Vec<f64>> {
    Ok(x.to_dtype(DType::F64)?.flatten_all()?.to_vec1()?)
}

fn deviation(ours: &[f64], theirs: &[f64]) -> f64 {
    let scale = theirs.iter().fold(0.0_f64, |max, x| max.max(x.abs()));
    let differences = ours.iter().zip(theirs).map(|(a, b)| (a - b).abs());
    // Not `max`, which would ignore what is not a number.
    let difference = differences.fold(0.0, |max, x| if x <= max { max } else { x });
    if difference == 0.0 {
        0.0
    } else if (difference / scale).is_finite() {
        difference / scale
    } else {
        f64::INFINITY
    }
}
