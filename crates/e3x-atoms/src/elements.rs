//! Chemical elements: symbols and standard masses.

use crate::error::{Error, Result};

/// The number of elements this table knows: hydrogen (1) to oganesson (118).
pub const NUM_ELEMENTS: u32 = 118;

/// The symbol of an element, or `None` for an atomic number outside 1..=118.
///
/// ```
/// assert_eq!(e3x_atoms::elements::symbol(8), Some("O"));
/// ```
pub fn symbol(number: u32) -> Option<&'static str> {
    entry(number).map(|(symbol, _)| symbol)
}

/// The standard mass of an element in u, or `None` for an atomic number outside 1..=118.
///
/// Standard atomic weights of IUPAC 2021 (their abridged conventional values for elements with an interval, Prohaska
/// et al., Pure Appl. Chem. 94, 573 (2022), with the revisions of Gd, Lu and Zr of 2024); for elements without a
/// standard atomic weight the mass number of a long-lived isotope.
///
/// ```
/// assert_eq!(e3x_atoms::elements::mass(6), Some(12.011));
/// ```
pub fn mass(number: u32) -> Option<f64> {
    entry(number).map(|(_, mass)| mass)
}

/// The atomic number of a symbol (`"Cu"` gives 29), or `None` for an unknown one. Upper and lower case matter.
pub fn number(symbol: &str) -> Option<u32> {
    (1..=NUM_ELEMENTS).find(|number| entry(*number).is_some_and(|(known, _)| known == symbol))
}

/// The standard masses of a list of atoms in u, shape `(N,)`.
///
/// # Errors
/// [`Error::Argument`] for an atomic number outside 1..=118.
pub fn masses(numbers: &[u32]) -> Result<Vec<f64>> {
    numbers
        .iter()
        .enumerate()
        .map(|(atom, number)| {
            mass(*number).ok_or_else(|| {
                Error::argument(
                    format!("numbers[{atom}]"),
                    "an atomic number in 1..=118",
                    number,
                )
            })
        })
        .collect()
}

/// Symbol and mass of an element.
fn entry(number: u32) -> Option<(&'static str, f64)> {
    let index = (number as usize).checked_sub(1)?;
    ELEMENTS.get(index).copied()
}

/// Symbol and mass (u) of the elements 1 to 118, in order.
#[rustfmt::skip]
const ELEMENTS: [(&str, f64); NUM_ELEMENTS as usize] = [
    ("H", 1.008), ("He", 4.002602), ("Li", 6.94), ("Be", 9.0121831), ("B", 10.81), ("C", 12.011),
    ("N", 14.007), ("O", 15.999), ("F", 18.998403162), ("Ne", 20.1797), ("Na", 22.98976928),
    ("Mg", 24.305), ("Al", 26.9815384), ("Si", 28.085), ("P", 30.973761998), ("S", 32.06),
    ("Cl", 35.45), ("Ar", 39.95), ("K", 39.0983), ("Ca", 40.078), ("Sc", 44.955907),
    ("Ti", 47.867), ("V", 50.9415), ("Cr", 51.9961), ("Mn", 54.938043), ("Fe", 55.845),
    ("Co", 58.933194), ("Ni", 58.6934), ("Cu", 63.546), ("Zn", 65.38), ("Ga", 69.723),
    ("Ge", 72.630), ("As", 74.921595), ("Se", 78.971), ("Br", 79.904), ("Kr", 83.798),
    ("Rb", 85.4678), ("Sr", 87.62), ("Y", 88.905838), ("Zr", 91.222), ("Nb", 92.90637),
    ("Mo", 95.95), ("Tc", 97.0), ("Ru", 101.07), ("Rh", 102.90549), ("Pd", 106.42),
    ("Ag", 107.8682), ("Cd", 112.414), ("In", 114.818), ("Sn", 118.710), ("Sb", 121.760),
    ("Te", 127.60), ("I", 126.90447), ("Xe", 131.293), ("Cs", 132.90545196), ("Ba", 137.327),
    ("La", 138.90547), ("Ce", 140.116), ("Pr", 140.90766), ("Nd", 144.242), ("Pm", 145.0),
    ("Sm", 150.36), ("Eu", 151.964), ("Gd", 157.249), ("Tb", 158.925354), ("Dy", 162.500),
    ("Ho", 164.930329), ("Er", 167.259), ("Tm", 168.934219), ("Yb", 173.045), ("Lu", 174.96669),
    ("Hf", 178.486), ("Ta", 180.94788), ("W", 183.84), ("Re", 186.207), ("Os", 190.23),
    ("Ir", 192.217), ("Pt", 195.084), ("Au", 196.966570), ("Hg", 200.592), ("Tl", 204.38),
    ("Pb", 207.2), ("Bi", 208.98040), ("Po", 209.0), ("At", 210.0), ("Rn", 222.0), ("Fr", 223.0),
    ("Ra", 226.0), ("Ac", 227.0), ("Th", 232.0377), ("Pa", 231.03588), ("U", 238.02891),
    ("Np", 237.0), ("Pu", 244.0), ("Am", 243.0), ("Cm", 247.0), ("Bk", 247.0), ("Cf", 251.0),
    ("Es", 252.0), ("Fm", 257.0), ("Md", 258.0), ("No", 259.0), ("Lr", 262.0), ("Rf", 267.0),
    ("Db", 268.0), ("Sg", 269.0), ("Bh", 270.0), ("Hs", 269.0), ("Mt", 277.0), ("Ds", 281.0),
    ("Rg", 282.0), ("Cn", 285.0), ("Nh", 286.0), ("Fl", 290.0), ("Mc", 290.0), ("Lv", 293.0),
    ("Ts", 294.0), ("Og", 294.0),
];
