//! What a trace that is being made on this thread has seen.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use candle_core::{CpuStorage, DType, Shape, Storage, Tensor};

use crate::Error;
use crate::op::tape::AnyOp;

thread_local! {
    static RECORDER: RefCell<Option<Recorder>> = const { RefCell::new(None) };
}

/// Where numbers come from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Origin {
    /// An input of the function, by position.
    Input(usize),
    /// They were there before.
    Constant,
    /// A variable: what it is when the trace runs.
    Variable,
    /// A step.
    Step,
}

/// Numbers that operations read or write.
pub(super) struct Value {
    pub origin: Origin,
    /// Keeps the memory, so that its address stays the only one.
    pub tensor: Tensor,
}

/// A part of the numbers of a value.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub value: usize,
    pub range: Range<usize>,
}

/// An operation with its operands and the values that are its results.
pub(super) struct Step {
    pub op: Arc<dyn AnyOp>,
    pub dtype: DType,
    pub operands: Vec<Part>,
    pub shapes: Vec<Shape>,
    pub results: Vec<usize>,
}

/// All that happened.
#[derive(Default)]
pub(super) struct Recorder {
    pub values: Vec<Value>,
    pub steps: Vec<Step>,
    /// Parameters that constants were made of at some other time.
    pub sources: Vec<Tensor>,
    /// They keep their memory.
    copies: Vec<Tensor>,
    /// End and value of the memory that begins at an address.
    places: BTreeMap<usize, (usize, usize)>,
}

/// Whether a trace is being made on this thread.
pub(crate) fn is_recording() -> bool {
    RECORDER.with_borrow(Option::is_some)
}

/// Runs `f` and returns what it returns with what was recorded meanwhile.
pub(super) fn record<T, E>(
    inputs: &[Tensor],
    f: impl FnOnce() -> std::result::Result<T, E>,
) -> std::result::Result<(T, Recorder), E> {
    /// Also if `f` panics.
    struct Clear;
    impl Drop for Clear {
        fn drop(&mut self) {
            RECORDER.take();
        }
    }
    let mut recorder = Recorder::default();
    for (index, input) in inputs.iter().enumerate() {
        recorder.add(Origin::Input(index), input);
    }
    RECORDER.set(Some(recorder));
    let _clear = Clear;
    let result = f()?;
    let recorder = RECORDER.take().unwrap_or_default();
    Ok((result, recorder))
}

/// Adds an operation that was done.
pub(crate) fn log(op: Arc<dyn AnyOp>, operands: &[&Tensor], results: &[Tensor]) {
    with(|recorder| {
        let dtype = operands.first().map_or(DType::F32, |x| x.dtype());
        let parts = operands.iter().map(|x| recorder.part(x)).collect();
        let results = results
            .iter()
            .map(|x| recorder.add(Origin::Step, x))
            .collect();
        recorder.steps.push(Step {
            op,
            dtype,
            operands: parts,
            shapes: operands.iter().map(|x| x.shape().clone()).collect(),
            results,
        });
    });
}

/// `copy` has the numbers of `x` in memory of its own.
pub(crate) fn copied(x: &Tensor, copy: &Tensor) {
    with(|recorder| {
        let part = x.is_contiguous().then(|| recorder.part(x));
        let of_all = part.filter(|part| {
            let whole = recorder.values[part.value].tensor.elem_count();
            part.range == (0..whole)
        });
        if let Some(part) = of_all
            && let Some(place) = place(copy)
        {
            recorder.places.insert(place.start, (place.end, part.value));
            recorder.copies.push(copy.clone());
        }
    });
}

/// Operations use something that was made of these tensors earlier.
pub(crate) fn depends_on(tensors: &[Tensor]) {
    with(|recorder| recorder.sources.extend_from_slice(tensors));
}

fn with(f: impl FnOnce(&mut Recorder)) {
    RECORDER.with_borrow_mut(|recorder| {
        if let Some(recorder) = recorder {
            f(recorder);
        }
    });
}

impl Recorder {
    /// All that was there before, and what it was made of.
    pub fn constants(&self) -> impl Iterator<Item = &Tensor> {
        let values = self.values.iter();
        let constants = values.filter(|value| value.origin == Origin::Constant);
        constants.map(|value| &value.tensor).chain(&self.sources)
    }

    fn add(&mut self, origin: Origin, tensor: &Tensor) -> usize {
        let value = self.values.len();
        if let Some(place) = place(tensor) {
            self.places.insert(place.start, (place.end, value));
        }
        self.values.push(Value {
            origin,
            tensor: tensor.detach(),
        });
        value
    }

    /// Which numbers a tensor shows. Those that nobody has seen are a constant or a variable.
    pub fn part(&mut self, x: &Tensor) -> Part {
        let known = place(x).and_then(|place| {
            let (&start, &(end, value)) = self.places.range(..=place.start).next_back()?;
            let size = x.dtype().size_in_bytes();
            let first = (place.start - start) / size;
            (place.end <= end).then(|| Part {
                value,
                range: first..first + x.elem_count(),
            })
        });
        let origin = if x.is_variable() {
            Origin::Variable
        } else {
            Origin::Constant
        };
        let Some(part) = known else {
            return Part {
                value: self.add(origin, x),
                range: 0..x.elem_count(),
            };
        };
        let value = &mut self.values[part.value];
        if value.origin == Origin::Constant {
            // Perhaps its memory was seen before by another tensor.
            value.origin = origin;
        }
        part
    }
}

/// The addresses of the numbers of a tensor in C order; `None` if there are none or they are not in this order.
fn place(x: &Tensor) -> Option<Range<usize>> {
    let (storage, layout) = x.storage_and_layout();
    let Storage::Cpu(storage) = &*storage else {
        return None;
    };
    let start = match storage {
        CpuStorage::F32(numbers) => numbers.as_ptr().addr(),
        CpuStorage::F64(numbers) => numbers.as_ptr().addr(),
        _ => return None,
    };
    let (first, last) = layout.contiguous_offsets().filter(|(a, b)| a < b)?;
    let size = x.dtype().size_in_bytes();
    Some(start + first * size..start + last * size)
}

/// The error of a function that cannot be traced.
pub(super) fn untraceable(received: impl Into<String>) -> Error {
    Error::argument(
        "f",
        "a function whose outputs depend on its inputs by operations of e3x alone, in one dtype (e3x::ops, e3x::nn, \
         e3x::autograd; instead of operations of candle and of Var::from_tensor)",
        received,
    )
}
