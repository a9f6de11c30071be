//! Numbers of inputs and outputs of kernels.

use crate::{Error, Result};

/// Fans of a kernel with axes of inputs and outputs; all other axes are a receptive field.
pub(super) fn axis_fans(shape: &[usize], in_axis: isize, out_axis: isize) -> Result<(f64, f64)> {
    let find = |name: &'static str, axis: isize| {
        let found = match usize::try_from(axis) {
            Ok(axis) => Some(axis),
            Err(_) => shape.len().checked_sub(axis.unsigned_abs()),
        };
        found.filter(|&axis| axis < shape.len()).ok_or_else(|| {
            Error::argument(
                name,
                format!("an axis of shape {shape:?}"),
                axis.to_string(),
            )
        })
    };
    let (input, output) = (find("in_axis", in_axis)?, find("out_axis", out_axis)?);
    if input == output {
        return Err(Error::argument(
            "out_axis",
            "another axis than in_axis",
            format!("axis {output} of shape {shape:?} for both"),
        ));
    }
    // A receptive field times the inputs: everything but the outputs, and the other way round.
    let all_but = |skip: usize| -> f64 {
        let sizes = shape.iter().enumerate().filter(|(axis, _)| *axis != skip);
        sizes.map(|(_, &size)| size as f64).product()
    };
    Ok((all_but(output), all_but(input)))
}

/// A parity index, a degree and the parity (0: even, 1: odd) of the entries there.
type Entry = (usize, usize, usize);

/// Entries of one argument of a tensor product. Without a second parity channel, degree l is stored
/// with parity (-1)^l.
fn entries(parities: usize, degrees: usize) -> Vec<Entry> {
    let at = |p: usize| {
        move |l: usize| {
            let parity = if parities == 1 { l % 2 } else { p };
            (p, l, parity)
        }
    };
    (0..parities)
        .flat_map(|p| (0..degrees).map(at(p)))
        .collect()
}

/// Whether parities multiply and degrees fulfil the triangle inequality.
fn allowed(a: Entry, b: Entry, c: Entry) -> bool {
    (a.2 + b.2) % 2 == c.2 && a.1.abs_diff(b.1) <= c.1 && c.1 <= a.1 + b.1
}

/// Fans of every path of a tensor product kernel `(P1, L1+1, P2, L2+1, P3, L3+1, F)` in C order,
/// `None` for paths that do not exist: the number of paths into the same output, and out of the
/// same pair of inputs.
pub(super) fn tensor_fans(shape: &[usize]) -> Result<Vec<Option<(f64, f64)>>> {
    let &[p1, l1, p2, l2, p3, l3, _features] = shape else {
        return Err(Error::argument(
            "shape",
            "seven axes (P1, L1+1, P2, L2+1, P3, L3+1, F)",
            format!("{shape:?}"),
        ));
    };
    if [p1, p2, p3].iter().any(|p| !(1..=2).contains(p)) {
        return Err(Error::argument(
            "shape",
            "1 or 2 for the axes of parities (0, 2 and 4)",
            format!("{shape:?}"),
        ));
    }
    let (first, second, third) = (entries(p1, l1), entries(p2, l2), entries(p3, l3));
    let into = |c: Entry| {
        let pairs = first
            .iter()
            .flat_map(|&a| second.iter().map(move |&b| (a, b)));
        pairs.filter(|&(a, b)| allowed(a, b, c)).count() as f64
    };
    let fans_in: Vec<f64> = third.iter().map(|&c| into(c)).collect();
    let mut fans = Vec::with_capacity(first.len() * second.len() * third.len());
    for &a in &first {
        for &b in &second {
            let fan_out = third.iter().filter(|&&c| allowed(a, b, c)).count() as f64;
            for (&c, &fan_in) in third.iter().zip(&fans_in) {
                fans.push(allowed(a, b, c).then_some((fan_in, fan_out)));
            }
        }
    }
    Ok(fans)
}
