#!/usr/bin/env python3
"""Gathers result.json files of reference.py into one table with medians.

    python collect.py --out reference_results.json RUN_FOLDER... [--machine TEXT]

The runs must differ in their seed and their order of frames only.
"""

import argparse
import json
import pathlib
import statistics


def main():
  parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
  parser.add_argument('runs', nargs='+', type=pathlib.Path)
  parser.add_argument('--out', type=pathlib.Path, required=True)
  parser.add_argument('--machine', default='')
  parser.add_argument('--date', default='')
  args = parser.parse_args()

  results = [json.loads((run / 'result.json').read_text()) for run in args.runs]
  settings = [{key: value for key, value in result['settings'].items() if key not in ('seed', 'order')} for result in results]
  versions = [result['versions'] for result in results]
  if any(other != settings[0] for other in settings) or any(other != versions[0] for other in versions):
    raise SystemExit('the runs differ in more than their seed and order')

  seeds = []
  for result in results:
    times = result['timings']
    seeds.append(dict(
        seed=result['settings']['seed'],
        order=result['settings'].get('order'),
        epochs_done=result['epochs_done'],
        final_test=result['final']['test'],
        final_valid=result['final']['valid'],
        best_epoch=result['best']['epoch'],
        best_test=result['best']['test'],
        best_valid=result['best']['valid'],
        threads=result['threads'],
        contended_epoch_s=dict(median=times['epoch_median_s'], min=min(row['seconds'] for row in result['history'])),
        contended_compile_s=times['compile_train_step_s'] + times['compile_evaluation_s'],
    ))
  medians = {
      part: {key: statistics.median(seed[part][key] for seed in seeds) for key in seeds[0][part]}
      for part in ('final_test', 'final_valid', 'best_test', 'best_valid')
  }
  report = dict(date=args.date, machine=args.machine, versions=versions[0], settings=settings[0], num_params=results[0]['num_params'], median=medians, seeds=seeds)
  args.out.write_text(json.dumps(report, indent=1) + '\n')
  for name in ('final_test', 'best_test'):
    print(name)
    for label, row in [*((f'seed {seed["seed"]}', seed[name]) for seed in seeds), ('median', medians[name])]:
      print(f'  {label:7s}' + ''.join(f'  {key} {value:.3f}' for key, value in row.items()))


if __name__ == '__main__':
  main()
