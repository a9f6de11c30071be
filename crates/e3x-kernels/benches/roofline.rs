//! How close kernels come to what the processor can do, on one thread, f32, F = 32.
//!
//! `cargo bench -p e3x-kernels --bench roofline` prints a table; with `-- WORDS` only of kernels whose name has these
//! words. Multiply-adds are those that the algorithm needs (a product or a sum alone counts as one), bytes those of all arguments and results, once. The limit is the larger of
//! multiply-adds over the measured peak and bytes over the measured bandwidth of a copy. Peak and bandwidth are measured
//! beside every kernel, as the clock of shared machines changes.

#[path = "common/fused.rs"]
mod fused_products;
#[path = "common/messages.rs"]
mod messages;
#[path = "common/products.rs"]
mod products;

use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::{Duration, Instant};

use e3x_kernels::CouplingPlan;
use e3x_kernels::aligned;
use e3x_kernels::coupling;
use e3x_kernels::dense::{self, DensePlan};
use e3x_kernels::fused;
use messages::numbers;
use products::{FEATURES, ITEMS};
use pulp::{Simd, WithSimd};

const ROUNDS: usize = 9;

/// Time of each round of a measurement.
const ROUND: Duration = Duration::from_millis(60);

fn main() {
    e3x_kernels::process::keep_freed_memory();
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build_global();
    if let Err(error) = pool {
        eprintln!("one thread: {error}");
    }
    println!(
        "instructions: {}\n",
        e3x_so3::Instructions::of_process().name()
    );
    println!("| kernel | million multiply-adds | MB | limit | measured | share of the limit |");
    println!("|---|---|---|---|---|---|");
    for max_degree in [1, 2, 4, 6] {
        message_passing(max_degree);
    }
    for parity in [1, 2] {
        for max_degree in [2, 4, 6] {
            tensor(parity, max_degree);
        }
    }
    for (parity, max_degree) in [(1, 6), (2, 4), (2, 6)] {
        fused_tensor(parity, max_degree);
    }
    for max_degree in [2, 4] {
        dense_layer(max_degree);
    }
}

/// A kernel with what it has to do.
struct Work {
    name: String,
    multiply_adds: usize,
    bytes: usize,
}

impl Work {
    fn report(&self, mut run: impl FnMut()) {
        let words = std::env::args()
            .skip(1)
            .filter(|word| !word.starts_with("--"));
        if !words.into_iter().all(|word| self.name.contains(&word)) {
            return;
        }
        let mut rounds: Vec<[f64; 3]> = (0..ROUNDS)
            .map(|_| {
                let limit =
                    (self.multiply_adds as f64 / peak()).max(self.bytes as f64 / bandwidth());
                let measured = seconds(&mut run);
                [limit / measured, limit, measured]
            })
            .collect();
        rounds.sort_by(|a, b| a[0].total_cmp(&b[0]));
        let [share, limit, measured] = rounds[ROUNDS / 2];
        println!(
            "| {} | {:.2} | {:.2} | {:.3} ms | {:.3} ms | {:.0} % ({:.0} - {:.0}) |",
            self.name,
            self.multiply_adds as f64 / 1e6,
            self.bytes as f64 / 1e6,
            limit * 1e3,
            measured * 1e3,
            share * 100.0,
            rounds[0][0] * 100.0,
            rounds[ROUNDS - 1][0] * 100.0,
        );
    }
}

/// Time of one call, the mean over a round.
fn seconds(run: &mut impl FnMut()) -> f64 {
    let start = Instant::now();
    let mut calls = 0;
    while calls == 0 || start.elapsed() < ROUND {
        run();
        calls += 1;
    }
    start.elapsed().as_secs_f64() / f64::from(calls)
}

/// Multiply-adds per second: independent sums in registers.
fn peak() -> f64 {
    let mut lanes = 0;
    let time = seconds(&mut || lanes = black_box(e3x_so3::arch().dispatch(Sums)).0);
    (SUMS * STEPS * lanes) as f64 / time
}

const SUMS: usize = 12;
const STEPS: usize = 1000;

/// Some independent sums; gives the width of a register and a number that depends on all of them.
struct Sums;

impl WithSimd for Sums {
    type Output = (usize, f32);

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> (usize, f32) {
        let factor = simd.splat_f32s(black_box(0.999));
        let term = simd.splat_f32s(black_box(1e-3));
        let mut sums = [term; SUMS];
        for _ in 0..STEPS {
            for sum in &mut sums {
                *sum = simd.mul_add_f32s(*sum, factor, term);
            }
        }
        let mut total = 0.0;
        for sum in sums {
            total += simd.reduce_sum_f32s(sum);
        }
        (S::F32_LANES, total)
    }
}

/// Bytes per second of a copy, read and written.
fn bandwidth() -> f64 {
    thread_local! {
        static BUFFERS: (Vec<u8>, std::cell::RefCell<Vec<u8>>) = (vec![1; 1 << 26], vec![2; 1 << 26].into());
    }
    BUFFERS.with(|(from, to)| {
        let time =
            seconds(&mut || black_box(&mut *to.borrow_mut()).copy_from_slice(black_box(from)));
        2.0 * from.len() as f64 / time
    })
}

fn bytes(values: &[Vec<f32>]) -> usize {
    4 * values.iter().map(Vec::len).sum::<usize>()
}

/// Message passing.
fn message_passing(max_degree: usize) {
    use aligned::Slot::{Input, InputFrame, Output, OutputFrame, Radial, Weight};
    let case = messages::Case::new(max_degree);
    let counts = AlignedCounts::new(&case.plan, max_degree);
    let kernels = [
        ("messages", counts.messages(), &[Output][..]),
        (
            "gradients for forces",
            counts.forces(),
            &[Input, Radial, InputFrame, OutputFrame],
        ),
        (
            "gradients for parameters",
            counts.parameters(),
            &[Input, Radial, Weight],
        ),
    ];
    for (name, count, slots) in kernels {
        let wanted = aligned::Slot::ALL.map(|slot| slots.contains(&slot));
        let run = || case.gradients(wanted);
        let work = Work {
            name: format!("message passing, L = {max_degree}: {name}"),
            multiply_adds: count * case.edges.len() * FEATURES,
            bytes: bytes(&case.args) + bytes(&run()),
        };
        work.report(|| {
            black_box(run());
        });
    }
}

/// Highest degree with code of known size.
const LOW: usize = 2;

/// Multiply-adds for one edge and feature.
struct AlignedCounts {
    /// One side into the frame, or out of it; both sides are alike here.
    turn: usize,
    paths: usize,
    /// Products of weights and something of the edge that gains, or what filters get alone, take for each path. At low
    /// degrees weights times coefficients are the same for all edges.
    weighted: usize,
    /// Coefficients of paths and |m|.
    coefficients: usize,
    /// Products of a row of the input and one of the output.
    couplings: usize,
}

impl AlignedCounts {
    fn new(plan: &CouplingPlan, max_degree: usize) -> Self {
        let mut pairs: BTreeMap<(usize, usize), (usize, [usize; 3])> = BTreeMap::new();
        for path in plan.paths() {
            let degrees = plan.blocks()[path.block].degrees;
            pairs
                .entry((path.row2, path.row3))
                .or_insert((0, degrees))
                .0 += 1;
        }
        let (mut coefficients, mut couplings) = (0, 0);
        for (paths, [l1, l2, l3]) in pairs.into_values() {
            let odd = (l1 + l2 + l3) % 2;
            let orders = l2.min(l3) + 1 - odd;
            coefficients += paths * orders;
            couplings += 2 * orders - (1 - odd);
        }
        Self {
            turn: 2 * (0..=max_degree).map(|l| (2 * l + 1).pow(2)).sum::<usize>(),
            paths: plan.paths().len(),
            weighted: if max_degree > LOW {
                plan.paths().len()
            } else {
                0
            },
            coefficients,
            couplings,
        }
    }

    /// Weights times filter, and their sums over the paths of a pair.
    fn gains(&self) -> usize {
        self.weighted + self.coefficients
    }

    fn messages(&self) -> usize {
        2 * self.turn + self.gains() + self.couplings
    }

    fn forces(&self) -> usize {
        // What filters get: products of rows, their sums over |m|, times weights.
        let filters = self.couplings + self.coefficients + self.weighted;
        // Both ends into the frame, the input back, and the outer products of both.
        5 * self.turn + filters + self.gains() + 2 * self.couplings
    }

    fn parameters(&self) -> usize {
        // What filters and weights get: products of rows, their sums over |m|, times weights and times the filter.
        let both = self.couplings + self.coefficients + 2 * self.paths;
        3 * self.turn + both + self.gains() + self.couplings
    }
}

/// Tensor products, sides of equal size.
fn tensor(parity: usize, max_degree: usize) {
    let case = products::Case::new(parity, max_degree);
    let plan = &case.plan;
    let [products, terms, outs] = order_counts(plan).map(|count| count * parity * parity);
    let kernels = [
        (
            "product",
            // Weights times coefficients are the same for all items.
            products + terms,
            [false, false, false, true],
        ),
        (
            "gradients",
            // One factor as the product; the other one together with the weights.
            2 * (products + terms + outs),
            [true, true, true, false],
        ),
    ];
    for (name, count, wanted) in kernels {
        let run = || coupling::gradients(plan, ITEMS, FEATURES, wanted, case.args()).unwrap();
        let work = Work {
            name: format!("tensor product, parity {parity}, L = {max_degree}: {name}"),
            multiply_adds: count * ITEMS * FEATURES,
            bytes: bytes(&case.args) + bytes(&run()),
        };
        work.report(|| {
            black_box(run());
        });
    }
}

/// Multiply-adds for one item, feature and pair of parities: complex products that lead to the same |m|, what
/// takes them to the degrees of the product, and products with weights there. The numbers are the same for any two
/// of the three arguments as factors.
fn order_counts(plan: &CouplingPlan) -> [usize; 3] {
    let mut counts = [0; 3];
    for blocks in plan
        .blocks()
        .chunk_by(|a, b| a.degrees[..2] == b.degrees[..2])
    {
        let [l1, l2] = [blocks[0].degrees[0], blocks[0].degrees[1]];
        let sum = |l3: usize| l1 + l2 + l3;
        let outs = |m: usize, odd: usize| {
            let reaches = |l3: usize| l3 >= m && sum(l3) % 2 == odd;
            blocks.iter().filter(|b| reaches(b.degrees[2])).count()
        };
        let both = l1.min(l2);
        // m = 0: real parts for even, imaginary parts for odd sums of the degrees.
        let [even, odd] = [outs(0, 0), outs(0, 1)];
        counts[0] += if even > 0 { 1 + 2 * both } else { 0 };
        counts[0] += if odd > 0 { 2 * both } else { 0 };
        counts[1] += (1 + both) * even + both * odd;
        counts[2] += even + odd;
        for m in 1..=l1 + l2 {
            let outs = outs(m, 0) + outs(m, 1);
            if outs == 0 {
                continue;
            }
            let pairs = -(l1 as isize)..=l1 as isize;
            let second = |m1: isize| (m as isize - m1).unsigned_abs();
            let pairs: Vec<isize> = pairs.filter(|&m1| second(m1) <= l2).collect();
            // A real factor saves half of a complex product.
            let real = |&&m1: &&isize| m1 == 0 || second(m1) == 0;
            counts[0] += 4 * pairs.len() - 2 * pairs.iter().filter(real).count();
            counts[1] += 2 * pairs.len() * outs;
            counts[2] += 2 * outs;
        }
    }
    counts
}

/// Fused tensor products, sides of equal size.
fn fused_tensor(parity: usize, max_degree: usize) {
    let case = fused_products::Case::new(parity, max_degree);
    let products = 4 * case.plan.order().pow(3);
    // To matrices and back.
    let turns = case.plan.multiply_adds() - products;
    let product = [false, false, true, false, false, false];
    for (name, count, wanted) in [
        ("product", turns + products, product),
        (
            "gradients",
            2 * turns + 3 * products,
            fused_products::GRADIENTS,
        ),
    ] {
        let run = || fused::gradients(&case.plan, ITEMS, FEATURES, wanted, case.args()).unwrap();
        let work = Work {
            name: format!("fused tensor product, parity {parity}, L = {max_degree}: {name}"),
            multiply_adds: count * ITEMS * FEATURES,
            bytes: bytes(&case.args) + bytes(&run()),
        };
        work.report(|| {
            black_box(run());
        });
    }
}

/// A dense layer, both parities.
fn dense_layer(max_degree: usize) {
    let plan = DensePlan {
        parity: 2,
        max_degree,
        in_features: FEATURES,
        out_features: FEATURES,
    };
    let args = [dense::Slot::Input, dense::Slot::Weight].map(|slot| {
        let len = slot.shape(&plan, ITEMS).iter().product();
        numbers(len, slot as usize as f32)
    });
    let run = || dense::form(&plan, dense::Slot::Output, ITEMS, [&args[0], &args[1]]).unwrap();
    let work = Work {
        name: format!("dense layer, L = {max_degree}: values"),
        multiply_adds: args[0].len() * FEATURES,
        bytes: bytes(&args) + 4 * run().len(),
    };
    work.report(|| {
        black_box(run());
    });
}
