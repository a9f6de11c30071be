//! Units and physical constants: eV, Å, fs, u and K everywhere.
//!
//! The constants are those of CODATA 2018, of which the elementary charge and Boltzmann's constant are exact since the
//! SI of 2019 (Tiesinga et al., Rev. Mod. Phys. 93, 025010 (2021)).

/// Boltzmann's constant in eV/K: 1.380649e-23 J/K over 1.602176634e-19 J/eV.
pub const BOLTZMANN: f64 = 1.380649e-23 / 1.602176634e-19;

/// 1 u Å²/fs² in eV: a mass (u) times a squared velocity (Å/fs) times this is an energy (eV).
///
/// 1 u = 1.66053906660e-27 kg and 1 Å/fs = 1e5 m/s, hence about 103.6427 eV.
pub const AMU_ANGSTROM2_PER_FS2: f64 = 1.66053906660e-17 / 1.602176634e-19;

/// 1 eV/Å³ in GPa: multiply a stress in eV/Å³ by this to get GPa.
pub const EV_PER_ANGSTROM3_IN_GPA: f64 = 160.2176634;

/// 1 kcal/mol in eV: 4184 J over Avogadro's constant, over the elementary charge.
pub const KCAL_PER_MOL: f64 = 4184.0 / 6.02214076e23 / 1.602176634e-19;

/// 1 hartree in eV.
pub const HARTREE: f64 = 27.211386245988;

/// 1 bohr in Å.
pub const BOHR: f64 = 0.529177210903;
