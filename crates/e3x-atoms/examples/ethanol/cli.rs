//! The command line.

use std::path::PathBuf;

use clap::Parser;
use e3x::optim::{PlateauConfig, Schedule};
use e3x_atoms::model::ModelConfig;
use e3x_atoms::train::{Precision, TrainConfig};
use e3x_atoms::{Error, Result, units};

/// Trains an equivariant potential on energies and forces, relaxes the molecule and runs molecular dynamics with it.
///
/// Without options: a short demonstration on ethanol (about two minutes on two cores). The real run is `--epochs 100`.
#[derive(Debug, Clone, Parser)]
#[command(name = "ethanol", version, allow_negative_numbers = true)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is a flag of the command line"
)]
pub struct Cli {
    /// Extended XYZ file with energies (eV) and forces (eV/Å) [default: data/ethanol_gfn2.extxyz of the repository].
    #[arg(long)]
    pub data: Option<PathBuf>,
    /// Number of training frames, drawn from the first 1000 frames.
    #[arg(long, default_value_t = 900)]
    pub train: usize,
    /// Number of validation frames, drawn from the first 1000 frames.
    #[arg(long, default_value_t = 100)]
    pub valid: usize,
    /// Number of passes over the training frames.
    #[arg(long, default_value_t = 20)]
    pub epochs: usize,
    /// Frames per step.
    #[arg(long, default_value_t = 10)]
    pub batch: usize,
    /// Feature channels of the model.
    #[arg(long, default_value_t = 32)]
    pub features: usize,
    /// Highest degree of the features.
    #[arg(long, default_value_t = 2)]
    pub max_degree: usize,
    /// Message-passing iterations.
    #[arg(long, default_value_t = 3)]
    pub iterations: usize,
    /// Number of radial basis functions.
    #[arg(long, default_value_t = 16)]
    pub basis: usize,
    /// Cutoff distance in Å.
    #[arg(long, default_value_t = 5.0)]
    pub cutoff: f64,
    /// Atoms see each other by attention with this number of heads, instead of by messages.
    #[arg(long, value_name = "HEADS", num_args = 0..=1, default_missing_value = "4")]
    pub attention: Option<usize>,
    /// Couple features and filters by fused tensor products.
    #[arg(long)]
    pub fused_tensor: bool,
    /// Learning rate of Adam after the warm-up.
    #[arg(long, default_value_t = 0.04)]
    pub lr: f64,
    /// Decay of the learning rate: cosine (to zero), constant, exponential:RATE (over all steps) or
    /// exponential:RATE/STEPS.
    #[arg(long, default_value_t = Schedule::Cosine)]
    pub schedule: Schedule,
    /// Steps at the start in which the learning rate grows from zero [default: a tenth of all
    /// steps, at least 900, at most half].
    #[arg(long, value_name = "STEPS")]
    pub warmup: Option<usize>,
    /// Divide the learning rate by 10 when the validation loss has not improved for so many epochs.
    #[arg(long, value_name = "EPOCHS")]
    pub plateau: Option<usize>,
    /// Decoupled weight decay of the parameters (AdamW).
    #[arg(long, default_value_t = 0.0)]
    pub weight_decay: f64,
    /// Largest norm of the gradient; longer ones are shortened. 0: no limit.
    #[arg(long, value_name = "NORM", default_value_t = 1.0)]
    pub clip_norm: f64,
    /// Use a moving average of the parameters with this decay (such as 0.999).
    #[arg(long, value_name = "DECAY")]
    pub ema: Option<f64>,
    /// Weight of the forces in the loss.
    #[arg(long, default_value_t = 1.0)]
    pub forces_weight: f64,
    /// Unit of energy inside model and loss: kcal/mol or eV.
    #[arg(long, default_value = "kcal/mol", value_parser = ["kcal/mol", "eV"])]
    pub energy_unit: String,
    /// Seed of parameters, split, shuffles and velocities.
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// Precision: f32 or f64.
    #[arg(long, default_value_t = Precision::F32)]
    pub dtype: Precision,
    /// Folder for checkpoint, metrics, plots, relaxed structure and trajectory.
    #[arg(long, default_value = "out/ethanol")]
    pub out: PathBuf,
    /// Start from these parameters (safetensors, Flax's names) instead of random ones.
    #[arg(long, value_name = "FILE")]
    pub initial: Option<PathBuf>,
    /// Take training and validation frames and the order of every epoch from this file instead of drawing them: JSON
    /// {"train": [...], "valid": [...], "epochs": [[...], ...]}.
    #[arg(long, value_name = "FILE")]
    pub order: Option<PathBuf>,
    /// Stop after writing what this run would start from: initial.safetensors and order.json in the out folder, as
    /// --initial and --order read them.
    #[arg(long, conflicts_with = "resume")]
    pub starts_only: bool,
    /// Continue the run in the out folder after its last complete epoch.
    #[arg(long)]
    pub resume: bool,
    /// Start anew although the out folder holds a run, whose files are replaced.
    #[arg(long, conflicts_with = "resume")]
    pub overwrite: bool,
    /// Only evaluate: FILE is a checkpoint (.safetensors, tried on the data) or an extended XYZ file (on which the
    /// checkpoint in the out folder is tried).
    #[arg(long, value_name = "FILE", conflicts_with_all = ["resume", "overwrite"])]
    pub evaluate: Option<PathBuf>,
    /// Only measure: the time of N training steps and N evaluations of one batch, as a line of JSON.
    #[arg(long, value_name = "N", conflicts_with_all = ["resume", "overwrite", "evaluate"])]
    pub time_only: Option<usize>,
    /// Steps of molecular dynamics, 0.5 fs each.
    #[arg(long, default_value_t = 2000)]
    pub md_steps: u64,
}

impl Cli {
    /// The settings of the training run.
    pub fn train_config(&self) -> TrainConfig {
        TrainConfig {
            model: ModelConfig {
                features: self.features,
                max_degree: self.max_degree,
                num_iterations: self.iterations,
                num_basis_functions: self.basis,
                cutoff: self.cutoff,
                attention_heads: self.attention,
                use_fused_tensor: self.fused_tensor,
                ..ModelConfig::default()
            },
            num_train: self.train,
            num_valid: self.valid,
            epochs: self.epochs,
            batch_size: self.batch,
            learning_rate: self.lr,
            schedule: self.schedule,
            forces_weight: self.forces_weight,
            energy_unit: if self.energy_unit == "eV" {
                1.0
            } else {
                units::KCAL_PER_MOL
            },
            seed: self.seed,
            dtype: self.dtype,
            warmup_steps: self.warmup,
            weight_decay: self.weight_decay,
            clip_norm: (self.clip_norm != 0.0).then_some(self.clip_norm),
            ema_decay: self.ema,
            plateau: self.plateau.map(|patience| PlateauConfig {
                patience,
                ..PlateauConfig::default()
            }),
            initial: self.initial.clone(),
            order: self.order.clone(),
            ..TrainConfig::default()
        }
    }

    /// The data file: the one named, or the repository's.
    pub fn data_file(&self) -> Result<PathBuf> {
        if let Some(file) = &self.data {
            return Ok(file.clone());
        }
        let relative = PathBuf::from("data/ethanol_gfn2.extxyz");
        let repository = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join("../..")
            .join(&relative);
        [relative, repository]
            .into_iter()
            .find(|file| file.exists())
            .ok_or_else(|| Error::Argument {
                argument: "--data".into(),
                expected: "an extended XYZ file".into(),
                received: "none, and there is no data/ethanol_gfn2.extxyz here".into(),
            })
    }

    /// The checkpoint in the out folder.
    pub fn checkpoint(&self) -> PathBuf {
        self.out.join("checkpoint.safetensors")
    }

    /// The metrics in the out folder.
    pub fn metrics(&self) -> PathBuf {
        self.out.join("metrics.csv")
    }
}

/// An error of the library about a setting, in terms of the command line.
pub fn with_flag(error: Error) -> Error {
    let Error::Argument {
        argument,
        expected,
        received,
    } = error
    else {
        return error;
    };
    let flag = match argument.as_str() {
        "num_train" => "--train",
        "num_train + num_valid" => "--train + --valid",
        "batch_size" => "--batch",
        "features" => "--features",
        "num_iterations" => "--iterations",
        "num_basis_functions" => "--basis",
        "cutoff" => "--cutoff",
        "learning_rate" => "--lr",
        "forces_weight" => "--forces-weight",
        "attention_heads" => "--attention",
        "weight_decay" => "--weight-decay",
        "clip_norm" => "--clip-norm",
        "ema_decay" => "--ema",
        "patience" => "--plateau",
        "initial" => "--initial",
        "order" => "--order",
        "resume" => "--resume",
        "data" => "--data",
        other => other,
    };
    Error::Argument {
        argument: flag.into(),
        expected,
        received,
    }
}
