//! What can be typed of `squall config`.

use super::{ProfileWord, VariableArgs};
use clap::{Args as ClapArgs, Subcommand};
use squall_scenario::Override;
use std::path::PathBuf;
use std::str::FromStr;

#[derive(Debug, ClapArgs)]
pub(crate) struct ConfigArgs {
    #[command(subcommand)]
    pub(crate) command: ConfigCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Print every setting of a scenario, gateway, mock or LiteLLM file with its value and its source
    Show(ConfigShowArgs),
    /// Print the settings that differ between two files; exits with 0 if none do, with 1 otherwise
    Diff(ConfigDiffArgs),
    /// Print the worst case of one request of each group, and lint the file; exits with 0 without findings, with 1 otherwise
    Check(ConfigCheckArgs),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct ConfigShowArgs {
    /// The file
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) variables: VariableArgs,
    /// Override a value of the file, such as `router.retries=0`; may be repeated
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub(crate) settings: Vec<Override>,
    /// Omit settings with their default value
    #[arg(long)]
    pub(crate) changed: bool,
    /// For a LiteLLM file: the profile, that is, whose formulas to use
    #[arg(long, value_enum, default_value_t = ProfileWord::LITELLM)]
    pub(crate) profile: ProfileWord,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct ConfigCheckArgs {
    /// The scenario, gateway or LiteLLM file
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) variables: VariableArgs,
    /// Leave out what this lint finds; may be repeated. A file allows it by `allow: [LINT]` at its router
    #[arg(long, value_name = "LINT")]
    pub(crate) allow: Vec<LintId>,
    /// How often clients try again by themselves (the OpenAI SDKs: 2)
    #[arg(long, value_name = "N", default_value_t = 2)]
    pub(crate) client_retries: u32,
    /// How many calls one request of a client may become before that is found
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub(crate) most_calls: u64,
    /// The prompt of the request whose worst case is told
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    pub(crate) prompt_tokens: u32,
    /// Its answer
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    pub(crate) answer_tokens: u32,
    /// For a LiteLLM file: by whose formulas to route
    #[arg(long, value_enum, default_value_t = ProfileWord::LITELLM)]
    pub(crate) profile: ProfileWord,
}

/// A lint by its id.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LintId(pub(crate) &'static str);

impl FromStr for LintId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let ids = || squall_scenario::LINTS.iter().map(|lint| lint.id);
        let known = ids().find(|id| *id == text);
        known.map(Self).ok_or_else(|| {
            format!("no lint is called so: {}", ids().collect::<Vec<_>>().join(", "))
        })
    }
}

#[derive(Debug, ClapArgs)]
pub(crate) struct ConfigDiffArgs {
    /// The first file
    #[arg(value_name = "A")]
    pub(crate) before: PathBuf,
    /// The second file
    #[arg(value_name = "B")]
    pub(crate) after: PathBuf,
    #[command(flatten)]
    pub(crate) variables: VariableArgs,
    /// For a LiteLLM file: the profile, that is, whose formulas to use
    #[arg(long, value_enum, default_value_t = ProfileWord::SQUALL)]
    pub(crate) profile: ProfileWord,
}
