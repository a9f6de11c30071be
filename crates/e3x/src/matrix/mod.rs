//! Matrices of matrices, put together from irreducible representations; mirrors
//! `e3x.matrix.matmat`.
//!
//! The big square matrix consists of rectangular blocks of `2 la + 1` by `2 lb + 1` elements, with
//! `la` and `lb` from a list of degrees of which each is used `mult` times. A block represents
//! SO(3) and decomposes into irreducible representations,
//!
//! ```text
//! H(la) ⊗ H(lb) = H(|la - lb|) ⊕ ... ⊕ H(la + lb)
//! ```
//!
//! so the other way round, irreps of these degrees and Clebsch–Gordan coefficients make a matrix
//! that rotates with `D(rot)ᵀ M D(rot)` when the irreps do. Such matrices are, for example,
//! Hamiltonians in a basis of atomic orbitals.
//!
//! A matrix has at most 2²⁷ elements, its degrees are at most 200.
//!
//! ```
//! use candle_core::{DType, Device};
//! use e3x::matrix::{
//!     combine_irreps, init_matrix_irreps_weights, make_dict_irreps_mult, make_square_matrix,
//! };
//! use rand::SeedableRng;
//!
//! let (degrees, mult, max_degree, features) = ([0, 1], 2, 2, 8);
//! let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(0);
//! let numbers = make_dict_irreps_mult(&degrees, Some(max_degree))?;
//! let weights = init_matrix_irreps_weights(
//!     &mut rng, features, &numbers, mult, 0.1, DType::F64, &Device::Cpu)?;
//! let x = candle_core::Tensor::ones((9, features), DType::F64, &Device::Cpu)?;
//! let irreps = combine_irreps(&x, &weights)?;
//! let matrix = make_square_matrix(&irreps, &degrees, mult, max_degree, true)?;
//! assert_eq!(matrix.dims(), [8, 8]); // (1 + 3) * 2
//! # Ok::<(), e3x::Error>(())
//! ```

mod assemble;
mod blocks;
mod irreps;
mod limits;

pub use assemble::make_square_matrix;
pub use blocks::{get_traces, make_rectangular_matrix};
pub use irreps::{
    combine_irreps, compute_side_lengths, init_matrix_irreps_weights, make_dict_irreps_mult,
};
