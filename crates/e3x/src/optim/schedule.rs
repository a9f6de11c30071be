//! Learning-rate schedules.

use serde::{Deserialize, Serialize};

/// Factor on the learning rate as a function of the step.
///
/// ```
/// use e3x::optim::Schedule;
/// let schedule = Schedule::Cosine;
/// assert_eq!(schedule.factor(0, 100), 1.0);
/// assert!((schedule.factor(50, 100) - 0.5).abs() < 1e-12);
/// assert!(schedule.factor(100, 100).abs() < 1e-12);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Schedule {
    /// Always 1.
    Constant,
    /// Half a cosine from 1 down to 0: `(1 + cos(pi step / total)) / 2` (Loshchilov & Hutter,
    /// arXiv:1608.03983, without restarts).
    #[default]
    Cosine,
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
        }
    }
}

impl std::str::FromStr for Schedule {
    type Err = crate::Error;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name {
            "constant" => Ok(Self::Constant),
            "cosine" => Ok(Self::Cosine),
            other => Err(crate::Error::argument(
                "schedule",
                "constant or cosine",
                other,
            )),
        }
    }
}

impl std::fmt::Display for Schedule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Constant => "constant",
            Self::Cosine => "cosine",
        })
    }
}
