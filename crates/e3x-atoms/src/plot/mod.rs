//! Plots as PNG files: learning curves, predicted against true forces, energies of dynamics.
//!
//! The font comes with the program (Ubuntu Light of the crate `epaint_default_fonts`), so that plots look the same on
//! every machine and need no system fonts. Files are replaced in one step once they are complete.

mod axis;
mod panel;

use std::path::Path;

use plotters::prelude::{BLACK, BitMapBackend, IntoDrawingArea, RGBColor, WHITE};

use crate::atomic_file;
use crate::dynamics::{Observables, energy_drift};
use crate::error::{Error, Result, check_rows};
use crate::metrics::Deviations;
use axis::Axis;
use panel::{Area, Drawn, Panel, Series};

// Colours that people with colour vision deficiency can tell apart (Okabe and Ito, 2002).
const BLUE: RGBColor = RGBColor(0, 114, 178);
const ORANGE: RGBColor = RGBColor(213, 94, 0);

/// The mean absolute errors of a training, epoch by epoch: what [`learning_curves`] draws.
///
/// All lists have one value per epoch; a value that is not positive and finite is left out of the plot.
#[derive(Clone, Copy, Debug, Default)]
pub struct LearningCurves<'a> {
    /// The epochs.
    pub epochs: &'a [u64],
    /// Error of the energy of the training frames in eV.
    pub train_energy: &'a [f64],
    /// Error of the energy of the validation frames in eV.
    pub valid_energy: &'a [f64],
    /// Error of the force components of the training frames in eV/Å.
    pub train_forces: &'a [f64],
    /// Error of the force components of the validation frames in eV/Å.
    pub valid_forces: &'a [f64],
}

/// Draws the errors of energies and forces over the epochs, on logarithmic scales, in meV and meV/Å.
///
/// # Errors
/// [`Error::Argument`] if the lists differ in length, there is nothing to draw, or the name does not end in `.png`;
/// [`Error::Plot`] and [`Error::Io`] if the file cannot be made. An existing file then stays.
pub fn learning_curves(path: impl AsRef<Path>, curves: &LearningCurves<'_>) -> Result<()> {
    let path = path.as_ref();
    let energy = ("energy MAE (meV)", curves.train_energy, curves.valid_energy);
    let forces = (
        "force MAE (meV/Å)",
        curves.train_forces,
        curves.valid_forces,
    );
    let mut panels = Vec::new();
    for (label, train, valid) in [energy, forces] {
        let mut series = Vec::new();
        for (name, color, values) in [("training", BLUE, train), ("validation", ORANGE, valid)] {
            if values.len() != curves.epochs.len() {
                let expected = format!("{} values, one for each epoch", curves.epochs.len());
                return Err(Error::argument(
                    format!("curves, {name} {label}"),
                    expected,
                    values.len(),
                ));
            }
            let points = curves
                .epochs
                .iter()
                .zip(values)
                .map(|(epoch, mae)| (*epoch as f64, 1e3 * mae));
            let points: Vec<_> = points
                .filter(|(_, mae)| mae.is_finite() && *mae > 0.0)
                .collect();
            series.push(Series::line(name, color, points));
        }
        let x = Axis::linear("epoch", panel::all(&series, 0), 0.0).map(Axis::with_integer_ticks);
        let y = Axis::logarithmic(label, panel::all(&series, 1));
        let (Some(x), Some(y)) = (x, y) else {
            return Err(Error::argument(
                "curves",
                "a positive finite error to draw",
                format!("none: {label}"),
            ));
        };
        panels.push(Panel::new(x, y, series));
    }
    draw(path, (1500, 620), |root| {
        let halves = root.split_evenly((1, 2));
        panels
            .iter()
            .zip(&halves)
            .try_for_each(|(panel, half)| panel.draw(half))
    })
}

/// Draws predicted against true force components in eV/Å, with the diagonal and the errors.
///
/// Both lists have shape `(N, 3)`, for instance the atoms of all frames one after the other. Of more than 30,000
/// components only every k-th is drawn; the errors are those of all.
///
/// # Errors
/// [`Error::Argument`] if the lists differ in length, are empty or not finite, or the name does not end in `.png`;
/// [`Error::Plot`] and [`Error::Io`] if the file cannot be made. An existing file then stays.
pub fn forces_scatter(
    path: impl AsRef<Path>,
    predicted: &[[f64; 3]],
    reference: &[[f64; 3]],
) -> Result<()> {
    const MOST: usize = 30_000;
    let path = path.as_ref();
    check_rows("predicted", predicted.len(), reference.len())?;
    crate::error::check_finite_rows("predicted", predicted)?;
    crate::error::check_finite_rows("reference", reference)?;
    let mut errors = Deviations::default();
    errors.add_rows(predicted, reference)?;
    let (Some(mae), Some(rmse)) = (errors.mae(), errors.rmse()) else {
        return Err(Error::argument("predicted", "at least one atom", "none"));
    };
    let pairs = reference
        .as_flattened()
        .iter()
        .zip(predicted.as_flattened());
    let stride = (3 * reference.len()).div_ceil(MOST);
    let points: Vec<(f64, f64)> = pairs.step_by(stride).map(|(x, y)| (*x, *y)).collect();
    let values = || points.iter().flat_map(|(x, y)| [*x, *y]);
    let axes = |label| Axis::linear(label, values(), 0.04);
    let (Some(x), Some(y)) = (
        axes("true force component (eV/Å)"),
        axes("predicted force component (eV/Å)"),
    ) else {
        return Err(Error::argument("predicted", "at least one atom", "none"));
    };
    let diagonal = vec![(x.low, x.low), (x.high, x.high)];
    let line = Series::line("", BLACK, diagonal).thin();
    let mut panel = Panel::new(x, y, vec![Series::dots(BLUE, points), line]);
    panel.notes = vec![
        format!("MAE {:.1} meV/Å", 1e3 * mae),
        format!("RMSE {:.1} meV/Å", 1e3 * rmse),
        format!("{} components", errors.count()),
    ];
    draw(path, (950, 900), |root| panel.draw(root))
}

/// Draws potential, kinetic and total energy of dynamics over time, and the deviation of the total energy below.
///
/// Potential and total energy are relative to the first potential energy, so that all three share a zero. `num_atoms` is
/// the number of atoms, to which the deviation refers.
///
/// # Errors
/// [`Error::Argument`] for fewer than two samples, values that are not finite, no atoms, or a name that does not end in
/// `.png`; [`Error::Plot`] and [`Error::Io`] if the file cannot be made. An existing file then stays.
pub fn dynamics_energies(
    path: impl AsRef<Path>,
    samples: &[Observables],
    num_atoms: usize,
) -> Result<()> {
    let path = path.as_ref();
    let drift = energy_drift(samples, num_atoms)?;
    let finite =
        |s: &Observables| s.time.is_finite() && s.potential.is_finite() && s.kinetic.is_finite();
    if let Some(sample) = samples.iter().find(|sample| !finite(sample)) {
        return Err(Error::argument(
            "samples",
            "finite numbers",
            format!("{sample:?}"),
        ));
    }
    let (time_label, unit) = if samples[samples.len() - 1].time > 5000.0 {
        ("time (ps)", 1e-3)
    } else {
        ("time (fs)", 1.0)
    };
    let curve = |value: &dyn Fn(&Observables) -> f64| -> Vec<(f64, f64)> {
        samples
            .iter()
            .map(|sample| (sample.time * unit, value(sample)))
            .collect()
    };
    let zero = samples[0].potential;
    let start = samples[0].total;
    let energies = vec![
        Series::line("potential", BLUE, curve(&|s| s.potential - zero)),
        Series::line("kinetic", ORANGE, curve(&|s| s.kinetic)),
        Series::line("total", BLACK, curve(&|s| s.total - zero)),
    ];
    let to_mev = 1e3 / num_atoms as f64;
    let deviation = vec![Series::line(
        "",
        BLACK,
        curve(&|s| (s.total - start) * to_mev),
    )];
    let panel = |label, series: Vec<Series>, room| {
        let x = Axis::linear(time_label, panel::all(&series, 0), 0.0)?;
        let y = Axis::linear(label, panel::all(&series, 1), room)?;
        Some(Panel::new(x, y, series))
    };
    let upper = panel("energy (eV)", energies, 0.05);
    // Room for the note.
    let lower = panel("ΔE total (meV/atom)", deviation, 0.25);
    let (Some(upper), Some(mut lower)) = (upper, lower) else {
        return Err(Error::argument("samples", "at least 2", samples.len()));
    };
    lower.notes = vec![format!("drift {:+.3} meV/atom/ps", drift.slope)];
    draw(path, (1200, 950), |root| {
        let (top, bottom) = root.split_vertically(580);
        upper.draw(&top)?;
        lower.draw(&bottom)
    })
}

/// Makes a PNG file of a size in pixels.
fn draw(path: &Path, size: (u32, u32), content: impl FnOnce(&Area<'_>) -> Drawn) -> Result<()> {
    if path.extension().is_none_or(|extension| extension != "png") {
        return Err(Error::argument(
            "path",
            "a name that ends in `.png`",
            path.display(),
        ));
    }
    atomic_file::replace_with(path, |temporary| {
        let root = BitMapBackend::new(temporary, size).into_drawing_area();
        let drawn: Drawn = panel::register_font()
            .and_then(|()| Ok(root.fill(&WHITE)?))
            .and_then(|()| content(&root))
            .and_then(|()| Ok(root.present()?));
        drawn.map_err(|error| Error::Plot {
            path: path.to_path_buf(),
            message: error.to_string(),
        })
    })
}
