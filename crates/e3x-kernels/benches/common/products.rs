//! Tensor products of 1000 items, F = 32, f32.

use e3x_kernels::coupling::{SLOTS, Slot};
use e3x_kernels::{CouplingPlan, CouplingSpec};

pub const ITEMS: usize = 1000;
pub const FEATURES: usize = 32;

pub struct Case {
    pub plan: CouplingPlan,
    pub args: [Vec<f32>; SLOTS],
}

impl Case {
    pub fn new(parity: usize, max_degree: usize) -> Self {
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

    pub fn args(&self) -> [&[f32]; SLOTS] {
        self.args.each_ref().map(Vec::as_slice)
    }
}
