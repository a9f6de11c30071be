//! Arguments of a multilinear sum that were checked.

use crate::Result;
use crate::error::check_len;

/// Arguments, and tangents if second derivatives are computed.
#[doc(hidden)]
#[derive(Debug, Clone, Copy)]
pub struct Operands<'a, T, const SLOTS: usize> {
    args: [Option<&'a [T]>; SLOTS],
    tangents: Option<[Option<&'a [T]>; SLOTS]>,
}

/// Name and size of each argument.
pub(crate) type Sizes<const SLOTS: usize> = [(&'static str, usize); SLOTS];

impl<'a, T, const SLOTS: usize> Operands<'a, T, SLOTS> {
    /// For derivatives with respect to arguments that are `wanted`. The only one that is wanted is ignored.
    ///
    /// # Errors
    /// If an argument has the wrong size.
    pub(crate) fn for_gradients(
        sizes: Sizes<SLOTS>,
        wanted: [bool; SLOTS],
        args: [&'a [T]; SLOTS],
    ) -> Result<Self> {
        let alone = wanted.iter().filter(|&&wanted| wanted).count() == 1;
        let mut operands = Self {
            args: [None; SLOTS],
            tangents: None,
        };
        for (slot, (name, size)) in sizes.into_iter().enumerate() {
            if !(alone && wanted[slot]) {
                check_len(name, args[slot].len(), size)?;
                operands.args[slot] = Some(args[slot]);
            }
        }
        Ok(operands)
    }

    /// For second derivatives along tangents.
    ///
    /// # Errors
    /// If an argument or a tangent has the wrong size.
    pub(crate) fn for_second(
        sizes: Sizes<SLOTS>,
        args: [&'a [T]; SLOTS],
        tangents: [Option<&'a [T]>; SLOTS],
    ) -> Result<Self> {
        for (slot, (name, size)) in sizes.into_iter().enumerate() {
            check_len(name, args[slot].len(), size)?;
            if let Some(tangent) = tangents[slot] {
                check_len(name, tangent.len(), size)?;
            }
        }
        Ok(Self {
            args: args.map(Some),
            tangents: Some(tangents),
        })
    }

    /// The numbers of an argument (level 0) or of its tangent (level 1), if there are any.
    #[inline(always)]
    pub(crate) fn of(&self, level: usize, slot: usize) -> Option<&'a [T]> {
        match level {
            0 => self.args[slot],
            _ => self.tangents.and_then(|tangents| tangents[slot]),
        }
    }

    /// Whether second derivatives are computed.
    #[inline(always)]
    pub(crate) fn has_tangents(&self) -> bool {
        self.tangents.is_some()
    }
}
