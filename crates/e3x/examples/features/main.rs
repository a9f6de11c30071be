//! What equivariant features look like, before and after a rotation.
//!
//!     cargo run --release -p e3x --example features
//!
//! A feature channel holds numbers x[l m] for every degree l, and these are the coefficients of a
//! function on the sphere,
//!
//!     f(u) = sum over l, m of x[l m] Y_lm(u)
//!
//! which can be drawn. The picture shows the features that a small network with random weights
//! computes for a shape, for the rotated shape, and for its mirror image: the functions of tensors
//! rotate and are mirrored with the shape; those of pseudotensors rotate too, but their mirror
//! image has the opposite sign.

#[path = "../common/chart.rs"]
mod chart;
mod surface;

use std::path::PathBuf;

use candle_core::{D, DType, Device, Tensor};
use chart::{Result, font};
use clap::Parser;
use e3x::nn::{
    self, Basic, BasisConfig, Builder, Parameters, Radial, TensorDense, TensorDenseConfig,
};
use e3x::{FeatureShape, so3};
use indicatif::ProgressBar;
use plotters::prelude::*;
use surface::{Net, draw_points};

const MAX_DEGREE: usize = 3;
const FEATURES: usize = 2;
/// Size of each small picture, and of the margins for names, in pixels.
const CELL: u32 = 250;
const MARGIN: u32 = 60;

/// Four points of a shape that differs from its mirror image.
const SHAPE: [[f64; 3]; 4] = [
    [-0.7, -0.6, 0.9],
    [-0.7, -0.2, -0.4],
    [0.4, -0.3, -0.5],
    [0.9, 1.1, -0.1],
];

/// Draws the features of a small network.
#[derive(Debug, Parser)]
struct Options {
    /// Seed of the weights.
    #[arg(long, default_value_t = 2)]
    seed: u64,
    /// Angle of the rotation around the axis that points up, in degrees.
    #[arg(long, default_value_t = 70.0)]
    angle: f64,
    /// The picture.
    #[arg(long, default_value = "out/features.png")]
    out: PathBuf,
}

/// Basis functions, averaged over the points, and coupled with each other.
struct Model {
    basis: BasisConfig,
    couple: TensorDense,
}

impl Model {
    fn new(seed: u64) -> Result<Self> {
        let parameters = Parameters::seeded(seed);
        let mut model = Builder::new(parameters.builder(DType::F64, &Device::Cpu));
        let windows = Radial::SmoothWindow(Basic { limit: 2.0 });
        let shape = FeatureShape::new(1, MAX_DEGREE, FEATURES)?;
        let couple = model.tensor_dense(shape, TensorDenseConfig::default())?;
        println!("{}\n", model.summary());
        Ok(Self {
            basis: BasisConfig::new(MAX_DEGREE, FEATURES, windows),
            couple,
        })
    }

    /// Points `(N, 3)` to features `(2, 16, 2)`.
    fn features(&self, points: &Tensor) -> Result<Tensor> {
        let x = nn::basis(points, &self.basis)?.to_tensor()?.mean(0)?;
        Ok(nn::add(&[&x, &self.couple.forward(&x)?])?)
    }
}

/// The functions to draw, `((L+1)^2, 2 F)`: first those of the tensors, then of the pseudotensors.
fn functions(features: &Tensor) -> Result<Tensor> {
    // Tensors of degree l have parity (-1)^l; pseudotensors are what remains.
    let tensors = nn::change_max_degree_or_type(features, None, Some(false))?.squeeze(0)?;
    let pseudotensors = (features.sum(0)? - &tensors)?;
    Ok(Tensor::cat(&[tensors, pseudotensors], D::Minus1)?)
}

fn main() -> Result<()> {
    let options = Options::parse();
    let model = Model::new(options.seed)?;
    let shape = Tensor::new(&SHAPE, &Device::Cpu)?;
    let axis = Tensor::new(&[0.0, 0.0, 1.0], &Device::Cpu)?;
    let angle = Tensor::new(options.angle.to_radians(), &Device::Cpu)?;
    let rotation = so3::rotation(&axis, &angle)?;
    let shapes = [
        ("shape", shape.clone()),
        ("rotated", shape.matmul(&rotation)?),
        ("mirrored", shape.neg()?),
    ];
    let features: Vec<Tensor> = shapes
        .iter()
        .map(|(_, points)| model.features(points))
        .collect::<Result<_>>()?;

    let wigner_d = so3::wigner_d(&rotation, MAX_DEGREE, true)?;
    let difference = |a: &Tensor, b: Tensor| (a - b)?.abs()?.max_all()?.to_scalar::<f64>();
    println!(
        "features of the rotated shape - rotated features: {:.1e}",
        difference(&features[1], nn::rotate(&features[0], &wigner_d)?)?
    );
    println!(
        "features of the mirrored shape - mirrored features: {:.1e}",
        difference(&features[2], nn::reflect(&features[0])?)?
    );
    draw(&options, &shapes, &features)?;
    println!("drawn: {}", options.out.display());
    Ok(())
}

/// A row for each shape: the shape itself, then its features.
fn draw(options: &Options, shapes: &[(&str, Tensor)], features: &[Tensor]) -> Result<()> {
    chart::prepare(&options.out)?;
    let columns = 1 + 2 * FEATURES;
    let size = (
        MARGIN + CELL * columns as u32,
        MARGIN + CELL * shapes.len() as u32,
    );
    let root = BitMapBackend::new(&options.out, size).into_drawing_area();
    root.fill(&WHITE)?;
    let titles = [
        "points",
        "tensors 1",
        "tensors 2",
        "pseudotensors 1",
        "pseudotensors 2",
    ];
    for (column, title) in titles.iter().enumerate() {
        let left = MARGIN + CELL * column as u32 + 40;
        root.draw(&Text::new(*title, (left as i32, 20), font(24.0)))?;
    }
    let net = Net::new(MAX_DEGREE)?;
    let mut units = vec![0.0; columns];
    let bar = ProgressBar::new((shapes.len() * columns) as u64);
    for (row, ((name, points), features)) in shapes.iter().zip(features).enumerate() {
        let top = MARGIN + CELL * row as u32;
        let turned = font(24.0).transform(FontTransform::Rotate270);
        root.draw(&Text::new(*name, (16, (top + CELL - 60) as i32), turned))?;
        let irreps = functions(features)?;
        for column in 0..columns {
            let left = MARGIN + CELL * column as u32;
            let cell = root.clone().shrink((left, top), (CELL, CELL));
            if column == 0 {
                let points: Vec<[f64; 3]> = points
                    .to_vec2::<f64>()?
                    .iter()
                    .map(|p| [p[0], p[1], p[2]])
                    .collect();
                draw_points(&cell, &points, 1.6)?;
            } else {
                let values = net.values(&irreps.narrow(1, column - 1, 1)?.squeeze(1)?)?;
                // All pictures of a column have the same scale.
                if row == 0 {
                    units[column] = values.iter().fold(0.0, |a: f64, b| a.max(b.abs()));
                }
                net.draw(&cell, &values, units[column])?;
            }
            bar.inc(1);
        }
    }
    bar.finish_and_clear();
    root.present()?;
    Ok(())
}
