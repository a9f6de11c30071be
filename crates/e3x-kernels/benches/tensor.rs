//! Tensor products of 1000 items, F = 32, f32: product, first derivatives and second derivatives
//! along tangents, with both parities and with proper tensors only.
//!
//! `cargo bench -p e3x-kernels --bench tensor`

use divan::Bencher;
use e3x_kernels::coupling::{self, SLOTS, Slot};
use e3x_kernels::{CouplingPlan, CouplingSpec};

const ITEMS: usize = 1000;
const FEATURES: usize = 32;

fn main() {
    divan::main();
}

struct Case {
    plan: CouplingPlan,
    args: [Vec<f32>; SLOTS],
}

impl Case {
    fn new(parity: usize, max_degree: usize) -> Self {
        let side = (parity, max_degree);
        let plan = CouplingPlan::new(CouplingSpec {
            first: side,
            second: side,
            product: side,
            cartesian_order: true,
        })
        .unwrap();
        let args = Slot::ALL.map(|slot| {
            let number = |i: usize| (slot as usize as f32 + 1.7 * i as f32).sin();
            (0..slot.len(&plan, ITEMS, FEATURES)).map(number).collect()
        });
        Self { plan, args }
    }

    fn args(&self) -> [&[f32]; SLOTS] {
        self.args.each_ref().map(Vec::as_slice)
    }
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
