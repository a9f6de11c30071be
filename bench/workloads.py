"""What is timed: the list of workloads, as plain data.

Both sides read a workload's `kind` and `args` from its `workload.json` and build what it describes; the numbers
(inputs and parameters) are drawn by the reference's side, see reference_layers.py and reference_atoms.py.
"""

import dataclasses

# Highest degrees of the layers.
DEGREES = range(1, 7)
# What is measured of a layer.  `gradients` computes the value as well.
VALUE_AND_GRADIENTS = ('forward', 'gradients')


@dataclasses.dataclass(frozen=True)
class Workload:
  """One pair of processes: the same work in the reference and in Rust.

  `goal` is the ratio reference / Rust that is aimed at.  `quick` workloads are part of a quick run, `slow` ones only of
  a run of all.
  """

  name: str
  kind: str
  args: dict
  measures: tuple
  goal: float | None = None
  quick: bool = False
  slow: bool = False


# Goals of tensor products and message passing by degree.
LAYER_GOALS = {2: 10, 4: 25, 6: 50}


def layers():
  """Single layers, on features of degree L."""
  for kind in ('tensor', 'fused_tensor'):
    for pseudotensors in (True, False):
      label = 'with' if pseudotensors else 'without'
      for degree in DEGREES:
        yield Workload(
            f'{kind}/{label}_pseudotensors/L{degree}',
            kind,
            dict(items=1000, features=32, max_degree=degree, pseudotensors=pseudotensors),
            VALUE_AND_GRADIENTS,
            goal=LAYER_GOALS.get(degree) if kind == 'tensor' else None,
            quick=pseudotensors and degree == 2,
        )
  graph = dict(nodes=100, edges=3000, num_basis=16, cutoff=5.0)
  for features in (32, 64):
    for degree in DEGREES:
      yield Workload(
          f'message_pass/F{features}/L{degree}',
          'message_pass',
          dict(features=features, max_degree=degree, **graph),
          VALUE_AND_GRADIENTS,
          goal=LAYER_GOALS.get(degree),
          quick=features == 32 and degree == 2,
          slow=features == 64 and degree > 4,
      )
  for degree in DEGREES:
    args = dict(items=1000, features=32, max_degree=degree)
    yield Workload(f'dense/L{degree}', 'dense', args, VALUE_AND_GRADIENTS, quick=degree == 2)
  for degree in (1, 2, 3):
    args = dict(features=32, max_degree=degree, num_heads=4, **graph)
    yield Workload(f'self_attention/L{degree}', 'self_attention', args, VALUE_AND_GRADIENTS, quick=degree == 1)
  for degree in (2, 4, 6):
    args = dict(vectors=10_000, max_degree=degree)
    yield Workload(
        f'spherical_harmonics/L{degree}', 'spherical_harmonics', args, VALUE_AND_GRADIENTS, quick=degree == 4
    )


def models():
  """The message-passing model of E3x's tutorial on MD17, on ethanol and on large systems."""
  size = dict(num_iterations=3, num_basis=16, cutoff=5.0)
  for features, degree, goal in ((32, 1, None), (32, 2, 10), (64, 3, 10)):
    model = dict(features=features, max_degree=degree, batch=10, **size)
    name = f'ethanol/F{features}_L{degree}_batch10'
    yield Workload(
        f'{name}/inference', 'ethanol', model, ('single', 'batch'), goal=goal, quick=(features, degree) == (32, 2)
    )
    yield Workload(
        f'{name}/training',
        'ethanol',
        # A small rate: the steps start from random parameters.
        dict(learning_rate=1e-3, **model),
        ('step',),
        goal=20 if (features, degree) == (64, 3) else goal,
        quick=(features, degree) == (32, 2),
    )
  for atoms in (1_000, 10_000):
    yield Workload(
        f'atoms/{atoms}',
        'atoms',
        dict(atoms=atoms, neighbors=30, features=32, max_degree=2, **size),
        ('energy_and_forces',),
        quick=atoms == 1_000,
    )


ALL = (*models(), *layers())
