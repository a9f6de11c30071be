//! From an operand to what it is a result of.

use std::sync::Arc;

use candle_core::{Tensor, TensorId};

use super::sources::{Place, Source, is_requested, view_as};
use crate::Result;
use crate::autograd::mode;

/// Where the gradient of an operand goes.
pub(super) enum Link {
    /// Nowhere.
    Constant,
    /// To candle.
    Direct {
        place: Place,
        /// The operand, if it is a variable.
        variable: Option<[TensorId; 1]>,
    },
    /// To the operation that the operand is a result of.
    Result(Arc<Source>),
}

impl Link {
    /// The variables that the operand depends on, if they are few and known.
    pub fn variables(&self) -> Option<&[TensorId]> {
        match self {
            Self::Constant => Some(&[]),
            Self::Direct { variable, .. } => variable.as_ref().map(<[_; 1]>::as_slice),
            Self::Result(source) => source.variables.as_deref(),
        }
    }

    /// Whether candle has no part in how the operand depends on variables.
    pub fn is_own(&self) -> bool {
        match self {
            Self::Constant => true,
            Self::Direct { variable, .. } => variable.is_some(),
            Self::Result(source) => source.is_own,
        }
    }

    /// Whether the gradient of the operand is used by anybody.
    pub fn is_wanted(&self) -> bool {
        !matches!(self, Self::Constant) && is_requested(self.variables())
    }

    /// Hands over the gradient of `arg`.
    pub fn leave(&self, arg: &Tensor, grad: Option<Tensor>) -> Result<()> {
        match (self, grad) {
            (Self::Result(source), Some(grad)) => {
                mode::leave(source.place, view_as(&grad, &source.shape)?);
            }
            (Self::Direct { place, variable }, Some(grad)) => {
                let grad = match variable {
                    Some(_) => mode::find(arg, view_as(&grad, arg.shape())?),
                    None => Some(grad),
                };
                if let Some(grad) = grad {
                    mode::leave(*place, grad);
                }
            }
            // The tape insists on a gradient of everything that it tracks, variables excepted.
            (
                Self::Direct {
                    place,
                    variable: None,
                },
                None,
            ) => mode::leave(*place, arg.zeros_like()?.detach()),
            _ => {}
        }
        Ok(())
    }
}
