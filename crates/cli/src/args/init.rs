//! What can be typed to read another router's configuration, and to write a scenario around it.

use super::ProfileWord;
use clap::{Args as ClapArgs, ValueEnum};
use squall_blueprint::{BlueprintBudget, ProviderSpec, RequestRate, TokenSizes};
use squall_determinism::Share;
use std::path::PathBuf;
use std::time::Duration;

/// A scenario around another router's configuration, or a blueprint for a mix of providers.
#[derive(Debug, ClapArgs)]
#[command(after_help = INIT_EXAMPLE)]
pub(crate) struct InitArgs {
    /// Write here: the folder of a blueprint [default: blueprint], or with --from the scenario [default:
    /// scenarios/NAME-drill.yaml]
    #[arg(long, value_name = "PATH")]
    pub(crate) out: Option<PathBuf>,
    /// Overwrite what exists
    #[arg(long)]
    pub(crate) force: bool,
    /// What clients ask for as `model` [default: chat]; with --from, the only group that takes traffic [default:
    /// every group]
    #[arg(long, value_name = "GROUP")]
    pub(crate) group: Option<String>,
    #[command(flatten)]
    pub(crate) mix: MixArgs,
    #[command(flatten)]
    pub(crate) drill: DrillArgs,
}

/// What to type for a blueprint.
pub(crate) const INIT_EXAMPLE: &str = "Example of a blueprint:
  squall init --provider openai:gpt-4o-mini,weight=60,rpm=30000,tpm=30M \\
    --provider azure:my-deployment,like=gpt-4o-mini,weight=30,rpm=12000,tpm=12M \\
    --provider anthropic:claude-haiku-4-5,weight=10,rpm=4000,tpm=4M \\
    --peak 200rps --slo 99.9% --slo-ttft 2s --budget '$500/day' --out my-rollout";

/// A mix of providers.
#[derive(Debug, ClapArgs)]
#[command(next_help_heading = "Blueprint for a mix of providers (asked for on a terminal)")]
pub(crate) struct MixArgs {
    /// A provider and its model, with limits from the vendor's console; may be repeated. `PROVIDER:MODEL,key=value,…`
    /// with the keys weight, rpm, tpm, concurrency, price (dollars per million tokens, IN/OUT), like (the model behind
    /// a deployment's name), ttft, itl, base_url, api_key ($NAME of a variable), name
    #[arg(long = "provider", value_name = "SPEC", conflicts_with = "from")]
    pub(crate) providers: Vec<ProviderSpec>,
    /// A provider for what none of the others can serve; may be repeated
    #[arg(long = "fallback", value_name = "SPEC", conflicts_with = "from")]
    pub(crate) fallbacks: Vec<ProviderSpec>,
    /// Requests per second at the peak, `200rps` or `12000rpm`
    #[arg(long, value_name = "RATE", conflicts_with = "from")]
    pub(crate) peak: Option<RequestRate>,
    /// Requests per second of every day [default: a tenth of the peak]
    #[arg(long, value_name = "RATE", conflicts_with = "from")]
    pub(crate) usual: Option<RequestRate>,
    /// The share of requests that have to succeed, `99.9%`
    #[arg(long, value_name = "SHARE", value_parser = squall_blueprint::read_slo, conflicts_with = "from")]
    pub(crate) slo: Option<Share>,
    /// The time within which 95 % of streams have to begin
    #[arg(long, value_name = "DURATION", value_parser = squall_scenario::read_duration, conflicts_with = "from")]
    pub(crate) slo_ttft: Option<Duration>,
    /// How much may be spent, `'$500/day'` or `'$9000/month'`
    #[arg(long, value_name = "AMOUNT/PERIOD", conflicts_with = "from")]
    pub(crate) budget: Option<BlueprintBudget>,
    /// Tokens of prompts: the median and the 95th percentile [default: 420..1900]
    #[arg(long, value_name = "MEDIAN..P95", conflicts_with = "from")]
    pub(crate) prompt_tokens: Option<TokenSizes>,
    /// Tokens of answers [default: 60..200]
    #[arg(long, value_name = "MEDIAN..P95", conflicts_with = "from")]
    pub(crate) output_tokens: Option<TokenSizes>,
    /// How long clients wait for a whole answer [default: 60s]
    #[arg(long, value_name = "DURATION", value_parser = squall_scenario::read_duration, conflicts_with = "from")]
    pub(crate) client_timeout: Option<Duration>,
}

/// Another router's configuration.
#[derive(Debug, ClapArgs)]
#[command(next_help_heading = "Scenario for another router's configuration")]
pub(crate) struct DrillArgs {
    /// The router that the configuration is for
    #[arg(long, value_enum, requires = "file")]
    pub(crate) from: Option<InitFrom>,
    /// The configuration
    #[arg(requires = "from")]
    pub(crate) file: Option<PathBuf>,
    /// The profile: whose formulas to use
    #[arg(long, value_enum, default_value_t = ProfileWord::LITELLM)]
    pub(crate) profile: ProfileWord,
    /// Requests per second of the spike, of all groups [default: 60 % of what the limits allow]
    #[arg(long, value_name = "N", value_parser = above_zero, requires = "from")]
    pub(crate) rps: Option<f64>,
    /// The median time to the first token of every deployment [default: that of the model's family]
    #[arg(long, value_name = "DURATION", value_parser = squall_scenario::read_duration, requires = "from")]
    pub(crate) ttft: Option<Duration>,
    /// Convert the router to native syntax instead of referring to the configuration
    #[arg(long, requires = "from")]
    pub(crate) inline: bool,
}

/// A number above zero, and no more than a machine can simulate.
fn above_zero(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok().filter(|number| *number > 0.0 && *number <= 1e5);
    number.ok_or_else(|| "expected a number above 0, 100000 at most".to_owned())
}

/// Whose configuration a scenario is written around.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum InitFrom {
    /// LiteLLM
    Litellm,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct LitellmArgs {
    /// The configuration
    pub(crate) file: PathBuf,
    /// The profile: whose formulas to use
    #[arg(long, value_enum, default_value_t = ProfileWord::SQUALL)]
    pub(crate) profile: ProfileWord,
}
