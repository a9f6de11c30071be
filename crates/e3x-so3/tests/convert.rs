//! Irreps and conversions against e3nn.

mod common;

use common::{Numbers, floats, max_difference, rows, table};
use e3x_so3::{
    Convention, Error, FeatureConversion, Irrep, Irreps, IrrepsMemory, Normalization,
    cartesian_permutation_for_degree, clebsch_gordan_for_degrees, linear_paths, num_harmonics,
    spherical_harmonics, tensor_paths, wigner_d,
};
use proptest::prelude::*;
use serde_json::Value;

const CONVENTIONS: [Convention; 3] = [
    Convention::Cartesian,
    Convention::Standard,
    Convention::E3nn,
];

fn irreps(text: &str) -> Irreps {
    text.parse().unwrap()
}

/// `row @ matrix` for a square matrix.
fn times(row: &[f64], matrix: &[f64]) -> Vec<f64> {
    let size = row.len();
    (0..size)
        .map(|j| (0..size).map(|i| row[i] * matrix[i * size + j]).sum())
        .collect()
}

#[test]
fn harmonics_become_those_of_e3nn() {
    let table = table("e3nn.json");
    let harmonics = &table["harmonics"];
    let r = floats(&harmonics["r"]);
    let max_degree = harmonics["max_degree"].as_u64().unwrap() as usize;
    let num = num_harmonics(max_degree);
    for (name, normalization) in [
        ("norm", Normalization::Racah),
        ("component", Normalization::FourPi),
        ("integral", Normalization::Orthonormal),
    ] {
        let expected = floats(&harmonics[name]);
        for cartesian_order in [true, false] {
            let y = spherical_harmonics(&r, max_degree, false, cartesian_order, normalization);
            for (y, expected) in y.unwrap().chunks(num).zip(expected.chunks(num)) {
                for l in 0..=max_degree {
                    let range = l * l..(l + 1) * (l + 1);
                    let q = Convention::of_e3x(cartesian_order).matrix(Convention::E3nn, l);
                    let actual = times(&y[range.clone()], &q.unwrap());
                    assert!(
                        max_difference(&actual, &expected[range]) < 4e-15,
                        "{name} {l}"
                    );
                }
            }
        }
    }
}

#[test]
fn coupling_coefficients_are_those_of_e3nn() {
    let table = table("e3nn.json");
    for row in rows(&table, "wigner_3j") {
        let [l1, l2, l3] = common::integers(&row[0]).map(|l| l as usize);
        let factor = ((2 * l3 + 1) as f64).sqrt();
        let actual = clebsch_gordan_for_degrees(l1, l2, l3, false).unwrap();
        let expected: Vec<_> = floats(&row[1]).iter().map(|c| c * factor).collect();
        assert!(max_difference(&actual, &expected) < 4e-15);
    }
}

/// e3nn's matrices act from the left on columns: theirs of the transposed rotation are transposed.
#[test]
fn rotations_agree_with_e3nn() {
    let table = table("e3nn.json");
    let matrix = floats(&table["rotation"]["matrix"]);
    let rot: [[f64; 3]; 3] = std::array::from_fn(|i| std::array::from_fn(|j| matrix[3 * j + i]));
    let d = wigner_d(&rot, 3, true).unwrap();
    for (l, block) in rows(&table["rotation"], "blocks").iter().enumerate() {
        let (size, expected) = (2 * l + 1, floats(block));
        let q = Convention::Cartesian.matrix(Convention::E3nn, l).unwrap();
        for i in 0..size {
            // Component i of E3x, rotated here and converted, or converted and rotated there.
            let row = &d[(l * l + i) * 16 + l * l..][..size];
            let here = times(row, &q);
            let converted = &q[i * size..][..size];
            let there: Vec<f64> = (0..size)
                .map(|j| {
                    (0..size)
                        .map(|k| expected[j * size + k] * converted[k])
                        .sum()
                })
                .collect();
            assert!(max_difference(&here, &there) < 4e-15);
        }
    }
}

#[test]
fn matrices_are_orthogonal_and_compose() {
    for l in [0_usize, 1, 2, 3, 7] {
        let size = 2 * l + 1;
        for from in CONVENTIONS {
            for to in CONVENTIONS {
                let forth = from.matrix(to, l).unwrap();
                let back = to.matrix(from, l).unwrap();
                for via in CONVENTIONS {
                    let first = from.matrix(via, l).unwrap();
                    let second = via.matrix(to, l).unwrap();
                    for (i, row) in first.chunks(size).enumerate() {
                        let composed = times(row, &second);
                        assert!(max_difference(&composed, &forth[i * size..][..size]) < 1e-14);
                    }
                }
                for i in 0..size * size {
                    assert_eq!(forth[i], back[i % size * size + i / size]);
                }
            }
        }
        // The permutation that E3x has for this.
        let q = Convention::Standard
            .matrix(Convention::Cartesian, l)
            .unwrap();
        for (i, &source) in cartesian_permutation_for_degree(l)
            .unwrap()
            .iter()
            .enumerate()
        {
            assert_eq!(q[source * size + i], 1.0);
        }
    }
    assert!(Convention::E3nn.matrix(Convention::Standard, 101).is_err());
}

/// E3x's `Dense`, with features of shape `(1, P, (L+1)², F)`, from the weights of e3nn's `Linear`.
#[test]
fn linear_layers_agree_with_e3nn() {
    for case in rows(&table("e3nn.json"), "linear") {
        let text = |name: &str| irreps(case[name].as_str().unwrap());
        let (inputs, outputs) = (text("inputs"), text("outputs"));
        let (weight, bias) = (floats(&case["weight"]), floats(&case["bias"]));
        let (starts, ends) = (inputs.ranges(), outputs.ranges());
        let (x, expected) = (floats(&case["x"]), floats(&case["y"]));
        for (x, expected) in x.chunks(inputs.dim()).zip(expected.chunks(outputs.dim())) {
            let mut y = vec![0.0; outputs.dim()];
            if !bias.is_empty() {
                let scalars = outputs.blocks().iter().zip(outputs.ranges());
                let places = scalars.filter(|(block, _)| block.irrep == "0e".parse().unwrap());
                for (place, bias) in places.flat_map(|(_, range)| range).zip(&bias) {
                    y[place] = *bias;
                }
            }
            for path in linear_paths(&inputs, &outputs).unwrap() {
                let dim = inputs.blocks()[path.input].irrep.dim();
                let copies = outputs.blocks()[path.output].multiplicity;
                let kernel = &weight[path.weights];
                for (k, w) in kernel.iter().enumerate() {
                    let x = &x[starts[path.input].start + k / copies * dim..][..dim];
                    let y = &mut y[ends[path.output].start + k % copies * dim..][..dim];
                    for (y, x) in y.iter_mut().zip(x) {
                        *y += path.factor * w * x;
                    }
                }
            }
            assert!(max_difference(&y, expected) < 1e-14);
        }
    }
}

/// Features of E3x, coupled by its coefficients with converted weights.
#[test]
fn tensor_products_agree_with_e3nn() {
    for case in rows(&table("e3nn.json"), "tensor") {
        let text = |value: &Value| irreps(value.as_str().unwrap());
        let inputs = [0, 1].map(|i| text(&case["inputs"][i]));
        let output = text(&case["output"]);
        let weight = floats(&case["weight"]);
        let copies = output.blocks()[0].multiplicity;
        let ranges = inputs.each_ref().map(Irreps::ranges);
        let (x1, x2) = (floats(&case["x1"]), floats(&case["x2"]));
        let expected = floats(&case["y"]);
        for n in 0..2 {
            let x = [&x1[n * inputs[0].dim()..], &x2[n * inputs[1].dim()..]];
            let mut y = vec![0.0; output.dim()];
            for path in tensor_paths(&inputs[0], &inputs[1], &output).unwrap() {
                let l = [0, 1].map(|i| inputs[i].blocks()[path.inputs[i]].irrep.degree);
                let l3 = output.blocks()[path.output].irrep.degree;
                // Numbers are the same in the frame of e3nn.
                let c = clebsch_gordan_for_degrees(l[0], l[1], l3, false).unwrap();
                let [d1, d2, d3] = [l[0], l[1], l3].map(|l| 2 * l + 1);
                for (u, w) in weight[path.weights.clone()].iter().enumerate() {
                    let a = &x[0][ranges[0][path.inputs[0]].start + u * d1..][..d1];
                    let b = &x[1][ranges[1][path.inputs[1]].start + u * d2..][..d2];
                    let y = &mut y[output.ranges()[path.output].start + u * d3..][..d3];
                    for (k, c) in c.iter().enumerate() {
                        y[k % d3] += path.factor * w * c * a[k / d3 / d2] * b[k / d3 % d2];
                    }
                }
                assert_eq!(path.weights.len(), copies);
            }
            assert!(max_difference(&y, &expected[n * output.dim()..][..output.dim()]) < 1e-14);
        }
    }
}

#[test]
fn features_go_there_and_back() {
    let mut numbers = Numbers(3);
    for text in [
        "4x0e+4x1o+4x2e",
        "2x1e+1x0e+2x2o+1x0e",
        "3x2e",
        "1x0o+0x3e+1x0e",
    ] {
        let irreps = irreps(text);
        for memory in [IrrepsMemory::MulIr, IrrepsMemory::IrMul] {
            for convention in CONVENTIONS {
                let conversion = FeatureConversion::new(&irreps, convention, memory, true).unwrap();
                let (parity, max_degree, features) = conversion.feature_shape();
                let size = parity * num_harmonics(max_degree) * features;
                let array: Vec<f64> = (0..2 * irreps.dim()).map(|_| numbers.next()).collect();
                let mut x = vec![0.0; 2 * size];
                conversion.to_features(&array, &mut x).unwrap();
                let mut back = vec![0.0; array.len()];
                conversion.to_irreps(&x, &mut back).unwrap();
                assert!(max_difference(&array, &back) < 1e-15);
                // Transposes of each other.
                let z: Vec<f64> = (0..2 * size).map(|_| numbers.next()).collect();
                conversion.to_irreps(&z, &mut back).unwrap();
                let difference = common::dot(&array, &back) - common::dot(&x, &z);
                assert!(difference.abs() < 1e-13);
            }
        }
    }
}

#[test]
fn memory_is_as_documented() {
    let irreps = irreps("2x1e+2x0e");
    let array = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0];
    let convert = |memory| {
        let conversion =
            FeatureConversion::new(&irreps, Convention::Standard, memory, false).unwrap();
        assert_eq!(conversion.feature_shape(), (2, 1, 2));
        let mut x = [0.0; 16];
        conversion.to_features(&array, &mut x).unwrap();
        x
    };
    let mut expected = [0.0; 16];
    expected[..8].copy_from_slice(&[7.0, 8.0, 1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
    assert_eq!(convert(IrrepsMemory::MulIr), expected);
    expected[..8].copy_from_slice(&[7.0, 8.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    assert_eq!(convert(IrrepsMemory::IrMul), expected);
}

#[test]
fn irreps_are_read_and_written() {
    for (text, written, dim) in [
        ("32x0e + 16x1o", "32x0e+16x1o", 80),
        (" 1y+2 x 2y ", "1x1o+2x2e", 13),
        ("0e", "1x0e", 1),
        ("0x3o+5x0o", "0x3o+5x0o", 5),
        ("", "", 0),
    ] {
        let parsed = irreps(text);
        assert_eq!((parsed.to_string().as_str(), parsed.dim()), (written, dim));
        assert_eq!(parsed.to_string().parse(), Ok(parsed));
    }
    for text in [
        "x",
        "1",
        "e",
        "-1e",
        "1x-1e",
        "1.5x1e",
        "1x1e+",
        "+1e",
        "2x3x1e",
        "1a",
        "é",
        "1xé",
        "1x",
        "99999999999999999999e",
        "99999999999999999999x1e",
        "1001e",
        "2000000000000x1e",
    ] {
        assert!(text.parse::<Irreps>().is_err(), "{text}");
    }
    let error = "16x1z".parse::<Irreps>().unwrap_err();
    assert_eq!(
        error.to_string(),
        "`irreps` must be a degree followed by 'e', 'o' or 'y', for example '1o', received '1z'"
    );
}

#[test]
fn wrong_arguments_are_errors() {
    let conversion = FeatureConversion::new(
        &irreps("2x0e+2x1o"),
        Convention::E3nn,
        IrrepsMemory::MulIr,
        true,
    )
    .unwrap();
    assert!(conversion.to_features(&[0.0; 7], &mut [0.0; 8]).is_err());
    assert!(conversion.to_features(&[0.0; 8], &mut [0.0; 9]).is_err());
    assert!(conversion.to_irreps(&[0.0; 9], &mut [0.0; 8]).is_err());
    assert_eq!(conversion.to_irreps::<f32>(&[], &mut []), Ok(()));
    for text in ["", "0x1e", "2x0e+1x1o", "1x101e"] {
        let result =
            FeatureConversion::new(&irreps(text), Convention::E3nn, IrrepsMemory::MulIr, true);
        assert!(result.is_err(), "{text}");
    }
    let result = tensor_paths(&irreps("2x0e"), &irreps("2x0e"), &irreps("3x0e"));
    assert!(matches!(result, Err(Error::Invalid { .. })));
    assert_eq!(
        tensor_paths(&irreps(""), &irreps(""), &irreps("")),
        Ok(vec![])
    );
    let huge = irreps("1000000000000x0e");
    assert!(matches!(
        linear_paths(&huge, &huge),
        Err(Error::ArrayTooLarge { .. })
    ));
    assert!(Irreps::of_features(3, 1, 1).is_err());
    assert!(Irreps::of_features(2, usize::MAX, usize::MAX).is_err());
    assert!(Irreps::of_features(2, 3, usize::MAX).is_err());
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in any::<String>(), close in "[0-9xeoy+ ]{0,12}") {
        for text in [text, close] {
            if let Ok(irreps) = text.parse::<Irreps>() {
                prop_assert_eq!(irreps.to_string().parse(), Ok(irreps.clone()));
                let _ = irreps.feature_shape();
                let _ = linear_paths(&irreps, &irreps);
                let _ = tensor_paths(&irreps, &irreps, &irreps);
            }
            let _ = text.parse::<Irrep>();
        }
    }
}
