"""The reference's side of the single layers: inputs, parameters and the functions to time.

`KINDS[kind](args, rng)` returns a `Problem`.
"""

import dataclasses
import functools
import math
from typing import Callable

import e3x
import flax
import jax
import jax.numpy as jnp
import numpy as np


@dataclasses.dataclass
class Measure:
  """What is timed.

  `call()` computes once and returns arrays by name.  `check(first)` turns the result of the first call into what the
  other side compares with its own.
  """

  call: Callable
  check: Callable = lambda first: first


@dataclasses.dataclass
class Problem:
  """Inputs and parameters (numpy), and functions that return the measures."""

  inputs: dict
  params: dict
  measures: dict


def random_params(shapes, rng):
  """Parameters at which activations stay of order one; none is left at zero."""
  params = {}
  for path, shape in sorted(shapes.items()):
    name = path.rsplit('/', 1)[-1]
    if name == 'kernel' and len(shape) == 7:  # Tensor product: paths that lead to one output.
      scale = 1 / math.sqrt(math.prod(shape[:4]))
    elif name == 'kernel':
      scale = 1 / math.sqrt(shape[0])
    elif name == 'embedding' or name.startswith('kernel_'):
      scale = 1.0
    else:  # Biases.
      scale = 0.1
    params[path] = (scale * rng.standard_normal(shape)).astype(np.float32)
  return params


def parameter_shapes(variables):
  """Shapes of a module's parameters by path."""
  flat = flax.traverse_util.flatten_dict(variables['params'], sep='/')
  return {path: leaf.shape for path, leaf in flat.items()}


def nest(params):
  return {'params': flax.traverse_util.unflatten_dict(params, sep='/')}


def problem(function, inputs, params, output_shape, rng):
  """The measures `forward` and `gradients` of y = function(inputs, params).

  `gradients` are those of sum(y * cotangent) with respect to all floating point inputs and all parameters; y is
  returned as well, so that it is not optimised away.
  """
  inputs = inputs | dict(cotangent=rng.standard_normal(output_shape).astype(np.float32))

  @jax.jit
  def forward(free, fixed, params):
    return dict(y=function(free | fixed, params))

  @jax.jit
  def gradients(free, fixed, params, cotangent):
    y, pullback = jax.vjp(lambda free, params: function(free | fixed, params), free, params)
    inputs, params = pullback(cotangent)
    named = {f'grad.in.{name}': x for name, x in inputs.items()}
    return dict(y=y, **named, **{f'grad.param.{path}': x for path, x in params.items()})

  def arrays():
    free = {name: jnp.asarray(x) for name, x in inputs.items()}
    cotangent = free.pop('cotangent')
    fixed = {name: free.pop(name) for name in list(free) if not jnp.issubdtype(free[name].dtype, jnp.floating)}
    return free, fixed, {path: jnp.asarray(x) for path, x in params.items()}, cotangent

  def measure_forward():
    *operands, _ = arrays()
    return Measure(lambda: forward(*operands))

  def measure_gradients():
    operands = arrays()
    return Measure(lambda: gradients(*operands))

  return Problem(inputs, params, dict(forward=measure_forward, gradients=measure_gradients))


def module_problem(module, inputs, rng, call=lambda **inputs: inputs):
  """Such a problem for a Flax module, called with `call(**inputs)`."""
  key = jax.random.PRNGKey(0)
  y, variables = jax.eval_shape(lambda: module.init_with_output(key, **call(**inputs)))
  params = random_params(parameter_shapes(variables), rng)
  return problem(lambda inputs, params: module.apply(nest(params), **call(**inputs)), inputs, params, y.shape, rng)


def features(rng, batch, args, parity):
  return rng.standard_normal((batch, parity, (args['max_degree'] + 1) ** 2, args['features'])).astype(np.float32)


def tensor_product(module, args, rng):
  parity = 2 if args['pseudotensors'] else 1
  inputs = {name: features(rng, args['items'], args, parity) for name in ('inputs1', 'inputs2')}
  return module_problem(module(include_pseudotensors=args['pseudotensors']), inputs, rng)


def dense(args, rng):
  return module_problem(e3x.nn.Dense(features=args['features']), dict(inputs=features(rng, args['items'], args, 2)), rng)


def spherical_harmonics(args, rng):
  inputs = dict(r=rng.standard_normal((args['vectors'], 3)).astype(np.float32))
  function = lambda inputs, params: e3x.so3.spherical_harmonics(inputs['r'], args['max_degree'])
  return problem(function, inputs, {}, (args['vectors'], (args['max_degree'] + 1) ** 2), rng)


def edges(args, rng):
  """A random graph in which every node has the same number of neighbours, and displacements within the cutoff."""
  nodes, degree = args['nodes'], args['edges'] // args['nodes']
  others = [np.delete(np.arange(nodes), i) for i in range(nodes)]
  src = np.concatenate([np.sort(rng.permutation(other)[:degree]) for other in others])
  direction = rng.standard_normal((nodes * degree, 3))
  length = rng.uniform(0.9, 0.95 * args['cutoff'], (nodes * degree, 1))
  return dict(
      displacements=(length * direction / np.linalg.norm(direction, axis=1, keepdims=True)).astype(np.float32),
      dst_idx=np.repeat(np.arange(nodes), degree).astype(np.int32),
      src_idx=src.astype(np.int32),
  )


def on_edges(module, args, rng):
  """A layer on a graph; the basis is computed from the displacements, and differentiated."""
  inputs = dict(inputs=features(rng, args['nodes'], args, 2), **edges(args, rng))

  def call(displacements, inputs, **index):
    basis = e3x.nn.basis(
        displacements,
        max_degree=args['max_degree'],
        num=args['num_basis'],
        radial_fn=e3x.nn.reciprocal_bernstein,
        cutoff_fn=functools.partial(e3x.nn.smooth_cutoff, cutoff=args['cutoff']),
    )
    return dict(inputs=inputs, basis=basis, **index)

  return module_problem(module, inputs, rng, call)

def message_pass(args, rng):
  return on_edges(e3x.nn.MessagePass(), args, rng)


def self_attention(args, rng):
  return on_edges(e3x.nn.SelfAttention(num_heads=args['num_heads']), args, rng)


KINDS = dict(
    tensor=functools.partial(tensor_product, e3x.nn.Tensor),
    fused_tensor=functools.partial(tensor_product, e3x.nn.FusedTensor),
    dense=dense,
    message_pass=message_pass,
    self_attention=self_attention,
    spherical_harmonics=spherical_harmonics,
)
