//! Wigner-D matrices to degree 20 against exact arithmetic.
//!
//! A quaternion of whole numbers is a rotation whose complex Wigner-D matrices have elements that are roots of
//! rational numbers times Gaussian rationals. These are exact here, and become real matrices by the change of basis.

use e3x_so3::{Complex64, complex_to_real, wigner_d_from_quaternion};
use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, ToPrimitive, Zero};

const MAX_DEGREE: usize = 20;

/// A complex number of whole numbers.
#[derive(Clone)]
struct Gaussian(BigInt, BigInt);

impl Gaussian {
    fn new(re: i64, im: i64) -> Self {
        Self(re.into(), im.into())
    }

    fn times(&self, other: &Self) -> Self {
        Self(
            &self.0 * &other.0 - &self.1 * &other.1,
            &self.0 * &other.1 + &self.1 * &other.0,
        )
    }

    /// `1, z, z², ...` up to the highest power that is needed.
    fn powers(&self) -> Vec<Self> {
        let mut powers = vec![Self::new(1, 0)];
        for k in 0..2 * MAX_DEGREE {
            powers.push(powers[k].times(self));
        }
        powers
    }
}

/// The complex matrices of one rotation, with Condon and Shortley's phase.
///
/// Harmonics transform as the polynomials `u^(l+m) v^(l-m) / √((l+m)! (l-m)!)` under `u → a u + b v`,
/// `v → -b* u + a* v`, with `a = w + i z` and `b = -y + i x` divided by the length of the quaternion (Wigner, "Group
/// Theory" (1959), chapter 15).
struct Exact {
    factorials: Vec<BigInt>,
    /// Powers of `a`, `b`, `-b*`, `a*`.
    powers: [Vec<Gaussian>; 4],
    squared_norm: BigInt,
}

impl Exact {
    fn new([w, x, y, z]: [i64; 4]) -> Self {
        let mut factorials = vec![BigInt::one()];
        for k in 1..=2 * MAX_DEGREE {
            factorials.push(&factorials[k - 1] * k);
        }
        let numbers = [(w, z), (-y, x), (y, x), (w, -z)];
        Self {
            factorials,
            powers: numbers.map(|(re, im)| Gaussian::new(re, im).powers()),
            squared_norm: (w * w + x * x + y * y + z * z).into(),
        }
    }

    fn binomial(&self, n: usize, k: usize) -> BigInt {
        &self.factorials[n] / &self.factorials[k] / &self.factorials[n - k]
    }

    /// The element in the row of order `up1 - l` and the column of order `up2 - l`.
    fn element(&self, l: usize, up1: usize, up2: usize) -> Complex64 {
        let [a, b, c, d] = &self.powers;
        let (down1, down2) = (2 * l - up1, 2 * l - up2);
        let (mut re, mut im) = (BigInt::zero(), BigInt::zero());
        for k in up1.saturating_sub(down2)..=up1.min(up2) {
            let count = self.binomial(up2, k) * self.binomial(down2, up1 - k);
            let first = a[k].times(&b[up2 - k]);
            let second = c[up1 - k].times(&d[down2 + k - up1]);
            let product = first.times(&second);
            re += &count * product.0;
            im += &count * product.1;
        }
        let f = &self.factorials;
        let ratio = BigRational::new(&f[up1] * &f[down1], &f[up2] * &f[down2]);
        let root = ratio.to_f64().unwrap().sqrt();
        let part = |n: BigInt| {
            let value = BigRational::new(n, self.squared_norm.pow(l as u32));
            root * value.to_f64().unwrap()
        };
        Complex64::new(part(re), part(im))
    }

    /// The real matrix of one degree: `D = U* D(complex) Uᵀ`, because `Y(real) = U Y(complex)` as columns.
    fn real(&self, l: usize) -> Vec<f64> {
        let (size, u) = (2 * l + 1, complex_to_real(l, true).unwrap());
        let complex: Vec<_> = (0..size * size)
            .map(|k| self.element(l, k / size, k % size))
            .collect();
        let nonzero = |row: usize| {
            let row = u[row * size..][..size].iter().enumerate();
            row.filter(|(_, value)| value.norm() > 0.0)
        };
        (0..size * size)
            .map(|k| {
                let mut sum = Complex64::ZERO;
                for (m1, u1) in nonzero(k / size) {
                    for (m2, u2) in nonzero(k % size) {
                        sum += u1.conj() * u2 * complex[m1 * size + m2];
                    }
                }
                sum.re
            })
            .collect()
    }
}

#[test]
fn agree_with_exact_arithmetic() {
    let quaternions = [
        [3, -2, 5, 1],
        [1, 0, 0, 0],
        // By π, about the coordinate axes and others.
        [0, 1, 0, 0],
        [0, 0, 0, 1],
        [0, 1, -2, 2],
        // By π/2 about y: x goes to -z, where Euler angles are not unique; and close to it.
        [1, 0, 1, 0],
        [100_000_000, 1, 100_000_001, -2],
        // Close to the identity, and to a rotation by π.
        [1_000_000_000, 1, -1, 2],
        [1, 1_000_000_000, 3, -1],
    ];
    let mut largest = 0.0_f64;
    let num = (MAX_DEGREE + 1).pow(2);
    for (i, quaternion) in quaternions.into_iter().enumerate() {
        let exact = Exact::new(quaternion);
        let floats = quaternion.map(|x| x as f64);
        let d = wigner_d_from_quaternion(floats, MAX_DEGREE, true).unwrap();
        // Every degree for the first rotation, some for the others.
        for l in (0..=MAX_DEGREE).step_by(if i == 0 { 1 } else { 5 }) {
            let (size, expected) = (2 * l + 1, exact.real(l));
            for (k, expected) in expected.iter().enumerate() {
                let actual = d[(l * l + k / size) * num + l * l + k % size];
                largest = largest.max((actual - expected).abs());
            }
        }
    }
    println!("largest error to degree {MAX_DEGREE}: {largest:e}");
    assert!(largest < 1e-14);
}
