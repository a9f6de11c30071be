//! Wigner-D matrices against the reference library and against what they must satisfy.

mod common;

use common::{Case, Numbers, cases, max_difference};
use e3x_so3::{
    Error, Normalization, Real, WignerD, generator_terms, num_harmonics, random_rotation, rotation,
    rotation_euler, spherical_harmonics, wigner_d,
};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

fn reference_case<T: Real>(case: &Case) -> f64 {
    let max_degree = case.integer("max_degree").unwrap();
    let rot = case.tensor::<T>("in.rot");
    let num = num_harmonics(max_degree);
    let mut matrices = vec![T::ZERO; rot.len() / 9 * num * num];
    WignerD::new(max_degree, case.cartesian_order())
        .unwrap()
        .matrices(&rot, &mut matrices)
        .unwrap();
    case.check("out.0", &matrices)
}

#[test]
fn agree_with_the_reference() {
    let mut largest = [0.0_f64; 2];
    for case in cases("so3.wigner_d") {
        let error = if case.f32 {
            reference_case::<f32>(&case)
        } else {
            reference_case::<f64>(&case)
        };
        largest[usize::from(case.f32)] = largest[usize::from(case.f32)].max(error);
    }
    println!("largest error: f64 {:e}, f32 {:e}", largest[0], largest[1]);
}

fn multiply(a: &[f64], b: &[f64], num: usize) -> Vec<f64> {
    let mut product = vec![0.0; num * num];
    for i in 0..num {
        for k in 0..num {
            for j in 0..num {
                product[i * num + j] += a[i * num + k] * b[k * num + j];
            }
        }
    }
    product
}

/// A generator as a dense matrix.
fn generator(max_degree: usize, cartesian_order: bool, axis: usize) -> Vec<f64> {
    let num = num_harmonics(max_degree);
    let mut dense = vec![0.0; num * num];
    for term in generator_terms(max_degree, cartesian_order).unwrap().iter() {
        if term.axis == axis {
            dense[term.row * num + term.col] = term.coefficient;
        }
    }
    dense
}

/// Derivatives with respect to Euler angles from the generators, against the reference library.
#[test]
fn generators_give_the_derivatives_of_the_reference() {
    for case in cases("composite.wigner_d_rotation_euler") {
        let max_degree = case.integer("max_degree").unwrap();
        let cartesian_order = case.cartesian_order();
        let num = num_harmonics(max_degree);
        let x: Vec<_> = (0..3)
            .map(|axis| generator(max_degree, cartesian_order, axis))
            .collect();
        let angles = ["in.a", "in.b", "in.c"].map(|name| case.tensor::<f64>(name));
        let cotangents = case.tensor::<f64>("cot.0");
        let mut gradients = [vec![], vec![], vec![]];
        for (i, cotangent) in cotangents.chunks_exact(num * num).enumerate() {
            let d = |a, b, c| {
                let rot = rotation_euler(a, b, c).unwrap();
                wigner_d(&rot, max_degree, cartesian_order).unwrap()
            };
            let (a, b, c) = (angles[0][i], angles[1][i], angles[2][i]);
            let all = d(a, b, c);
            let along_a = multiply(&x[0], &all, num);
            let along_b = multiply(&multiply(&d(a, b, 0.0), &x[1], num), &d(0.0, 0.0, c), num);
            let along_c = multiply(&all, &x[2], num);
            for (gradient, along) in gradients.iter_mut().zip([along_a, along_b, along_c]) {
                gradient.push(common::dot(cotangent, &along));
            }
        }
        for (name, gradient) in ["grad.in.a", "grad.in.b", "grad.in.c"]
            .iter()
            .zip(&gradients)
        {
            case.check(name, gradient);
        }
    }
}

/// `Y(r @ rot) = Y(r) @ D(rot)`: the largest deviation.
fn equivariance(rot: &[[f64; 3]; 3], max_degree: usize, cartesian_order: bool, r: [f64; 3]) -> f64 {
    let harmonics = |r: [f64; 3]| {
        spherical_harmonics(&r, max_degree, false, cartesian_order, Normalization::Racah).unwrap()
    };
    let rotated: [f64; 3] = std::array::from_fn(|j| (0..3).map(|i| r[i] * rot[i][j]).sum());
    let d = wigner_d(rot, max_degree, cartesian_order).unwrap();
    let y = harmonics(r);
    let num = y.len();
    let transformed: Vec<f64> = (0..num)
        .map(|j| (0..num).map(|i| y[i] * d[i * num + j]).sum())
        .collect();
    max_difference(&harmonics(rotated), &transformed)
}

#[test]
fn rotate_harmonics() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut numbers = Numbers(21);
    let mut largest = [0.0_f64; 2];
    let mut rotations = vec![
        rotation_euler(0.0, 0.0, 0.0).unwrap(),
        rotation_euler(0.0, std::f64::consts::FRAC_PI_2, 0.3).unwrap(),
        rotation([1.0, 0.0, 0.0], std::f64::consts::PI).unwrap(),
        [[-1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
        [[-1.0, 0.0, 0.0], [0.0, -1.0, 0.0], [0.0, 0.0, -1.0]],
    ];
    rotations.extend((0..5).map(|_| random_rotation::<f64, _>(&mut rng, 1.0).unwrap()));
    for rot in rotations {
        for cartesian_order in [true, false] {
            let r = numbers.vector();
            largest[0] = largest[0].max(equivariance(&rot, 20, cartesian_order, r));
        }
        largest[1] = largest[1].max(equivariance(&rot, 40, true, numbers.vector()));
    }
    println!(
        "equivariance: {:e} to degree 20, {:e} to degree 40",
        largest[0], largest[1]
    );
    assert!(largest[0] < 1e-13 && largest[1] < 1e-12);
}

#[test]
fn are_orthogonal_and_a_representation() {
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    let max_degree = 12;
    let num = num_harmonics(max_degree);
    let a = random_rotation::<f64, _>(&mut rng, 1.0).unwrap();
    let b = random_rotation::<f64, _>(&mut rng, 1.0).unwrap();
    let ab = a.map(|row| std::array::from_fn(|j| (0..3).map(|k| row[k] * b[k][j]).sum()));
    let d = |rot| wigner_d(rot, max_degree, true).unwrap();
    let (da, db, dab) = (d(&a), d(&b), d(&ab));
    assert!(max_difference(&multiply(&da, &db, num), &dab) < 3e-14);
    let transposed: Vec<_> = (0..num * num)
        .map(|i| da[i % num * num + i / num])
        .collect();
    let product = multiply(&da, &transposed, num);
    for (i, value) in product.iter().enumerate() {
        let expected = if i / num == i % num { 1.0 } else { 0.0 };
        assert!((value - expected).abs() < 3e-14);
    }
    assert!((dab[num + 1] - ab[0][0]).abs() < 1e-15);
}

/// More rotations than are computed together.
#[test]
fn blocks_are_those_of_the_matrices() {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let rotations = [(); 11].map(|()| random_rotation::<f64, _>(&mut rng, 1.0).unwrap());
    let rot = rotations.as_flattened().as_flattened();
    for (max_degree, cartesian_order) in [(0, true), (1, true), (2, false), (5, true)] {
        let wigner = WignerD::new(max_degree, cartesian_order).unwrap();
        let num = num_harmonics(max_degree);
        let mut matrices = vec![0.0; rotations.len() * num * num];
        wigner.matrices(rot, &mut matrices).unwrap();
        let expected: Vec<f64> = (matrices.chunks_exact(num * num))
            .flat_map(|matrix| (0..num).map(move |row| (matrix, row)))
            .flat_map(|(matrix, row)| {
                let l = row.isqrt();
                &matrix[row * num + l * l..row * num + (l + 1) * (l + 1)]
            })
            .copied()
            .collect();
        let mut blocks = vec![f64::NAN; expected.len()];
        wigner.blocks(rot, &mut blocks).unwrap();
        assert_eq!(blocks, expected);
        assert!(wigner.blocks(rot, &mut blocks[1..]).is_err());
    }
}

#[test]
fn wrong_arguments_are_errors() {
    let skewed = [[1.0, 0.1, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
    assert!(matches!(
        wigner_d(&skewed, 2, true),
        Err(Error::NotOrthogonal {
            argument: "rot",
            ..
        })
    ));
    let nan = [[f32::NAN; 3]; 3];
    assert!(matches!(
        wigner_d(&nan, 2, true),
        Err(Error::NotFinite { .. })
    ));
    let wigner = WignerD::new(1, true).unwrap();
    assert!(wigner.matrices(&[0.0; 8], &mut [0.0; 16]).is_err());
    assert!(wigner.matrices(&[0.0; 9], &mut [0.0; 15]).is_err());
    assert_eq!(wigner.matrices::<f64>(&[], &mut []), Ok(()));
    assert!(generator_terms(101, true).is_err());
}
