//! Rotation matrices and the matrices that rotate irreducible representations.
//!
//! A rotation is a 3×3 matrix that acts from the right on row vectors, `r @ rot`: the transpose of what acts on column
//! vectors. Everything is computed in `f64` and rounded at the end.

mod align;
mod construct;
mod euler;
mod matrix;
mod quaternion;
mod random;
mod wigner;
mod wigner_blocks;

pub use align::alignment_rotation;
pub use construct::{rotation, rotation_euler};
pub use euler::euler_angles_from_rotation;
pub use quaternion::{quaternion_from_rotation, rotation_from_quaternion};
pub use random::{random_rotation, random_rotations};
pub use wigner::{GeneratorTerm, WignerD, generator_terms, wigner_d, wigner_d_from_quaternion};
pub(crate) use wigner::{MAX_WIGNER_DEGREE, wigner_block};
