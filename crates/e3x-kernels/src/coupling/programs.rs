//! Programs of a plan, made when somebody asks for them.

use std::sync::OnceLock;

use super::entries::Roles;
use super::fold::Fold;
use super::joint::Joint;
use super::program::{Group, groups};
use super::{SLOTS, Slot};
use crate::CouplingPlan;

/// By target.
#[derive(Debug, Clone, Default)]
pub(crate) struct Programs {
    groups: [OnceLock<Vec<Group>>; SLOTS],
    folds: [OnceLock<Fold>; SLOTS],
    joints: [OnceLock<Joint>; SLOTS],
}

impl CouplingPlan {
    /// The coefficients by what they lead to.
    pub(super) fn groups(&self, target: Slot) -> &[Group] {
        self.programs().groups[target as usize]
            .get_or_init(|| groups(self.spec(), self.blocks(), self.paths(), Roles::of(target)))
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
