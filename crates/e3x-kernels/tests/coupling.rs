//! Every form of the tensor product against a brute-force sum.

mod common;
#[path = "../../e3x-so3/tests/common/instructions.rs"]
mod instructions;

use common::{Noise, PlainTerm, assert_close, assert_names, plain_terms, plan_of, random_spec};
use common::{rounded, spec, with_threads};
use e3x_kernels::coupling::{self, SLOTS, Slot, form};
use e3x_kernels::{CouplingPlan, CouplingSpec, Real};

/// Random arguments, exactly representable in `T`, and the same in f64.
fn arguments<T: Real>(
    plan: &CouplingPlan,
    (items, features): (usize, usize),
    noise: &mut Noise,
) -> [(Vec<T>, Vec<f64>); SLOTS] {
    Slot::ALL.map(|slot| rounded::<T>(&noise.values(slot.len(plan, items, features))))
}

fn slices<T>(args: &[Vec<T>; SLOTS]) -> [&[T]; SLOTS] {
    args.each_ref().map(Vec::as_slice)
}

/// The sum with one argument left out: loops over items, terms and features.
fn naive(
    plan: &CouplingPlan,
    terms: &[PlainTerm],
    slot: Slot,
    (items, features): (usize, usize),
    args: [&[f64]; SLOTS],
) -> Vec<f64> {
    let mut out = vec![0.0; slot.len(plan, items, features)];
    for e in 0..items {
        for t in terms {
            for f in 0..features {
                let index = |slot: Slot| match slot {
                    Slot::First => (e * plan.rows1() + t.row1) * features + f,
                    Slot::Second => (e * plan.rows2() + t.row2) * features + f,
                    Slot::Weight => t.weight * features + f,
                    Slot::Product => (e * plan.rows3() + t.row3) * features + f,
                };
                let others = Slot::ALL.into_iter().filter(|&other| other != slot);
                let factors = others.map(|other| args[other as usize][index(other)]);
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
    let args = arguments::<T>(&plan, (items, features), &mut noise);
    let narrow = args.each_ref().map(|(narrow, _)| narrow.as_slice());
    let wide = args.each_ref().map(|(_, wide)| wide.as_slice());
    let all = coupling::gradients(&plan, items, features, [true; SLOTS], narrow).unwrap();
    for (slot, together) in Slot::ALL.into_iter().zip(all) {
        let mut others = narrow;
        others[slot as usize] = &[];
        let alone = form(&plan, slot, items, features, others).unwrap();
        let expected = naive(&plan, &terms, slot, (items, features), wide);
        let what = format!("{slot:?} of {spec:?}, {items} items, {features} features");
        assert_close(&what, &alone, &expected, tolerance);
        assert_close(&what, &together, &expected, tolerance);
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

/// High degrees, where many products lead to the same m and several degrees share them, with numbers of items
/// that do not fill what is computed together.
#[test]
fn all_forms_match_the_plain_sum_for_high_degrees() {
    check::<f64>(spec((2, 6), (2, 6), (2, 6), true), 1, 3, 7, 1e-12);
    check::<f32>(spec((2, 5), (2, 6), (1, 6), false), 3, 17, 8, 1e-5);
    check::<f64>(spec((1, 6), (1, 5), (2, 6), false), 9, 1, 9, 1e-12);
    check::<f64>(spec((1, 4), (2, 6), (2, 3), true), 5, 3, 10, 1e-12);
    check::<f32>(spec((2, 6), (1, 2), (1, 7), true), 7, 3, 11, 1e-5);
    check::<f32>(spec((1, 6), (1, 7), (1, 5), true), 9, 17, 12, 1e-5);
    check::<f64>(spec((1, 5), (1, 3), (1, 6), false), 13, 1, 13, 1e-12);
    check::<f32>(spec((2, 7), (2, 7), (2, 7), false), 3, 17, 14, 1e-5);
    // So many coefficients that several tiles of items share them: more than a group of these, and a part of one.
    check::<f32>(spec((2, 6), (2, 6), (2, 6), true), 21, 1, 15, 1e-5);
    check::<f64>(spec((2, 7), (2, 5), (2, 6), false), 19, 1, 16, 1e-12);
}

/// Which derivatives are computed together decides how.
#[test]
fn all_choices_of_derivatives_match_the_plain_sum() {
    let mut noise = Noise::new(13);
    for sides in [[1, 1, 1], [2, 2, 2], [2, 1, 2]] {
        let [first, second, product] = sides;
        let spec = spec((first, 3), (second, 2), (product, 4), true);
        let (plan, terms) = (plan_of(spec), plain_terms(&spec));
        let (items, features) = (9, 17);
        let args = Slot::ALL.map(|slot| noise.values(slot.len(&plan, items, features)));
        let expected =
            Slot::ALL.map(|slot| naive(&plan, &terms, slot, (items, features), slices(&args)));
        for set in 1..16 {
            let wanted = std::array::from_fn::<bool, SLOTS, _>(|i| set >> i & 1 == 1);
            let results = coupling::gradients(&plan, items, features, wanted, slices(&args));
            let slots = Slot::ALL.into_iter().filter(|&slot| wanted[slot as usize]);
            for (slot, result) in slots.zip(results.unwrap()) {
                let what = format!("{slot:?} of {wanted:?}, parities {sides:?}");
                assert_close(&what, &result, &expected[slot as usize], 1e-12);
            }
        }
    }
}

/// Tables that would be too large are not made: the same columns many times give the same results as once.
#[test]
fn many_features_give_the_same_as_few() {
    const TIMES: usize = 1100;
    let plan = plan_of(spec((2, 3), (2, 3), (2, 3), true));
    let (items, features) = (1, 16);
    let mut noise = Noise::new(14);
    let few = arguments::<f32>(&plan, (items, features), &mut noise).map(|(narrow, _)| narrow);
    let repeated = |rows: &Vec<f32>| -> Vec<f32> {
        let rows = rows.chunks_exact(features);
        rows.flat_map(|row| row.repeat(TIMES)).collect()
    };
    let many = few.each_ref().map(repeated);
    for slot in Slot::ALL {
        let once = form(&plan, slot, items, features, slices(&few)).unwrap();
        let often = form(&plan, slot, items, features * TIMES, slices(&many)).unwrap();
        let once: Vec<f64> = repeated(&once).into_iter().map(f64::from).collect();
        assert_close(&format!("{slot:?}"), &often, &once, 1e-5);
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
    let ones = Slot::ALL.map(|slot: Slot| vec![1.0f64; slot.len(&plan, items, features)]);
    let z = form(&plan, Slot::Product, items, features, slices(&ones)).unwrap();
    let rows: Vec<bool> = z.chunks(features).map(|row| row != [0.0; 3]).collect();
    // Scalar times (1+, 3 x 1-): degree 0 even, degree 1 odd, nothing else.
    let reached = |row: usize| row == 0 || (10..13).contains(&row);
    let expected: Vec<bool> = (0..items * 18).map(|row| reached(row % 18)).collect();
    assert_eq!(rows, expected);

    let gradient = form(&plan, Slot::Weight, items, features, slices(&ones)).unwrap();
    let used = gradient.chunks(features).filter(|row| *row != [0.0; 3]);
    assert_eq!(used.count(), plan.paths().len());
    assert_eq!(plan.paths().len(), 2);
}

/// The same where all arguments have the same parities.
#[test]
fn degrees_that_no_path_reaches_are_zero() {
    for parity in [1, 2] {
        for (degrees, order) in [([0, 1, 4], true), ([5, 0, 2], false), ([1, 4, 1], true)] {
            let [first, second, product] = degrees.map(|l| (parity, l));
            let spec = spec(first, second, product, order);
            check::<f64>(spec, 3, 17, 15, 1e-12);
            check::<f32>(spec, 9, 5, 16, 1e-5);
        }
    }
}

/// Whatever is left out, multiplying it back in gives the same number (1e-12).
#[test]
fn all_forms_stand_for_one_sum() {
    let mut noise = Noise::new(7);
    for _ in 0..8 {
        let plan = plan_of(random_spec(&mut noise, None));
        let (items, features) = (3, 5);
        let args = Slot::ALL.map(|slot| noise.values(slot.len(&plan, items, features)));
        let sums = Slot::ALL.map(|slot| {
            let out = form(&plan, slot, items, features, slices(&args)).unwrap();
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
    let (items, features) = (600, 17);
    let mut noise = Noise::new(3);
    let args = Slot::ALL.map(|slot| noise.values(slot.len(&plan, items, features)));
    let args32 = args.each_ref().map(|arg| rounded::<f32>(arg).0);
    let all = [true; SLOTS];
    let [one, two] = with_threads(|| {
        let tangents = slices(&args).map(Some);
        let a = coupling::second(&plan, items, features, all, slices(&args), tangents).unwrap();
        let b = coupling::gradients(&plan, items, features, all, slices(&args32)).unwrap();
        let a: Vec<u64> = a.into_iter().flatten().map(f64::to_bits).collect();
        let b: Vec<u32> = b.into_iter().flatten().map(f32::to_bits).collect();
        (a, b)
    });
    assert!(one == two);
}

#[test]
fn no_items_and_no_features_give_empty_or_zero_results() {
    let plan = plan_of(spec((1, 1), (1, 1), (1, 1), true));
    for (items, features) in [(0, 4), (3, 0), (0, 0)] {
        for slot in Slot::ALL {
            let args = Slot::ALL.map(|other: Slot| vec![1.0; other.len(&plan, items, features)]);
            let out = form(&plan, slot, items, features, slices(&args));
            let expected = vec![0.0; slot.len(&plan, items, features)];
            assert_eq!(out.unwrap(), expected, "{slot:?}, {items} x {features}");
        }
    }
}

#[test]
fn arguments_of_wrong_size_are_errors_that_name_them() {
    const NAMES: [&str; 4] = ["first", "second", "weight", "product"];
    let plan = plan_of(spec((1, 1), (2, 1), (1, 2), false));
    let (items, features) = (2, 3);
    for (wrong, name) in NAMES.into_iter().enumerate() {
        for change in [-1, 1] {
            let mut args =
                Slot::ALL.map(|slot: Slot| vec![0.0f32; slot.len(&plan, items, features)]);
            let given = args.clone();
            let len = args[wrong].len().saturating_add_signed(change);
            args[wrong].resize(len, 0.0);
            for slot in Slot::ALL.into_iter().filter(|&slot| slot as usize != wrong) {
                let result = form(&plan, slot, items, features, slices(&args));
                assert_names(result, name);
            }
            let all = [true; SLOTS];
            let result = coupling::gradients(&plan, items, features, all, slices(&args));
            assert_names(result, name);
            let none = [None; SLOTS];
            let result = coupling::second(&plan, items, features, all, slices(&args), none);
            assert_names(result, name);
            let wrong = slices(&args).map(Some);
            let result = coupling::second(&plan, items, features, all, slices(&given), wrong);
            assert_names(result, name);
        }
    }
}

/// The sum is linear in each argument, so that symmetric differences are exact.
#[test]
fn second_derivatives_are_differences_of_first_ones() {
    let mut noise = Noise::new(11);
    for case in 0..12 {
        let plan = plan_of(random_spec(&mut noise, None));
        let (items, features) = (3, [1, 3, 17, 33][case % 4]);
        let values = |noise: &mut Noise| {
            Slot::ALL.map(|slot| noise.values(slot.len(&plan, items, features)))
        };
        let (args, tangents) = (values(&mut noise), values(&mut noise));
        // Any tangents and any results.
        let (given, wanted) = (noise.below(16), 1 + noise.below(15));
        let chosen = |set: usize| std::array::from_fn::<bool, SLOTS, _>(|i| set >> i & 1 == 1);
        let (given, wanted) = (chosen(given), chosen(wanted));
        let mut expected = Slot::ALL.map(|slot| vec![0.0; slot.len(&plan, items, features)]);
        for i in (0..SLOTS).filter(|&i| given[i]) {
            for sign in [1.0, -1.0] {
                let mut args = args.clone();
                for (arg, tangent) in args[i].iter_mut().zip(&tangents[i]) {
                    *arg += sign * tangent;
                }
                let all = [true; SLOTS];
                let shifted = coupling::gradients(&plan, items, features, all, slices(&args));
                for (sums, values) in expected.iter_mut().zip(shifted.unwrap()) {
                    for (sum, value) in sums.iter_mut().zip(values) {
                        *sum += 0.5 * sign * value;
                    }
                }
            }
        }
        let along = std::array::from_fn(|i| given[i].then_some(tangents[i].as_slice()));
        let second = coupling::second(&plan, items, features, wanted, slices(&args), along);
        let expected = expected.iter().zip(wanted).filter(|&(_, wanted)| wanted);
        for (second, (expected, _)) in second.unwrap().iter().zip(expected) {
            assert_close(&format!("{given:?} {wanted:?}"), second, expected, 1e-12);
        }
    }
}
