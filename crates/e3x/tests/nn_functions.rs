//! Radial functions: derivatives, ends of intervals, names, bad input.

use candle_core::{D, DType, Device, Tensor};
use e3x::Result;
use e3x::autograd::{CreateGraph, grad, variable};
use e3x::nn::{
    self, Basic, Cutoff, CutoffFn, Damping, DampingFn, Exponential, Radial, RadialFn, Reciprocal,
    ReciprocalKind,
};
use proptest::prelude::*;

const KINDS: [ReciprocalKind; 3] = [
    ReciprocalKind::Shifted,
    ReciprocalKind::Damped,
    ReciprocalKind::Cuspless,
];

/// Every radial function, with all of its options.
fn radials() -> Vec<Radial> {
    let mut all = vec![];
    for name in Radial::NAMES {
        let plain: Radial = name.parse().unwrap();
        let reciprocals = KINDS.into_iter().flat_map(|kind| {
            [false, true].map(|use_reciprocal_weighting| Reciprocal {
                kind,
                use_reciprocal_weighting,
            })
        });
        let exponentials = [(0.7, false, true), (1.3, true, false), (1.0, true, true)].map(
            |(gamma, cuspless, use_exponential_weighting)| Exponential {
                gamma,
                cuspless,
                use_exponential_weighting,
            },
        );
        match plain {
            Radial::ReciprocalBernstein(_) => {
                all.extend(reciprocals.map(Radial::ReciprocalBernstein));
            }
            Radial::ReciprocalChebyshev(_) => {
                all.extend(reciprocals.map(Radial::ReciprocalChebyshev));
            }
            Radial::ReciprocalFourier(_) => all.extend(reciprocals.map(Radial::ReciprocalFourier)),
            Radial::ReciprocalGaussian(_) => {
                all.extend(reciprocals.map(Radial::ReciprocalGaussian));
            }
            Radial::ExponentialBernstein(_) => {
                all.extend(exponentials.map(Radial::ExponentialBernstein));
            }
            Radial::ExponentialChebyshev(_) => {
                all.extend(exponentials.map(Radial::ExponentialChebyshev));
            }
            Radial::ExponentialFourier(_) => {
                all.extend(exponentials.map(Radial::ExponentialFourier));
            }
            Radial::ExponentialGaussian(_) => {
                all.extend(exponentials.map(Radial::ExponentialGaussian));
            }
            Radial::BasicBernstein(_) => all.push(Radial::BasicBernstein(Basic { limit: 4.0 })),
            Radial::BasicChebyshev(_) => all.push(Radial::BasicChebyshev(Basic { limit: 4.0 })),
            Radial::Sinc(_) => all.push(Radial::Sinc(Basic { limit: 4.0 })),
            Radial::SmoothWindow(_) => all.push(Radial::SmoothWindow(Basic { limit: 4.0 })),
            other => all.push(other),
        }
    }
    all
}

fn values(x: &Tensor) -> Vec<f64> {
    let x = x.to_dtype(DType::F64).unwrap().flatten_all().unwrap();
    x.to_vec1().unwrap()
}

fn tensor(x: &[f64]) -> Tensor {
    Tensor::new(x, &Device::Cpu).unwrap()
}

/// A weighted sum over functions, one number for each distance, and its derivatives by distance.
fn derivatives(f: &dyn Fn(&Tensor) -> Tensor, x: &[f64], orders: usize) -> Vec<Vec<f64>> {
    let x = variable(&tensor(x)).unwrap();
    let mut y = f(&x);
    if y.rank() > 1 {
        let weights: Vec<f64> = (0..y.dims()[1]).map(|k| (1.0 + k as f64).sin()).collect();
        y = y
            .broadcast_mul(&tensor(&weights))
            .unwrap()
            .sum(D::Minus1)
            .unwrap();
    }
    let mut all = vec![values(&y)];
    for _ in 0..orders {
        let sum = y.sum_all().unwrap();
        y = grad(&sum, &[&x], CreateGraph::Yes).unwrap().remove(0);
        all.push(values(&y));
    }
    all
}

fn check_derivatives(what: &str, f: &dyn Fn(&Tensor) -> Tensor) {
    // Differences of fourth order.
    let h = 2e-4;
    let x = [0.07, 0.31, 0.83, 1.37, 2.21, 3.1, 3.93, 5.17];
    let exact = derivatives(f, &x, 3);
    let at = |steps: f64| derivatives(f, &x.map(|x| x + steps * h), 2);
    let (near, far) = ([at(-1.0), at(1.0)], [at(-2.0), at(2.0)]);
    for order in 0..3 {
        for i in 0..x.len() {
            let step = |side: &[Vec<Vec<f64>>; 2]| side[1][order][i] - side[0][order][i];
            let difference = (8.0 * step(&near) - step(&far)) / (12.0 * h);
            let slope = exact[order + 1][i];
            let scale = 1.0 + slope.abs() + near[0][order][i].abs();
            assert!(
                (slope - difference).abs() < 1e-7 * scale,
                "{what} order {} at {}: {slope} against {difference}",
                order + 1,
                x[i]
            );
        }
    }
}

#[test]
fn derivatives_of_three_orders_agree_with_central_differences() {
    for radial in radials() {
        check_derivatives(&format!("{radial:?}"), &|x| radial.evaluate(x, 5).unwrap());
    }
    for kind in KINDS {
        check_derivatives(kind.name(), &|x| nn::reciprocal_mapping(x, kind).unwrap());
    }
    for cuspless in [false, true] {
        check_derivatives("exponential_mapping", &|x| {
            nn::exponential_mapping(x, 0.8, cuspless).unwrap()
        });
    }
    for cutoff in [Cutoff::smooth(4.0), Cutoff::cosine(4.0)] {
        check_derivatives(cutoff.name(), &|x| cutoff.evaluate(x).unwrap());
    }
    check_derivatives("smooth_switch", &|x| {
        nn::smooth_switch(x, 0.5, 3.5).unwrap()
    });
    check_derivatives("smooth_damping", &|x| nn::smooth_damping(x, 0.9).unwrap());
}

#[test]
fn derivatives_are_finite_at_and_beyond_the_ends() {
    let points = [
        0.0,
        1e-300,
        1e-16,
        1e-8,
        4.0 * (1.0 - 1e-16),
        4.0,
        4.0 + 1e-15,
        40.0,
        1e4,
    ];
    let check = |what: &str, f: &dyn Fn(&Tensor) -> Tensor| {
        for (order, row) in derivatives(f, &points, 4).into_iter().enumerate() {
            assert!(
                row.iter().all(|v| v.is_finite()),
                "{what} order {order}: {row:?}"
            );
        }
    };
    for radial in radials() {
        check(&format!("{radial:?}"), &|x| radial.evaluate(x, 5).unwrap());
    }
    for cutoff in [Cutoff::smooth(4.0), Cutoff::cosine(4.0)] {
        check(cutoff.name(), &|x| cutoff.evaluate(x).unwrap());
        let beyond = derivatives(&|x| cutoff.evaluate(x).unwrap(), &[4.0, 4.1, 1e300], 3);
        assert!(beyond.concat().iter().all(|&v| v == 0.0));
    }
    check("switch", &|x| nn::smooth_switch(x, 0.0, 4.0).unwrap());
    check("damping", &|x| nn::smooth_damping(x, 2.0).unwrap());
    let flat = derivatives(
        &|x| nn::smooth_damping(x, 2.0).unwrap(),
        &[0.0, 1e-200, 1e-4],
        3,
    );
    assert!(flat.concat().iter().all(|&v| v == 0.0));
}

#[test]
fn gradients_flow_into_gamma() {
    let x = tensor(&[0.3, 1.1, 2.9]);
    for name in Radial::NAMES
        .iter()
        .filter(|name| name.starts_with("exponential"))
    {
        let radial: Radial = name.parse().unwrap();
        let total = |gamma: &Tensor| -> Tensor {
            let y = radial.evaluate_with_gamma(&x, 4, gamma).unwrap();
            let weights = tensor(&[0.3, -0.7, 0.2, 0.9]);
            y.broadcast_mul(&weights).unwrap().sum_all().unwrap()
        };
        let gamma = variable(&Tensor::new(0.8f64, &Device::Cpu).unwrap()).unwrap();
        let slope = grad(&total(&gamma), &[&gamma], CreateGraph::Yes)
            .unwrap()
            .remove(0);
        let curvature = grad(&slope, &[&gamma], CreateGraph::No).unwrap().remove(0);
        let h = 1e-4;
        let [below, here, above] = [0.8 - h, 0.8, 0.8 + h]
            .map(|g| values(&total(&Tensor::new(g, &Device::Cpu).unwrap()))[0]);
        assert!(
            (values(&slope)[0] - (above - below) / (2.0 * h)).abs() < 1e-7,
            "{name}"
        );
        let second = (above - 2.0 * here + below) / (h * h);
        assert!((values(&curvature)[0] - second).abs() < 1e-6, "{name}");
        let y = radial.evaluate_with_gamma(&x, 4, 1.0).unwrap();
        assert_eq!(values(&y), values(&radial.evaluate(&x, 4).unwrap()));
    }
    let gamma = variable(&tensor(&[2.0])).unwrap();
    let y = nn::smooth_damping(&x, &gamma).unwrap().sum_all().unwrap();
    let slope = grad(&y, &[&gamma], CreateGraph::No).unwrap();
    assert!(slope[0].dims() == [1] && values(&slope[0])[0] > 0.0);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    /// Bernstein polynomials are a partition of one, also in single precision.
    #[test]
    fn bernstein_functions_sum_to_one(x in 0.0f64..10.0, num in 1usize..40) {
        let x = tensor(&[x]);
        for (y, tolerance) in [
            (nn::basic_bernstein(&x, num, 5.0), 1e-13),
            (nn::reciprocal_bernstein(&x, num, ReciprocalKind::Damped, false), 1e-13),
            (nn::exponential_bernstein(&x, num, 0.3, true, false), 1e-13),
            (nn::basic_bernstein(&x.to_dtype(DType::F32).unwrap(), num, 5.0), 1e-5),
        ] {
            let sum: f64 = values(&y.unwrap()).iter().sum();
            prop_assert!((sum - 1.0).abs() < tolerance);
        }
    }

    /// Smooth and triangular windows are too, between the ends.
    #[test]
    fn windows_sum_to_one(t in 0.0f64..1.0, num in 1usize..9) {
        let x = tensor(&[t * (1.0 - 1.0 / num as f64)]);
        for y in [nn::smooth_window(&x, num, 1.0), nn::triangular_window(&x, num, 1.0)] {
            let sum: f64 = values(&y.unwrap()).iter().sum();
            prop_assert!((sum - 1.0).abs() < 1e-14);
        }
    }
}

#[test]
fn binomials_are_exact_where_the_reference_is_not() {
    // B(7, 15)(1/2) = C(15, 7) / 2^15 = 6435 / 32768
    let y = nn::basic_bernstein(&tensor(&[0.5]), 16, 1.0).unwrap();
    assert_eq!(values(&y)[7], 6435.0 / 32768.0);
}

#[test]
fn names_and_serialisation_round_trip() {
    assert_eq!(Radial::NAMES.len(), 16);
    for radial in radials() {
        let json = serde_json::to_string(&radial).unwrap();
        assert_eq!(serde_json::from_str::<Radial>(&json).unwrap(), radial);
        assert_eq!(
            radial.to_string().parse::<Radial>().unwrap().name(),
            radial.name()
        );
    }
    for cutoff in [Cutoff::smooth(3.0), Cutoff::cosine(2.5)] {
        let json = serde_json::to_string(&cutoff).unwrap();
        assert_eq!(serde_json::from_str::<Cutoff>(&json).unwrap(), cutoff);
        assert!(cutoff.cutoff() > 2.0);
    }
    for kind in KINDS {
        assert_eq!(kind.to_string().parse::<ReciprocalKind>().unwrap(), kind);
    }
    let error = "bernstein".parse::<Radial>().unwrap_err().to_string();
    assert!(error.contains("reciprocal_bernstein") && error.contains("'bernstein'"));
    assert!("shiftd".parse::<ReciprocalKind>().is_err());
    assert!("cutoff".parse::<Cutoff>().is_err() && "x".parse::<Damping>().is_err());
    for bad in [
        r#"{"name": "sinc", "limt": 2.0}"#,
        r#"{"name": "sine"}"#,
        r#"{"limit": 2.0}"#,
        r#"{"name": "reciprocal_bernstein", "kind": "shift"}"#,
    ] {
        assert!(serde_json::from_str::<Radial>(bad).is_err(), "{bad}");
    }
}

#[test]
fn functions_are_values() {
    let x = tensor(&[0.4, 1.9]);
    let radial: RadialFn = Radial::default().into();
    let custom: RadialFn = std::sync::Arc::new(|x: &Tensor, num: usize| nn::sinc(x, num, 3.0));
    let cutoff: CutoffFn = Cutoff::smooth(3.0).into();
    let damping: DampingFn = Damping::default().into();
    let twice: CutoffFn = std::sync::Arc::new(|x: &Tensor| -> Result<Tensor> { Ok((x * 2.0)?) });
    assert_eq!(radial.evaluate(&x, 3).unwrap().dims(), [2, 3]);
    assert_eq!(custom.evaluate(&x, 3).unwrap().dims(), [2, 3]);
    assert_eq!(cutoff.evaluate(&x).unwrap().dims(), [2]);
    assert!(values(&damping.evaluate(&x).unwrap())[1] > 0.5);
    assert_eq!(values(&twice.evaluate(&x).unwrap()), [0.8, 3.8]);
    assert_eq!(
        format!("{radial:?} {cutoff:?}"),
        "RadialFunction ScalarFunction"
    );
}

#[test]
fn dtypes_and_shapes() {
    let x = Tensor::new(0.7f32, &Device::Cpu).unwrap();
    let empty = Tensor::zeros((3, 0), DType::F64, &Device::Cpu).unwrap();
    let turned = Tensor::rand(0.1, 0.9, (4, 3), &Device::Cpu)
        .unwrap()
        .t()
        .unwrap();
    for radial in radials() {
        let y = radial.evaluate(&x, 4).unwrap();
        assert_eq!((y.dims(), y.dtype()), (&[4][..], DType::F32));
        assert_eq!(radial.evaluate(&empty, 2).unwrap().dims(), [3, 0, 2]);
        let straight = radial.evaluate(&turned.contiguous().unwrap(), 2).unwrap();
        assert_eq!(
            values(&radial.evaluate(&turned, 2).unwrap()),
            values(&straight)
        );
    }
    let y = nn::smooth_cutoff(&x, 1.0).unwrap();
    assert_eq!((y.dims(), y.dtype()), (&[][..], DType::F32));
}

#[test]
fn bad_input_is_an_error_that_names_the_argument() {
    let x = tensor(&[0.4, 1.9]);
    let integer = Tensor::zeros(3, DType::I64, &Device::Cpu).unwrap();
    let error = |result: Result<Tensor>| result.unwrap_err().to_string();
    for radial in radials() {
        assert!(
            error(radial.evaluate(&x, 0)).starts_with("num:"),
            "{radial:?}"
        );
        assert!(
            error(radial.evaluate(&integer, 2)).starts_with("x:"),
            "{radial:?}"
        );
    }
    for limit in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(error(nn::basic_bernstein(&x, 2, limit)).starts_with("limit:"));
        assert!(error(nn::sinc(&x, 2, limit)).starts_with("limit:"));
        assert!(error(nn::smooth_window(&x, 2, limit)).starts_with("limit:"));
        assert!(error(nn::smooth_cutoff(&x, limit)).starts_with("cutoff:"));
        assert!(error(nn::cosine_cutoff(&x, limit)).starts_with("cutoff:"));
    }
    assert!(error(nn::smooth_switch(&x, 1.0, 1.0)).starts_with("x1:"));
    assert!(error(nn::smooth_switch(&x, f64::NAN, 1.0)).starts_with("x0:"));
    assert!(error(nn::exponential_mapping(&x, f64::NAN, false)).starts_with("gamma:"));
    for gamma in [
        tensor(&[1.0, 2.0]),
        x.get(0).unwrap().to_dtype(DType::F32).unwrap(),
    ] {
        assert!(error(nn::exponential_mapping(&x, &gamma, true)).starts_with("gamma:"));
        assert!(error(nn::smooth_damping(&x, &gamma)).starts_with("gamma:"));
    }
    assert!(error(nn::reciprocal_mapping(&integer, ReciprocalKind::Damped)).starts_with("x:"));
    let plain = Radial::default().evaluate_with_gamma(&x, 2, 1.0);
    assert!(error(plain).starts_with("radial_fn:"));
}
