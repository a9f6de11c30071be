//! Multilinear sums and their derivatives of every order, written once for the whole family.
//!
//! A *form* is a multilinear sum `S(a, b, ...)` with one argument left out: its derivative with
//! respect to that argument. All that a layer of this family and its derivatives compute is
//!
//! ```text
//! Form         ∂S/∂a_k
//! Gradients    ∂S/∂a_j                       for several j, in one pass over the data
//! Second       sum over i of ∂²S/∂a_i ∂a_j u_i   for several j and several tangents u_i
//! ```
//!
//! The backward of a form is a `Gradients` (with the cotangent as the argument that was left out),
//! that of `Gradients` is a `Second`, and that of `Second` is a sum of forms again, so that every
//! order of derivative exists and the two that training on forces needs are one pass each.

use candle_core::{Shape, Tensor};
use smallvec::smallvec;

use super::Element;
use super::tape::{Few, MultiOp, Summands, Values, record, view_as};
use crate::Result;
use crate::autograd::mode;

/// A multilinear sum. Its arguments, the *slots*, are numbered.
pub(crate) trait Multilinear: Clone + Send + Sync + 'static {
    /// Name in messages of the tape.
    const NAME: &'static str;
    /// Number of arguments.
    const SLOTS: usize;

    /// Shape of an argument.
    fn shape(&self, slot: usize) -> Shape;

    /// The derivative with respect to `slot`. `args` has all arguments in C order; that of `slot`
    /// is ignored.
    fn form<T: Element>(&self, slot: usize, args: &[&[T]]) -> Result<Vec<T>>;

    /// The derivatives with respect to all slots that are `wanted`.
    fn gradients<T: Element>(&self, wanted: &[bool], args: &[&[T]]) -> Result<Vec<Vec<T>>> {
        indices(wanted).map(|slot| self.form(slot, args)).collect()
    }

    /// As [`Self::gradients`], if they will not be differentiated again.
    fn last_gradients<T: Element>(&self, wanted: &[bool], args: &[&[T]]) -> Result<Vec<Vec<T>>> {
        self.gradients(wanted, args)
    }

    /// For all slots j that are `wanted`, the sum over tangents i of `∂²S/∂a_i ∂a_j u_i`.
    fn second<T: Element>(
        &self,
        wanted: &[bool],
        args: &[&[T]],
        tangents: &[Option<&[T]>],
    ) -> Result<Vec<Vec<T>>> {
        let one = |j: usize| {
            let mut total = vec![T::zero(); self.shape(j).elem_count()];
            for (i, tangent) in tangents.iter().enumerate() {
                let Some(tangent) = tangent.filter(|_| i != j) else {
                    continue;
                };
                let mut args = args.to_vec();
                args[i] = tangent;
                for (sum, value) in total.iter_mut().zip(self.form(j, &args)?) {
                    *sum += value;
                }
            }
            Ok(total)
        };
        indices(wanted).map(one).collect()
    }
}

/// Computes the argument left out from the others, in order. Operands may have any shape with the
/// right number of elements.
pub(crate) fn form<M: Multilinear>(sum: M, slot: usize, others: &[&Tensor]) -> Result<Tensor> {
    Ok(record(Form { sum, slot }, others)?.remove(0))
}

fn indices(wanted: &[bool]) -> impl Iterator<Item = usize> {
    wanted
        .iter()
        .enumerate()
        .filter_map(|(slot, &wanted)| wanted.then_some(slot))
}

/// One value for each slot.
pub(crate) fn each<T: Copy, const SLOTS: usize>(values: &[T]) -> [T; SLOTS] {
    std::array::from_fn(|slot| values[slot])
}

/// All slices but that of `slot`, for kernels that take just those.
///
/// # Panics
/// If there are not `N + 1` slices.
pub(crate) fn without<'a, T, const N: usize>(slot: usize, args: &[&'a [T]]) -> [&'a [T]; N] {
    assert_eq!(args.len(), N + 1);
    std::array::from_fn(|i| args[i + usize::from(i >= slot)])
}

/// All tensors but that of `slot`.
fn others<'a>(args: &[&'a Tensor], slot: usize) -> Few<&'a Tensor> {
    let mut others = Few::from_slice(args);
    others.remove(slot);
    others
}

#[derive(Clone)]
struct Form<M> {
    sum: M,
    slot: usize,
}

impl<M: Multilinear> MultiOp for Form<M> {
    const NAME: &'static str = M::NAME;

    fn forward<T: Element>(&self, args: &[&[T]], _: &[&Shape]) -> Result<Values<T>> {
        let mut all: Few<&[T]> = Few::from_slice(args);
        all.insert(self.slot, &[]);
        let values = self.sum.form(self.slot, &all)?;
        Ok(smallvec![(values, self.sum.shape(self.slot))])
    }

    fn backward(
        &self,
        args: &[Tensor],
        grads: &[Option<Tensor>],
        wanted: &[bool],
    ) -> Result<Vec<Option<Tensor>>> {
        match &grads[0] {
            Some(grad) => backward_of_form(&self.sum, self.slot, args, grad, wanted),
            None => Ok(vec![None; args.len()]),
        }
    }
}

/// Gradients of the operands `args` of [`form`] that are `wanted`, for the gradient of its result.
pub(crate) fn backward_of_form<M: Multilinear>(
    sum: &M,
    slot: usize,
    args: &[Tensor],
    grad: &Tensor,
    wanted: &[bool],
) -> Result<Vec<Option<Tensor>>> {
    let mut all: Few<&Tensor> = args.iter().collect();
    all.insert(slot, grad);
    let mut wanted: Few<bool> = Few::from_slice(wanted);
    wanted.insert(slot, false);
    let results = match indices(&wanted).collect::<Few<_>>()[..] {
        [] => Few::new(),
        [slot] => smallvec![form(sum.clone(), slot, &others(&all, slot))?],
        _ => {
            let op = Gradients {
                sum: sum.clone(),
                wanted: wanted.to_vec(),
                last: !mode::creates_graph(),
            };
            record(op, &all)?
        }
    };
    wanted.remove(slot);
    hand_out(results, args, &wanted)
}

/// Derivatives with respect to several arguments.
#[derive(Clone)]
struct Gradients<M> {
    sum: M,
    wanted: Vec<bool>,
    /// Whether they will not be differentiated again.
    last: bool,
}

impl<M: Multilinear> MultiOp for Gradients<M> {
    const NAME: &'static str = M::NAME;

    fn forward<T: Element>(&self, args: &[&[T]], _: &[&Shape]) -> Result<Values<T>> {
        let values = if self.last {
            self.sum.last_gradients(&self.wanted, args)?
        } else {
            self.sum.gradients(&self.wanted, args)?
        };
        let shapes = indices(&self.wanted).map(|slot| self.sum.shape(slot));
        Ok(values.into_iter().zip(shapes).collect())
    }

    fn backward(
        &self,
        args: &[Tensor],
        grads: &[Option<Tensor>],
        wanted: &[bool],
    ) -> Result<Vec<Option<Tensor>>> {
        let mut tangents: Vec<Option<&Tensor>> = vec![None; M::SLOTS];
        for (slot, grad) in indices(&self.wanted).zip(grads) {
            tangents[slot] = grad.as_ref();
        }
        let given: Vec<bool> = tangents.iter().map(Option::is_some).collect();
        let meets = |j: usize| given.iter().enumerate().any(|(i, &given)| given && i != j);
        let wanted: Vec<bool> = (0..M::SLOTS).map(|j| wanted[j] && meets(j)).collect();
        let mut operands: Few<&Tensor> = args.iter().collect();
        operands.extend(tangents.iter().copied().flatten());
        if !wanted.contains(&true) {
            return Ok(vec![None; args.len()]);
        }
        let second = Second {
            sum: self.sum.clone(),
            given,
            wanted: wanted.clone(),
        };
        hand_out(record(second, &operands)?, args, &wanted)
    }
}

/// Results, which are there only for arguments that were wanted, in the shapes of the arguments.
fn hand_out(results: Few<Tensor>, args: &[Tensor], wanted: &[bool]) -> Result<Vec<Option<Tensor>>> {
    let mut results = results.into_iter();
    let of = |(arg, &wanted): (&Tensor, &bool)| {
        let result = if wanted { results.next() } else { None };
        result.map(|x| view_as(&x, arg.shape())).transpose()
    };
    args.iter().zip(wanted).map(of).collect()
}

/// Mixed second derivatives along tangents. Operands: all arguments, then the tangents `given`.
#[derive(Clone)]
struct Second<M> {
    sum: M,
    given: Vec<bool>,
    wanted: Vec<bool>,
}

impl<M: Multilinear> MultiOp for Second<M> {
    const NAME: &'static str = M::NAME;

    fn forward<T: Element>(&self, args: &[&[T]], _: &[&Shape]) -> Result<Values<T>> {
        let (args, given) = args.split_at(M::SLOTS);
        let mut tangents = vec![None; M::SLOTS];
        for (slot, tangent) in indices(&self.given).zip(given) {
            tangents[slot] = Some(*tangent);
        }
        let values = self.sum.second(&self.wanted, args, &tangents)?;
        let shapes = indices(&self.wanted).map(|slot| self.sum.shape(slot));
        Ok(values.into_iter().zip(shapes).collect())
    }

    /// The result is contracted with `v_j`: `sum over i and j of S` with `a_i` replaced by `u_i` and
    /// `a_j` by `v_j`, which is a multilinear sum in everything that it contains.
    fn backward(
        &self,
        args: &[Tensor],
        grads: &[Option<Tensor>],
        wanted: &[bool],
    ) -> Result<Vec<Option<Tensor>>> {
        let mut total: Few<Summands> = smallvec![Summands::new(); args.len()];
        for (tangent, i) in indices(&self.given).enumerate() {
            for (grad, j) in grads.iter().zip(indices(&self.wanted)) {
                let Some(grad) = grad.as_ref().filter(|_| i != j) else {
                    continue;
                };
                let mut all: Few<&Tensor> = args[..M::SLOTS].iter().collect();
                all[i] = &args[M::SLOTS + tangent];
                all[j] = grad;
                for slot in (0..M::SLOTS).filter(|&slot| slot != j) {
                    let operand = if slot == i { M::SLOTS + tangent } else { slot };
                    if wanted[operand] {
                        let term = form(self.sum.clone(), slot, &others(&all, slot))?;
                        let term = view_as(&term, args[operand].shape())?;
                        total[operand].push(term);
                    }
                }
            }
        }
        total.into_iter().map(super::tape::total).collect()
    }
}
