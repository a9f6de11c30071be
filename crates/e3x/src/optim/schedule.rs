//! Learning-rate schedules.

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// Factor on the learning rate as a function of the step.
///
/// ```
/// use e3x::optim::Schedule;
/// let schedule = Schedule::Cosine;
/// assert_eq!(schedule.factor(0, 100), 1.0);
/// assert!((schedule.factor(50, 100) - 0.5).abs() < 1e-12);
/// assert!(schedule.factor(100, 100).abs() < 1e-12);
///
/// // 0.9 every 10 steps, after 20 steps in which the learning rate grows.
/// let schedule: Schedule = "exponential:0.9/10".parse()?;
/// assert_eq!(schedule.factor_with_warm_up(20, 5, 100), 0.25);
/// assert_eq!(schedule.factor_with_warm_up(20, 30, 100), 0.9);
/// # Ok::<(), e3x::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Schedule {
    /// Always 1.
    Constant,
    /// Half a cosine from 1 down to 0: `(1 + cos(pi step / total)) / 2` (Loshchilov & Hutter,
    /// arXiv:1608.03983, without restarts), as `optax.cosine_decay_schedule`.
    #[default]
    Cosine,
    /// `decay_rate^(step / transition_steps)`, as `optax.exponential_decay`.
    Exponential {
        /// The factor after `transition_steps`, larger than 0.
        decay_rate: f64,
        /// Steps in which the factor changes by `decay_rate`; `None`: all steps.
        transition_steps: Option<usize>,
    },
}

impl Schedule {
    /// The factor before step `step` (from 0) of `total`.
    pub fn factor(self, step: usize, total: usize) -> f64 {
        match self {
            Self::Constant => 1.0,
            Self::Cosine => {
                let progress = if total == 0 {
                    1.0
                } else {
                    step.min(total) as f64 / total as f64
                };
                0.5 * (1.0 + (std::f64::consts::PI * progress).cos())
            }
            Self::Exponential {
                decay_rate,
                transition_steps,
            } => match transition_steps.unwrap_or(total) {
                // As in optax.
                0 => 1.0,
                transition => decay_rate.powf(step as f64 / transition as f64),
            },
        }
    }

    /// The factor before step `step` (from 0) of `total`, of which the first `warmup_steps` are a
    /// warm-up: it grows linearly from 0, and the schedule begins where it reaches 1.
    ///
    /// As `optax.warmup_cosine_decay_schedule` and `optax.warmup_exponential_decay_schedule` with
    /// `init_value` 0. Without warm-up steps the same as [`Schedule::factor`].
    pub fn factor_with_warm_up(self, warmup_steps: usize, step: usize, total: usize) -> f64 {
        match step.checked_sub(warmup_steps) {
            Some(step) => self.factor(step, total.saturating_sub(warmup_steps)),
            None => step as f64 / warmup_steps as f64,
        }
    }

    /// Checks the numbers of an exponential decay.
    ///
    /// # Errors
    /// If `decay_rate` is not positive and finite, or `transition_steps` is 0.
    pub fn check(self) -> Result<()> {
        let Self::Exponential {
            decay_rate,
            transition_steps,
        } = self
        else {
            return Ok(());
        };
        if !(decay_rate > 0.0 && decay_rate.is_finite()) {
            let received = decay_rate.to_string();
            return Err(Error::argument("decay_rate", "a positive number", received));
        }
        if transition_steps == Some(0) {
            return Err(Error::argument("transition_steps", "at least 1", "0"));
        }
        Ok(())
    }
}

impl std::str::FromStr for Schedule {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        let schedule = match (name, name.strip_prefix("exponential:")) {
            ("constant", _) => Some(Self::Constant),
            ("cosine", _) => Some(Self::Cosine),
            (_, Some(numbers)) => exponential(numbers),
            _ => None,
        };
        let Some(schedule) = schedule else {
            let expected = "constant, cosine, exponential:RATE or exponential:RATE/STEPS";
            return Err(Error::argument("schedule", expected, name));
        };
        schedule.check()?;
        Ok(schedule)
    }
}

/// Reads `RATE` or `RATE/STEPS`.
fn exponential(numbers: &str) -> Option<Schedule> {
    let (rate, steps) = match numbers.split_once('/') {
        Some((rate, steps)) => (rate, Some(steps.parse().ok()?)),
        None => (numbers, None),
    };
    Some(Schedule::Exponential {
        decay_rate: rate.parse().ok()?,
        transition_steps: steps,
    })
}

impl std::fmt::Display for Schedule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Constant => f.write_str("constant"),
            Self::Cosine => f.write_str("cosine"),
            Self::Exponential {
                decay_rate,
                transition_steps,
            } => {
                write!(f, "exponential:{decay_rate}")?;
                transition_steps.map_or(Ok(()), |steps| write!(f, "/{steps}"))
            }
        }
    }
}
