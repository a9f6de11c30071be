//! Which operation a tensor is a result of.
//!
//! candle does not tell, so results are looked up by their identity. An entry lives as long as its
//! tensor.

use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError, Weak};

use candle_core::{Shape, Tensor, TensorId};

use super::ids::IdMap;
use super::walk::Pull;
use crate::Result;
use crate::autograd::mode;

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
    pub entries: Weak<Entries>,
}

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

fn table() -> MutexGuard<'static, Table> {
    static TABLE: LazyLock<Mutex<Table>> = LazyLock::new(Mutex::default);
    TABLE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The tensors that show the same result: itself and views of it.
#[derive(Debug, Default)]
pub(super) struct Entries(Mutex<Vec<TensorId>>);

impl Entries {
    fn add(&self, id: TensorId, source: Arc<Source>) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(id);
        table().insert(id, source);
    }
}

impl Drop for Entries {
    fn drop(&mut self) {
        let ids = std::mem::take(self.0.get_mut().unwrap_or_else(PoisonError::into_inner));
        let removed: Vec<_> = {
            let mut table = table();
            ids.iter().map(|id| table.remove(id)).collect()
        };
        // The last handle of an operation takes its operands with it, which are looked up themselves.
        drop(removed);
    }
}

/// The operation behind a tensor, if it is one of this crate's.
pub(super) fn source(x: &Tensor) -> Option<Arc<Source>> {
    table().get(&x.id()).cloned()
}

/// Remembers where a result comes from, as long as `entries` are kept.
pub(super) fn register(result: &Tensor, source: Source, entries: &Entries) {
    entries.add(result.id(), Arc::new(source));
}

/// `x` in another shape with as many elements, so that gradients still go straight to its operation.
pub(crate) fn view(x: &Tensor, shape: impl Into<Shape>) -> Result<Tensor> {
    let shape = shape.into();
    if x.shape() == &shape {
        return Ok(x.clone());
    }
    let y = x.reshape(shape)?;
    if let Some(source) = source(x)
        && let Some(entries) = source.entries.upgrade()
    {
        entries.add(y.id(), source);
    }
    Ok(y)
}

/// The variables that any of the operands depends on, if they are few and known.
pub(super) fn union<'a>(
    operands: impl Iterator<Item = Option<&'a [TensorId]>>,
) -> Option<Arc<[TensorId]>> {
    let mut all: Vec<TensorId> = Vec::new();
    for ids in operands {
        for id in ids? {
            if !all.contains(id) {
                if all.len() == FEW {
                    return None;
                }
                all.push(*id);
            }
        }
    }
    Some(all.into())
}
