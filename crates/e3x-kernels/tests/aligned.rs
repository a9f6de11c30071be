//! Message passing in the frames of the edges against the same sums in the frame of the features.

mod common;
#[path = "../../e3x-so3/tests/common/instructions.rs"]
mod instructions;

use common::with_threads;
use e3x_kernels::aligned::{self, AlignedPlan, Slot, Turn, TurnSlot, frames};
use e3x_kernels::{CouplingPlan, CouplingSpec, EdgeList, Real, message};
use e3x_so3::{Normalization, SphericalHarmonics, generator_terms};

struct Case {
    /// Highest degree of the filter.
    filter: usize,
    plan: CouplingPlan,
    aligned: AlignedPlan,
    edges: EdgeList,
    features: usize,
    vectors: Vec<f64>,
    angular: Vec<f64>,
    /// All arguments, the frames twice.
    args: [Vec<f64>; 6],
}

fn numbers(n: usize, seed: f64) -> Vec<f64> {
    (0..n).map(|i| (seed + 1.7 * i as f64).sin()).collect()
}

fn harmonics(vectors: &[f64], max_degree: usize, cartesian_order: bool) -> Vec<f64> {
    let kernel = SphericalHarmonics::<f64>::new(
        max_degree,
        cartesian_order,
        Normalization::Orthonormal,
        false,
    )
    .unwrap();
    let mut values = vec![0.0; vectors.len() / 3 * kernel.num_harmonics()];
    kernel.values(vectors, &mut values).unwrap();
    values
}

/// With a filter of degree 2.
fn case(
    second: (usize, usize),
    product: (usize, usize),
    cartesian_order: bool,
    features: usize,
) -> Case {
    filtered_case(2, [second, product], cartesian_order, features)
}

fn filtered_case(
    filter: usize,
    [second, product]: [(usize, usize); 2],
    cartesian_order: bool,
    features: usize,
) -> Case {
    let first = (1, filter);
    let plan = CouplingPlan::new(CouplingSpec {
        first,
        second,
        product,
        cartesian_order,
    })
    .unwrap();
    let scales: Vec<f64> = {
        let values = harmonics(&[0.0, 0.0, 1.0], filter, false);
        (0..=filter).map(|l| values[l * l + l]).collect()
    };
    let aligned = AlignedPlan::new(&plan, &scales).unwrap();
    // Unsorted, with a repeated edge, an isolated node and padding.
    let dst = vec![0, 3, 1, 0, 3, 3, u32::MAX, 1, 4];
    let src = vec![1, 0, 2, 1, 2, 1, 0, 0, 3];
    let edges = EdgeList::new(dst, src, 5, 4).unwrap();
    let mut vectors = numbers(3 * edges.len(), 0.3);
    // Along the axes, where frames are chosen differently.
    vectors[..9].copy_from_slice(&[0.0, 0.0, 2.0, 0.0, 0.0, -0.5, 1.0, 0.0, 0.0]);
    let frame = frames(&vectors, aligned.frame_degree(), cartesian_order).unwrap();
    let args = Slot::ALL.map(|slot| match slot {
        Slot::InputFrame | Slot::OutputFrame => frame.clone(),
        _ => {
            let len = slot.shape(&aligned, &edges, features).iter().product();
            numbers(len, slot as usize as f64)
        }
    });
    Case {
        filter,
        angular: harmonics(&vectors, filter, cartesian_order),
        vectors,
        plan,
        aligned,
        edges,
        features,
        args,
    }
}

fn cases() -> Vec<Case> {
    vec![
        case((1, 0), (1, 2), true, 5),
        case((2, 2), (2, 2), true, 33),
        case((2, 2), (2, 2), false, 16),
        case((2, 2), (1, 0), true, 3),
        case((1, 3), (2, 2), true, 1),
        case((2, 1), (2, 5), false, 17),
        case((2, 4), (2, 4), true, 2),
        case((2, 2), (2, 3), true, 64),
        case((2, 3), (1, 2), false, 40),
        case((2, 1), (2, 1), true, 32),
        case((1, 1), (2, 2), false, 64),
        case((2, 2), (1, 1), true, 48),
        case((1, 2), (1, 2), true, 16),
        // Pairs of irreps with up to five paths, and more orders than are computed at once.
        filtered_case(3, [(2, 3), (2, 3)], true, 20),
        filtered_case(5, [(2, 5), (1, 6)], false, 3),
        filtered_case(9, [(1, 8), (1, 9)], false, 1),
    ]
}

impl Case {
    fn gradients(&self, wanted: [bool; 6], args: [&[f64]; 6]) -> Vec<Vec<f64>> {
        aligned::gradients(&self.aligned, &self.edges, self.features, wanted, args).unwrap()
    }

    fn args(&self) -> [&[f64]; 6] {
        std::array::from_fn(|i| self.args[i].as_slice())
    }

    /// The derivative of the same sum as computed without frames.
    fn plain(&self, slot: message::Slot) -> Vec<f64> {
        let args = slot.others().map(|other| match other {
            message::Slot::Input => &self.args[0][..],
            message::Slot::Radial => &self.args[1],
            message::Slot::Weight => &self.args[2],
            message::Slot::Angular => &self.angular,
            message::Slot::Output => &self.args[5],
        });
        message::form(&self.plan, &self.edges, slot, self.features, args).unwrap()
    }
}

fn assert_close(a: &[f64], b: &[f64], tolerance: f64, what: &str) {
    assert_eq!(a.len(), b.len(), "{what}");
    let scale = b.iter().fold(1.0_f64, |max, x| max.max(x.abs()));
    for (i, (a, b)) in a.iter().zip(b).enumerate() {
        assert!(
            (a - b).abs() <= tolerance * scale,
            "{what}, entry {i}: {a} and {b}"
        );
    }
}

#[test]
fn first_derivatives_are_those_without_frames() {
    for case in cases() {
        let all = case.gradients([true; 6], case.args());
        for (slot, plain) in [
            (Slot::Input, message::Slot::Input),
            (Slot::Radial, message::Slot::Radial),
            (Slot::Weight, message::Slot::Weight),
            (Slot::Output, message::Slot::Output),
        ] {
            let what = format!("{slot:?}");
            assert_close(&all[slot as usize], &case.plain(plain), 1e-13, &what);
        }
    }
}

#[test]
fn turning_an_edge_changes_the_sum_as_without_frames() {
    for case in cases() {
        let order = case.aligned.cartesian_order();
        let all = case.gradients([true; 6], case.args());
        let frame: Vec<f64> = all[3].iter().zip(&all[4]).map(|(a, b)| a + b).collect();
        let turn = Turn::new(case.aligned.frame_degree(), order).unwrap();
        let torque = turn
            .form(TurnSlot::Velocity, [&case.args[3], &frame])
            .unwrap();
        let angular = case.plain(message::Slot::Angular);
        let size = (case.filter + 1) * (case.filter + 1);
        let mut expected = vec![0.0; torque.len()];
        for term in generator_terms(case.filter, order).unwrap().iter() {
            for e in 0..case.edges.len() {
                expected[3 * e + term.axis] += term.coefficient
                    * case.angular[e * size + term.row]
                    * angular[e * size + term.col];
            }
        }
        assert_close(&torque, &expected, 1e-13, "torque");

        let (plan, edges) = (&case.aligned, &case.edges);
        let less =
            aligned::gradients_for_torques(plan, edges, case.features, [true; 6], case.args())
                .unwrap();
        let frame: Vec<f64> = less[3].iter().zip(&less[4]).map(|(a, b)| a + b).collect();
        let args = [case.args[3].as_slice(), frame.as_slice()];
        let torque = turn.form(TurnSlot::Velocity, args).unwrap();
        // What turns an edge about itself may differ: it has no effect.
        let across = |torque: &[f64]| -> Vec<f64> {
            let pairs = torque.chunks_exact(3).zip(case.vectors.chunks_exact(3));
            pairs
                .flat_map(|(t, r)| {
                    (0..3)
                        .map(|i| t[(i + 1) % 3] * r[(i + 2) % 3] - t[(i + 2) % 3] * r[(i + 1) % 3])
                        .collect::<Vec<_>>()
                })
                .collect()
        };
        assert_close(&across(&torque), &across(&expected), 1e-13, "torques alone");
        for slot in [0, 1, 2, 5] {
            assert_close(&less[slot], &all[slot], 1e-14, "other slots");
        }
    }
}

#[test]
fn any_subset_of_derivatives_can_be_had() {
    // With code for low degrees and for all others.
    for case in [
        case((2, 2), (2, 2), true, 17),
        filtered_case(3, [(2, 2), (2, 4)], true, 33),
    ] {
        let all = case.gradients([true; 6], case.args());
        for subset in 1..64_usize {
            let wanted: [bool; 6] = std::array::from_fn(|i| subset >> i & 1 == 1);
            let mut args = case.args();
            if subset.is_power_of_two() {
                args[subset.trailing_zeros() as usize] = &[];
            }
            let some = case.gradients(wanted, args);
            let expected = all.iter().zip(wanted).filter(|&(_, wanted)| wanted);
            for (some, (expected, _)) in some.iter().zip(expected) {
                assert_close(some, expected, 1e-14, &format!("{wanted:?}"));
            }
        }
    }
}

/// The sum is linear in each argument, so that symmetric differences are exact.
#[test]
fn second_derivatives_are_differences_of_first_ones() {
    for case in cases() {
        let tangents: Vec<Vec<f64>> = (case.args.iter().zip(7..))
            .map(|(arg, seed)| numbers(arg.len(), f64::from(seed)))
            .collect();
        let mut total = vec![Vec::new(); 6];
        for i in 0..6 {
            let shifted = |sign: f64| {
                let tangent = tangents[i].iter().map(|u| sign * u);
                let arg: Vec<f64> = case.args[i]
                    .iter()
                    .zip(tangent)
                    .map(|(a, u)| a + u)
                    .collect();
                let mut args = case.args();
                args[i] = &arg;
                case.gradients([true; 6], args)
            };
            let expected: Vec<Vec<f64>> = (shifted(1.0).iter().zip(shifted(-1.0)))
                .map(|(plus, minus)| plus.iter().zip(minus).map(|(p, m)| (p - m) / 2.0).collect())
                .collect();
            let mut given = [None; 6];
            given[i] = Some(tangents[i].as_slice());
            let second = aligned::second(
                &case.aligned,
                &case.edges,
                case.features,
                [true; 6],
                case.args(),
                given,
            )
            .unwrap();
            for (j, (second, expected)) in second.iter().zip(&expected).enumerate() {
                assert_close(second, expected, 1e-13, &format!("tangent {i}, slot {j}"));
                total[j].resize(expected.len(), 0.0);
                total[j]
                    .iter_mut()
                    .zip(expected)
                    .for_each(|(sum, x)| *sum += x);
            }
        }
        let given = std::array::from_fn(|i| Some(tangents[i].as_slice()));
        for subset in [63_usize, 55, 39, 38, 33, 1, 2, 4, 8] {
            let wanted: [bool; 6] = std::array::from_fn(|i| subset >> i & 1 == 1);
            let second = aligned::second(
                &case.aligned,
                &case.edges,
                case.features,
                wanted,
                case.args(),
                given,
            )
            .unwrap();
            let expected = total.iter().zip(wanted).filter(|&(_, wanted)| wanted);
            for (second, (expected, _)) in second.iter().zip(expected) {
                assert_close(
                    second,
                    expected,
                    1e-13,
                    &format!("all tangents, {wanted:?}"),
                );
            }
        }
    }
}

/// More nodes than tasks, and sources far from destinations, so that sums at sources are a pass of
/// their own.
fn large_case(nodes: u32) -> Case {
    let dst: Vec<u32> = (0..nodes).flat_map(|i| [i; 3]).collect();
    let src: Vec<u32> = (0..3 * nodes).map(|e| (e * 97 + 13) % nodes).collect();
    case_with(dst, src, nodes)
}

/// Molecules of several sizes, nodes without edges and padding: tasks end where no edge goes across, if that is near.
fn molecules(sizes: &[u32]) -> Case {
    let (mut dst, mut src, mut first) = (vec![u32::MAX], vec![0], 0);
    for &size in sizes {
        for (i, j) in (0..size).flat_map(|i| (0..size).map(move |j| (i, j))) {
            if i != j {
                dst.push(first + i);
                src.push(first + j);
            }
        }
        first += size;
    }
    case_with(dst, src, first)
}

fn case_with(dst: Vec<u32>, src: Vec<u32>, nodes: u32) -> Case {
    let small = case((2, 2), (2, 2), true, 8);
    let edges = EdgeList::new(dst, src, nodes as usize, nodes as usize).unwrap();
    let vectors = numbers(3 * edges.len(), 0.1);
    let frame = frames(&vectors, 2, true).unwrap();
    let args = Slot::ALL.map(|slot| match slot {
        Slot::InputFrame | Slot::OutputFrame => frame.clone(),
        _ => numbers(slot.shape(&small.aligned, &edges, 8).iter().product(), 0.7),
    });
    Case {
        angular: harmonics(&vectors, small.filter, true),
        vectors,
        edges,
        args,
        ..small
    }
}

#[test]
fn large_graphs_and_small_numbers_agree() {
    let large = large_case(300);
    let all = large.gradients([true; 6], large.args());
    assert_close(&all[0], &large.plain(message::Slot::Input), 1e-13, "input");
    assert_close(
        &all[5],
        &large.plain(message::Slot::Output),
        1e-13,
        "output",
    );
    for case in cases().into_iter().chain([large]) {
        let args: Vec<Vec<f32>> = (case.args.iter())
            .map(|arg| arg.iter().map(|&x| f32::of(x)).collect())
            .collect();
        let args = std::array::from_fn(|i| args[i].as_slice());
        let (plan, edges) = (&case.aligned, &case.edges);
        let narrow = aligned::gradients(plan, edges, case.features, [true; 6], args).unwrap();
        for (a, b) in narrow.iter().zip(&case.gradients([true; 6], case.args())) {
            let a: Vec<f64> = a.iter().map(|&x| f64::from(x)).collect();
            assert_close(&a, b, 1e-5, "f32");
        }
    }
}

#[test]
fn molecules_of_a_batch_are_computed_like_any_graph() {
    let sizes = [9; 20];
    let mixed: Vec<u32> = (0..40).map(|i| [1, 12, 3, 7, 1, 25][i % 6]).collect();
    let one_large = [1, 150, 1];
    let ends_alone = [30, 30, 1, 1, 1];
    for sizes in [&sizes[..], &mixed, &one_large, &ends_alone, &[40]] {
        let case = molecules(sizes);
        let before = case.edges.clone();
        let all = case.gradients([true; 6], case.args());
        assert_eq!(case.edges, before, "what a pass keeps with the edges");
        for (slot, plain) in [
            (0, message::Slot::Input),
            (1, message::Slot::Radial),
            (2, message::Slot::Weight),
            (5, message::Slot::Output),
        ] {
            let what = format!("slot {slot} of molecules of {sizes:?}");
            assert_close(&all[slot], &case.plain(plain), 1e-13, &what);
        }
        let only = case.gradients([true, false, false, false, false, false], case.args());
        assert_close(&only[0], &all[0], 1e-14, "input alone");
    }
}

#[test]
fn results_have_the_same_bits_for_one_and_two_threads() {
    let large = large_case(600);
    let tangents: Vec<Vec<f64>> = (large.args.iter())
        .map(|arg| numbers(arg.len(), 0.4))
        .collect();
    let [one, two] = with_threads(|| {
        let first = large.gradients([true; 6], large.args());
        let given = std::array::from_fn(|i| Some(tangents[i].as_slice()));
        let (plan, edges, args) = (&large.aligned, &large.edges, large.args());
        let second = aligned::second(plan, edges, 8, [true; 6], args, given).unwrap();
        let all = first.iter().chain(&second).flatten();
        all.map(|x| x.to_bits()).collect::<Vec<_>>()
    });
    assert!(one == two);
}

#[test]
fn wrong_sizes_are_errors_and_no_edges_give_zeros() {
    let case = case((2, 1), (2, 1), true, 4);
    for i in 0..6 {
        let mut args = case.args();
        args[i] = &args[i][1..];
        let result = aligned::gradients(&case.aligned, &case.edges, 4, [true; 6], args);
        assert!(result.is_err());
        let result = aligned::second(&case.aligned, &case.edges, 4, [true; 6], args, [None; 6]);
        assert!(result.is_err());
    }
    assert!(AlignedPlan::new(&case.plan, &[1.0]).is_err());
    assert!(frames(&[1.0_f64, 2.0], 1, true).is_err());
    let none = EdgeList::new(vec![], vec![], 5, 4).unwrap();
    let mut args = case.args();
    (args[1], args[3], args[4]) = (&[], &[], &[]);
    let all = aligned::gradients(&case.aligned, &none, 4, [true; 6], args).unwrap();
    assert!(all.iter().flatten().all(|&x| x == 0.0));
    assert!(frames::<f32>(&[f32::NAN; 3], 2, true).unwrap()[1].is_nan());
}
