//! Quadrature rules on the unit sphere.

mod double_double;
mod gauss_legendre;
mod orbit;

pub use gauss_legendre::gauss_legendre_quadrature;
use orbit::{DELLEY, Family, LEBEDEV};

/// How large a quadrature rule should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QuadratureSize {
    /// The smallest rule that integrates all polynomials up to this degree exactly.
    Precision(usize),
    /// The most precise rule with at most this many points.
    Num(usize),
}

/// Points and weights for integrals over the unit sphere.
///
/// ```text
/// ∫ f(r) dΩ ≈ 4π Σ_i weights[i] f(points[i])
/// ```
///
/// The weights add up to one.
#[derive(Debug, Clone, PartialEq)]
pub struct Quadrature {
    /// The largest degree of polynomials that are integrated exactly.
    pub precision: usize,
    /// The points, unit vectors.
    pub points: Vec<[f64; 3]>,
    /// The weights.
    pub weights: Vec<f64>,
}

/// A Lebedev rule.
///
/// Rules exist with precision 3, 5, ..., 31, 35, 41, ..., 131 and 6 to 5810 points (V. I. Lebedev and D. N. Laikov,
/// Doklady Mathematics 59, 477 (1999)). When no rule satisfies `size`, the nearest one is returned, with a warning
/// through [`log`]. The counterpart of `e3x.so3.lebedev_quadrature`, with the points in the same order.
///
/// The published digits leave integrals of harmonics up to 4e-12 (`4π Σ w Y`, with mean squares of one). Points and
/// weights were therefore refined, by Gauss and Newton's method for these integrals in extended precision
/// (`data/refine_lebedev.py`): the integrals of all harmonics up to the precision are now below 1e-14 before rounding
/// errors of the sum. Points moved by less than 4e-13, weights by less than 1e-15.
///
/// # Example
///
/// ```
/// use e3x_so3::{QuadratureSize, lebedev_quadrature};
/// let rule = lebedev_quadrature(QuadratureSize::Precision(4));
/// assert_eq!((rule.precision, rule.points.len()), (5, 14));
/// // The mean of x⁴ over the sphere is 1/5.
/// let mean: f64 = rule.points.iter().zip(&rule.weights).map(|(r, w)| w * r[0].powi(4)).sum();
/// assert!((mean - 0.2).abs() < 1e-15);
/// ```
pub fn lebedev_quadrature(size: QuadratureSize) -> Quadrature {
    quadrature(&LEBEDEV, size)
}

/// A Delley rule.
///
/// Rules exist with precision 5, 7, 11, 17, ..., 101 and 14 to 3470 points; they are Lebedev rules with more digits
/// (B. Delley, Journal of Computational Chemistry 17, 1152 (1996)). When no rule satisfies `size`, the nearest one is
/// returned, with a warning through [`log`]. The counterpart of `e3x.so3.delley_quadrature`, with the points in the
/// same order.
///
/// # Example
///
/// ```
/// use e3x_so3::{QuadratureSize, delley_quadrature};
/// let rule = delley_quadrature(QuadratureSize::Num(100));
/// assert_eq!((rule.precision, rule.points.len()), (11, 50));
/// ```
pub fn delley_quadrature(size: QuadratureSize) -> Quadrature {
    quadrature(&DELLEY, size)
}

/// A line `rule PRECISION NUM` of the data and the lines of its orbits.
struct Rule {
    precision: usize,
    num: usize,
    orbits: Vec<&'static str>,
}

fn rules(family: &Family) -> Vec<Rule> {
    let mut rules: Vec<Rule> = Vec::new();
    for line in family.data.lines().filter(|line| !line.starts_with('#')) {
        if let Some(header) = line.strip_prefix("rule ") {
            let mut numbers = header.split(' ').map(|n| n.parse().unwrap_or(0));
            rules.push(Rule {
                precision: numbers.next().unwrap_or(0),
                num: numbers.next().unwrap_or(0),
                orbits: Vec::new(),
            });
        } else if let Some(rule) = rules.last_mut() {
            rule.orbits.push(line);
        }
    }
    rules
}

fn quadrature(family: &Family, size: QuadratureSize) -> Quadrature {
    let rules = rules(family);
    // Sorted by precision and number of points at the same time.
    let last = rules.len() - 1;
    let (index, found) = match size {
        QuadratureSize::Precision(precision) => {
            let index = rules.partition_point(|rule| rule.precision < precision);
            (index.min(last), index <= last)
        }
        QuadratureSize::Num(num) => {
            let count = rules.partition_point(|rule| rule.num <= num);
            (count.saturating_sub(1), count > 0)
        }
    };
    let rule = &rules[index];
    if !found {
        log::warn!(
            "there is no {} rule for {size:?}, using the nearest one with precision {} and {} points",
            family.name,
            rule.precision,
            rule.num
        );
    }
    let mut quadrature = Quadrature {
        precision: rule.precision,
        points: Vec::with_capacity(rule.num),
        weights: Vec::with_capacity(rule.num),
    };
    for line in &rule.orbits {
        let weight = family.append_points(line, &mut quadrature.points);
        quadrature.weights.resize(quadrature.points.len(), weight);
    }
    quadrature
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_data_are_complete() {
        for (family, num_rules) in [(&LEBEDEV, 32), (&DELLEY, 18)] {
            let rules = rules(family);
            assert_eq!(rules.len(), num_rules);
            assert!(rules.is_sorted_by(|a, b| a.precision < b.precision && a.num < b.num));
            for rule in rules {
                let quadrature = quadrature(family, QuadratureSize::Precision(rule.precision));
                assert_eq!(quadrature.points.len(), rule.num);
                assert_eq!(quadrature.weights.len(), rule.num);
                assert_eq!(quadrature.precision, rule.precision);
                let norm = |r: &[f64; 3]| r.iter().map(|x| x * x).sum::<f64>();
                assert!((quadrature.points.iter()).all(|r| (norm(r) - 1.0).abs() < 1e-15));
                let total: f64 = quadrature.weights.iter().sum();
                assert!((total - 1.0).abs() < 1e-13);
            }
        }
    }
}
