//! Which vector instructions kernels run with.

use std::sync::OnceLock;

use pulp::Arch;

/// A set of vector instructions, from narrow to wide.
///
/// Kernels are compiled for each of them and run with the widest that the processor has, or with the widest up to that
/// of the environment variable [`E3X_INSTRUCTIONS`](Self::VARIABLE), if it is set. Results differ by rounding only. The
/// choice is made once per process, when it is first asked for. Matrix products are outside of it: their library chooses
/// for itself.
///
/// ```
/// use e3x_so3::Instructions;
///
/// assert!(Instructions::available().contains(&Instructions::of_process()));
/// assert_eq!(Instructions::Avx2.name(), "avx2");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Instructions {
    /// What every processor of this kind has, number by number; the compiler may still use narrow vectors.
    Scalar,
    /// AVX2 and FMA: vectors of 256 bits on x86-64.
    Avx2,
    /// AVX-512: vectors of 512 bits on x86-64.
    Avx512,
    /// The widest vectors of a processor that is not x86-64.
    Native,
}

impl Instructions {
    /// The environment variable that names the widest instructions to be used: `scalar`, `avx2`, `avx512` or `native`.
    ///
    /// For tests and comparisons. A name that this processor has no instructions for is ignored with a warning in the log.
    pub const VARIABLE: &'static str = "E3X_INSTRUCTIONS";

    /// The instructions that the kernels of this process run with.
    ///
    /// ```
    /// println!("{}", e3x_so3::Instructions::of_process().name());
    /// ```
    pub fn of_process() -> Self {
        chosen().0
    }

    /// All instructions that this processor has, from narrow to wide; the first are [`Scalar`](Self::Scalar).
    ///
    /// ```
    /// use e3x_so3::Instructions;
    /// assert_eq!(Instructions::available()[0], Instructions::Scalar);
    /// ```
    pub fn available() -> Vec<Self> {
        on_this_processor().into_iter().map(|(i, _)| i).collect()
    }

    /// The name, as in [`VARIABLE`](Self::VARIABLE).
    ///
    /// ```
    /// assert_eq!(e3x_so3::Instructions::Scalar.name(), "scalar");
    /// ```
    pub fn name(self) -> &'static str {
        match self {
            Self::Scalar => "scalar",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
            Self::Native => "native",
        }
    }
}

/// The instructions of [`Instructions::of_process`] for code under run-time dispatch.
#[doc(hidden)]
pub fn arch() -> Arch {
    chosen().1
}

fn chosen() -> (Instructions, Arch) {
    static CHOSEN: OnceLock<(Instructions, Arch)> = OnceLock::new();
    *CHOSEN.get_or_init(|| {
        let mut all = on_this_processor();
        let widest = all.pop().unwrap_or((Instructions::Scalar, Arch::Scalar));
        let Some(name) = std::env::var_os(Instructions::VARIABLE) else {
            return widest;
        };
        all.push(widest);
        let named = all.into_iter().find(|(i, _)| name == i.name());
        named.unwrap_or_else(|| {
            log::warn!(
                "{} is {}, which this processor does not have: {} is used",
                Instructions::VARIABLE,
                name.display(),
                widest.0.name()
            );
            widest
        })
    })
}

/// From narrow to wide.
fn on_this_processor() -> Vec<(Instructions, Arch)> {
    let mut all = vec![(Instructions::Scalar, Arch::Scalar)];
    #[cfg(target_arch = "x86_64")]
    {
        if let Some(simd) = pulp::x86::V3::try_new() {
            all.push((Instructions::Avx2, Arch::V3(simd)));
        }
        if let Some(simd) = pulp::x86::V4::try_new() {
            all.push((Instructions::Avx512, Arch::V4(simd)));
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    match Arch::new() {
        Arch::Scalar => {}
        arch => all.push((Instructions::Native, arch)),
    }
    all
}
