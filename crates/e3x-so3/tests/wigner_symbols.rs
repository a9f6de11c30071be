//! 3j and 6j symbols against SymPy, exact arithmetic, and what they must satisfy.

mod common;

use common::{integers, rows, table};
use e3x_so3::{
    Error, HalfInteger, MAX_ANGULAR_MOMENTUM, clebsch_gordan_coefficient, wigner_3j, wigner_6j,
};
use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Signed, ToPrimitive, Zero};

/// From twice the quantum numbers.
fn halves<const N: usize>(doubled: [i64; N]) -> [HalfInteger; N] {
    doubled.map(|d| HalfInteger::halves(d as i32))
}

fn three_j(j: [i64; 3], m: [i64; 3]) -> f64 {
    wigner_3j(halves(j), halves(m)).unwrap()
}

fn six_j(j: [i64; 6]) -> f64 {
    wigner_6j(halves(j)).unwrap()
}

#[test]
fn agree_with_sympy() {
    let table = table("wigner.json");
    let mut largest = [0.0_f64; 2];
    let error = |actual: f64, expected: f64| (actual - expected).abs() / expected.abs().max(1e-300);
    for row in rows(&table, "three_j") {
        let [j1, j2, j3, m1, m2, m3] = integers(&row[0]);
        let actual = three_j([j1, j2, j3], [m1, m2, m3]);
        largest[0] = largest[0].max(error(actual, row[1].as_f64().unwrap()));
    }
    for row in rows(&table, "six_j") {
        let actual = six_j(integers(&row[0]));
        largest[1] = largest[1].max(error(actual, row[1].as_f64().unwrap()));
    }
    println!(
        "largest relative error: 3j {:e}, 6j {:e}",
        largest[0], largest[1]
    );
    assert!(largest[0] < 2e-15 && largest[1] < 2e-15);
}

/// Sign and square of Racah's sums in exact numbers, with the arguments of all factorials as given.
struct Exact {
    factorials: Vec<BigInt>,
}

impl Exact {
    fn new() -> Self {
        let mut factorials = vec![BigInt::one()];
        for k in 1..200 {
            factorials.push(&factorials[k - 1] * k);
        }
        Self { factorials }
    }

    fn factorial(&self, n: i64) -> BigRational {
        self.factorials[usize::try_from(n).unwrap()].clone().into()
    }

    /// `Δ²`, from twice the momenta.
    fn triangle(&self, [a, b, c]: [i64; 3]) -> BigRational {
        let sum = [a, b, c].iter().sum::<i64>() / 2;
        self.factorial(sum - c) * self.factorial(sum - b) * self.factorial(sum - a)
            / self.factorial(sum + 1)
    }

    /// `Σ (-1)^k / Π (factorials)` over the `k` for which no argument is negative.
    fn sum(&self, arguments: impl Fn(i64) -> Vec<i64>) -> BigRational {
        let mut sum = BigRational::zero();
        for k in 0..100 {
            let arguments = arguments(k);
            if arguments.iter().all(|&n| n >= 0) {
                let sign = BigRational::from(BigInt::from(1 - 2 * (k % 2)));
                let product: BigRational = arguments.iter().map(|&n| self.factorial(n)).product();
                sum += sign / product;
            }
        }
        sum
    }

    fn three_j(&self, j: [i64; 3], m: [i64; 3]) -> f64 {
        let half = |n: i64| n / 2;
        let sum = self.sum(|k| {
            vec![
                k,
                half(j[0] + j[1] - j[2]) - k,
                half(j[0] - m[0]) - k,
                half(j[1] + m[1]) - k,
                half(j[2] - j[1] + m[0]) + k,
                half(j[2] - j[0] - m[1]) + k,
            ]
        });
        let mut square = self.triangle(j);
        for (j, m) in j.into_iter().zip(m) {
            square *= self.factorial(half(j + m)) * self.factorial(half(j - m));
        }
        let sign = if (half(j[0] - j[1] - m[2]) % 2 == 0) == sum.is_negative() {
            -1.0
        } else {
            1.0
        };
        sign * (square * &sum * &sum).to_f64().unwrap().sqrt()
    }

    fn six_j(&self, j: [i64; 6]) -> f64 {
        let triads = [[0, 1, 2], [0, 4, 5], [3, 1, 5], [3, 4, 2]].map(|t| t.map(|i: usize| j[i]));
        let a = triads.map(|t| t.iter().sum::<i64>() / 2);
        let b = [[0, 1, 3, 4], [1, 2, 4, 5], [2, 0, 5, 3]]
            .map(|t| t.iter().map(|&i: &usize| j[i]).sum::<i64>() / 2);
        let mut sum = BigRational::zero();
        for t in a.into_iter().max().unwrap()..=b.into_iter().min().unwrap() {
            let product: BigRational = (a.iter().map(|a| self.factorial(t - a)))
                .chain(b.iter().map(|b| self.factorial(b - t)))
                .product();
            let sign = BigRational::from(BigInt::from(1 - 2 * (t % 2)));
            sum += sign * self.factorial(t + 1) / product;
        }
        let square: BigRational = triads.map(|t| self.triangle(t)).into_iter().product();
        let magnitude = (square * &sum * &sum).to_f64().unwrap().sqrt();
        if sum.is_negative() {
            -magnitude
        } else {
            magnitude
        }
    }
}

/// Allowed triads of twice the momenta.
fn triads(largest: i64) -> impl Iterator<Item = [i64; 3]> {
    (0..=largest).flat_map(move |a| {
        (0..=largest).flat_map(move |b| {
            ((a - b).abs()..=(a + b).min(largest))
                .step_by(2)
                .map(move |c| [a, b, c])
        })
    })
}

#[test]
fn agree_with_exact_arithmetic() {
    let exact = Exact::new();
    let mut largest = [0.0_f64; 2];
    for j in triads(6) {
        for m1 in (-j[0]..=j[0]).step_by(2) {
            for m2 in (-j[1]..=j[1]).step_by(2) {
                let m = [m1, m2, -m1 - m2];
                if m[2].abs() <= j[2] {
                    largest[0] = largest[0].max((three_j(j, m) - exact.three_j(j, m)).abs());
                }
            }
        }
    }
    for m1 in -20..=20 {
        let m = [2 * m1, 14 - 2 * m1, -14];
        let j = [40, 40, 36];
        if m[1].abs() <= j[1] {
            largest[0] = largest[0].max((three_j(j, m) - exact.three_j(j, m)).abs());
        }
    }
    for [j1, j2, j3] in triads(5) {
        for [j4, j5, _] in triads(3) {
            for j6 in 0..=5 {
                let j = [j1, j2, j3, j4, j5, j6];
                let allowed = [[j1, j5, j6], [j4, j2, j6], [j4, j5, j3]].iter().all(|t| {
                    let sum: i64 = t.iter().sum();
                    sum % 2 == 0 && t.iter().all(|&x| 2 * x <= sum)
                });
                if allowed {
                    largest[1] = largest[1].max((six_j(j) - exact.six_j(j)).abs());
                } else {
                    assert_eq!(six_j(j), 0.0);
                }
            }
        }
    }
    println!("largest error: 3j {:e}, 6j {:e}", largest[0], largest[1]);
    assert!(largest[0] < 4e-16 && largest[1] < 4e-16);
}

#[test]
fn large_arguments_are_orthonormal() {
    // Σ over m1 of (2 j3 + 1) 3j² = 1.
    for j in [[200, 199, 201], [400, 400, 300]] {
        let m3 = j[2] % 2 + 10;
        let sum: f64 = (-j[0]..=j[0])
            .step_by(2)
            .map(|m1| three_j(j, [m1, -m3 - m1, m3]).powi(2))
            .sum();
        assert!((sum * (j[2] + 1) as f64 - 1.0).abs() < 1e-13);
    }
    let limit = MAX_ANGULAR_MOMENTUM as i32;
    let largest = wigner_6j([limit, limit, limit, limit, limit, limit]).unwrap();
    assert!(largest != 0.0 && largest.abs() < 1e-3);
    assert!(wigner_3j([limit; 3], [0, 0, 0]).unwrap() != 0.0);
}

/// `Σ_x (2x+1)(2 j3+1) {a b x; c d j3} {a b x; c d j3'} = δ(j3, j3')`, with `{c d x; a b j}` read in columns.
#[test]
fn six_j_are_orthogonal() {
    let [a, b, c, d] = [3, 4, 5, 4];
    for p in [0, 2, 4, 6] {
        for q in [0, 2, 4, 6] {
            let sum: f64 = (0..=12)
                .map(|x| (x + 1) as f64 * six_j([a, b, x, c, d, p]) * six_j([c, d, x, a, b, q]))
                .sum();
            let exists =
                |p: i64| six_j([a, d, p, d, a, 0]) != 0.0 && six_j([b, c, p, c, b, 0]) != 0.0;
            let expected = if p == q && exists(p) {
                1.0 / (p + 1) as f64
            } else {
                0.0
            };
            assert!((sum - expected).abs() < 1e-15, "{p} {q}: {sum}");
        }
    }
}

#[test]
fn symmetries() {
    for j in triads(5) {
        let sign = if (j.iter().sum::<i64>() / 2) % 2 == 0 {
            1.0
        } else {
            -1.0
        };
        for m1 in (-j[0]..=j[0]).step_by(2) {
            for m2 in (-j[1]..=j[1]).step_by(2) {
                let m = [m1, m2, -m1 - m2];
                let value = three_j(j, m);
                let close = |other: f64| (value - other).abs() < 1e-15;
                assert!(close(three_j([j[1], j[2], j[0]], [m[1], m[2], m[0]])));
                assert!(close(
                    sign * three_j([j[1], j[0], j[2]], [m[1], m[0], m[2]])
                ));
                assert!(close(sign * three_j(j, m.map(|m| -m))));
                let phase = if (j[0] - j[1] - m[2]) % 4 == 0 {
                    1.0
                } else {
                    -1.0
                };
                let third = halves([m[0], m[1], -m[2]]);
                let coefficient = clebsch_gordan_coefficient(halves(j), third).unwrap();
                assert!(close(phase * coefficient / ((j[2] + 1) as f64).sqrt()));
            }
        }
    }
}

#[test]
fn selection_rules_and_impossible_arguments() {
    assert_eq!(wigner_3j([1, 1, 1], [0, 0, 0]), Ok(0.0));
    assert_eq!(wigner_3j([1, 1, 2], [1, 1, 2]), Ok(0.0));
    assert_eq!(wigner_3j([1, 1, 3], [0, 0, 0]), Ok(0.0));
    assert_eq!(wigner_3j([1, 1, 2], [2, -2, 0]), Ok(0.0));
    assert_eq!(wigner_6j([1, 1, 1, 1, 1, 3]), Ok(0.0));
    // j1 + j2 + j3 is no integer.
    assert_eq!(wigner_6j(halves([1, 2, 2, 2, 2, 2])), Ok(0.0));
    assert_eq!(clebsch_gordan_coefficient([1, 1, 2], [1, 0, 0]), Ok(0.0));
    let error = wigner_3j([-1, 1, 1], [0, 0, 0]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`j` must be angular momenta between 0 and 1000, received -1"
    );
    let error = wigner_3j(halves([1, 1, 2]), halves([1, 0, -1])).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`m` must be a whole number away from j = 1/2, received 0"
    );
    assert!(matches!(
        wigner_6j([1, 1, 1, 1, 1, i32::MAX]),
        Err(Error::Invalid { argument: "j", .. })
    ));
}
