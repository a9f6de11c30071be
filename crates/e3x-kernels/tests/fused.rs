//! Every form of the fused tensor product against matrices that are multiplied number by number.

mod common;
#[path = "../../e3x-so3/tests/common/instructions.rs"]
mod instructions;

use common::{Noise, assert_close, assert_names, random_spec, rounded, spec, with_threads};
use e3x_kernels::fused::{self, SLOTS, Slot, form};
use e3x_kernels::{CouplingSpec, FusedPlan, Real};
use e3x_so3::clebsch_gordan_for_degrees;

/// Items and features.
type Size = (usize, usize);

fn plan_of(spec: CouplingSpec) -> FusedPlan {
    FusedPlan::new(spec).unwrap()
}

/// Random arguments, exactly representable in `T`, and the same in f64.
fn arguments<T: Real>(
    plan: &FusedPlan,
    size: Size,
    noise: &mut Noise,
) -> [(Vec<T>, Vec<f64>); SLOTS] {
    Slot::ALL.map(|slot| rounded::<T>(&noise.values(slot.len(plan, size.0, size.1))))
}

fn slices<T>(args: &[Vec<T>; SLOTS]) -> [&[T]; SLOTS] {
    args.each_ref().map(Vec::as_slice)
}

/// The sum, written as plainly as possible.
struct Plain {
    spec: CouplingSpec,
    order: usize,
    /// `C[λ i, λ j -> l m]` by degree.
    coefficients: Vec<Vec<f64>>,
}

impl Plain {
    fn new(spec: CouplingSpec) -> Self {
        let highest = spec.first.1.max(spec.second.1).max(spec.product.1);
        let half = highest.div_ceil(2);
        let coefficients = |l| clebsch_gordan_for_degrees(half, half, l, spec.cartesian_order);
        Self {
            spec,
            order: 2 * half + 1,
            coefficients: (0..=highest).map(|l| coefficients(l).unwrap()).collect(),
        }
    }

    /// The matrix of the even or odd irreps of an item and a feature, with the weights of a row of kernels.
    fn matrix(
        &self,
        (parities, max_degree): (usize, usize),
        (irreps, weights): (&[f64], &[f64]),
        (odd, block): (usize, usize),
        (item, feature, features): (usize, usize, usize),
    ) -> Vec<f64> {
        let rows = (max_degree + 1).pow(2);
        let mut matrix = vec![0.0; self.order * self.order];
        for l in 0..=max_degree {
            if parities == 1 && l % 2 != odd {
                continue;
            }
            let parity = if parities == 1 { 0 } else { odd };
            for m in 0..=2 * l {
                let row = (item * parities + parity) * rows + l * l + m;
                let weight = weights[(block * (max_degree + 1) + l) * features + feature];
                let number = weight * irreps[row * features + feature];
                for (place, sum) in matrix.iter_mut().enumerate() {
                    *sum += number * self.coefficients[l][place * (2 * l + 1) + m];
                }
            }
        }
        matrix
    }

    /// What an item and a feature add to the sum.
    fn part(&self, item: usize, (feature, features): (usize, usize), args: [&[f64]; SLOTS]) -> f64 {
        let [x, y, z, w1, w2, w3] = args;
        let at = (item, feature, features);
        let n = self.order;
        let mut sum = 0.0;
        for (channel, [odd1, odd2]) in [[0, 0], [1, 1], [0, 1], [1, 0]].into_iter().enumerate() {
            let left = self.matrix(self.spec.first, (x, w1), (odd1, odd1), at);
            let right = self.matrix(self.spec.second, (y, w2), (odd2, odd2), at);
            let product = self.matrix(self.spec.product, (z, w3), (odd1 ^ odd2, channel), at);
            for i in 0..n {
                for j in 0..n {
                    let entry: f64 = (0..n).map(|k| left[i * n + k] * right[k * n + j]).sum();
                    sum += entry * product[i * n + j];
                }
            }
        }
        sum
    }

    /// The derivative with respect to an argument, whose numbers are replaced by one at a time.
    fn form(
        &self,
        plan: &FusedPlan,
        slot: Slot,
        (items, features): Size,
        args: [&[f64]; SLOTS],
    ) -> Vec<f64> {
        let len = slot.len(plan, items, features);
        let derivative = |number: usize| {
            let mut unit = vec![0.0; len];
            unit[number] = 1.0;
            let mut args = args;
            args[slot as usize] = &unit;
            let feature = (number % features, features);
            if slot.is_weight() {
                (0..items).map(|item| self.part(item, feature, args)).sum()
            } else {
                self.part(number / (slot.rows(plan) * features), feature, args)
            }
        };
        (0..len).map(derivative).collect()
    }

    /// Mixed second derivatives along tangents.
    fn second(
        &self,
        plan: &FusedPlan,
        slot: Slot,
        size: Size,
        args: [&[f64]; SLOTS],
        tangents: [Option<&[f64]>; SLOTS],
    ) -> Vec<f64> {
        let mut total = vec![0.0; slot.len(plan, size.0, size.1)];
        for (i, tangent) in tangents.into_iter().enumerate() {
            let Some(tangent) = tangent.filter(|_| i != slot as usize) else {
                continue;
            };
            let mut args = args;
            args[i] = tangent;
            for (total, value) in total.iter_mut().zip(self.form(plan, slot, size, args)) {
                *total += value;
            }
        }
        total
    }
}

fn check<T: Real>(spec: CouplingSpec, size: Size, seed: u64, tolerance: f64) {
    let (plan, plain) = (plan_of(spec), Plain::new(spec));
    let args = arguments::<T>(&plan, size, &mut Noise::new(seed));
    let narrow = args.each_ref().map(|(narrow, _)| narrow.as_slice());
    let wide = args.each_ref().map(|(_, wide)| wide.as_slice());
    let all = fused::gradients(&plan, size.0, size.1, [true; SLOTS], narrow).unwrap();
    for (slot, together) in Slot::ALL.into_iter().zip(all) {
        let mut others = narrow;
        others[slot as usize] = &[];
        let alone = form(&plan, slot, size.0, size.1, others).unwrap();
        let expected = plain.form(&plan, slot, size, wide);
        let what = format!("{slot:?} of {spec:?}, items and features {size:?}");
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
        let size = (noise.below(4), [1, 3, 17, 33][case % 4]);
        check::<f64>(spec, size, case as u64, 1e-12);
        check::<f32>(spec, size, case as u64, 1e-5);
    }
}

#[test]
fn all_forms_match_the_plain_sum_for_high_degrees() {
    check::<f64>(spec((2, 4), (2, 4), (2, 4), true), (1, 3), 7, 1e-12);
    check::<f32>(spec((1, 6), (2, 3), (2, 5), false), (1, 2), 8, 1e-5);
    check::<f64>(spec((1, 6), (1, 6), (1, 6), false), (1, 1), 9, 1e-12);
    // Matrices of a size that is not known when compiling.
    check::<f64>(spec((1, 3), (1, 5), (2, 8), true), (1, 1), 10, 1e-12);
    check::<f32>(spec((2, 2), (1, 7), (1, 9), false), (1, 1), 11, 1e-5);
    check::<f32>(spec((1, 0), (1, 0), (1, 0), true), (2, 3), 12, 1e-5);
}

/// Which derivatives are computed together decides what is needed.
#[test]
fn all_choices_of_derivatives_match_the_plain_sum() {
    let mut noise = Noise::new(13);
    for sides in [[1, 1, 1], [2, 2, 2], [2, 1, 2], [1, 1, 2]] {
        let [first, second, product] = sides;
        let spec = spec((first, 2), (second, 1), (product, 2), true);
        let (plan, plain) = (plan_of(spec), Plain::new(spec));
        let size = (2, 3);
        let args = Slot::ALL.map(|slot| noise.values(slot.len(&plan, size.0, size.1)));
        let expected = Slot::ALL.map(|slot| plain.form(&plan, slot, size, slices(&args)));
        for set in 1..1 << SLOTS {
            let wanted = std::array::from_fn::<bool, SLOTS, _>(|i| set >> i & 1 == 1);
            let results = fused::gradients(&plan, size.0, size.1, wanted, slices(&args));
            let slots = Slot::ALL.into_iter().filter(|&slot| wanted[slot as usize]);
            for (slot, result) in slots.zip(results.unwrap()) {
                let what = format!("{slot:?} of {wanted:?}, parities {sides:?}");
                assert_close(&what, &result, &expected[slot as usize], 1e-12);
            }
        }
    }
}

/// Derivatives of gradients along all sets of tangents, for some sets of arguments.
#[test]
fn second_derivatives_match_the_plain_sum() {
    let mut noise = Noise::new(17);
    for sides in [[1, 1, 1], [2, 2, 2], [1, 2, 1]] {
        let [first, second, product] = sides;
        let spec = spec((first, 1), (second, 2), (product, 2), false);
        let (plan, plain) = (plan_of(spec), Plain::new(spec));
        let size = (2, 1);
        let args = Slot::ALL.map(|slot| noise.values(slot.len(&plan, size.0, size.1)));
        let along = Slot::ALL.map(|slot| noise.values(slot.len(&plan, size.0, size.1)));
        for set in 1..1_u32 << SLOTS {
            let given = std::array::from_fn::<bool, SLOTS, _>(|i| set >> i & 1 == 1);
            let wanted: [bool; SLOTS] = std::array::from_fn(|_| noise.below(2) == 0);
            let tangents = std::array::from_fn(|i| given[i].then_some(along[i].as_slice()));
            let args = slices(&args);
            let results = fused::second(&plan, size.0, size.1, wanted, args, tangents).unwrap();
            let slots = Slot::ALL.into_iter().filter(|&slot| wanted[slot as usize]);
            for (slot, result) in slots.zip(results) {
                let what = format!("{slot:?} of {wanted:?} along {given:?}, parities {sides:?}");
                let expected = plain.second(&plan, slot, size, args, tangents);
                assert_close(&what, &result, &expected, 1e-12);
            }
        }
    }
}

/// Tasks are the same for any number of threads, and so are their sums.
#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let plan = plan_of(spec((2, 3), (2, 3), (2, 3), true));
    let size = (150, 20);
    let args = arguments::<f32>(&plan, size, &mut Noise::new(3)).map(|(narrow, _)| narrow);
    let [one, two] = with_threads(|| {
        fused::gradients(&plan, size.0, size.1, [true; SLOTS], slices(&args)).unwrap()
    });
    assert_eq!(one, two);
}

/// As measured: products of few entries and short sums are not worth it.
#[test]
fn matrices_are_for_high_degrees() {
    let faster = |first, second, product| plan_of(spec(first, second, product, true)).is_faster();
    for l in 1..=8 {
        assert_eq!(
            faster((2, l), (2, l), (2, l)),
            l >= 3,
            "both parities, degree {l}"
        );
        assert_eq!(
            faster((1, l), (1, l), (1, l)),
            l >= 6,
            "proper tensors, degree {l}"
        );
    }
    assert!(!faster((2, 1), (2, 8), (2, 8)) && !faster((1, 0), (1, 8), (1, 8)));
}

#[test]
fn sizes_are_checked() {
    let plan = plan_of(spec((1, 1), (1, 1), (2, 1), true));
    let args = Slot::ALL.map(|slot| vec![0.0_f32; slot.len(&plan, 2, 3)]);
    let names = [
        "first",
        "second",
        "product",
        "first_weight",
        "second_weight",
        "product_weight",
    ];
    for (slot, name) in Slot::ALL.into_iter().zip(names) {
        let mut args = slices(&args);
        args[slot as usize] = &args[slot as usize][1..];
        let wanted = [true; SLOTS];
        assert_names(fused::gradients(&plan, 2, 3, wanted, args), name);
        assert_names(
            fused::second(&plan, 2, 3, wanted, args, [None; SLOTS]),
            name,
        );
    }
    assert_names(FusedPlan::new(spec((3, 1), (1, 1), (1, 1), true)), "first");
}
