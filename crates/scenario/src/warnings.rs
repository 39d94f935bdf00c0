//! What a file should say otherwise though it is read.

use crate::diagnostic::{Diagnostics, Problems};
use crate::effective::EffectiveKind;
use crate::{former_names, yaml};

/// What is out of date in a scenario, gateway or mock file, each at its place; `path` is what diagnostics call the
/// file. `None` if nothing is, and for a file that cannot be read: its mistakes are its reader's to tell.
#[must_use]
pub fn warnings(path: &str, text: &str) -> Option<Diagnostics> {
    let problems = Problems::default();
    let mut node = yaml::parse(text, &problems)?;
    let section = EffectiveKind::of(&node)?.section()?;
    let warnings = former_names::replace(&mut node, section, &problems);
    (!warnings.is_empty()).then(|| Diagnostics::new(path, text, warnings))
}

#[cfg(test)]
mod tests;
