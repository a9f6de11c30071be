//! Which paths a coupling plan has, and what it refuses.

mod common;

use std::collections::BTreeSet;

use common::{Noise, assert_names, plain_terms, plan_of, random_spec, spec};
use e3x_kernels::{CouplingPlan, CouplingSpec};

/// The terms of all paths are exactly the non-zero products of the dense coefficients.
#[test]
fn terms_are_those_of_the_dense_coefficients() {
    let mut noise = Noise::new(2);
    for _ in 0..20 {
        let spec = random_spec(&mut noise, None);
        let plan = plan_of(spec);
        let mut terms = BTreeSet::new();
        for path in plan.paths() {
            for t in &plan.blocks()[path.block].terms {
                let rows = [
                    path.row1 + t.i as usize,
                    path.row2 + t.j as usize,
                    path.row3 + t.k as usize,
                ];
                assert!(
                    terms.insert((rows, path.weight, t.value.to_bits())),
                    "twice: {rows:?} of {spec:?}"
                );
            }
        }
        let plain = plain_terms(&spec);
        let expected: BTreeSet<_> = plain
            .iter()
            .map(|t| ([t.row1, t.row2, t.row3], t.weight, t.value.to_bits()))
            .collect();
        assert_eq!(terms, expected, "{spec:?}");
    }
}

#[test]
fn sizes_are_those_of_e3x() {
    let plan = plan_of(spec((1, 2), (2, 1), (2, 3), true));
    assert_eq!(plan.rows1(), 9);
    assert_eq!(plan.rows2(), 8);
    assert_eq!(plan.rows3(), 32);
    assert_eq!(plan.kernel_shape(), [1, 3, 2, 2, 2, 4]);
    assert_eq!(plan.weight_rows(), 96);
    assert_eq!(plan.spec().product, (2, 3));
}

#[test]
fn every_path_has_a_weight_of_its_own() {
    let mut noise = Noise::new(4);
    for _ in 0..10 {
        let plan = plan_of(random_spec(&mut noise, None));
        let weights: BTreeSet<_> = plan.paths().iter().map(|path| path.weight).collect();
        assert_eq!(weights.len(), plan.paths().len());
        assert!(weights.iter().all(|&w| w < plan.weight_rows()));
    }
}

#[test]
fn matrices_of_blocks_do_not_overlap() {
    let plan = plan_of(spec((1, 3), (2, 2), (2, 3), true));
    let mut next = 0;
    for block in plan.blocks() {
        assert_eq!(block.matrix, next);
        next += (2 * block.degrees[1] + 1) * (2 * block.degrees[2] + 1);
    }
    assert_eq!(plan.matrices_len(), next);
}

#[test]
fn bad_parities_and_degrees_are_errors() {
    let good = spec((1, 1), (2, 1), (2, 1), true);
    for parity in [0, 3, usize::MAX] {
        let bad = CouplingSpec {
            first: (parity, 1),
            ..good
        };
        assert_names(CouplingPlan::new(bad), "first");
        let bad = CouplingSpec {
            second: (parity, 1),
            ..good
        };
        assert_names(CouplingPlan::new(bad), "second");
        let bad = CouplingSpec {
            product: (parity, 1),
            ..good
        };
        assert_names(CouplingPlan::new(bad), "product");
    }
    let limit = e3x_so3::MAX_CLEBSCH_GORDAN_DEGREE;
    let too_large = spec((1, 0), (1, limit + 1), (1, limit + 1), true);
    assert_names(CouplingPlan::new(too_large), "max_degree");
}
