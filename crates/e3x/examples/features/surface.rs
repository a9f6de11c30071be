//! Draws functions on the sphere as surfaces, and shapes as balls and sticks.

use std::f64::consts::PI;

use candle_core::{DType, Device, Tensor};
use e3x::so3::{self, SphericalHarmonicsConfig};
use plotters::coord::Shift;
use plotters::prelude::*;

use crate::chart::{BLUE, ORANGE, Result};

/// Circles of latitude and meridians of the net of points.
const LATITUDES: usize = 40;
const MERIDIANS: usize = 80;

type Area<'a> = DrawingArea<BitMapBackend<'a>, Shift>;
type Vector = [f64; 3];

/// Directions to the right, up, and to the viewer, who looks down a little.
const VIEW: [Vector; 3] = [
    [0.8, -0.6, 0.0],
    [0.24, 0.32, 0.916_515],
    [-0.549_909, -0.733_212, 0.4],
];
/// Where the light comes from, for the viewer.
const LIGHT: Vector = [0.33, 0.66, 0.67];

fn dot(a: Vector, b: Vector) -> f64 {
    a.into_iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Coordinates of a point for the viewer.
fn seen(point: Vector) -> Vector {
    VIEW.map(|direction| dot(point, direction))
}

/// The net of directions, `(points, 3)`, and the spherical harmonics there.
pub struct Net {
    directions: Vec<Vector>,
    harmonics: Tensor,
}

impl Net {
    pub fn new(max_degree: usize) -> Result<Self> {
        let mut directions = Vec::new();
        for i in 0..=LATITUDES {
            for j in 0..MERIDIANS {
                let theta = PI * i as f64 / LATITUDES as f64;
                let phi = 2.0 * PI * j as f64 / MERIDIANS as f64;
                directions.push([
                    theta.sin() * phi.cos(),
                    theta.sin() * phi.sin(),
                    theta.cos(),
                ]);
            }
        }
        let u = directions.as_flattened().to_vec();
        let u = Tensor::from_vec(u, (directions.len(), 3), &Device::Cpu)?;
        let harmonics =
            so3::spherical_harmonics(&u, max_degree, SphericalHarmonicsConfig::default())?;
        Ok(Self {
            directions,
            harmonics,
        })
    }

    /// Values of `f(u) = sum over l, m of x[l m] Y_lm(u)`; features of one channel, `((L+1)^2)`.
    pub fn values(&self, irreps: &Tensor) -> Result<Vec<f64>> {
        let irreps = irreps.to_dtype(DType::F64)?.unsqueeze(1)?.contiguous()?;
        Ok(self.harmonics.matmul(&irreps)?.flatten_all()?.to_vec1()?)
    }

    /// Draws the surface `|f(u)| u`; blue where f is positive, orange where it is negative. `unit`
    /// is the value that fills the area.
    pub fn draw(&self, area: &Area<'_>, values: &[f64], unit: f64) -> Result<()> {
        let mut faces = Vec::new();
        for i in 0..LATITUDES {
            for j in 0..MERIDIANS {
                let next = (j + 1) % MERIDIANS;
                let corners = [(i, j), (i + 1, j), (i + 1, next), (i, next)];
                let corners = corners.map(|(i, j)| i * MERIDIANS + j);
                let sum: f64 = corners.iter().map(|&k| values[k]).sum();
                let points = corners.map(|k| {
                    let radius = values[k].abs() / unit;
                    seen(self.directions[k].map(|u| radius * u))
                });
                faces.push((points, if sum >= 0.0 { BLUE } else { ORANGE }));
            }
        }
        // What is in front hides what is behind.
        let depth = |face: &([Vector; 4], RGBColor)| face.0.iter().map(|p| p[2]).sum::<f64>();
        faces.sort_by(|a, b| depth(a).total_cmp(&depth(b)));
        for (points, color) in &faces {
            let pixels = points.map(|point| pixel(area, point));
            area.draw(&Polygon::new(pixels, shaded(*color, points).filled()))?;
        }
        Ok(())
    }
}

/// Where a point is drawn: a circle of radius 1 fits into the area.
fn pixel(area: &Area<'_>, [x, y, _]: Vector) -> (i32, i32) {
    let (width, height) = area.dim_in_pixel();
    let (width, height) = (f64::from(width), f64::from(height));
    let scale = 0.46 * width.min(height);
    let round = |x: f64| x.round() as i32;
    (
        round(0.5 * width + scale * x),
        round(0.5 * height - scale * y),
    )
}

/// The colour of a face in the light.
fn shaded(color: RGBColor, [a, b, c, d]: &[Vector; 4]) -> RGBColor {
    let difference = |p: &Vector, q: &Vector| [p[0] - q[0], p[1] - q[1], p[2] - q[2]];
    let (u, v) = (difference(c, a), difference(d, b));
    let normal = [
        u[1] * v[2] - u[2] * v[1],
        u[2] * v[0] - u[0] * v[2],
        u[0] * v[1] - u[1] * v[0],
    ];
    let length = dot(normal, normal).sqrt().max(1e-300);
    // Both sides of a face shine.
    let light = (dot(normal, LIGHT) / length).abs();
    let mix = |channel: u8| (f64::from(channel) * (0.45 + 0.55 * light)) as u8;
    RGBColor(mix(color.0), mix(color.1), mix(color.2))
}

/// Draws points, each connected with the next one; `unit` is the length that fills the area.
pub fn draw_points(area: &Area<'_>, points: &[Vector], unit: f64) -> Result<()> {
    let places: Vec<Vector> = points.iter().map(|p| seen(p.map(|x| x / unit))).collect();
    let stick = ShapeStyle::from(RGBColor(150, 150, 150)).stroke_width(5);
    let ends = places.iter().map(|&p| pixel(area, p));
    area.draw(&PathElement::new(ends.collect::<Vec<_>>(), stick))?;
    let mut order: Vec<usize> = (0..places.len()).collect();
    order.sort_by(|&i, &j| places[i][2].total_cmp(&places[j][2]));
    for i in order {
        // Nearer points are larger; the first one is black.
        let radius = (11.0 + 4.0 * places[i][2]).round() as i32;
        let color = if i == 0 {
            BLACK
        } else {
            RGBColor(110, 110, 110)
        };
        area.draw(&Circle::new(pixel(area, places[i]), radius, color.filled()))?;
    }
    Ok(())
}
