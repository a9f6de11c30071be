//! One panel of a plot: axes, curves or dots, a legend and notes.

use std::sync::OnceLock;

use plotters::coord::Shift;
use plotters::prelude::{
    BLACK, BitMapBackend, ChartBuilder, Circle, Color, DrawingArea, FontStyle, IntoFont,
    LineSeries, PathElement, RGBColor, Rectangle, ShapeStyle, Text, TextStyle, WHITE,
};

use super::axis::Axis;

/// What drawing functions return: the errors of plotters have many types.
pub(super) type Drawn = Result<(), Box<dyn std::error::Error + Send + Sync>>;
/// A part of the image.
pub(super) type Area<'a> = DrawingArea<BitMapBackend<'a>, Shift>;

const FONT: &str = "ubuntu-light";
/// Where the axes begin, in pixels from the left.
const LEFT: u32 = 114;
const GRID: RGBColor = RGBColor(225, 225, 225);

/// Makes the font known to plotters, once per process.
pub(super) fn register_font() -> Drawn {
    static REGISTERED: OnceLock<bool> = OnceLock::new();
    let registered = REGISTERED.get_or_init(|| {
        let font = epaint_default_fonts::UBUNTU_LIGHT;
        plotters::style::register_font(FONT, FontStyle::Normal, font).is_ok()
    });
    if *registered {
        Ok(())
    } else {
        Err("the built-in font cannot be read".into())
    }
}

/// A curve or a cloud of dots.
#[derive(Clone, Debug)]
pub(super) struct Series {
    name: &'static str,
    color: RGBColor,
    points: Vec<(f64, f64)>,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Line { width: u32 },
    Dots,
}

impl Series {
    /// A curve; an empty name keeps it out of the legend.
    pub(super) fn line(name: &'static str, color: RGBColor, points: Vec<(f64, f64)>) -> Self {
        Self {
            name,
            color,
            points,
            kind: Kind::Line { width: 2 },
        }
    }

    /// The same curve as a hairline.
    pub(super) fn thin(mut self) -> Self {
        self.kind = Kind::Line { width: 1 };
        self
    }

    /// Dots, the more transparent the more there are.
    pub(super) fn dots(color: RGBColor, points: Vec<(f64, f64)>) -> Self {
        Self {
            name: "",
            color,
            points,
            kind: Kind::Dots,
        }
    }

    /// One of the dots.
    fn dot(&self, at: (f64, f64)) -> Circle<(f64, f64), i32> {
        let count = self.points.len();
        let radius = if count < 3000 { 4 } else { 2 };
        Circle::new(at, radius, self.color.mix(opacity(count)).filled())
    }
}

/// The values of all series along an axis (0: x, 1: y).
pub(super) fn all(series: &[Series], axis: usize) -> impl Iterator<Item = f64> + '_ {
    let points = series.iter().flat_map(|series| &series.points);
    points.map(move |(x, y)| if axis == 0 { *x } else { *y })
}

/// One pair of axes with what is drawn in it.
#[derive(Clone, Debug)]
pub(super) struct Panel {
    x: Axis,
    y: Axis,
    series: Vec<Series>,
    /// Lines of text in the upper left corner.
    pub(super) notes: Vec<String>,
}

impl Panel {
    /// A panel without notes.
    pub(super) fn new(x: Axis, y: Axis, series: Vec<Series>) -> Self {
        Self {
            x,
            y,
            series,
            notes: Vec::new(),
        }
    }

    /// Draws the panel into an area.
    pub(super) fn draw(&self, area: &Area<'_>) -> Drawn {
        let (x, y) = (&self.x, &self.y);
        let has_legend = self.series.iter().any(|series| !series.name.is_empty());
        let mut chart = ChartBuilder::on(area)
            .margin(14)
            .margin_right(30)
            .margin_top(if has_legend { 50 } else { 14 })
            .x_label_area_size(66)
            .y_label_area_size(LEFT - 14)
            .build_cartesian_2d(x.clone(), y.clone())?;
        chart
            .configure_mesh()
            .x_desc(x.label)
            .y_desc(y.label)
            .x_label_formatter(&|tick| x.format(*tick))
            .y_label_formatter(&|tick| y.format(*tick))
            .y_label_offset(4)
            .bold_line_style(GRID)
            .light_line_style(WHITE)
            .axis_style(BLACK)
            .label_style(font(23.0))
            .axis_desc_style(font(27.0))
            .draw()?;
        for series in &self.series {
            let points = series
                .points
                .iter()
                .map(|point| (x.coordinate(point.0), y.coordinate(point.1)));
            match series.kind {
                Kind::Dots => chart.draw_series(points.map(|point| series.dot(point)))?,
                Kind::Line { width } => {
                    let style = ShapeStyle::from(series.color).stroke_width(width);
                    chart.draw_series(LineSeries::new(points.clone(), style))?;
                    // A short curve shows its points; a single one would be invisible without.
                    let marks = points.filter(|_| series.points.len() <= 30 && width > 1);
                    chart.draw_series(marks.map(|point| Circle::new(point, 4, style.filled())))?
                }
            };
        }
        self.draw_legend(area)?;
        self.draw_notes(&chart.plotting_area().strip_coord_spec())
    }

    /// Draws the names of the curves in a row above the axes, where they hide nothing.
    fn draw_legend(&self, area: &Area<'_>) -> Drawn {
        let mut left = LEFT as i32 + 6;
        for series in self.series.iter().filter(|series| !series.name.is_empty()) {
            let style = ShapeStyle::from(series.color).stroke_width(4);
            area.draw(&PathElement::new([(left, 21), (left + 36, 21)], style))?;
            let style = font(25.0);
            area.draw(&Text::new(series.name, (left + 46, 14), style.clone()))?;
            left += 46 + area.estimate_text_size(series.name, &style)?.0 as i32 + 40;
        }
        Ok(())
    }

    /// Draws the notes on a white ground into the upper left corner.
    fn draw_notes(&self, inside: &Area<'_>) -> Drawn {
        let style = font(26.0);
        for (line, note) in self.notes.iter().enumerate() {
            let (left, top) = (20, 14 + 34 * line as i32);
            let width = inside.estimate_text_size(note, &style)?.0 as i32;
            let ground = [(left - 6, top - 2), (left + width + 8, top + 32)];
            inside.draw(&Rectangle::new(ground, WHITE.mix(0.85).filled()))?;
            inside.draw(&Text::new(note.as_str(), (left, top), style.clone()))?;
        }
        Ok(())
    }
}

/// How opaque one of `count` dots is.
fn opacity(count: usize) -> f64 {
    (600.0 / count as f64).sqrt().clamp(0.1, 0.6)
}

/// The font in a size in pixels.
fn font(size: f64) -> TextStyle<'static> {
    (FONT, size).into_font().into()
}
