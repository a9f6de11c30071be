//! Work that is split: the same bits for one and two threads, and when the caller is no thread of the pool.

mod common;

use common::{Noise, with_threads};
use e3x_kernels::Segments;
use e3x_kernels::gate::{self, GateShape};
use e3x_kernels::radial::{Argument, Family, Functions};
use e3x_kernels::scalar::Scalar;

/// Runs `f` on one and on two threads of a pool and from outside of any.
fn assert_same(f: impl Fn() -> Vec<f64> + Sync) {
    let [one, two] = with_threads(&f);
    assert!(!one.is_empty());
    assert_eq!(one, two);
    assert_eq!(one, f());
}

#[test]
fn functions_of_one_variable() {
    let x = Noise::new(1).values(10_000);
    assert_same(|| Scalar::Sigmoid.evaluate(2, &x).unwrap());
    assert_same(|| {
        let (values, slopes) = Scalar::Sigmoid.value_and_slope(&x);
        [values, slopes].concat()
    });
}

#[test]
fn sets_of_functions() {
    let functions = Functions {
        family: Family::Bernstein,
        num: 16,
        order: 1,
        argument: Argument {
            divisor: 2.0,
            offset: 0.5,
        },
    };
    let x = Noise::new(2).values(3000);
    assert_same(|| functions.evaluate(&x).unwrap());
    assert_same(|| functions.weighted(&x, &x).unwrap());
}

#[test]
fn gates() {
    // The last task is smaller than the others.
    let shape = GateShape {
        items: 1001,
        rows: 9,
        width: 32,
    };
    let s = Noise::new(3).values(shape.items * shape.width);
    let x = Noise::new(4).values(shape.items * shape.rows * shape.width);
    assert_same(|| gate::multiply(shape, &s, &x).unwrap());
    assert_same(|| gate::contract(shape, &x, &x).unwrap());
}

#[test]
fn reductions() {
    let (entries, rows, width) = (5003, 700, 32);
    let mut noise = Noise::new(5);
    let index = (0..entries).map(|_| noise.below(rows) as u32).collect();
    let segments = Segments::new(index, rows).unwrap();
    let x = noise.values(entries * width);
    assert_same(|| segments.sum(&x, width).unwrap());
}
