//! Variables of a scenario file.

use clap::Args as ClapArgs;
use squall_scenario::VariableSetting;

/// Values for the variables of a scenario file.
#[derive(Clone, Debug, ClapArgs)]
pub(crate) struct VariableArgs {
    /// Set a variable of the scenario, or choose a value of its matrix; may be repeated
    #[arg(long = "var", value_name = "NAME=VALUE")]
    pub(crate) set: Vec<VariableSetting>,
}
