#!/usr/bin/env python3
"""The process of e3nn (PyTorch) or e3nn-jax: a tensor product of E3x's features, checked and timed on request.

    python worker.py e3nn|e3nn_jax FOLDER

FOLDER holds what bench/reference_worker.py has written: `workload.json`, `inputs.safetensors`, `MEASURE.safetensors`.
Inputs and weights are turned into e3nn's basis and layout, `(items, irrep, feature, entry)`, before anything is timed.
Requests as in bench/process.py.
"""

import json
import os
import pathlib
import sys
import time

import e3x
import numpy as np
import safetensors.numpy

BENCH = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(BENCH))


def degree(max_degree, l):
  """The entries of a degree among those of all."""
  assert l <= max_degree
  return slice(l * l, (l + 1) ** 2)


class Irreps:
  """Features of E3x, `(items, parity, (L+1)^2, features)`, as irreps of e3nn."""

  def __init__(self, parity, max_degree, features, bases):
    self.parity, self.max_degree, self.features, self.bases = parity, max_degree, features, bases
    # Index of the parity axis, degree, and whether the parity is odd.
    self.all = [(p, l, l % 2 if parity == 1 else p) for p in range(parity) for l in range(max_degree + 1)]
    self.text = '+'.join(f'{features}x{l}{"eo"[odd]}' for _, l, odd in self.all)

  def from_e3x(self, x):
    chunks = []
    for p, l, _ in self.all:
      chunk = np.einsum('ij,njf->nfi', self.bases[l], x[:, p, degree(self.max_degree, l)])
      chunks.append(chunk.reshape(len(x), -1))
    return np.concatenate(chunks, axis=1).astype(np.float32)

  def to_e3x(self, y):
    x = np.zeros((len(y), self.parity, (self.max_degree + 1) ** 2, self.features), np.float32)
    start = 0
    for p, l, _ in self.all:
      size = self.features * (2 * l + 1)
      chunk = y[:, start : start + size].reshape(len(y), self.features, 2 * l + 1)
      x[:, p, degree(self.max_degree, l)] = np.einsum('ij,nfi->njf', self.bases[l], chunk)
      start += size
    return x


def bases(max_degree, harmonics):
  """Orthogonal matrices from the entries of a degree in E3x to those in e3nn, from spherical harmonics of both."""
  points = np.random.default_rng(0).standard_normal((200, 3))
  ours = np.asarray(e3x.so3.spherical_harmonics(points, max_degree), np.float64)
  matrices = []
  for l in range(max_degree + 1):
    x, y = ours[:, degree(max_degree, l)], np.asarray(harmonics(l, points), np.float64)
    matrix = np.linalg.lstsq(x, y, rcond=None)[0].T
    matrices.append(matrix / np.linalg.norm(matrix, ord=2))
    assert np.abs(matrices[-1] @ matrices[-1].T - np.eye(2 * l + 1)).max() < 1e-3, f'no basis for degree {l}'
  return matrices


class Product:
  """Paths of the product with what a weight of E3x is in e3nn."""

  def __init__(self, args, harmonics, coefficients):
    max_degree, parity = args['max_degree'], 2 if args['pseudotensors'] else 1
    self.bases = bases(max_degree, harmonics)
    self.irreps = Irreps(parity, max_degree, args['features'], self.bases)
    cg = np.asarray(e3x.so3.clebsch_gordan(max_degree, max_degree, max_degree), np.float64)
    self.paths, self.instructions, self.scales = [], [], []
    for i, (p1, l1, odd1) in enumerate(self.irreps.all):
      for j, (p2, l2, odd2) in enumerate(self.irreps.all):
        for k, (p3, l3, odd3) in enumerate(self.irreps.all):
          if odd3 != odd1 ^ odd2 or not abs(l1 - l2) <= l3 <= l1 + l2:
            continue
          ours = cg[degree(max_degree, l1), degree(max_degree, l2), degree(max_degree, l3)]
          a, b, c = (self.bases[l] for l in (l1, l2, l3))
          ours = np.einsum('ai,bj,ck,ijk->abc', a, b, c, ours)
          theirs = np.asarray(coefficients(l1, l2, l3), np.float64)
          scale = (ours * theirs).sum() / (theirs * theirs).sum()
          assert np.abs(ours - scale * theirs).max() < 1e-4, f'coefficients of {l1}, {l2}, {l3} differ'
          self.paths.append((p1, l1, p2, l2, p3, l3))
          self.instructions.append((i, j, k, 'uuu', True))
          self.scales.append(scale)
    self.scales = np.array(self.scales)

  def normalised(self, path_weights):
    """The library multiplies each path with a number of its own."""
    self.scales = self.scales / np.array(path_weights, np.float64)

  def weights(self, kernel):
    return np.stack([scale * kernel[path] for scale, path in zip(self.scales, self.paths)]).astype(np.float32)

  def kernel_gradient(self, gradients, shape):
    kernel = np.zeros(shape, np.float32)
    for scale, path, gradient in zip(self.scales, self.paths, gradients):
      kernel[path] = scale * gradient
    return kernel


class Jax:
  """e3nn-jax under jit."""

  warm_up = 0

  def __init__(self, args):
    import e3nn_jax as e3nn
    import jax
    from e3nn_jax.legacy import FunctionalTensorProduct

    self.jax = jax
    harmonics = lambda l, points: e3nn.spherical_harmonics(f'{l}{"eo"[l % 2]}', points, normalize=True).array
    self.product = Product(args, harmonics, e3nn.clebsch_gordan)
    irreps = self.product.irreps.text
    tensor = FunctionalTensorProduct(irreps, irreps, irreps, self.product.instructions)
    self.product.normalised([path.path_weight for path in tensor.instructions])
    number = len(self.product.instructions)

    def one(w, x, y):
      x, y = e3nn.IrrepsArray(irreps, x), e3nn.IrrepsArray(irreps, y)
      return tensor.left_right([w[i] for i in range(number)], x, y).array

    product = jax.vmap(one, (None, 0, 0))
    self.forward = jax.jit(lambda w, x, y, z: dict(y=product(w, x, y)))

    @jax.jit
    def gradients(w, x, y, cotangent):
      value, pullback = jax.vjp(product, w, x, y)
      w, x, y = pullback(cotangent)
      return dict(y=value, kernel=w, inputs1=x, inputs2=y)

    self.gradients = gradients

  def arrays(self, *arrays):
    return [self.jax.numpy.asarray(x) for x in arrays]

  def wait(self, results):
    return self.jax.block_until_ready(results)


class Torch:
  """e3nn, with the code that it generates; TorchScript looks at the first calls and compiles again."""

  warm_up = 8

  def __init__(self, args):
    import torch
    from e3nn import o3

    self.torch = torch
    torch.set_num_threads(int(os.environ['OMP_NUM_THREADS']))
    harmonics = lambda l, points: o3.spherical_harmonics(l, torch.tensor(points), normalize=True)
    self.product = Product(args, harmonics, o3.wigner_3j)
    irreps = self.product.irreps.text
    self.tensor = o3.TensorProduct(
        irreps, irreps, irreps, self.product.instructions, shared_weights=True, internal_weights=False
    )
    self.product.normalised([path.path_weight for path in self.tensor.instructions])

  def arrays(self, *arrays):
    return [self.torch.tensor(x) for x in arrays]

  def forward(self, w, x, y, _):
    with self.torch.no_grad():
      return dict(y=self.tensor(x, y, w.reshape(-1)))

  def gradients(self, w, x, y, cotangent):
    inputs = [a.detach().requires_grad_() for a in (w, x, y)]
    value = self.tensor(inputs[1], inputs[2], inputs[0].reshape(-1))
    w, x, y = self.torch.autograd.grad(value, inputs, cotangent)
    return dict(y=value.detach(), kernel=w, inputs1=x, inputs2=y)

  def wait(self, results):
    return results


class Worker:
  """Answers requests; each method is one."""

  def __init__(self, library, folder):
    self.library, self.folder = library, folder

  def build(self, measure):
    workload = json.loads((self.folder / 'workload.json').read_text())
    tensors = safetensors.numpy.load_file(self.folder / 'inputs.safetensors')
    self.side = dict(e3nn=Torch, e3nn_jax=Jax)[self.library](workload['args'])
    self.kernel_shape = tensors['param.kernel'].shape
    product = self.side.product
    features = [product.irreps.from_e3x(tensors[f'in.{name}']) for name in ('inputs1', 'inputs2', 'cotangent')]
    operands = self.side.arrays(product.weights(tensors['param.kernel']), *features)
    function = getattr(self.side, measure)
    self.call = lambda: self.side.wait(function(*operands))
    self.first = self.call()
    for _ in range(self.side.warm_up):
      self.call()
    return {}

  def check(self, measure):
    expected = safetensors.numpy.load_file(self.folder / f'{measure}.safetensors')
    product = self.side.product
    worst = 0.0
    for name, result in self.first.items():
      result = np.asarray(result)
      if name == 'kernel':
        result = product.kernel_gradient(result, self.kernel_shape)
        name = 'grad.param.kernel'
      else:
        result = product.irreps.to_e3x(result)
        name = name if name == 'y' else f'grad.in.{name}'
      difference = np.abs(result - expected[name]).max() / np.abs(expected[name]).max()
      worst = max(worst, float(difference))
    return dict(deviation=worst)

  def time(self, calls):
    samples = []
    for _ in range(calls):
      start = time.perf_counter()
      self.call()
      samples.append(1e3 * (time.perf_counter() - start))
    return dict(ms=samples)


def main():
  worker = Worker(sys.argv[1], pathlib.Path(sys.argv[2]))
  print('{}', flush=True)
  for line in sys.stdin:
    request = json.loads(line)
    print(json.dumps(getattr(worker, request.pop('do'))(**request)), flush=True)


if __name__ == '__main__':
  main()
