//! Settings of a training run.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use candle_core::DType;
use e3x::optim::{PlateauConfig, Schedule};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::model::ModelConfig;
use crate::units;

/// Everything that determines the result of a training run, together with the data.
///
/// The defaults are those of E3x's MD17 tutorial (kcal/mol inside, equal weights) but for 16 radial
/// functions, the learning rate, which grows to 0.04 over the first steps and falls to zero as a
/// cosine (tutorial: 0.01 throughout), and the limit of the gradient's norm.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainConfig {
    /// The model.
    pub model: ModelConfig,
    /// Number of training frames.
    pub num_train: usize,
    /// Number of validation frames.
    pub num_valid: usize,
    /// Number of epochs.
    pub epochs: usize,
    /// Frames per step. The last, incomplete batch of an epoch is left out, as in the tutorial.
    pub batch_size: usize,
    /// Learning rate of Adam at the first step, or after the warm-up.
    pub learning_rate: f64,
    /// How the learning rate decays, step by step.
    pub schedule: Schedule,
    /// Weight of the forces in the loss, in units of `energy_unit`.
    pub forces_weight: f64,
    /// The unit of energy inside the model and the loss, in eV.
    pub energy_unit: f64,
    /// Seed of the parameters, the split and the shuffles.
    pub seed: u64,
    /// Precision of the model: `f32` or `f64`.
    pub dtype: Precision,
    /// Steps at the start in which the learning rate grows from 0; `None`: a tenth of all steps,
    /// at least 900, at most half.
    #[serde(default = "no_warm_up")]
    pub warmup_steps: Option<usize>,
    /// Decoupled weight decay: Adam becomes AdamW.
    #[serde(default)]
    pub weight_decay: f64,
    /// Limit of every component of the gradient; applied before `clip_norm`.
    #[serde(default)]
    pub clip_value: Option<f64>,
    /// Limit of the norm of the gradient of all parameters, in units of the loss (with `energy_unit`).
    #[serde(default)]
    pub clip_norm: Option<f64>,
    /// Decay of the exponential moving average of the parameters, which is then what is evaluated
    /// and what a checkpoint gives as the model.
    #[serde(default)]
    pub ema_decay: Option<f64>,
    /// Whether the learning rate falls when the validation loss (without validation frames: the
    /// training loss) stops falling, counted in epochs.
    #[serde(default)]
    pub plateau: Option<PlateauConfig>,
    /// Parameters to start from instead of random ones: a safetensors file with all parameters of
    /// the model under Flax's names.
    #[serde(default)]
    pub initial: Option<PathBuf>,
    /// Training and validation frames and the order of the epochs, instead of random ones: a file
    /// as [`FrameOrder`](crate::split::FrameOrder) describes it.
    #[serde(default)]
    pub order: Option<PathBuf>,
}

/// What settings without a warm-up mean: those from before there was one.
#[allow(clippy::unnecessary_wraps, reason = "the type of the field")]
fn no_warm_up() -> Option<usize> {
    Some(0)
}

/// Floating point precision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// Single precision.
    #[default]
    F32,
    /// Double precision.
    F64,
}

impl Precision {
    /// The type of tensors of this precision.
    pub fn dtype(self) -> DType {
        match self {
            Self::F32 => DType::F32,
            Self::F64 => DType::F64,
        }
    }
}

impl std::str::FromStr for Precision {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        match name {
            "f32" => Ok(Self::F32),
            "f64" => Ok(Self::F64),
            other => Err(Error::argument("dtype", "f32 or f64", other)),
        }
    }
}

impl std::fmt::Display for Precision {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::F32 => "f32",
            Self::F64 => "f64",
        })
    }
}

impl Default for TrainConfig {
    fn default() -> Self {
        Self {
            model: ModelConfig::default(),
            num_train: 900,
            num_valid: 100,
            epochs: 100,
            batch_size: 10,
            learning_rate: 0.04,
            schedule: Schedule::Cosine,
            forces_weight: 1.0,
            energy_unit: units::KCAL_PER_MOL,
            seed: 0,
            dtype: Precision::F32,
            warmup_steps: None,
            weight_decay: 0.0,
            clip_value: None,
            clip_norm: Some(1.0),
            ema_decay: None,
            plateau: None,
            initial: None,
            order: None,
        }
    }
}

impl TrainConfig {
    /// Steps per epoch.
    pub fn steps_per_epoch(&self) -> usize {
        self.num_train / self.batch_size.max(1)
    }

    /// Checks that a run can be made with these settings.
    ///
    /// # Errors
    /// [`Error::Argument`] for the first setting that cannot be.
    pub fn check(&self) -> Result<()> {
        self.model.check()?;
        if self.num_train == 0 {
            return Err(Error::argument("num_train", "at least 1", 0));
        }
        if self.batch_size == 0 || self.batch_size > self.num_train {
            let expected = format!(
                "from 1 to the number of training frames, {}",
                self.num_train
            );
            return Err(Error::argument("batch_size", expected, self.batch_size));
        }
        let positive = [
            ("learning_rate", Some(self.learning_rate), false),
            ("forces_weight", Some(self.forces_weight), true),
            ("energy_unit", Some(self.energy_unit), false),
            ("weight_decay", Some(self.weight_decay), true),
            ("clip_value", self.clip_value, false),
            ("clip_norm", self.clip_norm, false),
        ];
        for (argument, value, zero_allowed) in positive {
            let Some(value) = value else { continue };
            if !(value.is_finite() && (value > 0.0 || (zero_allowed && value == 0.0))) {
                let expected = if zero_allowed {
                    "a number >= 0"
                } else {
                    "a number > 0"
                };
                return Err(Error::argument(argument, expected, value));
            }
        }
        let decay = self.ema_decay.unwrap_or(0.0);
        if !(0.0..1.0).contains(&decay) {
            let expected = "a number of at least 0 and below 1";
            return Err(Error::argument("ema_decay", expected, decay));
        }
        let plateau = self.plateau.map_or(Ok(()), |plateau| plateau.check());
        self.schedule
            .check()
            .and(plateau)
            .map_err(|error| match error {
                e3x::Error::Argument {
                    argument,
                    expected,
                    received,
                } => Error::argument(argument, expected, received),
                other => other.into(),
            })
    }

    /// What differs between two configurations, one `name: this, other` per line of JSON fields.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        fn flatten(prefix: &str, value: &serde_json::Value, out: &mut BTreeMap<String, String>) {
            match value {
                serde_json::Value::Object(map) => {
                    for (key, value) in map {
                        flatten(&format!("{prefix}{key}."), value, out);
                    }
                }
                value => {
                    out.insert(prefix.trim_end_matches('.').to_string(), value.to_string());
                }
            }
        }
        let fields = |config: &Self| {
            let mut out = BTreeMap::new();
            if let Ok(value) = serde_json::to_value(config) {
                flatten("", &value, &mut out);
            }
            out
        };
        let (ours, theirs) = (fields(self), fields(other));
        let names: BTreeSet<_> = ours.keys().chain(theirs.keys()).collect();
        let field = |fields: &BTreeMap<String, String>, name| {
            fields.get(name).map_or("none", String::as_str).to_string()
        };
        names
            .into_iter()
            .map(|name| (name, field(&ours, name), field(&theirs, name)))
            .filter(|(_, a, b)| a != b)
            .map(|(name, a, b)| format!("{name}: {a}, not {b}"))
            .collect()
    }
}
