//! Message passing of 80 nodes with 9 neighbours each, F = 32, f32, both parities: messages, the
//! gradients that forces need, and the second derivatives that training on forces needs.
//!
//! `cargo bench -p e3x-kernels --bench message`

#[path = "common/messages.rs"]
mod case;

use case::{Case, FEATURES, numbers};
use divan::Bencher;
use e3x_kernels::{aligned, message};

fn main() {
    e3x_kernels::process::keep_freed_memory();
    divan::main();
}

/// Without frames, for comparison.
#[divan::bench(args = 1..=4)]
fn plain_messages(bencher: Bencher, max_degree: usize) {
    let case = Case::new(max_degree);
    let angular = numbers(case.edges.len() * (max_degree + 1).pow(2), 0.1);
    let args = [&case.args[0][..], &case.args[1], &case.args[2], &angular];
    let slot = message::Slot::Output;
    bencher.bench(|| message::form(&case.plan, &case.edges, slot, FEATURES, args).unwrap());
}

#[divan::bench(args = 1..=6)]
fn messages(bencher: Bencher, max_degree: usize) {
    let case = Case::new(max_degree);
    bencher.bench(|| case.gradients([false, false, false, false, false, true]));
}

#[divan::bench(args = 1..=6)]
fn gradients_for_forces(bencher: Bencher, max_degree: usize) {
    let case = Case::new(max_degree);
    bencher.bench(|| case.gradients([true, true, false, true, true, false]));
}

#[divan::bench(args = 1..=6)]
fn gradients_for_parameters(bencher: Bencher, max_degree: usize) {
    let case = Case::new(max_degree);
    bencher.bench(|| case.gradients([true, true, true, false, false, false]));
}

#[divan::bench(args = 1..=6)]
fn second_derivatives(bencher: Bencher, max_degree: usize) {
    let case = Case::new(max_degree);
    let args = case.args();
    let tangents = std::array::from_fn(|i| [0, 1, 3, 4].contains(&i).then_some(args[i]));
    let wanted = [true, true, true, false, false, true];
    let (plan, edges) = (&case.aligned, &case.edges);
    bencher.bench(|| aligned::second(plan, edges, FEATURES, wanted, args, tangents).unwrap());
}
