//! Plots: that they are drawn, from ordinary, extreme and bad data. `E3X_PLOT_DIR` keeps them to look at.

use std::f64::consts::TAU;
use std::fs;
use std::path::{Path, PathBuf};

use e3x_atoms::dynamics::Observables;
use e3x_atoms::plot::{LearningCurves, dynamics_energies, forces_scatter, learning_curves};

/// A folder for the images of a test.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Ok(kept) = std::env::var("E3X_PLOT_DIR") {
            for entry in fs::read_dir(self.0.path()).unwrap() {
                let path = entry.unwrap().path();
                fs::copy(&path, Path::new(&kept).join(path.file_name().unwrap())).unwrap();
            }
        }
    }
}

/// Width and height of a PNG file, from its header.
fn png_size(path: &Path) -> (u32, u32) {
    let bytes = fs::read(path).unwrap();
    assert_eq!(bytes[..8], [0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a]);
    let number = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
    (number(16), number(20))
}

/// A deterministic stand-in for noise in -1..1.
fn noise(k: usize) -> f64 {
    ((k as f64 * 12.9898).sin() * 43758.5453).fract()
}

fn curves(path: &Path, epochs: u64, scale: f64) {
    let list: Vec<u64> = (1..=epochs).collect();
    let curve = |from: f64, to: f64, rough: f64| -> Vec<f64> {
        list.iter()
            .map(|k| {
                let decay = (-(*k as f64) / epochs as f64 * 4.0).exp();
                scale * (to + (from - to) * decay) * (1.0 + rough * noise(*k as usize))
            })
            .collect()
    };
    let (a, b) = (curve(0.13, 0.009, 0.3), curve(0.14, 0.012, 0.4));
    let (c, d) = (curve(0.7, 0.04, 0.02), curve(0.75, 0.06, 0.05));
    let curves = LearningCurves {
        epochs: &list,
        train_energy: &a,
        valid_energy: &b,
        train_forces: &c,
        valid_forces: &d,
    };
    learning_curves(path, &curves).unwrap();
}

#[test]
fn learning_curves_of_any_length_and_scale() {
    let folder = Folder::new();
    for (name, epochs, scale) in [("curves_100.png", 100, 1.0), ("curves_1.png", 1, 1e-9)] {
        curves(&folder.path(name), epochs, scale);
        assert_eq!(png_size(&folder.path(name)), (1500, 620));
    }
}

#[test]
fn curves_with_holes_over_many_decades() {
    let folder = Folder::new();
    let epochs: Vec<u64> = (1..=12).collect();
    let values: Vec<f64> = (0..12)
        .map(|k| {
            if k == 5 {
                f64::NAN
            } else {
                10.0_f64.powi(6 - k)
            }
        })
        .collect();
    let curves = LearningCurves {
        epochs: &epochs,
        train_energy: &values,
        valid_energy: &[0.0; 12],
        train_forces: &values,
        valid_forces: &[1.0; 12],
    };
    learning_curves(folder.path("curves_holes.png"), &curves).unwrap();
}

fn forces(atoms: usize, error: f64) -> (Vec<[f64; 3]>, Vec<[f64; 3]>) {
    let component = |k: usize| 1.6 * (noise(k) + noise(k + 7919) + noise(k + 104_729));
    let row = |atom: usize| [0, 1, 2].map(|k| component(3 * atom + k));
    let reference: Vec<[f64; 3]> = (0..atoms).map(row).collect();
    let predicted = reference
        .iter()
        .enumerate()
        .map(|(atom, f)| [0, 1, 2].map(|k| f[k] + error * noise(31 * atom + 1000 * k + 5)));
    (predicted.collect(), reference)
}

#[test]
fn scatter_of_few_and_many_forces() {
    let folder = Folder::new();
    for (name, atoms, error) in [
        ("forces_10001.png", 10_001, 0.15),
        ("forces_90.png", 90, 1.0),
    ] {
        let (predicted, reference) = forces(atoms, error);
        forces_scatter(folder.path(name), &predicted, &reference).unwrap();
        assert_eq!(png_size(&folder.path(name)), (950, 900));
    }
    forces_scatter(folder.path("forces_zero.png"), &[[0.0; 3]], &[[0.0; 3]]).unwrap();
}

fn trajectory(samples: u64, time_step: f64) -> Vec<Observables> {
    let sample = |step: u64| {
        let time = step as f64 * time_step;
        let exchange = 0.18 * (TAU * time / 190.0).cos() * (1.0 + 0.3 * (TAU * time / 23.0).sin());
        let kinetic = 0.35 + exchange;
        let total = -309.4 + 2e-4 * (TAU * time / 11.0).sin() + 1e-7 * time;
        Observables {
            step,
            time,
            potential: total - kinetic,
            kinetic,
            total,
            temperature: 300.0,
        }
    };
    (0..samples).map(sample).collect()
}

#[test]
fn energies_of_short_and_long_dynamics() {
    let folder = Folder::new();
    for (name, samples, step) in [
        ("energies_1ps.png", 2001, 0.5),
        ("energies_20ps.png", 300, 67.0),
    ] {
        dynamics_energies(folder.path(name), &trajectory(samples, step), 9).unwrap();
        assert_eq!(png_size(&folder.path(name)), (1200, 950));
    }
    let still = [Observables {
        kinetic: 0.0,
        potential: -1.0,
        total: -1.0,
        ..trajectory(1, 1.0)[0]
    }; 3];
    let still: Vec<_> = still
        .iter()
        .enumerate()
        .map(|(k, s)| Observables {
            time: k as f64,
            ..*s
        })
        .collect();
    dynamics_energies(folder.path("energies_still.png"), &still, 2).unwrap();
}

#[test]
fn bad_data_is_refused_and_the_old_image_stays() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("old.png");
    fs::write(&path, b"old").unwrap();
    let nan = [[f64::NAN, 0.0, 0.0]];
    let one = LearningCurves {
        epochs: &[1],
        train_energy: &[1.0],
        ..LearningCurves::default()
    };
    let mut broken = trajectory(5, 1.0);
    broken[2].potential = f64::INFINITY;
    let results = [
        (learning_curves(&path, &one), "one for each epoch"),
        (learning_curves(&path, &LearningCurves::default()), "curves"),
        (forces_scatter(&path, &[[0.0; 3]], &[]), "predicted"),
        (forces_scatter(&path, &[], &[]), "at least one"),
        (forces_scatter(&path, &nan, &[[0.0; 3]]), "predicted[0]"),
        (dynamics_energies(&path, &broken, 3), "samples"),
        (dynamics_energies(&path, &broken[..1], 3), "samples"),
        (
            forces_scatter(folder.path().join("a.txt"), &[[0.0; 3]], &[[0.0; 3]]),
            ".png",
        ),
        (
            forces_scatter(folder.path().join("no/a.png"), &[[0.0; 3]], &[[0.0; 3]]),
            "no/a.png",
        ),
    ];
    for (result, part) in results {
        let message = result.unwrap_err().to_string();
        assert!(message.contains(part), "{message}");
    }
    assert_eq!(fs::read(&path).unwrap(), b"old");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}
