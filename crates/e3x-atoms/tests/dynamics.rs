//! Velocities of a temperature, velocity Verlet's conservation laws, and the report on the energy.

use e3x_atoms::dynamics::{
    Nve, NveConfig, Observables, VelocityConfig, angular_momentum, degrees_of_freedom,
    energy_drift, kinetic_energy, linear_momentum, maxwell_boltzmann, remove_rotation, temperature,
};
use e3x_atoms::potential::{Bond, Harmonic, LennardJones};
use e3x_atoms::units::{AMU_ANGSTROM2_PER_FS2, BOLTZMANN};
use e3x_atoms::{Error, Frame, elements};

const ETHANOL: [u32; 9] = [6, 6, 8, 1, 1, 1, 1, 1, 1];

fn cluster() -> Vec<[f64; 3]> {
    let mut points = Vec::new();
    for k in 0..8 {
        let corner = [k & 1, (k >> 1) & 1, k >> 2];
        points.push(corner.map(|x| 3.9 * f64::from(x) + 0.1 * f64::from(k)));
    }
    points
}

fn argon() -> LennardJones {
    LennardJones::new(0.0104, 3.40).unwrap()
}

fn start(kelvin: f64) -> Frame {
    let positions = cluster();
    let masses = elements::masses(&[18; 8]).unwrap();
    let config = VelocityConfig {
        temperature: kelvin,
        seed: 3,
        ..VelocityConfig::default()
    };
    let velocities = maxwell_boltzmann(&positions, &masses, &config).unwrap();
    Frame {
        velocities: Some(velocities),
        ..Frame::new(vec![18; 8], positions)
    }
}

fn norm(v: [f64; 3]) -> f64 {
    v.iter().map(|x| x * x).sum::<f64>().sqrt()
}

#[test]
fn units_agree_with_thermodynamics() {
    // The thermal speed (3 k_B T / m)^½ of argon at 300 K is 432.8 m/s, and 1 Å/fs is 1e5 m/s.
    let speed = (3.0 * BOLTZMANN * 300.0 / (39.948 * AMU_ANGSTROM2_PER_FS2)).sqrt();
    assert!((speed * 1e5 - 432.8).abs() < 0.1, "{speed}");
    assert!((AMU_ANGSTROM2_PER_FS2 - 103.642697).abs() < 1e-5);
}

#[test]
fn velocities_have_the_temperature_and_neither_drift_nor_rotation() {
    let mut positions = cluster();
    positions.push([1.0, -2.0, 0.5]);
    let masses = elements::masses(&ETHANOL).unwrap();
    for seed in 0..20 {
        let config = VelocityConfig {
            temperature: 250.0,
            seed,
            ..VelocityConfig::default()
        };
        let velocities = maxwell_boltzmann(&positions, &masses, &config).unwrap();
        assert!(norm(linear_momentum(&velocities, &masses).unwrap()) < 1e-13);
        assert!(norm(angular_momentum(&positions, &velocities, &masses).unwrap()) < 1e-13);
        let kinetic = kinetic_energy(&velocities, &masses).unwrap();
        assert!((temperature(kinetic, 21) - 250.0).abs() < 1e-9);
        assert_eq!(
            velocities,
            maxwell_boltzmann(&positions, &masses, &config).unwrap()
        );
    }
    let other = VelocityConfig {
        seed: 1,
        ..VelocityConfig::default()
    };
    assert_ne!(
        maxwell_boltzmann(&positions, &masses, &other).unwrap(),
        maxwell_boltzmann(&positions, &masses, &VelocityConfig::default()).unwrap(),
    );
}

#[test]
fn components_are_normal_with_the_width_of_their_mass() {
    // 3,000 hydrogen atoms and as many oxygen atoms: mean squares and fourth moments of a normal distribution.
    let numbers: Vec<u32> = (0..6000).map(|k| if k % 2 == 0 { 1 } else { 8 }).collect();
    let masses = elements::masses(&numbers).unwrap();
    let config = VelocityConfig {
        remove_rotation: false,
        ..VelocityConfig::default()
    };
    let velocities = maxwell_boltzmann(&vec![[0.0; 3]; 6000], &masses, &config).unwrap();
    for first in [0, 1] {
        let variance = BOLTZMANN * 300.0 / (masses[first] * AMU_ANGSTROM2_PER_FS2);
        let rows = velocities.iter().skip(first).step_by(2);
        let scaled: Vec<f64> = rows.flatten().map(|v| v / variance.sqrt()).collect();
        let moment =
            |power| scaled.iter().map(|x| x.powi(power)).sum::<f64>() / scaled.len() as f64;
        assert!((moment(2) - 1.0).abs() < 0.06 && (moment(4) - 3.0).abs() < 0.5);
        assert!(moment(1).abs() < 0.05 && moment(3).abs() < 0.2);
    }
}

#[test]
fn single_atoms_linear_molecules_and_atoms_at_one_place() {
    let tilted = [0.3, -0.5, 0.8];
    let line: Vec<[f64; 3]> = (0..4)
        .map(|k| tilted.map(|x| x * f64::from(k) + 100.0))
        .collect();
    let cases = [
        (vec![[5.1, 2.3, 9.7]], 0),
        (line[..2].to_vec(), 1),
        (line.clone(), 12 - 5),
        (vec![[0.3; 3]; 4], 9),
        (vec![[0.0; 3], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]], 3),
    ];
    for (positions, freedom) in cases {
        let masses = vec![12.011; positions.len()];
        assert_eq!(
            degrees_of_freedom(&positions, &masses, true, true).unwrap(),
            freedom
        );
        let velocities =
            maxwell_boltzmann(&positions, &masses, &VelocityConfig::default()).unwrap();
        let kinetic = kinetic_energy(&velocities, &masses).unwrap();
        let expected = if freedom == 0 { 0.0 } else { 300.0 };
        assert!(
            (temperature(kinetic, freedom) - expected).abs() < 1e-9,
            "{positions:?}"
        );
        assert!(norm(angular_momentum(&positions, &velocities, &masses).unwrap()) < 1e-12);
        assert!(norm(linear_momentum(&velocities, &masses).unwrap()) < 1e-12);
    }
    assert_eq!(
        degrees_of_freedom(&line, &[1.0; 4], false, false).unwrap(),
        12
    );
    assert_eq!(degrees_of_freedom(&[], &[], true, true).unwrap(), 0);
    assert!(
        maxwell_boltzmann(&[], &[], &VelocityConfig::default())
            .unwrap()
            .is_empty()
    );
    let cold = VelocityConfig {
        temperature: 0.0,
        ..VelocityConfig::default()
    };
    assert_eq!(
        maxwell_boltzmann(&line, &[1.0; 4], &cold).unwrap(),
        [[0.0; 3]; 4]
    );
}

#[test]
fn a_rigid_rotation_is_removed_entirely() {
    let positions = cluster();
    let masses = vec![39.95; 8];
    let rate = [0.01, -0.02, 0.03];
    let mut velocities: Vec<[f64; 3]> = positions
        .iter()
        .map(|r| {
            let r = r.map(|x| x - (1.95 + 0.35));
            [
                rate[1] * r[2] - rate[2] * r[1],
                rate[2] * r[0] - rate[0] * r[2],
                rate[0] * r[1] - rate[1] * r[0],
            ]
        })
        .collect();
    remove_rotation(&mut velocities, &positions, &masses).unwrap();
    assert!(velocities.iter().all(|v| norm(*v) < 1e-15));
}

/// The largest deviation of the total energy over 2 ps, in eV.
fn deviation(time_step: f64) -> f64 {
    let mut nve = Nve::new(
        argon(),
        &start(40.0),
        &NveConfig {
            time_step,
            ..NveConfig::default()
        },
    )
    .unwrap();
    let steps = (2000.0 / time_step) as u64;
    let samples = nve.run(steps, 1, |_, _| Ok(())).unwrap();
    samples
        .iter()
        .map(|s| (s.total - samples[0].total).abs())
        .fold(0.0, f64::max)
}

#[test]
fn the_error_of_the_energy_is_of_second_order() {
    let (coarse, fine, finest) = (deviation(8.0), deviation(4.0), deviation(2.0));
    assert!((3.5..4.6).contains(&(coarse / fine)), "{coarse} {fine}");
    assert!((3.5..4.6).contains(&(fine / finest)), "{fine} {finest}");
    assert!(
        finest < 2e-5,
        "{finest} eV of {} eV",
        8.0 * 1.5 * BOLTZMANN * 40.0
    );
}

#[test]
fn momentum_and_angular_momentum_stay() {
    let mut frame = start(60.0);
    frame
        .velocities
        .iter_mut()
        .flatten()
        .for_each(|v| v[1] += 0.001);
    let mut nve = Nve::new(
        argon(),
        &frame,
        &NveConfig {
            time_step: 5.0,
            ..NveConfig::default()
        },
    )
    .unwrap();
    let laws = |nve: &Nve<LennardJones>| {
        let (r, v, m) = (nve.positions(), nve.velocities(), nve.masses());
        (
            linear_momentum(v, m).unwrap(),
            angular_momentum(r, v, m).unwrap(),
        )
    };
    let (p, l) = laws(&nve);
    nve.run(1000, 1000, |_, _| Ok(())).unwrap();
    let (p_end, l_end) = laws(&nve);
    assert!((0..3).all(|k| (p[k] - p_end[k]).abs() < 1e-12 && (l[k] - l_end[k]).abs() < 1e-11));
    assert!((p[1] - 8.0 * 39.95 * 0.001).abs() < 1e-12);
}

#[test]
fn time_can_be_reversed_and_a_restart_gives_the_same_bits() {
    let config = NveConfig {
        time_step: 4.0,
        ..NveConfig::default()
    };
    let begin = start(40.0);
    let mut nve = Nve::new(argon(), &begin, &config).unwrap();
    nve.run(100, 100, |_, _| Ok(())).unwrap();
    let middle = nve.frame();
    nve.run(100, 100, |_, _| Ok(())).unwrap();

    let mut again = Nve::new(argon(), &middle, &config).unwrap();
    again.run(100, 100, |_, _| Ok(())).unwrap();
    assert_eq!(again.frame(), nve.frame());

    nve.reverse();
    nve.run(200, 200, |_, _| Ok(())).unwrap();
    for (a, b) in nve.positions().iter().zip(&begin.positions) {
        assert!((0..3).all(|k| (a[k] - b[k]).abs() < 1e-9));
    }
}

#[test]
fn a_harmonic_oscillator_has_its_period() {
    // H2 as a spring of 36 eV/Å²: period 2π (μ/k)^½.
    let springs = Harmonic {
        bonds: vec![Bond {
            atoms: [0, 1],
            stiffness: 36.0,
            length: 0.74,
        }],
    };
    let frame = Frame::new(vec![1, 1], vec![[0.0; 3], [0.0, 0.0, 0.80]]);
    let period = std::f64::consts::TAU * (0.504 * AMU_ANGSTROM2_PER_FS2 / 36.0).sqrt();
    let steps = 1000_u32;
    let config = NveConfig {
        time_step: period / f64::from(steps),
        ..NveConfig::default()
    };
    let mut nve = Nve::new(springs, &frame, &config).unwrap();
    let samples = nve.run(steps.into(), 250, |_, _| Ok(())).unwrap();
    let at_start = 0.5 * 36.0 * 0.06_f64.powi(2);
    for (sample, expected) in samples.iter().zip([at_start, 0.0, at_start, 0.0, at_start]) {
        assert!((sample.potential - expected).abs() < 1e-5, "{sample:?}");
        assert!((sample.total - at_start).abs() < 1e-5);
    }
    // A diatomic molecule has one degree of freedom without drift and rotation.
    assert!((samples[1].temperature - 2.0 * samples[1].kinetic / BOLTZMANN).abs() < 1e-9);
    assert!((samples[4].time - period).abs() < 1e-9 && samples[4].step == 1000);
}

#[test]
fn periodic_argon_conserves_energy() {
    // A cut-off potential whose force is continuous, atoms crossing the box.
    let cell = [[11.0, 0.0, 0.0], [0.0, 11.0, 0.0], [0.0, 0.0, 11.0]];
    let mut frame = start(100.0);
    (frame.cell, frame.pbc) = (Some(cell), [true; 3]);
    let potential = argon().with_cell(cell, [true; 3], 7.0).unwrap();
    let mut nve = Nve::new(
        potential,
        &frame,
        &NveConfig {
            time_step: 4.0,
            ..NveConfig::default()
        },
    )
    .unwrap();
    let samples = nve.run(1000, 10, |_, _| Ok(())).unwrap();
    let drift = energy_drift(&samples, 8).unwrap();
    assert!(
        drift.max_deviation < 0.1 && drift.slope.abs() < 0.05,
        "{drift}"
    );
    assert_eq!(nve.frame().cell, Some(cell));
}

#[test]
fn the_report_of_a_known_line() {
    let samples: Vec<_> = (0..5)
        .map(|k| Observables {
            step: k,
            time: k as f64 * 500.0,
            potential: 0.0,
            kinetic: 0.0,
            total: -1000.0 + 0.004 * k as f64,
            temperature: 0.0,
        })
        .collect();
    let drift = energy_drift(&samples, 2).unwrap();
    // 4 meV per 0.5 ps on two atoms.
    assert!((drift.slope - 4.0).abs() < 1e-6, "{drift}");
    assert!((drift.max_deviation - 8.0).abs() < 1e-6 && drift.fluctuation < 1e-6);
    assert!(drift.to_string().contains("+4.0000 meV/atom/ps"), "{drift}");
    assert!(energy_drift(&samples[..1], 2).is_err());
    assert!(energy_drift(&samples, 0).is_err());
    assert!(energy_drift(&[samples[0], samples[0]], 2).is_err());
}

#[test]
fn bad_input_and_explosions_are_errors() {
    let frame = start(40.0);
    let message = |frame: &Frame, config: &NveConfig| {
        Nve::new(argon(), frame, config)
            .err()
            .map(|error| error.to_string())
            .unwrap()
    };
    let zero = NveConfig {
        time_step: 0.0,
        ..NveConfig::default()
    };
    assert!(message(&frame, &zero).contains("time_step"));
    let mut short = frame.clone();
    short.velocities = Some(vec![]);
    assert!(message(&short, &NveConfig::default()).contains("velocities"));
    let same = Frame::new(vec![18, 18], vec![[1.0; 3]; 2]);
    assert!(message(&same, &NveConfig::default()).contains("step 0"));

    let cold = VelocityConfig {
        temperature: -1.0,
        ..VelocityConfig::default()
    };
    for (masses, config, part) in [
        (vec![1.0], cold, "temperature"),
        (vec![0.0], VelocityConfig::default(), "masses[0]"),
        (vec![1.0, 1.0], VelocityConfig::default(), "rows"),
    ] {
        let message = maxwell_boltzmann(&[[0.0; 3]], &masses, &config)
            .unwrap_err()
            .to_string();
        assert!(message.contains(part), "{message}");
    }

    let long = NveConfig {
        time_step: 1e200,
        ..NveConfig::default()
    };
    let error = Nve::new(argon(), &frame, &long)
        .unwrap()
        .run(50, 1, |_, _| Ok(()))
        .unwrap_err();
    assert!(
        matches!(error, Error::NonFinite { .. } | Error::Argument { .. }),
        "{error}"
    );
    let mut nve = Nve::new(argon(), &frame, &NveConfig::default()).unwrap();
    assert!(
        nve.run(5, 0, |_, _| Ok(()))
            .unwrap_err()
            .to_string()
            .contains("every")
    );
    let stopped = nve.run(5, 1, |_, seen| {
        if seen.step == 2 {
            Err(Error::potential("stop"))
        } else {
            Ok(())
        }
    });
    assert!(matches!(stopped, Err(Error::Potential(_))));
}
