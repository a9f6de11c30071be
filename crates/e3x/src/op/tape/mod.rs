//! Operations with any number of operands and results on candle's tape.
//!
//! candle's custom operations take one to three operands and have one result, and for every gradient
//! candle's backward makes zeros and adds to them. For operations of this crate the tape sees
//! tensors of a single element, *handles*, that say which operation depends on which:
//!
//! ```text
//! handles of the operands -> (join ->) operation -> handle -> result
//! ```
//!
//! On the way back an operation leaves the gradient of an operand directly with the operation that the
//! operand is a result of ([`mode::leave`]): nothing is packed, filled with zeros or copied. Results
//! that go through operations of candle, and operands that come from them, are on candle's tape as
//! usual. Where candle has no part at all, its backward is not needed either (`walk.rs`).

mod custom;
mod handles;
mod ids;
mod link;
mod sources;
mod walk;

use std::sync::{Arc, Mutex, OnceLock};

use candle_core::{
    CpuStorage, CustomOp1, CustomOp2, CustomOp3, DType, Error as CandleError, Layout,
    Result as CandleResult, Shape, Storage, Tensor, TensorId,
};
use smallvec::SmallVec;

use self::custom::{Delivered, Stored, apply_custom, custom_ops};
use self::handles::{Delivery, Operand, Part, handle_value, join, new_key};
pub(crate) use self::ids::IdMap;
use self::link::Link;
pub(crate) use self::sources::{Place, view, view_as};
use self::sources::{ShownBy, Source, register, sources, union};
use self::walk::Pull;
pub(crate) use self::walk::backward;
use super::{Element, combine};
use crate::autograd::mode;
use crate::{Error, Result, trace};

/// Operands and what belongs to them: no allocation for most operations.
pub(crate) type Few<T> = SmallVec<[T; 4]>;

/// Results of an operation with their shapes.
pub(crate) type Values<T> = SmallVec<[(Vec<T>, Shape); 1]>;

/// Results as candle takes them.
type Results = SmallVec<[Stored; 1]>;

/// Gradients that are to be added up.
pub(crate) type Summands = SmallVec<[Tensor; 2]>;

/// A differentiable operation with any number of operands and results.
pub(crate) trait MultiOp: Clone + Send + Sync + 'static {
    /// Name in messages of the tape.
    const NAME: &'static str;
    /// Whether `backward` finds the (only) result after the operands.
    const NEEDS_RESULT: bool = false;

    /// Computes the results. Operands come in C order.
    fn forward<T: Element>(&self, args: &[&[T]], shapes: &[&Shape]) -> Result<Values<T>>;

    /// Vector-Jacobian products: one entry per operand, `None` where `wanted` is false or the
    /// gradient is zero. `grads` has one entry per result, `None` if it does not matter.
    fn backward(
        &self,
        args: &[Tensor],
        grads: &[Option<Tensor>],
        wanted: &[bool],
    ) -> Result<Vec<Option<Tensor>>>;
}

/// A [`MultiOp`] of which nothing but its forward is known.
pub(crate) trait AnyOp: Send + Sync {
    fn name(&self) -> &'static str;
    fn forward_f32(&self, args: &[&[f32]], shapes: &[&Shape]) -> Result<Values<f32>>;
    fn forward_f64(&self, args: &[&[f64]], shapes: &[&Shape]) -> Result<Values<f64>>;
}

impl<O: MultiOp> AnyOp for O {
    fn name(&self) -> &'static str {
        O::NAME
    }

    fn forward_f32(&self, args: &[&[f32]], shapes: &[&Shape]) -> Result<Values<f32>> {
        self.forward(args, shapes)
    }

    fn forward_f64(&self, args: &[&[f64]], shapes: &[&Shape]) -> Result<Values<f64>> {
        self.forward(args, shapes)
    }
}

/// Applies an operation and records it on the tape if an operand is tracked.
pub(crate) fn record<O: MultiOp>(op: O, args: &[&Tensor]) -> Result<Few<Tensor>> {
    crate::process::prepare();
    let dtype = args.first().map_or(DType::F32, |x| x.dtype());
    if args.is_empty()
        || !matches!(dtype, DType::F32 | DType::F64)
        || args.iter().any(|x| x.dtype() != dtype)
    {
        let dtypes: Vec<_> = args.iter().map(|x| x.dtype().as_str()).collect();
        let expected = "operands that are all f32 or all f64";
        return Err(Error::argument(O::NAME, expected, dtypes.join(", ")));
    }
    if !args.iter().all(|x| x.is_contiguous()) {
        let copies = args.iter().map(|x| x.contiguous());
        let copies = copies.collect::<CandleResult<Few<_>>>()?;
        return record(op, &copies.iter().collect::<Few<_>>());
    }
    let results = match dtype {
        DType::F32 => compute::<f32, O>(&op, args)?,
        _ => compute::<f64, O>(&op, args)?,
    };
    let traced = trace::is_recording().then(|| op.clone());
    let results = if mode::creates_graph() && args.iter().any(|x| x.track_op()) {
        on_tape(op, args.iter().copied().cloned().collect(), results)?
    } else {
        results.into_iter().map(untracked).collect()
    };
    if let Some(op) = traced {
        trace::log(Arc::new(op), args, &results);
    }
    Ok(results)
}

fn compute<T: Element, O: MultiOp>(op: &O, args: &[&Tensor]) -> Result<Results> {
    let guards: Few<_> = args.iter().map(|x| x.storage_and_layout()).collect();
    let mut slices: Few<&[T]> = Few::with_capacity(args.len());
    for (storage, layout) in &guards {
        slices.push(numbers(O::NAME, storage, layout)?);
    }
    let shapes: Few<&Shape> = args.iter().map(|x| x.shape()).collect();
    let results = op.forward(&slices, &shapes)?;
    let stored = |(values, shape)| (T::to_cpu_storage_owned(values), shape);
    Ok(results.into_iter().map(stored).collect())
}

/// The numbers of a tensor in C order.
pub(crate) fn numbers<'a, T: Element>(
    name: &'static str,
    storage: &'a Storage,
    layout: &Layout,
) -> Result<&'a [T]> {
    let Storage::Cpu(storage) = storage else {
        return Err(Error::argument(
            name,
            "operands on the CPU",
            "another device",
        ));
    };
    let values = &storage.as_slice::<T>()?[layout.start_offset()..];
    Ok(&values[..layout.shape().elem_count()])
}

fn untracked((storage, shape): Stored) -> Tensor {
    let nothing = candle_core::op::BackpropOp::none();
    Tensor::from_storage(Storage::Cpu(storage), shape, nothing, false)
}

/// Puts the operation between its operands and its results, which are known already.
fn on_tape<O: MultiOp>(op: O, args: Few<Tensor>, results: Results) -> Result<Few<Tensor>> {
    let dtype = args[0].dtype();
    let sources = sources(&args);
    let (operands, positions) = operands(&args, &sources);
    let (operands, places) = join(operands, dtype)?;
    let delivery = Delivery::new(&operands, dtype);
    let mut links = SmallVec::with_capacity(args.len());
    for ((arg, source), position) in args.iter().zip(sources).zip(positions) {
        links.push(match (source, position) {
            (Some(source), _) => Link::Result(source),
            (None, None) => Link::Constant,
            (None, Some(index)) => Link::Direct {
                place: places[index].unwrap_or(Place {
                    key: delivery.key,
                    index,
                }),
                variable: arg.is_variable().then(|| [arg.id()]),
            },
        });
    }
    let node = Node {
        key: new_key(),
        num_results: results.len(),
        variables: union(&links),
        is_own: links.iter().all(Link::is_own),
        result: OnceLock::new(),
    };
    let body = Arc::new(Body {
        op,
        args,
        links,
        delivery,
        node,
        dtype,
    });
    let handle = apply_custom(&operands, Recorded(Arc::clone(&body)))?;
    let result = |(index, stored)| body.part(&handle, index, stored);
    let results = results
        .into_iter()
        .enumerate()
        .map(result)
        .collect::<CandleResult<Few<_>>>()?;
    if O::NEEDS_RESULT {
        // Detached: it must not keep itself alive.
        let _ = body.node.result.set(results[0].detach());
    }
    Ok(results)
}

/// What an operation depends on, each once, and the position of each of its arguments there.
fn operands(
    args: &[Tensor],
    sources: &[Option<Arc<Source>>],
) -> (Few<Operand>, Few<Option<usize>>) {
    let mut operands: Few<Operand> = Few::with_capacity(args.len());
    let mut position = |arg: &Tensor, source: &Option<Arc<Source>>| {
        let tensor = match source {
            Some(source) => &source.handle,
            None if arg.track_op() => arg,
            None => return None,
        };
        let known = operands.iter().position(|x| x.tensor.id() == tensor.id());
        Some(known.unwrap_or_else(|| {
            operands.push(Operand {
                tensor: tensor.clone(),
                is_handle: source.is_some(),
            });
            operands.len() - 1
        }))
    };
    let positions = args.iter().zip(sources).map(|(x, s)| position(x, s));
    let positions = positions.collect();
    (operands, positions)
}

/// The sum of gradients; `None` if there are none.
pub(crate) fn total(grads: Summands) -> Result<Option<Tensor>> {
    if grads.len() <= 1 {
        return Ok(grads.into_iter().next());
    }
    combine::sum(&grads.iter().collect::<Few<_>>()).map(Some)
}

/// A gradient that an operation has found, without the history that operations of candle give it in passes that are not
/// recorded.
fn found(grad: Tensor) -> Tensor {
    if grad.track_op() && !mode::creates_graph() {
        grad.detach()
    } else {
        grad
    }
}

/// What results know of their operation.
struct Node {
    /// Where the gradients of results are left.
    key: u64,
    num_results: usize,
    /// The variables that the results depend on, if they are few and known.
    variables: Option<Arc<[TensorId]>>,
    /// Whether they depend on variables by operations of this crate alone.
    is_own: bool,
    /// The result without its history, if backward needs it.
    result: OnceLock<Tensor>,
}

/// An operation and its operands.
struct Body<O> {
    op: O,
    args: Few<Tensor>,
    links: SmallVec<[Link; 2]>,
    delivery: Delivery,
    node: Node,
    dtype: DType,
}

impl<O: MultiOp> Body<O> {
    /// A result as a tensor on the tape.
    fn part(
        self: &Arc<Self>,
        handle: &Tensor,
        index: usize,
        stored: Stored,
    ) -> CandleResult<Tensor> {
        let place = Place {
            key: self.node.key,
            index,
        };
        let source = Arc::new(Source {
            handle: handle.clone(),
            place,
            shape: stored.1.clone(),
            variables: self.node.variables.clone(),
            is_own: self.node.is_own,
            pull: Arc::clone(self) as Arc<dyn Pull>,
            shown_by: ShownBy::default(),
        });
        let result = handle.apply_op1(Part {
            source: Arc::clone(&source),
            result: Mutex::new(Some(stored)),
        })?;
        register(&result, &source);
        Ok(result)
    }

    /// The result as operand of a backward.
    fn kept_result(self: &Arc<Self>, handle: &Tensor) -> CandleResult<Option<Tensor>> {
        let Some(result) = self.node.result.get() else {
            return Ok(None);
        };
        if !mode::creates_graph() {
            return Ok(Some(result.clone()));
        }
        let (storage, _) = result.storage_and_layout();
        let Storage::Cpu(storage) = &*storage else {
            return Ok(None);
        };
        let stored = (storage.clone(), result.shape().clone());
        let copy = self.part(handle, 0, stored)?;
        trace::copied(result, &copy);
        Ok(Some(copy))
    }
}

impl<O: MultiOp> Pull for Body<O> {
    fn pull_back(self: Arc<Self>, handle: &Tensor) -> Result<()> {
        let left = mode::collect(self.node.key, self.node.num_results);
        let mut grads: Few<Option<Tensor>> = Few::with_capacity(left.len());
        for left in left {
            let grad = total(left)?;
            grads.push(grad.map(|x| x.contiguous()).transpose()?);
        }
        let wanted: Few<bool> = self.links.iter().map(Link::is_wanted).collect();
        let matters = grads.iter().any(Option::is_some) && wanted.contains(&true);
        let gradients = if matters {
            match self.kept_result(handle)? {
                None => self.op.backward(&self.args, &grads, &wanted)?,
                Some(result) => {
                    let mut args = self.args.clone();
                    args.push(result);
                    self.op.backward(&args, &grads, &wanted)?
                }
            }
        } else {
            vec![None; self.args.len()]
        };
        for ((link, arg), grad) in self.links.iter().zip(&self.args).zip(gradients) {
            link.leave(arg, grad.map(found))?;
        }
        Ok(())
    }

    fn visit_sources(&self, visit: &mut dyn FnMut(&Arc<Source>)) {
        for link in &self.links {
            if let Link::Result(source) = link {
                visit(source);
            }
        }
    }
}

/// An operation on candle's tape.
struct Recorded<O>(Arc<Body<O>>);

impl<O: MultiOp> Recorded<O> {
    fn forward(&self) -> Stored {
        handle_value(self.0.dtype)
    }

    fn backward(&self, handle: &Tensor) -> CandleResult<Delivered> {
        let body = Arc::clone(&self.0);
        body.pull_back(handle).map_err(CandleError::wrap)?;
        self.0.delivery.gradients()
    }
}

custom_ops!(Recorded<O>, [<O: MultiOp>], O::NAME);
