//! Draws the real spherical harmonics of degrees 0 to 3.
//!
//! ```text
//! cargo run --release -p e3x-so3 --example harmonics -- docs/images/spherical_harmonics.png
//! ```
//!
//! A second argument is the width in pixels. `doc/harmonics.md`, the picture in the documentation of the crate, is
//! `![...](data:image/png;base64,...)` with the output of `base64 -w0` for a width of 560.
//!
//! Every harmonic `Y(l, m)` is the surface with the distance `|Y(l, m)|` from its centre in every direction, blue where
//! the harmonic is positive and red where it is negative. Rows are the degrees `l`, columns the orders `m`. All have the
//! same scale (orthonormal harmonics).

use std::error::Error;

use e3x_so3::{Normalization, Order, SphericalHarmonics, num_harmonics};
use plotters::coord::Shift;
use plotters::prelude::{
    BitMapBackend, Color, DrawingArea, IntoDrawingArea, IntoFont, PathElement, RGBColor, Text,
    TextStyle,
};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{FontStyle, WHITE, register_font};

const MAX_DEGREE: usize = 3;
/// Samples of every pixel along each axis.
const SAMPLES: usize = 3;
/// What is seen of each harmonic, from the centre; the largest value is 0.75.
const HALF_WIDTH: f64 = 0.72;
/// Divisions of the polar angle; twice as many of the azimuth.
const DIVISIONS: usize = 240;
const FONT: &str = "ubuntu-light";
const INK: RGBColor = RGBColor(70, 70, 80);

type Vector = [f64; 3];

fn dot(a: Vector, b: Vector) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

fn unit(a: Vector) -> Vector {
    let norm = dot(a, a).sqrt().max(f64::MIN_POSITIVE);
    a.map(|x| x / norm)
}

/// An orthographic camera: what is to the right, up, and towards it.
struct Camera {
    axes: [Vector; 3],
}

impl Camera {
    /// Looks at the centre from a direction, with z upwards.
    fn new(elevation: f64, azimuth: f64) -> Self {
        let ((se, ce), (sa, ca)) = (elevation.sin_cos(), azimuth.sin_cos());
        Self {
            axes: [
                [-sa, ca, 0.0],
                [-se * ca, -se * sa, ce],
                [ce * ca, ce * sa, se],
            ],
        }
    }

    fn project(&self, r: Vector) -> Vector {
        self.axes.map(|axis| dot(axis, r))
    }
}

/// A point of a surface as the camera sees it.
#[derive(Clone, Copy)]
struct Vertex {
    place: Vector,
    normal: Vector,
    value: f64,
}

/// Vertices over the directions of the sphere, row by row in the polar angle.
fn surface(harmonics: &SphericalHarmonics<f64>, index: usize, camera: &Camera) -> Vec<Vertex> {
    let num = harmonics.num_harmonics();
    let (mut values, mut gradients) = (vec![0.0; num], vec![0.0; 3 * num]);
    let mut vertices = Vec::with_capacity((DIVISIONS + 1) * (2 * DIVISIONS + 1));
    for i in 0..=DIVISIONS {
        let (sin_polar, cos_polar) = (std::f64::consts::PI * i as f64 / DIVISIONS as f64).sin_cos();
        for j in 0..=2 * DIVISIONS {
            let (sin, cos) = (std::f64::consts::PI * j as f64 / DIVISIONS as f64).sin_cos();
            let direction = [sin_polar * cos, sin_polar * sin, cos_polar];
            harmonics
                .values_and_gradients(&direction, &mut values, &mut gradients)
                .expect("the lengths fit");
            let (value, gradient) = (values[index], &gradients[3 * index..3 * index + 3]);
            // The gradient of |r| - |Y(r / |r|)|, times |Y|.
            let normal =
                std::array::from_fn(|k| value.abs() * direction[k] - value.signum() * gradient[k]);
            vertices.push(Vertex {
                place: camera.project(direction.map(|x| x * value.abs())),
                normal: unit(camera.project(normal)),
                value,
            });
        }
    }
    vertices
}

/// Light from the upper left, on a surface that looks into a direction.
fn shade(normal: Vector, value: f64) -> Vector {
    let base = if value >= 0.0 {
        [0.13, 0.42, 0.78]
    } else {
        [0.83, 0.22, 0.24]
    };
    let light = unit([-0.45, 0.75, 0.8]);
    let halfway = unit([light[0], light[1], light[2] + 1.0]);
    let diffuse = dot(normal, light).max(0.0);
    // Some light from everywhere, more from above.
    let ambient = 0.34 + 0.12 * normal[1];
    let highlight = 0.38 * dot(normal, halfway).max(0.0).powi(40);
    base.map(|c| (c * (ambient + 0.78 * diffuse) + highlight).clamp(0.0, 1.0))
}

/// A square picture with the depth of what is drawn.
struct Canvas {
    size: usize,
    depth: Vec<f64>,
    color: Vec<Vector>,
}

impl Canvas {
    fn new(size: usize) -> Self {
        Self {
            size,
            depth: vec![f64::NEG_INFINITY; size * size],
            color: vec![[1.0; 3]; size * size],
        }
    }

    fn draw(&mut self, vertices: &[Vertex]) {
        let stride = 2 * DIVISIONS + 1;
        for i in 0..DIVISIONS {
            for j in 0..2 * DIVISIONS {
                let corner = |di: usize, dj: usize| vertices[(i + di) * stride + j + dj];
                self.triangle([corner(0, 0), corner(1, 0), corner(1, 1)]);
                self.triangle([corner(0, 0), corner(1, 1), corner(0, 1)]);
            }
        }
    }

    fn triangle(&mut self, corners: [Vertex; 3]) {
        let scale = 0.5 * self.size as f64 / HALF_WIDTH;
        let center = 0.5 * self.size as f64;
        let [a, b, c] = corners.map(|v| [center + scale * v.place[0], center - scale * v.place[1]]);
        let area = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]);
        if area.abs() < 1e-12 {
            return;
        }
        let range = |axis: usize| {
            let low = a[axis].min(b[axis]).min(c[axis]);
            let high = a[axis].max(b[axis]).max(c[axis]);
            let last = self.size as f64 - 1.0;
            (low - 0.5).ceil().clamp(0.0, last) as usize
                ..=(high - 0.5).floor().clamp(0.0, last) as usize
        };
        for y in range(1) {
            for x in range(0) {
                let (px, py) = (x as f64 + 0.5, y as f64 + 0.5);
                let v = ((px - a[0]) * (c[1] - a[1]) - (py - a[1]) * (c[0] - a[0])) / area;
                let w = ((b[0] - a[0]) * (py - a[1]) - (b[1] - a[1]) * (px - a[0])) / area;
                let weights = [1.0 - v - w, v, w];
                if weights.iter().any(|&weight| weight < -1e-9) {
                    continue;
                }
                let mix = |part: &dyn Fn(&Vertex) -> f64| -> f64 {
                    corners
                        .iter()
                        .zip(weights)
                        .map(|(corner, w)| w * part(corner))
                        .sum()
                };
                let depth = mix(&|v| v.place[2]);
                let pixel = y * self.size + x;
                if depth > self.depth[pixel] {
                    self.depth[pixel] = depth;
                    let normal = unit(std::array::from_fn(|k| mix(&|v| v.normal[k])));
                    // Seen from behind where lobes meet.
                    let normal = if normal[2] < 0.0 {
                        normal.map(|x| -x)
                    } else {
                        normal
                    };
                    self.color[pixel] = shade(normal, mix(&|v| v.value));
                }
            }
        }
    }

    /// The mean colour of the samples of a pixel.
    fn pixel(&self, x: usize, y: usize) -> RGBColor {
        let mut sum = [0.0; 3];
        for i in 0..SAMPLES * SAMPLES {
            let (dx, dy) = (i % SAMPLES, i / SAMPLES);
            let color = self.color[(y * SAMPLES + dy) * self.size + x * SAMPLES + dx];
            sum = std::array::from_fn(|k| sum[k] + color[k]);
        }
        let [r, g, b] = sum.map(|c| (255.0 * c / (SAMPLES * SAMPLES) as f64).round() as u8);
        RGBColor(r, g, b)
    }
}

type Area<'a> = DrawingArea<BitMapBackend<'a>, Shift>;
type Drawn = Result<(), Box<dyn Error>>;

/// Where things are, in pixels.
struct Layout {
    /// The column of labels on the left.
    margin: usize,
    /// The square for one harmonic.
    cell: usize,
}

impl Layout {
    const COLUMNS: usize = 2 * MAX_DEGREE + 1;

    fn new(width: usize) -> Self {
        let margin = width / 14;
        let cell = (width - margin) / Self::COLUMNS;
        Self { margin, cell }
    }

    fn height(&self) -> usize {
        self.cell * (MAX_DEGREE + 1) + self.margin * 2 / 3
    }

    fn text(&self) -> TextStyle<'static> {
        TextStyle::from((FONT, self.margin as f64 * 0.36).into_font())
            .color(&INK)
            .pos(Pos::new(HPos::Center, VPos::Center))
    }

    fn draw_harmonics(&self, area: &Area<'_>, camera: &Camera) -> Drawn {
        let normalization = Normalization::Orthonormal;
        let harmonics = SphericalHarmonics::new(MAX_DEGREE, false, normalization, false)?;
        for index in 0..num_harmonics(MAX_DEGREE) {
            let l = index.isqrt();
            let column = (MAX_DEGREE as isize + Order::Standard.m(l, index - l * l)) as usize;
            let mut canvas = Canvas::new(self.cell * SAMPLES);
            canvas.draw(&surface(&harmonics, index, camera));
            let (left, top) = (self.margin + column * self.cell, l * self.cell);
            for y in 0..self.cell {
                for x in 0..self.cell {
                    let place = ((left + x) as i32, (top + y) as i32);
                    area.draw_pixel(place, &canvas.pixel(x, y))?;
                }
            }
        }
        Ok(())
    }

    fn draw_labels(&self, area: &Area<'_>) -> Drawn {
        for l in 0..=MAX_DEGREE {
            let place = (self.margin * 3 / 4, l * self.cell + self.cell / 2);
            let place = (place.0 as i32, place.1 as i32);
            area.draw(&Text::new(format!("l = {l}"), place, self.text()))?;
        }
        for column in 0..Self::COLUMNS {
            let label = format!("m = {}", column as isize - MAX_DEGREE as isize);
            let x = self.margin + column * self.cell + self.cell / 2;
            let y = (MAX_DEGREE + 1) * self.cell + self.margin / 4;
            let place = (x as i32, y as i32);
            area.draw(&Text::new(label.replace('-', "−"), place, self.text()))?;
        }
        Ok(())
    }

    /// The coordinate axes, in the upper right corner.
    fn draw_axes(&self, area: &Area<'_>, camera: &Camera) -> Drawn {
        let x = self.margin + self.cell * (Self::COLUMNS - 1) - self.cell / 5;
        let y = self.cell * 3 / 5;
        for (k, name) in ["x", "y", "z"].into_iter().enumerate() {
            let axis = std::array::from_fn(|i| if i == k { self.cell as f64 } else { 0.0 });
            let [right, up, _] = camera.project(axis);
            let at = |length: f64| {
                let place = [x as f64 + length * right, y as f64 - length * up];
                (place[0].round() as i32, place[1].round() as i32)
            };
            let line = PathElement::new([at(0.0), at(0.28)], INK.stroke_width(2));
            area.draw(&line)?;
            area.draw(&Text::new(name, at(0.4), self.text()))?;
        }
        Ok(())
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments
        .next()
        .unwrap_or_else(|| "spherical_harmonics.png".into());
    let width: usize = arguments.next().map_or(Ok(1120), |text| text.parse())?;
    if !(64..=10_000).contains(&width) {
        return Err("the width must be between 64 and 10000 pixels".into());
    }
    register_font(FONT, FontStyle::Normal, epaint_default_fonts::UBUNTU_LIGHT)
        .map_err(|_| "the built-in font cannot be read")?;
    let layout = Layout::new(width);
    let size = (width as u32, layout.height() as u32);
    let area = BitMapBackend::new(&path, size).into_drawing_area();
    area.fill(&WHITE)?;
    let camera = Camera::new(0.42, 0.6);
    layout.draw_harmonics(&area, &camera)?;
    layout.draw_labels(&area)?;
    layout.draw_axes(&area, &camera)?;
    area.present()?;
    println!("{path}: {} x {} pixels", size.0, size.1);
    Ok(())
}
