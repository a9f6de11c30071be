"""Prints the public names of the Python package E3x, one a line: what docs/names.md has to explain.

    PYTHONPATH=path/to/e3x python e3x_names.py > e3x_names.txt

e3x_names.txt is made with version 1.0.2 of PyPI and the folder e3x/matrix of google-research/e3x at commit 5405abf, which
that version lacks, copied into it.
"""

import types

import jax

if not hasattr(jax.core, 'as_named_shape'):  # Asked for by e3x, not there in later versions of JAX.
  jax.core.as_named_shape = lambda shape: shape

import e3x
import e3x.matrix.matmat


def names(module, prefix):
  for name, value in sorted(vars(module).items()):
    if name.startswith('_') or isinstance(value, types.ModuleType):
      continue
    # Packages only export what is theirs; modules also hold what they import, and names of types.
    is_ours = (getattr(value, '__module__', None) or '').startswith('e3x') and not name.endswith('InitializerFn')
    if hasattr(module, '__path__') or is_ours:
      yield f'{prefix}.{name}'


print('\n'.join([
    *(f'e3x.Config.{name}' for name in sorted(dir(e3x.Config)) if not name.startswith('_')),
    *names(e3x.so3, 'e3x.so3'),
    *names(e3x.ops, 'e3x.ops'),
    *names(e3x.nn, 'e3x.nn'),
    *names(e3x.nn.initializers, 'e3x.nn.initializers'),
    # The package exports two of these; the others are public names of its only module.
    *names(e3x.matrix.matmat, 'e3x.matrix'),
]))
