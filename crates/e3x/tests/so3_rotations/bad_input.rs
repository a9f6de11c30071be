//! Arguments that make no sense, nothing at all, and axes that broadcast.

use candle_core::{DType, Tensor};
use e3x::so3::{
    Normalization, QuadratureSize, alignment_rotation, delley_quadrature,
    euler_angles_from_rotation, irreps_to_tensor, is_traceless_symmetric, lebedev_quadrature,
    random_rotation, rotation, rotation_euler, tensor_to_irreps, wigner_d,
};
use e3x::testing::random;
use e3x::{Error, Result};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::{CPU, distance, identity, rotations, scalar};

#[test]
fn zero_vectors_align_by_the_identity() -> Result<()> {
    let (zero, u) = (Tensor::zeros((2, 3), DType::F64, CPU)?, random(&[2, 3], 0)?);
    for (u, v) in [(&zero, &u), (&u, &zero), (&zero, &zero)] {
        assert_eq!(
            distance(&alignment_rotation(u, v)?, &identity(2, DType::F64)?)?,
            0.0
        );
    }
    Ok(())
}

#[test]
fn leading_axes_broadcast() -> Result<()> {
    let (axis, angle) = (random(&[2, 1, 3], 0)?, random(&[4], 1)?);
    let rot = rotation(&axis, &angle)?;
    assert_eq!(rot.dims(), [2, 4, 3, 3]);
    let one = rotation(&axis.get(1)?.get(0)?, &angle.get(2)?)?;
    assert_eq!(distance(&rot.get(1)?.get(2)?, &one)?, 0.0);
    assert_eq!(
        alignment_rotation(&axis, &random(&[4, 3], 2)?)?.dims(),
        [2, 4, 3, 3]
    );
    assert_eq!(
        rotation_euler(&angle, &random(&[3, 1], 0)?, &scalar(0.0)?)?.dims(),
        [3, 4, 3, 3]
    );
    Ok(())
}

#[test]
fn empty_batches_give_empty_results() -> Result<()> {
    let zeros = |dims: &[usize]| Tensor::zeros(dims, DType::F64, CPU);
    let (vectors, angles, rot) = (zeros(&[2, 0, 3])?, zeros(&[2, 0])?, zeros(&[2, 0, 3, 3])?);
    assert_eq!(rotation(&vectors, &angles)?.dims(), [2, 0, 3, 3]);
    assert_eq!(
        rotation_euler(&angles, &angles, &angles)?.dims(),
        [2, 0, 3, 3]
    );
    assert_eq!(alignment_rotation(&vectors, &vectors)?.dims(), [2, 0, 3, 3]);
    assert_eq!(euler_angles_from_rotation(&rot)?.2.dims(), [2, 0]);
    assert_eq!(wigner_d(&rot, 2, true)?.dims(), [2, 0, 9, 9]);
    let racah = Normalization::Racah;
    assert_eq!(
        irreps_to_tensor(&vectors, 1, true, racah)?.dims(),
        [2, 0, 3]
    );
    assert_eq!(tensor_to_irreps(&rot, 2, true, racah)?.dims(), [2, 0, 5]);
    assert!(is_traceless_symmetric(&rot, 2, 0.0, 0.0)?);
    assert_eq!(rotations(0, 0)?.dims(), [0, 3, 3]);
    Ok(())
}

#[test]
fn bad_arguments_are_errors() -> Result<()> {
    let (v, angle, rot) = (random(&[2, 3], 0)?, random(&[2], 1)?, rotations(2, 0)?);
    let nan = |x: &Tensor| x.affine(f64::NAN, 0.0);
    let (wide, three) = (random(&[2, 4], 0)?, random(&[3], 0)?);
    let (int, single) = (v.to_dtype(DType::I64)?, angle.to_dtype(DType::F32)?);
    let racah = Normalization::Racah;
    let wrong = |result: Result<Tensor>| match result {
        Err(error) => assert!(!error.to_string().is_empty()),
        Ok(x) => panic!("{x}"),
    };
    for (axis, angle) in [
        (&wide, &angle),
        (&angle, &angle),
        (&int, &angle),
        (&v, &single),
        (&v, &three),
        (&nan(&v)?, &angle),
        (&v, &nan(&angle)?),
        (&v.zeros_like()?, &angle),
        (&scalar(1.0)?, &angle),
    ] {
        wrong(rotation(axis, angle));
    }
    let zero = Tensor::zeros((2, 3), DType::F64, CPU)?;
    assert!(matches!(
        rotation(&zero, &angle),
        Err(Error::So3(e3x_so3::Error::Zero { .. }))
    ));
    for v in [&wide, &int, &nan(&v)?, &rotations(3, 0)?.narrow(2, 0, 2)?] {
        wrong(alignment_rotation(v, &random(&[2, 3], 1)?));
        wrong(alignment_rotation(&random(&[2, 3], 1)?, v));
    }
    for b in [&nan(&angle)?, &three, &single, &angle.to_dtype(DType::U8)?] {
        wrong(rotation_euler(&angle, b, &angle));
    }
    let shifted = (&rot + 0.1)?;
    for rot in [
        &v,
        &shifted,
        &nan(&rot)?,
        &rot.zeros_like()?,
        &rot.to_dtype(DType::U8)?,
    ] {
        wrong(euler_angles_from_rotation(rot).map(|x| x.0));
        wrong(wigner_d(rot, 2, true));
    }
    wrong(euler_angles_from_rotation(&rot.neg()?).map(|x| x.0));
    wrong(wigner_d(&rot, 101, true));
    wrong(wigner_d(&rot, usize::MAX, true));
    for degree in [0, 2, 3, 17, usize::MAX] {
        wrong(irreps_to_tensor(&v, degree, true, racah));
        wrong(tensor_to_irreps(&v, degree, true, racah));
        assert!(is_traceless_symmetric(&v, degree, 1.0, 1.0).is_err());
    }
    assert!(!is_traceless_symmetric(&nan(&rot)?, 2, 1.0, 1.0)?);
    for perturbation in [-0.1, 1.1, f64::NAN] {
        let mut rng = ChaCha8Rng::seed_from_u64(0);
        wrong(random_rotation(&mut rng, perturbation, DType::F64, CPU));
        wrong(random_rotation(&mut rng, 1.0, DType::I64, CPU));
    }
    let size = QuadratureSize::Num(10);
    wrong(lebedev_quadrature(size, DType::I64, CPU).map(|x| x.0));
    wrong(delley_quadrature(size, DType::U8, CPU).map(|x| x.1));
    Ok(())
}
