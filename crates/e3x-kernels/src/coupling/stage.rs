//! The steps that first and second derivatives consist of: arguments alone (`fold/`) or together with the weight
//! (`joint/`), and two kinds of steps by groups.
//!
//! With `C(x, y)[k] = sum over i, j of C[i, j, k] x[i] y[j]`, and `C'(w z)[i, j] = sum over paths and
//! k of C[i, j, k] w z[k]` for its transpose, the derivatives of S with respect to z, w, x and y are
//!
//! ```text
//! w C(x, y)      z C(x, y)      C'(w z) y      C'(w z) x
//! ```
//!
//! and their own derivatives along tangents `u` follow from the product rule:
//!
//! ```text
//! z:  w C(x', y)' + u_w C(x, y)      w:  z C(x, y)' + u_z C(x, y)    with C(x, y)' = C(u_x, y) + C(x, u_y)
//! x:  C'(w z)' y + C'(w z) u_y       y:  C'(w z)' x + C'(w z) u_x    with C'(w z)' = C'(u_w z + w u_z)
//! ```

use super::entries::Roles;
use super::{CouplingJob, Operands, SLOTS, Slot};

/// Position among arguments (the slots) and tangents (after them).
pub(super) type Operand = usize;

/// Positions of arguments and tangents.
pub(super) const OPERANDS: usize = 2 * SLOTS;

const W: Operand = Slot::Weight as usize;
const Z: Operand = Slot::Product as usize;

/// Adds `C(...)` of a sum of products, times an operand each, to the product and the weight; or
/// `C'(...)`, times an operand each, to the two factors.
#[derive(Debug, Clone)]
pub(super) struct Stage {
    /// Those of the factors, or `(w, z)`.
    pub products: Vec<[Operand; 2]>,
    /// What the result is multiplied with, for the target and the weight, or for first and second
    /// factor; `None` if that is not wanted.
    pub times: [Option<Operand>; 2],
    /// First and second factor of the groups; see [`Roles::of_product`].
    pub factors: [Slot; 2],
}

/// Most numbers of a table of weights times coefficients: with both parities those of degree 6 and 1000 features.
const MOST_NUMBERS: usize = 1 << 24;

/// All steps of a computation.
#[derive(Debug, Clone)]
pub(super) struct Stages {
    /// Arguments that are computed alone.
    pub folds: Vec<Slot>,
    /// The argument that is computed together with the weight, without groups.
    pub joint: Option<Slot>,
    pub forward: Vec<Stage>,
    pub backward: Vec<Stage>,
}

impl Stages {
    /// The steps that compute what is wanted from the operands that exist.
    pub fn new<T>(job: &CouplingJob<'_>, operands: &Operands<'_, T>) -> Self {
        let CouplingJob {
            plan,
            features,
            wanted,
            ..
        } = *job;
        let spec = plan.spec();
        let same_parities = spec.first.0 == spec.second.0 && spec.first.0 == spec.product.0;
        if !operands.has_tangents() && same_parities {
            let stages = Self::of_targets(wanted);
            let coefficients = |&target: &Slot| plan.fold(target).coefficients.len();
            let most = stages.folds.iter().map(coefficients).max().unwrap_or(0);
            if most * plan.channels() * features <= MOST_NUMBERS {
                return stages;
            }
        }
        Self::of_groups(wanted, operands, Roles::of_product(spec).factors)
    }

    /// Each argument alone, but one together with the weight, whose derivative needs products of entries; the weight
    /// alone from groups.
    fn of_targets(wanted: [bool; SLOTS]) -> Self {
        let with_degrees = [Slot::Product, Slot::First, Slot::Second];
        let mut folds: Vec<Slot> = with_degrees
            .into_iter()
            .filter(|&slot| wanted[slot as usize])
            .collect();
        let joint = if wanted[W] { folds.pop() } else { None };
        let factors = [Slot::First, Slot::Second];
        let groups = (wanted[W] && joint.is_none()).then(|| Stage {
            products: vec![factors.map(|slot| slot as usize)],
            times: [None, Some(Z)],
            factors,
        });
        Self {
            folds,
            joint,
            forward: groups.into_iter().collect(),
            backward: Vec::new(),
        }
    }

    /// All arguments from the same groups of products.
    fn of_groups<T>(wanted: [bool; SLOTS], operands: &Operands<'_, T>, factors: [Slot; 2]) -> Self {
        let [x, y] = factors.map(|slot| slot as usize);
        let exists = |operand: Operand| operands.of(operand / SLOTS, operand % SLOTS).is_some();
        let stage = |products: &[[Operand; 2]], times: [(usize, Operand); 2]| {
            let complete = |pair: &&[Operand; 2]| pair.iter().all(|&o| exists(o));
            let stage = Stage {
                products: products.iter().filter(complete).copied().collect(),
                times: times.map(|(slot, o)| (wanted[slot] && exists(o)).then_some(o)),
                factors,
            };
            let useful = !stage.products.is_empty() && stage.times.iter().any(Option::is_some);
            useful.then_some(stage)
        };
        let tangent = |operand: Operand| operand + SLOTS;
        let [ux, uy, uw, uz] = [x, y, W, Z].map(tangent);
        let (forward, backward) = if operands.has_tangents() {
            (
                [
                    stage(&[[ux, y], [x, uy]], [(Z, W), (W, Z)]),
                    stage(&[[x, y]], [(Z, uw), (W, uz)]),
                ],
                [
                    stage(&[[uw, Z], [W, uz]], [(x, y), (y, x)]),
                    stage(&[[W, Z]], [(x, uy), (y, ux)]),
                ],
            )
        } else {
            (
                [stage(&[[x, y]], [(Z, W), (W, Z)]), None],
                [stage(&[[W, Z]], [(x, y), (y, x)]), None],
            )
        };
        Self {
            folds: Vec::new(),
            joint: None,
            forward: forward.into_iter().flatten().collect(),
            backward: backward.into_iter().flatten().collect(),
        }
    }

    /// Whether a step by groups uses the operand.
    pub fn uses(&self, operand: Operand) -> bool {
        self.forward.iter().chain(&self.backward).any(|s| {
            s.products.as_flattened().contains(&operand) || s.times.contains(&Some(operand))
        })
    }
}
