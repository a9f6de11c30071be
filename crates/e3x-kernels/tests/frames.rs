//! Frames of edges: orthogonal matrices that take directions to the z axis.

mod common;

use common::Noise;
use e3x_kernels::aligned::{frame_len, frames};
use e3x_so3::{Normalization, Order, SphericalHarmonics};

/// Directions of all kinds, and the poles with what is near them.
fn vectors() -> Vec<f64> {
    let mut vectors = Noise::new(5).values(3 * 40);
    for z in [1.0, -1.0, 3.0e-100, -7.0e100] {
        for [x, y] in [[0.0, 0.0], [1e-9, -1e-12], [-1e-160, 0.0], [0.0, 1e-3]] {
            vectors.extend([x * z, y * z, z]);
        }
    }
    vectors.extend([0.0, -2.0, 0.0, 1.0, 0.0, -0.0]);
    vectors
}

#[test]
fn they_are_orthogonal_and_take_directions_to_the_z_axis() {
    let vectors = vectors();
    for cartesian_order in [true, false] {
        for max_degree in [0, 1, 2, 3, 6, 15] {
            let len = frame_len(max_degree);
            let frames = frames(&vectors, max_degree, cartesian_order).unwrap();
            let num = (max_degree + 1).pow(2);
            let kernel = |order| {
                SphericalHarmonics::<f64>::new(max_degree, order, Normalization::Racah, false)
            };
            let mut of_r = vec![0.0; vectors.len() / 3 * num];
            let harmonics = kernel(cartesian_order).unwrap();
            harmonics.values(&vectors, &mut of_r).unwrap();
            for (frame, of_r) in frames.chunks_exact(len).zip(of_r.chunks_exact(num)) {
                let mut start = 0;
                for l in 0..=max_degree {
                    let size = 2 * l + 1;
                    let d = &frame[start..start + size * size];
                    start += size * size;
                    for (m, row) in d.chunks_exact(size).enumerate() {
                        let dot = |x: &[f64]| row.iter().zip(x).map(|(a, b)| a * b).sum::<f64>();
                        let at_z = f64::from(u8::from(Order::Standard.m(l, m) == 0));
                        let turned = dot(&of_r[l * l..l * l + size]);
                        assert!(
                            (turned - at_z).abs() < 1e-13,
                            "degree {l}, row {m}: {turned}"
                        );
                        for (n, other) in d.chunks_exact(size).enumerate() {
                            let identity = f64::from(u8::from(m == n));
                            assert!((dot(other) - identity).abs() < 1e-13, "degree {l}");
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn zero_has_the_identity_and_what_is_not_finite_has_none() {
    let vectors = [0.0_f32, 0.0, 0.0, f32::INFINITY, 0.0, 0.0, 0.0, 0.0, 1.0];
    let frames = frames(&vectors, 1, false).unwrap();
    let identity = [1.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0];
    assert_eq!(frames[..10], identity);
    assert!(frames[10..20].iter().all(|x| x.is_nan()));
    assert_eq!(frames[20..], identity);
    let error = e3x_kernels::aligned::frames(&vectors, 1000, true).unwrap_err();
    assert!(error.to_string().contains("max_degree"), "{error}");
}
