//! Axes: their range and where the ticks go.

use std::ops::Range;

use plotters::coord::ranged1d::{DefaultFormatting, KeyPointHint, Ranged};

/// An axis in drawing coordinates: the values themselves, or their decimal logarithms.
#[derive(Clone, Debug)]
pub(super) struct Axis {
    pub(super) label: &'static str,
    pub(super) low: f64,
    pub(super) high: f64,
    /// Where the ticks are, in drawing coordinates.
    ticks: Vec<f64>,
    /// Digits after the point in the labels of a linear axis.
    decimals: usize,
    is_logarithmic: bool,
}

impl Axis {
    /// A linear axis that holds all values plus a fraction `room` of their range on both sides; `None` without values.
    pub(super) fn linear(
        label: &'static str,
        values: impl Iterator<Item = f64>,
        room: f64,
    ) -> Option<Self> {
        let (low, high) = range(values)?;
        let extra = if high > low {
            room * (high - low)
        } else {
            0.5 * high.abs().max(1e-3)
        };
        let (low, high) = (low - extra, high + extra);
        let (ticks, decimals) = linear_ticks(low, high, 0.0);
        Some(Self {
            label,
            low,
            high,
            ticks,
            decimals,
            is_logarithmic: false,
        })
    }

    /// The same axis with ticks at integers only.
    pub(super) fn with_integer_ticks(mut self) -> Self {
        (self.ticks, self.decimals) = linear_ticks(self.low, self.high, 1.0);
        self
    }

    /// A logarithmic axis that holds all values, which are positive; `None` without values.
    pub(super) fn logarithmic(
        label: &'static str,
        values: impl Iterator<Item = f64>,
    ) -> Option<Self> {
        let (low, high) = range(values)?;
        let (low, high) = (low.log10(), high.log10());
        let extra = (0.06 * (high - low)).max(0.04);
        let (low, high) = (low - extra, high + extra);
        Some(Self {
            label,
            low,
            high,
            ticks: logarithmic_ticks(low, high),
            decimals: 0,
            is_logarithmic: true,
        })
    }

    /// The drawing coordinate of a value.
    pub(super) fn coordinate(&self, value: f64) -> f64 {
        if self.is_logarithmic {
            value.log10()
        } else {
            value
        }
    }

    /// The text at a tick.
    pub(super) fn format(&self, tick: f64) -> String {
        // Three digits, without the noise of the logarithm.
        let round = |value: f64| format!("{value:.2e}").parse().unwrap_or(value);
        let text = if self.is_logarithmic {
            let value = round(10.0_f64.powf(tick));
            if (1e-3..1e5).contains(&value) {
                format!("{value}")
            } else {
                format!("{value:e}")
            }
        } else if self.decimals > 3 || self.low.abs().max(self.high.abs()) >= 1e5 {
            // The round numbers of a narrow range far from zero need more than three digits.
            let digits = (tick.abs().log10().floor() as i32 + self.decimals as i32).clamp(0, 9);
            if tick == 0.0 {
                "0".to_owned()
            } else {
                format!("{tick:.*e}", digits as usize)
            }
        } else {
            format!("{tick:.*}", self.decimals)
        };
        // A zero that rounding made negative has no sign; a sign is a minus, not a hyphen.
        let zero = text.chars().all(|c| matches!(c, '-' | '0' | '.'));
        text.replace('-', if zero { "" } else { "\u{2212}" })
    }
}

impl Ranged for Axis {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        let fraction = (value - self.low) / (self.high - self.low);
        limit.0 + (fraction * f64::from(limit.1 - limit.0)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, _hint: Hint) -> Vec<f64> {
        self.ticks.clone()
    }

    fn range(&self) -> Range<f64> {
        self.low..self.high
    }
}

/// The least and the greatest value.
fn range(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    values.fold(None, |range, value| match range {
        None => Some((value, value)),
        Some((low, high)) => Some((f64::min(low, value), f64::max(high, value))),
    })
}

/// Round numbers in a range, at most eight of them, and the digits they need after the point. Neighbouring ones are at
/// least `least_step` (0 or 1) apart.
fn linear_ticks(low: f64, high: f64, least_step: f64) -> (Vec<f64>, usize) {
    let rough = (high - low) / 7.0;
    let power = rough.log10().floor();
    let factor = [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .find(|factor| factor * 10.0_f64.powf(power) >= rough)
        .unwrap_or(10.0);
    let step = least_step.max(factor * 10.0_f64.powf(power));
    let decimals = (-step.log10() - 1e-9).ceil().clamp(0.0, 9.0) as usize;
    let (first, last) = ((low / step).ceil() as i64, (high / step).floor() as i64);
    // A range below the resolution of its numbers has no ticks.
    let count = last.saturating_sub(first).clamp(-1, 20);
    (
        (0..=count).map(|k| (first + k) as f64 * step).collect(),
        decimals,
    )
}

/// The logarithms of round numbers in a range of logarithms: the finest choice with three to nine ticks, since fewer
/// do not show the scale.
fn logarithmic_ticks(low: f64, high: f64) -> Vec<f64> {
    const LEAST: usize = 3;
    const MOST: usize = 9;
    let choices: [&[f64]; 4] = [
        &[1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0],
        &[1.0, 2.0, 3.0, 5.0],
        &[1.0, 2.0, 5.0],
        &[1.0],
    ];
    let decades = || low.floor() as i32..=high.floor() as i32;
    let inside = |tick: &f64| (low..=high).contains(tick);
    for mantissas in choices {
        let ticks = decades().flat_map(|power| {
            mantissas
                .iter()
                .map(move |mantissa| f64::from(power) + mantissa.log10())
        });
        let ticks: Vec<f64> = ticks.filter(inside).collect();
        if (LEAST..=MOST).contains(&ticks.len()) {
            return ticks;
        }
    }
    if high - low < 1.0 {
        // A narrow range looks almost linear.
        let (values, _) = linear_ticks(10.0_f64.powf(low), 10.0_f64.powf(high), 0.0);
        return values
            .into_iter()
            .filter(|value| *value > 0.0)
            .map(f64::log10)
            .collect();
    }
    let stride = ((high - low) / MOST as f64).ceil().max(1.0) as usize;
    decades()
        .step_by(stride)
        .map(f64::from)
        .filter(inside)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_logarithmic_range_has_enough_ticks_and_not_too_many() {
        let starts = (-40..40).map(|i| 0.13 * f64::from(i));
        for low in starts {
            for width in [
                0.08, 0.1, 0.15, 0.3, 0.5, 0.8, 1.0, 1.3, 2.0, 4.0, 10.0, 30.0,
            ] {
                let ticks = logarithmic_ticks(low, low + width);
                assert!((3..=10).contains(&ticks.len()), "{low} {width}: {ticks:?}");
                assert!(ticks.is_sorted());
                assert!(ticks.iter().all(|t| (low..=low + width).contains(t)));
            }
        }
    }
}
