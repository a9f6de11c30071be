//! Rotations against the reference library and against what they must satisfy.

mod common;

use common::{Case, Numbers, cases, dot, max_difference};
use e3x_so3::{
    Error, Real, alignment_rotation, euler_angles_from_rotation, quaternion_from_rotation,
    random_rotation, random_rotations, rotation, rotation_euler, rotation_from_quaternion,
};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use std::f64::consts::{FRAC_PI_2, PI};

type Matrix = [[f64; 3]; 3];

fn triples<T: Real>(case: &Case, name: &str) -> Vec<[T; 3]> {
    case.tensor::<T>(name).as_chunks().0.to_vec()
}

fn matrices<T: Real>(case: &Case, name: &str) -> Vec<[[T; 3]; 3]> {
    triples(case, name).as_chunks().0.to_vec()
}

fn flatten<T: Real>(matrices: &[[[T; 3]; 3]]) -> Vec<T> {
    matrices.as_flattened().as_flattened().to_vec()
}

fn transform(r: [f64; 3], rot: &Matrix) -> [f64; 3] {
    std::array::from_fn(|j| (0..3).map(|i| r[i] * rot[i][j]).sum())
}

fn multiply(a: &Matrix, b: &Matrix) -> Matrix {
    a.map(|row| transform(row, b))
}

fn difference(a: &Matrix, b: &Matrix) -> f64 {
    max_difference(a.as_flattened(), b.as_flattened())
}

fn deviation_from_rotation(m: &Matrix) -> f64 {
    let transposed = std::array::from_fn(|i| std::array::from_fn(|j| m[j][i]));
    let identity = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
    let determinant = m[0][0] * (m[1][1] * m[2][2] - m[1][2] * m[2][1])
        - m[0][1] * (m[1][0] * m[2][2] - m[1][2] * m[2][0])
        + m[0][2] * (m[1][0] * m[2][1] - m[1][1] * m[2][0]);
    difference(&multiply(m, &transposed), &identity).max((determinant - 1.0).abs())
}

fn reference_case<T: Real>(op: &str, case: &Case) -> f64 {
    match op {
        "so3.rotation" => {
            let (axes, angles) = (triples::<T>(case, "in.axis"), case.tensor::<T>("in.angle"));
            let all: Vec<_> = (axes.into_iter().zip(angles))
                .map(|(axis, angle)| rotation(axis, angle).unwrap())
                .collect();
            case.check("out.0", &flatten(&all))
        }
        "so3.rotation_euler" => {
            let [a, b, c] = ["in.a", "in.b", "in.c"].map(|name| case.tensor::<T>(name));
            let all: Vec<_> = (0..a.len())
                .map(|i| rotation_euler(a[i], b[i], c[i]).unwrap())
                .collect();
            case.check("out.0", &flatten(&all))
        }
        "so3.euler_angles_from_rotation" => {
            let angles: Vec<_> = matrices::<T>(case, "in.rot")
                .iter()
                .map(|rot| euler_angles_from_rotation(rot).unwrap())
                .collect();
            let a: Vec<_> = angles.iter().map(|angles| angles.0).collect();
            let b: Vec<_> = angles.iter().map(|angles| angles.1).collect();
            let c: Vec<_> = angles.iter().map(|angles| angles.2).collect();
            let errors = [case.check("out.0", &a), case.check("out.1", &b)];
            errors[0].max(errors[1]).max(case.check("out.2", &c))
        }
        _ => {
            let (u, v) = (triples::<T>(case, "in.u"), triples::<T>(case, "in.v"));
            let all: Vec<_> = (u.into_iter().zip(v))
                .map(|(u, v)| alignment_rotation(u, v).unwrap())
                .collect();
            case.check("out.0", &flatten(&all))
        }
    }
}

#[test]
fn agree_with_the_reference() {
    for op in [
        "so3.rotation",
        "so3.rotation_euler",
        "so3.euler_angles_from_rotation",
        "so3.alignment_rotation",
    ] {
        let mut largest = [0.0_f64; 2];
        for case in cases(op) {
            let error = if case.f32 {
                reference_case::<f32>(op, &case)
            } else {
                reference_case::<f64>(op, &case)
            };
            largest[usize::from(case.f32)] = largest[usize::from(case.f32)].max(error);
        }
        println!("{op}: f64 {:e}, f32 {:e}", largest[0], largest[1]);
    }
}

#[test]
fn euler_angles_describe_every_rotation() {
    let mut numbers = Numbers(11);
    let mut largest = 0.0_f64;
    let mut check = |angles: [f64; 3]| {
        let rot = rotation_euler(angles[0], angles[1], angles[2]).unwrap();
        let (a, b, c) = euler_angles_from_rotation(&rot).unwrap();
        let again = rotation_euler(a, b, c).unwrap();
        largest = largest.max(difference(&rot, &again));
    };
    for _ in 0..1000 {
        check([
            PI * numbers.next(),
            PI * numbers.next(),
            PI * numbers.next(),
        ]);
    }
    // At and around gimbal lock, where the x-axis goes to ±z.
    for exponent in 0..20 {
        for sign in [-1.0, 1.0] {
            let offset = 10.0_f64.powi(-exponent);
            check([1.1, sign * (FRAC_PI_2 - offset), -0.7]);
            check([-2.0, sign * (FRAC_PI_2 + offset), 3.0]);
        }
    }
    check([0.0, 0.0, 0.0]);
    check([PI, 0.0, PI]);
    println!("Euler angles there and back: {largest:e}");
    assert!(largest < 3e-15);
}

/// Unit vectors whose angle to `u` is `π - gap`.
fn nearly_antiparallel(numbers: &mut Numbers, u: [f64; 3], gap: f64) -> [f64; 3] {
    let other = numbers.unit_vector();
    let along = dot(&u, &other);
    let across: [f64; 3] = std::array::from_fn(|i| other[i] - along * u[i]);
    let norm = dot(&across, &across).sqrt();
    std::array::from_fn(|i| -gap.cos() * u[i] + gap.sin() * across[i] / norm)
}

#[test]
fn alignment_aligns_at_every_angle() {
    let mut numbers = Numbers(12);
    let mut largest = 0.0_f64;
    let mut check = |u: [f64; 3], v: [f64; 3]| {
        let rot = alignment_rotation(u, v).unwrap();
        let aligned = transform(u, &rot);
        let norms = (dot(&u, &u).sqrt(), dot(&v, &v).sqrt());
        for i in 0..3 {
            largest = largest.max((aligned[i] / norms.0 - v[i] / norms.1).abs());
        }
        largest = largest.max(deviation_from_rotation(&rot));
    };
    for _ in 0..500 {
        let u = numbers.unit_vector();
        check(u, numbers.vector());
        check(u, u);
        check(u, u.map(|x| -x));
        check(u, u.map(|x| -2.5 * x));
        for exponent in 0..18 {
            let v = nearly_antiparallel(&mut numbers, u, 10.0_f64.powi(-exponent));
            check(u, v);
        }
    }
    let diagonal = [1.0; 3];
    check(diagonal, [-1.0; 3]);
    check([1e-150, 0.0, 0.0], [-1e150, 0.0, 0.0]);
    println!("alignment: {largest:e}");
    assert!(largest < 3e-15);
    let identity = alignment_rotation([0.0; 3], [1.0, 2.0, 3.0]).unwrap();
    assert_eq!(deviation_from_rotation(&identity), 0.0);
    assert_eq!(identity[0], [1.0, 0.0, 0.0]);
}

#[test]
fn alignment_takes_the_shortest_arc() {
    let mut numbers = Numbers(13);
    for _ in 0..100 {
        let (u, v) = (numbers.unit_vector(), numbers.unit_vector());
        let rot = alignment_rotation(u, v).unwrap();
        let cos_angle = 0.5 * (rot[0][0] + rot[1][1] + rot[2][2] - 1.0);
        assert!((cos_angle - dot(&u, &v)).abs() < 1e-14);
    }
}

#[test]
fn quaternions_go_there_and_back() {
    let mut numbers = Numbers(14);
    let mut quaternions: Vec<[f64; 4]> = (0..200)
        .map(|_| std::array::from_fn(|_| numbers.next()))
        .collect();
    for i in 0..4 {
        quaternions.push(std::array::from_fn(|j| if i == j { -2.0 } else { 0.0 }));
        quaternions.push(std::array::from_fn(|j| if i == j { 1.0 } else { 1e-12 }));
    }
    for quaternion in quaternions {
        let rot = rotation_from_quaternion(quaternion).unwrap();
        assert!(deviation_from_rotation(&rot) < 2e-15);
        let again = quaternion_from_rotation(&rot).unwrap();
        let norm = dot(&quaternion, &quaternion).sqrt();
        let cos = dot(&again, &quaternion).abs() / norm;
        assert!((cos - 1.0).abs() < 1e-15, "{quaternion:?} {again:?}");
        assert!(again.iter().find(|x| **x != 0.0).is_some_and(|x| *x > 0.0));
    }
    // The same rotation as by axis and angle.
    let axis = numbers.unit_vector();
    let (sin, cos) = 0.45_f64.sin_cos();
    let rot = rotation_from_quaternion([cos, axis[0] * sin, axis[1] * sin, axis[2] * sin]);
    assert!(difference(&rot.unwrap(), &rotation(axis, 0.9).unwrap()) < 1e-15);
}

/// The Kolmogorov–Smirnov statistic times the square root of the number of samples, for numbers that should be
/// uniform between 0 and 1.
fn kolmogorov_smirnov(mut samples: Vec<f64>) -> f64 {
    samples.sort_by(f64::total_cmp);
    let n = samples.len() as f64;
    let distance = (samples.iter().enumerate())
        .map(|(i, &x)| (x - i as f64 / n).abs().max(((i + 1) as f64 / n - x).abs()))
        .fold(0.0, f64::max);
    distance * n.sqrt()
}

/// Distributions of numbers that determine whether rotations are uniform: the angle, and all nine elements.
fn uniformity(rotations: &[Matrix]) -> f64 {
    let angles = rotations.iter().map(|m| {
        let cos = 0.5 * (m[0][0] + m[1][1] + m[2][2] - 1.0);
        let angle = cos.clamp(-1.0, 1.0).acos();
        (angle - angle.sin()) / PI
    });
    let mut worst = kolmogorov_smirnov(angles.collect());
    for i in 0..9 {
        let elements = rotations.iter().map(|m| 0.5 * (m[i / 3][i % 3] + 1.0));
        worst = worst.max(kolmogorov_smirnov(elements.collect()));
    }
    worst
}

#[test]
fn random_rotations_are_uniform() {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let rotations: Vec<Matrix> = random_rotations(&mut rng, 1.0, 20_000).unwrap();
    let worst = uniformity(&rotations);
    println!("Kolmogorov-Smirnov statistic: {worst}");
    // Ten tests, each above 2.0 with a probability of 7e-4.
    assert!(worst < 2.0);
    assert!(rotations.iter().all(|m| deviation_from_rotation(m) < 3e-15));
    let biased: Vec<Matrix> = random_rotations(&mut rng, 0.95, 20_000).unwrap();
    assert!(uniformity(&biased) > 3.0, "the test must be able to fail");
    let uniform_angles: Vec<Matrix> = (0..20_000)
        .map(|i| rotation(rotations[i][0], PI * i as f64 / 20_000.0).unwrap())
        .collect();
    assert!(
        uniformity(&uniform_angles) > 3.0,
        "the test must be able to fail"
    );
}

#[test]
fn perturbation_scales_the_angle() {
    let angle = |m: Matrix| {
        let quaternion = quaternion_from_rotation(&m).unwrap();
        2.0 * dot(&quaternion[1..], &quaternion[1..]).sqrt().asin()
    };
    for seed in 0..50 {
        let draw = |p| random_rotation(&mut ChaCha8Rng::seed_from_u64(seed), p).unwrap();
        assert!((angle(draw(0.5)) - 0.5 * angle(draw(1.0))).abs() < 1e-7);
        assert_eq!(angle(draw(0.0)), 0.0);
    }
}

#[test]
fn wrong_arguments_are_errors() {
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    for p in [-0.1, 1.1, f64::NAN] {
        let result = random_rotation::<f64, _>(&mut rng, p);
        assert!(matches!(
            result,
            Err(Error::OutOfRange {
                argument: "perturbation",
                ..
            })
        ));
    }
    assert_eq!(
        rotation([0.0; 3], 1.0),
        Err(Error::Zero { argument: "axis" })
    );
    let result = rotation([1.0, f32::INFINITY, 0.0], 1.0);
    assert!(matches!(
        result,
        Err(Error::NotFinite {
            argument: "axis",
            ..
        })
    ));
    assert!(rotation([1.0, 0.0, 0.0], f64::NAN).is_err());
    assert!(rotation_euler(0.0, f64::INFINITY, 0.0).is_err());
    assert!(alignment_rotation([f64::NAN; 3], [1.0; 3]).is_err());
    assert!(rotation_from_quaternion([0.0_f32; 4]).is_err());
    let scaled = [[1.1, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
    let result = euler_angles_from_rotation(&scaled);
    assert!(matches!(
        result,
        Err(Error::NotOrthogonal {
            argument: "rot",
            ..
        })
    ));
    let reflection = [[-1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
    let result = quaternion_from_rotation(&reflection);
    assert_eq!(result, Err(Error::Reflection { argument: "rot" }));
}
