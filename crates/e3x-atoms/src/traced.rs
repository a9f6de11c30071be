//! Traces of models for the same atoms again and again.

use candle_core::DType;
use e3x::trace::Trace;

use crate::batch::Batch;
use crate::error::Result;
use crate::frame::Frame;
use crate::neighbors::Pairs;

/// Calls with the same atoms and pairs after which a trace is worth its making, which takes as long as three
/// calls and saves a third of one.
const CALLS: usize = 6;

/// Most pairs for which there is something to save.
const MOST_PAIRS: usize = 1 << 12;

/// What was computed last, for which systems.
#[derive(Debug, Default)]
pub(crate) struct Traced {
    systems: Vec<System>,
    /// How often.
    calls: usize,
    trace: Option<Trace>,
    /// Calls to wait for before a trace is made.
    patience: usize,
}

/// What a trace has no inputs for.
#[derive(Debug)]
struct System {
    numbers: Vec<u32>,
    cell: Option<[[f64; 3]; 3]>,
    pairs: Pairs,
}

impl Traced {
    /// What to compute for these frames, if it is known or worth being found out by `make`.
    pub fn trace(
        &mut self,
        frames: &[&Frame],
        pairs: &[Pairs],
        dtype: DType,
        make: impl FnOnce(&Batch) -> Result<Trace>,
    ) -> Result<Option<&Trace>> {
        if pairs.iter().map(Pairs::len).sum::<usize>() > MOST_PAIRS {
            *self = Self::default();
            return Ok(None);
        }
        if !self.is_of(frames, pairs) {
            *self = Self::of(frames, pairs);
        }
        if let Some(trace) = &self.trace
            && !trace.is_current()?
        {
            // Parameters have changed, and may do so often.
            self.patience = self.patience.max(CALLS).saturating_mul(2);
            self.trace = None;
            self.calls = 0;
        }
        self.calls += 1;
        if self.trace.is_none() && self.calls >= self.patience.max(CALLS) {
            let made = make(&Batch::from_pairs(frames, pairs, dtype)?);
            if made.is_err() {
                // Whatever is wrong is found again without a trace.
                self.patience = usize::MAX;
            }
            self.trace = made.ok();
        }
        Ok(self.trace.as_ref())
    }

    fn of(frames: &[&Frame], pairs: &[Pairs]) -> Self {
        let system = |(frame, pairs): (&&Frame, &Pairs)| System {
            numbers: frame.numbers.clone(),
            cell: frame.cell,
            pairs: pairs.clone(),
        };
        Self {
            systems: frames.iter().zip(pairs).map(system).collect(),
            ..Self::default()
        }
    }

    fn is_of(&self, frames: &[&Frame], pairs: &[Pairs]) -> bool {
        let same = |((system, frame), pairs): ((&System, &&Frame), &Pairs)| {
            system.numbers == frame.numbers && system.cell == frame.cell && &system.pairs == pairs
        };
        self.systems.len() == frames.len() && self.systems.iter().zip(frames).zip(pairs).all(same)
    }
}
