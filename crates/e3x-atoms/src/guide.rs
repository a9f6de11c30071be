//! The programs of the guide (`docs/guide`) and of the other pages, run with the tests of the documentation.
//!
//! They are here because this crate sees all others. `tests/guide.rs` checks that no chapter is left out.

/// Includes chapters as documentation.
macro_rules! chapters {
    ($($name:ident: $file:literal,)*) => {
        $(
            #[doc = include_str!(concat!("../../../docs/guide/src/", $file))]
            struct $name;
        )*
    };
}

chapters! {
    Introduction: "introduction.md",
    WhyEquivariance: "why-equivariance.md",
    Irreps: "irreps.md",
    Features: "features.md",
    Coupling: "coupling.md",
    Activations: "activations.md",
    DenseAndTensor: "dense-and-tensor.md",
    BasisFunctions: "basis-functions.md",
    IndexLists: "index-lists.md",
    MessagePassing: "message-passing.md",
    Attention: "attention.md",
    CartesianTensors: "cartesian-tensors.md",
    Pitfalls: "pitfalls.md",
    ChangingDefaults: "changing-defaults.md",
    TrainingOnForces: "training-on-forces.md",
    PrecisionAndPerformance: "precision-and-performance.md",
    FromPython: "from-python.md",
    FromE3nn: "from-e3nn.md",
    Differentiation: "../../differentiation.md",
}
