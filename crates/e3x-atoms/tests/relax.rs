//! Relaxation to the known global minima of Lennard-Jones clusters, and what happens when it cannot converge.

use e3x_atoms::Error;
use e3x_atoms::potential::{Bond, Harmonic, LennardJones, Potential};
use e3x_atoms::relax::{Method, RelaxConfig, relax};

const METHODS: [Method; 2] = [Method::Fire, Method::Lbfgs];

/// A point on a sphere for each atom plus one in the middle, moved off by a few per cent.
fn icosahedron() -> Vec<[f64; 3]> {
    let golden = f64::midpoint(1.0, 5.0_f64.sqrt());
    let mut points = vec![[0.0; 3]];
    for (a, b) in [
        (1.0, golden),
        (1.0, -golden),
        (-1.0, golden),
        (-1.0, -golden),
    ] {
        points.extend([[0.0, a, b], [a, b, 0.0], [b, 0.0, a]]);
    }
    for (index, point) in points.iter_mut().enumerate() {
        for (k, x) in point.iter_mut().enumerate() {
            *x = 0.65 * *x + 0.05 * ((7 * index + 3 * k) as f64).sin();
        }
    }
    points
}

#[test]
fn the_minima_of_lennard_jones_clusters() {
    // Wales and Doye, J. Phys. Chem. A 101, 5111 (1997): 3 and 4 atoms touch pairwise, 13 form an icosahedron.
    let triangle = vec![[0.0, 0.0, 0.0], [1.4, 0.0, 0.0], [0.5, 1.0, 0.1]];
    let tetrahedron = vec![
        [0.0, 0.0, 0.0],
        [1.4, 0.0, 0.0],
        [0.5, 1.0, 0.1],
        [0.5, 0.4, 1.2],
    ];
    let cases = [
        (triangle, -3.0),
        (tetrahedron, -6.0),
        (icosahedron(), -44.326801),
    ];
    for method in METHODS {
        for (start, energy) in &cases {
            let mut lj = LennardJones::new(1.0, 1.0).unwrap();
            let config = RelaxConfig {
                method,
                fmax: 1e-5,
                ..RelaxConfig::default()
            };
            let numbers = vec![18; start.len()];
            let mut seen = Vec::new();
            let result = relax(&mut lj, &numbers, start, &config, |progress| {
                seen.push((progress.step, progress.fmax));
                Ok(())
            })
            .unwrap();
            assert!(
                result.converged && result.fmax < 1e-5,
                "{method:?}: {result:?}"
            );
            assert!(
                (result.energy - energy).abs() < 1e-6,
                "{method:?}: {}",
                result.energy
            );
            assert_eq!(seen.len(), result.steps + 1);
            assert_eq!(seen.last().unwrap(), &(result.steps, result.fmax));
            let (again, forces) = lj.energy_and_forces(&numbers, &result.positions).unwrap();
            assert_eq!((again, forces), (result.energy, result.forces));
            assert!(
                method == Method::Fire || result.steps < 60,
                "{} steps",
                result.steps
            );
        }
    }
}

#[test]
fn fire_makes_the_steps_of_ase() {
    // ASE 3.29: FIRE with its defaults on its LennardJones(rc=1000) from the same start.
    let mut lj = LennardJones::new(1.0, 1.0).unwrap();
    let config = RelaxConfig {
        method: Method::Fire,
        fmax: 1e-3,
        ..RelaxConfig::default()
    };
    let result = relax(&mut lj, &[18; 13], &icosahedron(), &config, |_| Ok(())).unwrap();
    assert_eq!(result.steps, 75);
    assert!((result.energy + 44.326801391860315).abs() < 1e-10);
    for (found, expected) in result.positions[5]
        .iter()
        .zip([0.57182556, -0.9337424, 0.02315342])
    {
        assert!((found - expected).abs() < 1e-8);
    }
}

#[test]
fn no_step_is_longer_than_allowed() {
    // A spring stretched so far that an unbounded step would be Å long.
    let bond = Bond {
        atoms: [0, 1],
        stiffness: 500.0,
        length: 1.0,
    };
    for method in METHODS {
        let mut last: Option<Vec<[f64; 3]>> = None;
        let config = RelaxConfig {
            method,
            max_step: 0.15,
            ..RelaxConfig::default()
        };
        let start = [[0.0; 3], [4.0, 0.0, 0.0]];
        let mut springs = Harmonic { bonds: vec![bond] };
        let result = relax(&mut springs, &[1, 1], &start, &config, |progress| {
            if let Some(before) = &last {
                for (a, b) in before.iter().zip(progress.positions) {
                    let moved = (0..3).map(|k| (a[k] - b[k]).powi(2)).sum::<f64>().sqrt();
                    assert!(moved <= 0.15 + 1e-12);
                }
            }
            last = Some(progress.positions.to_vec());
            Ok(())
        });
        assert!(result.unwrap().converged, "{method:?}");
    }
}

#[test]
fn a_start_at_the_minimum_takes_no_step_and_no_limit_no_convergence() {
    let mut lj = LennardJones::new(1.0, 1.0).unwrap();
    let at_minimum = [[0.0; 3], [2.0_f64.powf(1.0 / 6.0), 0.0, 0.0]];
    let config = RelaxConfig::default();
    let result = relax(&mut lj, &[18, 18], &at_minimum, &config, |_| Ok(())).unwrap();
    assert!(result.converged && result.steps == 0 && result.positions == at_minimum);

    for method in METHODS {
        let config = RelaxConfig {
            method,
            max_steps: 2,
            fmax: 1e-9,
            ..RelaxConfig::default()
        };
        let start = [[0.0; 3], [1.5, 0.0, 0.0]];
        let result = relax(&mut lj, &[18, 18], &start, &config, |_| Ok(())).unwrap();
        assert!(!result.converged && result.steps == 2);
    }
}

#[test]
fn bad_input_and_errors_on_the_way() {
    let mut lj = LennardJones::new(1.0, 1.0).unwrap();
    let two = [[0.0; 3], [1.5, 0.0, 0.0]];
    let mut message = |numbers: &[u32], positions: &[[f64; 3]], config: RelaxConfig| {
        relax(&mut lj, numbers, positions, &config, |_| Ok(()))
            .unwrap_err()
            .to_string()
    };
    let default = RelaxConfig::default;
    let cases = [
        (message(&[18], &two, default()), "positions"),
        (message(&[18, 0], &two, default()), "numbers[1]"),
        (
            message(&[18, 18], &[[0.0; 3], [f64::NAN; 3]], default()),
            "positions[1]",
        ),
        (
            message(
                &[18, 18],
                &two,
                RelaxConfig {
                    fmax: 0.0,
                    ..default()
                },
            ),
            "fmax",
        ),
        (
            message(
                &[18, 18],
                &two,
                RelaxConfig {
                    max_step: -1.0,
                    ..default()
                },
            ),
            "max_step",
        ),
        (
            message(&[18, 18], &[[0.0; 3]; 2], default()),
            "relaxation, step 0",
        ),
    ];
    for (message, part) in cases {
        assert!(message.contains(part), "{message}");
    }
    let stopped = relax(&mut lj, &[18, 18], &two, &default(), |progress| {
        if progress.step == 1 {
            Err(Error::potential("stop"))
        } else {
            Ok(())
        }
    });
    assert!(matches!(stopped, Err(Error::Potential(_))));
}
