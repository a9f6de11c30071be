//! Orbits of the octahedral group: all points with permuted coordinates and changed signs.

use std::f64::consts::FRAC_1_SQRT_2;

/// A family of quadrature rules: its numbers, and the order of the points of each kind of orbit.
pub(super) struct Family {
    pub(super) name: &'static str,
    pub(super) data: &'static str,
    edges: Layout,
    pairs: Layout,
    planes: Layout,
    general: Layout,
}

/// The order of the points of an orbit.
struct Layout {
    /// Which coordinate of the first point goes to each position.
    placements: &'static [[usize; 3]],
    /// Whether the loop over signs (the last changes fastest) is outside of that over placements.
    signs_first: bool,
    /// Whether signs belong to the coordinates of the first point and move with them.
    signs_move: bool,
    /// The two coordinates (x, x, z), (x, y, 0) start at this position.
    first: usize,
}

impl Layout {
    /// All signs of one placement after the other.
    const fn by_placement(placements: &'static [[usize; 3]], signs_move: bool) -> Self {
        Self {
            placements,
            signs_first: false,
            signs_move,
            first: 0,
        }
    }

    /// All placements with some signs after the other.
    const fn by_signs(placements: &'static [[usize; 3]], signs_move: bool, first: usize) -> Self {
        Self {
            placements,
            signs_first: true,
            signs_move,
            first,
        }
    }
}

// Coordinates of the first point, in the order in which they are placed.
const XYZ: [usize; 3] = [0, 1, 2];
const XZY: [usize; 3] = [0, 2, 1];
const YXZ: [usize; 3] = [1, 0, 2];
const YZX: [usize; 3] = [1, 2, 0];
const ZXY: [usize; 3] = [2, 0, 1];
const ZYX: [usize; 3] = [2, 1, 0];

pub(super) static LEBEDEV: Family = Family {
    name: "Lebedev",
    data: include_str!("../../data/lebedev.txt"),
    edges: Layout::by_placement(&[ZXY, XZY, XYZ], false),
    pairs: Layout::by_placement(&[XYZ, XZY, ZXY], true),
    planes: Layout::by_placement(&[XYZ, YXZ, XZY, YZX, ZXY, ZYX], false),
    general: Layout::by_placement(&[XYZ, XZY, YXZ, YZX, ZXY, ZYX], false),
};

pub(super) static DELLEY: Family = Family {
    name: "Delley",
    data: include_str!("../../data/delley.txt"),
    edges: Layout::by_signs(&[XYZ, ZXY, YZX], true, 0),
    pairs: Layout::by_signs(&[XYZ, YXZ, YZX], false, 1),
    planes: Layout::by_signs(&[XYZ, ZXY, YZX, XZY, YXZ, ZYX], true, 1),
    general: Layout::by_signs(&[XYZ, XZY, ZXY, YXZ, YZX, ZYX], true, 0),
};

/// The points `±x, ±y, ±z`, of both families.
static AXES: Layout = Layout::by_placement(&[XYZ, YXZ, YZX], false);

/// The points `(±1, ±1, ±1) / √3`, of both families.
static CORNERS: Layout = Layout::by_placement(&[XYZ], false);

impl Family {
    /// Appends the points of an orbit, described by a line of the data, and returns their weight.
    pub(super) fn append_points(&self, line: &str, points: &mut Vec<[f64; 3]>) -> f64 {
        let mut words = line.split(' ');
        let kind = words.next().unwrap_or_default();
        // The last coordinate may be left out. Malformed numbers would be a defect of the data, which the tests exclude.
        let mut number_or = |other| {
            words
                .next()
                .map_or(other, |w| w.parse().unwrap_or(f64::NAN))
        };
        let weight = number_or(f64::NAN);
        let (layout, point) = match kind {
            "a1" => (&AXES, [1.0, 0.0, 0.0]),
            "a2" => (&self.edges, [FRAC_1_SQRT_2, FRAC_1_SQRT_2, 0.0]),
            "a3" => (&CORNERS, [3.0_f64.sqrt().recip(); 3]),
            "b" => {
                let x = number_or(f64::NAN);
                (&self.pairs, [x, x, number_or(remainder(x, x))])
            }
            "c" => {
                let x = number_or(f64::NAN);
                (&self.planes, [x, number_or(remainder(x, 0.0)), 0.0])
            }
            _ => {
                let (x, y) = (number_or(f64::NAN), number_or(f64::NAN));
                (&self.general, [x, y, number_or(remainder(x, y))])
            }
        };
        layout.append(point, points);
        weight
    }
}

/// The third coordinate of a unit vector.
fn remainder(x: f64, y: f64) -> f64 {
    (1.0 - x * x - y * y).sqrt()
}

impl Layout {
    fn append(&self, mut point: [f64; 3], points: &mut Vec<[f64; 3]>) {
        point.rotate_right(self.first);
        let mut add = |signs: usize, placement: &[usize; 3]| {
            let sign = |i: usize| if signs & (4 >> i) == 0 { 1.0 } else { -1.0 };
            let placed: [f64; 3] = std::array::from_fn(|i| {
                sign(if self.signs_move { placement[i] } else { i }) * point[placement[i]]
            });
            // A zero has one sign only.
            if placed.iter().all(|x| *x != 0.0 || x.is_sign_positive()) {
                points.push(placed);
            }
        };
        if self.signs_first {
            for signs in 0..8 {
                self.placements
                    .iter()
                    .for_each(|placement| add(signs, placement));
            }
        } else {
            for placement in self.placements {
                (0..8).for_each(|signs| add(signs, placement));
            }
        }
    }
}
