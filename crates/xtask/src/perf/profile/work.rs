//! What was profiled, as a table.

use super::functions::FunctionProfile;
use crate::perf::page;
use std::fmt::Write as _;

/// How many functions are told.
const TOLD: usize = 20;

/// What a profile may have without names: a binary without symbols has none at all.
const UNNAMED_MAX: f64 = 0.2;

/// What was profiled: its functions, and how many units of work were done.
pub(super) struct ProfiledWork {
    pub(super) profile: FunctionProfile,
    pub(super) what: String,
    pub(super) unit: &'static str,
    pub(super) units: u64,
}

impl ProfiledWork {
    /// For the page.
    ///
    /// # Errors
    /// When the program had no symbols: then there are no functions.
    pub(super) fn table(&self) -> Result<String, String> {
        let all = self.profile.total();
        let unnamed = self.profile.unnamed();
        if all == 0 || unnamed as f64 > UNNAMED_MAX * all as f64 {
            return Err(format!(
                "{unnamed} of {all} instructions are in functions without a name, so the profile is left out: \
                 build with symbols (profile `profiling` of Cargo.toml)"
            ));
        }
        let Self { what, unit, units, .. } = self;
        let each =
            |instructions: u64| page::thousands(instructions as f64 / (*units).max(1) as f64);
        let mut out = format!(
            "{what}: {} instructions a {unit} in user space, {units} of them.\n\n| instructions a {unit} | share | function |\n\
             | ---: | ---: | --- |\n",
            each(all)
        );
        for (name, instructions) in self.profile.top(TOLD) {
            let share = instructions as f64 / all as f64 * 100.0;
            // Writing to a string cannot fail.
            let _ = writeln!(out, "| {} | {share:.1} % | `{name}` |", each(instructions));
        }
        Ok(out)
    }
}
