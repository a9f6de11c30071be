//! The operations that lead from inputs to outputs, in order.

use std::ops::Range;
use std::sync::Arc;

use candle_core::{Shape, Tensor};

use super::compiler::Compiler;
use super::recorder::{Part, Recorder, untraceable};
use crate::Result;
use crate::op::Element;
use crate::op::tape::{AnyOp, Few, numbers};

/// Where an operation finds numbers.
#[derive(Debug, Clone, Copy)]
pub(super) enum Place {
    Input(usize),
    Constant(usize),
    Variable(usize),
    Result(usize),
}

#[derive(Debug, Clone)]
pub(super) struct Operand {
    pub place: Place,
    pub range: Range<usize>,
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
    variables: Vec<Tensor>,
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
            if !step.results.iter().any(|&value| compiler.is_needed(value)) {
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
            variables: compiler.variables,
        })
    }

    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.steps.iter().map(|step| step.op.name())
    }

    /// The outputs in C order, with their shapes.
    pub fn run(&self, inputs: &[&[T]]) -> Result<Vec<(Vec<T>, Shape)>> {
        let guards: Vec<_> = self
            .variables
            .iter()
            .map(Tensor::storage_and_layout)
            .collect();
        let variable = |(storage, layout)| numbers("f", storage, layout);
        let variables = guards
            .iter()
            .map(|guard| (&*guard.0, guard.1))
            .map(variable);
        let variables = variables.collect::<Result<Vec<&[T]>>>()?;
        let mut memory = Memory {
            inputs,
            constants: &self.constants,
            variables: &variables,
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
    variables: &'a [&'a [T]],
    results: Vec<Vec<T>>,
}

impl<T: Element> Memory<'_, T> {
    fn find(&self, operand: &Operand) -> &[T] {
        let numbers = match operand.place {
            Place::Input(i) => self.inputs[i],
            Place::Constant(i) => &self.constants[i],
            Place::Variable(i) => self.variables[i],
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
