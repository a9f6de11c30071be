"""The Python side of the interchange test (crates/e3x-atoms/tests/interchange.rs).

    python roundtrip.py train FOLDER       # trains a few steps, writes parameters.safetensors and data.safetensors
    python roundtrip.py predict FOLDER     # reads trained_on.safetensors, writes predictions.safetensors
"""

import pathlib
import sys

import jax

if not hasattr(jax.core, 'as_named_shape'):  # e3x 1.0.2 asks for it, later versions of JAX do not have it.
  jax.core.as_named_shape = lambda shape: shape

import jax.numpy as jnp
import numpy as np
import optax
import safetensors.numpy

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / 'conformance'))
import flax_safetensors
import models

# The test in Rust has the same numbers.
MODEL = models.MD17(
    features=6, max_degree=1, num_iterations=2, num_basis_functions=5, cutoff=5.0, max_atomic_number=9
)
NUM_MOLECULES, NUM_ATOMS, NUM_STEPS = 3, 4, 5


def make_data():
  rng = np.random.default_rng(0)
  atoms = NUM_MOLECULES * NUM_ATOMS
  segments = np.repeat(np.arange(NUM_MOLECULES), NUM_ATOMS)
  pairs = [(i, j) for i in range(atoms) for j in range(atoms) if i != j and segments[i] == segments[j]]
  dst_idx, src_idx = np.array(pairs).T
  return dict(
      atomic_numbers=rng.integers(1, 10, atoms),
      positions=rng.normal(size=(atoms, 3)) * 1.5,
      dst_idx=dst_idx.copy(),
      src_idx=src_idx.copy(),
      batch_segments=segments,
  ), dict(energy_target=rng.normal(size=NUM_MOLECULES), forces_target=rng.normal(size=(atoms, 3)))


@jax.jit
def predict(variables, inputs):
  return MODEL.apply(variables, **inputs, batch_size=NUM_MOLECULES)


def main(action, folder):
  inputs, targets = make_data()
  # Fresh parameters are f32, and then so must be everything else.
  variables = jax.jit(lambda: MODEL.init(jax.random.PRNGKey(0), **inputs, batch_size=NUM_MOLECULES))()
  jax.config.update('jax_enable_x64', True)
  variables = jax.tree.map(lambda x: jnp.asarray(x, jnp.float64), variables)
  if action == 'predict':
    variables = flax_safetensors.load(folder / 'trained_on.safetensors', like=variables)
    energy, forces = predict(variables, inputs)
    predictions = dict(energy=np.asarray(energy), forces=np.asarray(forces))
    safetensors.numpy.save_file(predictions, folder / 'predictions.safetensors')
    return

  def loss(variables):
    energy, forces = MODEL.apply(variables, **inputs, batch_size=NUM_MOLECULES)
    return models.md17_loss(energy, targets['energy_target'], forces, targets['forces_target'], 1.0)

  optimiser = optax.adam(0.02)
  state = optimiser.init(variables)
  gradient = jax.jit(jax.grad(loss))
  for _ in range(NUM_STEPS):
    updates, state = optimiser.update(gradient(variables), state)
    variables = optax.apply_updates(variables, updates)
  energy, forces = predict(variables, inputs)
  flax_safetensors.save(variables, folder / 'parameters.safetensors')
  data = dict(energy=np.asarray(energy), forces=np.ascontiguousarray(forces), **inputs, **targets)
  safetensors.numpy.save_file(data, folder / 'data.safetensors')


if __name__ == '__main__':
  main(sys.argv[1], pathlib.Path(sys.argv[2]))
