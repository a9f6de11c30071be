//! The change between complex and real harmonics.

mod common;

use common::{floats, rows, table};
use e3x_so3::{
    Complex64, Normalization, clebsch_gordan_coefficient, clebsch_gordan_for_degrees,
    complex_to_real, real_to_complex, spherical_harmonics, wigner_3j,
};

/// Real harmonics from SciPy's complex ones.
#[test]
fn real_harmonics_follow_from_complex_ones() {
    let table = table("wigner.json");
    for row in rows(&table, "harmonics") {
        let (polar, azimuth) = (row[0].as_f64().unwrap(), row[1].as_f64().unwrap());
        let complex: Vec<_> = (row[2].as_array().unwrap().iter())
            .map(|value| {
                let parts = floats(value);
                Complex64::new(parts[0], parts[1])
            })
            .collect();
        let r = [
            polar.sin() * azimuth.cos(),
            polar.sin() * azimuth.sin(),
            polar.cos(),
        ];
        for cartesian_order in [true, false] {
            let expected =
                spherical_harmonics(&r, 4, true, cartesian_order, Normalization::Orthonormal)
                    .unwrap();
            for l in 0..=4_usize {
                let (size, rows) = (2 * l + 1, l * l..(l + 1) * (l + 1));
                let (complex, expected) = (&complex[rows.clone()], &expected[rows]);
                let u = complex_to_real(l, cartesian_order).unwrap();
                let back = real_to_complex(l, cartesian_order).unwrap();
                for i in 0..size {
                    let real: Complex64 = (0..size).map(|m| u[i * size + m] * complex[m]).sum();
                    assert!((real - expected[i]).norm() < 1e-15);
                    let again: Complex64 =
                        (0..size).map(|m| back[i * size + m] * expected[m]).sum();
                    assert!((again - complex[i]).norm() < 1e-15);
                }
            }
        }
    }
}

#[test]
fn matrices_are_unitary() {
    for l in 0..=12 {
        let size = 2 * l + 1;
        let u = complex_to_real(l, true).unwrap();
        let inverse = real_to_complex(l, true).unwrap();
        for i in 0..size * size {
            let product: Complex64 = (0..size)
                .map(|k| u[i / size * size + k] * inverse[k * size + i % size])
                .sum();
            let expected = if i / size == i % size { 1.0 } else { 0.0 };
            assert!((product - expected).norm() < 1e-15);
        }
    }
    assert!(complex_to_real(1001, true).is_err());
    assert!(real_to_complex(usize::MAX, true).is_err());
}

/// `C = i^(l1+l2-l3) Σ U U U* ⟨l1 m1 l2 m2|l3 m3⟩`, with the complex coefficients from 3j symbols.
#[test]
fn real_coupling_coefficients_follow_from_3j_symbols() {
    let complex = |l: [usize; 3], m: [i32; 3]| {
        let l = l.map(|l| l as i32);
        let sign = if (l[0] - l[1] + m[2]) % 2 == 0 {
            1.0
        } else {
            -1.0
        };
        let symbol = wigner_3j(l, [m[0], m[1], -m[2]]).unwrap();
        let value = sign * f64::from(2 * l[2] + 1).sqrt() * symbol;
        assert!((value - clebsch_gordan_coefficient(l, m).unwrap()).abs() < 1e-15);
        value
    };
    for l in [
        [0, 2, 2],
        [1, 1, 1],
        [1, 2, 3],
        [2, 2, 1],
        [3, 2, 2],
        [3, 3, 4],
    ] {
        for cartesian_order in [true, false] {
            let [l1, l2, l3] = l;
            let real = clebsch_gordan_for_degrees(l1, l2, l3, cartesian_order).unwrap();
            let u = l.map(|l| complex_to_real(l, cartesian_order).unwrap());
            let size = l.map(|l| 2 * l + 1);
            for (k, &expected) in real.iter().enumerate() {
                let row = [k / size[2] / size[1], k / size[2] % size[1], k % size[2]];
                let mut sum = Complex64::ZERO;
                for m1 in 0..size[0] {
                    for m2 in 0..size[1] {
                        let m = [m1 as i32 - l1 as i32, m2 as i32 - l2 as i32];
                        let m3 = m[0] + m[1];
                        if m3.unsigned_abs() as usize > l3 {
                            continue;
                        }
                        let column = (m3 + l3 as i32) as usize;
                        sum += u[0][row[0] * size[0] + m1]
                            * u[1][row[1] * size[1] + m2]
                            * u[2][row[2] * size[2] + column].conj()
                            * complex(l, [m[0], m[1], m3]);
                    }
                }
                let power = (l1 + l2 + 3 * l3) % 4;
                let value = sum * Complex64::I.powu(power as u32);
                assert!((value - expected).norm() < 1e-15, "{l:?}");
            }
        }
    }
}
