#!/usr/bin/env python3
"""Times tensor products of e3nn (PyTorch), e3nn-jax and Rust side by side.

    python -m venv /tmp/peers && /tmp/peers/bin/pip install -r bench/e3nn/requirements.txt
    python bench/e3nn/compare.py --python /tmp/peers/bin/python

1000 items, 32 features, a weight for each path and feature: E3x's `Tensor`, e3nn's `TensorProduct` with instructions
`uuu`.  E3x draws inputs and weights and computes results; all libraries get the same numbers in their own basis and must
agree with E3x to 1e-4, or the run fails.  Then they are asked in turn, A B C A B C ..., on the same cores, for bursts of
calls of about 0.2 s; a first call in each burst does not count.  `gradients` are those of sum(y * cotangent) with respect
to both factors and the weights, and compute y as well.  Writes OUT.json and OUT.md.
"""

import argparse
import json
import pathlib
import shutil
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
BENCH = HERE.parent
sys.path.insert(0, str(BENCH))

import compare
import machine
from process import Failed, Process

PEERS = ('e3nn', 'e3nn_jax')
MEASURES = ('forward', 'gradients')
TOLERANCE = compare.TOLERANCE
PACKAGES = 'import importlib.metadata as m, json; print(json.dumps({n: m.version(n) for n in ("e3nn", "torch", "e3nn-jax", "jax")}))'


def arguments():
  parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
  add = parser.add_argument
  add('--python', required=True, help='an interpreter with the packages of requirements.txt')
  add('--program', type=pathlib.Path, help='the Rust program, instead of building it')
  add('--threads', type=int, choices=(1, 2), default=2)
  add('--rounds', type=int, default=5)
  add('--degrees', type=int, nargs='+', default=[1, 2, 3, 4])
  add('--limit', type=float, default=240, help='time to start, compile and compute once, in s')
  add('--out', type=pathlib.Path, default=HERE / 'results', help='without extension')
  return parser.parse_args()


class Case:
  """The processes of a tensor product."""

  def __init__(self, args, environment, degree, pseudotensors):
    self.args, self.environment = args, environment
    self.name = f'L = {degree}, {"with" if pseudotensors else "without"} pseudotensors'
    self.folder = args.out.parent / 'exchange'
    shutil.rmtree(self.folder, ignore_errors=True)
    self.folder.mkdir(parents=True)
    args = dict(items=1000, features=32, max_degree=degree, pseudotensors=pseudotensors)
    (self.folder / 'workload.json').write_text(json.dumps(dict(name=self.name, kind='tensor', args=args)))

  def start(self, side, *command):
    log = self.folder / f'{side}.log'
    return Process([*map(str, command), str(self.folder)], log, self.environment, self.args.limit)

  def expected(self):
    """E3x writes inputs and results."""
    process = self.start('e3x', self.args.python, BENCH / 'reference_worker.py')
    process.ask('inputs', self.args.limit)
    for measure in MEASURES:
      process.build(measure, self.args.limit)
      process.ask('check', self.args.limit, measure=measure)
    process.stop()

  def rows(self):
    sides = {}
    try:
      self.expected()
      sides['rust'] = self.start('rust', self.args.program)
      for peer in PEERS:
        sides[peer] = self.start(peer, self.args.python, HERE / 'worker.py', peer)
      for measure in MEASURES:
        yield self.measure(measure, sides)
    finally:
      for process in sides.values():
        process.stop()
      shutil.rmtree(self.folder)

  def measure(self, measure, sides):
    row = dict(case=self.name, measure=measure, ms={}, deviation={})
    for side, process in list(sides.items()):
      try:
        process.ask('build', self.args.limit, measure=measure)
      except Failed as failure:
        if side == 'rust':
          raise
        row['ms'][side] = str(failure)
        sides.pop(side).stop()
        continue
      row['deviation'][side] = process.ask('check', self.args.limit, measure=measure)['deviation']
      if not row['deviation'][side] <= TOLERANCE:
        raise Failed(f'{side}: {self.name}, {measure} deviates by {row["deviation"][side]:.1e} from E3x')
    first = {side: statistics.median(process.ask('time', self.args.limit, calls=1)['ms']) for side, process in sides.items()}
    calls = {side: max(1, min(500, round(1e3 * compare.BURST / ms))) for side, ms in first.items()}
    rounds = {side: [] for side in sides}
    for _ in range(self.args.rounds):
      for side, process in sides.items():
        ms = process.ask('time', self.args.limit, calls=calls[side] + 1)['ms'][1:]
        process.settle()
        rounds[side].append(statistics.median(ms))
    row['ms'] |= {side: statistics.median(ms) for side, ms in rounds.items()}
    row['ratios'] = {
        side: [a / b for a, b in zip(ms, rounds['rust'])] for side, ms in rounds.items() if side != 'rust'
    }
    return row


def cell(row, side):
  time = row['ms'][side]
  if isinstance(time, str):
    return f'{time.split(":")[0]} | '
  if side == 'rust':
    return f'{time:.3g} ms'
  ratios = row['ratios'][side]
  return f'{time:.3g} ms | {statistics.median(ratios):.3g} ({min(ratios):.3g} - {max(ratios):.3g})'


def markdown(facts, rows):
  versions = ', '.join(f'{name} {version}' for name, version in facts['reference'].items())
  lines = [
      '# Tensor products beside e3nn',
      '',
      'Written by `python bench/e3nn/compare.py`, which says what is measured. Ratio: time of the other over time of Rust,',
      'median, smallest and largest of the rounds.',
      '',
      f'{facts["date"]}, {facts["processor"]}, {facts["threads"]} thread(s), commit {facts["commit"]}.',
      f'{versions}.',
      '',
      '| tensor product | | Rust | e3nn | ratio | e3nn-jax | ratio | largest deviation from E3x |',
      '|---|---|---|---|---|---|---|---|',
  ]
  for row in rows:
    deviation = max(row['deviation'].values())
    cells = ' | '.join(cell(row, side) for side in ('rust', *PEERS))
    lines.append(f'| {row["case"]} | {row["measure"]} | {cells} | {deviation:.0e} |')
  return '\n'.join(lines) + '\n'


def main():
  args = arguments()
  args.out = args.out.resolve()
  args.program = args.program or compare.rust_program()
  environment = machine.restrict(args.threads)
  versions = json.loads(subprocess.run([args.python, '-c', PACKAGES], capture_output=True, text=True, check=True).stdout)
  facts = machine.facts(compare.REPOSITORY, args.threads, versions)
  rows = []
  for pseudotensors in (True, False):
    for degree in args.degrees:
      for row in Case(args, environment, degree, pseudotensors).rows():
        rows.append(row)
        print(markdown(facts, [row]).splitlines()[-1], flush=True)
        # After each row: a run that is cut off leaves what it has.
        args.out.with_suffix('.json').write_text(json.dumps(dict(facts=facts, rows=rows), indent=1) + '\n')
        args.out.with_suffix('.md').write_text(markdown(facts, rows))


if __name__ == '__main__':
  main()
