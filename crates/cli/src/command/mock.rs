//! `squall mock`: providers that run until Ctrl-C, and what can be done to them meanwhile.

mod control;
mod findings;

use super::serve::{runtime, wall_nanos};
use crate::args::MockArgs;
use crate::error::{CliError, Exit};
use crate::signals::{self, Hangup};
use crate::{command, descriptors, terminal};
use findings::Findings;
use squall_clock::Clock;
use squall_determinism::Timestamp;
use squall_mock_provider::{
    Admin, AdminSetup, AttemptLog, EventLog, MockProvider, MockSetup, Rules, ServerTimeouts,
    UNKNOWN_DEPLOYMENT,
};
use squall_provider::FaultConfig;
use squall_scenario::MockFile;
use std::io;
use std::path::Path;
use std::sync::Arc;

pub(crate) fn mock(args: &MockArgs) -> Result<Exit, CliError> {
    match (&args.control, &args.config) {
        (Some(control), _) => control::control(control),
        (None, Some(config)) => serve(config, args),
        // The arguments have demanded one of the two.
        (None, None) => Ok(Exit::Usage),
    }
}

fn serve(config: &Path, args: &MockArgs) -> Result<Exit, CliError> {
    let _logging = crate::logging::start(&args.log)?;
    let text = command::text(config)?;
    let file = MockFile::read(&config.display().to_string(), &text)?;
    let events = match &args.events {
        None => EventLog::default(),
        Some(path) => EventLog::to_file(path).map_err(|source| {
            let what = format!("cannot write `{}`", path.display());
            CliError::Io { what, source }
        })?,
    };
    let events = Arc::new(events);
    let names = file.providers.iter().map(|provider| provider.name.clone());
    let findings = Findings::new(args, names.collect())?;
    let admin = args.admin.map(|listen| AdminSetup {
        listen,
        token: args.admin_token.clone().or_else(admin_token),
        read_fault,
        events: Arc::clone(&events),
        findings: findings.as_ref().map(Findings::api),
    });
    descriptors::raise_for_server(1);
    let signals = signals::take_over(1, Hangup::Stop);
    runtime()?.block_on(async {
        let clock = Clock::start_now();
        let epoch_nanos = wall_nanos();
        let setups = (0_u16..).zip(file.providers).map(|(number, provider)| MockSetup {
            provider: number,
            format: provider.format,
            config: provider.config,
            seed: file.seed,
            clock,
            epoch_nanos,
            listen: provider.listen,
            default_deployment: None,
            only_listed: !provider.models.is_empty(),
            models: listed(&provider.models, &provider.name),
            rules: Rules { strict: provider.strict, max_output_tokens: provider.max_output_tokens },
            rows: AttemptLog::Dropped,
            patience: ServerTimeouts::default(),
            events: Some(Arc::clone(&events)),
            calls: findings.as_ref().map(Findings::calls),
            name: provider.name,
        });
        let ready = async |providers: &[MockProvider]| -> io::Result<Option<Admin>> {
            let admin = match admin {
                Some(setup) => Some(Admin::start(setup, providers).await?),
                None => None,
            };
            announce(providers, admin.as_ref());
            Ok(admin)
        };
        let until = async {
            signals.stop(1).await;
            if findings.is_some() {
                tokio::time::sleep(findings::SETTLE).await;
            }
        };
        let served = squall_mock_provider::serve(setups.collect(), ready, until).await;
        events.flush();
        served.map_err(CliError::Mock)?;
        findings.map_or(Ok(Exit::Met), |findings| findings.conclude(clock.now()))
    })
}

/// Tells where providers and their admin API listen.
fn announce(providers: &[MockProvider], admin: Option<&Admin>) {
    for provider in providers {
        terminal::status(format_args!("{}: {}", provider.name(), provider.base_url()));
    }
    let control = admin.map(|admin| format!("http://{}/", admin.addr()));
    if let Some(control) = &control {
        terminal::status(format_args!("control: {control}"));
    }
    terminal::field("providers", || {
        let urls = providers
            .iter()
            .map(|each| serde_json::json!({ "name": each.name(), "url": each.base_url() }));
        urls.collect()
    });
    terminal::field("control", || control.into());
    terminal::announce("mock");
}

/// The models that a provider lists: those of its file, or its own name, by which it can be asked as by any
/// other.
fn listed(models: &[String], name: &str) -> Vec<(String, u16)> {
    let own = models.is_empty().then(|| name.to_owned());
    models.iter().cloned().chain(own).map(|model| (model, UNKNOWN_DEPLOYMENT)).collect()
}

/// A fault in the words of a file.
fn read_fault(text: &str, now: Timestamp) -> Result<FaultConfig, String> {
    squall_scenario::read_fault(text, now).map_err(|diagnostics| diagnostics.to_string())
}

#[expect(clippy::disallowed_methods, reason = "a token should not have to stand in a command line")]
fn admin_token() -> Option<String> {
    std::env::var("SQUALL_ADMIN_TOKEN").ok().filter(|token| !token.is_empty())
}
