#!/usr/bin/env python3
"""Trains the MD17 tutorial model of the Python library E3x on data/ethanol_gfn2.extxyz.

This is the yardstick for the Rust program `examples/ethanol`: same model, same
data, same loss, same optimiser, but computed by E3x 1.0.2 on JAX.  It reports
errors on frames 1001-2000 (a trajectory the training never saw) and timings.

Files written into the folder --out:

    metrics.csv           one row per epoch (outside units: meV, meV/A)
    result.json           settings, split, timings, per-epoch metrics, test errors
    initial.safetensors   parameters before the first step   (with --save-params)
    final.safetensors     parameters after the last step     (with --save-params)
    best.safetensors      parameters at the lowest validation loss (same option)
    order.json            frames of training and validation, and of each epoch (same option; --order reads it)

Tensors carry Flax's names joined by '/', e.g. `MessagePass_0/filter/0+/kernel`.
The last line on standard output is the content of result.json without the
per-epoch metrics and the split.
"""

import argparse
import csv
import functools
import importlib.metadata
import json
import os
import pathlib
import platform
import sys
import time

os.environ.setdefault('JAX_PLATFORMS', 'cpu')

import ase.io
import jax
import jax.numpy as jnp
import numpy as np

if not hasattr(jax.core, 'as_named_shape'):
  # The initialisers of e3x 1.0.2 call a function that newer JAX has removed.
  jax.core.as_named_shape = lambda shape: shape

import e3x
import flax
import flax.linen as nn
import optax
import safetensors.numpy

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
KCAL_PER_MOL_IN_EV = 23.060548012069493  # 1 eV in kcal/mol (CODATA 2014, from ASE).
UNIT = {'eV': 1.0, 'kcal/mol': KCAL_PER_MOL_IN_EV}  # Inside units per eV.


# --- Model -------------------------------------------------------------------


class Potential(nn.Module):
  """Message-passing potential; returns energies per molecule and forces.

  Submodules are unnamed on purpose: Flax then numbers them, which gives the
  parameter names that the Rust program reads and writes.
  """

  features: int
  max_degree: int
  iterations: int
  basis: int
  cutoff: float
  max_atomic_number: int = 118

  @nn.compact
  def __call__(self, species, positions, dst_idx, src_idx, segments, num_molecules, offsets=0.0):
    def total_energy(positions):
      energies = self.energies(species, positions, dst_idx, src_idx, segments, num_molecules, offsets)
      # Molecules do not interact, so one backward pass through the sum yields
      # every molecule's gradient.
      return jnp.sum(energies), energies

    (_, energies), gradient = jax.value_and_grad(total_energy, has_aux=True)(positions)
    return energies, -gradient

  def energies(self, species, positions, dst_idx, src_idx, segments, num_molecules, offsets):
    num_elements = self.max_atomic_number + 1
    vectors = e3x.ops.gather_src(positions, src_idx=src_idx) - e3x.ops.gather_dst(positions, dst_idx=dst_idx)
    vectors += offsets  # Of periodic images.
    edges = e3x.nn.basis(
        vectors,
        num=self.basis,
        max_degree=self.max_degree,
        radial_fn=e3x.nn.reciprocal_bernstein,
        cutoff_fn=functools.partial(e3x.nn.smooth_cutoff, cutoff=self.cutoff),
    )
    x = e3x.nn.Embed(num_embeddings=num_elements, features=self.features)(species)
    for iteration in range(1, self.iterations + 1):
      if iteration < self.iterations:
        message_passing = e3x.nn.MessagePass()
      else:  # Only scalars are read out, so the last message needs no more.
        message_passing = e3x.nn.MessagePass(max_degree=0, include_pseudotensors=False)
      message = message_passing(x, edges, dst_idx=dst_idx, src_idx=src_idx)
      if iteration == self.iterations:
        x = e3x.nn.change_max_degree_or_type(x, max_degree=0, include_pseudotensors=False)
      y = e3x.nn.add(x, message)
      y = e3x.nn.silu(e3x.nn.Dense(self.features)(y))
      y = e3x.nn.Dense(self.features, kernel_init=nn.initializers.zeros)(y)
      x = e3x.nn.add(x, y)
    element_bias = self.param('element_bias', nn.initializers.zeros, (num_elements,))
    readout = nn.Dense(1, use_bias=False, kernel_init=nn.initializers.zeros)(x)
    atomic = readout.reshape(-1) + element_bias[species]
    return jax.ops.segment_sum(atomic, segment_ids=segments, num_segments=num_molecules)


# --- Data --------------------------------------------------------------------


def load(path):
  """Energies (eV), forces (eV/A), positions (A) in f64 and the common species."""
  frames = ase.io.read(path, index=':')
  species = frames[0].numbers
  if any(not np.array_equal(frame.numbers, species) for frame in frames):
    raise SystemExit(f'{path}: the frames do not all hold the same atoms in the same order')
  return dict(
      energy=np.array([frame.get_potential_energy() for frame in frames]),
      forces=np.array([frame.get_forces() for frame in frames]),
      positions=np.array([frame.positions for frame in frames]),
  ), np.asarray(species)


def select(data, index, mean_energy, unit):
  """A subset in inside units, the mean energy taken off before rounding to f32."""
  return dict(
      energy=((data['energy'][index] - mean_energy) * unit).astype(np.float32),
      forces=(data['forces'][index] * unit).astype(np.float32),
      positions=data['positions'][index].astype(np.float32),
  )


def batch_graph(species, batch):
  """Index lists of `batch` copies of the molecule, all ordered pairs in each."""
  atoms = len(species)
  dst_idx, src_idx = (np.asarray(index) for index in e3x.ops.sparse_pairwise_indices(atoms))
  first_atom = atoms * np.arange(batch)[:, None]
  return dict(
      species=jnp.asarray(np.tile(species, batch)),
      dst_idx=jnp.asarray((dst_idx + first_atom).ravel()),
      src_idx=jnp.asarray((src_idx + first_atom).ravel()),
      segments=jnp.asarray(np.repeat(np.arange(batch), atoms)),
  )


def take_batch(data, index):
  return (
      data['energy'][index],
      data['forces'][index].reshape(-1, 3),
      data['positions'][index].reshape(-1, 3),
  )


# --- Training ----------------------------------------------------------------


def predictor(model, graph, num_molecules):
  """Energies and forces as a function of parameters and positions."""

  def predict(params, positions):
    return model.apply(params, positions=positions, num_molecules=num_molecules, **graph)

  return predict


def training_step(predict, optimizer, forces_weight):
  """A step of the optimiser, which returns parameters, state and [loss, MAE of energies, MAE of forces]."""

  def loss_and_errors(params, energy, forces, positions):
    predicted_energy, predicted_forces = predict(params, positions)
    energy_error, forces_error = predicted_energy - energy, predicted_forces - forces
    loss = jnp.mean(energy_error**2) + forces_weight * jnp.mean(forces_error**2)
    return loss, (energy_error, forces_error)

  def train_step(params, state, energy, forces, positions):
    (loss, (energy_error, forces_error)), grad = jax.value_and_grad(loss_and_errors, has_aux=True)(
        params, energy, forces, positions
    )
    updates, state = optimizer.update(grad, state, params)
    errors = jnp.stack([loss, jnp.mean(jnp.abs(energy_error)), jnp.mean(jnp.abs(forces_error))])
    return optax.apply_updates(params, updates), state, errors

  return train_step


def arguments():
  parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
  add = parser.add_argument
  add('--data', type=pathlib.Path, default=REPOSITORY / 'data' / 'ethanol_gfn2.extxyz')
  add('--out', type=pathlib.Path, default=None, help='folder for results (nothing is written without it)')
  add('--pool', type=int, default=1000, help='training and validation come from the first POOL frames, the rest is the test set')
  add('--train', type=int, default=900)
  add('--valid', type=int, default=100)
  add('--epochs', type=int, default=100)
  add('--batch', type=int, default=10)
  add('--features', type=int, default=32)
  add('--max-degree', type=int, default=2)
  add('--iterations', type=int, default=3)
  add('--basis', type=int, default=16)
  add('--cutoff', type=float, default=5.0, help='in A')
  add('--lr', type=float, default=0.04, help='after the warm-up')
  add('--schedule', choices=('cosine', 'constant'), default='cosine', help='cosine: from --lr to 0 over all steps')
  add('--warmup', type=int, default=None,
      help='steps at the start in which the rate grows linearly from zero (default: a tenth of all steps, at least 900, at most half)')
  add('--clip-norm', type=float, default=1.0, help='largest norm of the gradient of all parameters; longer ones are shortened; 0: no limit')
  add('--energy-unit', choices=tuple(UNIT), default='kcal/mol', help='unit inside the model and the loss')
  add('--forces-weight', type=float, default=1.0, help='weight of MSE(forces) against MSE(energy), in inside units')
  add('--seed', type=int, default=0, help='of the split, the initial parameters and the shuffles')
  add('--order', type=pathlib.Path, default=None,
      help='take split and order of the epochs from this file (the Rust program writes one with --starts-only)')
  add('--starts-only', action='store_true', help='stop after writing initial.safetensors and order.json')
  add('--save-params', action='store_true', help='also write safetensors files')
  return parser.parse_args()


def draw_order(args):
  """Frames of training and validation, and the training frames in the order of each epoch."""
  if args.order:
    frames = json.loads(args.order.read_text())
    if (len(frames['train']), len(frames['valid'])) != (args.train, args.valid) or len(frames['epochs']) < args.epochs:
      raise SystemExit(f'{args.order}: not {args.train} + {args.valid} frames for {args.epochs} epochs')
    return tuple(np.asarray(frames[part]) for part in ('train', 'valid', 'epochs'))
  split_rng, shuffle_rng = (np.random.default_rng([args.seed, stream]) for stream in (0, 1))
  drawn = split_rng.permutation(args.pool)[: args.train + args.valid]
  train, valid = drawn[: args.train], drawn[args.train :]
  return train, valid, np.stack([train[shuffle_rng.permutation(args.train)] for _ in range(args.epochs)])


def learning_rate(args, total_steps):
  """Warm-up from zero, then the schedule over the remaining steps."""
  warmup = min(max(total_steps // 10, 900), total_steps // 2) if args.warmup is None else args.warmup
  if args.schedule == 'cosine':
    after = optax.cosine_decay_schedule(args.lr, max(1, total_steps - warmup))
  else:
    after = optax.constant_schedule(args.lr)
  if not warmup:
    return after
  return optax.join_schedules([optax.linear_schedule(0.0, args.lr, warmup), after], [warmup])


def save_params(path, params):
  flat = flax.traverse_util.flatten_dict(params['params'], sep='/')
  safetensors.numpy.save_file({name: np.ascontiguousarray(value) for name, value in flat.items()}, path)


def main():
  start = time.perf_counter()
  args = arguments()
  unit = UNIT[args.energy_unit]
  milli = 1000.0 / unit  # From inside units to meV and meV/A.
  if args.starts_only and not args.out:
    raise SystemExit('--starts-only needs --out')
  if args.out:
    args.out.mkdir(parents=True, exist_ok=True)

  data, species = load(args.data)
  if args.train + args.valid > args.pool or args.pool >= len(data['energy']):
    raise SystemExit('need train + valid <= pool < number of frames')
  train_idx, valid_idx, epochs = draw_order(args)
  test_idx = np.arange(args.pool, len(data['energy']))
  mean_energy = data['energy'][train_idx].mean()
  train, valid, test = (select(data, index, mean_energy, unit) for index in (train_idx, valid_idx, test_idx))

  model = Potential(args.features, args.max_degree, args.iterations, args.basis, args.cutoff)
  graph = batch_graph(species, args.batch)

  predict = predictor(model, graph, args.batch)

  steps_per_epoch = args.train // args.batch
  total_steps = max(1, steps_per_epoch * args.epochs)
  schedule = learning_rate(args, total_steps)
  optimizer = optax.adam(schedule)
  if args.clip_norm:
    optimizer = optax.chain(optax.clip_by_global_norm(args.clip_norm), optimizer)

  train_step = training_step(predict, optimizer, args.forces_weight)

  params = jax.jit(functools.partial(model.init, num_molecules=args.batch))(
      jax.random.PRNGKey(args.seed), positions=take_batch(train, np.arange(args.batch))[2], **graph
  )
  state = optimizer.init(params)
  num_params = sum(leaf.size for leaf in jax.tree_util.tree_leaves(params))
  position = {frame: i for i, frame in enumerate(train_idx)}
  orders = [np.array([position[frame] for frame in epoch]) for epoch in epochs]
  num_used = steps_per_epoch * args.batch
  if args.out and (args.save_params or args.starts_only):
    save_params(args.out / 'initial.safetensors', params)
    frames = dict(train=train_idx.tolist(), valid=valid_idx.tolist(), epochs=epochs.tolist())
    (args.out / 'order.json').write_text(json.dumps(frames) + '\n')
  if args.starts_only:
    return

  example = take_batch(train, np.arange(args.batch))
  setup_s = time.perf_counter() - start
  start = time.perf_counter()
  train_step = jax.jit(train_step).lower(params, state, *example).compile()
  compile_train_s = time.perf_counter() - start
  start = time.perf_counter()
  evaluate_batch = jax.jit(predict).lower(params, example[2]).compile()
  compile_eval_s = time.perf_counter() - start

  timings = dict(setup_s=setup_s, compile_train_step_s=compile_train_s, compile_evaluation_s=compile_eval_s)
  settings = {key: value for key, value in vars(args).items() if key not in ('data', 'out', 'order', 'save_params')}
  settings['order'] = str(args.order) if args.order else None
  report = dict(
      settings=settings,
      num_params=num_params,
      mean_energy_eV=mean_energy,
      versions=dict(
          python=platform.python_version(),
          **{name: importlib.metadata.version(name) for name in ('e3x', 'jax', 'jaxlib', 'flax', 'optax', 'numpy', 'ase')},
      ),
      threads=len(os.sched_getaffinity(0)),
  )

  def evaluate(params, subset):
    """Errors in meV and meV/A over a whole subset, and its loss in inside units."""
    count = len(subset['energy'])
    energy_errors, forces_errors = [], []
    for first in range(0, count, args.batch):
      # The last batch is filled up with copies that are cut off again.
      index = np.arange(first, first + args.batch) % count
      energy, forces, positions = take_batch(subset, index)
      predicted_energy, predicted_forces = evaluate_batch(params, positions)
      keep = min(args.batch, count - first)
      energy_errors.append((np.asarray(predicted_energy, np.float64) - energy)[:keep])
      forces_errors.append((np.asarray(predicted_forces, np.float64) - forces)[: keep * len(species)])
    energy_error, forces_error = np.concatenate(energy_errors), np.concatenate(forces_errors)
    return dict(
        loss=float(np.mean(energy_error**2) + args.forces_weight * np.mean(forces_error**2)),
        energy_mae_meV=float(np.mean(np.abs(energy_error)) * milli),
        energy_rmse_meV=float(np.sqrt(np.mean(energy_error**2)) * milli),
        forces_mae_meV_A=float(np.mean(np.abs(forces_error)) * milli),
        forces_rmse_meV_A=float(np.sqrt(np.mean(forces_error**2)) * milli),
    )

  print(f'{num_params} parameters, compiled in {compile_train_s:.1f} s + {compile_eval_s:.1f} s', flush=True)
  history, best, best_params = [], None, params
  train_seconds = []
  csv_file = open(args.out / 'metrics.csv', 'w', newline='') if args.out else None
  writer = None
  for epoch in range(1, args.epochs + 1):
    start = time.perf_counter()
    order = orders[epoch - 1][:num_used].reshape(steps_per_epoch, args.batch)
    errors = []
    for index in order:
      params, state, batch_errors = train_step(params, state, *take_batch(train, index))
      errors.append(batch_errors)
    loss, energy_mae, forces_mae = np.mean(np.asarray(errors, np.float64), axis=0)
    seconds = time.perf_counter() - start
    train_seconds.append(seconds)
    validation = evaluate(params, valid)
    row = dict(
        epoch=epoch,
        lr=float(schedule((epoch - 1) * steps_per_epoch)),
        train_loss=float(loss),
        train_energy_mae_meV=float(energy_mae * milli),
        train_forces_mae_meV_A=float(forces_mae * milli),
        **{'valid_' + key: value for key, value in validation.items()},
        seconds=seconds,
    )
    history.append(row)
    if csv_file:
      if writer is None:
        writer = csv.DictWriter(csv_file, row.keys())
        writer.writeheader()
      writer.writerow({key: value if isinstance(value, int) else f'{value:.6g}' for key, value in row.items()})
      csv_file.flush()
    print(
        f'epoch {epoch:3d}  train {row["train_energy_mae_meV"]:8.1f} meV {row["train_forces_mae_meV_A"]:8.1f} meV/A'
        f'  valid {row["valid_energy_mae_meV"]:8.1f} meV {row["valid_forces_mae_meV_A"]:8.1f} meV/A  {seconds:6.1f} s',
        flush=True,
    )
    if not np.isfinite(loss):
      print('the loss is not finite, stopping', file=sys.stderr)
      break
    if best is None or validation['loss'] < best['loss']:
      best, best_params = validation | dict(epoch=epoch), params

  timings |= dict(
      train_total_s=sum(train_seconds),
      epoch_median_s=float(np.median(train_seconds)),
      step_median_ms=float(1000 * np.median(train_seconds) / steps_per_epoch),
  )
  report |= dict(
      epochs_done=len(history),
      timings=timings,
      final=dict(valid=evaluate(params, valid), test=evaluate(params, test)),
      best=dict(epoch=best['epoch'] if best else 0, valid=evaluate(best_params, valid), test=evaluate(best_params, test)),
  )
  if args.out:
    if args.save_params:
      save_params(args.out / 'final.safetensors', params)
      save_params(args.out / 'best.safetensors', best_params)
    split = dict(train=train_idx.tolist(), valid=valid_idx.tolist())
    (args.out / 'result.json').write_text(json.dumps(report | dict(split=split, history=history), indent=1) + '\n')
  print(json.dumps(report))


if __name__ == '__main__':
  main()
