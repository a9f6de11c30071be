//! Rotations, Wigner-D matrices, Cartesian tensors and quadratures on tensors.

mod bad_input;
mod derivatives;

use std::f64::consts::{FRAC_PI_2, PI};

use candle_core::{DType, Device, Tensor};
use e3x::Result;
use e3x::so3::{
    Normalization, QuadratureSize, SphericalHarmonicsConfig, alignment_rotation, delley_quadrature,
    euler_angles_from_rotation, irreps_to_tensor, lebedev_quadrature, random_rotation,
    random_rotations, rotation, rotation_euler, spherical_harmonics, wigner_d,
};
use e3x::testing::random;
use proptest::prelude::*;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

const CPU: &Device = &Device::Cpu;

fn scalar(x: f64) -> Result<Tensor> {
    Ok(Tensor::new(x, CPU)?)
}

fn rotations(num: usize, seed: u64) -> Result<Tensor> {
    random_rotations(
        &mut ChaCha8Rng::seed_from_u64(seed),
        1.0,
        num,
        DType::F64,
        CPU,
    )
}

fn flat(x: &Tensor) -> Result<Vec<f64>> {
    Ok(x.to_dtype(DType::F64)?.flatten_all()?.to_vec1()?)
}

/// The largest difference.
fn distance(a: &Tensor, b: &Tensor) -> Result<f64> {
    assert_eq!(a.dims(), b.dims());
    let pairs = flat(a)?.into_iter().zip(flat(b)?);
    Ok(pairs.map(|(a, b)| (a - b).abs()).fold(0.0, |max, x| {
        if x.is_nan() {
            f64::INFINITY
        } else {
            x.max(max)
        }
    }))
}

fn identity(num: usize, dtype: DType) -> Result<Tensor> {
    Ok(Tensor::eye(3, dtype, CPU)?
        .broadcast_as((num, 3, 3))?
        .contiguous()?)
}

/// How far matrices are from rotations.
fn defect(rot: &Tensor) -> Result<f64> {
    let product = rot.matmul(&rot.transpose(1, 2)?.contiguous()?)?;
    let orthogonal = distance(&product, &identity(rot.dim(0)?, rot.dtype())?)?;
    let determinant = |m: &[f64]| {
        m[0] * (m[4] * m[8] - m[5] * m[7]) - m[1] * (m[3] * m[8] - m[5] * m[6])
            + m[2] * (m[3] * m[7] - m[4] * m[6])
    };
    let determinants = flat(rot)?
        .chunks(9)
        .map(|m| (determinant(m) - 1.0).abs())
        .collect::<Vec<_>>();
    Ok(determinants.into_iter().fold(orthogonal, f64::max))
}

/// Rows `r @ rot`.
fn rotate(r: &Tensor, rot: &Tensor) -> Result<Tensor> {
    Ok(r.unsqueeze(1)?.matmul(rot)?.squeeze(1)?)
}

/// Vectors that are nearly or exactly (anti)parallel, orthogonal, tiny, huge.
fn pairs() -> Result<(Tensor, Tensor)> {
    let mut us = Vec::new();
    let mut vs = Vec::new();
    let base: [[f64; 3]; 6] = [
        [1.0, 0.0, 0.0],
        [0.0, -2.0, 0.0],
        [0.0, 0.0, 1.0],
        [1.0, 1.0, 1.0],
        [-1.0, 1.0, -1.0],
        [0.3, -0.7, 0.2],
    ];
    for u in base {
        for perturbation in [0.0, 1e-16, 1e-12, 1e-8, 1e-4, 0.1] {
            for sign in [1.0, -1.0] {
                us.push(u);
                let p = perturbation;
                vs.push([
                    sign * u[0] + p,
                    sign * u[1] - 2.0 * p,
                    sign * u[2] + 3.0 * p,
                ]);
            }
        }
        for scale in [1e-200, 1e200] {
            us.push(u.map(|x| x * scale));
            vs.push([u[1], u[2], -u[0]].map(|x: f64| x / scale));
        }
    }
    let tensor =
        |rows: Vec<[f64; 3]>| Tensor::from_slice(rows.as_flattened(), (rows.len(), 3), CPU);
    Ok((tensor(us)?, tensor(vs)?))
}

fn unit(x: &Tensor) -> Result<Tensor> {
    let largest = x.abs()?.max_keepdim(1)?;
    let x = x.broadcast_div(&largest)?;
    Ok(x.broadcast_div(&x.sqr()?.sum_keepdim(1)?.sqrt()?)?)
}

#[test]
fn alignment_aligns_everything() -> Result<()> {
    let (u, v) = pairs()?;
    let rot = alignment_rotation(&u, &v)?;
    assert!(defect(&rot)? < 4e-15, "{}", defect(&rot)?);
    assert!(distance(&rotate(&unit(&u)?, &rot)?, &unit(&v)?)? < 4e-15);
    let (u, v) = (u.narrow(0, 0, 12)?, v.narrow(0, 0, 12)?);
    let (u, v) = (u.to_dtype(DType::F32)?, v.to_dtype(DType::F32)?);
    let rot = alignment_rotation(&u, &v)?;
    assert!(defect(&rot)? < 2e-6);
    assert!(distance(&rotate(&unit(&u)?, &rot)?, &unit(&v)?)? < 2e-6);
    Ok(())
}

#[test]
fn alignment_agrees_with_slices() -> Result<()> {
    let (u, v) = (random(&[50, 3], 0)?, random(&[50, 3], 1)?);
    let rot = flat(&alignment_rotation(&u, &v)?)?;
    for (i, (u, v)) in u.to_vec2()?.iter().zip(v.to_vec2()?).enumerate() {
        let expected = e3x_so3::alignment_rotation([u[0], u[1], u[2]], [v[0], v[1], v[2]])?;
        for (a, b) in rot[9 * i..].iter().zip(expected.as_flattened()) {
            let (a, b): (f64, f64) = (*a, *b);
            assert!((a - b).abs() < 1e-14);
        }
    }
    Ok(())
}

/// Identity, half turns about several axes, the poles of Euler angles, random rotations.
fn special_rotations() -> Result<Tensor> {
    let axes = [
        [1.0, 0.0, 0.0],
        [0.0, 1.0, 0.0],
        [0.0, 0.0, 1.0],
        [1.0, 1.0, 0.0],
        [1.0, 2.0, -3.0],
    ];
    let mut all = vec![identity(1, DType::F64)?, rotations(8, 5)?];
    for axis in axes {
        for angle in [PI, -PI, FRAC_PI_2, -FRAC_PI_2, 1e-9] {
            let rot = rotation(&Tensor::new(&axis, CPU)?, &scalar(angle)?)?;
            all.push(rot.unsqueeze(0)?);
        }
    }
    for b in [FRAC_PI_2, -FRAC_PI_2] {
        for offset in [0.0, 1e-15, 1e-12, 1e-8, 1e-4, 1e-2] {
            let rot = rotation_euler(
                &scalar(0.7)?,
                &scalar(b - b.signum() * offset)?,
                &scalar(-2.1)?,
            )?;
            all.push(rot.unsqueeze(0)?);
        }
    }
    Ok(Tensor::cat(&all, 0)?)
}

/// `D(a) D(b) = D(a b)`, and harmonics of rotated vectors are rotated harmonics, reflections included.
#[test]
fn wigner_d_represents_rotations() -> Result<()> {
    let rot = special_rotations()?;
    let num = rot.dim(0)?;
    let other = rotations(num, 9)?;
    let r = random(&[num, 3], 4)?;
    for cartesian_order in [true, false] {
        let config = SphericalHarmonicsConfig {
            cartesian_order,
            ..Default::default()
        };
        let d = |rot: &Tensor| wigner_d(rot, 6, cartesian_order);
        assert!(distance(&d(&rot)?.matmul(&d(&other)?)?, &d(&rot.matmul(&other)?)?)? < 2e-14);
        let harmonics = spherical_harmonics(&r, 6, config)?;
        for rot in [rot.clone(), rot.neg()?] {
            let expected = spherical_harmonics(&rotate(&r, &rot)?, 6, config)?;
            assert!(distance(&rotate(&harmonics, &d(&rot)?)?, &expected)? < 2e-14);
        }
    }
    // Cartesian tensors rotate with every index.
    let x = random(&[num, 5], 6)?;
    let tensor = |x: &Tensor| irreps_to_tensor(x, 2, true, Normalization::Racah);
    let d = wigner_d(&rot, 2, true)?
        .narrow(1, 4, 5)?
        .narrow(2, 4, 5)?
        .contiguous()?;
    let transpose = rot.transpose(1, 2)?.contiguous()?;
    let expected = transpose.matmul(&tensor(&x)?.matmul(&rot)?)?;
    assert!(distance(&tensor(&rotate(&x, &d)?)?, &expected)? < 1e-14);
    Ok(())
}

#[test]
fn high_degrees_stay_orthogonal() -> Result<()> {
    let d = wigner_d(&rotations(2, 3)?, 20, true)?;
    let product = d.matmul(&d.transpose(1, 2)?.contiguous()?)?;
    let one = Tensor::eye(441, DType::F64, CPU)?.broadcast_as((2, 441, 441))?;
    assert!(distance(&product, &one)? < 1e-13);
    Ok(())
}

#[test]
fn random_rotations_follow_seed_and_perturbation() -> Result<()> {
    let draw = |seed, perturbation| {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        random_rotations(&mut rng, perturbation, 1000, DType::F64, CPU)
    };
    assert_eq!(distance(&draw(1, 1.0)?, &draw(1, 1.0)?)?, 0.0);
    assert!(distance(&draw(1, 1.0)?, &draw(2, 1.0)?)? > 0.1);
    assert!(distance(&draw(1, 0.0)?, &identity(1000, DType::F64)?)? < 1e-15);
    assert!(defect(&draw(1, 0.5)?)? < 4e-15);
    // Uniform: all means of Wigner-D elements beyond degree 0 vanish. Half the angle: they do not.
    let mean = |perturbation| -> Result<f64> {
        let mean = wigner_d(&draw(1, perturbation)?, 2, true)?.mean(0)?;
        Ok(mean.narrow(0, 1, 8)?.abs()?.max_all()?.to_scalar()?)
    };
    assert!(mean(1.0)? < 0.1 && mean(0.5)? > 0.2);
    let single = random_rotation(&mut ChaCha8Rng::seed_from_u64(1), 1.0, DType::F32, CPU)?;
    let first = draw(1, 1.0)?.get(0)?.to_dtype(DType::F32)?;
    assert_eq!(
        (distance(&single, &first)?, single.dtype()),
        (0.0, DType::F32)
    );
    Ok(())
}

#[test]
fn quadratures_integrate_harmonics() -> Result<()> {
    let size = QuadratureSize::Precision(17);
    for (points, weights) in [
        lebedev_quadrature(size, DType::F64, CPU)?,
        delley_quadrature(size, DType::F64, CPU)?,
    ] {
        let harmonics = spherical_harmonics(&points, 17, SphericalHarmonicsConfig::default())?;
        let means = flat(&weights.unsqueeze(0)?.matmul(&harmonics)?)?;
        assert!((means[0] - 1.0).abs() < 1e-12);
        assert!(means[1..].iter().all(|mean| mean.abs() < 1e-12));
    }
    Ok(())
}

proptest! {
    #[test]
    fn rotations_keep_lengths_and_their_axis(seed in 0..10_000_u64, scale in -30..30_i32) {
        let axis = (random(&[5, 3], seed).unwrap() * 10_f64.powi(scale)).unwrap();
        let rot = rotation(&axis, &random(&[5], seed + 1).unwrap()).unwrap();
        prop_assert!(defect(&rot).unwrap() < 4e-15);
        let unit = unit(&axis).unwrap();
        prop_assert!(distance(&rotate(&unit, &rot).unwrap(), &unit).unwrap() < 4e-15);
    }

    #[test]
    fn euler_angles_describe_the_rotation(seed in 0..10_000_u64) {
        let rot = rotations(10, seed).unwrap();
        let (a, b, c) = euler_angles_from_rotation(&rot).unwrap();
        prop_assert!(distance(&rotation_euler(&a, &b, &c).unwrap(), &rot).unwrap() < 4e-15);
    }
}
