//! Times spherical harmonics for `bench/harmonics/compare.py`.
//!
//! Reads requests from the standard input, one a line, `TYPE QUANTITY MAX_DEGREE POINTS CALLS`, for example
//! `f32 gradients 4 10000 20`, with `f32` or `f64` and `values`, `gradients` or `hessians` (each with those before it).
//! Answers each with one line, the nanoseconds per point of every call, as a JSON array. Output arrays are reused.
//!
//! ```sh
//! echo 'f64 values 4 10000 5' | cargo run --release -p e3x-so3 --example time_harmonics
//! ```

use std::error::Error;
use std::io::{BufRead, Write, stdin, stdout};
use std::time::Instant;

use e3x_so3::{Normalization, Real, SphericalHarmonics};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

fn main() -> Result<(), Box<dyn Error>> {
    for line in stdin().lock().lines() {
        let line = line?;
        let words: Vec<_> = line.split_whitespace().collect();
        let [number, quantity, max_degree, points, calls] = words[..] else {
            return Err("expected TYPE QUANTITY MAX_DEGREE POINTS CALLS".into());
        };
        let (max_degree, points, calls) = (max_degree.parse()?, points.parse()?, calls.parse()?);
        let times = match number {
            "f32" => time::<f32>(quantity, max_degree, points, calls)?,
            _ => time::<f64>(quantity, max_degree, points, calls)?,
        };
        println!("{}", serde_json::to_string(&times)?);
        stdout().flush()?;
    }
    Ok(())
}

/// Nanoseconds per point of each call, after one that does not count.
fn time<T: Real>(
    quantity: &str,
    max_degree: usize,
    points: usize,
    calls: usize,
) -> Result<Vec<f64>, Box<dyn Error>> {
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    let r: Vec<T> = (0..3 * points)
        .map(|_| T::from_f64(rng.random_range(-1.0..1.0)))
        .collect();
    let harmonics = SphericalHarmonics::new(max_degree, true, Normalization::Racah, false)?;
    let length = points * harmonics.num_harmonics();
    let zeros = |length| vec![T::ZERO; length];
    let mut values = zeros(length);
    let (mut gradients, mut hessians) = match quantity {
        "values" => (vec![], vec![]),
        "gradients" => (zeros(3 * length), vec![]),
        _ => (zeros(3 * length), zeros(9 * length)),
    };
    let mut times = Vec::with_capacity(calls);
    for _ in 0..=calls {
        let start = Instant::now();
        match quantity {
            "values" => harmonics.values(&r, &mut values)?,
            "gradients" => harmonics.values_and_gradients(&r, &mut values, &mut gradients)?,
            _ => harmonics.values_gradients_and_hessians(
                &r,
                &mut values,
                &mut gradients,
                &mut hessians,
            )?,
        }
        times.push(start.elapsed().as_secs_f64() * 1e9 / points as f64);
    }
    times.remove(0);
    Ok(times)
}
