//! Dense layers, f32, both parities: values and both derivatives, for `(max_degree, items, features)`.
//!
//! `cargo bench -p e3x-kernels --bench dense`

use divan::Bencher;
use e3x_kernels::dense::{DensePlan, Slot, form};

type Size = (usize, usize, usize);

/// Many items, a small molecule, and many features.
const SIZES: [Size; 6] = [
    (1, 1000, 32),
    (2, 1000, 32),
    (6, 1000, 32),
    (2, 9, 32),
    (2, 100, 128),
    (2, 100, 500),
];

fn main() {
    e3x_kernels::process::keep_freed_memory();
    divan::main();
}

fn numbers(n: usize, seed: f32) -> Vec<f32> {
    (0..n).map(|i| (seed + 1.7 * i as f32).sin()).collect()
}

fn bench(bencher: Bencher, slot: Slot, (max_degree, items, features): Size) {
    let plan = DensePlan {
        parity: 2,
        max_degree,
        in_features: features,
        out_features: features,
    };
    let args = slot.others().map(|other| {
        let len = other.shape(&plan, items).iter().product();
        numbers(len, other as usize as f32)
    });
    bencher.bench(|| form(&plan, slot, items, [&args[0], &args[1]]).unwrap());
}

#[divan::bench(args = SIZES)]
fn values(bencher: Bencher, size: Size) {
    bench(bencher, Slot::Output, size);
}

#[divan::bench(args = SIZES)]
fn gradients_of_input(bencher: Bencher, size: Size) {
    bench(bencher, Slot::Input, size);
}

#[divan::bench(args = SIZES)]
fn gradients_of_weight(bencher: Bencher, size: Size) {
    bench(bencher, Slot::Weight, size);
}
