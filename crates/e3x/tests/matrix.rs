//! Matrices of matrices.

use candle_core::{DType, Device, Tensor};
use e3x::Result;
use e3x::matrix::{
    combine_irreps, compute_side_lengths, get_traces, init_matrix_irreps_weights,
    make_dict_irreps_mult, make_rectangular_matrix, make_square_matrix,
};
use e3x::so3::{clebsch_gordan, random_rotation, wigner_d};
use e3x::testing::{GradientCheck, assert_gradients, random};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

const CPU: &Device = &Device::Cpu;

fn distance(a: &Tensor, b: &Tensor) -> Result<f64> {
    assert_eq!(a.dims(), b.dims());
    Ok((a - b)?.abs()?.max_all()?.to_scalar()?)
}

/// Exactly the irreps that a matrix needs.
fn irreps(degrees: &[usize], mult: usize, max_degree: usize) -> Result<Vec<Tensor>> {
    let numbers = make_dict_irreps_mult(degrees, Some(max_degree))?;
    let highest = numbers.keys().max().copied().unwrap_or_default();
    (0..=highest)
        .map(|l| {
            let columns = numbers.get(&l).unwrap_or(&0) * mult * mult;
            random(&[2 * l + 1, columns], l as u64)
        })
        .collect()
}

/// `D` of all blocks: in the order of the sides of the matrix.
fn block_diagonal(d: &Tensor, degrees: &[usize], mult: usize) -> Result<Tensor> {
    let side = mult * degrees.iter().map(|l| 2 * l + 1).sum::<usize>();
    let mut rows = Vec::new();
    let mut start = 0;
    for &l in degrees {
        let a = 2 * l + 1;
        let block = d.narrow(0, l * l, a)?.narrow(1, l * l, a)?;
        for _ in 0..mult {
            rows.push(block.pad_with_zeros(1, start, side - start - a)?);
            start += a;
        }
    }
    Ok(Tensor::cat(&rows, 0)?)
}

#[test]
fn matrices_rotate_with_the_irreps() -> Result<()> {
    let rot = random_rotation(&mut ChaCha8Rng::seed_from_u64(0), 1.0, DType::F64, CPU)?;
    let d = wigner_d(&rot, 5, true)?;
    for (degrees, mult, max_degree) in [(&[0, 1][..], 1, 2), (&[2, 0, 1], 2, 3), (&[1, 1], 3, 5)] {
        let irreps = irreps(degrees, mult, max_degree)?;
        let rotate = |(l, x): (usize, &Tensor)| {
            let block = d.narrow(0, l * l, 2 * l + 1)?.narrow(1, l * l, 2 * l + 1)?;
            block.t()?.contiguous()?.matmul(x)
        };
        let rotated = irreps
            .iter()
            .enumerate()
            .map(rotate)
            .collect::<candle_core::Result<Vec<_>>>()?;
        for shift_by_id in [false, true] {
            let make = |irreps: &[Tensor]| {
                make_square_matrix(irreps, degrees, mult, max_degree, shift_by_id)
            };
            let big = block_diagonal(&d, degrees, mult)?;
            let expected = big
                .t()?
                .contiguous()?
                .matmul(&make(&irreps)?.matmul(&big)?)?;
            assert!(distance(&make(&rotated)?, &expected)? < 1e-13);
            let traces = |irreps: &[Tensor]| get_traces(&make(irreps)?, degrees, mult, shift_by_id);
            assert!(distance(&traces(&rotated)?, &traces(&irreps)?)? < 1e-13);
        }
    }
    Ok(())
}

#[test]
fn everything_is_differentiable() -> Result<()> {
    let check = GradientCheck::default();
    let irreps = irreps(&[0, 1], 2, 2)?;
    let matrix = |x: &[Tensor]| Ok(make_square_matrix(x, &[0, 1], 2, 2, true)?.sqr()?);
    assert_gradients(matrix, &irreps, &check);
    let traces = |x: &[Tensor]| Ok(get_traces(&x[0], &[0, 1], 2, true)?.sqr()?);
    assert_gradients(traces, &[random(&[8, 8], 0)?], &check);
    let inputs = [
        random(&[2, 9, 3], 0)?,
        random(&[3, 2], 1)?,
        random(&[3, 1], 2)?,
    ];
    let combine = |x: &[Tensor]| {
        let irreps = combine_irreps(&x[0], &x[1..])?;
        let flat = irreps
            .iter()
            .map(Tensor::flatten_all)
            .collect::<candle_core::Result<Vec<_>>>()?;
        Ok(Tensor::cat(&flat, 0)?.sqr()?)
    };
    assert_gradients(combine, &inputs, &check);
    Ok(())
}

#[test]
fn traces_of_shifted_matrices_are_those_before() -> Result<()> {
    let irreps = irreps(&[1, 0, 2], 2, 4)?;
    let traces = |shift| {
        let matrix = make_square_matrix(&irreps, &[1, 0, 2], 2, 4, shift)?;
        get_traces(&matrix, &[1, 0, 2], 2, shift)
    };
    assert!(distance(&traces(true)?, &traces(false)?)? < 1e-14);
    Ok(())
}

#[test]
fn weights_have_the_right_spread() -> Result<()> {
    let numbers = make_dict_irreps_mult(&[0, 2], None)?;
    let draw = |seed| {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        init_matrix_irreps_weights(&mut rng, 500, &numbers, 2, 3.0, DType::F64, CPU)
    };
    let weights = draw(0)?;
    for (l, weights) in weights.iter().enumerate() {
        let columns = numbers[&l] * 4;
        assert_eq!(weights.dims(), [500, columns]);
        let variance = weights.sqr()?.mean_all()?.to_scalar::<f64>()?;
        let ratio = variance * (2 * l + 1) as f64 / 9.0;
        let error = 5.0 * (2.0 / (500.0 * columns as f64)).sqrt();
        assert!((ratio - 1.0).abs() < error, "degree {l}: {ratio}");
    }
    assert_eq!(distance(&weights[2], &draw(0)?[2])?, 0.0);
    assert!(distance(&weights[2], &draw(1)?[2])? > 0.1);
    // A degree between others that does not occur has no columns.
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    let gap = [(0, 1), (2, 1)].into();
    let weights = init_matrix_irreps_weights(&mut rng, 4, &gap, 1, 1.0, DType::F32, CPU)?;
    assert_eq!(weights[1].dims(), [4, 0]);
    let inputs = Tensor::ones((2, 9, 4), DType::F32, CPU)?;
    assert_eq!(combine_irreps(&inputs, &weights)?[1].dims(), [2, 3, 0]);
    Ok(())
}

/// Blocks that no irreps fit into are zero, keep the dtype, and use nothing up.
#[test]
fn blocks_without_irreps_are_zero() -> Result<()> {
    let cg = clebsch_gordan(2, 2, 1, true, DType::F64, CPU)?;
    let irreps = [random(&[1, 4], 0)?, random(&[3, 4], 1)?];
    let (block, idx) = make_rectangular_matrix(&irreps, &[1, 2], 1, 5, &cg, 2)?;
    assert_eq!((block.dims(), block.dtype()), (&[2, 10][..], DType::F64));
    assert_eq!(block.abs()?.sum_all()?.to_scalar::<f64>()?, 0.0);
    assert_eq!(idx, [1, 2]);
    Ok(())
}

#[test]
fn bad_arguments_are_errors() -> Result<()> {
    let cg = clebsch_gordan(1, 1, 2, true, DType::F64, CPU)?;
    let good = irreps(&[0, 1], 1, 2)?;
    let make = |irreps: &[Tensor], idx: &[usize], a, b, mult| {
        make_rectangular_matrix(irreps, idx, a, b, &cg, mult)
    };
    assert!(make(&good, &[0; 3], 3, 3, 1).is_ok());
    for (idx, a, b, mult) in [
        (&[0; 3][..], 2, 3, 1),
        (&[0; 3], 3, 0, 1),
        (&[0; 3], 3, 3, 0),
        (&[0; 3], 3, 3, 2),
        (&[0; 3], 5, 5, 1),
        (&[0; 2], 3, 3, 1),
        (&[0, 0, 7], 3, 3, 1),
        (&[usize::MAX; 3], 3, 3, 1),
    ] {
        let error = make(&good, idx, a, b, mult).map(|x| x.1).unwrap_err();
        assert!(!error.to_string().is_empty());
    }
    // The list has to start at degree 0 (E3x computes nonsense otherwise).
    assert!(make(&good[1..], &[0; 2], 3, 3, 1).is_err());
    assert!(make(&[random(&[1], 0)?], &[0], 1, 1, 1).is_err());
    let single = [random(&[1, 1], 0)?.to_dtype(DType::F32)?];
    assert!(make(&single, &[0], 1, 1, 1).is_err());
    assert!(make_rectangular_matrix(&good, &[0; 3], 1, 1, &good[0], 1).is_err());

    assert!(make_square_matrix(&good, &[0, 1], 1, 2, false).is_ok());
    assert!(make_square_matrix(&good, &[], 1, 2, false).is_err());
    assert!(make_square_matrix(&[], &[0], 1, 2, false).is_err());
    assert!(make_square_matrix(&good, &[0, 1], 0, 2, false).is_err());
    assert!(make_square_matrix(&good, &[0, 1], 1, 0, false).is_err());
    assert!(make_square_matrix(&good, &[0, 1], 2, 2, false).is_err());
    assert!(make_square_matrix(&[good[0].to_dtype(DType::U8)?], &[0], 1, 0, false).is_err());

    let mat = random(&[8, 8], 0)?;
    assert!(get_traces(&mat, &[0, 1], 2, true).is_ok());
    assert!(get_traces(&mat, &[0, 1], 1, true).is_err());
    assert!(get_traces(&mat, &[0, 1], 0, true).is_err());
    assert!(get_traces(&mat.to_dtype(DType::I64)?, &[0, 1], 2, true).is_err());
    assert!(get_traces(&random(&[8], 0)?, &[0, 1], 2, true).is_err());
    assert_eq!(get_traces(&random(&[0, 0], 0)?, &[], 2, true)?.dims(), [0]);

    let inputs = random(&[2, 4, 3], 0)?;
    for weights in [[3, 2, 1], [2, 2, 1], [3, 1, 2]] {
        let [rows, columns, kind] = weights;
        let w = random(&[rows, columns], 1)?;
        let result = match kind {
            1 if rows == 3 => combine_irreps(&inputs, &[w.clone(), w.clone(), w]),
            2 => combine_irreps(&inputs, &[w.to_dtype(DType::F32)?]),
            _ => combine_irreps(&inputs, &[w]),
        };
        assert!(result.is_err());
    }
    assert!(combine_irreps(&inputs, &[random(&[3], 0)?]).is_err());
    assert!(combine_irreps(&random(&[3], 0)?, &[random(&[3, 1], 0)?]).is_err());
    let empty = Tensor::zeros((0, 4, 3), DType::F64, CPU)?;
    assert_eq!(
        combine_irreps(&empty, &[random(&[3, 2], 0)?])?[0].dims(),
        [0, 1, 2]
    );

    let mut rng = ChaCha8Rng::seed_from_u64(0);
    let mut draw = |numbers, stddev, dtype| {
        init_matrix_irreps_weights(&mut rng, 2, &numbers, 1, stddev, dtype, CPU).is_err()
    };
    assert!(draw([].into(), 1.0, DType::F64));
    assert!(draw([(0, 1)].into(), -1.0, DType::F64));
    assert!(draw([(0, 1)].into(), f64::NAN, DType::F64));
    assert!(draw([(0, 1)].into(), 1.0, DType::I64));
    Ok(())
}

#[track_caller]
fn assert_names<T>(argument: &str, result: Result<T>) {
    match result {
        Ok(_) => panic!("accepted"),
        Err(error) => assert!(error.to_string().starts_with(argument), "{error}"),
    }
}

/// Sizes that overflow, or that no memory holds.
#[test]
fn absurd_sizes_are_errors_that_name_the_argument() -> Result<()> {
    const MAX: usize = usize::MAX;
    let one = [Tensor::ones((1, 1), DType::F64, CPU)?];
    for mult in [1 << 14, 1 << 16, 1 << 32, MAX] {
        for shift_by_id in [false, true] {
            assert_names("mult", make_square_matrix(&one, &[0], mult, 0, shift_by_id));
        }
    }
    for degrees in [&[MAX][..], &[0, MAX / 2], &[201]] {
        assert_names("degrees", make_square_matrix(&one, degrees, 1, MAX, false));
        assert_names("degrees", compute_side_lengths(degrees));
        assert_names("degrees", make_dict_irreps_mult(degrees, None));
        assert_names("degrees", make_dict_irreps_mult(degrees, Some(0)));
    }
    assert_names(
        "degrees",
        make_square_matrix(&one, &vec![0; 20_000], 1, 0, false),
    );
    // Long lists are counted, not paired.
    assert_eq!(
        make_dict_irreps_mult(&vec![1; 1_000_000], Some(0))?,
        [(0, 1_000_000_000_000)].into()
    );

    let cg = clebsch_gordan(0, 0, 0, true, DType::F64, CPU)?;
    let rectangular = |a, b, mult| make_rectangular_matrix(&one, &[0], a, b, &cg, mult);
    assert_names("a", rectangular(MAX, 1, 1));
    assert_names("b", rectangular(1, MAX, 1));
    assert_names("b", rectangular(100_001, 200_001, 1));
    assert_names("mult", rectangular(1, 1, 1 << 32));
    assert_names("mult", rectangular(1, 5, MAX));

    let wide = Tensor::zeros((1, 1), DType::F32, CPU)?.broadcast_as((65_537, 65_537))?;
    assert_names("ls", get_traces(&wide, &[32_768], 1, false));
    assert_names("mult", get_traces(&wide, &[0], 65_537, true));
    assert_names("mult", get_traces(&one[0], &[0], MAX, true));
    assert_names("ls", get_traces(&one[0], &[MAX], 1, true));

    let mut rng = ChaCha8Rng::seed_from_u64(0);
    let mut weights = |n_shells, numbers: [(usize, usize); 1], mult| {
        let numbers = numbers.into();
        init_matrix_irreps_weights(&mut rng, n_shells, &numbers, mult, 1.0, DType::F32, CPU)
    };
    assert_names("n_shells", weights(MAX, [(0, 1)], 1));
    assert_names("mult", weights(1, [(0, 1)], 1 << 32));
    assert_names("dict_irreps", weights(1, [(0, MAX)], 1));
    assert_names("dict_irreps", weights(1, [(MAX, 1)], 1));
    Ok(())
}
