#!/usr/bin/env python3
"""Runs the same work in E3x (Python, JAX under jit) and in Rust, in turn, and prints the ratio of their times.

    python bench/compare.py                    # everything but the slowest; meant for 20 minutes
    python bench/compare.py --quick            # a few workloads; meant for 3 minutes
    python bench/compare.py --only '^tensor/.*L4' --threads 1 --rounds 9
    python bench/compare.py --all --record     # everything, into bench/results.md and bench/results.json

Without an interpreter that has E3x, one is prepared in bench/.venv (pip install -r bench/requirements.txt).  The Rust
program is built first.  README.md here says what is measured and what to keep in mind.
"""

import argparse
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import time

import machine
import report
import workloads
from process import Failed, Process

HERE = pathlib.Path(__file__).resolve().parent
REPOSITORY = HERE.parent
# Largest difference of two results, relative to the largest entry.
TOLERANCE = 1e-4
# Time that a burst of calls takes and that all bursts of a measure take in the reference, in s.
BURST = 0.2
BUDGET = 20.0
# A call that takes longer, in s, is timed alone; of others, at least so many follow each other.
LONG = 1.0
FEWEST = 3


def arguments():
  parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
  add = parser.add_argument
  add('--quick', action='store_true', help='only the workloads marked quick')
  add('--all', action='store_true', help='also the slowest workloads')
  add('--only', metavar='REGEX', help='only workloads whose name contains this (slow ones as well)')
  add('--list', action='store_true', help='print the names of the workloads and stop')
  add('--threads', type=int, choices=(1, 2), default=2, help='cores and threads of each process')
  add('--rounds', type=int, default=5, help='bursts of calls per side, in turn (fewer where a call takes seconds)')
  add('--limit', type=float, default=120, help='time to start, compile and compute once, in s')
  add('--python', help='an interpreter with the packages of requirements.txt')
  add('--program', type=pathlib.Path, help='the Rust program, instead of building it')
  add('--out', type=pathlib.Path, default=REPOSITORY / 'out' / 'bench', help='folder for results and for what is exchanged')
  add('--record', action='store_true', help='also write bench/results.md and bench/results.json (runs of all)')
  args = parser.parse_args()
  if args.record and (args.quick or args.only):
    parser.error('--record: a record has all workloads, not those of --quick or --only')
  if args.rounds < 1:
    parser.error('--rounds: at least 1')
  return args


def selected(args):
  """The workloads of this run."""
  if args.only:
    return [workload for workload in workloads.ALL if re.search(args.only, workload.name)]
  if args.quick:
    return [workload for workload in workloads.ALL if workload.quick]
  return [workload for workload in workloads.ALL if args.all or not workload.slow]


def interpreter():
  """An interpreter with E3x: this one, or that of bench/.venv, which is made if it is not there."""
  installed = 'import importlib.util as u, sys; sys.exit(any(u.find_spec(n) is None for n in ("e3x", "optax", "ase")))'
  venv = HERE / '.venv' / 'bin' / 'python'
  for python in (sys.executable, str(venv)):
    if pathlib.Path(python).exists() and subprocess.run([python, '-c', installed]).returncode == 0:
      return python
  print(f'no E3x here: preparing {venv.parents[1]}', file=sys.stderr)
  subprocess.run([sys.executable, '-m', 'venv', venv.parents[1]], check=True)
  subprocess.run([venv, '-m', 'pip', 'install', '-q', '-r', HERE / 'requirements.txt'], check=True)
  return str(venv)


def rust_program():
  """Builds the Rust program."""
  command = 'cargo build --release --package e3x-atoms --example bench_workloads'
  subprocess.run(command.split(), cwd=REPOSITORY, check=True)
  target = pathlib.Path(os.environ.get('CARGO_TARGET_DIR', REPOSITORY / 'target'))
  return target / 'release' / 'examples' / 'bench_workloads'


class Pair:
  """The two processes of a workload, and its folder."""

  def __init__(self, workload, args, commands, environment):
    self.workload, self.args = workload, args
    self.commands, self.environment = commands, environment
    self.folder = args.out / 'exchange' / workload.name.replace('/', '-')
    shutil.rmtree(self.folder, ignore_errors=True)
    self.folder.mkdir(parents=True)
    content = dict(name=workload.name, kind=workload.kind, args=workload.args)
    (self.folder / 'workload.json').write_text(json.dumps(content))
    self.sides = {}

  def start(self, side):
    command = [*self.commands[side], str(self.folder)]
    self.sides[side] = Process(command, self.folder / f'{side}.log', self.environment, self.args.limit)
    return self.sides[side]

  def stop(self):
    for process in self.sides.values():
      process.stop()
    shutil.rmtree(self.folder)

  def run(self):
    """Results of all measures; a failure of the reference is a result, one of Rust is an error."""
    limit = self.args.limit
    # Drawing inputs is no part of the start-up; it traces the layer once.
    self.start('reference').ask('inputs', 10 * limit)
    self.start('rust')
    for measure in self.workload.measures:
      yield self.measure(measure)

  def measure(self, measure):
    limit = self.args.limit
    row = dict(workload=self.workload.name, measure=measure, args=self.workload.args, goal=self.workload.goal)
    try:
      if 'reference' not in self.sides:
        raise Failed('not tried after the failure above')
      row['reference'] = self.sides['reference'].build(measure, limit)
      self.sides['reference'].ask('check', limit, measure=measure)
    except Failed as failure:
      row['reference'] = dict(failed=str(failure))
      if process := self.sides.pop('reference', None):
        process.stop()
    row['rust'] = self.sides['rust'].build(measure, limit)
    if 'failed' not in row['reference']:
      check = self.sides['rust'].ask('check', limit, measure=measure)
      row |= check
      if not check['deviation'] <= TOLERANCE:
        raise Failed(f'{measure}: {check["largest"]} deviates by {check["deviation"]:.1e} from the reference')
    self.rounds(row)
    return row

  def rounds(self, row):
    """Bursts of calls in turn; their medians, and the ratios of these, round by round."""
    sides = [side for side in ('reference', 'rust') if 'failed' not in row[side]]
    first = {side: self.burst(side, 1) for side in sides}
    calls = {side: calls_of_burst(first[side]) for side in sides}
    slowest = max(first.values()) / 1e3
    medians = {side: [] for side in sides}
    count = self.args.rounds
    if slowest > BURST:  # Fewer rounds; where a call is a burst, the one above counts.
      medians = {side: [first[side]] if calls[side] == 1 else [self.burst(side, calls[side])] for side in sides}
      count = min(count - 1, int(BUDGET / slowest))
    for _ in range(count):
      for side in sides:
        medians[side].append(self.burst(side, calls[side]))
    for side in sides:
      row[side] |= dict(ms=statistics.median(medians[side]), rounds_ms=medians[side], calls=calls[side])
    if len(sides) == 2:
      row['ratios'] = [a / b for a, b in zip(medians['reference'], medians['rust'])]

  def burst(self, side, calls):
    """Median of the calls of a burst in ms; the other side starts when this one is idle again.

    If there are several, one more comes first and does not count: it finds cold caches, and memory that was given back.
    """
    first = int(calls > 1)
    times = self.sides[side].ask('time', 10 * self.args.limit, calls=first + calls)['ms'][first:]
    self.sides[side].settle()
    return statistics.median(times)


def calls_of_burst(ms):
  """How many calls follow each other if the first one took so long."""
  return 1 if ms > 1e3 * LONG else max(FEWEST, min(500, round(1e3 * BURST / ms)))


def main():
  args = arguments()
  chosen = selected(args)
  if args.list:
    print('\n'.join(workload.name for workload in chosen))
    return
  if not chosen:
    raise SystemExit(f'--only {args.only}: no such workload; --list prints their names')
  args.out = args.out.resolve()
  args.out.mkdir(parents=True, exist_ok=True)
  program = args.program or rust_program()
  python = args.python or interpreter()
  commands = dict(reference=[python, str(HERE / 'reference_worker.py')], rust=[str(program)])
  environment = machine.restrict(args.threads)
  start = time.time()
  facts = machine.facts(REPOSITORY, args.threads, machine.versions(python))
  rows, errors = [], []
  for number, workload in enumerate(chosen, 1):
    print(f'{number}/{len(chosen)} {workload.name}', file=sys.stderr, flush=True)
    pair = Pair(workload, args, commands, environment)
    try:
      for row in pair.run():
        rows.append(row)
        print(f'    {report.one_line(row)}', file=sys.stderr, flush=True)
    except Failed as failure:
      errors.append(f'{workload.name}: {failure}')
      print(f'    ERROR {failure}', file=sys.stderr, flush=True)
    except KeyboardInterrupt:
      errors.append(f'interrupted in {workload.name}')
      break
    finally:
      pair.stop()
  facts |= dict(seconds=round(time.time() - start), load_after=os.getloadavg()[0])
  result = dict(facts=facts, tolerance=TOLERANCE, rows=rows, errors=errors)
  folders = [args.out, HERE] if args.record and not errors else [args.out]
  for folder in folders:
    (folder / 'results.json').write_text(json.dumps(result, indent=1) + '\n')
    (folder / 'results.md').write_text(report.markdown(result))
  print(report.markdown(result))
  print(f'written: {", ".join(str(folder / "results.md") for folder in folders)}', file=sys.stderr)
  if errors:
    raise SystemExit('\n'.join(['errors:', *errors]))


if __name__ == '__main__':
  main()
