//! `Trace`: the results of functions with other inputs, what counts as a constant, what cannot be traced.

mod support;

use candle_core::{DType, Tensor, Var};
use e3x::autograd::{CreateGraph, grad, value_and_grad, variable};
use e3x::nn::{
    self, AttentionConfig, BasisConfig, Cutoff, Damping, DampingOptions, Dense, DenseConfig,
    FusedTensor, FusedTensorConfig, MessagePass, MessagePassConfig, Parameters, Radial,
    SelfAttention, TensorConfig, TensorDense, TensorDenseConfig,
};
use e3x::ops::{self, Graph};
use e3x::testing::random;
use e3x::trace::Trace;
use e3x::{Result, so3};
use support::{CPU, assert_error, bits, flat, indices, shape, values_of, zeros};

const DST: [i64; 8] = [0, 0, 1, 1, 2, 2, 3, 0];
const SRC: [i64; 8] = [1, 2, 0, 3, 0, 1, 2, 3];

fn graph() -> Graph {
    Graph::sparse(&indices(&DST), &indices(&SRC), 4).unwrap()
}

fn tensor(dims: &[usize], seed: u64, dtype: DType) -> Tensor {
    random(dims, seed).unwrap().to_dtype(dtype).unwrap()
}

/// Values and gradients of a function of one tensor.
fn with_gradient(f: impl Fn(&Tensor) -> Result<Tensor>, x: &Tensor) -> Result<Vec<Tensor>> {
    let (value, gradients) = value_and_grad(|x| f(&x[0]), &[x], CreateGraph::No)?;
    Ok([vec![value], gradients].concat())
}

/// The trace of `f` gives its results, bit for bit, for inputs that it has not seen.
#[track_caller]
fn assert_traced(what: &str, f: impl Fn(&[Tensor]) -> Result<Vec<Tensor>>, dims: &[&[usize]]) {
    for dtype in [DType::F64, DType::F32] {
        let inputs = |seed: u64| -> Vec<Tensor> {
            let of = |(i, dims): (u64, &&[usize])| tensor(dims, 10 * seed + i, dtype);
            (0..).zip(dims).map(of).collect()
        };
        let examples = inputs(0);
        let trace = Trace::new(&f, &examples.iter().collect::<Vec<_>>());
        let trace = trace.unwrap_or_else(|error| panic!("{what}: {error}"));
        for seed in 1..4 {
            let others = inputs(seed);
            let found = trace.run(&others.iter().collect::<Vec<_>>()).unwrap();
            let expected = f(&others).unwrap();
            assert_eq!(found.len(), expected.len(), "{what}");
            for (found, expected) in found.iter().zip(&expected) {
                assert_eq!(found.dims(), expected.dims(), "{what}");
                assert_eq!(bits(found), bits(expected), "{what}");
                assert!(!found.track_op(), "{what}");
            }
        }
        assert!(trace.is_current().unwrap(), "{what}");
    }
}

#[test]
fn elementary_functions_with_gradients() {
    type F = fn(&Tensor) -> Result<Tensor>;
    let functions: [(&str, F); 8] = [
        ("silu", |x| nn::silu(x)),
        ("mish", |x| nn::mish(x)),
        ("norm", |x| ops::norm(x, Some(&[-1]), false)),
        ("normalize", |x| ops::normalize(x, Some(&[-1]))),
        ("gather", |x| ops::gather_src(x, &graph())),
        ("reshape", |x| {
            ops::reshape(&ops::normalize(x, Some(&[-1]))?, (3, 4))
        }),
        ("sum", |x| nn::add(&[x, &nn::silu(x)?])),
        ("harmonics", |x| {
            so3::spherical_harmonics(x, 3, so3::SphericalHarmonicsConfig::default())
        }),
    ];
    for (name, f) in functions {
        let dims: &[usize] = if ["silu", "mish", "sum"].contains(&name) {
            &[4, 1, 1, 3]
        } else {
            &[4, 3]
        };
        assert_traced(name, |x| with_gradient(f, &x[0]), &[dims]);
    }
}

/// Builds a layer for the dtype of its input.
fn seeded<L>(x: &Tensor, build: impl Fn(nn::VarBuilder) -> Result<L>) -> Result<L> {
    build(Parameters::seeded(1).builder(x.dtype(), CPU))
}

fn of_basis(
    r: &Tensor,
    f: impl Fn(&nn::Basis, &nn::BasisDetails) -> Result<Tensor>,
) -> Result<Vec<Tensor>> {
    let f = |r: &Tensor| {
        let config = BasisConfig::new(2, 4, Radial::default()).with_cutoff(Cutoff::smooth(4.0));
        let details = nn::basis_with_details(r, &config)?;
        f(&details.basis, &details)
    };
    with_gradient(f, r)
}

#[test]
fn layers_with_gradients() {
    let input = shape(2, 2, 4);
    let dims: &[usize] = &[4, 2, 9, 4];
    let dense = |x: &Tensor| {
        let layer = seeded(x, |vb| Dense::new(input, DenseConfig::new(5), vb))?;
        nn::silu(&layer.forward(x)?)
    };
    assert_traced("dense", |x| with_gradient(dense, &x[0]), &[dims]);
    let tensor_dense = |x: &Tensor| {
        let layer = seeded(x, |vb| {
            TensorDense::new(input, TensorDenseConfig::default(), vb)
        })?;
        layer.forward(x)
    };
    assert_traced(
        "tensor dense",
        |x| with_gradient(tensor_dense, &x[0]),
        &[dims],
    );
    let products = |x: &[Tensor]| {
        let product = |x: &[Tensor]| {
            let layer = seeded(&x[0], |vb| {
                nn::Tensor::new(input, input, TensorConfig::default(), vb)
            })?;
            layer.forward(&x[0], &x[1])
        };
        let (value, gradients) = value_and_grad(product, &[&x[0], &x[1]], CreateGraph::No)?;
        Ok([vec![value], gradients].concat())
    };
    assert_traced("tensor", products, &[dims, dims]);
    let fused = |x: &[Tensor]| {
        let product = |x: &[Tensor]| {
            let layer = seeded(&x[0], |vb| {
                FusedTensor::new(input, input, FusedTensorConfig::default(), vb)
            })?;
            layer.forward(&x[0], &x[1])
        };
        let (value, gradients) = value_and_grad(product, &[&x[0], &x[1]], CreateGraph::No)?;
        Ok([vec![value], gradients].concat())
    };
    assert_traced("fused tensor", fused, &[dims, dims]);
}

#[test]
fn layers_on_graphs_with_gradients() {
    let input = shape(1, 2, 4);
    let features = |r: &Tensor| tensor(&[4, 1, 9, 4], 7, r.dtype());
    let r: &[usize] = &[8, 3];
    let message_pass = |r: &Tensor| {
        of_basis(r, |basis, _| {
            let config = MessagePassConfig::default();
            let layer = seeded(r, |vb| MessagePass::new(input, (2, 4), config.clone(), vb))?;
            layer.forward(&features(r), basis, &graph())
        })
    };
    assert_traced("message passing", |x| message_pass(&x[0]), &[r]);
    let attention = |r: &Tensor| {
        of_basis(r, |basis, details| {
            let config = AttentionConfig {
                num_heads: 2,
                ..AttentionConfig::default()
            };
            let layer = seeded(r, |vb| {
                SelfAttention::new(input, Some((2, 4)), config.clone(), vb)
            })?;
            layer.forward(&features(r), Some(basis), Some(&details.cutoff), &graph())
        })
    };
    assert_traced("attention", |x| attention(&x[0]), &[r]);
}

#[test]
fn functions_of_the_basis_with_gradients() {
    let radial = |r: &Tensor| of_basis(r, |basis, _| nn::silu(&basis_features(basis)?));
    assert_traced("factors of a basis", |x| radial(&x[0]), &[&[8, 3]]);
    let damped = |r: &Tensor| {
        let config = BasisConfig::new(2, 4, Radial::default())
            .with_damping(Damping::SmoothDamping(DampingOptions::default()));
        nn::silu(&basis_features(&nn::basis(r, &config)?)?)
    };
    assert_traced(
        "a damped basis",
        |x| with_gradient(damped, &x[0]),
        &[&[8, 3]],
    );
    let gamma = |x: &[Tensor]| {
        let f = |x: &[Tensor]| nn::exponential_gaussian(&x[0], 5, &x[1], true, true);
        let (value, gradients) = value_and_grad(f, &[&x[0], &x[1]], CreateGraph::No)?;
        Ok([vec![value], gradients].concat())
    };
    assert_traced("exponential functions", gamma, &[&[8], &[1]]);
}

/// Scalars of the messages of ones.
fn basis_features(basis: &nn::Basis) -> Result<Tensor> {
    let input = shape(1, 0, 3);
    let dtype = basis.to_tensor()?.dtype();
    let vb = Parameters::seeded(3).builder(dtype, CPU);
    let layer = MessagePass::new(input, (2, 4), MessagePassConfig::default(), vb)?;
    let ones = Tensor::ones(&[4, 1, 1, 3], dtype, CPU)?;
    layer.forward(&ones, basis, &graph())
}

#[test]
fn second_derivatives() {
    let hessian = |x: &[Tensor]| {
        let x = variable(&x[0])?;
        let norms = ops::norm(&nn_cubic(&x)?, Some(&[-1]), false)?;
        let gradient = grad(&norms, &[&x], CreateGraph::Yes)?.remove(0);
        Ok(vec![grad(&gradient, &[&x], CreateGraph::No)?.remove(0)])
    };
    assert_traced("second derivative", hessian, &[&[4, 1, 1, 3]]);
}

/// Something with a second derivative.
fn nn_cubic(x: &Tensor) -> Result<Tensor> {
    nn::silu(&nn::mish(x)?)
}

#[test]
fn what_depends_on_constants_alone_is_not_computed_again() -> Result<()> {
    let c = tensor(&[4, 1, 1, 3], 5, DType::F64);
    let f = |x: &[Tensor]| Ok(vec![nn::add(&[&nn::silu(&x[0])?, &nn::mish(&c)?])?]);
    let x = tensor(&[4, 1, 1, 3], 6, DType::F64);
    let trace: Trace = Trace::new::<e3x::Error>(f, &[&x])?;
    let printed = format!("{trace:?}");
    assert_eq!(
        printed.matches("gated linear activation").count(),
        1,
        "{printed}"
    );
    let other = tensor(&[4, 1, 1, 3], 7, DType::F64);
    let (found, expected) = (trace.run(&[&other])?, f(&[other])?);
    assert_eq!(bits(&found[0]), bits(&expected[0]));
    Ok(())
}

#[test]
fn outputs_may_be_inputs_constants_and_the_same_twice() -> Result<()> {
    let c = tensor(&[2], 1, DType::F64);
    let f = |x: &[Tensor]| -> Result<Vec<Tensor>> {
        let y = ops::normalize(&x[0], Some(&[-1]))?;
        let rows = ops::reshape(&x[1], 6)?;
        Ok(vec![y.clone(), c.clone(), rows, y.narrow(0, 1, 1)?, y])
    };
    let inputs = |seed| {
        [
            tensor(&[2, 3], seed, DType::F64),
            tensor(&[3, 2], seed + 1, DType::F64),
        ]
    };
    let [a, b] = inputs(1);
    let trace = Trace::new(f, &[&a, &b])?;
    let [a, b] = inputs(5);
    // In another order in memory.
    let turned = b.t()?.contiguous()?.t()?;
    let (found, expected) = (trace.run(&[&a, &turned])?, f(&[a, b])?);
    assert_eq!(found.len(), 5);
    for (found, expected) in found.iter().zip(&expected) {
        assert_eq!(
            (found.dims(), bits(found)),
            (expected.dims(), bits(expected))
        );
    }
    Ok(())
}

#[test]
fn inputs_without_numbers() -> Result<()> {
    let f = |x: &[Tensor]| -> Result<Vec<Tensor>> {
        Ok(vec![
            nn::silu(&x[0])?,
            ops::norm(&x[1], Some(&[-1]), false)?,
        ])
    };
    let (empty, x) = (
        zeros(&[0, 1, 1, 3], DType::F64),
        tensor(&[2, 3], 1, DType::F64),
    );
    let trace = Trace::new(f, &[&empty, &x])?;
    let found = trace.run(&[&empty, &tensor(&[2, 3], 2, DType::F64)])?;
    assert_eq!(found[0].dims(), [0, 1, 1, 3]);
    assert_eq!(
        bits(&found[1]),
        bits(&f(&[empty, tensor(&[2, 3], 2, DType::F64)])?[1])
    );
    Ok(())
}

type Function<'a> = &'a dyn Fn(&Tensor) -> Result<Tensor>;

/// Variables are followed. That other parameters have changed is seen.
#[test]
fn parameters_that_change() -> Result<()> {
    let (input, x) = (shape(1, 1, 4), tensor(&[2, 1, 4, 4], 1, DType::F32));
    let parameters = Parameters::seeded(0);
    let vb = || parameters.builder(DType::F32, CPU);
    let dense = Dense::new(input, DenseConfig::new(3), vb().pp("dense"))?;
    let config = FusedTensorConfig::default();
    let fused = FusedTensor::new(input, input, config, vb().pp("fused"))?;
    let frozen = parameters.frozen();
    let vb = frozen.builder(DType::F32, CPU);
    let frozen = Dense::new(input, DenseConfig::new(3), vb.pp("dense"))?;
    let config = FusedTensorConfig::default();
    let frozen_fused = FusedTensor::new(input, input, config, vb.pp("fused"))?;
    let layers: [(&str, bool, Function); 4] = [
        ("dense", true, &|x| dense.forward(x)),
        ("dense", false, &|x| frozen.forward(x)),
        ("fused", true, &|x| fused.forward(x, x)),
        ("fused", false, &|x| frozen_fused.forward(x, x)),
    ];
    for (name, follows, layer) in layers {
        // What is computed once per layer is known then.
        layer(&x)?;
        let trace: Trace = Trace::new(|x| Ok::<_, e3x::Error>(vec![layer(&x[0])?]), &[&x])?;
        assert!(trace.is_current()?, "{name}");
        let before = values_of(&parameters);
        for (path, var) in parameters.variables() {
            let value = &before[&path];
            var.set(&(value + 1.0)?)?;
            let other = x.affine(0.5, 0.0)?;
            let same = bits(&trace.run(&[&other])?[0]) == bits(&layer(&other)?);
            let concerned = path.starts_with(name);
            assert_eq!(same, follows || !concerned, "{name}, {path}");
            assert_eq!(trace.is_current()?, same, "{name}, {path}");
            var.set(value)?;
            assert!(trace.is_current()?, "{name}, {path}");
        }
    }
    Ok(())
}

#[test]
fn functions_that_cannot_be_traced() {
    let x = tensor(&[4, 1, 1, 3], 1, DType::F64);
    let refused = |what: &str, f: &dyn Fn(&Tensor) -> Result<Tensor>| {
        let result = Trace::new(|x| Ok::<_, e3x::Error>(vec![f(&x[0])?]), &[&x]);
        assert_error(what, result, &["f:", "operations of e3x alone"]);
    };
    refused("an operation of candle", &|x| Ok((x * 2.0)?));
    refused("one between two of this crate", &|x| {
        nn::silu(&nn::silu(x)?.sqr()?)
    });
    refused("one in a gradient", &|x| {
        let x = variable(x)?;
        let y = nn::silu(&x)?.sqr()?;
        Ok(grad(&y, &[&x], CreateGraph::No)?.remove(0))
    });
    refused("a variable of candle", &|x| {
        let x = Var::from_tensor(x)?.into_inner();
        Ok(grad(&nn::silu(&x)?, &[&x], CreateGraph::No)?.remove(0))
    });
    refused("a number that is looked at", &|x| {
        Ok(Tensor::new(&[flat(x)[0]], CPU)?)
    });
    refused("another dtype", &|x| {
        nn::silu(&nn::silu(x)?.to_dtype(DType::F32)?)
    });
    refused("a trace", &|x| {
        let inner: Trace = Trace::new(|x| Ok::<_, e3x::Error>(vec![nn::silu(&x[0])?]), &[x])?;
        Ok(inner.run(&[x])?.remove(0))
    });
    refused("other shapes", &|x| {
        let rows = if flat(x)[0] == flat(&tensor(&[4, 1, 1, 3], 1, DType::F64))[0] {
            2
        } else {
            3
        };
        Ok(zeros(&[rows], DType::F64))
    });
    // Nothing is left behind.
    assert_traced("silu", |x| Ok(vec![nn::silu(&x[0])?]), &[&[4, 1, 1, 3]]);
}

#[test]
fn errors_of_the_function_and_of_inputs() {
    let x = tensor(&[4, 1, 1, 3], 1, DType::F32);
    let silu = |x: &[Tensor]| -> Result<Vec<Tensor>> { Ok(vec![nn::silu(&x[0])?]) };
    let bad = |x: &[Tensor]| -> Result<Vec<Tensor>> { Ok(vec![nn::silu(&x[0].flatten_all()?)?]) };
    assert_error("error of f", Trace::new(bad, &[&x]), &["x:", "three axes"]);
    assert_error(
        "no inputs",
        Trace::new(silu, &[]),
        &["examples", "no inputs"],
    );
    assert_error(
        "integers",
        Trace::new(silu, &[&indices(&[1])]),
        &["examples", "i64"],
    );
    let double = x.to_dtype(DType::F64).unwrap();
    assert_error(
        "mixed",
        Trace::new(silu, &[&x, &double]),
        &["examples", "f32", "f64"],
    );
    let trace = Trace::new(silu, &[&x]).unwrap();
    let wrong = tensor(&[5, 1, 1, 3], 1, DType::F32);
    assert_error(
        "shape",
        trace.run(&[&wrong]),
        &["inputs", "[4, 1, 1, 3]", "[5, 1, 1, 3]"],
    );
    assert_error("dtype", trace.run(&[&double]), &["inputs", "f32", "f64"]);
    assert_error(
        "number",
        trace.run(&[&x, &x]),
        &["inputs", "[4, 1, 1, 3], [4, 1, 1, 3]"],
    );
    let panics = |_: &[Tensor]| -> Result<Vec<Tensor>> { panic!("on purpose") };
    let caught =
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| Trace::new(panics, &[&x])));
    assert!(caught.is_err());
    assert!(Trace::new(silu, &[&x]).is_ok());
}

#[test]
fn traces_run_on_several_threads() {
    let x = tensor(&[4, 1, 1, 3], 1, DType::F64);
    let trace: Trace = Trace::new(|x| Ok::<_, e3x::Error>(vec![nn::silu(&x[0])?]), &[&x]).unwrap();
    let expected = bits(&nn::silu(&x).unwrap());
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                for _ in 0..10 {
                    assert_eq!(bits(&trace.run(&[&x]).unwrap()[0]), expected);
                }
            });
        }
    });
}
