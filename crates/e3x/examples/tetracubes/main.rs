//! Shape classification: which of the eight tetracubes is this?
//!
//!     cargo run --release -p e3x --example tetracubes
//!
//! E3x's tutorial of the same name (`tetracubes.ipynb` of google-research/e3x). All networks are
//! trained on shapes in one orientation and then tested on rotated ones. The equivariant network
//! does not care; an ordinary one falls to guessing. Without pseudotensors the equivariant network
//! cannot tell the left screw from the right one, which leaves 7 of 8 shapes: 87.5 %.

#[path = "../common/chart.rs"]
mod chart;
mod models;
mod shapes;

use std::path::PathBuf;

use candle_core::{D, DType, Device, Tensor};
use chart::{BLUE, GREEN, GREY, Line, ORANGE, Result};
use clap::Parser;
use e3x::autograd::{self, CreateGraph};
use e3x::nn::Parameters;
use e3x::optim::{Adam, AdamConfig};
use e3x::so3;
use indicatif::{ProgressBar, ProgressStyle};
use models::{Classifier, Equivariant, Ordinary};
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use shapes::Data;

const LEARNING_RATE: f64 = 0.005;
const BATCH: usize = 16;

/// Classifies tetracubes with an equivariant and an ordinary network and rotates them.
#[derive(Debug, Parser)]
struct Options {
    /// Passes over the training shapes.
    #[arg(long, default_value_t = 20)]
    epochs: usize,
    /// Training shapes of each kind.
    #[arg(long, default_value_t = 250)]
    copies: usize,
    /// Seed of everything that is random.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// The picture of the accuracies.
    #[arg(long, default_value = "out/tetracubes.png")]
    out: PathBuf,
}

fn main() -> Result<()> {
    let options = Options::parse();
    let mut rng = ChaCha8Rng::seed_from_u64(options.seed);
    let train_data = Data::new(options.copies, &mut rng)?;
    let test_data = Data::new(100, &mut rng)?;
    println!(
        "{} training and {} test shapes: {}\n",
        train_data.labels.elem_count(),
        test_data.labels.elem_count(),
        shapes::NAMES.join(", ")
    );

    // Every network has parameters of its own.
    let parameters = [0, 1, 2].map(|i| Parameters::seeded(options.seed + i));
    let [vb1, vb2, vb3] = [0, 1, 2].map(|i| parameters[i].builder(DType::F32, &Device::Cpu));
    let equivariant = Equivariant::new(true, vb1)?;
    let without = Equivariant::new(false, vb2)?;
    let ordinary = Ordinary::new(vb3)?;
    let networks: [(&str, _, &dyn Classifier); 3] = [
        ("equivariant", BLUE, &equivariant),
        ("equivariant, no pseudotensors", GREEN, &without),
        ("ordinary", ORANGE, &ordinary),
    ];

    for ((name, _, network), parameters) in networks.iter().zip(&parameters) {
        println!("{name} network\n{}\n", network.summary());
        train(
            name,
            *network,
            parameters,
            &train_data,
            options.epochs,
            &mut rng,
        )?;
    }

    // A perturbation of 0 rotates nothing, a perturbation of 1 rotates arbitrarily.
    println!("accuracy on rotated test shapes");
    let mut lines = networks.map(|(name, color, _)| Line {
        name,
        color,
        points: Vec::new(),
    });
    let number = test_data.labels.elem_count();
    for step in 0..=10 {
        let perturbation = f64::from(step) / 10.0;
        let rotations =
            so3::random_rotations(&mut rng, perturbation, number, DType::F32, &Device::Cpu)?;
        let rotated = test_data.rotated(&rotations)?;
        print!("perturbation {perturbation:.1}");
        for ((name, _, network), line) in networks.iter().zip(&mut lines) {
            let percent = 100.0 * accuracy(&network.logits(&rotated.shapes)?, &rotated.labels)?;
            line.points.push((perturbation, percent));
            print!("   {name}: {percent:5.1} %");
        }
        println!();
    }
    let mut lines = Vec::from(lines);
    lines.push(Line {
        name: "guessing",
        color: GREY,
        points: vec![(0.0, 12.5), (1.0, 12.5)],
    });
    chart::lines(
        &options.out,
        ["rotational perturbation", "accuracy (%)"],
        [0.0..1.0, 0.0..105.0],
        &lines,
    )?;
    println!("drawn: {}", options.out.display());
    Ok(())
}

/// Trains with Adam on the cross entropy of the scores.
fn train(
    name: &str,
    network: &dyn Classifier,
    parameters: &Parameters,
    data: &Data,
    epochs: usize,
    rng: &mut ChaCha8Rng,
) -> Result<()> {
    let mut adam = Adam::new(parameters, AdamConfig::default())?;
    let variables: Vec<Tensor> = adam.variables().cloned().collect();
    let variables: Vec<&Tensor> = variables.iter().collect();
    let mut order: Vec<u32> = (0..data.labels.elem_count() as u32).collect();
    let bar = ProgressBar::new((epochs * (order.len() / BATCH)) as u64);
    bar.set_style(ProgressStyle::with_template("{bar:30} {pos}/{len} {msg}")?);
    for epoch in 1..=epochs {
        order.shuffle(rng);
        let mut total = 0.0;
        for batch in order.chunks_exact(BATCH) {
            let batch = data.select(&Tensor::new(batch, &Device::Cpu)?)?;
            let logits = network.logits(&batch.shapes)?;
            let loss = candle_nn::loss::cross_entropy(&logits, &batch.labels)?;
            let gradients = autograd::grad(&loss, &variables, CreateGraph::No)?;
            adam.step(&gradients, LEARNING_RATE)?;
            total += loss.to_scalar::<f32>()?;
            bar.inc(1);
        }
        let loss = total / (order.len() / BATCH) as f32;
        let percent = 100.0 * accuracy(&network.logits(&data.shapes)?, &data.labels)?;
        bar.set_message(format!("{name}: loss {loss:.3}, accuracy {percent:.1} %"));
        if epoch == epochs {
            bar.finish_and_clear();
            println!("trained for {epochs} epochs: loss {loss:.4}, accuracy {percent:.1} %\n");
        }
    }
    Ok(())
}

/// Fraction of shapes whose highest score is that of their kind.
fn accuracy(logits: &Tensor, labels: &Tensor) -> Result<f64> {
    let hits = logits.argmax(D::Minus1)?.eq(labels)?;
    let hits = hits.to_dtype(DType::F64)?.mean_all()?;
    Ok(hits.to_scalar::<f64>()?)
}
