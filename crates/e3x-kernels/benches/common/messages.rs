//! Message passing of 80 nodes with 9 neighbours each, F = 32, f32, both parities.

use e3x_kernels::aligned::{self, AlignedPlan, Slot, frames};
use e3x_kernels::{CouplingPlan, CouplingSpec, EdgeList};

const NODES: u32 = 80;
const NEIGHBOURS: u32 = 9;
pub const FEATURES: usize = 32;

pub fn numbers(n: usize, seed: f32) -> Vec<f32> {
    (0..n).map(|i| (seed + 1.7 * i as f32).sin()).collect()
}

pub struct Case {
    pub plan: CouplingPlan,
    pub aligned: AlignedPlan,
    pub edges: EdgeList,
    pub args: [Vec<f32>; 6],
}

impl Case {
    pub fn new(max_degree: usize) -> Self {
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

    pub fn args(&self) -> [&[f32]; 6] {
        std::array::from_fn(|i| self.args[i].as_slice())
    }

    pub fn gradients(&self, wanted: [bool; 6]) -> Vec<Vec<f32>> {
        aligned::gradients(&self.aligned, &self.edges, FEATURES, wanted, self.args()).unwrap()
    }
}
