//! Every function of `so3`, `ops`, `nn` and `matrix`.

use candle_core::{DType, Tensor};
use e3x::nn::{self, ReciprocalKind};
use e3x::ops::{self, Graph};
use e3x::so3::{self, Normalization, SphericalHarmonicsConfig};
use e3x::{Result, matrix};

use crate::support::{CPU, indices, shape, zeros};
use crate::{check, tensors};

type Function = (&'static str, fn(&Tensor) -> Result<()>);
type Indexed = (&'static str, fn(&Tensor, &Graph) -> Result<()>);
type OfNumber = (&'static str, fn(&Tensor, f64) -> Result<Tensor>);

/// Functions of any floating-point tensor.
const ELEMENTWISE: [Function; 44] = [
    ("relu", |x| nn::relu(x).map(drop)),
    ("leaky_relu", |x| nn::leaky_relu(x, 0.1).map(drop)),
    ("elu", |x| nn::elu(x, 1.0).map(drop)),
    ("selu", |x| nn::selu(x).map(drop)),
    ("celu", |x| nn::celu(x, 1.0).map(drop)),
    ("silu", |x| nn::silu(x).map(drop)),
    ("swish", |x| nn::swish(x).map(drop)),
    ("gelu", |x| nn::gelu(x, true).map(drop)),
    ("mish", |x| nn::mish(x).map(drop)),
    ("serf", |x| nn::serf(x).map(drop)),
    ("shifted_softplus", |x| nn::shifted_softplus(x).map(drop)),
    ("hard_tanh", |x| nn::hard_tanh(x).map(drop)),
    ("soft_sign", |x| nn::soft_sign(x).map(drop)),
    ("relu6", |x| nn::relu6(x).map(drop)),
    ("hard_silu", |x| nn::hard_silu(x).map(drop)),
    ("hard_swish", |x| nn::hard_swish(x).map(drop)),
    ("bent_identity", |x| nn::bent_identity(x).map(drop)),
    ("reflect", |x| nn::reflect(x).map(drop)),
    ("change_max_degree_or_type", |x| {
        nn::change_max_degree_or_type(x, Some(3), Some(true)).map(drop)
    }),
    ("basic_bernstein", |x| {
        nn::basic_bernstein(x, 4, 1.0).map(drop)
    }),
    ("basic_chebyshev", |x| {
        nn::basic_chebyshev(x, 4, 1.0).map(drop)
    }),
    ("basic_fourier", |x| nn::basic_fourier(x, 4, 1.0).map(drop)),
    ("basic_gaussian", |x| {
        nn::basic_gaussian(x, 4, 1.0).map(drop)
    }),
    ("reciprocal_bernstein", |x| {
        nn::reciprocal_bernstein(x, 4, ReciprocalKind::Shifted, true).map(drop)
    }),
    ("reciprocal_gaussian", |x| {
        nn::reciprocal_gaussian(x, 4, ReciprocalKind::Damped, false).map(drop)
    }),
    ("exponential_fourier", |x| {
        nn::exponential_fourier(x, 4, 1.0, true, true).map(drop)
    }),
    ("exponential_chebyshev", |x| {
        nn::exponential_chebyshev(x, 4, 1.0, false, true).map(drop)
    }),
    ("sinc", |x| nn::sinc(x, 4, 1.0).map(drop)),
    ("rectangular_window", |x| {
        nn::rectangular_window(x, 4, 1.0).map(drop)
    }),
    ("triangular_window", |x| {
        nn::triangular_window(x, 4, 1.0).map(drop)
    }),
    ("smooth_window", |x| nn::smooth_window(x, 4, 1.0).map(drop)),
    ("reciprocal_mapping", |x| {
        nn::reciprocal_mapping(x, ReciprocalKind::Cuspless).map(drop)
    }),
    ("exponential_mapping", |x| {
        nn::exponential_mapping(x, 1.0, false).map(drop)
    }),
    ("smooth_cutoff", |x| nn::smooth_cutoff(x, 1.0).map(drop)),
    ("cosine_cutoff", |x| nn::cosine_cutoff(x, 1.0).map(drop)),
    ("smooth_switch", |x| {
        nn::smooth_switch(x, 0.0, 1.0).map(drop)
    }),
    ("smooth_damping", |x| nn::smooth_damping(x, 1.0).map(drop)),
    ("rotation angle", |angle| {
        so3::rotation(&Tensor::ones(3, angle.dtype(), CPU)?, angle).map(drop)
    }),
    ("rotation_euler", |a| so3::rotation_euler(a, a, a).map(drop)),
    ("inverse_softplus", |x| ops::inverse_softplus(x).map(drop)),
    ("norm", |x| ops::norm(x, None, false).map(drop)),
    ("norm of rows", |x| {
        ops::norm(x, Some(&[-1]), true).map(drop)
    }),
    ("normalize", |x| ops::normalize(x, Some(&[0])).map(drop)),
    ("normalize_and_return_norm", |x| {
        ops::normalize_and_return_norm(x, None, true).map(drop)
    }),
];

/// Functions of vectors, rotations, matrices.
const GEOMETRIC: [Function; 14] = [
    ("spherical_harmonics", |r| {
        so3::spherical_harmonics(r, 2, SphericalHarmonicsConfig::default()).map(drop)
    }),
    ("solid_harmonics", |r| {
        so3::solid_harmonics(r, 2, true).map(drop)
    }),
    ("basis", |r| {
        let config = nn::BasisConfig::new(2, 4, nn::Radial::default());
        nn::basis(r, &config.with_cutoff(nn::Cutoff::smooth(2.0))).map(drop)
    }),
    ("rotation", |axis| {
        so3::rotation(axis, &zeros(&[], axis.dtype())).map(drop)
    }),
    ("euler_angles_from_rotation", |rot| {
        so3::euler_angles_from_rotation(rot).map(drop)
    }),
    ("alignment_rotation", |u| {
        so3::alignment_rotation(u, u).map(drop)
    }),
    ("wigner_d", |rot| so3::wigner_d(rot, 2, true).map(drop)),
    ("irreps_to_tensor", |x| {
        so3::irreps_to_tensor(x, 2, true, Normalization::Racah).map(drop)
    }),
    ("tensor_to_irreps", |x| {
        so3::tensor_to_irreps(x, 2, true, Normalization::Racah).map(drop)
    }),
    ("is_traceless_symmetric", |x| {
        so3::is_traceless_symmetric(x, 2, 1e-5, 1e-8).map(drop)
    }),
    ("rotate", |x| {
        nn::rotate(&zeros(&[4, 1, 4, 2], DType::F64), x).map(drop)
    }),
    ("rotate features", |x| {
        nn::rotate(x, &zeros(&[4, 4], x.dtype())).map(drop)
    }),
    ("combine_irreps", |x| {
        let weights = [zeros(&[2, 2], x.dtype()), zeros(&[2, 2], x.dtype())];
        matrix::combine_irreps(x, &weights).map(drop)
    }),
    ("make_square_matrix", |x| {
        let irreps = [x.clone(), x.clone(), x.clone()];
        matrix::make_square_matrix(&irreps, &[0, 1], 1, 2, false).map(drop)
    }),
];

/// Functions of indices.
const INDEX: [Function; 6] = [
    ("sparse dst_idx", |x| {
        Graph::sparse(x, &indices(&[0, 1, 2]), 3).map(drop)
    }),
    ("sparse src_idx", |x| {
        Graph::sparse(&indices(&[0, 1, 2]), x, 3).map(drop)
    }),
    ("dense", |x| Graph::dense(x, None).map(drop)),
    ("dense where", |x| {
        Graph::dense(&Tensor::zeros((5, 3), DType::I64, CPU)?, Some(x)).map(drop)
    }),
    ("dense_to_sparse_indices", |x| {
        ops::dense_to_sparse_indices(x, Some(5)).map(drop)
    }),
    ("sparse_to_dense_indices", |x| {
        ops::sparse_to_dense_indices(x, x, None).map(drop)
    }),
];

#[test]
fn elementwise_functions_take_floats_only() {
    for (name, f) in ELEMENTWISE {
        for (what, x) in tensors() {
            let fine = check(name, &what, || f(&x));
            let float = matches!(x.dtype(), DType::F32 | DType::F64);
            assert!(float || !fine, "{name} accepts {what}");
        }
    }
}

#[test]
fn geometric_functions_take_floats_of_their_shape_only() {
    for (name, f) in GEOMETRIC {
        let mut accepted = 0;
        for (what, x) in tensors() {
            let fine = check(name, &what, || f(&x));
            let float = matches!(x.dtype(), DType::F32 | DType::F64);
            assert!(float || !fine, "{name} accepts {what}");
            accepted += usize::from(fine);
        }
        assert!(accepted < tensors().len() / 2, "{name} accepts everything");
    }
}

#[test]
fn index_lists_are_integers_in_range() {
    for (name, f) in INDEX {
        for (what, x) in tensors() {
            let fine = check(name, &what, || f(&x));
            let integer = matches!(x.dtype(), DType::I64 | DType::U8 | DType::U32);
            assert!(integer || !fine, "{name} accepts {what}");
        }
    }
}

#[test]
fn indexed_functions_take_one_entry_per_node_or_edge() -> Result<()> {
    let graphs = [
        Graph::sparse(&indices(&[0, 1]), &indices(&[1, 0]), 2)?,
        Graph::sparse_dst(&indices(&[0, 1]), 2)?,
        Graph::sparse_src(&indices(&[1, 7]))?,
        Graph::dense(&Tensor::zeros((2, 1), DType::I64, CPU)?, None)?,
        Graph::sparse(&zeros(&[0], DType::I64), &zeros(&[0], DType::I64), 0)?,
    ];
    let functions: [Indexed; 6] = [
        ("gather_src", |x, graph| ops::gather_src(x, graph).map(drop)),
        ("gather_dst", |x, graph| ops::gather_dst(x, graph).map(drop)),
        ("indexed_sum", |x, graph| {
            ops::indexed_sum(x, graph, true).map(drop)
        }),
        ("indexed_min", |x, graph| {
            ops::indexed_min(x, graph, false).map(drop)
        }),
        ("indexed_max", |x, graph| {
            ops::indexed_max(x, graph, true).map(drop)
        }),
        ("indexed_softmax", |x, graph| {
            ops::indexed_softmax(x, graph, Some(x)).map(drop)
        }),
    ];
    for (name, f) in functions {
        for (what, x) in tensors() {
            for graph in &graphs {
                check(name, &what, || f(&x, graph));
            }
        }
    }
    Ok(())
}

/// Numbers where numbers are expected, but not these.
#[test]
fn numbers_out_of_range() {
    let x = zeros(&[3], DType::F64);
    let bad = [f64::NAN, f64::INFINITY, 0.0, -1.0];
    let positive: [OfNumber; 9] = [
        ("basic_bernstein limit", |x, v| nn::basic_bernstein(x, 4, v)),
        ("sinc limit", |x, v| nn::sinc(x, 4, v)),
        ("smooth_window limit", |x, v| nn::smooth_window(x, 4, v)),
        ("exponential_mapping gamma", |x, v| {
            nn::exponential_mapping(x, v, false)
        }),
        ("exponential_gaussian gamma", |x, v| {
            nn::exponential_gaussian(x, 4, v, false, false)
        }),
        ("smooth_cutoff cutoff", |x, v| nn::smooth_cutoff(x, v)),
        ("cosine_cutoff cutoff", |x, v| nn::cosine_cutoff(x, v)),
        ("smooth_switch x1", |x, v| nn::smooth_switch(x, 0.0, v)),
        ("smooth_damping gamma", |x, v| nn::smooth_damping(x, v)),
    ];
    for (name, f) in positive {
        for value in bad {
            // Constant functions, but functions.
            if name.ends_with("gamma") && value.is_finite() {
                continue;
            }
            let (function, argument) = name.split_once(' ').unwrap();
            let fine = check(name, &value.to_string(), || {
                let result = f(&x, value);
                if let Err(error) = &result {
                    assert!(error.to_string().contains(argument), "{function}: {error}");
                }
                result.map(drop)
            });
            assert!(!fine, "{function} accepts {argument} = {value}");
        }
    }
    for num in [0, usize::MAX] {
        for f in [
            nn::basic_bernstein,
            nn::basic_fourier,
            nn::sinc,
            nn::smooth_window,
        ] {
            assert!(!check("num", &num.to_string(), || f(&x, num, 1.0).map(drop)));
        }
    }
    let vector = zeros(&[5, 3], DType::F64);
    let huge = usize::MAX;
    assert!(!check("harmonics", "degree", || so3::solid_harmonics(
        &vector, huge, true
    )
    .map(drop)));
    assert!(!check("mask", "degree", || nn::even_degree_mask(huge, CPU)
        .map(drop)));
    assert!(!check("mask", "degree", || nn::odd_degree_mask(huge, CPU)
        .map(drop)));
    assert!(!check("indices", "num", || ops::dense_pairwise_indices(
        huge, true
    )
    .map(drop)));
    assert!(!check("indices", "num", || ops::sparse_pairwise_indices(
        0, true
    )
    .map(drop)));
    assert!(!check("axis", "norm", || ops::norm(
        &vector,
        Some(&[2]),
        true
    )
    .map(drop)));
    assert!(!check("axis", "norm", || ops::norm(
        &vector,
        Some(&[-3]),
        true
    )
    .map(drop)));
    assert!(!check("axis", "norm", || ops::norm(
        &vector,
        Some(&[0, 0]),
        true
    )
    .map(drop)));
    assert!(!check("add", "nothing", || nn::add(&[]).map(drop)));
    let other = zeros(&[5, 1, 4, 3], DType::F64);
    let one = zeros(&[5, 1, 4, 2], DType::F64);
    assert!(!check("add", "features", || nn::add(&[&one, &other]).map(drop)));
    let single = zeros(&[5, 1, 4, 2], DType::F32);
    assert!(!check("add", "dtypes", || nn::add(&[&one, &single]).map(drop)));
    assert!(!check("clebsch_gordan", "degree", || {
        so3::clebsch_gordan(huge, 1, 1, true, DType::F64, CPU).map(drop)
    }));
    assert!(shape(1, 1, 1).join(shape(1, 1, 2)).is_err());
}
