//! Every form of message passing against a brute-force sum over edges.

mod common;
#[path = "../../e3x-so3/tests/common/instructions.rs"]
mod instructions;

use common::{Noise, PlainTerm, assert_close, assert_names, plain_terms, plan_of, random_edges};
use common::{random_spec, rounded, spec, with_threads};
use e3x_kernels::edges::PADDING;
use e3x_kernels::message::{Slot, form};
use e3x_kernels::{CouplingPlan, CouplingSpec, EdgeList, Real};

fn size(plan: &CouplingPlan, edges: &EdgeList, slot: Slot, features: usize) -> usize {
    slot.shape(plan, edges, features).iter().product()
}

/// The sum with one argument left out: loops over edges, terms and features.
fn naive(
    plan: &CouplingPlan,
    terms: &[PlainTerm],
    edges: &EdgeList,
    slot: Slot,
    features: usize,
    args: [&[f64]; 4],
) -> Vec<f64> {
    let degrees = plan.spec().first.1 + 1;
    let mut out = vec![0.0; size(plan, edges, slot, features)];
    for e in (0..edges.len()).filter(|&e| edges.dst()[e] != PADDING) {
        let (dst, src) = (edges.dst()[e] as usize, edges.src()[e] as usize);
        for t in terms {
            for f in 0..features {
                let index = |slot: Slot| match slot {
                    Slot::Input => (src * plan.rows2() + t.row2) * features + f,
                    Slot::Radial => (e * degrees + t.degree1) * features + f,
                    Slot::Weight => t.weight * features + f,
                    Slot::Angular => e * degrees * degrees + t.entry1,
                    Slot::Output => (dst * plan.rows3() + t.row3) * features + f,
                };
                let others = slot.others().into_iter().zip(args);
                let factors = others.map(|(other, arg)| arg[index(other)]);
                out[index(slot)] += t.value * factors.product::<f64>();
            }
        }
    }
    out
}

fn check<T: Real>(
    spec: CouplingSpec,
    edges: &EdgeList,
    features: usize,
    seed: u64,
    tolerance: f64,
) {
    let plan = plan_of(spec);
    let terms = plain_terms(&spec);
    let mut noise = Noise::new(seed);
    for slot in Slot::ALL {
        let args = slot
            .others()
            .map(|other| rounded::<T>(&noise.values(size(&plan, edges, other, features))));
        let narrow = args.each_ref().map(|(narrow, _)| narrow.as_slice());
        let wide = args.each_ref().map(|(_, wide)| wide.as_slice());
        let actual = form(&plan, edges, slot, features, narrow).unwrap();
        let expected = naive(&plan, &terms, edges, slot, features, wide);
        let what = format!(
            "{slot:?} of {spec:?}, {} edges, {features} features",
            edges.len()
        );
        assert_close(&what, &actual, &expected, tolerance);
    }
}

/// Relative to the largest value: 1e-12 in f64, 1e-5 in f32.
#[test]
fn all_forms_match_the_plain_sum_for_random_plans_and_graphs() {
    let mut noise = Noise::new(1);
    for case in 0..24 {
        let spec = random_spec(&mut noise, Some(1));
        let features = [1, 3, 17, 33][case % 4];
        let (dst, src) = (1 + noise.below(5), 1 + noise.below(5));
        let len = noise.below(8);
        let edges = random_edges(&mut noise, len, dst, src, case % 3 == 0);
        check::<f64>(spec, &edges, features, case as u64, 1e-12);
        check::<f32>(spec, &edges, features, case as u64, 1e-5);
    }
}

#[test]
fn all_forms_match_the_plain_sum_for_the_largest_plan() {
    let edges = EdgeList::new(vec![1, 0, 1], vec![0, 2, 2], 2, 3).unwrap();
    for cartesian_order in [true, false] {
        let full = spec((1, 3), (2, 3), (2, 3), cartesian_order);
        check::<f64>(full, &edges, 3, 5, 1e-12);
        check::<f32>(full, &edges, 3, 5, 1e-5);
    }
}

/// Empty graphs, isolated nodes, one edge, an edge many times, loops, padding only.
#[test]
fn all_forms_match_the_plain_sum_for_special_graphs() {
    let graph = |dst: &[u32], src: &[u32], num_dst, num_src| {
        EdgeList::new(dst.to_vec(), src.to_vec(), num_dst, num_src).unwrap()
    };
    let graphs = [
        graph(&[], &[], 0, 0),
        graph(&[], &[], 3, 2),
        graph(&[2], &[1], 4, 3),
        graph(&[1; 6], &[0; 6], 2, 2),
        graph(&[0, 1, 0], &[0, 1, 0], 2, 2),
        graph(&[PADDING; 3], &[0, 1, 0], 2, 2),
        graph(&[PADDING, 1, PADDING, 0], &[0, 1, 1, 1], 2, 2),
        graph(&[PADDING], &[0], 0, 1),
    ];
    let spec = spec((1, 2), (2, 1), (2, 2), true);
    for (seed, edges) in graphs.iter().enumerate() {
        check::<f64>(spec, edges, 3, seed as u64, 1e-12);
        check::<f32>(spec, edges, 17, seed as u64, 1e-5);
    }
}

/// More nodes and edges than one task takes, so that parts of sums over edges are put together.
#[test]
fn edges_of_several_tasks_are_all_counted() {
    let spec = spec((1, 1), (1, 1), (2, 1), true);
    let mut noise = Noise::new(9);
    for len in [31, 32, 33, 200, 2100] {
        let edges = random_edges(&mut noise, len, 11, 13, true);
        check::<f64>(spec, &edges, 1, len as u64, 1e-12);
    }
}

/// Whatever is left out, multiplying it back in gives the same number (1e-12).
#[test]
fn all_forms_stand_for_one_sum() {
    let mut noise = Noise::new(7);
    for _ in 0..8 {
        let plan = plan_of(random_spec(&mut noise, Some(1)));
        let edges = random_edges(&mut noise, 9, 4, 3, true);
        let args = Slot::ALL.map(|slot| noise.values(size(&plan, &edges, slot, 5)));
        let sums = Slot::ALL.map(|slot| {
            let others = slot.others().map(|other| args[other as usize].as_slice());
            let out = form(&plan, &edges, slot, 5, others).unwrap();
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
    let plan = plan_of(spec((1, 2), (2, 2), (2, 2), true));
    let mut noise = Noise::new(3);
    let edges = random_edges(&mut noise, 2000, 210, 210, true);
    let features = 17;
    let args = Slot::ALL.map(|slot| noise.values(size(&plan, &edges, slot, features)));
    let args32 = args.each_ref().map(|arg| rounded::<f32>(arg).0);
    for slot in Slot::ALL {
        let [one, two] = with_threads(|| {
            let a = slot.others().map(|other| args[other as usize].as_slice());
            let b = slot.others().map(|other| args32[other as usize].as_slice());
            let a = form(&plan, &edges, slot, features, a).unwrap();
            let b = form(&plan, &edges, slot, features, b).unwrap();
            let a: Vec<u64> = a.into_iter().map(f64::to_bits).collect();
            let b: Vec<u32> = b.into_iter().map(f32::to_bits).collect();
            (a, b)
        });
        assert!(one == two, "{slot:?}");
    }
}

#[test]
fn no_features_give_empty_or_zero_results() {
    let plan = plan_of(spec((1, 1), (1, 1), (1, 1), true));
    let edges = EdgeList::new(vec![0, 1], vec![1, 0], 2, 2).unwrap();
    for slot in Slot::ALL {
        let args = slot
            .others()
            .map(|other| vec![1.0; size(&plan, &edges, other, 0)]);
        let out = form(&plan, &edges, slot, 0, args.each_ref().map(Vec::as_slice)).unwrap();
        assert_eq!(out, vec![0.0; size(&plan, &edges, slot, 0)], "{slot:?}");
    }
}

#[test]
fn arguments_of_wrong_size_are_errors_that_name_them() {
    const NAMES: [&str; 5] = ["input", "radial", "weight", "angular", "output"];
    let plan = plan_of(spec((1, 1), (2, 1), (1, 2), false));
    let edges = EdgeList::new(vec![0, PADDING, 1], vec![1, 0, 2], 2, 3).unwrap();
    for slot in Slot::ALL {
        for (i, wrong) in slot.others().into_iter().enumerate() {
            for change in [-1, 1] {
                let mut args = slot
                    .others()
                    .map(|other| vec![0.0f32; size(&plan, &edges, other, 3)]);
                let len = args[i].len().saturating_add_signed(change);
                args[i].resize(len, 0.0);
                let args = args.each_ref().map(Vec::as_slice);
                assert_names(form(&plan, &edges, slot, 3, args), NAMES[wrong as usize]);
            }
        }
    }
}

/// The filter is a basis of one parity.
#[test]
fn a_filter_with_pseudotensors_is_an_error() {
    let plan = plan_of(spec((2, 1), (1, 1), (1, 1), true));
    let edges = EdgeList::new(vec![], vec![], 0, 0).unwrap();
    for slot in Slot::ALL {
        let args = slot
            .others()
            .map(|other| vec![0.0f64; size(&plan, &edges, other, 1)]);
        let args = args.each_ref().map(Vec::as_slice);
        assert_names(form(&plan, &edges, slot, 1, args), "plan");
    }
}
