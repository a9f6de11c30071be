//! Dense layers of 1000 items, F = 32, f32, both parities: values and both derivatives.
//!
//! `cargo bench -p e3x-kernels --bench dense`

use divan::Bencher;
use e3x_kernels::dense::{DensePlan, Slot, form};

const ITEMS: usize = 1000;

fn main() {
    divan::main();
}

fn numbers(n: usize, seed: f32) -> Vec<f32> {
    (0..n).map(|i| (seed + 1.7 * i as f32).sin()).collect()
}

fn bench(bencher: Bencher, slot: Slot, max_degree: usize) {
    let plan = DensePlan {
        parity: 2,
        max_degree,
        in_features: 32,
        out_features: 32,
    };
    let args = slot.others().map(|other| {
        let len = other.shape(&plan, ITEMS).iter().product();
        numbers(len, other as usize as f32)
    });
    bencher.bench(|| form(&plan, slot, ITEMS, [&args[0], &args[1]]).unwrap());
}

#[divan::bench(args = [1, 2, 4, 6])]
fn values(bencher: Bencher, max_degree: usize) {
    bench(bencher, Slot::Output, max_degree);
}

#[divan::bench(args = [1, 2, 4, 6])]
fn gradients_of_input(bencher: Bencher, max_degree: usize) {
    bench(bencher, Slot::Input, max_degree);
}

#[divan::bench(args = [1, 2, 4, 6])]
fn gradients_of_weight(bencher: Bencher, max_degree: usize) {
    bench(bencher, Slot::Weight, max_degree);
}
