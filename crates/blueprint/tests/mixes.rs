//! The blueprints of four mixes of providers: every scenario is met by as many seeds as `squall check` takes, and every
//! checklist can be gone through.

use squall_blueprint::{
    Blueprint, BlueprintFileKind, BlueprintOptions, CLIENT_TIMEOUT, GROUP, OUTPUT_TOKENS,
    PROMPT_TOKENS, RequestRate, read_slo,
};
use squall_campaign::{PreparedItem, ScenarioSource, prepare};
use squall_determinism::Seed;
use squall_judge::{ItemOutcome, Judgement, Verdict, judge};
use squall_record::RowRetention;
use squall_router::{Profile, WorstCaseRequest};
use squall_scenario::{CheckedConfig, Checklist, ConfigCheckOptions, GatewayFile, Scenario};
use squall_sim::{SimOptions, simulate};
use std::time::Duration;

/// Options of a mix; `fallbacks` and a TTFT may be left out.
fn mix(providers: &[&str], fallbacks: &[&str], peak: &str, slo: &str) -> BlueprintOptions {
    let specs = |texts: &[&str]| {
        let parsed = texts.iter().map(|text| text.parse());
        parsed.map(|spec| spec.unwrap_or_else(|error| panic!("{error}"))).collect()
    };
    BlueprintOptions {
        providers: specs(providers),
        fallbacks: specs(fallbacks),
        peak: peak.parse().unwrap_or_else(|error| panic!("{error}")),
        usual: None,
        slo: read_slo(slo).unwrap_or_else(|error| panic!("{error}")),
        slo_ttft: Some(Duration::from_secs(2)),
        budget: None,
        group: GROUP.to_owned(),
        prompt_tokens: PROMPT_TOKENS,
        output_tokens: OUTPUT_TOKENS,
        client_timeout: CLIENT_TIMEOUT,
        out: "out".to_owned(),
    }
}

/// One OpenAI deployment alone.
fn alone() -> BlueprintOptions {
    mix(&["openai:gpt-4o-mini,rpm=6000,tpm=6M"], &[], "40rps", "99.5%")
}

/// OpenAI and Azure by weight.
fn weighted() -> BlueprintOptions {
    let budget = "$100/day".parse().unwrap_or_else(|error| panic!("{error}"));
    let azure = "azure:my-deployment,like=gpt-4o-mini,weight=40,rpm=4000,tpm=4M";
    let providers = ["openai:gpt-4o-mini,weight=60,rpm=6000,tpm=6M", azure];
    BlueprintOptions { budget: Some(budget), ..mix(&providers, &[], "40rps", "99.9%") }
}

/// Three formats.
fn formats() -> BlueprintOptions {
    let providers = [
        "openai:gpt-4o-mini,weight=2,rpm=3000,tpm=3M",
        "anthropic:claude-haiku-4-5,weight=1,rpm=2000,tpm=2M",
        "gemini:gemini-2.5-flash,weight=1,rpm=2000,tpm=2M",
    ];
    mix(&providers, &[], "40rps", "99.9%")
}

/// A server of one's own, with a fallback that costs money.
fn own_server() -> BlueprintOptions {
    let own = "vllm:meta-llama/Llama-3.1-8B-Instruct,ttft=250ms,itl=12ms,concurrency=64";
    mix(&[own], &["openai:gpt-4o-mini,rpm=6000,tpm=6M"], "40rps", "99.9%")
}

fn four() -> [(&'static str, BlueprintOptions); 4] {
    [
        ("alone", alone()),
        ("weighted", weighted()),
        ("formats", formats()),
        ("own server", own_server()),
    ]
}

fn blueprint(options: &BlueprintOptions) -> Blueprint {
    Blueprint::new(options).unwrap_or_else(|error| panic!("{error}"))
}

/// The files of a kind by their paths, scenarios with the router of the gateway file written out.
fn texts(blueprint: &Blueprint, kind: BlueprintFileKind) -> Vec<(&str, String)> {
    let files = blueprint.files().iter().filter(|file| file.kind == kind);
    files.map(|file| (file.path.as_str(), text(blueprint, &file.path))).collect()
}

const INCLUDE: &str = "router:\n  include: ../gateway.yaml#router\n";

fn text(blueprint: &Blueprint, path: &str) -> String {
    let raw = |path: &str| {
        let file = blueprint.files().iter().find(|file| file.path == path);
        file.map_or_else(|| panic!("no {path}"), |file| &file.text)
    };
    let text = raw(path);
    if !text.contains(INCLUDE) {
        return text.clone();
    }
    let (_, router) = raw("gateway.yaml").split_once("\nrouter:\n").unwrap_or_default();
    // Groups of the scenario's own stand at the end, behind those of the gateway.
    let written_out = text.replace(&format!("{INCLUDE}  groups:\n"), &format!("router:\n{router}"));
    written_out.replace(INCLUDE, &format!("router:\n{router}"))
}

fn judged(path: &str, text: impl AsRef<str>, seed: u64) -> Verdict {
    let mut scenario =
        Scenario::read(path, text.as_ref()).unwrap_or_else(|problems| panic!("{problems}"));
    scenario.set_seed(Seed::new(seed));
    let options = SimOptions { keep: RowRetention::Cells, journal: false };
    judge(&scenario, &simulate(&scenario, options).unwrap_or_else(|error| panic!("{error}")))
}

/// What a run missed, or could not tell.
fn not_met(verdict: &Verdict) -> Vec<String> {
    let rows = verdict.rows.iter().filter(|row| !row.is_met());
    rows.map(|row| format!("{}: {} ({:?})", row.text, row.measured, row.judgement)).collect()
}

#[test]
fn every_scenario_of_four_mixes_is_met() {
    for (name, options) in four() {
        let blueprint = blueprint(&options);
        let scenarios = texts(&blueprint, BlueprintFileKind::Scenario);
        assert!(scenarios.len() >= 4, "{name}: {scenarios:?}");
        for (path, text) in scenarios {
            for seed in 1..=3 {
                let verdict = judged(path, &text, seed);
                assert_eq!(not_met(&verdict), [""; 0], "{name}, {path}, seed {seed}\n{text}");
                assert!(!verdict.rows.is_empty(), "{name}, {path} expects something");
            }
        }
    }
}

#[test]
fn every_gateway_file_has_no_finding_and_routes_as_the_scenarios_do() {
    for (name, options) in four() {
        let blueprint = blueprint(&options);
        let gateway = text(&blueprint, "gateway.yaml");
        let options = ConfigCheckOptions {
            allow: &[],
            client_retries: 2,
            most_calls: 20,
            request: WorstCaseRequest { stream: true, input_tokens: 420, output_tokens: 60 },
            profile: Profile::Squall,
            load: &|_| Err(std::io::ErrorKind::NotFound.into()),
        };
        let checked = CheckedConfig::read("gateway.yaml", &gateway, &options);
        let checked = checked.unwrap_or_else(|problems| panic!("{problems}"));
        assert!(checked.findings.is_empty(), "{name}: {:?}", checked.findings);
        let served = GatewayFile::read("gateway.yaml", &gateway);
        let served = served.unwrap_or_else(|problems| panic!("{problems}"));
        let load = |path: &str| match path {
            "../gateway.yaml" => Ok(gateway.clone()),
            _ => Err(std::io::ErrorKind::NotFound.into()),
        };
        let scenarios = blueprint.files().iter();
        for file in scenarios.filter(|file| file.kind == BlueprintFileKind::Scenario) {
            let path = &file.path;
            let scenario = Scenario::read_with(path, &file.text, &load);
            let scenario = scenario.unwrap_or_else(|problems| panic!("{problems}"));
            let of_gateway = scenario.router.groups.iter().take(served.router.groups.len());
            assert!(of_gateway.eq(&served.router.groups), "{name}, {path}: another router");
        }
    }
}

/// Every stage of a rehearsal is run once, and passes.
#[test]
fn every_checklist_can_be_gone_through() {
    for (name, options) in four() {
        let blueprint = blueprint(&options);
        let checklist = Checklist::read("checklist.yaml", &text(&blueprint, "checklist.yaml"));
        let checklist = checklist.unwrap_or_else(|problems| panic!("{problems}"));
        let world = text(&blueprint, &checklist.scenario);
        let read = |text: &str| Scenario::read("rollout.yaml", text);
        let source = ScenarioSource {
            path: "rollout.yaml",
            text: &world,
            variables: Vec::new(),
            settings: Vec::new(),
            read: &read,
        };
        let rehearsal =
            prepare(&checklist, &source).unwrap_or_else(|error| panic!("{name}: {error}"));
        let mut stages = 0;
        for item in rehearsal.items {
            let item = match item {
                PreparedItem::Manual { .. } => continue,
                PreparedItem::Static(item) => item,
                PreparedItem::Stage(stage) => {
                    let options = SimOptions { keep: RowRetention::Cells, journal: false };
                    let run = simulate(&stage.scenario, options);
                    stages += 1;
                    stage.judge(&run.unwrap_or_else(|error| panic!("{error}")))
                }
            };
            // Of one run nothing is said about a quantile over seeds.
            let evidence = item.evidence.iter().filter(|each| !each.text.contains("over seeds"));
            let bad: Vec<_> = evidence.filter(|each| each.judgement != Judgement::Met).collect();
            assert!(bad.is_empty(), "{name}, {}: {bad:?}", item.title);
            assert_ne!(
                item.outcome,
                ItemOutcome::CannotDetect,
                "{name}, {}: {:?}",
                item.title,
                item.notes
            );
        }
        assert!(stages >= 7, "{name}: {stages}");
    }
}

fn remarks(options: &BlueprintOptions) -> String {
    blueprint(options).remarks().join("\n")
}

#[test]
fn a_peak_beyond_the_limits_is_said_with_the_number_and_missed() {
    // 6,000 + 4,000 a minute are 166.7 per second.
    let options = BlueprintOptions { peak: RequestRate(300.0), ..weighted() };
    let said = remarks(&options);
    assert!(said.contains("admit 167 requests per second of 300 at the peak"), "{said}");
    // 60 % of 300 per second are 10,800 a minute, of 640 + 78 tokens each.
    assert!(said.contains("its share takes rpm 10800 and tpm 7.8M"), "{said}");
    let blueprint = blueprint(&options);
    let spike = text(&blueprint, "scenarios/viral-spike.yaml");
    assert!(spike.contains("NOT ENOUGH CAPACITY: all limits together admit 167"), "{spike}");
    assert!(spike.contains("44%"), "the part that is lost: {spike}");
    let verdict = judged("viral-spike.yaml", &spike, 1);
    assert_eq!(verdict.overall, Judgement::Missed, "{:?}", not_met(&verdict));
    // What the other scenarios document holds.
    for (path, text) in texts(&blueprint, BlueprintFileKind::Scenario) {
        if !path.contains("viral-spike") {
            assert_eq!(not_met(&judged(path, &text, 1)), [""; 0], "{path}\n{text}");
        }
    }
}

/// Without the largest provider too little is left: that is said, bounded, and the bound fails when it grows.
#[test]
fn an_outage_that_the_others_cannot_carry_is_documented_as_a_loss() {
    let options = BlueprintOptions { peak: RequestRate(120.0), ..weighted() };
    assert!(
        remarks(&options)
            .contains("without openai the limits admit 66.7 requests per second of 120")
    );
    let blueprint = blueprint(&options);
    let outage = text(&blueprint, "scenarios/outage-openai.yaml");
    assert!(outage.contains("NOT ENOUGH WITHOUT IT"), "{outage}");
    assert_eq!(not_met(&judged("outage.yaml", &outage, 1)), [""; 0], "{outage}");
    let worse = outage.replace("rpm: 4000,", "rpm: 400,");
    assert_eq!(judged("outage.yaml", &worse, 1).overall, Judgement::Missed, "{worse}");
}

#[test]
fn one_provider_alone_says_that_there_is_nothing_to_fall_back_to() {
    let blueprint = blueprint(&alone());
    assert!(blueprint.remarks().join("\n").contains("nothing to fall back to"));
    let outage = text(&blueprint, "scenarios/outage-openai.yaml");
    assert!(outage.contains("There is nothing to fall back to"), "{outage}");
    // A loss that grows is missed: here the provider stays away twice as long.
    let longer =
        outage.replace("faults:\n", "faults:\n      - { at: 90s, for: 60s, error: 503 }\n");
    assert_eq!(judged("outage.yaml", &longer, 1).overall, Judgement::Missed, "{longer}");
    assert!(text(&blueprint, "gateway.yaml").contains("allow: [no-fallback"));
    assert!(blueprint.files().iter().all(|file| !file.text.contains("-0")), "a zero has no sign");
    // Two deployments of one vendor fall together.
    let two = ["openai:gpt-4o-mini,rpm=6000", "openai:gpt-4o,rpm=6000"];
    assert!(remarks(&mix(&two, &[], "20rps", "99%")).contains("everything runs at one provider"));
}

#[test]
fn a_budget_below_the_expected_spend_is_said_and_missed() {
    let budget = |text: &str| text.parse().ok();
    let options = BlueprintOptions { budget: budget("$20/day"), ..weighted() };
    // 4 requests per second of 640 + 78 tokens at $0.15 and $0.6 per million: $0.143 for a thousand, $49 a day.
    let said = remarks(&options);
    assert!(said.contains("below the expected spend of $49.4"), "{said}");
    let blueprint = blueprint(&options);
    let verdict = judged("spike.yaml", text(&blueprint, "scenarios/viral-spike.yaml"), 1);
    assert!(not_met(&verdict).join("").contains("cost_per_thousand"), "{:?}", not_met(&verdict));
    let enough = BlueprintOptions { budget: budget("$1800/month"), ..weighted() };
    assert!(!remarks(&enough).contains("budget"), "{}", remarks(&enough));
}

fn refused(options: &BlueprintOptions) -> String {
    match Blueprint::new(options) {
        Ok(_) => panic!("it makes a blueprint"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn a_mix_that_makes_no_sense_is_refused_with_all_that_is_wrong() {
    let of = |providers: &[&str]| refused(&mix(providers, &[], "20rps", "99%"));
    assert!(of(&[]).contains("no provider"));
    assert!(of(&["openai:a,weight=0", "azure:b,weight=0"]).contains("nothing would be served"));
    assert!(of(&["openai:a,weight=0", "azure:b,weight=3"]).contains("a standby by `--fallback`"));
    assert!(of(&["openai:a,weight=1", "azure:b"]).contains("give all of them a `weight`"));
    assert!(of(&["openai:gpt-4o", "openai:gpt-4o"]).contains("stands twice"));
    assert!(
        of(&["openai:gpt-4o,tpm=500"]).contains("below one request: one in 20 has 2100 tokens")
    );
    assert!(of(&["openai:a,name=x", "azure:b,name=x"]).contains("give each its own"));
    assert!(of(&["ai21:jamba"]).contains("base_url=https://"));
    assert!(of(&["openai:m,like=none-such"]).contains("nothing is known"));
    let both = of(&["openai:gpt-4o,tpm=500", "azure:b,weight=0"]);
    assert!(both.contains("problems") && both.lines().count() >= 3, "all at once: {both}");
    let swapped = BlueprintOptions { usual: Some(RequestRate(500.0)), ..alone() };
    assert!(refused(&swapped).contains("swap `--usual` and `--peak`"));
    let unpriced = ["azure:my-deployment,rpm=600"];
    let budget = "$5/day".parse().ok();
    let unpriced = BlueprintOptions { budget, ..mix(&unpriced, &[], "2rps", "99%") };
    assert!(refused(&unpriced).contains("like=gpt-4o-mini"), "{}", refused(&unpriced));
    let group = BlueprintOptions { group: "a\nb".to_owned(), ..alone() };
    assert!(refused(&group).contains("--group"));
}

#[test]
fn keys_and_addresses_are_those_of_the_vendors_and_go_nowhere_else() {
    let providers = [
        "openai:gpt-4o-mini,rpm=600",
        "azure:eu,like=gpt-4o,rpm=600",
        "azure:us,like=gpt-4o,rpm=600,base_url=https://us.openai.azure.com,api_key=$AZURE_US_KEY",
        "openai:local,ttft=1s,itl=9ms,rpm=600,base_url=http://10.0.0.7:8000/v1",
        "ollama:llama3.2:3b,rpm=600",
        "groq:openai/gpt-oss-20b,rpm=600",
    ];
    let blueprint = blueprint(&mix(&providers, &[], "9rps", "99%"));
    let expected =
        ["OPENAI_API_KEY", "AZURE_API_KEY", "AZURE_API_BASE", "AZURE_US_KEY", "GROQ_API_KEY"];
    assert_eq!(blueprint.variables(), expected);
    let file = GatewayFile::read("g", &text(&blueprint, "gateway.yaml"));
    let file = file.unwrap_or_else(|problems| panic!("{problems}"));
    let bases: Vec<_> = file.providers.iter().map(|each| each.base_url.as_str()).collect();
    assert_eq!(
        bases,
        [
            "https://api.openai.com/v1",
            "$AZURE_API_BASE/openai",
            "https://us.openai.azure.com/openai",
            "http://10.0.0.7:8000/v1",
            "http://localhost:11434/v1",
            "https://api.groq.com/openai/v1",
        ]
    );
    let has_key: Vec<_> = file.providers.iter().map(|each| each.api_key.is_some()).collect();
    assert_eq!(has_key, [true, true, true, false, false, true]);
}

#[test]
fn the_workflow_runs_the_action_that_is_shipped_with_the_inputs_that_it_has() {
    let action = include_str!("../../../.github/actions/squall/action.yml");
    let blueprint = blueprint(&weighted());
    let workflow = text(&blueprint, ".github/workflows/squall.yml");
    assert!(workflow.contains("/.github/actions/squall@v0.1.0"), "{workflow}");
    assert!(workflow.contains("scenarios: scenarios") && action.contains("\n  scenarios:\n"));
    // Where the action writes, the workflow looks.
    assert!(workflow.contains("path: reports/check") && action.contains("default: reports/check"));
}

/// The mix of docs/BLUEPRINT.md.
fn of_the_page() -> BlueprintOptions {
    let providers = [
        "openai:gpt-4o-mini,weight=60,rpm=30000,tpm=30M",
        "azure:my-deployment,like=gpt-4o-mini,weight=30,rpm=12000,tpm=12M",
        "anthropic:claude-haiku-4-5,weight=10,rpm=4000,tpm=4M",
    ];
    mix(&providers, &[], "200rps", "99.9%")
}

/// What the page says of one setting changed.
#[test]
fn what_the_page_says_of_retries_cooldowns_and_time_outs_holds() {
    let blueprint = blueprint(&of_the_page());
    let outage = text(&blueprint, "scenarios/outage-openai.yaml");
    let met = |name: &str, changes: &[(&str, &str)], expected: &[&str]| {
        let (world, _) = outage.split_once("\nexpect:\n").unwrap_or_else(|| panic!("{outage}"));
        let mut world = world.to_owned();
        for (from, to) in changes {
            assert!(world.contains(from), "{name}: no `{from}` in\n{world}");
            world = world.replace(from, to);
        }
        let expected = expected.iter().map(|line| format!("  - {line}\n"));
        let world = format!("{world}\nexpect:\n{}", expected.collect::<String>());
        assert_eq!(not_met(&judged("page.yaml", &world, 1)), [""; 0], "{name}");
    };
    let during = "during outage";
    let attempts = |range: (f64, f64)| {
        let of = |op: &str, limit: f64| format!("retry_amplification {op} {limit} {during}");
        [of(">=", range.0), of("<=", range.1)]
    };
    let none = "success_rate < 99.9% during outage";
    met("as written", &[], &["success_rate == 100% during outage", "recovery_time(openai) <= 8s"]);
    met(
        "no retries",
        &[("retries: 2", "retries: 0")],
        &[none, "success_rate >= 99.5% during outage"],
    );
    let cooldown =
        outage.split("  cooldown:\n").nth(1).and_then(|rest| rest.split("  timeouts").next());
    let cooldown = format!("  cooldown:\n{}", cooldown.unwrap_or_else(|| panic!("{outage}")));
    let never = (cooldown.as_str(), "  cooldown: never\n");
    let [least, most] = attempts((1.2, 1.3));
    met("no cooldown", &[never], &["success_rate <= 67% during outage", &least, &most]);
    let budget = ("{ ratio: 20%, min_per_second: 10, window: 10s }", "unlimited");
    let [least, most] = attempts((1.55, 1.65));
    met("nor a budget", &[never, budget], &["success_rate >= 99.9% during outage", &least, &most]);
    let long = ("base: 2s, cap: 10s", "base: 30s, cap: 5m");
    met("long intervals", &[long], &["recovery_time(openai) >= 16s"]);
    let hangs =
        [("error: 503 }", "outage: blackhole }"), ("outage: refuse }", "outage: blackhole }")];
    met(
        "hangs",
        &hangs,
        &["success_rate >= 99.9% during outage", "ttft_p95 <= 1.5s during outage"],
    );
    let unaware = format!("{cooldown}    silence: never\n  hedge: never\n");
    let unaware = [hangs[0], hangs[1], (cooldown.as_str(), unaware.as_str())];
    let expected = ["success_rate <= 98.5% during outage", "ttft_p95 >= 10s during outage"];
    met("hangs unnoticed", &unaware, &expected);
}

/// Names that YAML takes for something else, one request in minutes, promises that take long to measure.
#[test]
fn odd_mixes_are_read_back_and_say_what_they_mean() {
    let odd = [
        mix(&["openai:a#b{c},name=x.y", "openai:true", "openai:@cf/x,name=9"], &[], "20rps", "99%"),
        mix(&["ollama:llama3.2:3b", "openai:gpt-4o-mini"], &["openai:gpt-4o"], "0.2rps", "95%"),
        mix(&["gemini:gemini-2.5-flash", "deepseek:deepseek-chat"], &[], "3rps", "99.999%"),
        BlueprintOptions { group: "direct".to_owned(), ..weighted() },
        BlueprintOptions { group: "gpt-4o: \"mine\" # 1".to_owned(), ..formats() },
        BlueprintOptions { client_timeout: Duration::from_secs(8), ..formats() },
    ];
    odd.iter().for_each(|options| drop(blueprint(options)));
    // One request in five seconds, and each scenario still measures what it promises.
    for (path, text) in texts(&blueprint(&odd[1]), BlueprintFileKind::Scenario) {
        assert_eq!(not_met(&judged(path, &text, 1)), [""; 0], "{path}\n{text}");
    }
}
