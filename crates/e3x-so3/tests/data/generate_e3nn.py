"""Writes e3nn.json: harmonics, coupling coefficients, layers and rotations of e3nn.

    pip install e3nn
    python generate_e3nn.py
"""

import json
import pathlib

import e3nn
import torch
from e3nn import o3

torch.set_default_dtype(torch.float64)
torch.manual_seed(0)


def numbers(x):
    return [float(f"{v:.16g}") for v in x.detach().flatten().tolist()]


def harmonics(largest):
    r = torch.randn(2, 3)
    irreps = o3.Irreps.spherical_harmonics(largest)
    values = o3.spherical_harmonics(irreps, r, normalize=True, normalization="norm")
    component = o3.spherical_harmonics(irreps, r, normalize=True, normalization="component")
    integral = o3.spherical_harmonics(irreps, r, normalize=True, normalization="integral")
    return {
        "r": numbers(r),
        "max_degree": largest,
        "norm": numbers(values),
        "component": numbers(component),
        "integral": numbers(integral),
    }


def coupling():
    degrees = [(0, 1, 1), (1, 1, 0), (1, 1, 1), (1, 1, 2), (2, 1, 1), (2, 1, 2), (2, 2, 3), (3, 2, 2)]
    return [[list(l), numbers(o3.wigner_3j(*l))] for l in degrees]


def rotation():
    """e3nn's matrices act on columns."""
    rot = o3.rand_matrix()
    return {"matrix": numbers(rot), "blocks": [numbers(o3.Irrep(l, 1).D_from_matrix(rot)) for l in range(4)]}


def linear(inputs, outputs, biases):
    layer = o3.Linear(inputs, outputs, biases=biases)
    if biases:
        layer.bias = torch.nn.Parameter(torch.randn_like(layer.bias))
    x = torch.randn(2, layer.irreps_in.dim)
    return {
        "inputs": inputs,
        "outputs": outputs,
        "weight": numbers(layer.weight),
        "bias": numbers(layer.bias),
        "x": numbers(x),
        "y": numbers(layer(x)),
    }


def tensor(first, second, product, fully):
    if fully:
        layer = o3.FullyConnectedTensorProduct(first, second, product)
    else:
        irreps = [o3.Irreps(i) for i in (first, second, product)]
        instructions = [
            (i, j, k, "uuu", True)
            for i, (_, a) in enumerate(irreps[0])
            for j, (_, b) in enumerate(irreps[1])
            for k, (_, c) in enumerate(irreps[2])
            if c in a * b
        ]
        layer = o3.TensorProduct(*irreps, instructions)
    x1, x2 = torch.randn(2, layer.irreps_in1.dim), torch.randn(2, layer.irreps_in2.dim)
    return {
        "inputs": [first, second],
        "output": product,
        "weight": numbers(layer.weight),
        "x1": numbers(x1),
        "x2": numbers(x2),
        "y": numbers(layer(x1, x2)),
    }


def main():
    table = {
        "source": f"e3nn {e3nn.__version__}, torch {torch.__version__}; see generate_e3nn.py",
        "harmonics": harmonics(4),
        "wigner_3j": coupling(),
        "rotation": rotation(),
        "linear": [
            linear("2x0e + 2x1o + 2x2e", "3x0e + 3x1o + 3x2e", False),
            linear("2x0e + 2x1o", "1x0e + 2x1o + 1x0e", True),
            linear("1x0e + 1x1o + 1x0e + 2x1e + 1x1o", "2x0e + 2x1o + 2x1e", True),
        ],
        "tensor": [
            tensor("2x0e + 2x1o", "2x0e + 2x1o + 2x2e", "2x0e + 2x1o + 2x2e", False),
            tensor("1x0e + 1x1o", "1x0e + 1x1o", "1x0e + 1x0o + 1x1o + 1x1e", True),
        ],
    }
    text = ",\n".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in table.items())
    pathlib.Path(__file__).with_name("e3nn.json").write_text("{\n" + text + "\n}\n")


if __name__ == "__main__":
    main()
