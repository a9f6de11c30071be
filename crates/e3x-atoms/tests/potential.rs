//! The analytic potentials: known values, forces against central differences, periodic images.

use e3x_atoms::Error;
use e3x_atoms::potential::{Bond, Harmonic, LennardJones, Potential};

fn energy(potential: &mut impl Potential, positions: &[[f64; 3]]) -> f64 {
    potential
        .energy_and_forces(&vec![18; positions.len()], positions)
        .unwrap()
        .0
}

#[track_caller]
fn assert_forces(potential: &mut impl Potential, positions: &[[f64; 3]]) {
    let numbers = vec![18; positions.len()];
    let (_, forces) = potential.energy_and_forces(&numbers, positions).unwrap();
    let step = 1e-5;
    for atom in 0..positions.len() {
        for k in 0..3 {
            let mut moved = positions.to_vec();
            moved[atom][k] += step;
            let up = energy(potential, &moved);
            moved[atom][k] -= 2.0 * step;
            let down = energy(potential, &moved);
            let expected = (down - up) / (2.0 * step);
            let found = forces[atom][k];
            assert!(
                (found - expected).abs() < 1e-7 * (1.0 + expected.abs()),
                "{found} {expected}"
            );
        }
    }
}

const POINTS: [[f64; 3]; 4] = [
    [0.1, 0.0, -0.2],
    [1.2, 0.1, 0.0],
    [0.2, 1.1, 0.4],
    [0.9, 0.8, 1.3],
];

#[test]
fn lennard_jones_values_and_forces() {
    let mut lj = LennardJones::new(0.5, 2.0).unwrap();
    let at_minimum = 2.0 * 2.0_f64.powf(1.0 / 6.0);
    let (value, forces) = lj
        .energy_and_forces(&[18, 18], &[[0.0; 3], [0.0, at_minimum, 0.0]])
        .unwrap();
    assert!((value + 0.5).abs() < 1e-15 && forces[0][1].abs() < 1e-14);
    assert_eq!(energy(&mut lj, &[[0.0; 3], [2.0, 0.0, 0.0]]), 0.0);
    assert_forces(&mut LennardJones::new(0.3, 1.0).unwrap(), &POINTS);
    assert_forces(
        &mut LennardJones::new(0.3, 1.0)
            .unwrap()
            .with_cutoff(1.4)
            .unwrap(),
        &POINTS,
    );
}

#[test]
fn lennard_jones_in_a_cell_is_that_of_many_images() {
    let cell = [[2.5, 0.2, 0.0], [0.3, 2.7, 0.0], [0.0, 0.4, 2.9]];
    let mut periodic = LennardJones::new(0.3, 1.0)
        .unwrap()
        .with_cell(cell, [true; 3], 3.0)
        .unwrap();
    assert_forces(&mut periodic, &POINTS);
    // Twice the cell, twice the energy.
    let doubled = [cell[0].map(|x| 2.0 * x), cell[1], cell[2]];
    let mut images = POINTS.to_vec();
    images.extend(POINTS.map(|p| [p[0] + cell[0][0], p[1] + cell[0][1], p[2] + cell[0][2]]));
    let mut double = LennardJones::new(0.3, 1.0)
        .unwrap()
        .with_cell(doubled, [true; 3], 3.0)
        .unwrap();
    let (one, two) = (energy(&mut periodic, &POINTS), energy(&mut double, &images));
    assert!((two - 2.0 * one).abs() < 1e-12 * one.abs(), "{one} {two}");
}

#[test]
fn springs() {
    let bond = |i, j| Bond {
        atoms: [i, j],
        stiffness: 3.0,
        length: 1.0,
    };
    let mut springs = Harmonic {
        bonds: vec![bond(0, 1), bond(1, 2), bond(0, 3)],
    };
    assert_forces(&mut springs, &POINTS);
    assert_eq!(
        energy(
            &mut springs,
            &[[0.0; 3], [0.0; 3], [2.0, 0.0, 0.0], [1.0, 0.0, 0.0]]
        ),
        3.0
    );
    let message = springs
        .energy_and_forces(&[1, 1], &POINTS[..2])
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("bonds[1]") && message.contains("below 2"),
        "{message}"
    );
}

#[test]
fn bad_parameters() {
    assert!(LennardJones::new(0.0, 1.0).is_err());
    assert!(LennardJones::new(1.0, f64::NAN).is_err());
    let lj = LennardJones::new(1.0, 1.0).unwrap();
    assert!(lj.clone().with_cutoff(-1.0).is_err());
    assert!(lj.with_cell([[0.0; 3]; 3], [true; 3], 1.0).is_err());
}

#[test]
fn errors_of_other_libraries_are_carried() {
    struct Broken;
    impl Potential for Broken {
        fn energy_and_forces(
            &mut self,
            _: &[u32],
            _: &[[f64; 3]],
        ) -> Result<(f64, Vec<[f64; 3]>), Error> {
            Err(Error::potential(std::io::Error::other("out of memory")))
        }
    }
    let mut boxed: Box<dyn Potential> = Box::new(Broken);
    let error = boxed.energy_and_forces(&[], &[]).unwrap_err();
    assert!(error.to_string().contains("out of memory"));
    assert!(std::error::Error::source(&error).is_some());
}
