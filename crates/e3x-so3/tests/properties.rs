//! Whatever comes in, nothing panics, and what must hold holds.

use e3x_so3::{
    Normalization, QuadratureSize, SphericalHarmonics, alignment_rotation, clebsch_gordan_terms,
    delley_quadrature, derivative_terms, euler_angles_from_rotation, irreps_to_tensor,
    is_traceless_symmetric, lebedev_quadrature, quaternion_from_rotation, rotation, rotation_euler,
    rotation_from_quaternion, solid_harmonics, spherical_harmonics, tensor_to_irreps, wigner_d,
};
use proptest::num::{f32, f64};
use proptest::prelude::*;

proptest! {
    #[test]
    fn rotations_never_panic(
        u in prop::array::uniform3(f64::ANY),
        v in prop::array::uniform3(f64::ANY),
        q in prop::array::uniform4(f32::ANY),
        angle in f64::ANY,
        rows in prop::array::uniform3(prop::array::uniform3(-1.5..1.5_f64)),
    ) {
        let finite = |m: &[[f64; 3]; 3]| m.as_flattened().iter().all(|x| x.is_finite());
        prop_assert!(alignment_rotation(u, v).is_ok_and(|m| finite(&m)) || !(finite(&[u, v, v])));
        let by_axis = rotation(u, angle);
        prop_assert!(by_axis.is_err() || by_axis.is_ok_and(|m| finite(&m)));
        let euler = rotation_euler(u[0], u[1], u[2]);
        prop_assert_eq!(euler.is_ok(), finite(&[u, u, u]));
        if let Ok(m) = rotation_from_quaternion(q) {
            prop_assert!(quaternion_from_rotation(&m).is_ok());
            prop_assert!(euler_angles_from_rotation(&m).is_ok());
            prop_assert!(wigner_d(&m, 2, true).is_ok());
        }
        let _ = (euler_angles_from_rotation(&rows), quaternion_from_rotation(&rows));
        let _ = wigner_d(&rows, 1, false);
        let _ = wigner_d(&[u, v, u], 1, false);
    }

    #[test]
    fn harmonics_never_panic(
        r in prop::collection::vec(f64::ANY, 0..10),
        max_degree in 0..12_usize,
        cartesian in any::<bool>(),
        r_is_normalized in any::<bool>(),
    ) {
        let fits = r.len() % 3 == 0;
        prop_assert_eq!(solid_harmonics(&r, max_degree, cartesian).is_ok(), fits);
        let racah = Normalization::Racah;
        let values = spherical_harmonics(&r, max_degree, r_is_normalized, cartesian, racah);
        prop_assert_eq!(values.is_ok(), fits);
        if let (Ok(values), false) = (values, r_is_normalized) {
            let num = (max_degree + 1) * (max_degree + 1);
            for (r, values) in r.chunks_exact(3).zip(values.chunks_exact(num)) {
                let finite = r.iter().all(|x| x.is_finite());
                prop_assert!(!finite || values.iter().all(|v| v.abs() <= 1.0 + 1e-12));
            }
        }
        prop_assert!(derivative_terms(max_degree, cartesian).is_ok());
    }

    #[test]
    fn derivatives_are_finite_for_every_normal_vector(
        r in prop::array::uniform3(prop_oneof![
            -1e-3..1e-3_f32, Just(0.0), Just(1e-30), -1e15..1e15_f32, Just(1e-16),
        ]),
    ) {
        let harmonics = SphericalHarmonics::new(4, true, Normalization::FourPi, false).unwrap();
        let (mut values, mut gradients) = ([0.0; 25], [0.0; 75]);
        harmonics.values_and_gradients(&r, &mut values, &mut gradients).unwrap();
        prop_assert!(values.iter().chain(&gradients).all(|x: &f32| x.is_finite()));
    }

    #[test]
    fn tensors_never_panic(
        x in prop::collection::vec(f64::ANY, 0..30),
        degree in 0..40_usize,
        rtol in f64::ANY,
        atol in f64::ANY,
    ) {
        let racah = Normalization::Racah;
        let _ = irreps_to_tensor(&x, degree.min(6), true, racah);
        let _ = tensor_to_irreps(&x, degree, false, racah);
        let _ = is_traceless_symmetric(&x, degree, rtol, atol);
    }

    #[test]
    fn tables_never_panic(degrees in prop::array::uniform3(any::<usize>()), size in any::<usize>()) {
        let [l1, l2, l3] = degrees;
        prop_assert!(clebsch_gordan_terms(l1, l2, l3, true).is_err() || degrees.iter().all(|&l| l <= 200));
        prop_assert!(clebsch_gordan_terms(l1 % 9, l2 % 9, l3 % 9, true).is_ok());
        for size in [QuadratureSize::Num(size), QuadratureSize::Precision(size)] {
            prop_assert_eq!(lebedev_quadrature(size).points.len(), 5810);
            prop_assert_eq!(delley_quadrature(size).points.len(), 3470);
        }
    }
}
