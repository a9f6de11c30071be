//! Clebsch–Gordan coefficients against the reference library, exact arithmetic, and what they must satisfy.

mod common;

use common::{Case, Numbers, cases};
use e3x_so3::{
    Error, MAX_CLEBSCH_GORDAN_DEGREE, Normalization, Order, clebsch_gordan,
    clebsch_gordan_for_degrees, clebsch_gordan_terms, spherical_harmonics,
};
use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Signed, ToPrimitive, Zero};
use std::sync::Arc;

fn check(case: &Case, actual: &[f64]) -> f64 {
    if case.f32 {
        let rounded: Vec<_> = actual.iter().map(|&v| v as f32).collect();
        case.check("out.0", &rounded);
        return 0.0;
    }
    case.check("out.0", actual)
}

#[test]
fn agree_with_the_reference() {
    let mut largest = 0.0_f64;
    for case in cases("so3.clebsch_gordan") {
        let degree = |name| case.integer(name).unwrap();
        let actual = clebsch_gordan(
            degree("max_degree1"),
            degree("max_degree2"),
            degree("max_degree3"),
            case.cartesian_order(),
        );
        largest = largest.max(check(&case, &actual.unwrap()));
    }
    for case in cases("so3.clebsch_gordan_for_degrees") {
        let degree = |name| case.integer(name).unwrap();
        let actual = clebsch_gordan_for_degrees(
            degree("degree1"),
            degree("degree2"),
            degree("degree3"),
            case.cartesian_order(),
        );
        largest = largest.max(check(&case, &actual.unwrap()));
    }
    println!("largest error: {largest:e}");
    assert!(largest < 1e-15);
}

fn factorials(n: usize) -> Vec<BigInt> {
    let mut all = vec![BigInt::one()];
    for k in 1..=n {
        all.push(&all[k - 1] * k);
    }
    all
}

/// Sign and square of a complex coefficient with Condon and Shortley's phase, from Racah's formula in exact numbers.
fn exact_complex(f: &[BigInt], l: [isize; 3], m: [isize; 3]) -> (f64, BigRational) {
    let zero = (1.0, BigRational::zero());
    let triangle = (l[0] - l[1]).abs() <= l[2] && l[2] <= l[0] + l[1];
    if !triangle || m[0] + m[1] != m[2] || (0..3).any(|i| m[i].abs() > l[i]) {
        return zero;
    }
    let factorial = |n: isize| &f[usize::try_from(n).unwrap()];
    let mut sum = BigRational::zero();
    for k in 0..=l[0] + l[1] - l[2] {
        let arguments = [
            k,
            l[0] + l[1] - l[2] - k,
            l[0] - m[0] - k,
            l[1] + m[1] - k,
            l[2] - l[1] + m[0] + k,
            l[2] - l[0] - m[1] + k,
        ];
        if arguments.iter().all(|&n| n >= 0) {
            let denominator: BigInt = arguments.iter().map(|&n| factorial(n)).product();
            let sign = if k % 2 == 0 { 1 } else { -1 };
            sum += BigRational::new(BigInt::from(sign), denominator);
        }
    }
    let mut square = BigRational::from(
        BigInt::from(2 * l[2] + 1)
            * factorial(l[0] + l[1] - l[2])
            * factorial(l[0] - l[1] + l[2])
            * factorial(-l[0] + l[1] + l[2]),
    ) / factorial(l[0] + l[1] + l[2] + 1);
    for i in 0..3 {
        square *= factorial(l[i] + m[i]) * factorial(l[i] - m[i]);
    }
    let sign = if sum.is_negative() { -1.0 } else { 1.0 };
    (sign, square * &sum * &sum)
}

/// A complex number that is a power of `i` times a real one.
#[derive(Clone, Copy)]
struct Complex(f64, f64);

impl Complex {
    fn times(self, other: Self) -> Self {
        Self(
            self.0 * other.0 - self.1 * other.1,
            self.0 * other.1 + self.1 * other.0,
        )
    }
}

/// The row of the change of basis from complex to real harmonics: `[(m', U(m, m')), ...]`.
fn real_in_complex(m: isize) -> Vec<(isize, Complex)> {
    let sign = if m % 2 == 0 { 1.0 } else { -1.0 };
    let root = 0.5_f64.sqrt();
    match m {
        0 => vec![(0, Complex(1.0, 0.0))],
        1.. => vec![(-m, Complex(root, 0.0)), (m, Complex(sign * root, 0.0))],
        _ => vec![(m, Complex(0.0, root)), (-m, Complex(0.0, -sign * root))],
    }
}

/// A real coefficient by the definition, from exact complex ones.
fn exact_real(f: &[BigInt], l: [isize; 3], m: [isize; 3]) -> f64 {
    let power = [
        Complex(1.0, 0.0),
        Complex(0.0, 1.0),
        Complex(-1.0, 0.0),
        Complex(0.0, -1.0),
    ][(l[0] + l[1] - l[2]).rem_euclid(4) as usize];
    let mut total = 0.0;
    for (m1, c1) in real_in_complex(m[0]) {
        for (m2, c2) in real_in_complex(m[1]) {
            for (m3, c3) in real_in_complex(m[2]) {
                if m1 + m2 == m3 {
                    let (sign, square) = exact_complex(f, l, [m1, m2, m3]);
                    let value = sign * square.to_f64().unwrap().sqrt();
                    let conjugate = Complex(c3.0, -c3.1);
                    total += value * power.times(c1).times(c2).times(conjugate).0;
                }
            }
        }
    }
    total
}

fn largest_error(f: &[BigInt], degrees: [usize; 3]) -> f64 {
    let [l1, l2, l3] = degrees;
    let dense = clebsch_gordan_for_degrees(l1, l2, l3, false).unwrap();
    let l = degrees.map(|l| l as isize);
    let mut largest = 0.0_f64;
    for (i, &value) in dense.iter().enumerate() {
        let i3 = i % (2 * l3 + 1);
        let i2 = i / (2 * l3 + 1) % (2 * l2 + 1);
        let i1 = i / (2 * l3 + 1) / (2 * l2 + 1);
        let m = [i1 as isize - l[0], i2 as isize - l[1], i3 as isize - l[2]];
        largest = largest.max((value - exact_real(f, l, m)).abs());
    }
    largest
}

#[test]
fn agree_with_exact_arithmetic() {
    let f = factorials(200);
    let mut low = 0.0_f64;
    for l1 in 0..=4 {
        for l2 in 0..=4 {
            for l3 in 0..=6 {
                low = low.max(largest_error(&f, [l1, l2, l3]));
            }
        }
    }
    let high = [
        [12, 12, 12],
        [12, 11, 2],
        [9, 10, 11],
        [20, 20, 20],
        [20, 19, 13],
        [17, 20, 3],
        [20, 20, 0],
    ];
    let high = high
        .map(|degrees| largest_error(&f, degrees))
        .into_iter()
        .fold(0.0, f64::max);
    println!("largest error: {low:e} for low degrees, {high:e} to degree 20");
    assert!(low < 1e-15 && high < 1e-14);
}

/// Every fortieth triple of degrees up to 20, some coefficients of each.
#[test]
fn samples_of_all_degrees_to_20_agree_with_exact_arithmetic() {
    let f = factorials(100);
    let triples = (0..=20_usize).flat_map(|l1| {
        (0..=20)
            .flat_map(move |l2| (l1.abs_diff(l2)..=(l1 + l2).min(20)).map(move |l3| [l1, l2, l3]))
    });
    let (mut largest, mut count) = (0.0_f64, 0);
    for degrees in triples.step_by(40) {
        let l = degrees.map(|l| l as isize);
        let terms = clebsch_gordan_terms(degrees[0], degrees[1], degrees[2], false).unwrap();
        for term in terms.iter().skip(count % 7).step_by(terms.len() / 3 + 1) {
            let m = term.positions();
            let m = std::array::from_fn(|i| m[i] as isize - l[i]);
            largest = largest.max((term.value - exact_real(&f, l, m)).abs());
            count += 1;
        }
    }
    println!("largest error of {count} coefficients: {largest:e}");
    assert!(count > 300 && largest < 1e-15);
}

#[test]
fn beyond_128_bits_they_agree_with_exact_arithmetic() {
    let f = factorials(300);
    for degrees in [[60_usize, 50, 40], [40, 40, 40], [41, 40, 40], [90, 88, 5]] {
        let l = degrees.map(|l| l as isize);
        let terms = clebsch_gordan_terms(degrees[0], degrees[1], degrees[2], false).unwrap();
        for term in terms.iter().step_by(terms.len() / 50) {
            let m = term.positions();
            let m = std::array::from_fn(|i| m[i] as isize - l[i]);
            let exact = exact_real(&f, l, m);
            assert!((term.value - exact).abs() < 1e-14, "{degrees:?} {m:?}");
        }
    }
    // The largest degrees are finite and normalized.
    let l = MAX_CLEBSCH_GORDAN_DEGREE;
    let terms = clebsch_gordan_terms(l, 1, l, true).unwrap();
    let norm: f64 = terms.iter().map(|t| t.value * t.value).sum();
    assert!((norm / (2 * l + 1) as f64 - 1.0).abs() < 1e-12);
}

/// `Σ_{m1,m2} C(m1,m2,m3) C(m1,m2,m3') = δ(m3,m3')`, and between different `l3` zero.
#[test]
fn are_orthonormal() {
    for (l1, l2) in [(0_usize, 3_usize), (2, 2), (3, 5), (6, 6)] {
        let blocks: Vec<_> = (l1.abs_diff(l2)..=l1 + l2)
            .map(|l3| clebsch_gordan_for_degrees(l1, l2, l3, true).unwrap())
            .collect();
        let pairs = (2 * l1 + 1) * (2 * l2 + 1);
        let columns: Vec<Vec<f64>> = blocks
            .iter()
            .flat_map(|block| {
                let num3 = block.len() / pairs;
                (0..num3).map(move |m3| block.iter().skip(m3).step_by(num3).copied().collect())
            })
            .collect();
        assert_eq!(columns.len(), pairs);
        for (i, a) in columns.iter().enumerate() {
            for (j, b) in columns.iter().enumerate() {
                let expected = if i == j { 1.0 } else { 0.0 };
                assert!((common::dot(a, b) - expected).abs() < 1e-14);
            }
        }
    }
}

/// The product of two harmonics of one vector, coupled to `l3` with even `l1+l2+l3`, is proportional to the harmonics
/// of degree `l3`.
#[test]
fn couple_harmonics_to_harmonics() {
    let mut numbers = Numbers(5);
    for cartesian_order in [true, false] {
        let u = numbers.unit_vector();
        let y = spherical_harmonics(&u, 8, false, cartesian_order, Normalization::Racah).unwrap();
        for (l1, l2, l3) in [
            (1, 1, 2),
            (2, 3, 5),
            (4, 4, 8),
            (3, 2, 1),
            (1, 1, 1),
            (4, 3, 2),
        ] {
            let mut product = vec![0.0; 2 * l3 + 1];
            for t in clebsch_gordan_terms(l1, l2, l3, cartesian_order)
                .unwrap()
                .iter()
            {
                let [m1, m2, m3] = t.positions();
                product[m3] += t.value * y[l1 * l1 + m1] * y[l2 * l2 + m2];
            }
            let target = &y[l3 * l3..(l3 + 1) * (l3 + 1)];
            let factor = common::dot(&product, target);
            for (p, t) in product.iter().zip(target) {
                assert!((p - factor * t).abs() < 1e-14);
            }
            assert_eq!((l1 + l2 + l3) % 2 == 1, factor.abs() < 1e-14);
        }
    }
}

#[test]
fn sparse_and_dense_agree_and_are_sorted() {
    let order = Order::Cartesian;
    let terms = clebsch_gordan_terms(3, 2, 4, true).unwrap();
    assert!(terms.is_sorted_by_key(|t| (t.m1, t.m2, t.m3)));
    let standard = clebsch_gordan_for_degrees(3, 2, 4, false).unwrap();
    for t in terms.iter() {
        let [m1, m2, m3] = t.positions();
        let (i, j, k) = (order.m(3, m1) + 3, order.m(2, m2) + 2, order.m(4, m3) + 4);
        assert_eq!(standard[((i * 5 + j) * 9 + k) as usize], t.value);
    }
    let nonzero = standard.iter().filter(|v| **v != 0.0).count();
    assert_eq!(nonzero, terms.len());
    assert!(Arc::ptr_eq(
        &terms,
        &clebsch_gordan_terms(3, 2, 4, true).unwrap()
    ));
}

#[test]
fn wrong_arguments_are_errors() {
    assert!(matches!(
        clebsch_gordan(201, 0, 0, true),
        Err(Error::DegreeTooLarge {
            argument: "max_degree1",
            actual: 201,
            ..
        })
    ));
    assert!(matches!(
        clebsch_gordan(200, 200, 200, true),
        Err(Error::ArrayTooLarge { .. })
    ));
    assert!(clebsch_gordan_for_degrees(0, 0, usize::MAX, true).is_err());
    assert!(clebsch_gordan_terms(1, 1, 3, true).unwrap().is_empty());
}
