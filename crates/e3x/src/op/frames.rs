//! Frames of edges on the tape.
//!
//! Frames are rotation matrices, and what depends on them does not depend on how they are turned
//! about the edge. So their derivative is taken along turns of the edge alone (see
//! [`Turn`]): an edge r that changes by dr turns by `ω = r × dr / |r|²`.

use std::sync::Arc;

use candle_core::{Shape, Tensor};
use e3x_kernels::aligned::{self, Turn, TurnSlot, frame_len};

use super::multilinear::{Multilinear, form, without};
use super::norm::row_inverse;
use super::{Element, Op, apply};
use crate::{Error, Result};

/// Frames of vectors of shape `(n, 3)`; see [`aligned::frames`].
pub(crate) fn frames(r: &Tensor, max_degree: usize, cartesian_order: bool) -> Result<Tensor> {
    let op = Frames {
        max_degree,
        turn: Turn::shared(max_degree, cartesian_order)?,
        cartesian_order,
    };
    apply(op, &[r])
}

#[derive(Debug, Clone)]
struct Frames {
    max_degree: usize,
    cartesian_order: bool,
    turn: Arc<Turn>,
}

impl Op for Frames {
    const NAME: &'static str = "frames of edges";
    const NEEDS_RESULT: bool = true;

    fn forward<T: Element>(&self, args: &[&[T]], _: &[&Shape]) -> Result<(Vec<T>, Shape)> {
        let values = aligned::frames(args[0], self.max_degree, self.cartesian_order)?;
        let shape = Shape::from((args[0].len() / 3, frame_len(self.max_degree)));
        Ok((values, shape))
    }

    fn backward(&self, args: &[Tensor], grad: &Tensor, _: &[bool]) -> Result<Vec<Option<Tensor>>> {
        let (r, result, edges) = (&args[0], &args[1], args[0].dim(0)?);
        let turning = Turning {
            turn: Arc::clone(&self.turn),
            edges,
        };
        let torque = form(turning, TurnSlot::Velocity as usize, &[result, grad])?;
        let inverse = row_inverse(r)?;
        Ok(vec![Some(form(Volume { edges }, 0, &[&torque, &inverse])?)])
    }
}

/// The sum of [`Turn`].
#[derive(Debug, Clone)]
struct Turning {
    turn: Arc<Turn>,
    edges: usize,
}

const SLOTS: [TurnSlot; 3] = [TurnSlot::Velocity, TurnSlot::Frame, TurnSlot::Cotangent];

impl Multilinear for Turning {
    const NAME: &'static str = "turns of edges";
    const SLOTS: usize = SLOTS.len();

    fn shape(&self, slot: usize) -> Shape {
        Shape::from((self.edges, self.turn.width(SLOTS[slot])))
    }

    fn form<T: Element>(&self, slot: usize, args: &[&[T]]) -> Result<Vec<T>> {
        Ok(self.turn.form(SLOTS[slot], without(slot, args))?)
    }
}

/// The sum of the triple products `a · (b × c)` of vectors of shape `(n, 3)`.
#[derive(Debug, Clone)]
struct Volume {
    edges: usize,
}

impl Multilinear for Volume {
    const NAME: &'static str = "triple product";
    const SLOTS: usize = 3;

    fn shape(&self, _: usize) -> Shape {
        Shape::from((self.edges, 3))
    }

    fn form<T: Element>(&self, slot: usize, args: &[&[T]]) -> Result<Vec<T>> {
        let (b, c) = (args[(slot + 1) % 3], args[(slot + 2) % 3]);
        if b.len() != c.len() || b.len() != 3 * self.edges {
            let expected = format!("{} vectors", self.edges);
            return Err(Error::argument(Self::NAME, expected, b.len().to_string()));
        }
        let cross = |(b, c): (&[T], &[T])| {
            [
                b[1] * c[2] - b[2] * c[1],
                b[2] * c[0] - b[0] * c[2],
                b[0] * c[1] - b[1] * c[0],
            ]
        };
        Ok(b.chunks_exact(3)
            .zip(c.chunks_exact(3))
            .flat_map(cross)
            .collect())
    }
}
