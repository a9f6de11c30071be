"""Writes optax_reference.json: what optax's optimisers and schedules give, for tests/optim_optax.rs.

    python optax_reference.py > optax_reference.json        # needs jax and optax; the numbers in the file are those of optax 0.2.8
"""

import json

import jax

jax.config.update('jax_enable_x64', True)

import jax.numpy as jnp
import optax

STEPS = 6
START = [0.5, -1.25, 3.0]


def gradient(step):
  """An arbitrary gradient of the right size that the test can write down too."""
  return jnp.sin(jnp.arange(3.0) * 1.7 + step) * (step + 1)


def run(optimiser, **extra):
  x = jnp.asarray(START)
  state = optimiser.init(x)
  rows = []
  for step in range(STEPS):
    updates, state = optimiser.update(gradient(step), state, x, **extra)
    x = optax.apply_updates(x, updates)
    rows.append(x.tolist())
  return rows


def average(decay):
  ema = optax.ema(decay, debias=True)
  x = jnp.asarray(START)
  state = ema.init(x)
  rows = []
  for step in range(STEPS):
    x = x + gradient(step)
    y, state = ema.update(x, state)
    rows.append(y.tolist())
  return rows


def plateau(values, **options):
  transform = optax.contrib.reduce_on_plateau(**options)
  state = transform.init(jnp.asarray(1.0))
  scales = []
  for value in values:
    _, state = transform.update(jnp.asarray(1.0), state, value=value)
    scales.append(float(state.scale))
  return scales


def values(schedule, num=30):
  return [float(schedule(step)) for step in range(num)]


# Better, worse, better by less than the tolerance, NaN.
LOSSES = [4.0, 3.0, 3.5, 3.2, 3.1, 2.999, 2.0, 2.1, 2.0, 2.05, 2.2, 2.3, float('nan'), 2.4, 1.0, 1.5, 1.4, 1.3, 1.2, 1.1]

TABLE = {
    'adam': run(optax.adam(0.1)),
    'adamw': run(optax.adamw(0.1, b1=0.8, b2=0.95, eps=1e-3, weight_decay=0.2)),
    'clip_by_global_norm': run(optax.chain(optax.clip_by_global_norm(2.5), optax.sgd(1.0))),
    'clip': run(optax.chain(optax.clip(0.75), optax.sgd(1.0))),
    'ema': average(0.9),
    'cosine': values(optax.cosine_decay_schedule(1.0, 20)),
    'exponential': values(optax.exponential_decay(1.0, transition_steps=7, decay_rate=0.5)),
    'warmup_cosine': values(optax.warmup_cosine_decay_schedule(0.0, 1.0, warmup_steps=5, decay_steps=20)),
    'warmup_exponential': values(optax.warmup_exponential_decay_schedule(
        0.0, 1.0, warmup_steps=5, transition_steps=15, decay_rate=0.1)),
    'plateau': plateau(LOSSES, factor=0.5, patience=2, rtol=0.01),
    'plateau_cooldown': plateau(LOSSES, factor=0.5, patience=2, atol=0.05, cooldown=3),
    'plateau_average': plateau(LOSSES, factor=0.1, patience=1, accumulation_size=3, min_scale=0.02),
}
print('{' + ',\n'.join(f'{json.dumps(name)}: {json.dumps(rows)}' for name, rows in TABLE.items()) + '}')
