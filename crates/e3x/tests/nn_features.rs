//! Feature helpers: shapes, gradients, equivariance, bad input.

use candle_core::{DType, Device, Tensor};
use e3x::autograd::{CreateGraph, grad, variable};
use e3x::nn::{add, change_max_degree_or_type, even_degree_mask, odd_degree_mask, reflect, rotate};
use proptest::prelude::*;

/// Numbers that look random, the same for the same seed.
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

/// Rotation of degree 0 and 1 (in Cartesian order degree 1 is the vector itself).
fn wigner_d(angle: f64, axis: usize) -> Tensor {
    let (s, c) = angle.sin_cos();
    let mut d = [[0.0; 4]; 4];
    for (i, row) in d.iter_mut().enumerate() {
        row[i] = 1.0;
    }
    let (i, j) = (1 + axis, 1 + (axis + 1) % 3);
    (d[i][i], d[i][j], d[j][i], d[j][j]) = (c, s, -s, c);
    Tensor::new(&d, &Device::Cpu).unwrap()
}

#[test]
fn masks_are_complementary() {
    for max_degree in [0, 1, 4] {
        let even = even_degree_mask(max_degree, &Device::Cpu).unwrap();
        let odd = odd_degree_mask(max_degree, &Device::Cpu).unwrap();
        assert_eq!(even.dims(), [(max_degree + 1).pow(2), 1]);
        assert_eq!(even.dtype(), DType::U8);
        assert!(values(&(even + odd).unwrap()).iter().all(|&x| x == 1.0));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    /// Growing and shrinking again gives the features back; the gradient is the transpose.
    #[test]
    fn changing_degree_and_type(
        parity in 1usize..3, degree in 0usize..4, to_parity in 1usize..3, to_degree in 0usize..5,
        items in 0usize..3, features in 1usize..4,
    ) {
        let shape = [items, parity, (degree + 1).pow(2), features];
        let x = variable(&numbers(&shape, 0.3)).unwrap();
        let y = change_max_degree_or_type(&x, Some(to_degree), Some(to_parity == 2)).unwrap();
        let out = [items, to_parity, (to_degree + 1).pow(2), features];
        prop_assert_eq!(y.dims(), out);
        if to_parity >= parity && to_degree >= degree {
            let back = change_max_degree_or_type(&y, Some(degree), Some(parity == 2)).unwrap();
            prop_assert_eq!(values(&back), values(&x));
        }
        // <z, A x> = <A^T z, x>
        let z = numbers(&out, 0.9);
        let form = (&z * &y).unwrap().sum_all().unwrap();
        let g = grad(&form, &[&x], CreateGraph::Yes).unwrap().remove(0);
        let other = (g * &x).unwrap().sum_all().unwrap();
        prop_assert!(distance(&form, &other) < 1e-12);
    }

    /// Adding commutes with rotations and reflections.
    #[test]
    fn adding_is_equivariant(
        p in 1usize..3, q in 1usize..3, l in 0usize..2, m in 0usize..2, angle in -3.0f64..3.0,
        axis in 0usize..3,
    ) {
        let x = numbers(&[2, p, (l + 1).pow(2), 3], 0.1);
        let y = numbers(&[2, q, (m + 1).pow(2), 3], 0.7);
        let sum = add(&[&x, &y]).unwrap();
        let d = wigner_d(angle, axis);
        let turn = |x: &Tensor| {
            let n = x.dims()[2];
            let d = d.narrow(0, 0, n).unwrap().narrow(1, 0, n).unwrap();
            rotate(x, &d).unwrap()
        };
        prop_assert!(distance(&add(&[&turn(&x), &turn(&y)]).unwrap(), &turn(&sum)) < 1e-13);
        let mirrored = add(&[&reflect(&x).unwrap(), &reflect(&y).unwrap()]).unwrap();
        prop_assert!(distance(&mirrored, &reflect(&sum).unwrap()) < 1e-15);
    }
}

#[test]
fn odd_degrees_of_proper_tensors_go_to_the_odd_channel() {
    let x = numbers(&[1, 9, 1], 0.2);
    let y = change_max_degree_or_type(&x, None, Some(true)).unwrap();
    let (x, y) = (values(&x), values(&y));
    for entry in 0..9usize {
        let odd = entry.isqrt() % 2;
        assert_eq!(y[9 * odd + entry], x[entry]);
        assert_eq!(y[9 * (1 - odd) + entry], 0.0);
    }
}

#[test]
fn rotation_acts_from_the_right_and_has_gradients() {
    let x = variable(&numbers(&[2, 2, 4, 3], 0.2)).unwrap();
    let d = wigner_d(0.7, 2);
    let y = rotate(&x, &d).unwrap();
    let (xs, ys, ds) = (values(&x), values(&y), values(&d));
    for (block, m, f) in [(0, 1, 0), (1, 2, 1), (3, 3, 2)] {
        let expected: f64 = (0..4)
            .map(|l| xs[block * 12 + l * 3 + f] * ds[l * 4 + m])
            .sum();
        assert!((ys[block * 12 + m * 3 + f] - expected).abs() < 1e-14);
    }
    // One matrix for each item; second derivatives with respect to both.
    let each = Tensor::stack(&[&d, &wigner_d(-0.3, 0)], 0).unwrap();
    let each = variable(&each).unwrap();
    let z = rotate(&x, &each).unwrap();
    assert!(distance(&z.narrow(0, 0, 1).unwrap(), &y.narrow(0, 0, 1).unwrap()) < 1e-15);
    let norm = z.sqr().unwrap().sum_all().unwrap();
    let g = grad(&norm, &[&x], CreateGraph::Yes).unwrap().remove(0);
    // A rotation keeps the norm: the gradient is 2 x.
    assert!(distance(&g, &(x.as_ref() * 2.0).unwrap()) < 1e-13);
    let second = grad(&g.sum_all().unwrap(), &[&x, &each], CreateGraph::No).unwrap();
    assert!(values(&second[0]).iter().all(|v| (v - 2.0).abs() < 1e-13));
    assert_eq!(second[1].dims(), [2, 4, 4]);
}

#[test]
fn dtypes_are_kept() {
    let x = numbers(&[2, 1, 4, 3], 0.2).to_dtype(DType::F32).unwrap();
    let d = wigner_d(0.7, 2).to_dtype(DType::F32).unwrap();
    let wide = change_max_degree_or_type(&x, Some(2), Some(true)).unwrap();
    for y in [
        reflect(&x).unwrap(),
        rotate(&x, &d).unwrap(),
        add(&[&x, &wide]).unwrap(),
        add(&[&x]).unwrap(),
        wide,
    ] {
        assert_eq!(y.dtype(), DType::F32);
    }
}

#[test]
fn layouts_that_are_not_contiguous_work() {
    let x = numbers(&[3, 1, 4, 2], 0.2).transpose(0, 3).unwrap();
    let y = reflect(&x).unwrap();
    let z = reflect(&x.contiguous().unwrap()).unwrap();
    assert_eq!(values(&y), values(&z));
}

#[test]
fn bad_input_is_an_error_that_names_the_argument() {
    let x = numbers(&[2, 2, 4, 3], 0.2);
    let error = |result: e3x::Result<Tensor>| result.unwrap_err().to_string();
    for bad in [
        numbers(&[4, 3], 0.1),
        numbers(&[3, 4, 3], 0.1),
        numbers(&[1, 5, 3], 0.1),
        numbers(&[1, 0, 3], 0.1),
        x.to_dtype(DType::I64).unwrap(),
    ] {
        assert!(error(change_max_degree_or_type(&bad, None, None)).starts_with("x:"));
        assert!(error(reflect(&bad)).starts_with("x:"));
        assert!(error(rotate(&bad, &wigner_d(0.1, 0))).contains("expected"));
        assert!(error(add(&[&bad])).starts_with("inputs:"));
    }
    for bad in [
        numbers(&[9, 9], 0.1),
        numbers(&[4], 0.1),
        numbers(&[3, 4, 4], 0.1),
        wigner_d(0.1, 0).to_dtype(DType::F32).unwrap(),
    ] {
        assert!(error(rotate(&x, &bad)).starts_with("wigner_d_matrix:"));
    }
    for huge in [4097, usize::MAX] {
        assert!(error(even_degree_mask(huge, &Device::Cpu)).starts_with("max_degree:"));
        assert!(error(odd_degree_mask(huge, &Device::Cpu)).starts_with("max_degree:"));
        let wide = change_max_degree_or_type(&x, Some(huge), None);
        assert!(error(wide).starts_with("max_degree:"));
    }
    assert!(error(add(&[])).starts_with("inputs:"));
    for bad in [
        numbers(&[3, 2, 4, 3], 0.1),
        numbers(&[2, 2, 4, 5], 0.1),
        numbers(&[2, 4, 3], 0.1),
        x.to_dtype(DType::F32).unwrap(),
    ] {
        assert!(error(add(&[&x, &bad])).starts_with("inputs:"));
    }
    // Empty batches are fine.
    let empty = numbers(&[0, 2, 4, 3], 0.1);
    assert_eq!(
        rotate(&empty, &wigner_d(0.1, 0)).unwrap().dims(),
        [0, 2, 4, 3]
    );
    assert_eq!(add(&[&empty, &empty]).unwrap().dims(), [0, 2, 4, 3]);
}
