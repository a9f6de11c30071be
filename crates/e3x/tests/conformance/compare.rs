//! Comparing tensors within a tolerance.

use candle_core::{DType, Tensor};

use crate::case::Result;

/// `abs(actual - expected) <= atol + rtol * abs(expected)`.
#[derive(Debug, Clone, Copy)]
pub struct Tolerance {
    pub rtol: f64,
    pub atol: f64,
}

/// The largest errors of a tensor.
#[derive(Debug, Clone, Copy, Default)]
pub struct Deviation {
    /// In units of the tolerance.
    pub relative: f64,
    pub absolute: f64,
}

impl Deviation {
    /// The larger of both, for each measure.
    pub fn max(self, other: Self) -> Self {
        Self {
            relative: self.relative.max(other.relative),
            absolute: self.absolute.max(other.absolute),
        }
    }
}

/// How two tensors compare.
#[derive(Debug, Default)]
pub struct Comparison {
    pub deviation: Deviation,
    /// What differs, and where it does first.
    pub failure: Option<String>,
}

impl Tolerance {
    /// Compares two tensors: equal infinities match, NaN never does.
    pub fn compare(&self, actual: &Tensor, expected: &Tensor) -> Result<Comparison> {
        let different = |what: &str, expected: String, actual: String| Comparison {
            deviation: Deviation::default(),
            failure: Some(format!("expected {what} {expected}, received {actual}")),
        };
        let dims = [expected.dims(), actual.dims()].map(|dims| format!("{dims:?}"));
        if let [expected, actual] = dims.clone()
            && expected != actual
        {
            return Ok(different("shape", expected, actual));
        }
        let [kind, actual_kind] = [expected, actual].map(|x| kind(x.dtype()));
        if kind != actual_kind {
            return Ok(different("dtype", kind, actual_kind));
        }
        let pairs: Vec<_> = values(actual)?.into_iter().zip(values(expected)?).collect();
        let deviations: Vec<_> = pairs.iter().map(|&(a, e)| self.deviation(a, e)).collect();
        let deviation = deviations
            .iter()
            .copied()
            .fold(Deviation::default(), Deviation::max);
        let wrong = deviations.iter().filter(|d| d.relative > 1.0).count();
        let first = deviations.iter().position(|d| d.relative > 1.0);
        let failure = first.map(|i| {
            format!(
                "{wrong} of {} values differ, first at {:?}: expected {:e}, received {:e}; \
                 largest error {:.3e}, {:.3e} times the tolerance",
                pairs.len(),
                index(i, expected.dims()),
                pairs[i].1,
                pairs[i].0,
                deviation.absolute,
                deviation.relative,
            )
        });
        Ok(Comparison { deviation, failure })
    }

    fn deviation(&self, actual: f64, expected: f64) -> Deviation {
        let absolute = (actual - expected).abs();
        if actual == expected {
            Deviation::default()
        } else if absolute.is_finite() {
            Deviation {
                relative: absolute / (self.atol + self.rtol * expected.abs()),
                absolute,
            }
        } else {
            Deviation {
                relative: f64::INFINITY,
                absolute: f64::INFINITY,
            }
        }
    }
}

/// Floats have to agree exactly in dtype, integers may have any width.
fn kind(dtype: DType) -> String {
    match dtype {
        DType::U32 | DType::I16 | DType::I32 | DType::I64 => "integer".to_string(),
        DType::U8 => "boolean (u8)".to_string(),
        other => other.as_str().to_string(),
    }
}

fn values(x: &Tensor) -> Result<Vec<f64>> {
    Ok(x.to_dtype(DType::F64)?.flatten_all()?.to_vec1()?)
}

/// The index along each axis of an element in C order.
fn index(mut position: usize, dims: &[usize]) -> Vec<usize> {
    let mut index = vec![0; dims.len()];
    for (axis, &size) in dims.iter().enumerate().rev() {
        index[axis] = position % size;
        position /= size;
    }
    index
}
