"""Converts parameters of Flax models to and from the files that e3x for Rust reads and writes.

A file holds one tensor for every parameter, in safetensors format, under the names on its path joined by "/":
`MessagePass_0/filter/0+/kernel`. `e3x::nn::Parameters::from_file` and `Parameters::save` read and write the same files.

In Python (needs numpy and safetensors):

    import flax_safetensors
    flax_safetensors.save(variables, 'model.safetensors')        # what model.init(...) returned
    variables = flax_safetensors.load('model.safetensors')       # for model.apply(variables, ...)

From the shell, between these files and the msgpack files of `flax.serialization` (needs flax):

    python flax_safetensors.py to-safetensors model.msgpack model.safetensors
    python flax_safetensors.py to-flax model.safetensors model.msgpack
"""

import argparse
import collections.abc
import pathlib

import numpy as np
import safetensors.numpy


def flatten(tree):
  """Turns nested mappings of arrays into one dictionary of numpy arrays with joined paths."""
  flat = {}

  def visit(node, path):
    if isinstance(node, collections.abc.Mapping):
      for name, child in node.items():
        if '/' in name:
          raise ValueError(f"parameter name {name!r}: expected a name without '/'")
        visit(child, (*path, name))
    else:
      flat['/'.join(path)] = np.ascontiguousarray(node)

  visit(tree, ())
  return flat


def unflatten(flat):
  """Turns a dictionary with joined paths into nested dictionaries."""
  tree = {}
  for path, array in flat.items():
    *parents, name = path.split('/')
    node = tree
    for parent in parents:
      node = node.setdefault(parent, {})
    node[name] = array
  return tree


def save(variables, path):
  """Writes parameters: what `model.init` returns, or only the tree below its 'params'."""
  if set(variables) == {'params'}:
    variables = variables['params']
  safetensors.numpy.save_file(flatten(variables), path)


def load(path, like=None):
  """Reads parameters for `model.apply`: `{'params': tree}`.

  With `like`, the result of `model.init`, it checks that the file fits the model and converts to its dtypes.
  """
  flat = safetensors.numpy.load_file(path)
  if like is not None:
    expected = flatten(like['params'])
    shapes = lambda arrays: {name: array.shape for name, array in arrays.items()}
    if shapes(flat) != shapes(expected):
      differing = set(shapes(flat).items()) ^ set(shapes(expected).items())
      raise ValueError(f'{path}: expected the parameters of the model; these differ: {sorted(differing)}')
    flat = {name: array.astype(expected[name].dtype) for name, array in flat.items()}
  return {'params': unflatten(flat)}


def main():
  parser = argparse.ArgumentParser(description=__doc__.split('\n', maxsplit=1)[0])
  parser.add_argument('direction', choices=['to-safetensors', 'to-flax'])
  parser.add_argument('source', type=pathlib.Path)
  parser.add_argument('target', type=pathlib.Path)
  arguments = parser.parse_args()

  import flax.serialization  # Only needed here.

  if arguments.direction == 'to-safetensors':
    save(flax.serialization.msgpack_restore(arguments.source.read_bytes()), arguments.target)
  else:
    arguments.target.write_bytes(flax.serialization.msgpack_serialize(load(arguments.source)))


if __name__ == '__main__':
  main()
