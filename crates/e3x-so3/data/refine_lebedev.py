"""Refines lebedev.txt: the published points and weights, moved until harmonics integrate to rounding.

    pip install numpy
    python refine_lebedev.py            # rewrites lebedev.txt; a second run changes last digits at most
    python refine_lebedev.py --check    # prints residuals only

The printed digits of the rules leave integrals of harmonics (with mean square one) of up to 4e-12. The unknowns of a
rule are the weights of its orbits under the octahedral group and the places of their first points. The equations say
that harmonics of degrees 1 to the precision of the rule integrate to zero. Almost all do by symmetry: what remains
are, for even degrees l, the averages over the three axes of the harmonics cos(4 k phi) P(l, 4k)(z). They are solved by
Gauss and Newton's method, with residuals in the extended precision of x86 (np.longdouble, 64 bits of mantissa) and a
Jacobian in double precision. Many points close together can trade weight almost freely, so steps leave out directions
that hardly change an integral (singular values below 1e-6 of the largest): points stay where they were published, up
to 4e-13.
"""

import pathlib
import sys

import numpy as np

PATH = pathlib.Path(__file__).with_name('lebedev.txt')
REAL = np.longdouble
SIZES = {'a1': 6, 'a2': 12, 'a3': 8, 'b': 24, 'c': 24, 'd': 48}


def read():
    """The comments, and for every rule its header and orbits (kind, weight, first point)."""
    comments, rules = [], []
    for line in PATH.read_text().splitlines():
        words = line.split()
        if line.startswith('#'):
            comments.append(line)
        elif words[0] == 'rule':
            rules.append((int(words[1]), int(words[2]), []))
        else:
            rules[-1][2].append([words[0], REAL(words[1]), first_point(words)])
    return comments, rules


def first_point(words):
    kind, numbers = words[0], [REAL(word) for word in words[2:]]
    points = {
        'a1': [1, 0, 0],
        'a2': [1, 1, 0],
        'a3': [1, 1, 1],
        'b': numbers[:1] + numbers,
        'c': [*numbers, 0],
        'd': numbers,
    }
    return unit(np.array(points[kind], dtype=REAL))


def unit(point):
    return point / np.sqrt((point * point).sum())


def tangents(kind, point):
    """The directions in which a point can move without leaving its kind of orbit."""
    x, y, z = point
    if kind == 'b':
        return [np.array([z, z, -2 * x]) / np.sqrt(REAL(2))]
    if kind == 'c':
        return [np.array([-y, x, 0 * x])]
    if kind == 'd':
        first = np.array([-y, x, 0 * x]) / np.hypot(x, y)
        return [first, np.cross(point, first)]
    return []


def moved(point, tangent, step):
    return unit(point + step * tangent)


def invariants(points, precision):
    """The averages over the axes of the harmonics of even degrees and orders 4k, with mean square one.

    Points of shape (n, 3), result (harmonics, n). The recursions are those of the crate.
    """
    n = len(points)
    turned = np.concatenate([points, np.roll(points, 1, axis=1), np.roll(points, 2, axis=1)])
    x, y, z = turned.T
    power = np.ones(3 * n, dtype=np.clongdouble)
    rows = []
    for m in range(0, precision + 1):
        if m > 0:
            power = power * (x + 1j * y) * np.sqrt(REAL(2 * m + 1) / (1 if m == 1 else 2 * m))
        if m % 4:
            continue
        before, this = np.zeros(3 * n, dtype=REAL), power.real
        for l in range(m, precision + 1):
            if l % 2 == 0:
                rows.append(this.reshape(3, n).mean(axis=0))
            norm = lambda k: np.sqrt(REAL((k - m) * (k + m)) / REAL((2 * k - 1) * (2 * k + 1)))
            before, this = this, (z * this - (norm(l) * before if l > m else 0)) / norm(l + 1)
    return np.array(rows)


def residuals(precision, orbits):
    sizes = np.array([SIZES[kind] for kind, _, _ in orbits], dtype=REAL)
    weights = np.array([weight for _, weight, _ in orbits])
    integrals = invariants(np.array([point for _, _, point in orbits]), precision) @ (sizes * weights)
    integrals[0] -= 1
    return integrals


def largest_integral(precision, orbits):
    return 4 * np.pi * abs(residuals(precision, orbits)).max()


def step(precision, orbits):
    """One step of Gauss and Newton's method."""
    columns, points, width = [], np.array([point for _, _, point in orbits]), REAL(3e-8)
    values = invariants(points, precision)
    for i, (kind, weight, point) in enumerate(orbits):
        columns.append((i, None, SIZES[kind] * values[:, i] * weight))
        for tangent in tangents(kind, point):
            ends = np.array([moved(point, tangent, width), moved(point, tangent, -width)])
            plus, minus = invariants(ends, precision).T
            columns.append((i, tangent, SIZES[kind] * weight * (plus - minus) / (2 * width)))
    jacobian = np.array([column for _, _, column in columns], dtype=np.float64).T
    right = -residuals(precision, orbits)
    scale = max(abs(right).max(), REAL(1e-30))
    change = np.linalg.lstsq(jacobian, (right / scale).astype(np.float64), rcond=1e-6)[0] * scale
    for (i, tangent, _), delta in zip(columns, change):
        if tangent is None:
            orbits[i][1] *= 1 + delta
        else:
            orbits[i][2] = moved(orbits[i][2], tangent, delta)


def line(kind, weight, point):
    numbers = [weight, *point[{'b': slice(1, 3), 'c': slice(2), 'd': slice(3)}.get(kind, slice(0))]]
    return ' '.join([kind, *(repr(float(number)) for number in numbers)])


def rounded(orbits):
    """The orbits that a reader of the file gets."""
    words = [line(*orbit).split() for orbit in orbits]
    return [[word[0], REAL(word[1]), first_point(word)] for word in words]


def main():
    comments, rules = read()
    lines = list(comments)
    for precision, num, orbits in rules:
        before = largest_integral(precision, orbits)
        if '--check' in sys.argv:
            print(f'{precision:4d} {num:5d} {before:.1e}')
            continue
        published = [[weight, *point] for _, weight, point in orbits]
        for _ in range(3):
            step(precision, orbits)
        moves = abs(np.array([[weight, *point] for _, weight, point in orbits]) - published).max(axis=0)
        exact, after = largest_integral(precision, orbits), largest_integral(precision, rounded(orbits))
        print(f'{precision:4d} {num:5d} {before:.1e} -> {after:.1e} ({exact:.1e} before rounding);'
              f' weights moved by {moves[0]:.1e}, points by {moves[1:].max():.1e}')
        lines += [f'rule {precision} {num}', *(line(*orbit) for orbit in orbits)]
    if '--check' not in sys.argv:
        PATH.write_text('\n'.join(lines) + '\n')


if __name__ == '__main__':
    main()
