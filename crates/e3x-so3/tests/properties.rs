//! Whatever comes in, nothing panics, and what must hold holds.

use e3x_so3::{
    Convention, FeatureConversion, HalfInteger, Irrep, IrrepBlock, Irreps, IrrepsMemory,
    Normalization, Order, Parity, QuadratureSize, SphereTransform, SphericalHarmonics, WignerD,
    alignment_rotation, cartesian_permutation, cartesian_permutation_for_degree, clebsch_gordan,
    clebsch_gordan_coefficient, clebsch_gordan_for_degrees, clebsch_gordan_terms, complex_to_real,
    delley_quadrature, derivative_terms, euler_angles_from_rotation, gaunt_factor,
    gauss_legendre_quadrature, generator_terms, irreps_to_tensor, is_traceless_symmetric,
    lebedev_quadrature, num_harmonics, quaternion_from_rotation, random_rotations, rotation,
    rotation_euler, rotation_from_quaternion, solid_harmonics, spherical_harmonics,
    tensor_to_irreps, wigner_3j, wigner_6j, wigner_d, wigner_d_from_quaternion,
};
use proptest::num::{f32, f64};
use proptest::prelude::*;
use rand::SeedableRng;

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

    #[test]
    fn quaternions_of_any_length_rotate(
        q in prop::array::uniform4(f64::ANY),
        max_degree in prop_oneof![0..4_usize, Just(101), any::<usize>()],
        cartesian in any::<bool>(),
    ) {
        let d = wigner_d_from_quaternion(q, max_degree, cartesian);
        let direction = q.iter().all(|x| x.is_finite()) && q.iter().any(|x| *x != 0.0);
        prop_assert_eq!(d.is_ok(), direction && max_degree <= 100);
        if let (Ok(d), true) = (d, max_degree < 4) {
            // Orthogonal: the squares of all elements add up to the number of rows.
            let squares: f64 = d.iter().map(|x| x * x).sum();
            let rows = ((max_degree + 1) * (max_degree + 1)) as f64;
            prop_assert!((squares - rows).abs() < 1e-12);
        }
    }

    #[test]
    fn wrong_lengths_are_errors(
        rot in prop::collection::vec(f64::ANY, 0..20),
        len in 0..40_usize,
        max_degree in 0..3_usize,
    ) {
        let wigner = WignerD::new(max_degree, true).unwrap();
        let size = (max_degree + 1).pow(4);
        let mut out = vec![0.0; len];
        let fits = |item: usize| rot.len() % item == 0 && len == rot.len() / item * size;
        let matrices = wigner.matrices(&rot, &mut out);
        prop_assert!(matrices.is_err() || fits(9));
        let quaternions = wigner.matrices_from_quaternions(&rot, &mut out);
        prop_assert!(quaternions.is_err() || fits(4));
        let harmonics = SphericalHarmonics::new(max_degree, true, Normalization::Racah, false);
        let values = harmonics.unwrap().values(&rot, &mut out);
        let num = (max_degree + 1).pow(2);
        prop_assert_eq!(values.is_ok(), rot.len() % 3 == 0 && len == rot.len() / 3 * num);
        let rule = gauss_legendre_quadrature(2 * max_degree).unwrap();
        let transform = SphereTransform::new(&rule, max_degree, true, Normalization::Racah);
        let transform = transform.unwrap();
        let _ = transform.to_values(&rot, len, &mut out);
        let _ = transform.to_coefficients(&rot, len % 3, &mut out);
    }

    #[test]
    fn symbols_never_panic(
        j in prop::array::uniform6(prop_oneof![any::<i32>(), -2..20]),
        m in prop::array::uniform3(prop_oneof![any::<i32>(), -9..10]),
    ) {
        let (halves, m) = (j.map(HalfInteger::halves), m.map(HalfInteger::halves));
        let three = [halves[0], halves[1], halves[2]];
        let bounded = |x: f64| x.abs() <= 1.0 + 1e-12;
        prop_assert!(wigner_3j(three, m).is_ok_and(bounded) || wigner_3j(three, m).is_err());
        let cg = clebsch_gordan_coefficient(three, m);
        prop_assert!(cg.is_err() || cg.is_ok_and(bounded));
        let negative = j.iter().any(|&j| j < 0);
        let large = j.iter().any(|&j| j > 2000);
        prop_assert_eq!(wigner_6j(halves).is_err(), negative || large);
    }

    #[test]
    fn absurd_degrees_are_errors(
        l in prop::array::uniform3(prop_oneof![Just(usize::MAX), 1001..usize::MAX, 0..9_usize]),
    ) {
        let limits = |limit: usize| l.iter().all(|&l| l <= limit);
        prop_assert_eq!(clebsch_gordan(l[0], l[1], l[2], true).is_ok(), limits(200));
        prop_assert_eq!(clebsch_gordan_for_degrees(l[0], l[1], l[2], false).is_ok(), limits(200));
        prop_assert_eq!(gaunt_factor(l[0], l[1], l[2], Normalization::FourPi).is_ok(), limits(200));
        prop_assert_eq!(complex_to_real(l[0], true).is_ok(), l[0] <= 1000);
        prop_assert_eq!(generator_terms(l[0], true).is_ok(), l[0] <= 100);
        prop_assert_eq!(derivative_terms(l[0], true).is_ok(), l[0] <= 1000);
        prop_assert_eq!(gauss_legendre_quadrature(l[0]).is_ok(), l[0] <= 2000);
    }

    #[test]
    fn absurd_sizes_are_errors_or_saturate(
        degree in prop_oneof![0..5_usize, any::<usize>(), Just(usize::MAX), Just(usize::MAX / 2)],
        m in prop_oneof![-4..5_isize, any::<isize>()],
        multiplicity in any::<usize>(),
        cartesian in any::<bool>(),
    ) {
        prop_assert_eq!(cartesian_permutation_for_degree(degree).is_ok(), degree <= 1000);
        prop_assert_eq!(cartesian_permutation(degree).is_ok(), degree <= 1000);
        let exact = (degree as u128 + 1).saturating_pow(2);
        prop_assert_eq!(num_harmonics(degree), usize::try_from(exact).unwrap_or(usize::MAX));
        let order = Order::from_cartesian(cartesian);
        let _ = (order.position(degree, m), order.m(degree, multiplicity));
        if degree <= isize::MAX as usize / 2 && m.unsigned_abs() <= degree {
            prop_assert_eq!(order.m(degree, order.position(degree, m)), m);
        }
        for normalization in [Normalization::Racah, Normalization::FourPi, Normalization::Orthonormal] {
            prop_assert!(normalization.factor(degree) >= normalization.factor(0));
        }
        let irrep = Irrep { degree, parity: Parity::Even };
        let dim = (2 * degree as u128 + 1).saturating_mul(multiplicity as u128);
        let block = IrrepBlock { multiplicity, irrep };
        if degree < usize::MAX / 2 {
            prop_assert_eq!(block.dim(), usize::try_from(dim).unwrap_or(usize::MAX));
        }
        if let Ok(irreps) = Irreps::new([(multiplicity.min(9), irrep)]) {
            let conversion =
                FeatureConversion::new(&irreps, Convention::E3nn, IrrepsMemory::MulIr, cartesian);
            prop_assert_eq!(conversion.is_ok(), degree <= 100 && multiplicity > 0);
        }
    }

    #[test]
    fn perturbations_and_numbers_are_checked(perturbation in f64::ANY, num in 0..4_usize, absurd in 1..usize::MAX) {
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(0);
        let drawn = random_rotations::<f32, _>(&mut rng, perturbation, num);
        prop_assert_eq!(drawn.is_ok(), (0.0..=1.0).contains(&perturbation));
        for num in [absurd.saturating_add(1 << 24), usize::MAX] {
            let error = random_rotations::<f64, _>(&mut rng, 0.5, num).unwrap_err();
            prop_assert!(error.to_string().contains("`num` must be at most 16777216"));
        }
        prop_assert!(drawn.is_err() || drawn.is_ok_and(|all| all.len() == num));
    }
}

#[test]
fn what_is_refused_is_refused_at_once() {
    let start = std::time::Instant::now();
    for degree in [101, 1 << 38] {
        let irreps = Irreps::new([(
            1,
            Irrep {
                degree,
                parity: Parity::Even,
            },
        )])
        .unwrap();
        let conversion =
            FeatureConversion::new(&irreps, Convention::E3nn, IrrepsMemory::MulIr, true);
        let error = conversion.unwrap_err().to_string();
        assert!(
            error.contains("`irreps`") && error.contains("at most 100"),
            "{error}"
        );
    }
    for _ in 0..100 {
        assert_eq!(is_traceless_symmetric::<f64>(&[], 16, 1e-5, 1e-5), Ok(true));
        assert!(is_traceless_symmetric(&[0.0], 16, 1e-5, 1e-5).is_err());
    }
    // Seconds, if all degrees or all elements were looked at; the limit is for the slowest machines.
    assert!(start.elapsed().as_secs_f64() < 1.0, "{:?}", start.elapsed());
}
