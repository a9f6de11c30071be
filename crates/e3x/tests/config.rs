//! The process-wide defaults: a single test, in a binary of its own.

mod support;

use candle_core::{DType, Tensor};
use e3x::Result;
use e3x::config::Config;
use e3x::convert::IrrepsFormat;
use e3x::nn::{
    self, AttentionConfig, BasisConfig, FusedTensorConfig, MessagePass, MessagePassConfig,
    Parameters, Radial, TensorConfig, TensorDense, TensorDenseConfig,
};
use e3x::ops::Graph;
use e3x::so3::{Normalization, SphericalHarmonicsConfig, spherical_harmonics};
use e3x::testing::{SymmetryCheck, random};
use support::{CPU, assert_close, bits, indices, names_of, shape};

/// `cartesian_order` of every configuration that has it.
fn orders() -> [bool; 9] {
    [
        SphericalHarmonicsConfig::default().cartesian_order,
        BasisConfig::new(1, 1, Radial::default()).cartesian_order,
        TensorConfig::default().cartesian_order,
        FusedTensorConfig::default().cartesian_order,
        TensorDenseConfig::default().cartesian_order,
        MessagePassConfig::default().cartesian_order,
        AttentionConfig::default().cartesian_order,
        IrrepsFormat::default().cartesian_order,
        SymmetryCheck::default().cartesian_order,
    ]
}

/// `use_fused_tensor` of every configuration that has it.
fn fused() -> [bool; 3] {
    [
        TensorDenseConfig::default().use_fused_tensor,
        MessagePassConfig::default().use_fused_tensor,
        AttentionConfig::default().use_fused_tensor,
    ]
}

fn message_pass(parameters: &Parameters) -> Result<MessagePass> {
    let config = MessagePassConfig::default();
    MessagePass::new(
        shape(1, 2, 3),
        (2, 4),
        config,
        parameters.builder(DType::F64, CPU),
    )
}

fn tensor_dense(parameters: &Parameters) -> Result<TensorDense> {
    let config = TensorDenseConfig::default();
    TensorDense::new(shape(1, 2, 3), config, parameters.builder(DType::F64, CPU))
}

/// `x`, sorted in Cartesian order on axis -2, in the standard order.
fn standard(x: &Tensor) -> Result<Tensor> {
    let size = x.dims()[x.rank() - 2];
    let permutation = e3x_so3::cartesian_permutation(size.isqrt() - 1)?;
    let mut sources = vec![0_i64; size];
    for (cartesian, &standard) in permutation.iter().enumerate() {
        sources[standard] = cartesian as i64;
    }
    Ok(x.contiguous()?
        .index_select(&indices(&sources), x.rank() - 2)?)
}

#[test]
fn defaults_are_read_when_something_is_built() -> Result<()> {
    // As in E3x.
    assert!(Config::cartesian_order() && !Config::use_fused_tensor());
    assert_eq!(Config::normalization(), Normalization::Racah);
    assert_eq!((orders(), fused()), ([true; 9], [false; 3]));

    let vectors = random(&[5, 3], 0)?;
    let graph = Graph::sparse(&indices(&[0, 0, 1, 2, 2]), &indices(&[1, 2, 0, 1, 0]), 3)?;
    let x = random(&[3, 1, 9, 3], 1)?;
    let old_basis = nn::basis(&vectors, &BasisConfig::new(2, 4, Radial::default()))?;
    let (for_pass, for_dense) = (Parameters::seeded(1), Parameters::seeded(2));
    let (old_pass, old_dense) = (message_pass(&for_pass)?, tensor_dense(&for_dense)?);
    let old_harmonics = SphericalHarmonicsConfig::default();
    let before = [
        old_pass.forward(&x, &old_basis, &graph)?,
        old_dense.forward(&x)?,
        spherical_harmonics(&vectors, 2, old_harmonics)?,
    ];

    Config::set_cartesian_order(false);
    assert_eq!((orders(), fused()), ([false; 9], [false; 3]));
    // The same parameters do the same in the other order.
    let new_basis = nn::basis(&vectors, &BasisConfig::new(2, 4, Radial::default()))?;
    let y = message_pass(&for_pass)?.forward(&standard(&x)?, &new_basis, &graph)?;
    assert_close("standard order", &y, &standard(&before[0])?, 1e-14);
    let y = tensor_dense(&for_dense)?.forward(&standard(&x)?)?;
    assert_close("standard order", &y, &standard(&before[1])?, 1e-14);

    Config::set_use_fused_tensor(true);
    assert_eq!((orders(), fused()), ([false; 9], [true; 3]));
    let fused_parameters = Parameters::seeded(3);
    message_pass(&fused_parameters)?;
    let is_fused = |name: &String| name.starts_with("fused_tensor/");
    assert!(names_of(&fused_parameters).iter().any(is_fused));
    assert!(!names_of(&for_pass).iter().any(is_fused));

    for normalization in [
        Normalization::Orthonormal,
        Normalization::FourPi,
        Normalization::Racah,
    ] {
        Config::set_normalization(normalization);
        assert_eq!(Config::normalization(), normalization);
        assert_eq!(
            SphericalHarmonicsConfig::default().normalization,
            normalization
        );
        let y = spherical_harmonics(&vectors, 2, SphericalHarmonicsConfig::default())?;
        let expected = normalization.factor(0);
        assert_close(
            "constant",
            &y.narrow(1, 0, 1)?,
            &Tensor::full(expected, (5, 1), CPU)?,
            1e-15,
        );
    }

    // What was built before keeps what it was built with.
    Config::set_normalization(Normalization::FourPi);
    let after = [
        old_pass.forward(&x, &old_basis, &graph)?,
        old_dense.forward(&x)?,
        spherical_harmonics(&vectors, 2, old_harmonics)?,
    ];
    for (after, before) in after.iter().zip(&before) {
        assert_eq!(bits(after), bits(before));
    }

    Config::set_cartesian_order(true);
    Config::set_use_fused_tensor(false);
    assert_eq!((orders(), fused()), ([true; 9], [false; 3]));
    Ok(())
}
