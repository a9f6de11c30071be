//! Process-wide defaults, as in E3x's `Config`.
//!
//! The defaults are read when a layer or configuration is *built* (by the `Default` of its
//! configuration); a layer that exists never changes its behaviour afterwards.
//!
//! ```
//! use e3x::config::Config;
//! assert!(Config::cartesian_order());
//! Config::set_cartesian_order(false);
//! assert!(!Config::cartesian_order());
//! # Config::set_cartesian_order(true);
//! ```

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

pub use e3x_so3::Normalization;

static CARTESIAN_ORDER: AtomicBool = AtomicBool::new(true);
static USE_FUSED_TENSOR: AtomicBool = AtomicBool::new(false);
static NORMALIZATION: AtomicU8 = AtomicU8::new(0);

const NORMALIZATIONS: [Normalization; 3] = [
    Normalization::Racah,
    Normalization::FourPi,
    Normalization::Orthonormal,
];

/// The process-wide defaults.
#[derive(Debug, Clone, Copy)]
pub struct Config;

impl Config {
    /// Whether the entries of each degree are sorted m = l, -l, l-1, -(l-1), ..., 0
    /// (for degree 1: x, y, z) instead of m = -l, ..., l. Initially `true`.
    pub fn cartesian_order() -> bool {
        CARTESIAN_ORDER.load(Ordering::Relaxed)
    }

    /// Sets the default order of the entries of each degree.
    pub fn set_cartesian_order(cartesian_order: bool) {
        CARTESIAN_ORDER.store(cartesian_order, Ordering::Relaxed);
    }

    /// Whether layers with a tensor product use `FusedTensor` instead of `Tensor`.
    /// Initially `false`.
    pub fn use_fused_tensor() -> bool {
        USE_FUSED_TENSOR.load(Ordering::Relaxed)
    }

    /// Sets the default kind of tensor product.
    pub fn set_use_fused_tensor(use_fused_tensor: bool) {
        USE_FUSED_TENSOR.store(use_fused_tensor, Ordering::Relaxed);
    }

    /// The normalisation of spherical harmonics. Initially [`Normalization::Racah`].
    pub fn normalization() -> Normalization {
        NORMALIZATIONS[usize::from(NORMALIZATION.load(Ordering::Relaxed))]
    }

    /// Sets the default normalisation of spherical harmonics.
    pub fn set_normalization(normalization: Normalization) {
        let index = match normalization {
            Normalization::Racah => 0,
            Normalization::FourPi => 1,
            Normalization::Orthonormal => 2,
        };
        NORMALIZATION.store(index, Ordering::Relaxed);
    }
}
