//! Tensor products of 1000 items, F = 32, f32: product, first derivatives and second derivatives
//! along tangents, with both parities and with proper tensors only.
//!
//! `cargo bench -p e3x-kernels --bench tensor`

#[path = "common/products.rs"]
mod case;

use case::{Case, FEATURES, ITEMS};
use divan::Bencher;
use e3x_kernels::coupling::{self, SLOTS, Slot};

fn main() {
    e3x_kernels::process::keep_freed_memory();
    divan::main();
}

#[divan::bench(args = 1..=6, consts = [1, 2])]
fn product<const PARITY: usize>(bencher: Bencher, max_degree: usize) {
    let case = Case::new(PARITY, max_degree);
    bencher.bench(|| coupling::form(&case.plan, Slot::Product, ITEMS, FEATURES, case.args()));
}

#[divan::bench(args = 1..=6, consts = [1, 2])]
fn gradients<const PARITY: usize>(bencher: Bencher, max_degree: usize) {
    let case = Case::new(PARITY, max_degree);
    let wanted = [true, true, true, false];
    bencher.bench(|| coupling::gradients(&case.plan, ITEMS, FEATURES, wanted, case.args()));
}

#[divan::bench(args = 1..=6, consts = [1, 2])]
fn second<const PARITY: usize>(bencher: Bencher, max_degree: usize) {
    let case = Case::new(PARITY, max_degree);
    let tangents = [
        Some(&case.args[0][..]),
        Some(&case.args[1]),
        Some(&case.args[2]),
        None,
    ];
    let all = [true; SLOTS];
    bencher.bench(|| coupling::second(&case.plan, ITEMS, FEATURES, all, case.args(), tangents));
}
