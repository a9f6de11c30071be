//! What a step of training computes.

use candle_core::Tensor;
use e3x::autograd::{self, CreateGraph};
use e3x::ops::linear_combination;
use e3x::optim::mean_squared_error;

use crate::batch::Batch;
use crate::error::Result;
use crate::model::MessagePassingPotential;

/// The loss, energies and forces, and the gradients of the loss with respect to `variables`.
pub(super) fn outputs(
    model: &MessagePassingPotential,
    batch: &Batch,
    [target_energy, target_forces]: [&Tensor; 2],
    forces_weight: f64,
    variables: &[&Tensor],
) -> Result<Vec<Tensor>> {
    let (energy, forces) = model.energy_and_forces(batch, CreateGraph::Yes)?;
    let losses = [
        mean_squared_error(&energy, target_energy)?,
        mean_squared_error(&forces, target_forces)?,
    ];
    let loss = linear_combination(&[1.0, forces_weight], &losses.each_ref())?;
    let grads = autograd::grad(&loss, variables, CreateGraph::No)?;
    let values = [loss, energy, forces].map(|x| x.detach());
    Ok(values.into_iter().chain(grads).collect())
}
