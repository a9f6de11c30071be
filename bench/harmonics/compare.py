#!/usr/bin/env python3
"""Times spherical harmonics of E3x (JAX), sphericart (C++) and e3x-so3 (Rust) side by side.

    cargo build --release -p e3x-so3 --example time_harmonics
    python bench/harmonics/compare.py --core 0 --out bench/harmonics/results

The interpreter needs e3x, jax, numpy and sphericart from PyPI.  All three run
on one core, in turn (A B C A B C ...), on 10,000 points: spherical harmonics of
all degrees up to L, and their values with all gradients.  A round takes the
fastest of some calls; printed are medians over the rounds of nanoseconds per
point and of the ratios theirs / ours, with the smallest and largest ratio.
sphericart and Rust write into arrays that are reused; E3x returns new ones.
Writes OUT.json and OUT.md.
"""

import argparse
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]


def on_one_core(core):
  """Keeps this process, its libraries and its children on one core; before any of them starts."""
  os.sched_setaffinity(0, {core})
  os.environ['OMP_NUM_THREADS'] = '1'
  os.environ['NUMPY_MADVISE_HUGEPAGE'] = '0'  # Pages of the same size for all.
  os.environ['JAX_PLATFORMS'] = 'cpu'
  os.environ['JAX_ENABLE_X64'] = '1'
  os.environ['XLA_FLAGS'] = '--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1'


def fastest(function, calls):
  best = float('inf')
  for _ in range(calls):
    start = time.perf_counter()
    function()
    best = min(best, time.perf_counter() - start)
  return best


class Sphericart:

  def prepare(self, points, dtype, quantity, max_degree):
    import numpy as np
    import sphericart
    size = (max_degree + 1) ** 2
    calculator = sphericart.SphericalHarmonics(max_degree)
    arrays = [np.zeros((len(points), size), dtype), None, None]
    if quantity == 'gradients':
      arrays[1] = np.zeros((len(points), 3, size), dtype)
    # What compute() and compute_with_gradients() call, without allocating.
    return lambda: calculator._compute_numpy(points, *arrays)


class E3x:

  def prepare(self, points, dtype, quantity, max_degree):
    import jax
    jax.core.as_named_shape = lambda shape: shape  # Flax asks for it, recent JAX has it no more.
    import e3x
    harmonics = lambda r: e3x.so3.spherical_harmonics(r, max_degree)
    if quantity == 'gradients':
      one = harmonics
      harmonics = jax.vmap(lambda r: (one(r), jax.jacfwd(one)(r)))
    compiled = jax.jit(harmonics)
    r = jax.numpy.asarray(points, dtype)
    jax.block_until_ready(compiled(r))
    return lambda: jax.block_until_ready(compiled(r))


class Rust:

  def __init__(self, program):
    self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

  def time(self, dtype, quantity, max_degree, points, calls):
    name = {'float32': 'f32', 'float64': 'f64'}[dtype]
    self.process.stdin.write(f'{name} {quantity} {max_degree} {points} {calls}\n')
    self.process.stdin.flush()
    return min(json.loads(self.process.stdout.readline()))


def measure(args, rust, dtype, quantity, max_degree):
  import numpy as np
  points = np.random.default_rng(0).normal(size=(args.points, 3)).astype(dtype)
  theirs = {'sphericart': Sphericart(), 'e3x': E3x()}
  calls = {name: side.prepare(points, dtype, quantity, max_degree) for name, side in theirs.items()}
  for call in calls.values():
    call()
  rounds = []
  for _ in range(args.rounds):
    times = {name: fastest(call, args.calls) * 1e9 / args.points for name, call in calls.items()}
    times['rust'] = rust.time(dtype, quantity, max_degree, args.points, args.calls)
    rounds.append(times)
  row = {'dtype': dtype, 'quantity': quantity, 'max_degree': max_degree}
  for name in rounds[0]:
    row[f'{name}_ns'] = statistics.median(times[name] for times in rounds)
  for name in theirs:
    ratios = [times[name] / times['rust'] for times in rounds]
    row[f'{name}_ratio'] = [statistics.median(ratios), min(ratios), max(ratios)]
  return row


def processor():
  for line in pathlib.Path('/proc/cpuinfo').read_text().splitlines():
    if line.startswith('model name'):
      return line.split(':')[1].strip()
  return platform.processor()


def table(report):
  lines = [
      f'Processor: {report["processor"]}, one core. {report["points"]} points, {report["rounds"]} rounds of '
      f'{report["calls"]} calls, in turn. Nanoseconds per point; ratio = theirs / Rust, median (smallest - largest).',
      '',
      f'    {report["command"]}',
      '',
      '| | L | Rust | sphericart | ratio | E3x, jit | ratio |',
      '|---|---|---|---|---|---|---|',
  ]
  for row in report['rows']:
    ratios = ['{:.1f} ({:.1f} - {:.1f})'.format(*row[f'{name}_ratio']) for name in ('sphericart', 'e3x')]
    lines.append(
        f'| {row["quantity"]}, {row["dtype"]} | {row["max_degree"]} | {row["rust_ns"]:.1f} | {row["sphericart_ns"]:.1f} '
        f'| {ratios[0]} | {row["e3x_ns"]:.0f} | {ratios[1]} |')
  return '\n'.join(lines) + '\n'


def main():
  parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
  parser.add_argument('--core', type=int, default=0)
  parser.add_argument('--points', type=int, default=10000)
  parser.add_argument('--rounds', type=int, default=5)
  parser.add_argument('--calls', type=int, default=10)
  parser.add_argument('--quantities', nargs='+', default=['values', 'gradients'])
  parser.add_argument('--degrees', type=int, nargs='+', default=list(range(1, 11)))
  parser.add_argument('--program', type=pathlib.Path, default=REPOSITORY / 'target/release/examples/time_harmonics')
  parser.add_argument('--out', type=pathlib.Path, default=HERE / 'results')
  args = parser.parse_args()
  on_one_core(args.core)
  rust = Rust(args.program)
  report = {
      'processor': processor(),
      'points': args.points,
      'rounds': args.rounds,
      'calls': args.calls,
      'command': 'python bench/harmonics/compare.py ' + ' '.join(
          f'--{name} {getattr(args, name)}' for name in ('core', 'rounds', 'calls')),
      'rows': [],
  }
  for quantity in args.quantities:
    for dtype in ('float32', 'float64'):
      for max_degree in args.degrees:
        report['rows'].append(measure(args, rust, dtype, quantity, max_degree))
        print(report['rows'][-1], file=sys.stderr)
        # After every row, so that a run that is stopped leaves what it measured.
        args.out.with_suffix('.json').write_text(json.dumps(report, indent=1) + '\n')
        args.out.with_suffix('.md').write_text(table(report))
  print(table(report))


if __name__ == '__main__':
  main()
