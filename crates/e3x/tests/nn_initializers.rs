//! Statistics of the initialisers against theory. Bounds are 5 standard errors, seeds are fixed.
//!
//! The same quantities drawn with JAX and E3x (`PRNGKey(1)`, the same shapes) agree: for instance
//! lecun_normal (120, 80): variance 0.00819, largest 0.2075; embedding (100, 1, 1, 32): 0.0305;
//! tensor_he_normal of the kernel below: 0.3176, largest 1.300; 78 of its 108 paths are zero.

use e3x::nn::{Distribution, FanMode, Initializer, Parameters};
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

fn draw(init: &Initializer, shape: &[usize]) -> Vec<f64> {
    let mut rng = ChaCha8Rng::seed_from_u64(17);
    let values = init.sample(shape, &mut rng).unwrap();
    assert_eq!(values.len(), shape.iter().product::<usize>());
    values
}

/// Checks mean, variance and the largest value (for normal distributions there is no bound).
fn check(what: &str, values: &[f64], variance: f64, distribution: Distribution) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let second = values.iter().map(|x| x * x).sum::<f64>() / n;
    let largest = values.iter().fold(0.0f64, |m, x| m.max(x.abs()));
    let sigma = variance.sqrt();
    // Kurtosis decides about the error of the variance; 3 is an upper bound for all three.
    assert!(mean.abs() < 5.0 * sigma / n.sqrt(), "{what}: mean {mean}");
    let error = 5.0 * (2.0 / n).sqrt();
    assert!(
        (second / variance - 1.0).abs() < error,
        "{what}: variance {second} against {variance}"
    );
    let bound = match distribution {
        Distribution::TruncatedNormal => 2.0 / 0.879_625_661_034_239_8,
        Distribution::Uniform => 3.0f64.sqrt(),
        Distribution::Normal => {
            assert!(largest > 2.5 * sigma, "{what}: truncated at {largest}");
            return;
        }
    };
    assert!(largest <= bound * sigma, "{what}: {largest} out of bounds");
    assert!(
        largest > 0.97 * bound * sigma,
        "{what}: only up to {largest}"
    );
}

use Distribution::{Normal, TruncatedNormal, Uniform};

#[test]
fn simple_distributions() {
    assert_eq!(draw(&Initializer::Zeros, &[2, 2]), [0.0; 4]);
    assert_eq!(draw(&Initializer::Ones, &[3]), [1.0; 3]);
    assert_eq!(draw(&Initializer::Constant(2.5), &[]), [2.5]);
    let normal = Initializer::Normal {
        mean: 3.0,
        stddev: 0.5,
    };
    let centred: Vec<f64> = draw(&normal, &[10_000]).iter().map(|x| x - 3.0).collect();
    check("normal", &centred, 0.25, Normal);
    let uniform = Initializer::Uniform {
        low: 1.0,
        high: 3.0,
    };
    let centred: Vec<f64> = draw(&uniform, &[10_000]).iter().map(|x| x - 2.0).collect();
    check("uniform", &centred, 4.0 / 12.0, Uniform);
    let truncated = Initializer::TruncatedNormal { stddev: 0.5 };
    let variance = 0.25 * 0.879_625_661_034_239_8f64.powi(2);
    check(
        "truncated",
        &draw(&truncated, &[10_000]),
        variance,
        TruncatedNormal,
    );
    assert_eq!(Initializer::default(), Initializer::Zeros);
}

#[test]
fn variance_scaling_of_dense_kernels() {
    let shape = [120, 80];
    for (init, variance, distribution) in [
        (Initializer::lecun_normal(), 1.0 / 120.0, TruncatedNormal),
        (Initializer::lecun_uniform(), 1.0 / 120.0, Uniform),
        (Initializer::glorot_normal(), 1.0 / 100.0, TruncatedNormal),
        (Initializer::glorot_uniform(), 1.0 / 100.0, Uniform),
        (Initializer::he_normal(), 2.0 / 120.0, TruncatedNormal),
        (Initializer::he_uniform(), 2.0 / 120.0, Uniform),
        (
            Initializer::variance_scaling(0.5, FanMode::FanOut, Normal),
            0.5 / 80.0,
            Normal,
        ),
    ] {
        check(
            &format!("{init:?}"),
            &draw(&init, &shape),
            variance,
            distribution,
        );
    }
}

#[test]
fn receptive_fields_count_for_both_fans() {
    let shape = [3, 5, 20, 40];
    let lecun = draw(&Initializer::lecun_normal(), &shape);
    check("lecun", &lecun, 1.0 / (15.0 * 20.0), TruncatedNormal);
    let glorot = draw(&Initializer::glorot_uniform(), &shape);
    check("glorot", &glorot, 1.0 / (15.0 * 30.0), Uniform);
}

#[test]
fn embeddings_have_variance_one_over_features() {
    let values = draw(&Initializer::embedding(), &[100, 1, 1, 32]);
    check("embedding", &values, 1.0 / 32.0, Normal);
}

#[test]
fn tensor_kernels_count_paths_and_mask_forbidden_ones() {
    // Inputs (2, L=2) and (1, L=2), output (2, L=2); E3x counts these fans.
    let (shape, features) = ([2, 3, 1, 3, 2, 3, 2000], 2000);
    let path = |p1: usize, l1: usize, l2: usize, p3: usize, l3: usize| {
        (((p1 * 3 + l1) * 3 + l2) * 2 + p3) * 3 + l3
    };
    let of = |values: &[f64], path: usize| values[path * features..][..features].to_vec();
    for (init, scale, mode, distribution) in [
        (
            Initializer::tensor_lecun_normal(),
            1.0,
            "in",
            TruncatedNormal,
        ),
        (Initializer::tensor_lecun_uniform(), 1.0, "in", Uniform),
        (Initializer::tensor_he_normal(), 2.0, "in", TruncatedNormal),
        (Initializer::tensor_he_uniform(), 2.0, "in", Uniform),
        (
            Initializer::tensor_glorot_normal(),
            1.0,
            "avg",
            TruncatedNormal,
        ),
        (Initializer::tensor_glorot_uniform(), 1.0, "avg", Uniform),
        (
            Initializer::tensor_variance_scaling(3.0, FanMode::FanOut, Normal),
            3.0,
            "out",
            Normal,
        ),
    ] {
        let values = draw(&init, &shape);
        // (p1, l1) = (1, 1), l2 = 1 -> (p3, l3) = (0, 1): fan in 6, fan out 3;
        // (1, 2), 2 -> (1, 2): fan in 6, fan out 3.
        let fan = match mode {
            "in" => 6.0,
            "out" => 3.0,
            _ => 4.5,
        };
        for path in [path(1, 1, 1, 0, 1), path(1, 2, 2, 1, 2)] {
            check(
                &format!("{init:?}"),
                &of(&values, path),
                scale / fan,
                distribution,
            );
        }
        assert!(of(&values, path(0, 1, 1, 0, 0)).iter().all(|&x| x == 0.0));
        let zeros = (0..108).filter(|&p| of(&values, p).iter().all(|&x| x == 0.0));
        assert_eq!(zeros.count(), 78);
    }
}

#[test]
fn masks_of_tensor_kernels_are_those_of_the_reference() {
    // E3x: tensor_lecun_normal()(key, (1, 4, 2, 3, 1, 5, 1)) != 0.
    let expected = "100000000000100000000100000000010000100001010000001010000100001000010010101000000101001010000100001001010000000010100101";
    let values = draw(&Initializer::tensor_lecun_normal(), &[1, 4, 2, 3, 1, 5, 1]);
    let mask: String = values
        .iter()
        .map(|&x| if x == 0.0 { '0' } else { '1' })
        .collect();
    assert_eq!(mask, expected);
}

#[test]
fn fused_tensor_kernels_have_a_variance_and_a_mask_for_each_degree() {
    let scale = vec![1.0, 2.0, 0.5];
    let mask = vec![true, false, true];
    for (init, distribution) in [
        (
            Initializer::fused_tensor_normal(scale.clone(), mask.clone()),
            TruncatedNormal,
        ),
        (
            Initializer::fused_tensor_uniform(scale.clone(), mask.clone()),
            Uniform,
        ),
    ] {
        let values = draw(&init, &[3, 4000]);
        check("degree 0", &values[..4000], 1.0, distribution);
        assert!(values[4000..8000].iter().all(|&x| x == 0.0));
        check("degree 2", &values[8000..], 0.5, distribution);
        let one = Initializer::fused_tensor_normal([0.25], [true]);
        check("all", &draw(&one, &[3, 4000]), 0.25, TruncatedNormal);
    }
}

#[test]
fn the_same_seed_gives_the_same_values() {
    let kernel = |seed| {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        Initializer::lecun_normal()
            .sample(&[4, 4], &mut rng)
            .unwrap()
    };
    assert_eq!(kernel(1), kernel(1));
    assert_ne!(kernel(1), kernel(2));
    // Values that must not change between versions or platforms.
    let parameters = Parameters::seeded(0);
    let vb = parameters.builder(candle_core::DType::F64, &candle_core::Device::Cpu);
    let kernel = vb
        .get_with_hints((2, 2), "kernel", Initializer::lecun_normal())
        .unwrap();
    let bound = 2.0 / 0.879_625_661_034_239_8 * 0.5f64.sqrt();
    let values = kernel.flatten_all().unwrap().to_vec1::<f64>().unwrap();
    assert!(values.iter().all(|x| x.abs() <= bound && *x != 0.0));
}

#[test]
fn bad_arguments_are_errors_that_name_them() {
    let fused = |scale: Vec<f64>, mask: Vec<bool>| Initializer::fused_tensor_normal(scale, mask);
    let axes = |in_axis, out_axis| Initializer::VarianceScaling {
        scale: 1.0,
        mode: FanMode::FanIn,
        distribution: Normal,
        in_axis,
        out_axis,
    };
    let scaled = |scale| Initializer::variance_scaling(scale, FanMode::FanIn, Normal);
    let tensor = Initializer::tensor_lecun_normal();
    for (init, shape, name) in [
        (Initializer::lecun_normal(), vec![5], "in_axis"),
        (Initializer::lecun_normal(), vec![], "in_axis"),
        (axes(0, 7), vec![2, 2], "out_axis"),
        (axes(1, -1), vec![2, 2], "out_axis"),
        (scaled(-1.0), vec![2, 2], "scale"),
        (scaled(f64::NAN), vec![2, 2], "scale"),
        (tensor.clone(), vec![2, 2], "shape"),
        (tensor, vec![3, 1, 1, 1, 1, 1, 1], "shape"),
        (fused(vec![1.0, 2.0], vec![true]), vec![3, 4], "scale"),
        (fused(vec![1.0], vec![true; 2]), vec![3, 4], "mask"),
        (fused(vec![-1.0], vec![true]), vec![3, 4], "scale"),
        (
            Initializer::Uniform {
                low: 1.0,
                high: 1.0,
            },
            vec![3],
            "high",
        ),
    ] {
        let mut rng = ChaCha8Rng::seed_from_u64(0);
        let error = init.sample(&shape, &mut rng).unwrap_err().to_string();
        assert!(error.starts_with(name), "{init:?}: {error}");
    }
    // Nothing to draw is fine.
    assert!(draw(&Initializer::lecun_normal(), &[0, 5]).is_empty());
    assert!(draw(&Initializer::tensor_lecun_normal(), &[1, 1, 1, 1, 1, 1, 0]).is_empty());
    assert!(draw(&fused(vec![1.0], vec![true]), &[0, 4]).is_empty());
}
