use super::bernstein::{LARGE_DEGREE, binomial_row};
use super::*;

const PLAIN: Argument = Argument {
    divisor: 1.0,
    offset: 0.0,
};

const SMOOTH: [Family; 6] = [
    Family::Bernstein,
    Family::Chebyshev,
    Family::Fourier,
    Family::Gaussian,
    Family::Sinc,
    Family::SmoothWindow,
];

fn functions(family: Family, num: usize, order: usize) -> Functions {
    Functions {
        family,
        num,
        order,
        argument: PLAIN,
    }
}

fn at(family: Family, num: usize, order: usize, x: f64) -> Vec<f64> {
    functions(family, num, order).evaluate(&[x]).unwrap()
}

#[test]
fn binomials_are_exact() {
    assert_eq!(binomial_row(0), [1.0]);
    assert_eq!(binomial_row(5), [1.0, 5.0, 10.0, 10.0, 5.0, 1.0]);
    assert_eq!(binomial_row(60)[30], 118_264_581_564_861_424.0);
    let sum: f64 = binomial_row(400).iter().sum();
    assert!((sum / 2f64.powi(400) - 1.0).abs() < 1e-12);
}

#[test]
fn bernstein_polynomials_sum_to_one_and_their_derivatives_to_zero() {
    for num in [1, 2, 3, 8, 16, 33, 520] {
        for t in [-0.5, 0.0, 1e-300, 0.2, 0.5, 0.97, 1.0, 3.0] {
            let sum: f64 = at(Family::Bernstein, num, 0, t).iter().sum();
            assert!((sum - 1.0).abs() < 1e-13, "{num} {t} {sum}");
            for order in 1..5 {
                let slopes = at(Family::Bernstein, num, order, t);
                let size: f64 = slopes.iter().map(|x| x.abs()).sum();
                let sum: f64 = slopes.iter().sum();
                assert!(size.is_finite() && sum.abs() <= 1e-12 * size);
            }
        }
    }
}

#[test]
fn both_ways_of_large_degrees_agree() {
    let small = at(Family::Bernstein, LARGE_DEGREE + 1, 0, 0.3);
    let large = at(Family::Bernstein, LARGE_DEGREE + 2, 0, 0.3);
    for k in 1..=LARGE_DEGREE {
        let expected = 0.7 * small[k] + 0.3 * small[k - 1];
        assert!((large[k] - expected).abs() < 1e-14);
    }
}

#[test]
fn derivatives_agree_with_central_differences_of_the_order_below() {
    let (num, h) = (5, 1e-5);
    let argument = Argument {
        divisor: 1.3,
        offset: -0.1,
    };
    let evaluate = |family: Family, order, x: f64| -> Vec<f64> {
        let functions = Functions {
            argument,
            ..functions(family, num, order)
        };
        functions.evaluate(&[x]).unwrap()
    };
    for family in SMOOTH {
        for x in [0.15, 0.21, 0.4, 0.773, 0.99, 1.1, 1.41, 1.6] {
            for order in 0..4 {
                let (above, below) = (
                    evaluate(family, order, x + h),
                    evaluate(family, order, x - h),
                );
                let (slope, third) = (
                    evaluate(family, order + 1, x),
                    evaluate(family, order + 3, x),
                );
                for k in 0..num {
                    let difference = (above[k] - below[k]) / (2.0 * h);
                    let error = (slope[k] - difference).abs();
                    let scale = 1.0 + slope[k].abs() + above[k].abs() + 0.01 * third[k].abs();
                    assert!(
                        error < 1e-8 * scale,
                        "{family:?} {k} order {order} at {x}: {} against {difference}",
                        slope[k]
                    );
                }
            }
        }
    }
}

#[test]
fn known_values_and_special_points() {
    let close = |a: f64, b: f64| assert!((a - b).abs() <= 1e-14 * (1.0 + b.abs()), "{a} {b}");
    close(
        at(Family::Chebyshev, 6, 0, 0.3)[5],
        (5.0 * 0.3f64.acos()).cos(),
    );
    // T_k'(1) = k^2
    close(at(Family::Chebyshev, 6, 1, 1.0)[5], 25.0);
    assert_eq!(at(Family::Chebyshev, 3, 0, -2.0), [1.0, -1.0, 1.0]);
    assert_eq!(at(Family::Sinc, 2, 0, 0.0), [1.0, 1.0]);
    let pi2 = std::f64::consts::PI.powi(2);
    close(at(Family::Sinc, 2, 2, 0.0)[1], -4.0 * pi2 / 3.0);
    assert_eq!(at(Family::Sinc, 2, 0, 1.0001), [0.0, 0.0]);
    assert_eq!(at(Family::Gaussian, 1, 0, 0.7), [1.0]);
    assert_eq!(at(Family::Gaussian, 3, 2, 1e300), [0.0; 3]);
    assert_eq!(at(Family::RectangularWindow, 2, 0, 0.5), [1.0, 1.0]);
    assert_eq!(at(Family::TriangularWindow, 2, 0, 0.25), [0.5, 0.5]);
    assert_eq!(at(Family::TriangularWindow, 2, 1, 0.5), [-1.0, 0.0]);
}

#[test]
fn both_forms_of_sinc_meet() {
    for order in 0..8 {
        let border = 1.0 + 0.2 * order as f64;
        let f = |x: f64| at(Family::Sinc, 1, order, -x)[0];
        let (a, b) = (f(border), f(border * (1.0 - 1e-15)));
        assert!((a - b).abs() < 1e-11 * (1.0 + a.abs()), "{order} {a} {b}");
    }
}

#[test]
fn weights_and_contractions_agree_with_values() {
    let f = functions(Family::Bernstein, 9, 1);
    // Enough for several threads.
    let x: Vec<f64> = (0..2000).map(|i| f64::from(i) / 2000.0).collect();
    let s: Vec<f64> = x.iter().map(|x| (50.0 * x).sin()).collect();
    let (y, weighted) = (f.evaluate(&x).unwrap(), f.weighted(&s, &x).unwrap());
    for (i, (weighted, y)) in weighted.iter().zip(&y).enumerate() {
        assert_eq!(*weighted, s[i / 9] * y);
    }
    let sums = f.contract(&weighted, &x).unwrap();
    for (e, sum) in sums.iter().enumerate() {
        let expected: f64 = (9 * e..9 * e + 9).map(|i| weighted[i] * y[i]).sum();
        assert!((sum - expected).abs() < 1e-13 * (1.0 + expected.abs()));
    }
}

/// Arguments that are computed together do not mix, also where some are special; outside, the polynomials are constant.
#[test]
fn each_argument_stands_alone() {
    let mut x: Vec<f64> = (0..37).map(|i| 0.05 * f64::from(i) - 0.4).collect();
    (x[3], x[17], x[20]) = (f64::NAN, f64::INFINITY, f64::NEG_INFINITY);
    for family in SMOOTH {
        for (num, order) in [(1, 0), (6, 0), (6, 1), (6, 3), (2, 2)] {
            let all = functions(family, num, order).evaluate(&x).unwrap();
            for (x, values) in x.iter().zip(all.chunks_exact(num)) {
                let alone = at(family, num, order, *x);
                assert!(
                    values
                        .iter()
                        .zip(&alone)
                        .all(|(a, b)| a.total_cmp(b).is_eq())
                );
                assert!(!x.is_nan() || values.iter().all(|value| value.is_nan()));
            }
        }
    }
    for t in [-f64::INFINITY, -2.0, 2.0, f64::INFINITY] {
        assert_eq!(
            at(Family::Bernstein, 4, 0, t)[usize::from(t > 0.0) * 3],
            1.0
        );
        for family in [Family::Bernstein, Family::Chebyshev] {
            let border = if family == Family::Bernstein {
                t.clamp(0.0, 1.0)
            } else {
                t.signum()
            };
            assert_eq!(at(family, 4, 0, t), at(family, 4, 0, border));
            assert_eq!(at(family, 4, 2, t), [0.0; 4]);
        }
    }
}

#[test]
fn bad_arguments() {
    let bernstein = functions(Family::Bernstein, 3, 1);
    assert!(functions(Family::Bernstein, 0, 0).evaluate(&[0.5]).is_err());
    assert!(functions(Family::Sinc, 2, 99).evaluate(&[0.5]).is_err());
    assert!(bernstein.weighted(&[0.5, 0.5], &[0.5]).is_err());
    assert!(bernstein.contract(&[0.5, 0.5], &[0.5]).is_err());
    let nan = bernstein.evaluate(&[f32::NAN]).unwrap();
    assert!(nan.iter().all(|x| x.is_nan()));
    let long: Vec<f32> = (0..3000).map(|i| i as f32 / 3000.0).collect();
    let fourier = functions(Family::Fourier, 7, 0);
    let y = fourier.evaluate(&long).unwrap();
    let one = fourier.evaluate(&long[2000..2001]).unwrap();
    assert_eq!(y[14_000..14_007], one);
}
