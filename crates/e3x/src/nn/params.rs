//! Parameters of a model: seeded, named as in Flax, kept in the order of their names.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use candle_core::{DType, Device, Shape, Tensor, Var};
use candle_nn::var_builder::{Backend, VarBuilderArgs};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use crate::nn::Initializer;
use crate::{Error, Result};

/// Hands parameters to layers: candle's builder over a [`Parameters`] store.
///
/// `vb.pp("name")` walks into a sub-path; layers ask with `get_with_hints(shape, name, init)`.
/// Paths are joined by `/` as in flattened Flax parameters (`dense/0+/kernel`).
pub type VarBuilder = VarBuilderArgs<'static, Parameters>;

/// Where the values of parameters come from when a layer asks for them.
#[derive(Debug)]
enum Source {
    /// Drawn from the layer's initialiser with a generator seeded by this number and the path.
    Seed(u64),
    /// Taken from these tensors.
    Given(BTreeMap<String, Tensor>),
}

/// The parameters of a model, by path. Clones share the same parameters.
///
/// ```
/// use candle_core::{DType, Device};
/// use e3x::nn::{Dense, DenseConfig, Parameters};
/// use e3x::FeatureShape;
///
/// let parameters = Parameters::seeded(0);
/// let vb = parameters.builder(DType::F32, &Device::Cpu);
/// let dense = Dense::new(FeatureShape::new(1, 1, 4)?, DenseConfig::new(8), vb.pp("Dense_0"))?;
/// let names: Vec<_> = parameters.variables().into_iter().map(|(name, _)| name).collect();
/// assert_eq!(names, ["Dense_0/0+/bias", "Dense_0/0+/kernel", "Dense_0/1-/kernel"]);
/// # Ok::<(), e3x::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Parameters {
    shared: Arc<Mutex<Store>>,
    /// Whether layers get constants.
    frozen: bool,
}

#[derive(Debug)]
struct Store {
    source: Source,
    variables: BTreeMap<String, Var>,
}

impl Parameters {
    /// Parameters that start from their layers' initialisers. The same seed gives the same
    /// values on every platform, whatever the order in which layers are built.
    pub fn seeded(seed: u64) -> Self {
        Self::with_source(Source::Seed(seed))
    }

    /// Parameters with given values, by path (parts joined by `/`).
    pub fn from_tensors(tensors: impl IntoIterator<Item = (String, Tensor)>) -> Self {
        Self::with_source(Source::Given(tensors.into_iter().collect()))
    }

    /// Parameters with the values of a safetensors file, for instance of a flattened Flax tree.
    ///
    /// # Errors
    /// If the file cannot be read or is not a safetensors file.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self> {
        Ok(Self::from_tensors(read_tensors(path.as_ref())?))
    }

    fn with_source(source: Source) -> Self {
        crate::process::prepare();
        let store = Store {
            source,
            variables: BTreeMap::new(),
        };
        Self {
            shared: Arc::new(Mutex::new(store)),
            frozen: false,
        }
    }

    /// The same parameters as constants: nothing is differentiated with respect to what layers get from them, which makes
    /// inference faster. They still change with the parameters, as in [`Parameters::assign`] or by an optimiser.
    ///
    /// ```
    /// use candle_core::{DType, Device};
    /// use e3x::nn::{Dense, DenseConfig, Parameters};
    /// use e3x::FeatureShape;
    ///
    /// let parameters = Parameters::seeded(0);
    /// let shape = FeatureShape::new(1, 1, 4)?;
    /// let frozen = parameters.frozen().builder(DType::F32, &Device::Cpu);
    /// let dense = Dense::new(shape, DenseConfig::new(8), frozen.pp("Dense_0"))?;
    /// let x = candle_core::Tensor::ones((3, 1, 4, 4), DType::F32, &Device::Cpu)?;
    /// assert!(!dense.forward(&x)?.track_op());
    /// # Ok::<(), e3x::Error>(())
    /// ```
    #[must_use]
    pub fn frozen(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            frozen: true,
        }
    }

    /// The builder that layers take their parameters from.
    pub fn builder(&self, dtype: DType, device: &Device) -> VarBuilder {
        VarBuilderArgs::new_with_args(self.clone(), dtype, device)
    }

    /// All parameters that layers asked for, sorted by path.
    pub fn variables(&self) -> Vec<(String, Var)> {
        let store = self.lock();
        store
            .variables
            .iter()
            .map(|(name, var)| (name.clone(), var.clone()))
            .collect()
    }

    /// Total number of values of all parameters.
    pub fn num_values(&self) -> usize {
        self.lock()
            .variables
            .values()
            .map(|var| var.elem_count())
            .sum()
    }

    /// Paths of given tensors that no layer asked for (empty for seeded parameters).
    pub fn unused(&self) -> Vec<String> {
        let store = self.lock();
        let Source::Given(tensors) = &store.source else {
            return Vec::new();
        };
        let used: BTreeSet<_> = store.variables.keys().collect();
        tensors
            .keys()
            .filter(|name| !used.contains(name))
            .cloned()
            .collect()
    }

    /// Writes all parameters to a safetensors file under their Flax paths.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let tensors = self
            .variables()
            .into_iter()
            .map(|(name, var)| (name, var.into_inner()));
        let metadata = None::<std::collections::HashMap<String, String>>;
        safetensors::tensor::serialize_to_file(tensors, metadata, path.as_ref()).map_err(|error| {
            Error::argument(
                "path",
                "a file that can be written",
                format!("{}: {error}", path.as_ref().display()),
            )
        })
    }

    /// Replaces the values of all parameters.
    ///
    /// Nothing is changed unless every parameter is there with the right shape.
    ///
    /// # Errors
    /// If a parameter is missing, has another shape, or `tensors` holds unknown paths.
    pub fn assign(&self, tensors: &BTreeMap<String, Tensor>) -> Result<()> {
        let variables = self.variables();
        let known: BTreeSet<_> = variables.iter().map(|(name, _)| name).collect();
        if let Some(unknown) = tensors.keys().find(|name| !known.contains(name)) {
            return Err(parameter_error(
                unknown,
                "only parameters of the model",
                "one that it does not have",
            ));
        }
        let mut updates = Vec::with_capacity(variables.len());
        for (name, var) in &variables {
            updates.push((
                var,
                given(tensors, name, var.shape(), var.dtype(), var.device())?,
            ));
        }
        for (var, tensor) in updates {
            var.set(&tensor)?;
        }
        Ok(())
    }

    /// What a layer gets.
    fn handed_out(&self, var: &Var) -> Tensor {
        if self.frozen {
            // Shares the values.
            var.as_tensor().detach()
        } else {
            var.as_tensor().clone()
        }
    }

    fn lock(&self) -> MutexGuard<'_, Store> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Backend for Parameters {
    type Hints = Initializer;

    fn get(
        &self,
        shape: Shape,
        name: &str,
        init: Initializer,
        dtype: DType,
        device: &Device,
    ) -> candle_core::Result<Tensor> {
        let name = name.replace('.', "/");
        let mut store = self.lock();
        if let Some(var) = store.variables.get(&name) {
            if var.shape() == &shape && var.dtype() == dtype {
                return Ok(self.handed_out(var));
            }
            let expected = format!("shape {:?}, {dtype:?}", shape.dims());
            let received = format!(
                "a second layer of shape {:?}, {:?}",
                var.dims(),
                var.dtype()
            );
            return Err(parameter_error(&name, &expected, &received).into());
        }
        let tensor = match &store.source {
            Source::Seed(seed) => initial(&init, &shape, *seed, &name, dtype, device)?,
            Source::Given(tensors) => given(tensors, &name, &shape, dtype, device)?,
        };
        let var = Var::from_tensor(&tensor)?;
        let tensor = self.handed_out(&var);
        store.variables.insert(name, var);
        Ok(tensor)
    }

    fn get_unchecked(
        &self,
        name: &str,
        dtype: DType,
        device: &Device,
    ) -> candle_core::Result<Tensor> {
        let path = name.replace('.', "/");
        let known = {
            let store = self.lock();
            match (&store.source, store.variables.get(&path)) {
                (_, Some(var)) => Some(var.shape().clone()),
                (Source::Given(tensors), None) => tensors.get(&path).map(|x| x.shape().clone()),
                (Source::Seed(_), None) => None,
            }
        };
        match known {
            Some(shape) => self.get(shape, name, Initializer::Zeros, dtype, device),
            None => {
                Err(parameter_error(&path, "a parameter that exists", "none of this name").into())
            }
        }
    }

    fn contains_tensor(&self, name: &str) -> bool {
        let name = name.replace('.', "/");
        let store = self.lock();
        let given = match &store.source {
            Source::Given(tensors) => tensors.contains_key(&name),
            Source::Seed(_) => false,
        };
        given || store.variables.contains_key(&name)
    }
}

/// Reads all tensors of a safetensors file.
pub(crate) fn read_tensors(path: &Path) -> Result<BTreeMap<String, Tensor>> {
    let bytes = std::fs::read(path).map_err(|source| Error::Io {
        path: path.into(),
        source,
    })?;
    let tensors = candle_core::safetensors::load_buffer(&bytes, &Device::Cpu).map_err(|error| {
        let received = format!("{}: {error}", path.display());
        Error::argument("path", "a safetensors file", received)
    })?;
    Ok(tensors.into_iter().collect())
}

fn parameter_error(name: &str, expected: &str, received: &str) -> Error {
    Error::Parameter {
        name: name.to_string(),
        expected: expected.to_string(),
        received: received.to_string(),
    }
}

fn given(
    tensors: &BTreeMap<String, Tensor>,
    name: &str,
    shape: &Shape,
    dtype: DType,
    device: &Device,
) -> Result<Tensor> {
    let expected = format!("shape {:?}", shape.dims());
    let Some(tensor) = tensors.get(name) else {
        return Err(parameter_error(name, &expected, "nothing of this name"));
    };
    if tensor.shape() != shape {
        return Err(parameter_error(
            name,
            &expected,
            &format!("shape {:?}", tensor.dims()),
        ));
    }
    Ok(tensor.to_dtype(dtype)?.to_device(device)?)
}

fn initial(
    init: &Initializer,
    shape: &Shape,
    seed: u64,
    name: &str,
    dtype: DType,
    device: &Device,
) -> Result<Tensor> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(stream_of(name));
    let values = init.sample(shape.dims(), &mut rng)?;
    Ok(Tensor::from_vec(values, shape.clone(), &Device::Cpu)?
        .to_dtype(dtype)?
        .to_device(device)?)
}

/// 64-bit FNV-1a hash of a path: the random stream of the parameter.
fn stream_of(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
