//! placeholder
/// placeholder
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Normalization {
    /// a
    Racah,
    /// a
    FourPi,
    /// a
    Orthonormal,
}
/// placeholder
#[derive(Debug, thiserror::Error)]
pub enum Error {}
