"""Writes variants_*.safetensors: E3x's MD17 model with attention and with fused tensors, for tests/model_variants.rs.

    python variants.py        # in this folder; needs the packages of interchange/requirements.txt

A file holds molecules, energies, forces, and under `param/` the (random) parameters.
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[4] / 'interchange'))

import e3x
import flax_safetensors
import jax
import jax.numpy as jnp
import numpy as np
import roundtrip
import safetensors.numpy

VARIANTS = {'fused': (None, True), 'attention': (2, False), 'both': (3, True)}  # Heads, fused tensors.

MessagePass, basis = e3x.nn.MessagePass, e3x.nn.basis
cutoff_value = None


def basis_and_cutoff(*args, **kwargs):
  """Keeps the values of the cutoff function, which the model of the tutorial does not need."""
  global cutoff_value
  result, cutoff_value = basis(*args, **kwargs, return_cutoff=True)
  return result


def layer(num_heads, use_fused_tensor):
  """What the model gets in place of `MessagePass`."""

  def make(**kwargs):
    kwargs['use_fused_tensor'] = use_fused_tensor
    if num_heads is None:
      return MessagePass(**kwargs)
    attention = e3x.nn.SelfAttention(num_heads=num_heads, **kwargs)
    return lambda x, basis, **indices: attention(x, basis, cutoff_value=cutoff_value, **indices)

  return make


def main():
  e3x.nn.basis = basis_and_cutoff
  inputs, _ = roundtrip.make_data()
  for name, variant in VARIANTS.items():
    e3x.nn.MessagePass = layer(*variant)
    jax.config.update('jax_enable_x64', False)  # Fresh parameters are f32, and then so must be everything else.
    variables = roundtrip.MODEL.init(jax.random.PRNGKey(0), **inputs, batch_size=roundtrip.NUM_MOLECULES)
    jax.config.update('jax_enable_x64', True)
    rng = np.random.default_rng(1)
    noisy = lambda x: jnp.asarray(np.asarray(x, np.float64) + 0.3 * rng.normal(size=x.shape))
    variables = jax.tree.map(noisy, variables)
    energy, forces = roundtrip.MODEL.apply(variables, **inputs, batch_size=roundtrip.NUM_MOLECULES)
    tensors = {f'param/{path}': x for path, x in flax_safetensors.flatten(variables['params']).items()}
    tensors |= dict(energy=np.asarray(energy), forces=np.ascontiguousarray(forces))
    tensors |= {key: inputs[key] for key in ('atomic_numbers', 'positions', 'batch_segments')}
    safetensors.numpy.save_file(tensors, f'variants_{name}.safetensors')


if __name__ == '__main__':
  main()
