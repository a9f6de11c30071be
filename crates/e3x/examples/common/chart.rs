//! A chart of lines as a PNG file. The font comes with the program, so that it looks the same everywhere.

#![allow(dead_code, reason = "every example uses its own part")]

use std::path::Path;

use plotters::prelude::*;
use plotters::style::FontStyle;

/// What the examples return: any error, printed by `main`.
pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

// Colours that people with colour vision deficiency can tell apart (Okabe and Ito, 2002).
pub const BLUE: RGBColor = RGBColor(0, 114, 178);
pub const ORANGE: RGBColor = RGBColor(213, 94, 0);
pub const GREEN: RGBColor = RGBColor(0, 158, 115);
pub const GREY: RGBColor = RGBColor(120, 120, 120);

const FONT: &str = "ubuntu-light";

/// Makes the font known to plotters, and the folder for the picture.
pub fn prepare(picture: &Path) -> Result<()> {
    if let Some(folder) = picture.parent() {
        std::fs::create_dir_all(folder)?;
    }
    plotters::style::register_font(FONT, FontStyle::Normal, epaint_default_fonts::UBUNTU_LIGHT)
        .map_err(|_| "the built-in font cannot be read".into())
}

/// The font in a size in pixels.
pub fn font(size: f64) -> TextStyle<'static> {
    (FONT, size).into_font().into()
}

/// The text at a tick, without the noise of sums of steps.
fn tick(value: f64) -> String {
    format!("{}", (value * 1e6).round() / 1e6)
}

/// A curve with its name and colour.
pub struct Line {
    pub name: &'static str,
    pub color: RGBColor,
    pub points: Vec<(f64, f64)>,
}

/// Draws lines over the given ranges of both axes.
pub fn lines(
    path: &Path,
    [x_name, y_name]: [&str; 2],
    [x_range, y_range]: [std::ops::Range<f64>; 2],
    lines: &[Line],
) -> Result<()> {
    prepare(path)?;
    let root = BitMapBackend::new(path, (1000, 640)).into_drawing_area();
    root.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&root)
        .margin(16)
        .margin_right(32)
        .x_label_area_size(64)
        .y_label_area_size(90)
        .build_cartesian_2d(x_range, y_range)?;
    chart
        .configure_mesh()
        .x_desc(x_name)
        .y_desc(y_name)
        .x_label_formatter(&|value| tick(*value))
        .y_label_formatter(&|value| tick(*value))
        .label_style(font(22.0))
        .axis_desc_style(font(26.0))
        .light_line_style(WHITE)
        .bold_line_style(RGBColor(225, 225, 225))
        .draw()?;
    for line in lines {
        let style = ShapeStyle::from(line.color).stroke_width(3);
        let color = line.color;
        chart
            .draw_series(LineSeries::new(line.points.iter().copied(), style))?
            .label(line.name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 28, y)], style));
        let few = line.points.iter().filter(|_| line.points.len() <= 30);
        chart.draw_series(few.map(|point| Circle::new(*point, 5, color.filled())))?;
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::MiddleRight)
        .legend_area_size(40)
        .margin(14)
        .background_style(WHITE.mix(0.85))
        .border_style(RGBColor(200, 200, 200))
        .label_font(font(22.0))
        .draw()?;
    root.present()?;
    Ok(())
}
