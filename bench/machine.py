"""The machine that a run uses: its cores, and facts to read the results by."""

import datetime
import importlib.metadata
import json
import os
import pathlib
import platform
import subprocess

PACKAGES = ('e3x', 'jax', 'jaxlib', 'flax', 'optax', 'numpy')


def restrict(threads):
  """Keeps this process and its children on `threads` cores; returns the environment of the children."""
  if hasattr(os, 'sched_setaffinity'):
    cores = sorted(os.sched_getaffinity(0))[:threads]
    if len(cores) < threads:
      raise SystemExit(f'--threads {threads}: only {len(cores)} cores are available')
    os.sched_setaffinity(0, cores)
  environment = dict(os.environ, RAYON_NUM_THREADS=str(threads), OMP_NUM_THREADS=str(threads), JAX_PLATFORMS='cpu')
  if threads == 1:
    flags = '--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1'
    environment['XLA_FLAGS'] = f'{os.environ.get("XLA_FLAGS", "")} {flags}'.strip()
  return environment


def facts(repository, threads, reference):
  """What was run, where, and how busy the machine was before; with versions of the other side's packages."""
  return dict(
      date=datetime.datetime.now(datetime.timezone.utc).strftime('%Y-%m-%d %H:%M UTC'),
      processor=processor(),
      threads=threads,
      load_before=os.getloadavg()[0],
      commit=commit(repository),
      reference=reference,
  )


def processor():
  try:
    lines = pathlib.Path('/proc/cpuinfo').read_text().splitlines()
    name = next(line.split(':', 1)[1].strip() for line in lines if line.startswith('model name'))
  except (OSError, StopIteration):
    name = platform.processor() or platform.machine()
  return f'{name}, {os.cpu_count()} logical cores'


def commit(repository):
  git = lambda *words: subprocess.run(['git', '-C', str(repository), *words], capture_output=True, text=True).stdout.strip()
  revision = git('rev-parse', '--short', 'HEAD') or 'unknown'
  return revision + (' with changes' if git('status', '--porcelain', '--untracked-files=no') else '')


def versions(python):
  """Versions of the reference's packages, as its interpreter sees them."""
  found = subprocess.run([python, __file__], capture_output=True, text=True, check=True).stdout
  return json.loads(found)


if __name__ == '__main__':
  print(json.dumps(dict(python=platform.python_version(), **{name: importlib.metadata.version(name) for name in PACKAGES})))
