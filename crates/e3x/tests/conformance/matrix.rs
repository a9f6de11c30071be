//! Operations of `e3x.matrix`.

use candle_core::Tensor;
use e3x::matrix;

use crate::case::{CPU, Case, Outputs, Result};
use crate::registry::Function;

pub fn find(name: &str) -> Option<Function> {
    Some(match name {
        "combine_irreps" => |case| {
            precision(case)?;
            let weights = case.list("weights")?;
            Ok(matrix::combine_irreps(&case.input("inputs")?, &weights)?.into())
        },
        "compute_side_lengths" => |case| {
            let degrees: Vec<usize> = case.args.required("degrees")?;
            integers(&matrix::compute_side_lengths(&degrees)?)
        },
        "get_traces" => |case| {
            let (ls, mult): (Vec<_>, _) = (case.args.required("ls")?, case.args.required("mult")?);
            let shift_by_id = case.args.required("shift_by_id")?;
            Ok(matrix::get_traces(&case.input("mat")?, &ls, mult, shift_by_id)?.into())
        },
        "make_dict_irreps_mult" => make_dict_irreps_mult,
        "make_rectangular_matrix" => make_rectangular_matrix,
        "make_square_matrix" => make_square_matrix,
        _ => return None,
    })
}

/// There is only one.
fn precision(case: &Case) -> Result<()> {
    case.args.required::<String>("precision")?;
    Ok(())
}

fn integers(values: &[usize]) -> Result<Outputs> {
    let values: Vec<_> = values.iter().map(|&x| x as i64).collect();
    Ok(Tensor::new(values, &CPU)?.into())
}

fn make_dict_irreps_mult(case: &Case) -> Result<Outputs> {
    let degrees: Vec<usize> = case.args.required("degrees")?;
    let numbers = matrix::make_dict_irreps_mult(&degrees, case.args.get("max_degree")?)?;
    let rows = numbers
        .iter()
        .flat_map(|(&l, &number)| [l as i64, number as i64]);
    Ok(Tensor::from_vec(rows.collect(), (numbers.len(), 2), &CPU)?.into())
}

fn make_rectangular_matrix(case: &Case) -> Result<Outputs> {
    precision(case)?;
    let [a, b, mult] = ["a", "b", "mult"].map(|name| case.args.required(name));
    let idx: Vec<usize> = case.args.required("idx")?;
    let irreps = case.list("irreps")?;
    let (block, next) =
        matrix::make_rectangular_matrix(&irreps, &idx, a?, b?, &case.input("cg")?, mult?)?;
    let next: Vec<_> = next.iter().map(|&i| i as i64).collect();
    Ok(vec![block, Tensor::new(next, &CPU)?].into())
}

fn make_square_matrix(case: &Case) -> Result<Outputs> {
    precision(case)?;
    let degrees: Vec<usize> = case.args.required("degrees")?;
    let [mult, max_degree] = ["mult", "max_degree"].map(|name| case.args.required(name));
    let shift_by_id = case.args.required("shift_by_id")?;
    let irreps = case.list("irreps")?;
    Ok(matrix::make_square_matrix(&irreps, &degrees, mult?, max_degree?, shift_by_id)?.into())
}
