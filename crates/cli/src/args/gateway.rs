//! `squall gateway`: what it serves, and what there is to do beside serving.

use super::LogArgs;
use super::admin::GATEWAY_ADMIN;
use clap::{Args as ClapArgs, Subcommand};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

#[derive(Debug, ClapArgs)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct GatewayArgs {
    #[command(subcommand)]
    pub(crate) command: Option<GatewayCommand>,
    #[command(flatten)]
    pub(crate) serve: ServeArgs,
}

/// What there is to do beside serving.
#[derive(Debug, Subcommand)]
pub(crate) enum GatewayCommand {
    /// Read a configuration as a start would (secrets, certificates, key files), and print what would be served
    Check(GatewayCheckArgs),
    /// Print a new virtual key once, with its entry for the keys file, which has its hash alone
    Key(KeyArgs),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct GatewayCheckArgs {
    /// The configuration, or a folder with its parts
    #[arg(value_name = "FILE")]
    pub(crate) path: PathBuf,
    /// Its keys file
    #[arg(long, value_name = "FILE")]
    pub(crate) keys: Option<PathBuf>,
    /// Ask every deployment for its models, once; the exit code is 1 if one does not answer or refuses its key
    #[arg(long)]
    pub(crate) probe: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct KeyArgs {
    #[command(subcommand)]
    pub(crate) command: KeyCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Print a new virtual key once, with its entry for the keys file
    New(NewKeyArgs),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct NewKeyArgs {
    /// Its name, in logs and for the admin API
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    /// Add the entry to this keys file, which is made if it is not there
    #[arg(long, value_name = "FILE")]
    pub(crate) keys: Option<PathBuf>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct ServeArgs {
    /// The configuration, or a folder with its parts, `*.yaml`
    #[arg(long, value_name = "FILE", required = true)]
    pub(crate) config: Option<PathBuf>,
    /// Time for requests in flight to finish after Ctrl-C or SIGTERM
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = squall_scenario::read_duration)]
    pub(crate) drain: Duration,
    /// Before that, how long `/ready` fails while requests are still accepted, for load balancers to notice
    /// (Kubernetes: 5s)
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = squall_scenario::read_duration)]
    pub(crate) drain_delay: Duration,
    /// Serve `/metrics`, `/health` and `/ready` on this address; `/metrics` only there
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) metrics_listen: Option<SocketAddr>,
    /// Export traces and GenAI metrics by OTLP over HTTP to the collector at this URL, such as
    /// http://localhost:4318 [default: $OTEL_EXPORTER_OTLP_ENDPOINT, or no export]
    #[arg(long, value_name = "URL")]
    pub(crate) otlp_endpoint: Option<String>,
    /// Serve the admin API on this address: state, drain, pin, weights, pause, virtual keys
    #[arg(long, value_name = "ADDRESS", num_args = 0..=1, default_missing_value = GATEWAY_ADMIN)]
    pub(crate) admin: Option<SocketAddr>,
    /// File with the bearer token of the admin API; a token is required unless the address is loopback
    /// [default: $SQUALL_ADMIN_TOKEN]
    #[arg(long, value_name = "FILE", requires = "admin")]
    pub(crate) admin_token_file: Option<PathBuf>,
    /// Take only requests with a virtual key of this file, in JSON, beside the keys of tenants; the admin API changes it
    #[arg(long, value_name = "FILE")]
    pub(crate) keys: Option<PathBuf>,
    /// Serve clients by TLS with this certificate, in PEM with its intermediate ones, in place of the file's `tls`
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub(crate) tls_certificate: Option<PathBuf>,
    /// The private key of that certificate, in PEM
    #[arg(long, value_name = "FILE", requires = "tls_certificate")]
    pub(crate) tls_key: Option<PathBuf>,
    /// Take only clients with a certificate of these authorities, in PEM
    #[arg(long, value_name = "FILE", requires = "tls_certificate")]
    pub(crate) tls_client_ca: Option<PathBuf>,
    /// Keep what was spent from budgets in this file, over restarts
    #[arg(long, value_name = "FILE")]
    pub(crate) spend_state: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) log: LogArgs,
}

impl ServeArgs {
    /// The configuration, which the arguments have demanded.
    pub(crate) fn config(&self) -> &Path {
        self.config.as_deref().unwrap_or_else(|| Path::new(""))
    }
}
