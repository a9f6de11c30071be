//! Every form of the scores of attention against a brute-force sum over edges.

mod common;
#[path = "../../e3x-so3/tests/common/instructions.rs"]
mod instructions;

use common::{Noise, assert_close, assert_names, random_edges, rounded, with_threads};
use e3x_kernels::edges::PADDING;
use e3x_kernels::scores::{SLOTS, ScorePlan, Slot, form};
use e3x_kernels::{EdgeList, Real};

fn len(plan: &ScorePlan, edges: &EdgeList, slot: Slot) -> usize {
    slot.shape(plan, edges).iter().product()
}

/// The sum with one argument left out: loops over edges, rows and features.
fn naive(plan: &ScorePlan, edges: &EdgeList, slot: Slot, args: [&[f64]; SLOTS]) -> Vec<f64> {
    let ScorePlan {
        parity,
        max_degree,
        features,
        heads,
    } = *plan;
    let size = (max_degree + 1).pow(2);
    let mut out = vec![0.0; len(plan, edges, slot)];
    for e in (0..edges.len()).filter(|&e| edges.dst()[e] != PADDING) {
        let (dst, src) = (edges.dst()[e] as usize, edges.src()[e] as usize);
        for row in 0..parity * size {
            for f in 0..features {
                let degree = row / size * (max_degree + 1) + (row % size).isqrt();
                let index = |slot: Slot| match slot {
                    Slot::Query => (dst * parity * size + row) * features + f,
                    Slot::Key => (src * parity * size + row) * features + f,
                    Slot::Encoding => (e * parity * (max_degree + 1) + degree) * features + f,
                    Slot::Score => e * heads + f % heads,
                };
                let others = Slot::ALL.into_iter().filter(|&other| other != slot);
                let factors = others.map(|other| args[other as usize][index(other)]);
                out[index(slot)] += factors.product::<f64>();
            }
        }
    }
    out
}

fn check<T: Real>(plan: ScorePlan, edges: &EdgeList, noise: &mut Noise, tolerance: f64) {
    let args = Slot::ALL.map(|slot| rounded::<T>(&noise.values(len(&plan, edges, slot))));
    for slot in Slot::ALL {
        let mut narrow = args.each_ref().map(|(narrow, _)| narrow.as_slice());
        narrow[slot as usize] = &[];
        let wide = args.each_ref().map(|(_, wide)| wide.as_slice());
        let actual = form(&plan, edges, slot, narrow).unwrap();
        let expected = naive(&plan, edges, slot, wide);
        let what = format!("{slot:?} of {plan:?}, {} edges", edges.len());
        assert_close(&what, &actual, &expected, tolerance);
    }
}

fn plan(parity: usize, max_degree: usize, features: usize, heads: usize) -> ScorePlan {
    ScorePlan {
        parity,
        max_degree,
        features,
        heads,
    }
}

/// Relative to the largest value: 1e-12 in f64, 1e-5 in f32. Unsorted lists, repeated edges,
/// isolated nodes and padding are among the random graphs.
#[test]
fn all_forms_match_the_plain_sum_for_random_graphs() {
    let mut noise = Noise::new(4);
    let plans = [
        plan(1, 0, 1, 1),
        plan(2, 2, 3, 3),
        plan(1, 3, 16, 4),
        plan(2, 1, 17, 1),
        plan(2, 2, 33, 11),
        plan(1, 1, 48, 48),
    ];
    for plan in plans {
        for _ in 0..4 {
            let edges = random_edges(&mut noise, 11, 5, 4, true);
            check::<f64>(plan, &edges, &mut noise, 1e-12);
            check::<f32>(plan, &edges, &mut noise, 1e-5);
        }
    }
}

#[test]
fn graphs_without_edges_and_single_edges_work() {
    let mut noise = Noise::new(5);
    for (dst, src) in [
        (vec![], vec![]),
        (vec![1], vec![0]),
        (vec![PADDING], vec![2]),
    ] {
        let edges = EdgeList::new(dst, src, 2, 3).unwrap();
        check::<f64>(plan(2, 1, 4, 2), &edges, &mut noise, 1e-12);
    }
}

#[test]
fn results_have_the_same_bits_for_one_and_two_threads() {
    let mut noise = Noise::new(6);
    let plan = plan(2, 2, 32, 4);
    let dst = (0..4000).map(|e| e / 9).collect();
    let src = (0..4000).map(|e| (e * 7) % 450).collect();
    let edges = EdgeList::new(dst, src, 450, 450).unwrap();
    let args = Slot::ALL.map(|slot| noise.values(len(&plan, &edges, slot)));
    for slot in Slot::ALL {
        let [one, two] = with_threads(|| {
            let out = form(&plan, &edges, slot, args.each_ref().map(Vec::as_slice)).unwrap();
            out.into_iter().map(f64::to_bits).collect::<Vec<_>>()
        });
        assert!(one == two, "{slot:?}");
    }
}

#[test]
fn arguments_of_wrong_size_are_errors_that_name_them() {
    const NAMES: [&str; SLOTS] = ["query", "key", "encoding", "score"];
    let plan = plan(1, 1, 4, 2);
    let edges = EdgeList::new(vec![0, 1], vec![1, 0], 2, 2).unwrap();
    for (wrong, name) in NAMES.into_iter().enumerate() {
        let mut args = Slot::ALL.map(|slot| vec![0.0f32; len(&plan, &edges, slot)]);
        args[wrong].push(0.0);
        for slot in Slot::ALL.into_iter().filter(|&slot| slot as usize != wrong) {
            let result = form(&plan, &edges, slot, args.each_ref().map(Vec::as_slice));
            assert_names(result, name);
        }
    }
}
