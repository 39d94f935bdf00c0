//! Tables and readers hold the same keys: a file with every key, in which each value is spoiled in turn.

use crate::Scenario;
use crate::diagnostic::Problems;
use crate::node::{Kind, Node};
use crate::read::SCENARIO;
use crate::shape::{Section, Shape};
use crate::yaml;
use core::ops::Range;
use std::collections::BTreeSet;

/// Every key of a scenario, but for a closed loop and a depth of fallbacks.
const OPEN: &str = "
name: whole
description: every key there is
seed: 7
duration: 60s
phases: { calm: 0s..20s }
traffic:
  group: chat
  arrivals: even
  rate:
    - { at: 0s, rps: 20 }
    - { at: 1s, ramp: { to: 30, over: 1s } }
    - { at: 5s, spike: { peak: 90, rise: 1s, decay: { exponent: 1.4, scale: 4s } } }
  prompt_tokens: { exponential: { mean: 400 } }
  output_tokens: { uniform: { min: 10, max: 60 } }
  stream: 70%
  client: { timeout: 20s }
  mix:
    paid:
      share: 40%
      group: chat
      priority: 1
      tenant: team
      tags: [fast]
      features: [tools]
      region: eu
      sessions: 10
      retries: 1
      timeout: 5s
      fallback: [small]
      prompt_tokens: 10
      output_tokens: 10
      stream: 10%
    free: { share: 60%, fallback: none }
gateway: { workers: 2, cpu_per_attempt: 8ms, cpu_per_failed_attempt: 18ms }
providers:
  eu:
    format: openai
    ttft: { lognormal: { median: 350ms, p95: 700ms } }
    itl: { exponential: { mean: 20ms } }
    output_tokens: { lognormal: { median: 60, p95: 200 } }
    context_window: 8000
    error_latency: 50ms
    limits: { rpm: 3000, tpm: 1M, burst: 5, window: gcra }
    capacity: { concurrent: 10, queue: 5 }
    replicas: 1
    faults:
      - { at: 1s, for: 1s, share: 30%, error: { status: 429, class: quota_spent, retry_after: 1s } }
      - { at: 1s, for: 1s, outage: refuse }
      - { at: 1s, for: 1s, slowdown: 3x }
      - { at: 1s, for: 1s, throttle: { retry_after: 2s } }
      - { at: 1s, for: 1s, cut: { after: 12 } }
  us: { ttft: 300ms, itl: { uniform: { min: 10ms, max: 20ms } } }
router:
  profile: squall
  strategy: { lowest_latency: { buffer: 20%, decay: 10s } }
  retries:
    default: 1
    throttled: 1
    overloaded: 1
    server: 1
    timeout: 1
    connect: 1
    stalled: 1
    cut: 1
    auth: 1
    not_found: 1
    context_window: 1
    content_policy: 1
    bad_request: 1
    quota_spent: 1
  backoff: { base: 1s, cap: 2s }
  cooldown:
    throttled: { default: 1s, max: 2s }
    failure:
      { consecutive: 5, share: 50%, min_attempts: 10, window: 10s, base: 5s, cap: 60s }
    misconfigured: { auth: 5m, not_found: 5m, quota_spent: 30m }
  when_all_out: fail
  timeouts: { connect: 1s, first_token: 2s, between_tokens: 3s, total: 4s, stream_total: 5s }
  deadline: 30s
  max_queue_wait: 1s
  max_queued: 100
  tag_match: any
  session_affinity: 1m
  pre_call_checks: true
  retry_budget: { ratio: 20%, min_per_second: 10, window: 10s }
  default_fallback: [small]
  fallback_rule: { max_moves: 3 }
  health_checks: { every: 10s, timeout: 5s, unhealthy: 3, healthy: 2 }
  budgets: { shared: { limit: $5, period: 1d } }
  tenants:
    team: { limits: { rpm: 600, tpm: 1M, burst: 5, window: gcra, concurrency: 7 } }
  groups:
    chat:
      aliases: [gpt-4, openai/*]
      strategy: { litellm: { latency-based-routing: { buffer: 10%, ttl: 10m } } }
      retries: 1
      backoff: { litellm: { least: 1s, cut_is_success: false } }
      cooldown:
        litellm:
          cooldown_time: 5s
          deployment_time: 6s
          allowed_fails: 2
          policy: { bad_request: 1, authentication: 1, timeout: 1, rate_limit: 1, content_policy: 1 }
          counts: every_attempt
      when_all_out: wait
      timeouts: { connect: 1s }
      deadline: 30s
      max_queue_wait: 1s
      max_queued: 10
      tag_match: all
      session_affinity: 1m
      pre_call_checks: false
      limits: { rpm: 6000, window: from_first }
      deployments:
        - name: eu
          provider: eu
          weight: 6
          model: gpt
          order: 1
          limits: { rpm: 600, tpm: 1M, burst: 5, window: gcra, concurrency: 7 }
          timeouts: { first_token: 3s }
          cooldown: never
          price: { input: $0.15, output: 0.6 }
          budget: { limit: $1, period: 1h }
          budgets: [shared]
          tags: [fast]
          default_pool: true
          max_input_tokens: 4000
          features: [tools, vision]
          region: eu
      fallback: [small]
      context_window_fallback: [small]
      content_policy_fallback: [small]
    small: { deployments: [ { name: us, provider: us } ] }
  changes:
    - { at: 10s, weights: { eu: 1 } }
    - { at: 20s, limits: { eu: { rpm: 100 } } }
    - { at: 30s, deployments: { small: [ { name: new, provider: us } ] } }
    - { at: 40s, profile: litellm-1.80 }
expect: [ success_rate >= 99% ]
";

/// The same with these.
fn closed() -> String {
    let (before, rest) = OPEN.split_once("  arrivals: even").unwrap();
    let (_, after) = rest.split_once("scale: 4s } } }\n").unwrap();
    let closed =
        format!("{before}  arrivals: {{ closed: {{ clients: 8, think: 500ms }} }}\n{after}");
    closed.replace("max_moves: 3", "max_depth: 3")
}

fn tree(text: &str) -> Node {
    yaml::parse(text, &Problems::default()).unwrap()
}

#[test]
fn a_file_with_every_key_is_read() {
    super::good::read(OPEN);
    super::good::read(&closed());
}

#[test]
fn no_value_of_it_goes_unread() {
    for text in [OPEN, &closed()] {
        let mut values = Vec::new();
        collect(&tree(text), "", &mut values);
        assert!(values.len() > 100, "{} values", values.len());
        for (path, span) in values {
            let spoiled = format!("{}[[]]{}", &text[..span.start], &text[span.end..]);
            assert!(Scenario::read("test.yaml", &spoiled).is_err(), "`{path}` is not read");
        }
    }
}

#[test]
fn it_has_every_key_of_every_table() {
    let (mut known, mut used) = (BTreeSet::new(), BTreeSet::new());
    keys(&SCENARIO, &mut known);
    // A gateway's alone: in a scenario it is refused.
    known.remove(&("tenant", "key"));
    for text in [OPEN, &closed(), "router: { litellm: config.yaml }"] {
        walk(&Shape::Section(&SCENARIO), &tree(text), &mut used);
    }
    let missing: Vec<_> = known.difference(&used).collect();
    assert!(missing.is_empty(), "not in the file: {missing:?}");
}

/// Every value below `node` that stands under a key.
fn collect(node: &Node, path: &str, values: &mut Vec<(String, Range<usize>)>) {
    match &node.kind {
        Kind::Map(entries) => {
            for entry in entries {
                let path = format!("{path}.{}", entry.key);
                values.push((path.clone(), entry.value.span.clone()));
                collect(&entry.value, &path, values);
            }
        }
        Kind::List(items) => items.iter().for_each(|item| collect(item, path, values)),
        Kind::Scalar(_) | Kind::Nothing => {}
    }
}

type Keys = BTreeSet<(&'static str, &'static str)>;

/// Every key that a section speaks of.
fn keys(section: &'static Section, known: &mut Keys) {
    for key in section.keys() {
        known.insert((section.id, key.name));
        keys_of(&key.shape, known);
    }
}

fn keys_of(shape: &Shape, known: &mut Keys) {
    match *shape {
        Shape::Section(section) => keys(section, known),
        Shape::List(of) | Shape::Named(of) | Shape::NamedOrPattern(of) => keys_of(of, known),
        Shape::Either(shapes) => shapes.iter().for_each(|each| keys_of(each, known)),
        _ => {}
    }
}

/// Every key that a node has, by the section it belongs to.
fn walk(shape: &Shape, node: &Node, used: &mut Keys) {
    match (shape, &node.kind) {
        (Shape::Section(section), Kind::Map(entries)) => {
            for entry in entries {
                if let Some(key) = section.key(&entry.key) {
                    used.insert((section.id, key.name));
                    walk(&key.shape, &entry.value, used);
                }
            }
        }
        (Shape::Named(of) | Shape::NamedOrPattern(of), Kind::Map(entries)) => {
            entries.iter().for_each(|entry| walk(of, &entry.value, used));
        }
        (Shape::List(of), Kind::List(items)) => items.iter().for_each(|item| walk(of, item, used)),
        (Shape::Either(shapes), _) => shapes.iter().for_each(|each| walk(each, node, used)),
        _ => {}
    }
}
