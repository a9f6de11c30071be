#!/usr/bin/env python3
"""Times the Python reference and the Rust program side by side and prints ratios.

    cargo build --release --example ethanol
    python bench/ethanol/compare.py --rounds 5 --calls 30 [--python PYTHON]

PYTHON is an interpreter with e3x, jax, flax, optax, ase and safetensors (see
README.md here); default: the one that runs this script.  The two programs run
in turn (A B A B ...), each in a process of its own, with the same model, batch
and number of cores; both report medians over the calls of one round.  Printed
are the medians of the rounds and of the ratios reference / Rust with their
smallest and largest value.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
QUANTITIES = (
    ('train_step_ms', 'training step, batch of 10'),
    ('evaluation_ms', 'energy and forces, batch of 10'),
    ('process_s', 'whole process (start-up, compilation, all calls)'),
)


def last_json(command):
  start = time.perf_counter()
  output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
  seconds = time.perf_counter() - start
  return json.loads(output.strip().splitlines()[-1]), seconds


def reference(args):
  report, seconds = last_json([args.python, str(HERE / 'reference.py'), '--time-only', str(args.calls)])
  timings = report['timings']
  result = {name: timings[name]['median'] for name in ('train_step_ms', 'evaluation_ms')}
  return result | {'process_s': seconds}


def rust(args):
  report, seconds = last_json([str(args.program), '--time-only', str(args.calls)])
  return {name: report[name] for name in ('train_step_ms', 'evaluation_ms')} | {'process_s': seconds}


def main():
  parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
  parser.add_argument('--rounds', type=int, default=5)
  parser.add_argument('--calls', type=int, default=30)
  parser.add_argument('--python', default=sys.executable)
  parser.add_argument('--program', type=pathlib.Path, default=REPOSITORY / 'target/release/examples/ethanol')
  args = parser.parse_args()
  rounds = []
  for number in range(args.rounds):
    rounds.append((reference(args), rust(args)))
    print(f'round {number + 1} of {args.rounds} done', file=sys.stderr)
  print('| quantity | reference | Rust | ratio (smallest - largest) |')
  print('|---|---|---|---|')
  for name, title in QUANTITIES:
    unit = name.rsplit('_', 1)[1]
    theirs, ours = ([side[name] for side in sides] for sides in zip(*rounds))
    ratios = [a / b for a, b in zip(theirs, ours)]
    a, b, ratio = map(statistics.median, (theirs, ours, ratios))
    print(f'| {title} | {a:.1f} {unit} | {b:.1f} {unit} | {ratio:.1f} ({min(ratios):.1f} - {max(ratios):.1f}) |')


if __name__ == '__main__':
  main()
