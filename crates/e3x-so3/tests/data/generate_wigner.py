"""Writes wigner.json: 3j and 6j symbols, real Gaunt coefficients and complex harmonics of SymPy and SciPy.

    pip install sympy scipy
    python generate_wigner.py
"""

import json
import pathlib
import random

import scipy
import sympy
from scipy.special import sph_harm_y
from sympy import Rational
from sympy.physics.wigner import real_gaunt, wigner_3j, wigner_6j


def momenta(doubled):
    return [Rational(d, 2) for d in doubled]


def number(value):
    return float(sympy.N(value, 25))


def random_triad(rng, largest):
    a, b = rng.randint(0, largest), rng.randint(0, largest)
    return [a, b, rng.randrange(abs(a - b), a + b + 1, 2)]


def three_j(rng, largest, count):
    """Twice the quantum numbers, and the symbol; all allowed."""
    rows = []
    while len(rows) < count:
        j = random_triad(rng, largest)
        m = [rng.randrange(-d, d + 1, 2) for d in j[:2]]
        m.append(-sum(m))
        if abs(m[2]) <= j[2]:
            rows.append([j + m, number(wigner_3j(*momenta(j + m)))])
    return rows


def six_j(rng, largest, count):
    rows = []
    while len(rows) < count:
        j = [rng.randint(0, largest) for _ in range(6)]
        triads = [(0, 1, 2), (0, 4, 5), (3, 1, 5), (3, 4, 2)]
        allowed = all(
            sum(j[i] for i in t) % 2 == 0 and 2 * max(j[i] for i in t) <= sum(j[i] for i in t)
            for t in triads
        )
        if allowed:
            rows.append([j, number(wigner_6j(*momenta(j)))])
    return rows


def gaunt(rng, largest, count):
    rows = []
    while len(rows) < count:
        l = [rng.randint(0, largest) for _ in range(3)]
        m = [rng.randint(-d, d) for d in l]
        value = number(real_gaunt(*l, *m))
        if value != 0 or rng.random() < 0.03:
            rows.append([l + m, value])
    return rows


def harmonics(rng):
    rows = []
    for _ in range(3):
        polar, azimuth = rng.uniform(0, 3.1), rng.uniform(0, 6.2)
        values = [complex(sph_harm_y(l, m, polar, azimuth)) for l in range(5) for m in range(-l, l + 1)]
        rows.append([polar, azimuth, [[v.real, v.imag] for v in values]])
    return rows


def main():
    rng = random.Random(0)
    table = {
        "source": f"SymPy {sympy.__version__}, SciPy {scipy.__version__}; see generate_wigner.py",
        "three_j": three_j(rng, 8, 40) + three_j(rng, 40, 30) + three_j(rng, 150, 10),
        "six_j": six_j(rng, 6, 40) + six_j(rng, 40, 30) + six_j(rng, 120, 6),
        "real_gaunt": gaunt(rng, 4, 60) + gaunt(rng, 9, 20),
        "harmonics": harmonics(rng),
    }
    path = pathlib.Path(__file__).with_name("wigner.json")
    lines = []
    for key, value in table.items():
        if isinstance(value, str):
            lines.append(f"{json.dumps(key)}: {json.dumps(value)}")
        else:
            rows = ",\n".join(json.dumps(row) for row in value)
            lines.append(f"{json.dumps(key)}: [\n{rows}\n]")
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
