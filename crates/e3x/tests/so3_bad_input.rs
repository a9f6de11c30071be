//! Whatever comes in, no function of `e3x::so3` panics, and what it returns has the shape it promises.

mod support;

use candle_core::{DType, Tensor};
use e3x::so3::{
    Normalization, QuadratureSize, SphericalHarmonicsConfig, alignment_rotation, clebsch_gordan,
    clebsch_gordan_for_degrees, delley_quadrature, euler_angles_from_rotation, gaunt,
    gauss_legendre_quadrature, irreps_to_tensor, is_traceless_symmetric, lebedev_quadrature,
    quaternion_from_rotation, random_rotations, rotation, rotation_euler, rotation_from_quaternion,
    solid_harmonics, spherical_harmonics, tensor_to_irreps, wigner_d, wigner_d_from_quaternion,
};
use proptest::prelude::*;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use support::{CPU, flat};

/// Small degrees and absurd ones. (Large ones that are allowed need much memory.)
fn degree() -> impl Strategy<Value = usize> {
    prop_oneof![0..4_usize, 0..4_usize, Just(1001), Just(usize::MAX)]
}

fn dtype() -> impl Strategy<Value = DType> {
    prop_oneof![
        Just(DType::F64),
        Just(DType::F32),
        Just(DType::F64),
        Just(DType::F32),
        Just(DType::I64),
        Just(DType::U8),
    ]
}

/// Numbers of which some are zero, special, or not finite.
fn number() -> impl Strategy<Value = f64> {
    prop_oneof![
        -2.0..2.0_f64,
        -2.0..2.0_f64,
        -2.0..2.0_f64,
        Just(0.0),
        Just(1.0),
        Just(-1.0),
        Just(1e-300),
        Just(1e300),
        Just(f64::NAN),
        Just(f64::INFINITY),
    ]
}

/// Tensors, the last axes of which often have a size that makes sense.
fn tensor() -> impl Strategy<Value = Tensor> {
    let leading = prop::collection::vec(0..3_usize, 0..3);
    let trailing = prop_oneof![
        Just(vec![3]),
        Just(vec![4]),
        Just(vec![3, 3]),
        prop::collection::vec(0..6_usize, 0..3),
    ];
    let numbers = prop_oneof![
        prop::collection::vec(number(), 8),
        // A rotation, again and again.
        Just(vec![1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, -1.0, 0.0]),
        Just(vec![0.0]),
    ];
    (leading, trailing, numbers, dtype()).prop_map(|(leading, trailing, numbers, dtype)| {
        let dims = [leading, trailing].concat();
        let count = dims.iter().product();
        let values: Vec<f64> = numbers.into_iter().cycle().take(count).collect();
        let x = Tensor::from_vec(values, dims, CPU).unwrap();
        x.to_dtype(dtype).unwrap()
    })
}

/// The axes before the last ones.
fn batch(x: &Tensor, trailing: usize) -> Vec<usize> {
    x.dims()[..x.rank() - trailing].to_vec()
}

fn is_finite(x: &Tensor) -> bool {
    flat(x).into_iter().all(f64::is_finite)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn functions_of_vectors(u in tensor(), v in tensor(), max_degree in degree()) {
        let config = SphericalHarmonicsConfig {
            normalization: Normalization::FourPi,
            ..SphericalHarmonicsConfig::default()
        };
        for y in [
            spherical_harmonics(&u, max_degree, config),
            solid_harmonics(&u, max_degree, false),
        ].into_iter().flatten() {
            let expected = [batch(&u, 1), vec![(max_degree + 1).pow(2)]].concat();
            prop_assert_eq!(y.dims(), expected);
            prop_assert_eq!(y.dtype(), u.dtype());
        }
        for rot in [alignment_rotation(&u, &v), rotation(&u, &v)].into_iter().flatten() {
            prop_assert_eq!(&rot.dims()[rot.rank() - 2..], &[3, 3]);
            prop_assert!(is_finite(&rot));
            // What comes out is a rotation.
            prop_assert!(quaternion_from_rotation(&rot).is_ok());
        }
        if let Ok(rot) = rotation_from_quaternion(&u) {
            prop_assert_eq!(rot.dims(), [batch(&u, 1), vec![3, 3]].concat());
            prop_assert!(quaternion_from_rotation(&rot).is_ok_and(|q| q.dims() == u.dims()));
            let d = wigner_d_from_quaternion(&u, max_degree, true);
            prop_assert!(d.is_ok_and(|d| is_finite(&d)) == (max_degree <= 100));
        }
    }

    #[test]
    fn functions_of_matrices_and_angles(
        x in tensor(),
        y in tensor(),
        degree in degree(),
        tolerance in number(),
    ) {
        if let Ok((a, b, c)) = euler_angles_from_rotation(&x) {
            prop_assert_eq!(a.dims(), batch(&x, 2));
            prop_assert!(is_finite(&a) && is_finite(&b) && is_finite(&c));
        }
        if let Ok(d) = wigner_d(&x, degree, false) {
            let size = (degree + 1).pow(2);
            prop_assert_eq!(d.dims(), [batch(&x, 2), vec![size, size]].concat());
            prop_assert!(is_finite(&d));
        }
        if let Ok(rot) = rotation_euler(&x, &y, &x) {
            prop_assert!(quaternion_from_rotation(&rot).is_ok());
        }
        for normalization in [Normalization::Racah, Normalization::Orthonormal] {
            if let Ok(irreps) = tensor_to_irreps(&x, degree, true, normalization) {
                prop_assert_eq!(irreps.dims().last(), Some(&(2 * degree + 1)));
                prop_assert!(irreps_to_tensor(&irreps, degree, true, normalization).is_ok());
            }
            let _ = irreps_to_tensor(&x, degree, false, normalization);
        }
        let _ = is_traceless_symmetric(&x, degree, tolerance, tolerance);
    }

    #[test]
    fn tables(
        degrees in prop::array::uniform3(degree()),
        dtype in dtype(),
        size in any::<usize>(),
        perturbation in number(),
    ) {
        let [l1, l2, l3] = degrees;
        let is_float = matches!(dtype, DType::F32 | DType::F64);
        let fits = is_float && degrees.iter().all(|&l| l < 4);
        let racah = Normalization::Racah;
        prop_assert_eq!(clebsch_gordan(l1, l2, l3, true, dtype, CPU).is_ok(), fits);
        prop_assert_eq!(clebsch_gordan_for_degrees(l1, l2, l3, true, dtype, CPU).is_ok(), fits);
        prop_assert_eq!(gaunt(l1, l2, l3, true, racah, dtype, CPU).is_ok(), fits);
        prop_assert_eq!(lebedev_quadrature(QuadratureSize::Num(size), dtype, CPU).is_ok(), is_float);
        prop_assert_eq!(delley_quadrature(QuadratureSize::Precision(l1), dtype, CPU).is_ok(), is_float);
        let rule = gauss_legendre_quadrature(l1, dtype, CPU);
        prop_assert_eq!(rule.is_ok(), is_float && l1 <= 2000);
        let mut rng = ChaCha8Rng::seed_from_u64(0);
        let drawn = random_rotations(&mut rng, perturbation, l2.min(3), dtype, CPU);
        prop_assert_eq!(drawn.is_ok(), is_float && (0.0..=1.0).contains(&perturbation));
        prop_assert!(random_rotations(&mut rng, 0.5, size.max(1 << 25), dtype, CPU).is_err());
    }
}
