//! Gaunt coefficients against SymPy and quadratures.

mod common;

use common::{integers, rows, table};
use e3x_so3::{
    Error, Normalization, Order, gaunt, gaunt_factor, gaunt_for_degrees, gauss_legendre_quadrature,
    num_harmonics, spherical_harmonics,
};

/// SymPy's real harmonics differ by the sign `(-1)^m`, which cancels: the `|m|` of an integral that is not zero have
/// an even sum.
#[test]
fn agree_with_sympy() {
    let table = table("wigner.json");
    let mut largest = 0.0_f64;
    for row in rows(&table, "real_gaunt") {
        let [l1, l2, l3, m1, m2, m3] = integers(&row[0]);
        let l = [l1, l2, l3].map(|l| l as usize);
        for (cartesian_order, order) in [(true, Order::Cartesian), (false, Order::Standard)] {
            let dense = gaunt_for_degrees(
                l[0],
                l[1],
                l[2],
                cartesian_order,
                Normalization::Orthonormal,
            )
            .unwrap();
            let position = |i: usize, m: i64| order.position(l[i], m as isize);
            let index = (position(0, m1) * (2 * l[1] + 1) + position(1, m2)) * (2 * l[2] + 1)
                + position(2, m3);
            largest = largest.max((dense[index] - row[1].as_f64().unwrap()).abs());
        }
    }
    println!("largest error: {largest:e}");
    assert!(largest < 1e-15);
}

#[test]
fn are_integrals_of_products() {
    let degrees = [3, 2, 4];
    let nums = degrees.map(num_harmonics);
    let rule = gauss_legendre_quadrature(9).unwrap();
    for normalization in [Normalization::Racah, Normalization::FourPi] {
        for cartesian_order in [true, false] {
            let y = degrees.map(|l| {
                let points = rule.points.as_flattened();
                spherical_harmonics(points, l, true, cartesian_order, normalization).unwrap()
            });
            let actual = gaunt(3, 2, 4, cartesian_order, normalization).unwrap();
            for (index, actual) in actual.iter().enumerate() {
                let row = [
                    index / nums[2] / nums[1],
                    index / nums[2] % nums[1],
                    index % nums[2],
                ];
                let product =
                    |i: usize| -> f64 { (0..3).map(|k| y[k][i * nums[k] + row[k]]).product() };
                let mean: f64 = (rule.weights.iter().enumerate())
                    .map(|(i, w)| w * product(i))
                    .sum();
                let integral = 4.0 * std::f64::consts::PI * mean;
                assert!(
                    (actual - integral).abs() < 1e-13,
                    "{row:?}: {actual} {integral} {normalization}"
                );
            }
        }
    }
}

#[test]
fn are_symmetric_to_high_degrees() {
    let normalization = Normalization::Orthonormal;
    let a = gaunt_for_degrees(20, 14, 10, true, normalization).unwrap();
    let b = gaunt_for_degrees(10, 20, 14, true, normalization).unwrap();
    for (i, value) in a.iter().enumerate() {
        let [m1, m2, m3] = [i / 21 / 29, i / 21 % 29, i % 21];
        assert!((value - b[(m3 * 41 + m1) * 29 + m2]).abs() < 1e-15);
    }
}

#[test]
fn selection_rules_and_wrong_arguments() {
    let racah = Normalization::Racah;
    assert_eq!(gaunt_factor(1, 1, 1, racah), Ok(0.0));
    assert_eq!(gaunt_factor(1, 1, 4, racah), Ok(0.0));
    assert!(gaunt_factor(200, 200, 200, racah).unwrap() != 0.0);
    assert!(matches!(
        gaunt_for_degrees(1, 201, 1, true, racah),
        Err(Error::DegreeTooLarge {
            argument: "degree2",
            ..
        })
    ));
    assert!(gaunt_factor(usize::MAX, usize::MAX, usize::MAX, racah).is_err());
    assert!(gaunt(200, 200, 200, true, racah).is_err());
}
