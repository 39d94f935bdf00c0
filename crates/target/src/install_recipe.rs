//! Where a gateway is installed from.

/// How a gateway is installed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum InstallRecipe {
    /// It is this program.
    ThisProgram,
    /// A package of Debian, for the whole machine.
    Debian {
        /// Its name.
        package: &'static str,
    },
    /// From PyPI, into a virtual environment.
    Python {
        /// What pip is asked for.
        requirements: &'static [&'static str],
    },
    /// From npm.
    Node {
        /// The `package.json` that is installed.
        manifest: &'static str,
    },
    /// From no registry: why, and what to do instead.
    Elsewhere {
        /// As a sentence goes on after its name.
        why: &'static str,
    },
}
