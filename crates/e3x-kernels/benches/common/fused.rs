//! A fused tensor product of sides of equal size, with numbers that look random.

use e3x_kernels::fused::{SLOTS, Slot};
use e3x_kernels::{CouplingSpec, FusedPlan};

pub const ITEMS: usize = 1000;
pub const FEATURES: usize = 32;

/// All derivatives but that with respect to the cotangent, as training needs them.
pub const GRADIENTS: [bool; SLOTS] = [true, true, false, true, true, true];

pub struct Case {
    pub plan: FusedPlan,
    pub args: [Vec<f32>; SLOTS],
}

impl Case {
    pub fn new(parity: usize, max_degree: usize) -> Self {
        let side = (parity, max_degree);
        let spec = CouplingSpec {
            first: side,
            second: side,
            product: side,
            cartesian_order: true,
        };
        let plan = FusedPlan::new(spec).unwrap();
        let numbers = |slot: Slot| {
            let number = |i: usize| (0.7 * i as f32 + slot as usize as f32).sin();
            (0..slot.len(&plan, ITEMS, FEATURES)).map(number).collect()
        };
        let args = Slot::ALL.map(numbers);
        Self { plan, args }
    }

    pub fn args(&self) -> [&[f32]; SLOTS] {
        self.args.each_ref().map(Vec::as_slice)
    }
}
