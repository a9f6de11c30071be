//! The coefficients of a plan in the order in which they are worked off.
//!
//! The entries m and -m of a degree are cosine and sine of m times an angle, the two parts of a complex
//! number `X[m] = x[m] + i x[-m]`, with `X[-m]` its conjugate. In this language a coupling is
//!
//! ```text
//! Z[l3, M] = sum over m1 + m2 = M of a[l3, m1] X[m1] Y[m2]        M >= 0,  a real
//! ```
//!
//! if `l1 + l2 + l3` is even, and i times that if it is odd. So the complex products that lead to M,
//! a *group*, are formed once per pair of degrees, and one matrix takes both of their parts to all
//! degrees of the product: half as many multiplications as coefficients between real entries. For
//! M = 0 only real parts count in even and imaginary parts in odd degrees; these are groups with one part.

use super::entries::{CHANNELS, Entries, Roles};
use crate::plan::{Block, CouplingSpec, Path};

/// How two complex numbers (c1, s1) and (c2, s2) multiply; real ones have c alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `X Y`: c1 c2 - s1 s2, c1 s2 + s1 c2.
    Plain,
    /// `X Y*`: c1 c2 + s1 s2, s1 c2 - c1 s2.
    SecondConjugate,
    /// `X* Y`: c1 c2 + s1 s2, c1 s2 - s1 c2.
    FirstConjugate,
    /// c1 c2, c1 s2.
    RealFirst,
    /// c1 c2, s1 c2.
    RealSecond,
    /// c1 c2 alone.
    Real,
    /// Real part of `X Y*` alone.
    RealPart,
    /// Imaginary part of `X Y*` alone.
    ImaginaryPart,
    /// Imaginary part of `X* Y` alone.
    ConjugateImaginaryPart,
}

impl Kind {
    /// The kinds of products, in order.
    pub const ALL: [Self; 8] = [
        Self::Plain,
        Self::SecondConjugate,
        Self::FirstConjugate,
        Self::RealFirst,
        Self::RealSecond,
        Self::Real,
        Self::RealPart,
        Self::ImaginaryPart,
    ];

    /// The same product with its factors exchanged.
    #[inline(always)]
    pub fn exchanged(self) -> Self {
        match self {
            Self::SecondConjugate => Self::FirstConjugate,
            Self::FirstConjugate => Self::SecondConjugate,
            Self::RealFirst => Self::RealSecond,
            Self::RealSecond => Self::RealFirst,
            Self::ImaginaryPart => Self::ConjugateImaginaryPart,
            Self::ConjugateImaginaryPart => Self::ImaginaryPart,
            other => other,
        }
    }
}

/// A product of an entry of each factor; its kind is that of its place in the group.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Product {
    /// Rows `(row, parity)` of c1 and s1, for the first parity; the same where there is no s1.
    pub first: [u32; 2],
    /// Rows of c2 and s2, likewise.
    pub second: [u32; 2],
}

/// An entry of a degree of the target, by channels. With four of them, the first and the last have the
/// same rows, and the two between.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Out {
    /// Where the two parts go, `(row, parity)`.
    pub rows: [[u32; CHANNELS]; 2],
    /// Positions among all paths; their number where there is no path.
    pub paths: [u32; CHANNELS],
    /// Whether the degrees have an odd sum: then the second part is subtracted.
    pub odd: bool,
}

/// All products that lead to the same |m| of the target, between two degrees.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Group {
    /// 1 or 2.
    pub parts: usize,
    /// Sorted by kind.
    pub products: Vec<Product>,
    /// End of each kind among the products; see [`Kind::ALL`].
    pub ends: [u32; Kind::ALL.len()],
    /// Those that are odd are the last.
    pub outs: Vec<Out>,
    /// Number of those that are not.
    pub evens: usize,
    /// `(out, product)`.
    pub coefficients: Vec<f64>,
}

/// The groups of a plan, for products of the two factors; see [`Roles::of_product`].
pub(crate) fn groups(spec: &CouplingSpec, blocks: &[Block], paths: &[Path]) -> Vec<Group> {
    let same_factors = |a: &Entries<'_>, b: &Entries<'_>| a.degrees[..2] == b.degrees[..2];
    let mut groups = Vec::new();
    let roles = Roles::of_product(spec);
    for outs in Entries::all(spec, blocks, paths, roles).chunk_by(same_factors) {
        let most = outs.iter().map(|out| out.degrees[2]).max().unwrap_or(0);
        let [even, odd]: [Vec<&Entries<'_>>; 2] =
            [false, true].map(|odd| outs.iter().filter(|out| out.odd == odd).collect());
        groups.extend(group(0, 1, &even));
        groups.extend(group(0, 1, &odd));
        for order in 1..=most {
            let mut all: Vec<&Entries<'_>> =
                outs.iter().filter(|o| o.degrees[2] >= order).collect();
            all.sort_by_key(|out| out.odd);
            groups.extend(group(order, 2, &all));
        }
    }
    groups
}

fn out(entries: &Entries<'_>, order: isize) -> Out {
    let row = |m: isize| {
        let row = entries.row(2, m);
        entries.channels.map(|(parity, _)| row + parity as u32)
    };
    // i (A + i B) = -B + i A.
    let orders = if entries.odd && order > 0 {
        [-order, order]
    } else {
        [order, -order]
    };
    Out {
        rows: orders.map(row),
        paths: entries.channels.map(|(_, path)| path as u32),
        odd: entries.odd && order > 0,
    }
}

/// The products that lead to an order of some degrees, if there are any.
fn group(order: usize, parts: usize, outs: &[&Entries<'_>]) -> Option<Group> {
    let first = outs.first()?;
    let [l1, l2] = [first.degrees[0] as isize, first.degrees[1] as isize];
    let order = order as isize;
    // Of M = 0 the products of -m and m are conjugates of those of m and -m.
    let lowest = if order == 0 { 0 } else { -l1 };
    let mut products: Vec<(Kind, [isize; 2])> = (lowest..=l1)
        .map(|m1| [m1, order - m1])
        .filter(|&[m1, m2]| m2.abs() <= l2 && !(parts == 1 && first.odd && m1 == 0))
        .map(|m| (kind(m, parts, first.odd), m))
        .collect();
    let place = |kind: Kind| Kind::ALL.iter().position(|&k| k == kind);
    products.sort_by_key(|&(kind, _)| place(kind));
    let ends = std::array::from_fn(|i| {
        products.partition_point(|&(kind, _)| place(kind) <= Some(i)) as u32
    });
    let product = |&(_, [m1, m2]): &(Kind, [isize; 2])| Product {
        first: first.rows(0, m1),
        second: first.rows(1, m2),
    };
    let coefficients = outs
        .iter()
        .flat_map(|out| products.iter().map(|&(_, m)| out.complex_coefficient(m)))
        .collect();
    let outs: Vec<Out> = outs.iter().map(|entries| out(entries, order)).collect();
    (!products.is_empty()).then(|| Group {
        parts,
        products: products.iter().map(product).collect(),
        ends,
        evens: outs.iter().filter(|out| !out.odd).count(),
        outs,
        coefficients,
    })
}

/// The kind of the product of entries of two orders.
fn kind([m1, m2]: [isize; 2], parts: usize, odd: bool) -> Kind {
    match (parts, m1.signum(), m2.signum()) {
        (1, 0, _) => Kind::Real,
        (1, ..) if odd => Kind::ImaginaryPart,
        (1, ..) => Kind::RealPart,
        (_, 0, _) => Kind::RealFirst,
        (_, _, 0) => Kind::RealSecond,
        (_, -1, _) => Kind::FirstConjugate,
        (_, _, -1) => Kind::SecondConjugate,
        _ => Kind::Plain,
    }
}
