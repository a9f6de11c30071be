//! Solid harmonics on the tape.
//!
//! The backward is the trilinear sum of [`e3x_kernels::harmonics`] over the direction, the cotangent
//! and the harmonics themselves.

use candle_core::{Shape, Tensor};
use e3x_kernels::harmonics::{HarmonicsGradient, Slot};
use e3x_so3::{Normalization, SphericalHarmonics, num_harmonics};

use super::multilinear::{Multilinear, form};
use super::tape::view;
use super::{Element, Op, apply};
use crate::Result;

/// Which harmonics.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SolidHarmonics {
    pub(crate) max_degree: usize,
    pub(crate) cartesian_order: bool,
    pub(crate) normalization: Normalization,
}

/// Solid harmonics of `r`, shape `(..., 3)` to `(..., (max_degree + 1)^2)`.
pub(crate) fn solid_harmonics(r: &Tensor, harmonics: SolidHarmonics) -> Result<Tensor> {
    apply(harmonics, &[r])
}

impl Op for SolidHarmonics {
    const NAME: &'static str = "solid harmonics";
    const NEEDS_RESULT: bool = true;

    fn forward<T: Element>(&self, args: &[&[T]], shapes: &[&Shape]) -> Result<(Vec<T>, Shape)> {
        // With vectors taken as they are, these are the polynomials.
        let kernel = SphericalHarmonics::<T>::new(
            self.max_degree,
            self.cartesian_order,
            self.normalization,
            true,
        )?;
        let size = kernel.num_harmonics();
        let mut values = vec![T::ZERO; args[0].len() / 3 * size];
        kernel.values(args[0], &mut values)?;
        let mut dims = shapes[0].dims().to_vec();
        if let Some(last) = dims.last_mut() {
            *last = size;
        }
        Ok((values, Shape::from(dims)))
    }

    fn backward(&self, args: &[Tensor], grad: &Tensor, _: &[bool]) -> Result<Vec<Option<Tensor>>> {
        let gradient = Gradient {
            harmonics: *self,
            points: args[0].elem_count() / 3,
        };
        Ok(vec![Some(view(
            &form(gradient, DIRECTION, &[grad, &args[1]])?,
            args[0].shape().clone(),
        )?)])
    }
}

const DIRECTION: usize = 0;
const COTANGENT: usize = 1;
const HARMONICS: usize = 2;

#[derive(Debug, Clone)]
struct Gradient {
    harmonics: SolidHarmonics,
    points: usize,
}

impl Multilinear for Gradient {
    const NAME: &'static str = "gradient of solid harmonics";
    const SLOTS: usize = 3;

    fn shape(&self, slot: usize) -> Shape {
        let width = match slot {
            DIRECTION => 3,
            _ => num_harmonics(self.harmonics.max_degree),
        };
        Shape::from((self.points, width))
    }

    fn form<T: Element>(&self, slot: usize, args: &[&[T]]) -> Result<Vec<T>> {
        let SolidHarmonics {
            max_degree,
            cartesian_order,
            normalization,
        } = self.harmonics;
        let gradient = HarmonicsGradient::<T>::new(max_degree, cartesian_order, normalization)?;
        let slots = [Slot::Direction, Slot::Cotangent, Slot::Harmonics];
        let [first, second] = match slot {
            DIRECTION => [COTANGENT, HARMONICS],
            COTANGENT => [DIRECTION, HARMONICS],
            _ => [DIRECTION, COTANGENT],
        };
        Ok(gradient.form(slots[slot], args[first], args[second])?)
    }
}
