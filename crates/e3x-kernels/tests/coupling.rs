//! Every form of the tensor product against a brute-force sum.

mod common;

use common::{Noise, PlainTerm, assert_close, assert_names, plain_terms, plan_of, random_spec};
use common::{rounded, spec, with_threads};
use e3x_kernels::coupling::{Slot, form};
use e3x_kernels::{CouplingPlan, CouplingSpec, Real};

/// Number of values of an argument.
fn size(plan: &CouplingPlan, slot: Slot, items: usize, features: usize) -> usize {
    let items = if slot == Slot::Weight { 1 } else { items };
    items * slot.rows(plan) * features
}

/// The sum with one argument left out: loops over items, terms and features.
fn naive(
    plan: &CouplingPlan,
    terms: &[PlainTerm],
    slot: Slot,
    (items, features): (usize, usize),
    args: [&[f64]; 3],
) -> Vec<f64> {
    let mut out = vec![0.0; size(plan, slot, items, features)];
    for e in 0..items {
        for t in terms {
            for f in 0..features {
                let index = |slot: Slot| match slot {
                    Slot::First => (e * plan.rows1() + t.row1) * features + f,
                    Slot::Second => (e * plan.rows2() + t.row2) * features + f,
                    Slot::Weight => t.weight * features + f,
                    Slot::Product => (e * plan.rows3() + t.row3) * features + f,
                };
                let others = slot.others().into_iter().zip(args);
                let factors = others.map(|(other, arg)| arg[index(other)]);
                out[index(slot)] += t.value * factors.product::<f64>();
            }
        }
    }
    out
}

fn check<T: Real>(spec: CouplingSpec, items: usize, features: usize, seed: u64, tolerance: f64) {
    let plan = plan_of(spec);
    let terms = plain_terms(&spec);
    let mut noise = Noise::new(seed);
    for slot in Slot::ALL {
        let args = slot
            .others()
            .map(|other| rounded::<T>(&noise.values(size(&plan, other, items, features))));
        let narrow = args.each_ref().map(|(narrow, _)| narrow.as_slice());
        let wide = args.each_ref().map(|(_, wide)| wide.as_slice());
        let actual = form(&plan, slot, items, features, narrow).unwrap();
        let expected = naive(&plan, &terms, slot, (items, features), wide);
        let what = format!("{slot:?} of {spec:?}, {items} items, {features} features");
        assert_close(&what, &actual, &expected, tolerance);
    }
}

/// Relative to the largest value: 1e-12 in f64, 1e-5 in f32.
#[test]
fn all_forms_match_the_plain_sum_for_random_plans() {
    let mut noise = Noise::new(1);
    for case in 0..24 {
        let spec = random_spec(&mut noise, None);
        let features = [1, 3, 17, 33][case % 4];
        let items = noise.below(4);
        check::<f64>(spec, items, features, case as u64, 1e-12);
        check::<f32>(spec, items, features, case as u64, 1e-5);
    }
}

#[test]
fn all_forms_match_the_plain_sum_for_the_largest_plan() {
    for cartesian_order in [true, false] {
        let full = spec((2, 3), (2, 3), (2, 3), cartesian_order);
        check::<f64>(full, 2, 3, 5, 1e-12);
        check::<f32>(full, 2, 3, 5, 1e-5);
    }
}

/// More items than one task takes, so that the parts of the sum over items are put together.
#[test]
fn items_of_several_tasks_are_all_counted() {
    let small = spec((1, 1), (2, 1), (2, 1), true);
    for items in [31, 32, 33, 100, 2100] {
        check::<f64>(small, items, 1, items as u64, 1e-12);
    }
}

/// Products of degrees that cannot be reached are zero, and weights of them have gradient zero.
#[test]
fn what_no_path_reaches_is_zero() {
    let spec = spec((1, 0), (1, 1), (2, 2), true);
    let plan = plan_of(spec);
    let (items, features) = (2, 3);
    let ones = |slot| vec![1.0f64; size(&plan, slot, items, features)];
    let [x, y, w] = Slot::Product.others().map(ones);
    let z = form(&plan, Slot::Product, items, features, [&x, &y, &w]).unwrap();
    let rows: Vec<bool> = z.chunks(features).map(|row| row != [0.0; 3]).collect();
    // Scalar times (1+, 3 x 1-): degree 0 even, degree 1 odd, nothing else.
    let reached = |row: usize| row == 0 || (10..13).contains(&row);
    let expected: Vec<bool> = (0..items * 18).map(|row| reached(row % 18)).collect();
    assert_eq!(rows, expected);

    let ones = ones(Slot::Product);
    let gradient = form(&plan, Slot::Weight, items, features, [&x, &y, &ones]).unwrap();
    let used = gradient.chunks(features).filter(|row| *row != [0.0; 3]);
    assert_eq!(used.count(), plan.paths().len());
    assert_eq!(plan.paths().len(), 2);
}

/// Whatever is left out, multiplying it back in gives the same number (1e-12).
#[test]
fn all_forms_stand_for_one_sum() {
    let mut noise = Noise::new(7);
    for _ in 0..8 {
        let plan = plan_of(random_spec(&mut noise, None));
        let (items, features) = (3, 5);
        let args = Slot::ALL.map(|slot| noise.values(size(&plan, slot, items, features)));
        let sums = Slot::ALL.map(|slot| {
            let others = slot.others().map(|other| args[other as usize].as_slice());
            let out = form(&plan, slot, items, features, others).unwrap();
            let own = &args[slot as usize];
            out.iter().zip(own).map(|(a, b)| a * b).sum::<f64>()
        });
        for sum in sums {
            let error = (sum - sums[0]).abs();
            assert!(error < 1e-12 * (1.0 + sums[0].abs()), "{sums:?}");
        }
    }
}

#[test]
fn results_have_the_same_bits_for_one_and_two_threads() {
    let plan = plan_of(spec((2, 2), (1, 2), (2, 2), true));
    let (items, features) = (150, 17);
    let mut noise = Noise::new(3);
    let args = Slot::ALL.map(|slot| noise.values(size(&plan, slot, items, features)));
    let args32 = args.each_ref().map(|arg| rounded::<f32>(arg).0);
    for slot in Slot::ALL {
        let [one, two] = with_threads(|| {
            let a = slot.others().map(|other| args[other as usize].as_slice());
            let b = slot.others().map(|other| args32[other as usize].as_slice());
            let a = form(&plan, slot, items, features, a).unwrap();
            let b = form(&plan, slot, items, features, b).unwrap();
            let a: Vec<u64> = a.into_iter().map(f64::to_bits).collect();
            let b: Vec<u32> = b.into_iter().map(f32::to_bits).collect();
            (a, b)
        });
        assert!(one == two, "{slot:?}");
    }
}

#[test]
fn no_items_and_no_features_give_empty_or_zero_results() {
    let plan = plan_of(spec((1, 1), (1, 1), (1, 1), true));
    for (items, features) in [(0, 4), (3, 0), (0, 0)] {
        for slot in Slot::ALL {
            let args = slot
                .others()
                .map(|other| vec![1.0; size(&plan, other, items, features)]);
            let out = form(
                &plan,
                slot,
                items,
                features,
                args.each_ref().map(Vec::as_slice),
            );
            let expected = vec![0.0; size(&plan, slot, items, features)];
            assert_eq!(out.unwrap(), expected, "{slot:?}, {items} x {features}");
        }
    }
}

#[test]
fn arguments_of_wrong_size_are_errors_that_name_them() {
    const NAMES: [&str; 4] = ["first", "second", "weight", "product"];
    let plan = plan_of(spec((1, 1), (2, 1), (1, 2), false));
    let (items, features) = (2, 3);
    for slot in Slot::ALL {
        for (i, wrong) in slot.others().into_iter().enumerate() {
            for change in [-1, 1] {
                let mut args = slot
                    .others()
                    .map(|other| vec![0.0f32; size(&plan, other, items, features)]);
                let len = args[i].len().saturating_add_signed(change);
                args[i].resize(len, 0.0);
                let args = args.each_ref().map(Vec::as_slice);
                assert_names(
                    form(&plan, slot, items, features, args),
                    NAMES[wrong as usize],
                );
            }
        }
    }
}
