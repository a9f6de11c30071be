//! Fused tensor products of 1000 items, F = 32, f32: product, first derivatives and second derivatives along tangents,
//! with both parities and with proper tensors only.
//!
//! `cargo bench -p e3x-kernels --bench fused`

#[path = "common/fused.rs"]
mod case;

use case::{Case, FEATURES, GRADIENTS, ITEMS};
use divan::Bencher;
use e3x_kernels::fused::{self, Slot};

fn main() {
    e3x_kernels::process::keep_freed_memory();
    divan::main();
}

#[divan::bench(args = 1..=6, consts = [1, 2])]
fn product<const PARITY: usize>(bencher: Bencher, max_degree: usize) {
    let case = Case::new(PARITY, max_degree);
    bencher.bench(|| fused::form(&case.plan, Slot::Product, ITEMS, FEATURES, case.args()));
}

#[divan::bench(args = 1..=6, consts = [1, 2])]
fn gradients<const PARITY: usize>(bencher: Bencher, max_degree: usize) {
    let case = Case::new(PARITY, max_degree);
    bencher.bench(|| fused::gradients(&case.plan, ITEMS, FEATURES, GRADIENTS, case.args()));
}

#[divan::bench(args = 1..=6, consts = [1, 2])]
fn second<const PARITY: usize>(bencher: Bencher, max_degree: usize) {
    let case = Case::new(PARITY, max_degree);
    let mut tangents = case.args().map(Some);
    tangents[Slot::Product as usize] = None;
    bencher.bench(|| {
        fused::second(
            &case.plan,
            ITEMS,
            FEATURES,
            [true; 6],
            case.args(),
            tangents,
        )
    });
}
