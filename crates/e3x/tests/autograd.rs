//! `e3x::autograd`: what is differentiated, what is recorded, what is refused.

mod support;

use candle_core::{DType, Tensor, Var};
use e3x::Result;
use e3x::autograd::{CreateGraph, backward, grad, init, value_and_grad, variable, vjp};
use e3x::nn::{self, BasisConfig, Cutoff, Dense, DenseConfig, MessagePass, MessagePassConfig};
use e3x::nn::{Parameters, Radial};
use e3x::ops::{self, Graph, gather_dst, gather_src};
use e3x::testing::random;
use support::{CPU, assert_close, assert_error, bits, flat, shape, single, zeros};

const BOTH: [CreateGraph; 2] = [CreateGraph::Yes, CreateGraph::No];

fn point(values: &[f64]) -> Result<Tensor> {
    variable(&Tensor::new(values, CPU)?)
}

#[test]
fn gradients_are_those_of_the_sum_in_the_order_of_the_inputs() -> Result<()> {
    for create_graph in BOTH {
        let (x, y) = (point(&[1.0, 2.0])?, point(&[3.0, 5.0])?);
        let output = (x.sqr()? * &y)?;
        let grads = grad(&output, &[&y, &x], create_graph)?;
        assert_eq!(flat(&grads[0]), [1.0, 4.0]);
        assert_eq!(flat(&grads[1]), [6.0, 20.0]);
        assert!(grad(&output, &[], create_graph)?.is_empty());
        assert_eq!(flat(&grad(&x, &[&x], create_graph)?[0]), [1.0, 1.0]);
        let var = Var::new(&[2.0f64], CPU)?;
        let grads = grad(&var.sqr()?, &[&var], create_graph)?;
        assert_eq!(flat(&grads[0]), [4.0]);
    }
    Ok(())
}

#[test]
fn an_input_that_is_there_twice_has_its_gradient_twice() -> Result<()> {
    for create_graph in BOTH {
        let x = point(&[3.0])?;
        let grads = grad(&x.sqr()?, &[&x, &x], create_graph)?;
        assert_eq!([flat(&grads[0]), flat(&grads[1])], [[6.0], [6.0]]);
    }
    Ok(())
}

#[test]
fn inputs_without_influence_have_zero_gradients() -> Result<()> {
    for create_graph in BOTH {
        let (x, unused) = (point(&[1.0])?, variable(&single(&random(&[2, 3], 0)?))?);
        let grads = grad(&x.sqr()?, &[&unused, &x], create_graph)?;
        assert_eq!(
            (grads[0].dims(), grads[0].dtype()),
            (&[2, 3][..], DType::F32)
        );
        assert_eq!(flat(&grads[0]), [0.0; 6]);
        assert_eq!(flat(&grads[1]), [2.0]);
        let constant = Tensor::new(&[1.0], CPU)?;
        assert_eq!(flat(&grad(&constant, &[&x], create_graph)?[0]), [0.0]);
        let detached = grad(&x.detach().sqr()?, &[&x], create_graph)?;
        assert_eq!(flat(&detached[0]), [0.0]);
    }
    Ok(())
}

#[test]
fn inputs_that_are_no_variables_are_errors() -> Result<()> {
    let x = point(&[1.0])?;
    let square = x.sqr()?;
    for other in [&square, &Tensor::new(&[1.0], CPU)?, &x.detach()] {
        let result = grad(&square, &[&x, other], CreateGraph::No);
        assert_error("input", result, &["inputs", "variables", "position 1"]);
    }
    let integers = zeros(&[2], DType::I64);
    let result = grad(&integers, &[&x], CreateGraph::No);
    assert_error("output", result, &["output", "I64"]);
    for dtype in [DType::I64, DType::U8, DType::F16] {
        let result = variable(&zeros(&[2], dtype));
        assert_error("variable", result, &["x", "f32 or f64"]);
    }
    Ok(())
}

#[test]
fn only_recorded_gradients_can_be_differentiated_again() -> Result<()> {
    let x = point(&[2.0])?;
    let y = x.powf(4.0)?;
    let recorded = grad(&y, &[&x], CreateGraph::Yes)?.remove(0);
    assert!(recorded.track_op());
    let second = grad(&recorded, &[&x], CreateGraph::Yes)?.remove(0);
    let third = grad(&second, &[&x], CreateGraph::No)?.remove(0);
    assert_close("second", &second, &Tensor::new(&[48.0], CPU)?, 1e-14);
    assert_close("third", &third, &Tensor::new(&[48.0], CPU)?, 1e-14);

    let plain = grad(&y, &[&x], CreateGraph::No)?.remove(0);
    assert!(!plain.track_op());
    assert_eq!(flat(&plain), [32.0]);
    assert_eq!(flat(&grad(&plain, &[&x], CreateGraph::No)?[0]), [0.0]);
    Ok(())
}

#[test]
fn variables_are_detached_copies() -> Result<()> {
    let x = point(&[2.0])?;
    let y = variable(&x.sqr()?)?;
    assert!(y.is_variable());
    assert_eq!(flat(&y), [4.0]);
    let product = (&x * &y)?;
    let grads = grad(&product, &[&x, &y], CreateGraph::No)?;
    assert_eq!([flat(&grads[0]), flat(&grads[1])], [[4.0], [2.0]]);
    Ok(())
}

#[test]
fn value_and_grad_differentiates_what_the_function_captures() -> Result<()> {
    let scale = point(&[3.0])?;
    let x = Tensor::new(&[2.0], CPU)?;
    let f = |x: &[Tensor]| Ok((x[0].powf(3.0)? * &scale)?);
    let (value, grads) = value_and_grad(f, &[&x], CreateGraph::Yes)?;
    assert_eq!((flat(&value), flat(&grads[0])), (vec![24.0], vec![36.0]));
    assert_eq!(flat(&grad(&value, &[&scale], CreateGraph::No)?[0]), [8.0]);
    assert_eq!(
        flat(&grad(&grads[0], &[&scale], CreateGraph::No)?[0]),
        [12.0]
    );

    let (value, grads) = value_and_grad(f, &[&x], CreateGraph::No)?;
    assert_eq!((flat(&value), flat(&grads[0])), (vec![24.0], vec![36.0]));
    assert!(!value.track_op() && !grads[0].track_op());

    let fails = |_: &[Tensor]| Err(e3x::Error::argument("f", "success", "failure"));
    assert_error(
        "f",
        value_and_grad(fails, &[&x], CreateGraph::No),
        &["f", "failure"],
    );
    let integers = value_and_grad(f, &[&zeros(&[1], DType::I64)], CreateGraph::No);
    assert_error("dtype", integers, &["f32 or f64"]);
    Ok(())
}

#[test]
fn backward_gives_all_gradients() -> Result<()> {
    let (x, y) = (point(&[2.0])?, point(&[5.0])?);
    for create_graph in BOTH {
        let grads = backward(&(x.sqr()? * &y)?, create_graph)?;
        assert_eq!(flat(grads.get(&x).unwrap()), [20.0]);
        assert_eq!(flat(grads.get(&y).unwrap()), [4.0]);
    }
    Ok(())
}

#[test]
fn every_thread_can_differentiate() -> Result<()> {
    init()?;
    let second = || {
        let x = point(&[2.0])?;
        let first = grad(&x.powf(3.0)?, &[&x], CreateGraph::Yes)?.remove(0);
        Ok::<_, e3x::Error>(flat(&grad(&first, &[&x], CreateGraph::No)?[0]))
    };
    let threads: Vec<_> = (0..4).map(|_| std::thread::spawn(second)).collect();
    for thread in threads {
        assert!((thread.join().unwrap()?[0] - 12.0).abs() < 1e-13);
    }
    Ok(())
}

/// Energies of a small potential, with the inputs and the parameters they depend on.
struct Potential {
    energy: Tensor,
    /// Features, positions (unless they are fixed), parameters.
    inputs: Vec<Tensor>,
}

impl Potential {
    fn inputs(&self) -> Vec<&Tensor> {
        self.inputs.iter().collect()
    }
}

fn potential(fixed_positions: bool) -> Result<Potential> {
    let parameters = Parameters::seeded(1);
    let vb = parameters.builder(DType::F64, CPU);
    let input = shape(1, 0, 2);
    let pass = MessagePass::new(input, (1, 3), MessagePassConfig::default(), vb.pp("pass"))?;
    let dense = Dense::new(pass.output_shape(), DenseConfig::new(2), vb.pp("dense"))?;
    let graph = Graph::from_indices(&[0, 0, 1, 2], &[1, 2, 0, 1], 3)?;
    let mut inputs = vec![variable(&random(&[3, 1, 1, 2], 3)?)?];
    let mut positions = random(&[3, 3], 2)?;
    if !fixed_positions {
        positions = variable(&positions)?;
        inputs.push(positions.clone());
    }
    let r = (gather_src(&positions, &graph)? - gather_dst(&positions, &graph)?)?;
    let config = BasisConfig::new(1, 3, Radial::default()).with_cutoff(Cutoff::smooth(5.0));
    let y = pass.forward(&inputs[0], &nn::basis(&r, &config)?, &graph)?;
    let energy = nn::silu(&dense.forward(&y)?)?.sqr()?.sum_all()?;
    let parameters = parameters.variables().into_iter();
    inputs.extend(parameters.map(|(_, var)| var.into_inner()));
    Ok(Potential { energy, inputs })
}

/// What is skipped because nobody asked for it does not change what is asked for: same bits.
#[test]
fn gradients_do_not_depend_on_which_others_are_asked_for() -> Result<()> {
    for (fixed_positions, create_graph) in [
        (true, BOTH[0]),
        (false, BOTH[0]),
        (true, BOTH[1]),
        (false, BOTH[1]),
    ] {
        let p = potential(fixed_positions)?;
        let inputs = p.inputs();
        let all = grad(&p.energy, &inputs, create_graph)?;
        assert!(all.iter().all(|g| flat(g).iter().any(|&g| g != 0.0)));
        for (i, input) in inputs.iter().enumerate() {
            let alone = grad(&p.energy, &[input], create_graph)?.remove(0);
            assert_eq!(bits(&alone), bits(&all[i]), "input {i} alone");
            let first = grad(&p.energy, &inputs[..i], create_graph)?;
            let last = grad(&p.energy, &inputs[i..], create_graph)?;
            for (part, whole) in first.iter().chain(&last).zip(&all) {
                assert_eq!(bits(part), bits(whole), "in two parts, split at {i}");
            }
        }
        let store = backward(&p.energy, create_graph)?;
        for (input, gradient) in inputs.iter().zip(&all) {
            assert_eq!(bits(store.get(input).unwrap()), bits(gradient));
        }
    }
    Ok(())
}

/// Training on forces: parameters are differentiated through a gradient that was computed for the
/// positions alone.
#[test]
fn parameters_can_be_differentiated_through_forces() -> Result<()> {
    let p = potential(false)?;
    let inputs = p.inputs();
    let alone = grad(&p.energy, &inputs[1..2], CreateGraph::Yes)?.remove(0);
    let together = grad(&p.energy, &inputs, CreateGraph::Yes)?.remove(1);
    let a = grad(&alone.sqr()?, &inputs, CreateGraph::No)?;
    let b = grad(&together.sqr()?, &inputs, CreateGraph::No)?;
    for (a, b) in a.iter().zip(&b) {
        assert_eq!(bits(a), bits(b));
    }
    assert!(a.iter().all(|g| flat(g).iter().any(|&g| g != 0.0)));
    Ok(())
}

/// The derivative by positions, then by a parameter, is that in the other order (1e-12).
#[test]
fn second_derivatives_are_symmetric() -> Result<()> {
    let p = potential(false)?;
    let along = |x: &Tensor, direction: &Tensor, other: &Tensor, weight: &Tensor| {
        let first = grad(&p.energy, &[x], CreateGraph::Yes)?.remove(0);
        let second = grad(&(first * direction)?, &[other], CreateGraph::No)?.remove(0);
        Ok::<_, e3x::Error>((second * weight)?.sum_all()?)
    };
    let r = &p.inputs[1];
    let u = random(r.dims(), 5)?;
    for w in &p.inputs[2..] {
        let v = random(w.dims(), 6)?;
        let (a, b) = (along(r, &u, w, &v)?, along(w, &v, r, &u)?);
        assert_close("mixed derivative", &a, &b, 1e-12);
        assert_ne!(flat(&a), [0.0]);
    }
    Ok(())
}

/// Of results of this crate, of views of them, of what candle makes of them, and of a variable itself; first
/// and second derivatives.
#[test]
fn vector_jacobian_products_are_gradients_of_the_product() -> Result<()> {
    let parameters = Parameters::seeded(3);
    let vb = parameters.builder(DType::F64, CPU);
    let dense = Dense::new(shape(2, 2, 3), DenseConfig::new(4), vb)?;
    let x = variable(&random(&[5, 2, 9, 3], 1)?)?;
    let layer = |x: &Tensor| dense.forward(&dense_input(x)?);
    let functions: [&Function<'_>; 4] = [
        &layer,
        &|x| Ok(layer(x)?.reshape((5, 72))?),
        &|x| Ok(layer(x)?.narrow(2, 1, 3)?.sqr()?),
        &|x| Ok(x.clone()),
    ];
    for (i, function) in functions.into_iter().enumerate() {
        let cotangent = variable(&random(function(&x)?.dims(), 2)?)?;
        for create_graph in BOTH {
            let expected = grad(&function(&x)?.mul(&cotangent)?, &[&x], create_graph)?.remove(0);
            let actual = vjp(&function(&x)?, &cotangent, &[&x], create_graph)?.remove(0);
            assert_close("first", &actual, &expected, 1e-12);
            if create_graph == CreateGraph::Yes && i < 3 {
                let of = [&x, &cotangent];
                let expected = grad(&expected.sqr()?, &of, CreateGraph::No)?;
                let actual = grad(&actual.sqr()?, &of, CreateGraph::No)?;
                assert_close("by x", &actual[0], &expected[0], 1e-12);
                assert_close("by cotangent", &actual[1], &expected[1], 1e-12);
            }
        }
    }
    Ok(())
}

type Function<'a> = dyn Fn(&Tensor) -> Result<Tensor> + 'a;

/// Something nonlinear before the layer, so that second derivatives do not vanish.
fn dense_input(x: &Tensor) -> Result<Tensor> {
    Ok(x.sqr()?)
}

/// candle's own backward gives the same, also where a variable is used by candle and by this crate, twice.
#[test]
fn gradients_of_candle_are_the_same() -> Result<()> {
    init()?;
    let parameters = Parameters::seeded(4);
    let vb = parameters.builder(DType::F64, CPU);
    let dense = Dense::new(shape(1, 2, 3), DenseConfig::new(3), vb)?;
    let x = variable(&random(&[4, 1, 9, 3], 5)?)?;
    let y = || -> Result<Tensor> {
        let twice = dense.forward(&dense.forward(&x)?)?;
        Ok((twice + dense.forward(&x)?)?.mul(&x)?)
    };
    let expected = grad(&y()?, &[&x], CreateGraph::No)?.remove(0);
    let all = backward(&y()?, CreateGraph::No)?;
    let plain = y()?.backward()?;
    for (what, grads) in [("backward", &all), ("candle", &plain)] {
        assert_close(what, grads.get(&x).unwrap(), &expected, 1e-12);
        for (path, variable) in parameters.variables() {
            let kernel = grads.get(&variable).unwrap();
            assert_close(&path, kernel, all.get(&variable).unwrap(), 1e-12);
        }
    }
    Ok(())
}

/// An energy of which only operations of this crate know how it depends on positions and parameters.
fn own_energy(parameters: &Parameters, positions: &Tensor) -> Result<Tensor> {
    let vb = parameters.builder(DType::F64, CPU);
    let config = MessagePassConfig::default;
    let first = MessagePass::new(shape(1, 0, 3), (2, 4), config(), vb.pp("first"))?;
    let second = MessagePass::new(first.output_shape(), (2, 4), config(), vb.pp("second"))?;
    let dense = Dense::new(second.output_shape(), DenseConfig::new(1), vb.pp("dense"))?;
    let graph = Graph::from_indices(&[0, 0, 1, 2, 2, 3], &[1, 2, 0, 1, 3, 0], 4)?;
    let r = ops::displacements(positions, &graph, None)?;
    let basis = BasisConfig::new(2, 4, Radial::default()).with_cutoff(Cutoff::smooth(9.0));
    let basis = nn::basis(&r, &basis)?;
    let x = random(&[4, 1, 1, 3], 3)?;
    let y = second.forward(&first.forward(&x, &basis, &graph)?, &basis, &graph)?;
    let y = nn::change_max_degree_or_type(&dense.forward(&nn::silu(&y)?)?, Some(0), Some(false))?;
    let all = Graph::sparse_dst(&Tensor::new(&[0u32; 4], CPU)?, 1)?;
    ops::reshape(&ops::indexed_sum(&y, &all, false)?, 1)
}

/// Without operations of candle between energy and variables its backward is not used; with one at the end it is.
/// First derivatives, and those of forces.
#[test]
fn gradients_without_candle_are_the_same() -> Result<()> {
    let parameters = Parameters::seeded(6);
    let positions = variable(&random(&[4, 3], 2)?)?;
    let own = || own_energy(&parameters, &positions);
    let with_candle = || Ok::<_, e3x::Error>(own()?.affine(1.0, 0.0)?);
    let inputs = |energy: &Tensor| -> Result<Vec<Tensor>> {
        assert!(energy.track_op());
        let variables = parameters.variables().into_iter();
        Ok(variables
            .map(|(_, var)| var.into_inner())
            .chain([positions.clone()])
            .collect())
    };
    let inputs = inputs(&own()?)?;
    let inputs: Vec<&Tensor> = inputs.iter().collect();
    for create_graph in BOTH {
        let expected = grad(&with_candle()?, &inputs, create_graph)?;
        let actual = grad(&own()?, &inputs, create_graph)?;
        let twice = grad(&own()?, &[&positions, &positions], create_graph)?;
        for (i, (actual, expected)) in actual.iter().zip(&expected).enumerate() {
            assert_close(&format!("input {i}"), actual, expected, 1e-13);
        }
        // Only degree 0 of the last layer counts.
        let counts = |x: &&Tensor| flat(x).iter().any(|&x| x != 0.0);
        assert!(expected.iter().filter(counts).count() > inputs.len() / 2);
        assert_close("twice", &twice[1], &expected[inputs.len() - 1], 1e-13);
    }
    let [recorded, last] =
        BOTH.map(|create_graph| grad(&own().unwrap(), &[&positions], create_graph));
    assert_close("torques", &recorded?[0], &last?[0], 1e-12);
    let second = |energy: Tensor| {
        let forces = grad(&energy, &[&positions], CreateGraph::Yes)?.remove(0);
        grad(&forces.sqr()?, &inputs, CreateGraph::No)
    };
    for (actual, expected) in second(own()?)?.iter().zip(&second(with_candle()?)?) {
        assert_close("of forces", actual, expected, 1e-12);
    }
    Ok(())
}

#[test]
fn cotangents_that_do_not_fit_are_errors() -> Result<()> {
    let x = point(&[1.0, 2.0])?;
    for cotangent in [point(&[1.0])?, x.to_dtype(DType::F32)?, x.unsqueeze(0)?] {
        let result = vjp(&x.sqr()?, &cotangent, &[&x], CreateGraph::No);
        assert_error("vjp", result, &["cotangent"]);
    }
    Ok(())
}
