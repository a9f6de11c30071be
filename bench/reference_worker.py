#!/usr/bin/env python3
"""The reference's process: builds a workload in E3x (JAX on the CPU, under jit) and times it on request.

    python reference_worker.py FOLDER

FOLDER holds `workload.json`; this process writes there `inputs.safetensors` and the outputs of every measure,
`MEASURE.safetensors`.  Started and spoken to by compare.py: one JSON object per line in, one out (see process.py).
"""

import json
import os
import pathlib
import sys
import time
import zlib

os.environ.setdefault('JAX_PLATFORMS', 'cpu')

import jax
import numpy as np
import safetensors.numpy

if not hasattr(jax.core, 'as_named_shape'):
  # The initialisers of e3x 1.0.2 call a function that newer JAX has removed.
  jax.core.as_named_shape = lambda shape: shape

import reference_atoms
import reference_layers

KINDS = reference_layers.KINDS | reference_atoms.KINDS


def reset_peak():
  """Peak memory counts from here on (Linux; elsewhere it counts from the start)."""
  try:
    pathlib.Path('/proc/self/clear_refs').write_text('5')
  except OSError:
    pass


def peak_mib():
  try:
    status = pathlib.Path('/proc/self/status').read_text()
    return int(status.split('VmHWM:')[1].split()[0]) / 1024
  except (OSError, IndexError):
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def save(path, arrays):
  """Writes arrays; indices as 64-bit integers."""
  arrays = {name: np.ascontiguousarray(x) for name, x in arrays.items()}
  integer = {name: x.astype(np.int64) for name, x in arrays.items() if np.issubdtype(x.dtype, np.integer)}
  safetensors.numpy.save_file(arrays | integer, path)


class Worker:
  """Answers requests; each method is one."""

  def __init__(self, folder):
    self.folder = folder

  def inputs(self):
    """Draws inputs and parameters and writes them."""
    workload = json.loads((self.folder / 'workload.json').read_text())
    rng = np.random.default_rng(zlib.crc32(workload['name'].encode()))
    self.problem = KINDS[workload['kind']](workload['args'], rng)
    named = {f'in.{name}': x for name, x in self.problem.inputs.items()}
    save(self.folder / 'inputs.safetensors', named | {f'param.{path}': x for path, x in self.problem.params.items()})
    return {}

  def build(self, measure):
    """Compiles a measure and computes its first result."""
    reset_peak()
    self.measure = self.problem.measures[measure]()
    self.first = jax.block_until_ready(self.measure.call())
    return dict(peak_mib=peak_mib())

  def check(self, measure):
    """Writes what the other side compares with its own result."""
    save(self.folder / f'{measure}.safetensors', self.measure.check(self.first))
    del self.first
    return {}

  def time(self, calls):
    """Times of single calls in ms."""
    samples = []
    for _ in range(calls):
      start = time.perf_counter()
      jax.block_until_ready(self.measure.call())
      samples.append(1e3 * (time.perf_counter() - start))
    return dict(ms=samples)


def main():
  worker = Worker(pathlib.Path(sys.argv[1]))
  print('{}', flush=True)
  for line in sys.stdin:
    request = json.loads(line)
    print(json.dumps(getattr(worker, request.pop('do'))(**request)), flush=True)


if __name__ == '__main__':
  main()
