//! Harmonics of many points: blocks, tails, orders and degrees must not show in the numbers.

mod common;
#[path = "common/instructions.rs"]
mod instructions;

use common::Numbers;
use e3x_so3::{Normalization, Order, Real, SphericalHarmonics, num_harmonics};

/// Values, gradients and Hessians.
type Arrays<T> = [Vec<T>; 3];

fn evaluate<T: Real>(harmonics: &SphericalHarmonics<T>, r: &[T]) -> Arrays<T> {
    let length = r.len() / 3 * harmonics.num_harmonics();
    let [mut v, mut g, mut h] = [1, 3, 9].map(|n| vec![T::ZERO; n * length]);
    harmonics
        .values_gradients_and_hessians(r, &mut v, &mut g, &mut h)
        .unwrap();
    [v, g, h]
}

fn points<T: Real>(num: usize) -> Vec<T> {
    let mut numbers = Numbers(7);
    let mut points: Vec<f64> = (0..3 * num).map(|_| numbers.next()).collect();
    // Vectors that are treated apart, between others.
    let tiny = T::TINY.to_f64();
    let special = [0.0, tiny, tiny.sqrt() * 0.5, tiny.sqrt() * 4.0, 1.0 / tiny];
    for (i, scale) in special.into_iter().enumerate() {
        if let Some(point) = points.get_mut(9 * i..9 * i + 3) {
            for x in point {
                *x *= scale;
            }
        }
    }
    points.into_iter().map(T::from_f64).collect()
}

fn all<T: Real>(max_degree: usize) -> Vec<SphericalHarmonics<T>> {
    let mut all = vec![];
    for cartesian_order in [true, false] {
        for r_is_normalized in [true, false] {
            for normalization in [Normalization::Racah, Normalization::Orthonormal] {
                all.push(
                    SphericalHarmonics::new(
                        max_degree,
                        cartesian_order,
                        normalization,
                        r_is_normalized,
                    )
                    .unwrap(),
                );
            }
        }
    }
    all
}

/// Whether numbers are the same, or both are not a number.
fn same<T: Real>(a: &[T], b: &[T]) -> bool {
    let is_same = |(a, b): (&T, &T)| a == b || (a.to_f64().is_nan() && b.to_f64().is_nan());
    a.len() == b.len() && a.iter().zip(b).all(is_same)
}

/// Whether rows differ by rounding, compared with their largest numbers.
fn close(a: &[f64], b: &[f64], row: usize) -> bool {
    let rows = a.chunks_exact(row).zip(b.chunks_exact(row));
    rows.into_iter().all(|(a, b)| {
        let scale = b.iter().fold(1.0_f64, |scale, b| scale.max(b.abs()));
        let pairs = a.iter().zip(b);
        !scale.is_finite()
            || pairs
                .into_iter()
                .all(|(a, b)| (a - b).abs() <= 1e-13 * scale)
    })
}

fn points_do_not_depend_on_each_other<T: Real>() {
    for (max_degree, num) in [(0, 37), (1, 50), (4, 33), (7, 40), (4, 2500)] {
        let r = points::<T>(num);
        for harmonics in all::<T>(max_degree) {
            let together = evaluate(&harmonics, &r);
            for i in (0..num).step_by(1 + num / 40) {
                let alone = evaluate(&harmonics, &r[3 * i..3 * i + 3]);
                for (alone, together) in alone.iter().zip(&together) {
                    let row = &together[i * alone.len()..(i + 1) * alone.len()];
                    assert!(same(alone, row), "degree {max_degree}, point {i} of {num}");
                }
            }
        }
    }
}

#[test]
fn points_do_not_depend_on_each_other_in_double_precision() {
    points_do_not_depend_on_each_other::<f64>();
}

#[test]
fn points_do_not_depend_on_each_other_in_single_precision() {
    points_do_not_depend_on_each_other::<f32>();
}

/// Up to degree 4 there is code of its own, and the code for gradients is not the one for Hessians.
#[test]
fn degrees_do_not_depend_on_the_largest_one() {
    let r = points::<f64>(45);
    for max_degree in 0..8 {
        let pairs = all(max_degree).into_iter().zip(all(11));
        for (low, high) in pairs {
            let [values, gradients, hessians] = evaluate(&high, &r);
            let (num, high_num) = (num_harmonics(max_degree), high.num_harmonics());
            let shorten = |rows: &[f64], n: usize| -> Vec<f64> {
                let rows = rows.chunks_exact(n * high_num);
                rows.flat_map(|row| row[..n * num].to_vec()).collect()
            };
            let expected = [
                shorten(&values, 1),
                shorten(&gradients, 3),
                shorten(&hessians, 9),
            ];
            let actual = evaluate(&low, &r);
            for (actual, expected) in actual.iter().zip(&expected) {
                assert!(same(actual, expected), "degree {max_degree}");
            }
            let mut only_values = vec![0.0; actual[0].len()];
            low.values(&r, &mut only_values).unwrap();
            assert!(same(&only_values, &actual[0]), "degree {max_degree}");
            let mut gradients = vec![0.0; actual[1].len()];
            low.values_and_gradients(&r, &mut only_values, &mut gradients)
                .unwrap();
            assert!(same(&only_values, &actual[0]), "degree {max_degree}");
            assert!(close(&gradients, &actual[1], 3 * num));
        }
    }
}

#[test]
fn orders_are_permutations_of_each_other() {
    let r = points::<f64>(19);
    for max_degree in [1, 3, 4, 5, 9] {
        let new = |cartesian_order| {
            SphericalHarmonics::new(max_degree, cartesian_order, Normalization::FourPi, false)
                .unwrap()
        };
        let (cartesian, standard) = (evaluate(&new(true), &r), evaluate(&new(false), &r));
        for (n, (cartesian, standard)) in [1, 3, 9].into_iter().zip(cartesian.iter().zip(&standard))
        {
            let row = n * num_harmonics(max_degree);
            let rows = cartesian.chunks_exact(row).zip(standard.chunks_exact(row));
            for (cartesian, standard) in rows {
                for l in 0..=max_degree {
                    for i in 0..=2 * l {
                        let j = Order::Standard.position(l, Order::Cartesian.m(l, i));
                        let (a, b) = (n * (l * l + i), n * (l * l + j));
                        assert!(same(&cartesian[a..a + n], &standard[b..b + n]));
                    }
                }
            }
        }
    }
}

#[test]
fn normalizations_are_factors() {
    let r = points::<f64>(21);
    let new = |normalization| SphericalHarmonics::new(6, true, normalization, false).unwrap();
    let racah = evaluate(&new(Normalization::Racah), &r);
    for normalization in [Normalization::FourPi, Normalization::Orthonormal] {
        let scaled = evaluate(&new(normalization), &r);
        for (n, (racah, scaled)) in [1, 3, 9].into_iter().zip(racah.iter().zip(&scaled)) {
            let factor = |i: usize| normalization.factor((i / n % 49).isqrt());
            let expected: Vec<_> = racah
                .iter()
                .enumerate()
                .map(|(i, x)| x * factor(i))
                .collect();
            assert!(close(scaled, &expected, 49 * n));
        }
    }
}
