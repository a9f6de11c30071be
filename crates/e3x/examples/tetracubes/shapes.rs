//! The eight tetracubes, and noisy copies of them.

use candle_core::{Device, Tensor};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;

/// Standard deviation of the noise on each coordinate, in edges of a cube.
const NOISE: f32 = 0.05;

pub const NAMES: [&str; 8] = [
    "line",
    "square",
    "S",
    "L",
    "T",
    "corner",
    "right screw",
    "left screw",
];

/// Centres of the four cubes of each shape. The two screws are mirror images of each other.
const TETRACUBES: [[[f32; 3]; 4]; 8] = [
    [
        [0.0, 0.0, 0.0],
        [1.0, 0.0, 0.0],
        [2.0, 0.0, 0.0],
        [3.0, 0.0, 0.0],
    ],
    [
        [0.0, 0.0, 0.0],
        [0.0, 1.0, 0.0],
        [1.0, 1.0, 0.0],
        [1.0, 0.0, 0.0],
    ],
    [
        [0.0, 1.0, 0.0],
        [1.0, 1.0, 0.0],
        [1.0, 0.0, 0.0],
        [2.0, 0.0, 0.0],
    ],
    [
        [0.0, 0.0, 0.0],
        [0.0, 1.0, 0.0],
        [1.0, 1.0, 0.0],
        [2.0, 1.0, 0.0],
    ],
    [
        [0.0, 1.0, 0.0],
        [1.0, 1.0, 0.0],
        [2.0, 1.0, 0.0],
        [1.0, 0.0, 0.0],
    ],
    [
        [1.0, 0.0, 0.0],
        [0.0, 0.0, 0.0],
        [0.0, 1.0, 0.0],
        [0.0, 0.0, 1.0],
    ],
    [
        [0.0, 0.0, 1.0],
        [0.0, 0.0, 0.0],
        [1.0, 0.0, 0.0],
        [1.0, 1.0, 0.0],
    ],
    [
        [0.0, 0.0, -1.0],
        [0.0, 0.0, 0.0],
        [1.0, 0.0, 0.0],
        [1.0, 1.0, 0.0],
    ],
];

/// Shapes, `(number, 4, 3)`, and their kinds, `(number)`.
pub struct Data {
    pub shapes: Tensor,
    pub labels: Tensor,
}

impl Data {
    /// `copies` noisy copies of each shape, always in the same orientation.
    ///
    /// Each left screw is the exact mirror image of a right one, noise included: who cannot tell
    /// left from right, gets exactly one of each pair right.
    pub fn new(copies: usize, rng: &mut ChaCha8Rng) -> candle_core::Result<Self> {
        let mut shapes = Vec::new();
        for _ in 0..copies {
            for shape in &TETRACUBES[..7] {
                for coordinate in shape.as_flattened() {
                    shapes.push(coordinate + NOISE * rng.sample::<f32, _>(StandardNormal));
                }
            }
            let right_screw = shapes[shapes.len() - 12..].to_vec();
            for point in right_screw.chunks_exact(3) {
                shapes.extend([point[0], point[1], -point[2]]);
            }
        }
        let number = 8 * copies;
        let labels = (0..number).map(|i| (i % 8) as u32);
        Ok(Self {
            shapes: Tensor::from_vec(shapes, (number, 4, 3), &Device::Cpu)?,
            labels: Tensor::from_iter(labels, &Device::Cpu)?,
        })
    }

    /// The same shapes, each turned by a rotation of its own; `rotations` is `(number, 3, 3)`.
    pub fn rotated(&self, rotations: &Tensor) -> candle_core::Result<Self> {
        Ok(Self {
            shapes: self.shapes.matmul(rotations)?,
            labels: self.labels.clone(),
        })
    }

    /// The shapes with these indices.
    pub fn select(&self, indices: &Tensor) -> candle_core::Result<Self> {
        Ok(Self {
            shapes: self.shapes.index_select(indices, 0)?,
            labels: self.labels.index_select(indices, 0)?,
        })
    }
}
