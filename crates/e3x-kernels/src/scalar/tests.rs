use super::*;

const GATES: [Scalar; 16] = [
    Scalar::Sigmoid,
    Scalar::Heaviside,
    Scalar::LeakyStep { slope: 0.1 },
    Scalar::ExponentialStep {
        scale: 1.05,
        alpha: 1.7,
        width: 1.0,
    },
    Scalar::ExponentialStep {
        scale: 1.0,
        alpha: 0.5,
        width: 0.5,
    },
    Scalar::GaussianGateTanh,
    Scalar::GaussianGate,
    Scalar::TanhSoftplus,
    Scalar::ErfSoftplus,
    Scalar::ShiftedSoftplusGate,
    Scalar::HardTanhGate,
    Scalar::SoftSignGate,
    Scalar::Relu6Gate,
    Scalar::HardSigmoid,
    Scalar::BentIdentityGate,
    Scalar::ReciprocalCuspless,
];

const OTHERS: [Scalar; 6] = [
    Scalar::ReciprocalDamped,
    Scalar::CusplessDistance,
    Scalar::SmoothCutoff { cutoff: 4.0 },
    Scalar::CosineCutoff { cutoff: 4.0 },
    Scalar::SmoothSwitch { x0: -1.0, x1: 2.5 },
    Scalar::SmoothDamping,
];

fn at(f: Scalar, order: usize, x: f64) -> f64 {
    f.evaluate(order, &[x]).unwrap()[0]
}

#[test]
fn derivatives_agree_with_central_differences_of_the_order_below() {
    let h = 1e-5;
    for f in GATES.into_iter().chain(OTHERS) {
        for x in [-5.3, -2.2, -0.999, -0.61, 0.013, 0.34, 0.999, 1.7, 2.9, 6.4] {
            for order in 0..5 {
                let difference = (at(f, order, x + h) - at(f, order, x - h)) / (2.0 * h);
                let slope = at(f, order + 1, x);
                let scale = 1.0 + slope.abs() + at(f, order + 3, x).abs();
                assert!(
                    (slope - difference).abs() < 3e-8 * scale,
                    "{f:?} order {order} at {x}: {slope} against {difference}"
                );
            }
        }
    }
}

#[test]
fn gates_and_their_derivatives_are_finite_everywhere() {
    let mut points = vec![0.0, f64::MIN_POSITIVE, 5e-324, f64::MAX];
    for exponent in -320..=308 {
        points.push(10f64.powi(exponent));
        points.push(3.7 * 10f64.powi(exponent.min(307)));
    }
    for f in GATES.into_iter().chain(OTHERS) {
        for &x in &points {
            // The distance of the mapping itself grows like exp(-x).
            let negative = -if f == Scalar::CusplessDistance || f == Scalar::ReciprocalDamped {
                x.min(600.0)
            } else {
                x
            };
            for order in 0..4 {
                for x in [x, negative] {
                    let y = at(f, order, x);
                    assert!(y.is_finite(), "{f:?} order {order} at {x}: {y}");
                }
            }
        }
    }
}

#[test]
fn series_and_closed_forms_meet() {
    for f in [
        Scalar::ShiftedSoftplusGate,
        Scalar::BentIdentityGate,
        Scalar::ReciprocalDamped,
        GATES[3],
    ] {
        for x in [-1.0f64, 1.0] {
            for order in 0..6 {
                let (a, b) = (at(f, order, x), at(f, order, x * (1.0 - 1e-15)));
                assert!(
                    (a - b).abs() < 2e-13 * (1.0 + a.abs()),
                    "{f:?} {order} {a} {b}"
                );
            }
        }
    }
}

#[test]
fn known_values() {
    let close = |a: f64, b: f64| assert!((a - b).abs() <= 4e-16 * b.abs(), "{a} {b}");
    // Computed with 40 digits (mpmath).
    let tail = at(Scalar::GaussianGate, 0, -10.0);
    assert!(
        (tail / 7.619_853_024_160_526e-24 - 1.0).abs() < 1e-14,
        "{tail}"
    );
    close(at(Scalar::ShiftedSoftplusGate, 0, 1e-9), 0.500_000_000_125);
    close(at(Scalar::BentIdentityGate, 0, 1e-9), 1.000_000_000_25);
    close(at(Scalar::ReciprocalDamped, 1, 0.0), -0.5);
    close(at(Scalar::ReciprocalDamped, 2, 0.0), 1.0 / 3.0);
    close(at(Scalar::TanhSoftplus, 0, 0.0), 0.6);
    assert_eq!(at(Scalar::Relu6Gate, 1, 6.0), -1.0 / 12.0);
    assert_eq!(at(Scalar::HardSigmoid, 1, 3.0), 1.0 / 12.0);
    assert_eq!(at(Scalar::SmoothCutoff { cutoff: 2.0 }, 5, 2.0), 0.0);
    assert_eq!(
        at(Scalar::SmoothSwitch { x0: 0.0, x1: 1.0 }, 2, 1e-200),
        0.0
    );
    assert!(at(Scalar::Heaviside, 0, f64::NAN).is_nan());
}

#[test]
fn bad_order_is_an_error_and_long_slices_are_the_same() {
    assert!(Scalar::Sigmoid.evaluate(MAX_ORDER + 1, &[0.0f32]).is_err());
    assert!(Scalar::Sigmoid.evaluate(MAX_ORDER, &[0.0f64]).is_ok());
    let x: Vec<f32> = (0..10_000).map(|i| (i as f32).sin()).collect();
    let y = Scalar::Sigmoid.evaluate(1, &x).unwrap();
    let one = Scalar::Sigmoid.evaluate(1, &x[9_000..9_001]).unwrap();
    assert_eq!(y[9_000], one[0]);
}

/// The vector code of the most used gate against the series.
#[test]
fn values_and_slopes_of_the_sigmoid_are_those_of_its_series() {
    let x: Vec<f64> = (-400..400).map(|i| 0.1 * f64::from(i)).collect();
    let extreme = [-1e300, -800.0, -710.0, -1e-300, 0.0, 36.0, 710.0, 1e300];
    let x = [&x[..], &extreme].concat();
    let (values, slopes) = Scalar::Sigmoid.value_and_slope(&x);
    for (order, actual) in [values, slopes].iter().enumerate() {
        for ((x, actual), expected) in x
            .iter()
            .zip(actual)
            .zip(Scalar::Sigmoid.evaluate(order, &x).unwrap())
        {
            let error = (actual - expected).abs();
            assert!(
                error <= 1e-15 * expected.abs() + 1e-300,
                "{x}: {actual}, {expected}"
            );
        }
    }
    let (values, slopes) =
        Scalar::Sigmoid.value_and_slope(&[f32::NAN, f32::INFINITY, f32::NEG_INFINITY]);
    assert!(values[0].is_nan() && slopes[0].is_nan());
    assert_eq!(
        (&values[1..], &slopes[1..]),
        (&[1.0, 0.0][..], &[0.0, 0.0][..])
    );
}
