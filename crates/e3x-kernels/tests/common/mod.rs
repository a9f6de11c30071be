//! What the tests of the kernels share: numbers, comparison, and the terms of a tensor product
//! written as plainly as possible.
#![allow(dead_code)] // Every test binary uses a part.

use e3x_kernels::{CouplingPlan, CouplingSpec, EdgeList, Error, Real, Result};

/// Numbers in [-1, 1) that look random, the same for the same seed (`SplitMix64`).
pub struct Noise(u64);

impl Noise {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x1234_5678)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    pub fn value(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }

    pub fn values(&mut self, n: usize) -> Vec<f64> {
        (0..n).map(|_| self.value()).collect()
    }
}

/// Rounds to a precision and back, so that the reference sees what the kernel sees.
pub fn rounded<T: Real>(x: &[f64]) -> (Vec<T>, Vec<f64>) {
    let narrow: Vec<T> = x.iter().map(|&x| T::of(x)).collect();
    let wide = narrow.iter().map(|x| x.to_f64()).collect();
    (narrow, wide)
}

/// Checks `|actual - expected| <= tolerance * max(1, largest expected)` for every element.
#[track_caller]
pub fn assert_close<T: Real>(what: &str, actual: &[T], expected: &[f64], tolerance: f64) {
    assert_eq!(actual.len(), expected.len(), "{what}: length");
    let scale = expected.iter().fold(1.0f64, |m, x| m.max(x.abs()));
    for (i, (a, &e)) in actual.iter().zip(expected).enumerate() {
        let error = (a.to_f64() - e).abs();
        assert!(
            error <= tolerance * scale,
            "{what}: element {i} is {}, expected {e} (error {error:e}, scale {scale})",
            a.to_f64(),
        );
    }
}

/// Checks that a result is an error about this argument.
#[track_caller]
pub fn assert_names<T: std::fmt::Debug>(result: Result<T>, argument: &str) {
    match result {
        Err(Error::Argument { argument: name, .. }) => assert_eq!(name, argument),
        other => panic!("expected an error about '{argument}', received {other:?}"),
    }
}

/// Runs `f` on pools of one and of two threads. Work is only split if it is large: more than a million
/// multiply-adds.
pub fn with_threads<R: Send>(f: impl Fn() -> R + Sync) -> [R; 2] {
    [1, 2].map(|n| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(n).build();
        pool.unwrap().install(&f)
    })
}

/// One term of the sum, found by brute force over all entries of the three features.
#[derive(Debug, Clone, Copy)]
pub struct PlainTerm {
    pub row1: usize,
    pub row2: usize,
    pub row3: usize,
    pub weight: usize,
    /// Degree of the first factor, and entry without parity.
    pub degree1: usize,
    pub entry1: usize,
    pub value: f64,
}

/// Parity index, degree, entry and oddness of every row of features.
fn rows((parity, max_degree): (usize, usize)) -> Vec<(usize, usize, usize, bool)> {
    let size = (max_degree + 1).pow(2);
    let row = |r: usize| {
        let (p, entry) = (r / size, r % size);
        let l = entry.isqrt();
        (p, l, entry, if parity == 2 { p == 1 } else { l % 2 == 1 })
    };
    (0..parity * size).map(row).collect()
}

/// All terms of a tensor product from the dense block of Clebsch-Gordan coefficients: a triple
/// loop over the rows, and the rule that parities multiply.
pub fn plain_terms(spec: &CouplingSpec) -> Vec<PlainTerm> {
    let [l1, l2, l3] = [spec.first.1, spec.second.1, spec.product.1];
    let dense = e3x_so3::clebsch_gordan(l1, l2, l3, spec.cartesian_order).unwrap();
    let (size2, size3) = ((l2 + 1).pow(2), (l3 + 1).pow(2));
    let mut terms = Vec::new();
    for (row1, &(p1, l1, i, odd1)) in rows(spec.first).iter().enumerate() {
        for (row2, &(p2, l2, j, odd2)) in rows(spec.second).iter().enumerate() {
            for (row3, &(p3, l3, k, odd3)) in rows(spec.product).iter().enumerate() {
                let value = dense[(i * size2 + j) * size3 + k];
                if value == 0.0 || odd3 != (odd1 != odd2) {
                    continue;
                }
                // The row of E3x's kernel (P1, L1+1, P2, L2+1, P3, L3+1, F) in C order.
                let mut weight = p1 * (spec.first.1 + 1) + l1;
                weight = (weight * spec.second.0 + p2) * (spec.second.1 + 1) + l2;
                weight = (weight * spec.product.0 + p3) * (spec.product.1 + 1) + l3;
                terms.push(PlainTerm {
                    row1,
                    row2,
                    row3,
                    weight,
                    degree1: l1,
                    entry1: i,
                    value,
                });
            }
        }
    }
    terms
}

pub fn plan_of(spec: CouplingSpec) -> CouplingPlan {
    CouplingPlan::new(spec).unwrap()
}

pub fn spec(
    first: (usize, usize),
    second: (usize, usize),
    product: (usize, usize),
    cartesian_order: bool,
) -> CouplingSpec {
    CouplingSpec {
        first,
        second,
        product,
        cartesian_order,
    }
}

/// Parities 1 and 2, degrees 0 to 3, both orders; `first_parity` fixes that of the first factor.
pub fn random_spec(noise: &mut Noise, first_parity: Option<usize>) -> CouplingSpec {
    let mut irreps = || (1 + noise.below(2), noise.below(4));
    let (mut first, second, product) = (irreps(), irreps(), irreps());
    if let Some(parity) = first_parity {
        first.0 = parity;
    }
    spec(first, second, product, noise.below(2) == 0)
}

/// Edges between random nodes; about one in five is padding if asked for.
pub fn random_edges(noise: &mut Noise, len: usize, dst: usize, src: usize, pad: bool) -> EdgeList {
    let destination = |noise: &mut Noise| {
        if pad && noise.below(5) == 0 {
            e3x_kernels::edges::PADDING
        } else {
            noise.below(dst) as u32
        }
    };
    let to = (0..len).map(|_| destination(noise)).collect();
    let from = (0..len).map(|_| noise.below(src) as u32).collect();
    EdgeList::new(to, from, dst, src).unwrap()
}
