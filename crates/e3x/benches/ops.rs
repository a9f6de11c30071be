//! Operations on 100,000 edges with 32 features beside a copy: `cargo bench -p e3x`.
//!
//! Their speed is that of memory. What counts is the number of bytes per second, of all that an operation has to read
//! and to write once, relative to that of `copy`, which like all others returns a new tensor.

use candle_core::{DType, Device, Result, Tensor};
use divan::Bencher;
use divan::counter::BytesCount;
use e3x::ops::{self, Graph};

const NODES: usize = 5_000;
const EDGES: usize = 100_000;
const FEATURES: usize = 32;

const DTYPES: [DType; 2] = [DType::F32, DType::F64];

fn main() {
    divan::main();
}

/// Features of so many edges or nodes.
fn features(rows: usize, dtype: DType) -> Tensor {
    let values = (0..rows * FEATURES).map(|i| ((i * 7919) % 1013) as f32 / 1013.0 - 0.5);
    let make = || -> Result<Tensor> {
        Tensor::from_iter(values, &Device::Cpu)?
            .reshape((rows, FEATURES))?
            .to_dtype(dtype)
    };
    make().unwrap()
}

/// Edges sorted by destination, from sources all over the place.
fn graph() -> Graph {
    let dst: Vec<_> = (0..EDGES).map(|e| (e * NODES / EDGES) as u32).collect();
    let src: Vec<_> = (0..EDGES)
        .map(|e| ((e * 7919 + e / 3) % NODES) as u32)
        .collect();
    Graph::from_indices(&dst, &src, NODES).unwrap()
}

/// Times an operation on `rows` rows that reads and writes `num` numbers.
fn bench(
    bencher: Bencher<'_, '_>,
    dtype: DType,
    rows: usize,
    num: usize,
    operation: impl Fn(&Tensor, &Graph) -> e3x::Result<Tensor>,
) {
    let (x, graph) = (features(rows, dtype), graph());
    bencher
        .counter(BytesCount::new(num * dtype.size_in_bytes()))
        .bench_local(|| operation(&x, &graph));
}

const ALL: usize = EDGES * FEATURES;

#[divan::bench(args = DTYPES)]
fn copy(bencher: Bencher<'_, '_>, dtype: DType) {
    bench(bencher, dtype, EDGES, 2 * ALL, |x, _| Ok(x.copy()?));
}

#[divan::bench(args = DTYPES)]
fn norm(bencher: Bencher<'_, '_>, dtype: DType) {
    bench(bencher, dtype, EDGES, ALL + EDGES, |x, _| {
        ops::norm(x, Some(&[-1]), false)
    });
}

#[divan::bench(args = DTYPES)]
fn normalize(bencher: Bencher<'_, '_>, dtype: DType) {
    bench(bencher, dtype, EDGES, 2 * ALL, |x, _| {
        ops::normalize(x, Some(&[-1]))
    });
}

#[divan::bench(args = DTYPES)]
fn gather_src(bencher: Bencher<'_, '_>, dtype: DType) {
    bench(
        bencher,
        dtype,
        NODES,
        ALL + NODES * FEATURES,
        ops::gather_src,
    );
}

#[divan::bench(args = DTYPES)]
fn indexed_sum(bencher: Bencher<'_, '_>, dtype: DType) {
    bench(bencher, dtype, EDGES, ALL + NODES * FEATURES, |x, graph| {
        ops::indexed_sum(x, graph, false)
    });
}

#[divan::bench(args = DTYPES)]
fn indexed_max(bencher: Bencher<'_, '_>, dtype: DType) {
    bench(bencher, dtype, EDGES, ALL + NODES * FEATURES, |x, graph| {
        ops::indexed_max(x, graph, false)
    });
}

#[divan::bench(args = DTYPES)]
fn indexed_softmax(bencher: Bencher<'_, '_>, dtype: DType) {
    bench(bencher, dtype, EDGES, 2 * ALL, |x, graph| {
        ops::indexed_softmax(x, graph, None)
    });
}
