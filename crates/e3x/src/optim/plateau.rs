//! A learning rate that falls when nothing gets better any more.

use serde::{Deserialize, Deserializer, Serialize};

use crate::{Error, Result};

/// Options of [`ReduceOnPlateau`], with optax's names and defaults.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlateauConfig {
    /// What the scale is multiplied with.
    pub factor: f64,
    /// After how many values without improvement in a row.
    pub patience: usize,
    /// Relative improvement that counts.
    pub rtol: f64,
    /// Absolute improvement that counts.
    pub atol: f64,
    /// How many values are not counted after a reduction.
    pub cooldown: usize,
    /// How many values are averaged to one.
    pub accumulation_size: usize,
    /// The scale does not fall below.
    pub min_scale: f64,
}

impl Default for PlateauConfig {
    fn default() -> Self {
        Self {
            factor: 0.1,
            patience: 10,
            rtol: 1e-4,
            atol: 0.0,
            cooldown: 0,
            accumulation_size: 1,
            min_scale: 0.0,
        }
    }
}

impl PlateauConfig {
    /// Checks that the options make sense.
    ///
    /// # Errors
    /// If `factor` is not between 0 and 1, a tolerance or `min_scale` is negative, both tolerances
    /// are 0, `rtol` is above 1, or `patience` or `accumulation_size` is 0.
    pub fn check(&self) -> Result<()> {
        let checks = [
            (
                "factor",
                self.factor,
                self.factor > 0.0 && self.factor < 1.0,
                "a number between 0 and 1",
            ),
            (
                "rtol",
                self.rtol,
                (0.0..=1.0).contains(&self.rtol),
                "a number from 0 to 1",
            ),
            (
                "atol",
                self.atol,
                self.atol >= 0.0 && self.atol.is_finite() && self.rtol + self.atol > 0.0,
                "a number >= 0 (> 0 if rtol is 0)",
            ),
            (
                "min_scale",
                self.min_scale,
                (0.0..=1.0).contains(&self.min_scale),
                "a number from 0 to 1",
            ),
            (
                "patience",
                self.patience as f64,
                self.patience > 0,
                "at least 1",
            ),
            (
                "accumulation_size",
                self.accumulation_size as f64,
                self.accumulation_size > 0,
                "at least 1",
            ),
        ];
        for (argument, value, good, expected) in checks {
            if !good {
                return Err(Error::argument(argument, expected, value.to_string()));
            }
        }
        Ok(())
    }
}

/// Factor on the learning rate that falls when a value, such as the validation loss, stops
/// improving; the same numbers as `optax.contrib.reduce_on_plateau`.
///
/// ```text
/// improved = value < (1 - rtol) best - atol
/// after `patience` values in a row without improvement:  scale <- max(factor scale, min_scale)
/// ```
///
/// `value` is the mean of `accumulation_size` values. After a reduction, `cooldown` values pass
/// before counting begins again. The state can be written to files and read back with serde.
///
/// ```
/// use e3x::optim::{PlateauConfig, ReduceOnPlateau};
/// let config = PlateauConfig { factor: 0.5, patience: 2, ..PlateauConfig::default() };
/// let mut plateau = ReduceOnPlateau::new(config)?;
/// let scales: Vec<f64> = [3.0, 2.0, 2.5, 2.1, 1.0].into_iter().map(|x| plateau.update(x)).collect();
/// assert_eq!(scales, [1.0, 1.0, 1.0, 0.5, 0.5]);
/// # Ok::<(), e3x::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReduceOnPlateau {
    config: PlateauConfig,
    scale: f64,
    /// The best value so far; none before the first one.
    best_value: Option<f64>,
    plateau_count: usize,
    cooldown_count: usize,
    /// How many values `avg_value` is the mean of.
    count: usize,
    #[serde(deserialize_with = "number_or_nan")]
    avg_value: f64,
}

/// JSON has no NaN: serde_json writes null.
fn number_or_nan<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<f64, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or(f64::NAN))
}

impl ReduceOnPlateau {
    /// Starts with scale 1.
    ///
    /// # Errors
    /// As [`PlateauConfig::check`].
    pub fn new(config: PlateauConfig) -> Result<Self> {
        config.check()?;
        Ok(Self {
            config,
            scale: 1.0,
            best_value: None,
            plateau_count: 0,
            cooldown_count: 0,
            count: 0,
            avg_value: 0.0,
        })
    }

    /// Takes a new value and returns the scale from now on. NaN is no improvement.
    pub fn update(&mut self, value: f64) -> f64 {
        let count = self.count as f64;
        self.avg_value = (count * self.avg_value + value) / (count + 1.0);
        self.count += 1;
        if self.count >= self.config.accumulation_size {
            self.judge(self.avg_value);
            self.count = 0;
            self.avg_value = 0.0;
        }
        self.scale
    }

    /// The factor on the learning rate.
    pub fn scale(&self) -> f64 {
        self.scale
    }

    /// The options.
    pub fn config(&self) -> &PlateauConfig {
        &self.config
    }

    fn judge(&mut self, value: f64) {
        let config = self.config;
        let best = self.best_value.unwrap_or(f64::INFINITY);
        if value < (1.0 - config.rtol) * best - config.atol {
            self.best_value = Some(value);
            self.plateau_count = 0;
        } else {
            self.plateau_count += 1;
        }
        if self.cooldown_count > 0 {
            self.cooldown_count -= 1;
            self.plateau_count = 0;
        } else if self.plateau_count >= config.patience {
            self.plateau_count = 0;
            self.cooldown_count = config.cooldown;
            self.scale = (self.scale * config.factor).max(config.min_scale);
        }
    }
}
