//! Activations: gradients to third order, equivariance, stability, bad input.

use candle_core::{DType, Device, Tensor};
use e3x::autograd::{CreateGraph, grad, variable};
use e3x::nn::{self, reflect, rotate};
use e3x::{FeatureShape, Result};

type Activation = fn(&Tensor) -> Result<Tensor>;

const ACTIVATIONS: [(&str, Activation); 20] = [
    ("relu", nn::relu),
    ("leaky_relu", |x| nn::leaky_relu(x, 0.1)),
    ("elu", |x| nn::elu(x, 1.0)),
    ("elu 2.3", |x| nn::elu(x, 2.3)),
    ("selu", nn::selu),
    ("celu", |x| nn::celu(x, 1.0)),
    ("celu 0.4", |x| nn::celu(x, 0.4)),
    ("silu", nn::silu),
    ("swish", nn::swish),
    ("gelu", |x| nn::gelu(x, true)),
    ("gelu exact", |x| nn::gelu(x, false)),
    ("mish", nn::mish),
    ("serf", nn::serf),
    ("shifted_softplus", nn::shifted_softplus),
    ("hard_tanh", nn::hard_tanh),
    ("soft_sign", nn::soft_sign),
    ("relu6", nn::relu6),
    ("hard_silu", nn::hard_silu),
    ("hard_swish", nn::hard_swish),
    ("bent_identity", nn::bent_identity),
];

fn numbers(shape: &[usize], seed: f64) -> Tensor {
    let n: usize = shape.iter().product();
    let values: Vec<f64> = (0..n)
        .map(|i| (seed + 12.9898 * i as f64).sin() * 2.0)
        .collect();
    Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
}

fn values(x: &Tensor) -> Vec<f64> {
    let x = x.to_dtype(DType::F64).unwrap().flatten_all().unwrap();
    x.to_vec1().unwrap()
}

fn distance(a: &Tensor, b: &Tensor) -> f64 {
    assert_eq!(a.dims(), b.dims());
    let pairs = values(a).into_iter().zip(values(b));
    pairs.fold(0.0, |m, (a, b)| m.max((a - b).abs()))
}

fn dot(a: &Tensor, b: &Tensor) -> Tensor {
    (a * b).unwrap().sum_all().unwrap()
}

fn gradient(y: &Tensor, x: &Tensor) -> Tensor {
    grad(y, &[x], CreateGraph::Yes).unwrap().remove(0)
}

/// `form` differentiated `order` times with respect to `x`, contracted with fixed cotangents.
fn form(f: Activation, order: usize, x: &Tensor) -> Tensor {
    let mut y = f(x).unwrap();
    for k in 0..=order {
        let scalar = dot(&y, &numbers(x.dims(), 0.7 + 0.9 * k as f64));
        if k == order {
            return scalar;
        }
        y = gradient(&scalar, x);
    }
    unreachable!()
}

#[test]
fn derivatives_of_three_orders_agree_with_central_differences() {
    let h = 1e-5;
    // Scalars away from kinks.
    let mut x = values(&numbers(&[2, 1, 4, 3], 0.4));
    let heads = [-2.6, -0.73, 0.21, 1.4, 4.1, 7.3];
    for (i, head) in heads.into_iter().enumerate() {
        x[i / 3 * 12 + i % 3] = head;
    }
    let at = |x: &[f64]| Tensor::from_slice(x, &[2, 1, 4, 3], &Device::Cpu).unwrap();
    for (name, f) in ACTIVATIONS {
        for order in 0..3 {
            let point = variable(&at(&x)).unwrap();
            let slopes = values(&gradient(&form(f, order, &point), &point));
            for i in 0..x.len() {
                let shifted = |h: f64| {
                    let mut x = x.clone();
                    x[i] += h;
                    values(&form(f, order, &variable(&at(&x)).unwrap()))[0]
                };
                let difference = (shifted(h) - shifted(-h)) / (2.0 * h);
                assert!(
                    (slopes[i] - difference).abs() < 2e-8 * (1.0 + difference.abs()),
                    "{name} order {} entry {i}: {} against {difference}",
                    order + 1,
                    slopes[i]
                );
            }
        }
    }
}

#[test]
fn both_modes_of_the_tape_give_the_same_gradient() {
    for (name, f) in ACTIVATIONS {
        let x = variable(&numbers(&[5, 2, 9, 7], 0.4)).unwrap();
        let y = dot(&f(&x).unwrap(), &numbers(x.dims(), 1.1));
        let no = grad(&y, &[&x], CreateGraph::No).unwrap().remove(0);
        assert!(distance(&no, &gradient(&y, &x)) < 1e-15, "{name}");
    }
}

#[test]
fn gating_commutes_with_rotation_and_reflection() {
    let (s, c) = 0.8f64.sin_cos();
    let d = Tensor::new(
        &[
            [1.0, 0.0, 0.0, 0.0],
            [0.0, c, s, 0.0],
            [0.0, -s, c, 0.0],
            [0.0, 0.0, 0.0, 1.0],
        ],
        &Device::Cpu,
    )
    .unwrap();
    for parity in [1, 2] {
        let x = numbers(&[3, parity, 4, 5], 0.4);
        for (name, f) in ACTIVATIONS {
            let y = f(&x).unwrap();
            let turned = f(&rotate(&x, &d).unwrap()).unwrap();
            assert!(
                distance(&turned, &rotate(&y, &d).unwrap()) < 1e-14,
                "{name}"
            );
            let mirrored = f(&reflect(&x).unwrap()).unwrap();
            assert!(distance(&mirrored, &reflect(&y).unwrap()) < 1e-15, "{name}");
        }
    }
}

#[test]
fn values_and_two_derivatives_are_finite_for_every_finite_scalar() {
    let mut scalars = vec![0.0, -0.0, f64::MIN_POSITIVE, 5e-324];
    for exponent in (-320..308).step_by(3) {
        scalars.push(10f64.powi(exponent));
        scalars.push(-2.5 * 10f64.powi(exponent));
    }
    let n = scalars.len();
    let mut x = scalars;
    x.extend(values(&numbers(&[3, n], 0.5)));
    for dtype in [DType::F64, DType::F32] {
        let mut x = x.clone();
        if dtype == DType::F32 {
            // Stay in the range of single precision.
            for x in &mut x {
                *x = x.clamp(-1e38, 1e38);
            }
        }
        let x = Tensor::from_vec(x, (1, 4, n), &Device::Cpu).unwrap();
        let x = variable(&x.to_dtype(dtype).unwrap()).unwrap();
        for (name, f) in ACTIVATIONS {
            let y = f(&x).unwrap();
            // Only the vector part: the gate itself and its derivatives.
            let vector = y.narrow(1, 1, 3).unwrap().sum_all().unwrap();
            let g = gradient(&vector, &x);
            let h = gradient(&g.narrow(1, 0, 1).unwrap().sum_all().unwrap(), &x);
            for (what, t) in [("value", y), ("gradient", g), ("second", h)] {
                assert!(
                    values(&t).iter().all(|v| v.is_finite()),
                    "{name} {dtype:?} {what}"
                );
            }
        }
    }
}

#[test]
fn no_digits_are_lost_near_zero() {
    // Leading terms of the activation at small s, exact to s^2 relative.
    for s in [1e-3, 1e-6, 1e-9, 1e-13, 1e-200] {
        let x = Tensor::new(&[[[s, -s]]], &Device::Cpu).unwrap();
        for (f, a, b, negative_only) in [
            (nn::shifted_softplus as Activation, 0.5, 0.125, false),
            (nn::bent_identity, 1.0, 0.25, false),
            ((|x| nn::elu(x, 1.0)) as Activation, 1.0, 0.5, true),
            ((|x| nn::celu(x, 2.0)) as Activation, 1.0, 0.25, true),
        ] {
            let y = values(&f(&x).unwrap());
            for (y, s) in y.into_iter().zip([s, -s]) {
                let quadratic = if negative_only && s > 0.0 { 0.0 } else { b };
                let expected = s * (a + quadratic * s);
                let tolerance = 1e-15 + s * s;
                assert!(
                    (y / expected - 1.0).abs() < tolerance,
                    "{s}: {y} {expected}"
                );
            }
        }
    }
}

#[test]
fn dtypes_shapes_and_layouts() {
    let x = numbers(&[4, 2, 9, 5], 0.3);
    let single = x.to_dtype(DType::F32).unwrap();
    let strided = x
        .transpose(0, 3)
        .unwrap()
        .contiguous()
        .unwrap()
        .transpose(0, 3)
        .unwrap();
    for (name, f) in ACTIVATIONS {
        let y = f(&x).unwrap();
        assert_eq!(f(&single).unwrap().dtype(), DType::F32);
        assert!(distance(&y, &f(&single).unwrap()) < 1e-5, "{name}");
        assert_eq!(values(&y), values(&f(&strided).unwrap()));
        // Without leading axes, without items, many items (threads).
        let one = f(&x.get(1).unwrap()).unwrap();
        assert_eq!(values(&one), values(&y.get(1).unwrap()));
        assert_eq!(
            f(&numbers(&[0, 1, 4, 3], 0.1)).unwrap().dims(),
            [0, 1, 4, 3]
        );
        let many = x.repeat((200, 1, 1, 1)).unwrap();
        let last = f(&many).unwrap().narrow(0, 796, 4).unwrap();
        assert_eq!(values(&last), values(&y));
    }
    assert_eq!(FeatureShape::of("x", &x).unwrap().features, 5);
}

#[test]
fn not_a_number_stays_one() {
    let x = Tensor::new(&[[[f64::NAN], [1.0], [2.0], [3.0]]], &Device::Cpu).unwrap();
    for (name, f) in ACTIVATIONS {
        assert!(values(&f(&x).unwrap()).iter().all(|v| v.is_nan()), "{name}");
    }
}

#[test]
fn bad_input_is_an_error_that_names_the_argument() {
    for (name, f) in ACTIVATIONS {
        for bad in [
            numbers(&[4, 3], 0.1),
            Tensor::zeros((1, 4, 3), DType::U32, &Device::Cpu).unwrap(),
        ] {
            let error = f(&bad).unwrap_err().to_string();
            assert!(error.starts_with("x:"), "{name}: {error}");
        }
    }
    let x = numbers(&[1, 4, 3], 0.1);
    let error = |result: Result<Tensor>| result.unwrap_err().to_string();
    assert!(error(nn::leaky_relu(&x, f64::NAN)).starts_with("negative_slope:"));
    assert!(error(nn::elu(&x, f64::INFINITY)).starts_with("alpha:"));
    for alpha in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(error(nn::celu(&x, alpha)).starts_with("alpha:"));
    }
}
