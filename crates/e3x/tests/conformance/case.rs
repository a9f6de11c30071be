//! A case as stored in a file, and what an operation hands back.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use candle_core::{DType, Device, Tensor};
use e3x::nn::{Parameters, VarBuilder};

use crate::args::Args;
use crate::compare::Tolerance;

/// Anything that fails a case.
pub type Error = Box<dyn std::error::Error>;
/// Result of the functions that run a case.
pub type Result<T> = std::result::Result<T, Error>;

/// Returned for a case that asks for something the library does not have yet; it is skipped.
#[allow(dead_code)] // At present there is no operation of which only a part is missing.
#[derive(Debug)]
pub struct NotBuilt(pub &'static str);

impl std::fmt::Display for NotBuilt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "not built yet: {}", self.0)
    }
}

impl std::error::Error for NotBuilt {}

/// The device of all cases.
pub const CPU: Device = Device::Cpu;

/// Tensors of one section of the file, without the prefix of the section.
pub type Tensors = BTreeMap<String, Tensor>;

/// One case.
pub struct Case {
    pub op: String,
    pub args: Args,
    /// Dtype of all floating point tensors.
    pub dtype: DType,
    pub tolerance: Tolerance,
    pub note: Option<String>,
    /// `out.*`
    pub expected: Tensors,
    /// `cot.*`
    pub cotangents: Tensors,
    /// `grad.*`, with the `in.` or `param.` that follows.
    pub gradients: Tensors,
    inputs: Tensors,
    used: RefCell<BTreeSet<String>>,
    parameters: Parameters,
}

impl Case {
    /// Reads a file. Inputs with an expected gradient become variables.
    pub fn read(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path)?;
        let (_, header) = safetensors::SafeTensors::read_metadata(&bytes)
            .map_err(|error| format!("not a readable safetensors file: {error}"))?;
        let metadata = header.metadata().clone().unwrap_or_default();
        let mut sections: BTreeMap<_, Tensors> = BTreeMap::new();
        for (name, tensor) in candle_core::safetensors::load_buffer(&bytes, &CPU)? {
            let (section, rest) = name.split_once('.').unwrap_or((&name, ""));
            let section = sections.entry(section.to_string()).or_default();
            section.insert(rest.to_string(), tensor);
        }
        let mut take = |section| sections.remove(section).unwrap_or_default();
        let gradients = take("grad");
        let mut inputs = take("in");
        for (name, input) in &mut inputs {
            if gradients.contains_key(&format!("in.{name}")) {
                *input = e3x::autograd::variable(input)?;
            }
        }
        let case = Self {
            op: text(&metadata, "op")?.to_string(),
            args: Args::parse(text(&metadata, "args")?)?,
            dtype: match text(&metadata, "dtype")? {
                "f32" => DType::F32,
                "f64" => DType::F64,
                other => return Err(format!("dtype: expected f32 or f64, received {other}").into()),
            },
            tolerance: Tolerance {
                rtol: number(&metadata, "rtol")?,
                atol: number(&metadata, "atol")?,
            },
            note: metadata.get("note").cloned(),
            expected: take("out"),
            cotangents: take("cot"),
            parameters: Parameters::from_tensors(take("param")),
            gradients,
            inputs,
            used: RefCell::default(),
        };
        if let Some(section) = sections.keys().next() {
            return Err(format!("tensor '{section}.*': no such section in the format").into());
        }
        let stray = |name: &&String| !case.expected.contains_key(*name);
        if let Some(name) = case.cotangents.keys().find(stray) {
            return Err(format!("'cot.{name}' without 'out.{name}'").into());
        }
        if case.expected.is_empty() {
            return Err("the file holds no outputs (out.*)".into());
        }
        Ok(case)
    }

    /// An input, `None` if the case does not have it.
    pub fn optional(&self, name: &str) -> Option<Tensor> {
        let input = self.inputs.get(name)?;
        self.used.borrow_mut().insert(name.to_string());
        Some(input.clone())
    }

    /// An input without default.
    pub fn input(&self, name: &str) -> Result<Tensor> {
        self.optional(name)
            .ok_or_else(|| format!("input '{name}' is missing").into())
    }

    /// An input that is a list of arrays: `name.0`, `name.1`, ...
    pub fn list(&self, name: &str) -> Result<Vec<Tensor>> {
        let mut list = Vec::new();
        while let Some(input) = self.optional(&format!("{name}.{}", list.len())) {
            list.push(input);
        }
        if list.is_empty() {
            return Err(format!("input '{name}.0' is missing").into());
        }
        Ok(list)
    }

    /// The builder that layers take the parameters of the case from.
    pub fn builder(&self) -> VarBuilder {
        self.parameters.builder(self.dtype, &CPU)
    }

    /// The parameters of the case.
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// The variables behind `grad.in.<name>` and `grad.param.<path>`.
    pub fn variables(&self) -> Tensors {
        let inputs = self.inputs.iter().filter(|(_, input)| input.is_variable());
        let inputs = inputs.map(|(name, input)| (format!("in.{name}"), input.clone()));
        let parameters = self.parameters.variables().into_iter();
        let parameters = parameters.map(|(path, var)| (format!("param.{path}"), var.into_inner()));
        inputs.chain(parameters).collect()
    }

    /// Arguments, inputs and parameters that the operation did not ask for.
    pub fn unused(&self) -> Vec<String> {
        let used = self.used.borrow();
        let args = self.args.unused().into_iter();
        let args = args.map(|name| format!("argument '{name}'"));
        let inputs = self.inputs.keys().filter(|name| !used.contains(*name));
        let inputs = inputs.map(|name| format!("input '{name}'"));
        let parameters = self.parameters.unused().into_iter();
        let parameters = parameters.map(|path| format!("parameter '{path}'"));
        args.chain(inputs).chain(parameters).collect()
    }
}

fn text<'a>(metadata: &'a HashMap<String, String>, key: &str) -> Result<&'a str> {
    let value = metadata.get(key).map(String::as_str);
    value.ok_or_else(|| format!("the metadata have no '{key}': not a conformance case").into())
}

fn number(metadata: &HashMap<String, String>, key: &str) -> Result<f64> {
    let value = text(metadata, key)?;
    match value.parse() {
        Ok(number) if number >= 0.0 => Ok(number),
        _ => Err(format!("{key}: expected a number, received '{value}'").into()),
    }
}

/// Named outputs of an operation: `"0"`, `"1"`, ... unless they have names of their own.
pub struct Outputs(pub Vec<(String, Tensor)>);

impl Outputs {
    /// Outputs with names (those of models).
    pub fn named<N: Into<String>>(outputs: impl IntoIterator<Item = (N, Tensor)>) -> Self {
        let outputs = outputs.into_iter();
        Self(
            outputs
                .map(|(name, output)| (name.into(), output))
                .collect(),
        )
    }
}

impl From<Vec<Tensor>> for Outputs {
    fn from(outputs: Vec<Tensor>) -> Self {
        let numbers = (0..).map(|i: usize| i.to_string());
        Self(numbers.zip(outputs).collect())
    }
}

impl From<Tensor> for Outputs {
    fn from(output: Tensor) -> Self {
        vec![output].into()
    }
}
