//! From what was recorded to a program.

use candle_core::{Shape, Tensor};

use super::program::{Operand, Place};
use super::recorder::{Origin, Part, Recorder, Step, Value, untraceable};
use crate::Result;
use crate::op::Element;
use crate::op::tape::numbers;

/// Finds out what a program needs.
pub(super) struct Compiler<'a, T> {
    recorded: &'a Recorder,
    /// The last step that reads a value, by value; that after the last for outputs.
    last_reads: Vec<Option<usize>>,
    /// Whether a value depends on inputs or variables.
    varies: Vec<bool>,
    /// Where values are.
    places: Vec<Option<Place>>,
    pub constants: Vec<Vec<T>>,
    pub variables: Vec<Tensor>,
    pub num_results: usize,
}

impl<'a, T: Element> Compiler<'a, T> {
    pub fn new(recorded: &'a Recorder, outputs: &[(Part, Shape)]) -> Self {
        let len = recorded.values.len();
        let mut varies = vec![false; len];
        for (value, varies) in recorded.values.iter().zip(&mut varies) {
            *varies = matches!(value.origin, Origin::Input(_) | Origin::Variable);
        }
        for step in &recorded.steps {
            let any = step.operands.iter().any(|part| varies[part.value]);
            for &value in &step.results {
                varies[value] = any;
            }
        }
        let mut last_reads = vec![None; len];
        for (part, _) in outputs {
            last_reads[part.value] = Some(recorded.steps.len());
        }
        for (index, step) in recorded.steps.iter().enumerate().rev() {
            if step
                .results
                .iter()
                .any(|&value| last_reads[value].is_some())
            {
                for part in &step.operands {
                    let last = &mut last_reads[part.value];
                    *last = (*last).or(Some(index));
                }
            }
        }
        Self {
            recorded,
            last_reads,
            varies,
            places: vec![None; len],
            constants: Vec::new(),
            variables: Vec::new(),
            num_results: 0,
        }
    }

    /// Whether a value is read, and has to be computed anew for that.
    pub fn is_needed(&self, value: usize) -> bool {
        self.varies[value] && self.last_reads[value].is_some()
    }

    pub fn operand(&mut self, part: &Part) -> Result<Operand> {
        let place = match self.places[part.value] {
            Some(place) => place,
            None => self.place(&self.recorded.values[part.value])?,
        };
        self.places[part.value] = Some(place);
        Ok(Operand {
            place,
            range: part.range.clone(),
        })
    }

    /// The place of numbers that no step computes.
    fn place(&mut self, value: &Value) -> Result<Place> {
        let tensor = &value.tensor;
        if tensor.dtype() != T::DTYPE {
            let received = format!("one that uses {}", tensor.dtype().as_str());
            return Err(untraceable(received));
        }
        Ok(match value.origin {
            Origin::Input(index) => Place::Input(index),
            Origin::Variable => {
                self.variables.push(tensor.clone());
                Place::Variable(self.variables.len() - 1)
            }
            // What steps compute from constants is one.
            Origin::Constant | Origin::Step => {
                let (storage, layout) = tensor.storage_and_layout();
                let numbers = numbers::<T>("f", &storage, layout)?;
                self.constants.push(numbers.to_vec());
                Place::Constant(self.constants.len() - 1)
            }
        })
    }

    /// Where a result goes, if anybody reads it.
    pub fn result(&mut self, value: usize) -> Option<usize> {
        self.last_reads[value]?;
        let place = self.num_results;
        self.num_results += 1;
        self.places[value] = Some(Place::Result(place));
        Some(place)
    }

    /// Results that are read for the last time by a step.
    pub fn freed_after(&self, index: usize, step: &Step) -> Vec<usize> {
        let mut freed = Vec::new();
        for part in &step.operands {
            if self.last_reads[part.value] == Some(index)
                && let Some(Place::Result(place)) = self.places[part.value]
                && !freed.contains(&place)
            {
                freed.push(place);
            }
        }
        freed
    }
}
