//! The operations that lead from inputs to outputs, in order.

use std::ops::Range;
use std::sync::Arc;

use candle_core::Shape;

use super::recorder::{Origin, Part, Recorder, untraceable};
use crate::Result;
use crate::op::Element;
use crate::op::tape::{AnyOp, Few, numbers};

/// Where an operation finds numbers.
#[derive(Debug, Clone, Copy)]
enum Place {
    Input(usize),
    Constant(usize),
    Result(usize),
}

#[derive(Debug, Clone)]
struct Operand {
    place: Place,
    range: Range<usize>,
}

struct Step {
    op: Arc<dyn AnyOp>,
    operands: Vec<Operand>,
    shapes: Vec<Shape>,
    /// Where results go, if anybody reads them.
    results: Vec<Option<usize>>,
    /// Results that nobody reads any more.
    frees: Vec<usize>,
}

/// What does not depend on inputs was computed when the program was made.
pub(super) struct Program<T> {
    constants: Vec<Vec<T>>,
    steps: Vec<Step>,
    outputs: Vec<(Operand, Shape)>,
    num_results: usize,
}

impl<T: Element> Program<T> {
    /// The program that leads to `outputs`, parts of what was recorded.
    pub fn new(recorded: &Recorder, outputs: &[(Part, Shape)]) -> Result<Self> {
        let mut compiler = Compiler::new(recorded, outputs);
        let mut steps = Vec::new();
        for (index, step) in recorded.steps.iter().enumerate() {
            let is_read = |&value: &usize| compiler.last_reads[value].is_some();
            if !compiler.varies(step.results[0]) || !step.results.iter().any(is_read) {
                continue;
            }
            if step.dtype != T::DTYPE {
                let received = format!("{}, in {}", step.op.name(), step.dtype.as_str());
                return Err(untraceable(received));
            }
            let operands = step.operands.iter().map(|x| compiler.operand(x));
            let operands = operands.collect::<Result<Vec<_>>>()?;
            let results = step.results.iter().map(|&value| compiler.result(value));
            steps.push(Step {
                op: Arc::clone(&step.op),
                operands,
                shapes: step.shapes.clone(),
                results: results.collect(),
                frees: compiler.freed_after(index, step),
            });
        }
        let output = |(part, shape): &(Part, Shape)| Ok((compiler.operand(part)?, shape.clone()));
        let outputs = outputs.iter().map(output).collect::<Result<Vec<_>>>()?;
        Ok(Self {
            steps,
            outputs,
            num_results: compiler.num_results,
            constants: compiler.constants,
        })
    }

    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.steps.iter().map(|step| step.op.name())
    }

    /// The outputs in C order, with their shapes.
    pub fn run(&self, inputs: &[&[T]]) -> Result<Vec<(Vec<T>, Shape)>> {
        let mut memory = Memory {
            inputs,
            constants: &self.constants,
            results: vec![Vec::new(); self.num_results],
        };
        for step in &self.steps {
            memory.run(step)?;
        }
        let output = |(operand, shape): &(Operand, Shape)| {
            let numbers = memory.find(operand).to_vec();
            (numbers, shape.clone())
        };
        Ok(self.outputs.iter().map(output).collect())
    }
}

/// Numbers while a program runs.
struct Memory<'a, T> {
    inputs: &'a [&'a [T]],
    constants: &'a [Vec<T>],
    results: Vec<Vec<T>>,
}

impl<T: Element> Memory<'_, T> {
    fn find(&self, operand: &Operand) -> &[T] {
        let numbers = match operand.place {
            Place::Input(i) => self.inputs[i],
            Place::Constant(i) => &self.constants[i],
            Place::Result(i) => &self.results[i],
        };
        &numbers[operand.range.clone()]
    }

    fn run(&mut self, step: &Step) -> Result<()> {
        let operands: Few<&[T]> = step.operands.iter().map(|x| self.find(x)).collect();
        let shapes: Few<&Shape> = step.shapes.iter().collect();
        let found = T::compute(&*step.op, &operands, &shapes)?;
        drop(operands);
        for ((numbers, _), &to) in found.into_iter().zip(&step.results) {
            if let Some(to) = to {
                self.results[to] = numbers;
            }
        }
        for &unused in &step.frees {
            self.results[unused] = Vec::new();
        }
        Ok(())
    }
}

/// From what was recorded to a program.
struct Compiler<'a, T> {
    recorded: &'a Recorder,
    /// The last step that reads a value, by value; that after the last for outputs.
    last_reads: Vec<Option<usize>>,
    /// Whether a value depends on inputs.
    varies: Vec<bool>,
    /// Where values are.
    places: Vec<Option<Place>>,
    constants: Vec<Vec<T>>,
    num_results: usize,
}

impl<'a, T: Element> Compiler<'a, T> {
    fn new(recorded: &'a Recorder, outputs: &[(Part, Shape)]) -> Self {
        let len = recorded.values.len();
        let mut varies = vec![false; len];
        for (value, varies) in recorded.values.iter().zip(&mut varies) {
            *varies = matches!(value.origin, Origin::Input(_));
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
            num_results: 0,
        }
    }

    fn varies(&self, value: usize) -> bool {
        self.varies[value]
    }

    fn operand(&mut self, part: &Part) -> Result<Operand> {
        let place = match (
            self.places[part.value],
            self.recorded.values[part.value].origin,
        ) {
            (Some(place), _) => place,
            (None, Origin::Input(index)) => Place::Input(index),
            (None, _) => {
                let tensor = &self.recorded.values[part.value].tensor;
                if tensor.dtype() != T::DTYPE {
                    let received = format!("one that uses {}", tensor.dtype().as_str());
                    return Err(untraceable(received));
                }
                let (storage, layout) = tensor.storage_and_layout();
                self.constants
                    .push(numbers::<T>("f", &storage, layout)?.to_vec());
                Place::Constant(self.constants.len() - 1)
            }
        };
        self.places[part.value] = Some(place);
        Ok(Operand {
            place,
            range: part.range.clone(),
        })
    }

    /// Where a result goes, if anybody reads it.
    fn result(&mut self, value: usize) -> Option<usize> {
        self.last_reads[value]?;
        let place = self.num_results;
        self.num_results += 1;
        self.places[value] = Some(Place::Result(place));
        Some(place)
    }

    /// Results that are read for the last time by a step.
    fn freed_after(&self, index: usize, step: &super::recorder::Step) -> Vec<usize> {
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
