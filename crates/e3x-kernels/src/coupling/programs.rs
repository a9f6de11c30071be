//! Programs of a plan, made when somebody asks for them.

use std::sync::OnceLock;

use super::entries::Roles;
use super::fold::Fold;
use super::joint::Joint;
use super::program::{Group, groups};
use super::{SLOTS, Slot};
use crate::CouplingPlan;

/// Those of single arguments by target.
#[derive(Debug, Clone, Default)]
pub(crate) struct Programs {
    groups: OnceLock<Vec<Group>>,
    folds: [OnceLock<Fold>; SLOTS],
    joints: [OnceLock<Joint>; SLOTS],
}

impl CouplingPlan {
    /// The coefficients by groups of products.
    pub(super) fn groups(&self) -> &[Group] {
        let programs = self.programs();
        let make = || groups(self.spec(), self.blocks(), self.paths());
        programs.groups.get_or_init(make)
    }

    /// The same for a target alone.
    pub(super) fn fold(&self, target: Slot) -> &Fold {
        self.programs().folds[target as usize]
            .get_or_init(|| Fold::new(self.spec(), self.blocks(), self.paths(), Roles::of(target)))
    }

    /// The same for a target together with the weight.
    pub(super) fn joint(&self, target: Slot) -> &Joint {
        self.programs().joints[target as usize]
            .get_or_init(|| Joint::new(self.spec(), self.blocks(), self.paths(), Roles::of(target)))
    }
}
