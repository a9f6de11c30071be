//! Entries of three degrees that couple, seen from one of them.

use e3x_so3::Order;

use super::Slot;
use crate::plan::{Block, CouplingSpec, Path};

/// Most pairs of parities of two factors, the *channels* `p1 * P2 + p2`.
pub(crate) const CHANNELS: usize = 4;

/// Who is who in a sum of products: two factors, and the target that their products are added to. Coefficients
/// are between three equals, so that any of the three arguments with degrees may be the target.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Roles {
    pub factors: [Slot; 2],
    pub target: Slot,
}

impl Roles {
    /// The other two arguments with degrees in order, and the target.
    pub fn of(target: Slot) -> Self {
        let factors = match target {
            Slot::First => [Slot::Second, Slot::Product],
            Slot::Second => [Slot::First, Slot::Product],
            Slot::Product | Slot::Weight => [Slot::First, Slot::Second],
        };
        Self { factors, target }
    }

    /// Those of a product of both factors, the one with fewer parities first.
    pub fn of_product(spec: &CouplingSpec) -> Self {
        let mut roles = Self::of(Slot::Product);
        if spec.first.0 > spec.second.0 {
            roles.factors.reverse();
        }
        roles
    }

    /// Positions among the three arguments with degrees.
    fn axes(self) -> [usize; 3] {
        let [first, second] = self.factors;
        [first, second, self.target].map(|slot| match slot {
            Slot::First => 0,
            Slot::Second => 1,
            Slot::Product | Slot::Weight => 2,
        })
    }
}

/// Parities and largest degree of an argument with degrees.
pub(super) fn side(spec: &CouplingSpec, slot: Slot) -> (usize, usize) {
    match slot {
        Slot::First => spec.first,
        Slot::Second => spec.second,
        Slot::Product | Slot::Weight => spec.product,
    }
}

/// Three degrees: those of the factors and that of the target.
pub(super) struct Entries<'a> {
    block: &'a Block,
    axes: [usize; 3],
    pub degrees: [usize; 3],
    /// Whether the sum of the degrees is odd.
    pub odd: bool,
    order: Order,
    /// Sizes of the parity axes.
    pub parities: [usize; 3],
    /// Parity of the target and path, by channels; the number of paths where there is none.
    pub channels: [(usize, usize); CHANNELS],
}

impl<'a> Entries<'a> {
    pub fn new(spec: &CouplingSpec, block: &'a Block, paths: &[Path], roles: Roles) -> Self {
        let axes = roles.axes();
        let sides = axes.map(|axis| [spec.first, spec.second, spec.product][axis]);
        let mut channels = [(0, paths.len()); CHANNELS];
        for path in block.paths.clone() {
            let Path {
                row1, row2, row3, ..
            } = paths[path];
            let parity = |role: usize| {
                let (_, max_degree) = sides[role];
                [row1, row2, row3][axes[role]] / (max_degree + 1).pow(2)
            };
            // Channels without a path have the row of the one that shares their row.
            let channel = parity(0) * sides[1].0 + parity(1);
            channels[CHANNELS - 1 - channel].0 = parity(2);
            channels[channel] = (parity(2), path);
        }
        Self {
            block,
            axes,
            degrees: axes.map(|axis| block.degrees[axis]),
            odd: block.degrees.iter().sum::<usize>() % 2 == 1,
            order: Order::from_cartesian(spec.cartesian_order),
            parities: sides.map(|(parity, _)| parity),
            channels,
        }
    }

    /// All of a plan, sorted by the degrees of factors and target.
    pub fn all(
        spec: &CouplingSpec,
        blocks: &'a [Block],
        paths: &[Path],
        roles: Roles,
    ) -> Vec<Self> {
        let entries = blocks.iter().map(|b| Self::new(spec, b, paths, roles));
        let mut entries: Vec<Self> = entries.collect();
        entries.sort_by_key(|entries| entries.degrees);
        entries
    }

    /// The coefficient of three entries, by their m.
    pub fn coefficient(&self, m: [isize; 3]) -> f64 {
        let mut key = [0; 3];
        for role in 0..3 {
            key[self.axes[role]] = self.order.position(self.degrees[role], m[role]) as u16;
        }
        let terms = &self.block.terms;
        match terms.binary_search_by_key(&key, |t| [t.i, t.j, t.k]) {
            Ok(at) => terms[at].value,
            Err(_) => 0.0,
        }
    }

    /// The row `(row, parity)` of an entry of a role, for the first parity.
    pub fn row(&self, role: usize, m: isize) -> u32 {
        let l = self.degrees[role];
        ((l * l + self.order.position(l, m)) * self.parities[role]) as u32
    }

    /// Rows of the parts of a complex number.
    pub fn rows(&self, role: usize, m: isize) -> [u32; 2] {
        [m.abs(), -m.abs()].map(|m| self.row(role, m))
    }

    /// The coefficient of the complex number M = m1 + m2 of the target, and of i times it if the sum of degrees is odd.
    pub fn complex_coefficient(&self, [m1, m2]: [isize; 2]) -> f64 {
        let [a, b, order] = [m1.abs(), m2.abs(), m1 + m2];
        match (self.odd, order) {
            (false, _) => self.coefficient([a, b, order]),
            // The imaginary part s1 c2 - c1 s2 goes to M = 0.
            (true, 0) => self.coefficient([-a, b, 0]),
            (true, _) => self.coefficient([a, b, -order]),
        }
    }
}
