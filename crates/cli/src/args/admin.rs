//! `squall admin`: what operators ask of a gateway that runs.

use clap::{Args as ClapArgs, Subcommand};
use std::path::PathBuf;

/// Where the admin API of a gateway is unless it is said.
pub(crate) const GATEWAY_ADMIN: &str = "127.0.0.1:9191";

#[derive(Debug, ClapArgs)]
pub(crate) struct AdminArgs {
    #[command(subcommand)]
    pub(crate) command: AdminCommand,
    /// Address or URL of the admin API, which the gateway says at its start
    #[arg(long, global = true, value_name = "ADDRESS", default_value = GATEWAY_ADMIN)]
    pub(crate) admin: String,
    /// File with its token [default: $SQUALL_ADMIN_TOKEN]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) admin_token_file: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AdminCommand {
    /// Show groups, deployments, limits, cooldowns and budgets
    State,
    /// Start no new attempts at a deployment; those under way go on
    Drain(DeploymentArg),
    /// Use a drained deployment as configured again
    Undrain(DeploymentArg),
    /// Serve a group from one deployment alone
    Pin(PinArgs),
    /// Serve a pinned group as configured again
    Unpin(GroupArg),
    /// Change weights, for a while or until a reload
    Weights(WeightsArgs),
    /// Refuse requests with 503, and fail `/ready`
    Pause,
    /// Take requests again
    Resume,
    /// List the last requests that have ended, the latest first
    Requests(RequestsArgs),
    /// Tell why a request fared as it did: candidates, attempts, waits, cooldowns
    Explain(ExplainIdArgs),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct DeploymentArg {
    /// The deployment
    pub(crate) deployment: String,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct GroupArg {
    /// The group
    pub(crate) group: String,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct PinArgs {
    /// The group
    pub(crate) group: String,
    /// The deployment that is to serve it
    pub(crate) deployment: String,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct WeightsArgs {
    /// A deployment with its weight; `configured` takes back what was set
    #[arg(required = true, value_name = "DEPLOYMENT=WEIGHT", value_parser = weight)]
    pub(crate) weights: Vec<(String, Option<u32>)>,
    /// For how long, such as 10m [default: until a reload]
    #[arg(long, value_name = "DURATION")]
    pub(crate) r#for: Option<String>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct RequestsArgs {
    /// How many
    #[arg(long, value_name = "NUMBER", default_value_t = 20)]
    pub(crate) limit: usize,
    /// Only those with this outcome
    #[arg(long, value_name = "OUTCOME", value_parser = ["succeeded", "failed", "cut", "client_gone"])]
    pub(crate) outcome: Option<String>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct ExplainIdArgs {
    /// Its `x-request-id`, as the answer and the log have it
    #[arg(value_name = "ID")]
    pub(crate) id: String,
}

/// `eu=3`, `eu=configured`.
fn weight(text: &str) -> Result<(String, Option<u32>), String> {
    let expected = || "expected DEPLOYMENT=WEIGHT, such as `eu=3`, or `eu=configured`".to_owned();
    let (name, weight) =
        text.rsplit_once('=').filter(|(name, _)| !name.is_empty()).ok_or_else(expected)?;
    let weight = match weight {
        "configured" => None,
        number => Some(number.parse().map_err(|_| expected())?),
    };
    Ok((name.to_owned(), weight))
}
