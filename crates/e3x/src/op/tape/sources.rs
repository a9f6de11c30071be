//! Which operation a tensor is a result of.
//!
//! candle does not tell, so results are looked up by their identity. An entry lives as long as its
//! tensor.

use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use candle_core::{DType, Shape, Tensor, TensorId};
use smallvec::SmallVec;

use super::Few;
use super::ids::IdMap;
use super::link::Link;
use super::walk::Pull;
use crate::Result;
use crate::autograd::mode;
use crate::op::copy::copy;

/// Where a gradient is left for an operation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub key: u64,
    pub index: usize,
}

/// A result of an operation on the tape.
pub(super) struct Source {
    /// The handle of the operation.
    pub handle: Tensor,
    pub place: Place,
    pub shape: Shape,
    /// The variables that it depends on, if they are few and known.
    pub variables: Option<Arc<[TensorId]>>,
    /// Whether it depends on variables by operations of this crate alone.
    pub is_own: bool,
    /// The operation.
    pub pull: Arc<dyn Pull>,
    pub shown_by: ShownBy,
}

/// The tensors that show a result: itself and views of it.
pub(super) type ShownBy = Mutex<SmallVec<[TensorId; 2]>>;

impl Source {
    /// Whether the gradient of the result is used by anybody.
    pub fn is_wanted(&self) -> bool {
        is_requested(self.variables.as_deref())
    }
}

/// Whether the gradient of any of some variables is wanted; `None`: of any variable.
pub(super) fn is_requested(variables: Option<&[TensorId]>) -> bool {
    variables.is_none_or(|ids| ids.iter().any(|&id| mode::requests(id)))
}

/// Longest list of variables that is kept.
const FEW: usize = 16;

type Table = IdMap<TensorId, Arc<Source>>;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn table() -> MutexGuard<'static, Table> {
    static TABLE: LazyLock<Mutex<Table>> = LazyLock::new(Mutex::default);
    lock(&TABLE)
}

/// The operation behind a tensor, if it is one of this crate's.
pub(super) fn source(x: &Tensor) -> Option<Arc<Source>> {
    table().get(&x.id()).cloned()
}

/// The operations behind some tensors.
pub(super) fn sources(tensors: &[Tensor]) -> Few<Option<Arc<Source>>> {
    let table = table();
    let source = |x: &Tensor| {
        let known = x.track_op().then(|| table.get(&x.id()));
        known.flatten().cloned()
    };
    tensors.iter().map(source).collect()
}

/// Remembers where a tensor that shows a result comes from.
pub(super) fn register(x: &Tensor, source: &Arc<Source>) {
    lock(&source.shown_by).push(x.id());
    table().insert(x.id(), Arc::clone(source));
}

/// Forgets the tensors that show a result.
pub(super) fn forget(source: &Source) {
    let ids = std::mem::take(&mut *lock(&source.shown_by));
    let removed: SmallVec<[_; 2]> = {
        let mut table = table();
        ids.iter().map(|id| table.remove(id)).collect()
    };
    // The last handle of an operation takes its operands with it, which are looked up themselves.
    drop(removed);
}

/// `x` in another shape with as many elements, so that gradients still go straight to its operation.
pub(crate) fn view(x: &Tensor, shape: impl Into<Shape>) -> Result<Tensor> {
    let shape = shape.into();
    if x.shape() == &shape {
        return Ok(x.clone());
    }
    if x.is_variable()
        && matches!(x.dtype(), DType::F32 | DType::F64)
        && shape.elem_count() == x.elem_count()
    {
        // candle would have a part in it.
        return copy(x, shape);
    }
    let y = x.reshape(shape)?;
    if y.track_op()
        && let Some(source) = source(x)
    {
        register(&y, &source);
    }
    Ok(y)
}

/// [`view`] in a shape that `x` mostly has already.
pub(crate) fn view_as(x: &Tensor, shape: &Shape) -> Result<Tensor> {
    if x.shape() == shape {
        return Ok(x.clone());
    }
    view(x, shape.clone())
}

/// The variables that any of the operands depends on, if they are few and known.
pub(super) fn union(links: &[Link]) -> Option<Arc<[TensorId]>> {
    let mut all: SmallVec<[TensorId; FEW]> = SmallVec::new();
    for link in links {
        for id in link.variables()? {
            if !all.contains(id) {
                if all.len() == FEW {
                    return None;
                }
                all.push(*id);
            }
        }
    }
    // Mostly one operand depends on all of them.
    let of_one = links.iter().find_map(|link| match link {
        Link::Result(source) => source.variables.as_ref().filter(|x| x.len() == all.len()),
        _ => None,
    });
    Some(of_one.map_or_else(|| all.as_slice().into(), Arc::clone))
}
