//! What the tests of layers share.
#![allow(dead_code)] // Every test binary uses a part.

use std::collections::BTreeMap;

use candle_core::{DType, Device, Tensor};
use e3x::nn::Parameters;
use e3x::{FeatureShape, Result};

pub const CPU: &Device = &Device::Cpu;

pub fn shape(parity: usize, max_degree: usize, features: usize) -> FeatureShape {
    FeatureShape::new(parity, max_degree, features).unwrap()
}

/// All values in C order.
pub fn flat(x: &Tensor) -> Vec<f64> {
    let x = x.detach().to_dtype(DType::F64).unwrap();
    x.flatten_all().unwrap().to_vec1().unwrap()
}

pub fn bits(x: &Tensor) -> Vec<u64> {
    flat(x).into_iter().map(f64::to_bits).collect()
}

pub fn single(x: &Tensor) -> Tensor {
    x.to_dtype(DType::F32).unwrap()
}

pub fn zeros(dims: &[usize], dtype: DType) -> Tensor {
    Tensor::zeros(dims, dtype, CPU).unwrap()
}

/// An index list of dtype i64.
pub fn indices(values: &[i64]) -> Tensor {
    Tensor::new(values, CPU).unwrap()
}

/// Checks `|actual - expected| <= tolerance * max(1, largest expected)` for every element.
#[track_caller]
pub fn assert_close(what: &str, actual: &Tensor, expected: &Tensor, tolerance: f64) {
    assert_eq!(actual.dims(), expected.dims(), "{what}: shape");
    let (a, e) = (flat(actual), flat(expected));
    let scale = e.iter().fold(1.0f64, |m, x| m.max(x.abs()));
    for (i, (a, e)) in a.iter().zip(&e).enumerate() {
        let error = (a - e).abs();
        assert!(
            error <= tolerance * scale,
            "{what}: element {i} is {a}, expected {e} (error {error:e}, scale {scale})"
        );
    }
}

/// Checks that a result is an error whose message holds every one of these parts.
#[track_caller]
pub fn assert_error<T>(what: &str, result: Result<T>, parts: &[&str]) {
    match result {
        Ok(_) => panic!("{what}: expected an error, received a value"),
        Err(error) => {
            let message = error.to_string();
            for part in parts {
                let names = message.contains(part);
                assert!(names, "{what}: '{part}' is not in the message '{message}'");
            }
        }
    }
}

/// Values of all parameters by path.
pub fn values_of(parameters: &Parameters) -> BTreeMap<String, Tensor> {
    let copy = |var: candle_core::Var| var.as_tensor().detach().copy().unwrap();
    let all = parameters.variables().into_iter();
    all.map(|(name, var)| (name, copy(var))).collect()
}

pub fn names_of(parameters: &Parameters) -> Vec<String> {
    values_of(parameters).into_keys().collect()
}
