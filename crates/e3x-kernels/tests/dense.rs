//! Every form of the dense layer against a brute-force sum.

mod common;
#[path = "../../e3x-so3/tests/common/instructions.rs"]
mod instructions;

use common::{Noise, assert_close, assert_names, rounded, with_threads};
use e3x_kernels::Real;
use e3x_kernels::dense::{DensePlan, Slot, form};

fn size(plan: &DensePlan, slot: Slot, items: usize) -> usize {
    slot.shape(plan, items).iter().product()
}

/// The sum with one argument left out: loops over items, entries and both kinds of channels.
fn naive(plan: &DensePlan, slot: Slot, items: usize, args: [&[f64]; 2]) -> Vec<f64> {
    let entries = (plan.max_degree + 1).pow(2);
    let mut out = vec![0.0; size(plan, slot, items)];
    for e in 0..items {
        for row in 0..plan.parity * entries {
            let (p, l) = (row / entries, (row % entries).isqrt());
            for i in 0..plan.in_features {
                for o in 0..plan.out_features {
                    let item = e * plan.parity * entries + row;
                    let matrix = p * (plan.max_degree + 1) + l;
                    let index = |slot: Slot| match slot {
                        Slot::Input => item * plan.in_features + i,
                        Slot::Weight => (matrix * plan.in_features + i) * plan.out_features + o,
                        Slot::Output => item * plan.out_features + o,
                    };
                    let [a, b] = slot.others();
                    out[index(slot)] += args[0][index(a)] * args[1][index(b)];
                }
            }
        }
    }
    out
}

fn check<T: Real>(plan: &DensePlan, items: usize, seed: u64, tolerance: f64) {
    let mut noise = Noise::new(seed);
    for slot in Slot::ALL {
        let args = slot
            .others()
            .map(|other| rounded::<T>(&noise.values(size(plan, other, items))));
        let narrow = args.each_ref().map(|(narrow, _)| narrow.as_slice());
        let wide = args.each_ref().map(|(_, wide)| wide.as_slice());
        let actual = form(plan, slot, items, narrow).unwrap();
        let expected = naive(plan, slot, items, wide);
        let what = format!("{slot:?} of {plan:?}, {items} items");
        assert_close(&what, &actual, &expected, tolerance);
    }
}

/// Relative to the largest value: 1e-12 in f64, 1e-5 in f32.
#[test]
fn all_forms_match_the_plain_sum_for_random_sizes() {
    let sizes = [1, 3, 17, 33];
    let mut noise = Noise::new(1);
    for case in 0..32 {
        let plan = DensePlan {
            parity: 1 + noise.below(2),
            max_degree: noise.below(4),
            in_features: sizes[case % 4],
            out_features: sizes[case / 4 % 4],
        };
        let items = noise.below(5);
        check::<f64>(&plan, items, case as u64, 1e-12);
        check::<f32>(&plan, items, case as u64, 1e-5);
    }
}

#[test]
fn items_of_several_tasks_are_all_counted() {
    let plan = DensePlan {
        parity: 2,
        max_degree: 1,
        in_features: 3,
        out_features: 2,
    };
    for items in [63, 64, 65, 200] {
        check::<f64>(&plan, items, items as u64, 1e-12);
    }
}

/// Blocks of lanes that are full, and sums that are added part by part.
#[test]
fn many_features_and_many_terms_are_all_counted() {
    for (in_features, out_features, items) in
        [(16, 32, 40), (64, 48, 3), (300, 20, 2), (33, 272, 20)]
    {
        let plan = DensePlan {
            parity: 1,
            max_degree: 2,
            in_features,
            out_features,
        };
        check::<f64>(&plan, items, 7, 1e-12);
        check::<f32>(&plan, items, 8, 1e-5);
    }
}

#[test]
fn results_have_the_same_bits_for_one_and_two_threads() {
    let plan = DensePlan {
        parity: 2,
        max_degree: 2,
        in_features: 17,
        out_features: 33,
    };
    let items = 300;
    let mut noise = Noise::new(3);
    let args = Slot::ALL.map(|slot| noise.values(size(&plan, slot, items)));
    let args32 = args.each_ref().map(|arg| rounded::<f32>(arg).0);
    for slot in Slot::ALL {
        let [one, two] = with_threads(|| {
            let a = slot.others().map(|other| args[other as usize].as_slice());
            let b = slot.others().map(|other| args32[other as usize].as_slice());
            let a = form(&plan, slot, items, a).unwrap();
            let b = form(&plan, slot, items, b).unwrap();
            let a: Vec<u64> = a.into_iter().map(f64::to_bits).collect();
            let b: Vec<u32> = b.into_iter().map(f32::to_bits).collect();
            (a, b)
        });
        assert!(one == two, "{slot:?}");
    }
}

/// An empty sum is zero: no items for the weight, no channels for input and output.
#[test]
fn empty_axes_give_empty_or_zero_results() {
    for (items, in_features, out_features) in [(0, 3, 2), (2, 0, 3), (2, 3, 0), (0, 0, 0)] {
        let plan = DensePlan {
            parity: 2,
            max_degree: 1,
            in_features,
            out_features,
        };
        for slot in Slot::ALL {
            let args = slot
                .others()
                .map(|other| vec![1.0f32; size(&plan, other, items)]);
            let out = form(&plan, slot, items, args.each_ref().map(Vec::as_slice)).unwrap();
            assert_eq!(
                out,
                vec![0.0; size(&plan, slot, items)],
                "{slot:?} {plan:?}"
            );
        }
    }
}

#[test]
fn arguments_of_wrong_size_are_errors_that_name_them() {
    const NAMES: [&str; 3] = ["input", "weight", "output"];
    let plan = DensePlan {
        parity: 1,
        max_degree: 2,
        in_features: 3,
        out_features: 5,
    };
    for slot in Slot::ALL {
        for (i, wrong) in slot.others().into_iter().enumerate() {
            for change in [-1, 1] {
                let mut args = slot
                    .others()
                    .map(|other| vec![0.0f64; size(&plan, other, 2)]);
                let len = args[i].len().saturating_add_signed(change);
                args[i].resize(len, 0.0);
                let args = args.each_ref().map(Vec::as_slice);
                assert_names(form(&plan, slot, 2, args), NAMES[wrong as usize]);
            }
        }
    }
}
