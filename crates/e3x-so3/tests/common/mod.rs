//! Reading of the conformance cases, and small helpers for tests.
#![allow(
    dead_code,
    reason = "every test program uses its own part of the helpers"
)]

use e3x_so3::{Normalization, Real};
use safetensors::{Dtype, SafeTensors};
use serde_json::Value;
use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;

/// A case of the conformance set: inputs and outputs of the reference library.
pub struct Case {
    pub name: String,
    pub f32: bool,
    pub rtol: f64,
    pub atol: f64,
    args: Value,
    tensors: HashMap<String, Vec<f64>>,
}

/// All cases of an operation.
pub fn cases(op: &str) -> Vec<Case> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../conformance/cases")
        .join(op);
    let mut files: Vec<_> = fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ext| ext == "safetensors"))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "no cases in {}", folder.display());
    files.iter().map(read).collect()
}

/// A table of numbers of `tests/data`.
pub fn table(name: &str) -> Value {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data")
        .join(name);
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// The rows of a part of a table.
pub fn rows<'a>(table: &'a Value, part: &str) -> &'a [Value] {
    table[part].as_array().unwrap()
}

/// A list of numbers.
pub fn floats(value: &Value) -> Vec<f64> {
    let list = value.as_array().unwrap();
    list.iter().map(|x| x.as_f64().unwrap()).collect()
}

/// A list of integers.
pub fn integers<const N: usize>(value: &Value) -> [i64; N] {
    let list = value.as_array().unwrap();
    std::array::from_fn(|i| list[i].as_i64().unwrap())
}

fn read(path: &PathBuf) -> Case {
    let bytes = fs::read(path).unwrap();
    let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
    let metadata = header.metadata().clone().unwrap();
    let tensors = SafeTensors::deserialize(&bytes)
        .unwrap()
        .iter()
        .map(|(name, view)| (name.to_owned(), numbers(view.dtype(), view.data())))
        .collect();
    Case {
        name: path.display().to_string(),
        f32: metadata["dtype"] == "f32",
        rtol: metadata["rtol"].parse().unwrap(),
        atol: metadata["atol"].parse().unwrap(),
        args: serde_json::from_str(&metadata["args"]).unwrap(),
        tensors,
    }
}

fn numbers(dtype: Dtype, data: &[u8]) -> Vec<f64> {
    match dtype {
        Dtype::F64 => (data.chunks_exact(8))
            .map(|b| f64::from_le_bytes(b.try_into().unwrap()))
            .collect(),
        Dtype::F32 => (data.chunks_exact(4))
            .map(|b| f64::from(f32::from_le_bytes(b.try_into().unwrap())))
            .collect(),
        Dtype::I64 => (data.chunks_exact(8))
            .map(|b| i64::from_le_bytes(b.try_into().unwrap()) as f64)
            .collect(),
        Dtype::U8 => data.iter().map(|&b| f64::from(b)).collect(),
        other => panic!("unexpected dtype {other:?}"),
    }
}

impl Case {
    /// An integer argument.
    pub fn integer(&self, name: &str) -> Option<usize> {
        self.args
            .get(name)
            .map(|value| value.as_u64().unwrap() as usize)
    }

    /// A number argument.
    pub fn number(&self, name: &str) -> Option<f64> {
        self.args.get(name).map(|value| value.as_f64().unwrap())
    }

    /// A boolean argument.
    pub fn boolean(&self, name: &str, default: bool) -> bool {
        self.args
            .get(name)
            .map_or(default, |value| value.as_bool().unwrap())
    }

    /// The argument `cartesian_order`.
    pub fn cartesian_order(&self) -> bool {
        self.boolean("cartesian_order", true)
    }

    /// The argument `normalization`.
    pub fn normalization(&self) -> Normalization {
        self.args
            .get("normalization")
            .map_or(Normalization::default(), |value| {
                value.as_str().unwrap().parse().unwrap()
            })
    }

    /// A tensor.
    pub fn get<T: Real>(&self, name: &str) -> Option<Vec<T>> {
        self.tensors
            .get(name)
            .map(|values| values.iter().map(|&v| T::from_f64(v)).collect())
    }

    /// A tensor that must be there.
    pub fn tensor<T: Real>(&self, name: &str) -> Vec<T> {
        self.get(name)
            .unwrap_or_else(|| panic!("{}: no {name}", self.name))
    }

    /// Compares with the expected tensor of a name within the tolerance of the case, and returns the largest error in
    /// units of `1 + |expected|`.
    pub fn check<T: Real>(&self, name: &str, actual: &[T]) -> f64 {
        let expected = self.tensor::<f64>(name);
        assert_eq!(actual.len(), expected.len(), "{}: {name}", self.name);
        let mut largest = 0.0_f64;
        for (i, (&actual, &expected)) in actual.iter().zip(&expected).enumerate() {
            let error = (actual.to_f64() - expected).abs();
            assert!(
                error <= self.atol + self.rtol * expected.abs(),
                "{}: {name}[{i}] is {actual}, expected {expected}",
                self.name
            );
            largest = largest.max(error / (1.0 + expected.abs()));
        }
        largest
    }
}

/// A reproducible sequence of numbers that look random, uniform in `[-1, 1)` (splitmix64).
pub struct Numbers(pub u64);

impl Numbers {
    pub fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        (z >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    }

    pub fn vector(&mut self) -> [f64; 3] {
        [self.next(), self.next(), self.next()]
    }

    pub fn unit_vector(&mut self) -> [f64; 3] {
        let v = self.vector();
        let norm = v.iter().map(|x| x * x).sum::<f64>().sqrt();
        v.map(|x| x / norm)
    }
}

/// The largest absolute difference of two arrays.
pub fn max_difference<T: Real>(a: &[T], b: &[T]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter()
        .zip(b)
        .map(|(&a, &b)| (a.to_f64() - b.to_f64()).abs())
        .fold(0.0, f64::max)
}

/// The dot product.
pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
