//! A LiteLLM file as a scenario names it, and what is written out of one as our readers read it.

use squall_litellm::{InitOptions, LitellmFile};
use squall_router::{Profile, RouterConfig};
use squall_scenario::{
    Effective, EffectiveOptions, GatewayFile, Scenario, gateway_yaml, litellm_scenario_yaml,
};

const AZURE: &str = include_str!("../../litellm/tests/files/azure-and-openai.yaml");
const USAGE: &str = include_str!("../../litellm/tests/files/usage-and-budgets.yaml");
const LATENCY: &str = include_str!("../../litellm/tests/files/latency-and-policies.yaml");
const BROKEN: &str = include_str!("../../litellm/tests/files/broken.yaml");
const SIMPLE: &str = include_str!("../../litellm/tests/files/simple.yaml");

fn file(text: &str) -> LitellmFile {
    LitellmFile::read("config.yaml", text).unwrap_or_else(|problems| panic!("{problems}"))
}

/// Line by line, so that a difference is seen.
#[track_caller]
fn same(left: &RouterConfig, right: &RouterConfig) {
    let (left, right) = (format!("{left:#?}"), format!("{right:#?}"));
    for (number, (left, right)) in left.lines().zip(right.lines()).enumerate() {
        assert_eq!(left, right, "line {number}");
    }
    assert_eq!(left.lines().count(), right.lines().count());
}

#[test]
fn what_is_written_out_reads_back_as_the_same_router() {
    for text in [AZURE, USAGE, LATENCY, SIMPLE] {
        let file = file(text);
        let out = gateway_yaml(&file, Profile::Squall);
        let back = GatewayFile::read("out.yaml", &out);
        let back = back.unwrap_or_else(|problems| panic!("{problems}"));
        same(&back.router, &file.router(Profile::Squall));
        assert_eq!((back.tags.as_slice(), back.regions.as_slice()), (file.tags(), file.regions()));
        for (link, deployment) in back.deployments.iter().zip(file.deployments()) {
            assert_eq!(link.model, deployment.model);
        }
    }
}

/// Without what no text of ours says: a weight that nobody stated is 1 when it is read back, which draws
/// the same, and what pre-call checks hold as a limit is read as a weight.
fn without_what_is_not_said(mut config: RouterConfig) -> RouterConfig {
    for deployment in config.groups.iter_mut().flat_map(|group| &mut group.deployments) {
        deployment.declared.weight = None;
        deployment.limits.rpm = None;
    }
    config
}

#[test]
fn by_litellms_formulas_too_but_for_unstated_weights_and_limits_of_pre_call_checks() {
    for text in [AZURE, USAGE, LATENCY, SIMPLE] {
        let file = file(text);
        let out = gateway_yaml(&file, Profile::LITELLM_1_80);
        let back = GatewayFile::read("out.yaml", &out);
        let back = back.unwrap_or_else(|problems| panic!("{problems}"));
        let theirs = file.router(Profile::LITELLM_1_80);
        same(&without_what_is_not_said(back.router), &without_what_is_not_said(theirs));
    }
}

fn options(profile: Profile, reference: Option<&str>) -> InitOptions {
    InitOptions { reference: reference.map(str::to_owned), ..InitOptions::new("drill", profile) }
}

#[test]
fn a_scenario_around_each_file_reads() {
    for text in [AZURE, USAGE, LATENCY, SIMPLE] {
        for profile in [Profile::Squall, Profile::LITELLM_1_80] {
            let scenario =
                litellm_scenario_yaml(&file(text), &options(profile, Some("../config.yaml")));
            let load = |path: &str| match path {
                "../config.yaml" => Ok(text.to_owned()),
                variable if variable.starts_with("os.environ/") => {
                    Err(std::io::ErrorKind::NotFound.into())
                }
                other => panic!("{other} is loaded"),
            };
            let read = Scenario::read_with("drill.yaml", &scenario, &load);
            let read = read.unwrap_or_else(|problems| panic!("{problems}"));
            assert_eq!(read.router, file(text).router(profile));
            assert_eq!(read.tags, file(text).tags());
            let again = Scenario::read("drill.yaml", &read.text);
            assert_eq!(again.map(|again| again.router), Ok(read.router), "it reads by itself");
        }
    }
}

#[test]
fn a_scenario_with_the_router_written_out_reads_without_the_file() {
    let text = litellm_scenario_yaml(&file(SIMPLE), &options(Profile::Squall, None));
    let read = Scenario::read("drill.yaml", &text).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(read.router, file(SIMPLE).router(Profile::Squall));
}

fn refused(scenario: &str, load: &std::io::Result<&str>) -> String {
    let load = |_: &str| match load {
        Ok(text) => Ok((*text).to_owned()),
        Err(error) => Err(error.kind().into()),
    };
    Scenario::read_with("drill.yaml", scenario, &load).expect_err("it is refused").to_string()
}

#[test]
fn a_deployment_without_a_provider_is_named() {
    let text = litellm_scenario_yaml(&file(SIMPLE), &options(Profile::Squall, Some("c.yaml")));
    let text = text.replace("  chat-2:", "  chat-9:");
    insta::assert_snapshot!(refused(&text, &Ok(SIMPLE)));
}

#[test]
fn a_litellm_file_that_is_broken_or_not_there_is_told_where_it_is_named() {
    let text = litellm_scenario_yaml(&file(SIMPLE), &options(Profile::Squall, Some("c.yaml")));
    insta::assert_snapshot!("named_broken", refused(&text, &Ok(BROKEN)));
    let missing = std::io::Error::from(std::io::ErrorKind::NotFound);
    insta::assert_snapshot!("named_missing", refused(&text, &Err(missing)));
}

#[test]
fn a_gateway_file_that_names_a_litellm_file_is_told_to_import_it() {
    let text = "providers: {}\nrouter: { litellm: config.yaml }\n";
    let problems = GatewayFile::read("gateway.yaml", text).expect_err("it is refused").to_string();
    assert!(problems.contains("`squall import litellm` prints the gateway file"), "{problems}");
}

#[test]
fn what_a_recording_keeps_of_the_file_has_no_secret_and_reads_the_same() {
    let secrets = SIMPLE.replace("os.environ/KEY", "sk-very-secret")
        + "general_settings: { master_key: 'sk-master', database_url: postgres://u:p@host/db }\n\
           environment_variables: { OTHER: hunter2 }\n";
    let options = options(Profile::LITELLM_1_80, Some("config.yaml"));
    let scenario = litellm_scenario_yaml(&file(&secrets), &options);
    let load = |_: &str| Ok(secrets.clone());
    let read = Scenario::read_with("test.yaml", &scenario, &load).expect("it is good");
    for secret in ["very-secret", "sk-master", "u:p@host", "hunter2"] {
        assert!(secrets.contains(secret) && !read.text.contains(secret), "{secret}");
    }
    let again = Scenario::read("test.yaml", &read.text).expect("the recording reads by itself");
    assert_eq!(again.router, read.router);
}

#[test]
fn a_file_and_what_is_imported_of_it_come_to_the_same() {
    for text in [AZURE, USAGE, LATENCY, SIMPLE] {
        let out = gateway_yaml(&file(text), Profile::Squall);
        let load = |_: &str| Err(std::io::ErrorKind::NotFound.into());
        let options = EffectiveOptions { overrides: &[], profile: Profile::Squall, load: &load };
        let read = |text| {
            Effective::read("file.yaml", text, &options).unwrap_or_else(|error| panic!("{error}"))
        };
        assert_eq!(read(text).differences(&read(&out)), []);
    }
}

#[test]
fn values_of_a_litellm_file_have_the_lines_of_its_settings() {
    let load = |_: &str| Err(std::io::ErrorKind::NotFound.into());
    let profile = Profile::LITELLM_1_80;
    let options = EffectiveOptions { overrides: &[], profile, load: &load };
    for (name, text) in [("azure", AZURE), ("usage", USAGE), ("latency", LATENCY)] {
        let effective = Effective::read("config.yaml", text, &options);
        let effective = effective.unwrap_or_else(|error| panic!("{error}"));
        insta::assert_snapshot!(format!("effective_{name}"), effective.to_yaml(false));
    }
}

#[test]
fn the_gateway_file_is_written_out() {
    insta::assert_snapshot!("gateway_azure", gateway_yaml(&file(AZURE), Profile::Squall));
    insta::assert_snapshot!("gateway_usage", gateway_yaml(&file(USAGE), Profile::Squall));
    insta::assert_snapshot!("gateway_latency", gateway_yaml(&file(LATENCY), Profile::LITELLM_1_80));
}
