//! Traffic of several sources, as it is read, and the mistakes in it as the person who made them sees them.

use super::good::read;
use crate::{Argument, Diagnostics, Override, Scenario};
use insta::assert_snapshot;
use squall_determinism::{Share, Timestamp};
use squall_router::{GroupId, TenantId};

const GOOD: &str = "\
name: test
duration: 60s
traffic:
  - name: paid
    group: chat
    tenant: team-a
    priority: 1
    tags: [paid]
    rate: 20
    prompt_tokens: 400
    output_tokens: 60
  - name: free
    group: small
    rate: 5
    prompt_tokens: 100
    output_tokens: 10
    stream: 100%
    client: { timeout: 5s }
    tenant: team-b
    mix:
      short: { share: 20%, tenant: team-a }
      long: { share: 80%, prompt_tokens: 900 }
providers:
  eu: { ttft: 300ms, itl: 20ms }
router:
  tenants: { team-a: { limits: { rpm: 600 } }, team-b: { limits: { rpm: 60 } } }
  groups:
    chat: { deployments: [ { name: eu, provider: eu, tags: [paid] } ] }
    small: { deployments: [ { name: small, provider: eu } ] }
expect: [ success_rate(paid) >= 99%, success_rate(free) >= 99%, latency_p95(long) <= 2s ]
";

fn spoiled(replacements: &[(&str, &str)]) -> Diagnostics {
    let mut text = GOOD.to_owned();
    for (from, to) in replacements {
        assert!(text.contains(from), "`{from}` is not in the file");
        text = text.replacen(from, to, 1);
    }
    match Scenario::read("test.yaml", &text) {
        Ok(_) => panic!("the file was read without a word"),
        Err(diagnostics) => diagnostics,
    }
}

#[test]
fn each_source_has_its_own_group_tenant_sizes_clients_and_kinds() {
    let read = read(GOOD);
    let sources: Vec<_> = read.sources.iter().map(|source| source.name.as_deref()).collect();
    assert_eq!(sources, [Some("paid"), Some("free")]);
    let kinds: Vec<_> =
        read.kinds.iter().map(|kind| (&*kind.name, kind.group, kind.tenant)).collect();
    let tenant = |place| Some(TenantId(place));
    assert_eq!(
        kinds,
        [
            ("paid", GroupId(0), tenant(0)),
            ("short", GroupId(1), tenant(0)),
            ("long", GroupId(1), tenant(1))
        ]
    );
    assert_eq!((read.kinds[0].priority, read.kinds[0].tags.0, read.kinds[1].priority), (1, 1, 0));
    assert_eq!((read.sources[0].kinds.clone(), read.sources[1].kinds.clone()), (0..1, 1..3));
    let [paid, free] = &read.workload.sources[..] else { panic!("two sources") };
    assert_eq!((paid.stream, free.stream), (Share::NONE, Share::ALL));
    assert_eq!((paid.client.timeout.as_secs(), free.client.timeout.as_secs()), (60, 5));
    assert_eq!(read.workload.rate_at(Timestamp::ZERO), Some(25.0));
    assert_ne!(paid.key, free.key);
}

#[test]
fn metrics_are_of_a_source_or_of_a_kind_of_its_mix() {
    let of: Vec<_> = read(GOOD).expectations.iter().map(|each| each.argument).collect();
    let free = Argument::Kinds { first: 1, count: 2 };
    assert_eq!(of, [Some(Argument::Kind(0)), Some(free), Some(Argument::Kind(2))]);
    let mut scenario = read(GOOD);
    scenario.expect_instead(&["success_rate(free) >= 90%".to_owned()]).expect("it is a source");
    assert_eq!(scenario.expectations[0].argument, Some(free));
}

#[test]
fn a_source_keeps_its_draws_wherever_it_stands() {
    let keys = |text: &str| -> Vec<_> {
        let read = read(text);
        let names = read.sources.iter().map(|source| source.name.clone());
        names.zip(read.workload.sources.iter().map(|source| source.key)).collect()
    };
    let (before, rest) = GOOD.split_once("  - name: paid").expect("a source");
    let (paid, rest) = rest.split_once("  - name: free").expect("another");
    let (free, after) = rest.split_once("providers:").expect("providers");
    let turned = format!("{before}  - name: free{free}  - name: paid{paid}providers:{after}");
    let (mut one, mut other) = (keys(GOOD), keys(&turned));
    one.sort();
    other.sort();
    assert_eq!(one, other);
    let alone = "name: test\nduration: 1s\ntraffic: { group: chat, rate: 1, prompt_tokens: 1, output_tokens: 1 }\n";
    let (_, rest) = GOOD.split_once("providers:").expect("providers");
    let (rest, _) = rest.split_once("expect:").expect("expectations");
    let read = read(&format!("{alone}providers:{rest}"));
    assert_eq!((read.workload.sources[0].key, &read.sources[0].name), (0, &None));
}

#[test]
fn a_source_is_set_by_its_name() {
    let set: Override = "traffic.free.rate=50".parse().expect("a path and a value");
    let text = set.apply(GOOD).expect("it is there");
    assert_eq!(read(&text).workload.rate_at(Timestamp::ZERO), Some(70.0));
}

#[test]
fn two_of_one_name_are_told_both_places() {
    assert_snapshot!(spoiled(&[("name: free", "name: paid")]));
    assert_snapshot!(spoiled(&[("short: {", "paid: {"), ("expect: [", "expect: [] # [")]));
}

#[test]
fn a_name_that_nobody_defined_and_a_source_without_one_are_told() {
    assert_snapshot!(spoiled(&[
        ("group: small", "group: tiny"),
        ("tenant: team-b", "tenant: team-c"),
        ("tags: [paid]", "tags: [gold]"),
        ("name: free", "nam: free"),
        ("rate: 20", "rat: 20"),
    ]));
    assert_snapshot!(spoiled(&[("success_rate(free)", "success_rate(fre)")]));
}

#[test]
fn traffic_is_a_source_or_a_list_of_them() {
    let (before, rest) = GOOD.split_once("traffic:\n").expect("traffic");
    let (_, after) = rest.split_once("providers:").expect("providers");
    let with = |traffic: &str| {
        let text = format!("{before}traffic: {traffic}\nproviders:{after}");
        match Scenario::read("test.yaml", &text) {
            Ok(_) => panic!("the file was read without a word"),
            Err(diagnostics) => diagnostics,
        }
    };
    assert_snapshot!(with("[]"));
    assert_snapshot!(with("heavy"));
}
