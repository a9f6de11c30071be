//! What training makes small.

use candle_core::Tensor;

use crate::error::check_same_dtype;
use crate::op::combine::{difference, scale};
use crate::op::product::dot_rows;
use crate::op::tape::view;
use crate::{Error, Result};

/// The mean of `(predictions - targets)^2` over all elements, a scalar; the mean of optax's `squared_error`.
///
/// # Shapes
/// `targets` has the shape and dtype of `predictions`.
///
/// ```
/// use candle_core::{Device, Tensor};
/// let x = Tensor::new(&[1.0f64, 2.0], &Device::Cpu)?;
/// let y = Tensor::new(&[1.0f64, 5.0], &Device::Cpu)?;
/// assert_eq!(e3x::optim::mean_squared_error(&x, &y)?.to_scalar::<f64>()?, 4.5);
/// # Ok::<(), e3x::Error>(())
/// ```
///
/// # Errors
/// If the tensors differ in shape or dtype, or have no elements.
pub fn mean_squared_error(predictions: &Tensor, targets: &Tensor) -> Result<Tensor> {
    check_same_dtype("targets", targets, "predictions", predictions)?;
    let num = predictions.elem_count();
    if predictions.shape() != targets.shape() || num == 0 {
        let expected = format!(
            "elements, in the shape of predictions, {:?}",
            predictions.dims()
        );
        let received = format!("shape {:?}", targets.dims());
        return Err(Error::argument("targets", expected, received));
    }
    let errors = view(&difference(predictions, targets)?, (1, num))?;
    view(&scale(1.0 / num as f64, &dot_rows(&errors, &errors)?)?, ())
}
