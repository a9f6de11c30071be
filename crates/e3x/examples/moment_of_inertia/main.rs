//! Regression of a tensor: the moment of inertia of point masses.
//!
//!     cargo run --release -p e3x --example moment_of_inertia
//!
//! E3x's tutorial of the same name (`moment_of_inertia.ipynb` of google-research/e3x). A network
//! learns
//!
//!     I = sum over points of m (|r|^2 1 - r r^T)
//!
//! from examples. It is equivariant: rotate the points, and the predicted matrix rotates with them,
//! whether or not the prediction is good.

#[path = "../common/chart.rs"]
mod chart;
mod model;

use std::path::PathBuf;

use candle_core::{D, DType, Device, Tensor};
use chart::{BLUE, Line, ORANGE, Result};
use clap::Parser;
use e3x::autograd::{self, CreateGraph};
use e3x::nn::Parameters;
use e3x::optim::{Adam, AdamConfig};
use e3x::so3;
use indicatif::{ProgressBar, ProgressStyle};
use model::Model;
use rand::Rng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use rand_distr::StandardNormal;

const LEARNING_RATE: f64 = 0.002;
const BATCH: usize = 32;
/// Point masses in each example.
const POINTS: usize = 10;

/// Learns moments of inertia and checks that predictions rotate with the points.
#[derive(Debug, Parser)]
struct Options {
    /// Passes over the training examples.
    #[arg(long, default_value_t = 100)]
    epochs: usize,
    /// Number of training examples.
    #[arg(long, default_value_t = 1000)]
    train: usize,
    /// Seed of everything that is random.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// The picture of the losses.
    #[arg(long, default_value = "out/moment_of_inertia.png")]
    out: PathBuf,
}

/// Masses `(B, N)`, positions `(B, N, 3)` and moments of inertia `(B, 3, 3)`.
struct Data {
    masses: Tensor,
    positions: Tensor,
    inertia: Tensor,
}

impl Data {
    /// Masses between 0 and 1 at normally distributed positions.
    fn new(number: usize, rng: &mut ChaCha8Rng) -> Result<Self> {
        let count = number * POINTS;
        let masses: Vec<f32> = (0..count).map(|_| rng.random()).collect();
        let positions: Vec<f32> = (0..3 * count).map(|_| rng.sample(StandardNormal)).collect();
        let masses = Tensor::from_vec(masses, (number, POINTS), &Device::Cpu)?;
        let positions = Tensor::from_vec(positions, (number, POINTS, 3), &Device::Cpu)?;
        let inertia = moment_of_inertia(&masses, &positions)?;
        Ok(Self {
            masses,
            positions,
            inertia,
        })
    }

    fn select(&self, indices: &[u32]) -> Result<Self> {
        let indices = Tensor::new(indices, &Device::Cpu)?;
        Ok(Self {
            masses: self.masses.index_select(&indices, 0)?,
            positions: self.positions.index_select(&indices, 0)?,
            inertia: self.inertia.index_select(&indices, 0)?,
        })
    }

    fn loss(&self, model: &Model) -> Result<Tensor> {
        let prediction = model.forward(&self.masses, &self.positions)?;
        // Half the mean squared error, as `optax.l2_loss` in the tutorial.
        Ok(((prediction - &self.inertia)?.sqr()?.mean_all()? * 0.5)?)
    }
}

/// The right answer.
fn moment_of_inertia(masses: &Tensor, positions: &Tensor) -> Result<Tensor> {
    let r = positions.unsqueeze(D::Minus1)?; // (B, N, 3, 1)
    let outer = r.broadcast_mul(&positions.unsqueeze(2)?)?; // (B, N, 3, 3)
    let squares = positions
        .sqr()?
        .sum_keepdim(D::Minus1)?
        .unsqueeze(D::Minus1)?;
    let unit = Tensor::eye(3, positions.dtype(), positions.device())?;
    let difference = squares.broadcast_mul(&unit)?.sub(&outer)?;
    let masses = masses.unsqueeze(D::Minus1)?.unsqueeze(D::Minus1)?;
    Ok(difference.broadcast_mul(&masses)?.sum(1)?)
}

fn main() -> Result<()> {
    let options = Options::parse();
    let mut rng = ChaCha8Rng::seed_from_u64(options.seed);
    let train_data = Data::new(options.train, &mut rng)?;
    let valid_data = Data::new(100, &mut rng)?;
    let parameters = Parameters::seeded(options.seed);
    let model = Model::new(parameters.builder(DType::F32, &Device::Cpu))?;
    println!("{}\n", model.summary);

    let losses = train(
        &model,
        &parameters,
        [&train_data, &valid_data],
        &options,
        &mut rng,
    )?;
    println!(
        "validation loss {:.2e}\n",
        losses[1].last().unwrap_or(&f64::NAN)
    );
    draw(&options, &losses)?;
    check_equivariance(&model, &valid_data, &mut rng)?;
    println!("drawn: {}", options.out.display());
    Ok(())
}

/// Trains with Adam; the losses of training and validation after each epoch.
fn train(
    model: &Model,
    parameters: &Parameters,
    [train, valid]: [&Data; 2],
    options: &Options,
    rng: &mut ChaCha8Rng,
) -> Result<[Vec<f64>; 2]> {
    let mut adam = Adam::new(parameters, AdamConfig::default())?;
    let variables: Vec<Tensor> = adam.variables().cloned().collect();
    let variables: Vec<&Tensor> = variables.iter().collect();
    let mut order: Vec<u32> = (0..options.train as u32).collect();
    let bar = ProgressBar::new(options.epochs as u64);
    bar.set_style(ProgressStyle::with_template(
        "{bar:30} epoch {pos}/{len} {msg}",
    )?);
    let mut losses = [Vec::new(), Vec::new()];
    for _ in 0..options.epochs {
        order.shuffle(rng);
        let mut total = 0.0;
        for batch in order.chunks_exact(BATCH) {
            let loss = train.select(batch)?.loss(model)?;
            let gradients = autograd::grad(&loss, &variables, CreateGraph::No)?;
            adam.step(&gradients, LEARNING_RATE)?;
            total += f64::from(loss.to_scalar::<f32>()?);
        }
        losses[0].push(total / (order.len() / BATCH) as f64);
        losses[1].push(f64::from(valid.loss(model)?.to_scalar::<f32>()?));
        let [train, valid] = losses.each_ref().map(|x| x.last().unwrap_or(&f64::NAN));
        bar.set_message(format!("loss {train:.1e} (validation {valid:.1e})"));
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(losses)
}

/// Rotates the points of the first validation example.
fn check_equivariance(model: &Model, valid: &Data, rng: &mut ChaCha8Rng) -> Result<()> {
    let one = valid.select(&[0])?;
    let rotation = so3::random_rotation(rng, 1.0, DType::F32, &Device::Cpu)?;
    let turn = |matrix: &Tensor| rotation.t()?.matmul(&matrix.squeeze(0)?)?.matmul(&rotation);
    let prediction = model.forward(&one.masses, &one.positions)?;
    let rotated = one.positions.broadcast_matmul(&rotation)?;
    let after = model.forward(&one.masses, &rotated)?.squeeze(0)?;
    let truth = moment_of_inertia(&one.masses, &rotated)?.squeeze(0)?;

    print_matrix("target", &one.inertia.squeeze(0)?)?;
    print_matrix("prediction", &prediction.squeeze(0)?)?;
    print_matrix("target of the rotated points", &truth)?;
    print_matrix("prediction for the rotated points", &after)?;
    let largest = |x: &Tensor| x.abs()?.max_all()?.to_scalar::<f32>();
    println!(
        "largest error before and after the rotation: {:.4}, {:.4}",
        largest(&(&prediction - &one.inertia)?)?,
        largest(&(&after - &truth)?)?,
    );
    println!(
        "rotated prediction - prediction for rotated points: {:.1e}",
        largest(&(turn(&prediction)? - &after)?)?
    );
    Ok(())
}

fn print_matrix(name: &str, matrix: &Tensor) -> Result<()> {
    println!("{name}");
    for row in matrix.to_vec2::<f32>()? {
        println!("  {:8.4} {:8.4} {:8.4}", row[0], row[1], row[2]);
    }
    Ok(())
}

/// Draws the decimal logarithms of the losses.
fn draw(options: &Options, losses: &[Vec<f64>; 2]) -> Result<()> {
    let points = |losses: &[f64]| {
        let logarithm = |(i, x): (usize, &f64)| ((i + 1) as f64, x.log10());
        losses.iter().enumerate().map(logarithm).collect::<Vec<_>>()
    };
    let lines = [("training", BLUE, 0), ("validation", ORANGE, 1)];
    let lines = lines.map(|(name, color, i)| Line {
        name,
        color,
        points: points(&losses[i]),
    });
    let all = lines
        .iter()
        .flat_map(|line| line.points.iter().map(|p| p.1));
    let (low, high) = all.fold((0.0, 0.0), |(low, high), y| (y.min(low), y.max(high)));
    chart::lines(
        &options.out,
        ["epoch", "decimal logarithm of the loss"],
        [
            1.0..(options.epochs.max(2) as f64),
            (low - 0.2)..(high + 0.2),
        ],
        &lines,
    )
}
