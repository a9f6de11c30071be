//! Message passing of 80 nodes with 9 neighbours each, F = 32, f32, both parities: messages, the
//! gradients that forces need, and the second derivatives that training on forces needs.
//!
//! `cargo bench -p e3x-kernels --bench message`

use divan::Bencher;
use e3x_kernels::aligned::{self, AlignedPlan, Slot, frames};
use e3x_kernels::{CouplingPlan, CouplingSpec, EdgeList, message};

const NODES: u32 = 80;
const NEIGHBOURS: u32 = 9;
const FEATURES: usize = 32;

fn main() {
    divan::main();
}

fn numbers(n: usize, seed: f32) -> Vec<f32> {
    (0..n).map(|i| (seed + 1.7 * i as f32).sin()).collect()
}

struct Case {
    plan: CouplingPlan,
    aligned: AlignedPlan,
    edges: EdgeList,
    args: [Vec<f32>; 6],
}

impl Case {
    fn new(max_degree: usize) -> Self {
        let side = (2, max_degree);
        let plan = CouplingPlan::new(CouplingSpec {
            first: (1, max_degree),
            second: side,
            product: side,
            cartesian_order: true,
        })
        .unwrap();
        let aligned = AlignedPlan::new(&plan, &vec![1.0; max_degree + 1]).unwrap();
        let dst = (0..NODES).flat_map(|i| [i; NEIGHBOURS as usize]).collect();
        let near = |i: u32| (1..=NEIGHBOURS).map(move |j| (i / 10 * 10 + (i + j) % 10) % NODES);
        let src = (0..NODES).flat_map(near).collect();
        let edges = EdgeList::new(dst, src, NODES as usize, NODES as usize).unwrap();
        let frame = frames(&numbers(3 * edges.len(), 0.3), max_degree, true).unwrap();
        let args = Slot::ALL.map(|slot| match slot {
            Slot::InputFrame | Slot::OutputFrame => frame.clone(),
            _ => {
                let len = slot.shape(&aligned, &edges, FEATURES).iter().product();
                numbers(len, slot as usize as f32)
            }
        });
        Self {
            plan,
            aligned,
            edges,
            args,
        }
    }

    fn args(&self) -> [&[f32]; 6] {
        std::array::from_fn(|i| self.args[i].as_slice())
    }

    fn gradients(&self, wanted: [bool; 6]) -> Vec<Vec<f32>> {
        aligned::gradients(&self.aligned, &self.edges, FEATURES, wanted, self.args()).unwrap()
    }
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
