"""The reference's side of the message-passing model: ethanol in batches, and large periodic systems.

The model, the loss and the training step are those of ethanol/reference.py.
"""

import functools
import pathlib
import sys

import ase.io
import jax
import jax.numpy as jnp
import numpy as np
import optax
from scipy.spatial import cKDTree

HERE = pathlib.Path(__file__).resolve().parent
sys.path.append(str(HERE / 'ethanol'))

import reference
from reference_layers import Measure, Problem, nest, parameter_shapes, random_params


def potential(args):
  return reference.Potential(
      args['features'], args['max_degree'], args['num_iterations'], args['num_basis'], args['cutoff']
  )


def draw_params(model, rng, **system):
  """Random parameters, for one system."""
  init = functools.partial(model.init, jax.random.PRNGKey(0), num_molecules=1)
  return random_params(parameter_shapes(jax.eval_shape(lambda system: init(**system), system)), rng)


def ethanol(args, rng):
  """Frames of the ethanol data set: inference of one and of all, and a step of training on all."""
  batch = args['batch']
  frames = ase.io.read(HERE.parent / 'data' / 'ethanol_gfn2.extxyz', index=f':{batch}')
  unit = reference.KCAL_PER_MOL_IN_EV
  energy = np.array([frame.get_potential_energy() for frame in frames]) * unit
  positions = np.array([frame.positions for frame in frames])
  forces = np.array([frame.get_forces() for frame in frames]) * unit
  species = frames[0].numbers.astype(np.int32)

  model = potential(args)
  graphs = {size: reference.batch_graph(species, size) for size in (1, batch)}
  arrays = draw_params(model, rng, positions=positions[0].astype(np.float32), **graphs[1])
  params = nest({path: jnp.asarray(x) for path, x in arrays.items()})
  inputs = dict(species=species, positions=positions, energy=energy - energy.mean(), forces=forces)
  flat = lambda x: jnp.asarray(x.reshape(-1, 3), jnp.float32)

  def inference(size):
    predict = jax.jit(reference.predictor(model, graphs[size], size))
    x = flat(positions[:size])
    return Measure(lambda: dict(zip(('energy', 'forces'), predict(params, x))))

  def training():
    optimizer = optax.adam(args['learning_rate'])
    step = jax.jit(reference.training_step(reference.predictor(model, graphs[batch], batch), optimizer, 1.0))
    example = (jnp.asarray(inputs['energy'], jnp.float32), flat(forces), flat(positions))
    state = [params, optimizer.init(params)]

    def call():
      *state[:], errors = step(*state, *example)
      return dict(loss=errors[:1])

    # Losses after steps depend on all gradients.
    check = lambda first: dict(loss=np.concatenate([first['loss'], *(call()['loss'] for _ in range(2))]))
    return Measure(call, check)

  return Problem(
      inputs,
      arrays,
      dict(single=lambda: inference(1), batch=lambda: inference(batch), step=training),
  )


def periodic_system(args, rng):
  """Carbon, hydrogen and oxygen on a disturbed cubic lattice, with on average `neighbors` atoms within the cutoff."""
  atoms, cutoff = args['atoms'], args['cutoff']
  sides = {1_000: (10, 10, 10), 10_000: (20, 20, 25)}[atoms]
  density = args['neighbors'] / (4 / 3 * np.pi * cutoff**3)
  spacing = density ** (-1 / 3)
  box = spacing * np.array(sides)
  lattice = np.stack(np.meshgrid(*map(np.arange, sides), indexing='ij'), -1).reshape(-1, 3)
  positions = (spacing * (lattice + rng.uniform(-0.2, 0.2, (atoms, 3)))) % box
  pairs = cKDTree(positions, boxsize=box).query_pairs(cutoff, output_type='ndarray')
  pairs = np.concatenate([pairs, pairs[:, ::-1]])
  dst, src = pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))].T
  direct = positions[src] - positions[dst]
  return dict(
      species=rng.choice(np.array([1, 6, 8], np.int32), atoms),
      positions=positions.astype(np.float32),
      dst_idx=dst.astype(np.int32),
      src_idx=src.astype(np.int32),
      offsets=(-box * np.round(direct / box)).astype(np.float32),
  )


def atoms(args, rng):
  """Energy and forces of one large periodic system."""
  model = potential(args)
  inputs = periodic_system(args, rng)
  system = dict(inputs, segments=np.zeros(args['atoms'], np.int32))
  arrays = draw_params(model, rng, **system)

  def measure():
    params = nest({path: jnp.asarray(x) for path, x in arrays.items()})
    operands = {name: jnp.asarray(x) for name, x in system.items()}
    predict = jax.jit(lambda params, operands: model.apply(params, num_molecules=1, **operands))
    return Measure(lambda: dict(zip(('energy', 'forces'), predict(params, operands))))

  return Problem(inputs, arrays, dict(energy_and_forces=measure))


KINDS = dict(ethanol=ethanol, atoms=atoms)
