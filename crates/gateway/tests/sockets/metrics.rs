//! What Prometheus scrapes, held against what happened.

use crate::rig::{always, ask, gateway_of, get, whole};
use squall_router::{RateLimit, RateLimits, RateWindow};
use std::collections::{BTreeMap, BTreeSet};

const COMPLETION: &str = r#"{"choices":[{"index":0,"message":{"content":"hi"},"finish_reason":"stop"}],
"usage":{"prompt_tokens":5,"completion_tokens":7,"total_tokens":12}}"#;

/// The samples of a page, by name and labels; panics where a line is not of the format.
fn parse(page: &str) -> BTreeMap<String, f64> {
    let (_, body) = page.split_once("\r\n\r\n").expect("a head and a body");
    let mut types: BTreeMap<&str, &str> = BTreeMap::new();
    let mut helped = BTreeSet::new();
    let mut samples = BTreeMap::new();
    for line in body.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').expect("a name and a help");
            assert!(!help.is_empty() && helped.insert(name), "{line}");
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').expect("a name and a type");
            assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
            assert!(helped.contains(name) && types.insert(name, kind).is_none(), "{line}");
            assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
        } else {
            let (sample, value) = line.rsplit_once(' ').expect("a sample and a value");
            let name = sample.split('{').next().unwrap_or_default();
            let family = ["_bucket", "_sum", "_count"]
                .iter()
                .find_map(|suffix| name.strip_suffix(suffix))
                .filter(|family| types.get(family) == Some(&"histogram"))
                .unwrap_or(name);
            assert!(types.contains_key(family), "{line} has no type");
            assert!(name.starts_with("squall_"), "{line}");
            let value = value.parse().expect("a number");
            assert!(samples.insert(sample.to_owned(), value).is_none(), "{line} twice");
        }
    }
    samples
}

#[tokio::test]
async fn a_scrape_says_what_happened_once_each() {
    let ill = always(whole("503 Service Unavailable", "{}")).await;
    let well = always(whole("200 OK", COMPLETION)).await;
    let rpm = RateLimit { per_minute: 600, window: RateWindow::Gcra { burst: None } };
    let gateway = gateway_of(&[ill, well], |setup| {
        setup.router.groups[0].deployments[1].limits =
            RateLimits { rpm: Some(rpm), ..RateLimits::default() };
    })
    .await;
    for _ in 0..3 {
        ask(&gateway, "chat", false).await;
    }
    let page = get(&gateway, "/metrics").await;
    assert!(page.contains("text/plain; version=0.0.4"), "{page}");
    let samples = parse(&page);
    let of =
        |name: &str| samples.get(name).copied().unwrap_or_else(|| panic!("no {name} in {page}"));
    let requests = r#"squall_requests_total{group="chat",outcome="succeeded",error_class=""}"#;
    assert_eq!(of(requests), 3.0);
    assert_eq!(of(r#"squall_request_duration_seconds_count{group="chat"}"#), 3.0);
    assert_eq!(of(r#"squall_request_duration_seconds_bucket{group="chat",le="+Inf"}"#), 3.0);
    let d1 = r#"group="chat",deployment="d1",provider="mock""#;
    let d0 = r#"group="chat",deployment="d0",provider="mock""#;
    let failed = samples.get(&format!(r#"squall_attempts_total{{{d0},outcome="server"}}"#));
    assert_eq!(of(&format!(r#"squall_attempts_total{{{d1},outcome="succeeded"}}"#)), 3.0);
    assert!(failed.is_some());
    assert_eq!(failed, samples.get(r#"squall_retries_total{group="chat"}"#));
    assert_eq!(of(&format!(r#"squall_limit_allowed{{{d1},limit="requests"}}"#)), 600.0);
    assert!(of(&format!(r#"squall_limit_used{{{d1},limit="requests"}}"#)) >= 1.0);
    assert_eq!(of(&format!("squall_weight_ratio{{{d0}}}")), 0.9);
    let expected = |of_deployment: &str| {
        of(&format!("squall_expected_first_attempt_ratio{{{of_deployment}}}"))
    };
    assert_eq!((expected(d0), expected(d1)), (0.9, 0.1));
    let first = |of_deployment: &str| {
        samples.get(&format!("squall_first_attempts_total{{{of_deployment}}}")).copied()
    };
    assert_eq!(first(d0).unwrap_or_default() + first(d1).unwrap_or_default(), 3.0);
    assert_eq!(of("squall_ready"), 1.0);
    assert_eq!(of("squall_requests_in_flight"), 0.0);
    let tokens = format!(r#"squall_tokens_total{{{d1},kind="output"}}"#);
    assert_eq!(of(&tokens), 21.0);
}

#[tokio::test]
async fn tokens_are_counted_beyond_32_bits() {
    let usage =
        r#""usage":{"prompt_tokens":4000000000,"completion_tokens":3,"total_tokens":4000000003}"#;
    let answer = COMPLETION.replacen(
        COMPLETION.find(r#""usage""#).map_or("", |place| &COMPLETION[place..]),
        &format!("{usage}}}"),
        1,
    );
    let gateway = gateway_of(&[always(whole("200 OK", &answer)).await], |_| {}).await;
    for _ in 0..3 {
        let (head, body) = ask(&gateway, "chat", false).await;
        assert!(head.starts_with("http/1.1 200"), "{head}{body}");
    }
    let samples = parse(&get(&gateway, "/metrics").await);
    let of = r#"squall_tokens_total{group="chat",deployment="d0",provider="mock",kind="input"}"#;
    assert_eq!(samples.get(of), Some(&12e9));
}

#[tokio::test]
async fn no_client_makes_a_label() {
    let gateway = gateway_of(&[always(whole("200 OK", COMPLETION)).await], |setup| {
        setup.router.groups[0].name = "openai/*".to_owned();
        setup.upstreams[0].model = "*".to_owned();
    })
    .await;
    ask(&gateway, "openai/gpt-0", false).await;
    ask(&gateway, "nothing-0", false).await;
    let before = parse(&get(&gateway, "/metrics").await);
    for nth in 1..100 {
        ask(&gateway, &format!("openai/gpt-{nth}"), false).await;
        ask(&gateway, &format!("nothing-{nth}"), false).await;
    }
    let after = parse(&get(&gateway, "/metrics").await);
    assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>());
    let all = r#"squall_requests_total{group="openai/*",outcome="succeeded",error_class=""}"#;
    assert_eq!(after.get(all), Some(&100.0));
}

/// Prometheus' own judge of names, types and helps; `cargo xtask test` installs it.
#[tokio::test]
async fn promtool_accepts_a_scrape() {
    let ill = always(whole("503 Service Unavailable", "{}")).await;
    let well = always(whole("200 OK", COMPLETION)).await;
    let gateway = gateway_of(&[ill, well], |_| {}).await;
    for _ in 0..3 {
        ask(&gateway, "chat", false).await;
    }
    let page = get(&gateway, "/metrics").await;
    let (_, body) = page.split_once("\r\n\r\n").expect("a head and a body");
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
    let file = folder.join("scrape.txt");
    std::fs::write(&file, body).expect("a file");
    let file = std::fs::File::open(&file).expect("a file");
    let judged = std::process::Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(file)
        .output()
        .expect("promtool is there: the gate installs it");
    let told = String::from_utf8_lossy(&judged.stderr);
    assert!(judged.status.success() && told.is_empty(), "{told}{body}");
}
