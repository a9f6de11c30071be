//! `Embed` and `lookup`: values, derivatives, dtypes, bad input.

mod support;

use candle_core::{DType, Tensor};
use e3x::Result;
use e3x::nn::{Embed, Initializer, Parameters, lookup};
use e3x::testing::{GradientCheck, Items, assert_gradients_with, assert_permutation, random};
use support::{CPU, assert_close, assert_error, flat, indices, names_of, shape, values_of, zeros};

fn layer(dtype: DType) -> Result<(Embed, Parameters)> {
    let parameters = Parameters::seeded(1);
    let embed = Embed::new(5, 3, parameters.builder(dtype, CPU))?;
    Ok((embed, parameters))
}

#[test]
fn values_are_rows_of_the_table() -> Result<()> {
    for dtype in [DType::F32, DType::F64] {
        let (embed, parameters) = layer(dtype)?;
        assert_eq!(names_of(&parameters), ["embedding"]);
        let table = &values_of(&parameters)["embedding"];
        assert_eq!(table.dims(), [5, 1, 1, 3]);
        assert_eq!(embed.output_shape(), shape(1, 0, 3));
        let rows = [4, 0, 4, 2];
        let y = embed.forward(&indices(&rows))?;
        assert_eq!((y.dims(), y.dtype()), (&[4, 1, 1, 3][..], dtype));
        for (i, &row) in rows.iter().enumerate() {
            assert_close("row", &y.get(i)?, &table.get(row as usize)?, 0.0);
        }
    }
    Ok(())
}

#[test]
fn integer_types_shapes_and_layouts_do_not_matter() -> Result<()> {
    let (embed, _) = layer(DType::F64)?;
    let rows = indices(&[4, 0, 3, 2, 1, 0]);
    let y = embed.forward(&rows)?;
    for dtype in [DType::U8, DType::U32] {
        let other = embed.forward(&rows.to_dtype(dtype)?)?;
        assert_close("dtype", &other, &y, 0.0);
    }
    let matrix = rows.reshape((2, 3))?;
    let folded = embed.forward(&matrix)?;
    assert_eq!(folded.dims(), [2, 3, 1, 1, 3]);
    assert_close("matrix", &folded.flatten(0, 1)?, &y, 0.0);
    let transposed = embed.forward(&matrix.t()?)?;
    assert_close("transposed", &transposed, &folded.transpose(0, 1)?, 0.0);
    let one = embed.forward(&rows.get(2)?)?;
    assert_eq!(one.dims(), [1, 1, 3]);
    assert_close("scalar", &one, &y.get(2)?, 0.0);
    assert_eq!(embed.forward(&indices(&[]))?.dims(), [0, 1, 1, 3]);
    Ok(())
}

#[test]
fn order_of_items_does_not_matter() -> Result<()> {
    let (embed, _) = layer(DType::F64)?;
    let rows = indices(&[4, 0, 4, 2, 1]);
    let f = |x: &[Tensor], _: &[Tensor]| embed.forward(&x[0]);
    assert_permutation(f, &[rows], &[], Items::Permuted, 3, 0.0);
    Ok(())
}

/// Row 4 is used twice, rows 1 and 3 never.
#[test]
fn derivatives_match_differences() -> Result<()> {
    let (embed, parameters) = layer(DType::F64)?;
    let rows = indices(&[4, 0, 4, 2]);
    let check = GradientCheck::default();
    assert_gradients_with(|_| embed.forward(&rows), &[], &parameters, &check);
    let curved = |x: &[Tensor]| Ok(embed.forward(&rows)?.sin()?.broadcast_mul(&x[0])?);
    let x = random(&[4, 1, 1, 3], 0)?;
    assert_gradients_with(curved, &[x], &parameters, &check);
    Ok(())
}

#[test]
fn other_initialisers_are_used() -> Result<()> {
    let vb = Parameters::seeded(0).builder(DType::F32, CPU);
    let embed = Embed::with_init(3, 2, Initializer::Constant(0.5), vb)?;
    assert_eq!(flat(&embed.forward(&indices(&[0, 2]))?), [0.5; 4]);
    Ok(())
}

#[test]
fn bad_inputs_are_errors_that_name_the_argument() -> Result<()> {
    let (embed, _) = layer(DType::F64)?;
    for bad in [5, -1, i64::MIN, i64::MAX] {
        let result = embed.forward(&indices(&[0, bad, 1]));
        assert_error("index", result, &["inputs", "0 to 4", &bad.to_string()]);
    }
    for dtype in [DType::F32, DType::F64, DType::F16] {
        let result = embed.forward(&zeros(&[2], dtype));
        assert_error("dtype", result, &["inputs", "integer"]);
    }
    Ok(())
}

#[test]
fn bad_configurations_are_errors() {
    let builder = || Parameters::seeded(0).builder(DType::F32, CPU);
    let nothing = Embed::new(0, 3, builder());
    assert_error("num_embeddings", nothing, &["num_embeddings", "at least 1"]);
    let empty = Embed::new(5, 0, builder());
    assert_error("features", empty, &["features", "at least 1"]);
    let given = |name: &str, dims: &[usize]| {
        let table = (name.to_string(), zeros(dims, DType::F32));
        Embed::new(
            5,
            3,
            Parameters::from_tensors([table]).builder(DType::F32, CPU),
        )
    };
    assert!(given("embedding", &[5, 1, 1, 3]).is_ok());
    let other = given("embedding", &[4, 1, 1, 3]);
    assert_error(
        "shape",
        other,
        &["embedding", "[5, 1, 1, 3]", "[4, 1, 1, 3]"],
    );
    let missing = given("table", &[5, 1, 1, 3]);
    assert_error("name", missing, &["embedding", "nothing of this name"]);
}

#[test]
fn lookup_takes_tables_of_any_shape() -> Result<()> {
    let table = random(&[4, 2], 0)?;
    let found = lookup(&table, "numbers", &indices(&[3, 3, 0]))?;
    assert_close("row", &found.get(1)?, &table.get(3)?, 0.0);
    assert_eq!(found.dims(), [3, 2]);
    let column = lookup(
        &table.narrow(1, 0, 1)?.squeeze(1)?,
        "numbers",
        &indices(&[2]),
    )?;
    assert_eq!(flat(&column), [flat(&table.get(2)?)[0]]);
    let high = lookup(&table, "numbers", &indices(&[4]));
    assert_error("index", high, &["numbers", "0 to 3"]);
    let empty = lookup(&zeros(&[0, 2], DType::F64), "numbers", &indices(&[0]));
    assert_error("empty table", empty, &["numbers"]);
    let scalar = lookup(&zeros(&[], DType::F64), "numbers", &indices(&[0]));
    assert_error("scalar table", scalar, &["table", "at least one axis"]);
    Ok(())
}
