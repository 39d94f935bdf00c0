//! LiteLLM's files as they are met: what is kept of them, the routers they make, and what they are
//! written out as.

use core::time::Duration;
use squall_failure::FailureClass;
use squall_litellm::{ImportFinding, InitOptions, LitellmFile, Support};
use squall_router::{
    ConcurrencyRelease, CooldownRule, Declared, FallbackRule, GroupId, LitellmStrategy, Profile,
    RateWindow, RetryBudget, RetryRule, RouterConfig, Strategy, TagMatch, Tags, UnavailablePolicy,
};

const AZURE: &str = include_str!("files/azure-and-openai.yaml");
const USAGE: &str = include_str!("files/usage-and-budgets.yaml");
const LATENCY: &str = include_str!("files/latency-and-policies.yaml");
const BROKEN: &str = include_str!("files/broken.yaml");
const SIMPLE: &str = include_str!("files/simple.yaml");

fn file(text: &str) -> LitellmFile {
    LitellmFile::read("config.yaml", text).unwrap_or_else(|problems| panic!("{problems}"))
}

fn both(text: &str) -> [RouterConfig; 2] {
    [Profile::Squall, Profile::LITELLM_1_80].map(|profile| {
        let config = file(text).router(profile);
        config.validate().unwrap_or_else(|error| panic!("{error}"));
        config
    })
}

fn shown(findings: &[ImportFinding]) -> String {
    let row = |each: &ImportFinding| {
        let support = each.support.as_str();
        format!("{:>3} {} = {} | {support} | {}", each.line, each.path, each.value, each.note)
    };
    findings.iter().map(row).collect::<Vec<_>>().join("\n")
}

#[test]
fn what_is_kept_of_azure_and_openai() {
    let file = file(AZURE);
    insta::assert_snapshot!("azure_squall", shown(&file.findings(Profile::Squall)));
    insta::assert_snapshot!("azure_litellm", shown(&file.findings(Profile::LITELLM_1_80)));
}

#[test]
fn what_is_kept_of_usage_and_budgets() {
    insta::assert_snapshot!(shown(&file(USAGE).findings(Profile::LITELLM_1_80)));
}

#[test]
fn what_is_kept_of_latency_and_policies() {
    insta::assert_snapshot!(shown(&file(LATENCY).findings(Profile::LITELLM_1_80)));
}

#[test]
fn all_that_litellm_refuses_is_shown_at_once() {
    let problems = LitellmFile::read("config.yaml", BROKEN).expect_err("it is broken");
    insta::assert_snapshot!(problems.to_string());
}

#[test]
fn rpm_is_a_weight_and_a_bound_at_once_for_litellm_and_a_limit_for_us() {
    let [ours, theirs] = both(AZURE);
    let declared = theirs.groups[0].deployments[0].declared;
    assert_eq!(declared, Declared { weight: None, rpm: Some(1_800), tpm: Some(300_000) });
    let limits = theirs.groups[0].deployments[0].limits;
    assert_eq!((limits.rpm, limits.concurrency), (None, Some(1_800)));
    assert_eq!(limits.release, ConcurrencyRelease::AtFirstToken);
    assert_eq!(theirs.groups[0].strategy, Strategy::Litellm(LitellmStrategy::SimpleShuffle));
    let limits = ours.groups[0].deployments[0].limits;
    assert_eq!(limits.rpm.map(|limit| limit.per_minute), Some(1_800));
    assert_eq!((limits.concurrency, limits.release), (None, ConcurrencyRelease::AtEnd));
    assert_eq!(ours.groups[0].strategy, Strategy::RpmProportional);
}

#[test]
fn litellms_loop_has_no_budget_and_says_its_shortest_cooldown() {
    let [ours, theirs] = both(AZURE);
    assert_eq!(theirs.retry_budget, RetryBudget::UNLIMITED);
    assert_eq!(theirs.fallback_rule, FallbackRule::LITELLM);
    let group = &theirs.groups[0];
    assert!(matches!(group.retry_rule, RetryRule::Litellm(_)));
    assert_eq!(group.when_unavailable, UnavailablePolicy::FailStating(Duration::from_secs(30)));
    assert_eq!(group.deadline, Duration::from_secs(6_000));
    assert_eq!(ours.retry_budget, RetryBudget::default());
    assert_eq!(ours.groups[0].when_unavailable, UnavailablePolicy::Wait);
}

#[test]
fn the_router_settings_win_over_the_litellm_settings() {
    let [ours, _] = both(AZURE);
    assert_eq!(ours.groups[0].retries.max, 2);
    assert_eq!(ours.groups[0].timeouts.total, Duration::from_secs(60));
    let own = ours.groups[0].deployments[2].timeouts.expect("it has its own");
    assert_eq!(own.total, Duration::from_secs(30));
}

#[test]
fn an_alias_and_a_fallback_name_groups() {
    let [ours, theirs] = both(AZURE);
    for config in [ours, theirs] {
        assert_eq!(config.groups[0].aliases, ["gpt-4"]);
        assert_eq!(config.groups[0].fallbacks.general, [GroupId(1)]);
        assert_eq!(config.groups[1].fallbacks.general, []);
    }
}

#[test]
fn tags_budgets_orders_and_prices_are_kept_by_both() {
    for config in both(USAGE) {
        let group = &config.groups[0];
        assert_eq!(group.tags, TagMatch::Any);
        let orders: Vec<_> = group.deployments.iter().map(|each| each.order).collect();
        assert_eq!(orders, [1, 2, 1]);
        assert_eq!(group.deployments[0].tags, group.deployments[1].tags);
        assert_eq!(group.deployments[2].tags, Tags(2));
        assert!(group.deployments[2].default_pool);
        assert_eq!(config.spend_budgets.len(), 2);
        assert_eq!(group.deployments[0].spends_from.len(), 2);
        assert_eq!(group.deployments[0].price.output.0, 8_000_000);
    }
}

#[test]
fn with_pre_call_checks_litellm_keeps_rpm_in_minutes_from_the_first_request() {
    let [_, theirs] = both(USAGE);
    let rpm = theirs.groups[0].deployments[2].limits.rpm.expect("it is checked");
    assert_eq!((rpm.per_minute, rpm.window), (300, RateWindow::FromFirst));
    assert_eq!(theirs.groups[0].deployments[1].limits.concurrency, Some(20));
}

#[test]
fn retries_by_exception_become_retries_by_class() {
    let [ours, theirs] = both(LATENCY);
    for config in [&ours, &theirs] {
        let retries = config.groups[0].retries;
        assert_eq!(retries.after(FailureClass::Auth), 0);
        assert_eq!(retries.after(FailureClass::Throttled), 3);
        assert_eq!(retries.after(FailureClass::Connect), 2);
        assert_eq!(config.groups[3].retries.after(FailureClass::Throttled), 0);
    }
    // 1.80 declares that one and does not read it.
    assert_eq!(ours.groups[0].retries.after(FailureClass::Server), 4);
    assert_eq!(theirs.groups[0].retries.after(FailureClass::Server), 2);
}

#[test]
fn organizations_are_deployments_each() {
    let names: Vec<_> =
        file(LATENCY).deployments().iter().map(|each| each.name.to_owned()).collect();
    let expected = [
        "assistant-1",
        "assistant-2",
        "assistant-3",
        "assistant-long-1",
        "openai/any-1",
        "drill-1",
    ];
    assert_eq!(names, expected);
}

#[test]
fn behind_a_pattern_litellm_cools_nothing_down() {
    let [ours, theirs] = both(LATENCY);
    assert_eq!(theirs.groups[2].name, "openai/*");
    assert_eq!(theirs.groups[2].cooldown, CooldownRule::Never);
    assert!(matches!(ours.groups[2].cooldown, CooldownRule::Breaker(_)));
}

#[test]
fn once_some_group_has_a_context_window_fallback_the_others_have_none() {
    let [ours, theirs] = both(LATENCY);
    assert_eq!(theirs.groups[0].fallbacks.context_window, Some(vec![GroupId(1)]));
    assert_eq!(theirs.groups[3].fallbacks.context_window, Some(Vec::new()));
    assert_eq!(ours.groups[3].fallbacks.context_window, None);
}

#[test]
fn default_fallbacks_that_lead_back_are_kept_by_both() {
    let [ours, theirs] = both(LATENCY);
    assert_eq!(theirs.groups[1].fallbacks.general, [GroupId(0)]);
    assert_eq!(ours.groups[1].fallbacks.general, [GroupId(0)]);
}

fn options(profile: Profile, reference: Option<&str>) -> InitOptions {
    InitOptions { reference: reference.map(str::to_owned), ..InitOptions::new("drill", profile) }
}

#[test]
fn keys_and_passwords_are_not_shown() {
    let text = SIMPLE.replace("os.environ/KEY", "sk-very-secret");
    let findings = file(&text).findings(Profile::Squall);
    assert!(!shown(&findings).contains("very-secret"));
    assert!(findings.iter().any(|finding| finding.value == "(hidden)"));
}

#[test]
fn an_unknown_setting_is_no_error_and_is_told() {
    let text = SIMPLE.replace("num_retries: 1", "num_retires: 1");
    let findings = file(&text).findings(Profile::Squall);
    let unknown = findings.iter().find(|finding| finding.path.ends_with("num_retires"));
    assert_eq!(unknown.map(|finding| finding.support), Some(Support::NotSupported));
}

#[test]
fn a_file_that_is_cut_off_anywhere_is_read_or_refused() {
    let mut read = 0;
    for text in [AZURE, USAGE, LATENCY, BROKEN] {
        for at in (0..text.len()).filter(|at| text.is_char_boundary(*at)) {
            let Ok(file) = LitellmFile::read("config.yaml", &text[..at]) else { continue };
            read += 1;
            for profile in [Profile::Squall, Profile::LITELLM_1_80] {
                assert_eq!(file.router(profile).validate(), Ok(()));
                assert!(!file.findings(profile).is_empty());
                assert!(!file.scenario_yaml(&options(profile, None), "").is_empty());
            }
        }
    }
    assert!(read > 500, "{read}");
}

#[test]
fn a_limit_of_zero_takes_a_deployment_out_unless_it_is_the_only_one() {
    let text = SIMPLE.replace("weight: 1,", "rpm: 0,");
    let config = file(&text).router(Profile::Squall);
    assert_eq!(config.groups[0].deployments[1].weight, 0);
    let text = SIMPLE.replace("gpt-4o-mini }", "gpt-4o-mini, tpm: 0 }");
    let config = file(&text).router(Profile::Squall);
    assert_eq!(config.groups[1].deployments[0].weight, 1);
}

#[test]
fn weights_that_are_fractions_keep_their_proportions() {
    let text = SIMPLE.replace("weight: 3", "weight: 0.75").replace("weight: 1,", "weight: 0.25,");
    let config = file(&text).router(Profile::LITELLM_1_80);
    let declared = |place: usize| config.groups[0].deployments[place].declared.weight;
    assert_eq!((declared(0), declared(1)), (Some(75), Some(25)));
}

/// A file of one group with one deployment, with these parameters beside its model.
fn one(entry: &str, params: &str, more: &str) -> RouterConfig {
    let text = format!(
        "
model_list:
  - model_name: openai/x
{entry}    litellm_params: {{ model: openai/x, api_key: k{params} }}
  - model_name: y
    litellm_params: {{ model: openai/y, api_key: k }}
{more}"
    );
    file(&text).router(Profile::LITELLM_1_80)
}

#[test]
fn numbers_at_the_top_of_an_entry_count_as_those_of_its_parameters() {
    let above = one("    tpm: 90\n    rpm: 7\n", "", "").groups[0].deployments[0].declared;
    let below = one("", ", tpm: 90, rpm: 7", "").groups[0].deployments[0].declared;
    assert_eq!((above.tpm, above.rpm), (Some(90), Some(7)));
    assert_eq!(above, below);
}

#[test]
fn a_fallback_entry_matches_a_group_without_its_providers_prefix() {
    let more = "router_settings: { fallbacks: [ { x: [y] } ] }\n";
    let config = one("", "", more);
    assert_eq!(config.groups[0].fallbacks.general, [GroupId(1)]);
}

#[test]
fn max_parallel_requests_comes_from_what_is_stated_first() {
    let cap = |params: &str| one("", params, "").groups[0].deployments[0].limits.concurrency;
    assert_eq!(cap(", max_parallel_requests: 10, rpm: 30, tpm: 300000"), Some(10));
    assert_eq!(cap(", rpm: 30, tpm: 300000"), Some(30));
    assert_eq!(cap(", tpm: 300000"), Some(50), "1.80 divides the wrong way");
    assert_eq!(cap(", tpm: 20"), Some(1));
    assert_eq!(cap(""), None);
    let more = "router_settings: { default_max_parallel_requests: 40 }\n";
    assert_eq!(one("", "", more).groups[0].deployments[0].limits.concurrency, Some(40));
}
