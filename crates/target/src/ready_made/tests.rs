//! What every export has in common, and the export of the bundled scenario by each gateway.

use super::*;
use crate::routing_view::RoutingView;
use squall_scenario::{GatewayFile, Placeholder, ProviderPart, SettingOwner};
use squall_testkit::library::{read_scenario, scenario_files, scenario_folder};
use std::convert::Infallible;

/// The bundled scenarios.
fn library() -> Vec<Scenario> {
    scenario_files().iter().map(|path| read_scenario(path)).collect()
}

const TUNINGS: [Tuning; 2] = [Tuning::Defaults, Tuning::Tuned];

/// Everything of an export that a gateway is told, placeholders unfilled.
fn told(target: &TargetConfig) -> String {
    let start = target.start.as_ref().unwrap();
    let files = start.files.iter().chain(&target.headers);
    files.map(|(name, text)| format!("# --- {name}\n{text}\n")).collect()
}

fn shown(exported: &Exported) -> String {
    let target = &exported.target;
    let start = target.start.as_ref().unwrap();
    let command: Vec<_> = start.command.iter().map(Template::to_string).collect();
    let named = |pairs: &[(String, Template)]| -> String {
        pairs.iter().map(|(name, text)| format!("  {name}: {text}\n")).collect()
    };
    let notes: String = exported.notes.iter().map(|note| format!("{note}\n")).collect();
    format!(
        "{}\nurl: {}\ncommand: {}\nmodels:\n{}env:\n{}\n{notes}",
        told(target),
        target.url,
        command.join(" "),
        named(&target.models),
        named(&start.env),
    )
}

#[test]
fn the_bundled_scenario_is_exported_as_ever() {
    let viral = read_scenario(&scenario_folder().join("viral-spike.yaml"));
    for target in all_ready_made() {
        for (tuning, word) in TUNINGS.into_iter().zip(["defaults", "tuned"]) {
            let name = format!("{}-{word}", target.name());
            insta::assert_snapshot!(name, shown(&target.export(&viral, tuning)));
        }
    }
}

#[test]
fn every_deployment_and_every_weight_is_in_each_export() {
    for scenario in library() {
        let view = RoutingView::new(&scenario);
        for target in all_ready_made() {
            for tuning in TUNINGS {
                let text = told(&target.export(&scenario, tuning).target);
                for deployment in view.groups().iter().flat_map(|group| &group.deployments) {
                    let place = format!("{}, {}, {tuning:?}", scenario.name, target.name());
                    let name = &deployment.config.name;
                    assert!(text.contains(name.as_str()), "{place}: {name} is missing in\n{text}");
                    let weight = deployment.config.weight.to_string();
                    assert!(
                        text.contains(&weight),
                        "{place}: the weight {weight} of {name}\n{text}"
                    );
                    let provider = format!("${{provider.{}.", deployment.provider.name);
                    assert!(text.contains(&provider), "{place}: {provider} is missing in\n{text}");
                }
            }
        }
    }
}

#[test]
fn every_setting_is_expressed_or_noted() {
    // What no gateway but ours has is in the notes of every other one.
    let ours_alone = ["hedge", "session_affinity", "quota_headroom", "queue_shedding"];
    let mut seen = 0;
    for scenario in library() {
        for setting in scenario.changed_settings() {
            let key = setting.key.split('.').next().unwrap();
            if setting.owner != SettingOwner::Group || !ours_alone.contains(&key) {
                continue;
            }
            seen += 1;
            for target in all_ready_made().filter(|target| target.name() != "squall") {
                let exported = target.export(&scenario, Tuning::Tuned);
                let is_noted =
                    exported.notes.iter().any(|note| note.setting.contains(&setting.path));
                assert!(
                    is_noted,
                    "{}: {} is lost at {}",
                    scenario.name,
                    setting.path,
                    target.name()
                );
            }
        }
    }
    assert!(seen > 0, "no scenario of the library has such a setting");
}

#[test]
fn a_target_that_is_written_as_a_file_reads_back_as_the_same_target() {
    for scenario in library() {
        for target in all_ready_made() {
            for tuning in TUNINGS {
                let exported = target.export(&scenario, tuning).target;
                let read = TargetConfig::read("target.yaml", &exported.to_yaml());
                let read = read.unwrap_or_else(|problems| panic!("{problems}"));
                assert_eq!(read, exported, "{} of {}", target.name(), scenario.name);
                assert_eq!(exported.providers_missing_in(&scenario), Vec::<&str>::new());
            }
        }
    }
}

/// A text with its placeholders filled as in a run.
fn filled(text: &Template) -> String {
    let value = |placeholder: &Placeholder| -> Result<String, Infallible> {
        Ok(match placeholder {
            Placeholder::Port(_) => "4000".to_owned(),
            Placeholder::Folder => "/folder".to_owned(),
            Placeholder::Environment(name) => format!("value-of-{name}"),
            Placeholder::Provider { part, .. } => match part {
                ProviderPart::Url => "http://127.0.0.1:9001/v1",
                ProviderPart::Origin => "http://127.0.0.1:9001",
                ProviderPart::Host => "127.0.0.1",
                ProviderPart::Port => "9001",
                ProviderPart::Key => "sk-provider",
            }
            .to_owned(),
        })
    };
    match text.fill(value) {
        Ok(text) => text,
    }
}

#[test]
fn our_own_gateway_reads_its_export_as_the_same_router() {
    let squall = ready_made("squall").unwrap();
    for scenario in library() {
        let exported = squall.export(&scenario, Tuning::Tuned).target;
        let (_, text) = &exported.start.as_ref().unwrap().files[0];
        let file = GatewayFile::read("gateway.yaml", &filled(text));
        let file = file.unwrap_or_else(|problems| panic!("{}: {problems}", scenario.name));
        assert_eq!(file.router.groups, scenario.router.groups, "{}", scenario.name);
        assert_eq!(file.router.retry_budget, scenario.router.retry_budget, "{}", scenario.name);
    }
}
