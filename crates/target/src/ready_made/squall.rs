//! Our own gateway, as a process of its own.

use super::{Exported, ReadyMade, Tuning, template, templates};
use crate::coverage::{Notes, is_basic};
use crate::install_recipe::InstallRecipe;
use crate::routing_view::RoutingView;
use squall_scenario::{ExportedProvider, ReadyCheck, Scenario, TargetConfig, TargetStart};

/// `squall gateway`.
#[derive(Debug)]
pub(super) struct Squall;

impl ReadyMade for Squall {
    fn name(&self) -> &'static str {
        "squall"
    }

    fn version(&self) -> &'static str {
        env!("CARGO_PKG_VERSION")
    }

    fn install(&self) -> InstallRecipe {
        InstallRecipe::ThisProgram
    }

    /// The whole router either way: what is at its default there is left out of the file anyway.
    fn export(&self, scenario: &Scenario, tuning: Tuning) -> Exported {
        let plain = (!tuning.is_tuned()).then(|| scenario.with_default_router());
        let view = RoutingView::new(scenario);
        let addresses = scenario.providers.iter().map(|provider| ExportedProvider {
            base_url: format!("${{provider.{}.url}}", provider.name),
            api_key: Some(format!("${{provider.{}.key}}", provider.name)),
        });
        let addresses: Vec<_> = addresses.collect();
        let text =
            plain.as_ref().unwrap_or(scenario).to_gateway_yaml("127.0.0.1:${port}", &addresses);
        let start = TargetStart {
            command: templates(&["squall", "gateway", "--config", "${dir}/gateway.yaml"]),
            files: vec![("gateway.yaml".to_owned(), template(&text))],
            ready: ReadyCheck::default(),
            ..TargetStart::default()
        };
        let target = TargetConfig {
            url: template("http://127.0.0.1:${port}/v1"),
            start: Some(start),
            ..TargetConfig::default()
        };
        let mut notes = Notes::new(&view, "squall gateway");
        if !tuning.is_tuned() {
            notes.left_at_defaults(is_basic);
        }
        notes.of_changes();
        Exported { target, notes: notes.finish() }
    }
}
