//! Tables and readers hold the same keys: a file with every key, in which each value is spoiled in turn.

use crate::diagnostic::Problems;
use crate::node::{Node, NodeKind};
use crate::read::SCENARIO;
use crate::schema::{Requirement, Schema, Section};
use crate::yaml;
use crate::{FaultSample, Scenario, fault_samples};
use core::ops::Range;
use std::collections::{BTreeMap, BTreeSet};

/// Every key of a scenario, but for faults, a closed loop and a depth of fallbacks. Where a mark says so, settings
/// that are not written here are added.
const WHOLE: &str = "
name: whole
description: every key there is
seed: 7
duration: 60s
start: 2026-11-29T08:00:30+02:00
warm_up: 1s
phases: { calm: 0s..20s }
traffic:
  group: chat
  arrivals: even
  rate:
    - { at: 0s, rps: 20 }
    - { at: 1s, ramp: { to: 30, over: 1s } }
    - { at: 5s, spike: { peak: 90, rise: 1s, decay: { exponent: 1.4, scale: 4s } } }
  prompt_tokens:
    quantiles:
      min: 1
      p1: 2
      p5: 3
      p10: 4
      p25: 5
      p50: 6
      p75: 7
      p90: 8
      p95: 9
      p99: 10
      p999: 11
      max: 12
  output_tokens: { uniform: { min: 10, max: 60 } }
  stream: 70%
  client:
    timeout: 20s
    first_token: 19s
    call_timeout: 18s
    retries:
      sdk: openai-python
      max: 2
      base: 1s
      cap: 2s
      jitter: 10%
      statuses: [429]
      honour_retry_after: true
  priority: 1
  tenant: team
  tags: [fast]
  features: [tools]
  region: eu
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
      prompt_tokens: { exponential: { mean: 400 } }
      output_tokens: 10
      stream: 10%
    free: { share: 60%, fallback: none }
  shifts: [ { at: 10s, mix: { paid: 10%, free: 90% } } ]
gateway:
  workers: 2
  cpu_per_attempt: 8ms
  cpu_per_failed_attempt: 18ms
  replicas: 3
  shared_state:
    sync_interval: 100ms
    store_timeout: 80ms
    lease: 400ms
    forget_after: 5m
    store:
      latency: 2ms
      loss: 1%
      faults:
        - { at: 1s, for: 1s, down: {} }
        - { at: 2s, for: 1s, unreachable: {}, replicas: [ 2 ] }
        - { at: 3s, for: 1s, slow: 300ms }
        - { at: 4s, for: 1s, loss: 20% }
providers:
  eu:
    format: openai
    like: gpt-4o
    slow: { share: 1%, from: 5x, to: 10x }
    prefill: { per_token: 200us, cache: { share: 80%, warm_after: 100, lasts: 5m } }
    ttft: { lognormal: { median: 350ms, p95: 700ms } }
    itl: { exponential: { mean: 20ms } }
    output_tokens: { lognormal: { median: 60, p95: 200 } }
    reasoning: 200
    tool_calls: 30%
    context_window: 8000
    error_latency: 50ms
    assistant_prefill: continued
    limits:
      rpm: 3000
      tpm: 1M
      input_tpm: 1M
      output_tpm: 1M
      rpd: 1M
      ramp: { growth: 50%, per: 15m, free: 60 }
      burst: 5
      window: gcra
      tokens: as_used
      per_key: true
      retry_after: seconds
    capacity:
      concurrent: 10
      queue: 5
      order: lifo
      max_wait: 5s
      shed: 529
      on_disconnect: finished
      slowdown_at_full: 2x
    replicas: 1
    listen: \"127.0.0.1:9001\"
    faults:
FAULTS
    outages:
OUTAGES
  us: { ttft: 300ms, itl: { uniform: { min: 10ms, max: 20ms } } }
  ap:
    ttft: { gamma: { mean: 300ms, cv: 0.3 } }
    itl:
      quantiles:
        min: 1ms
        p1: 2ms
        p5: 3ms
        p10: 4ms
        p25: 5ms
        p50: 6ms
        p75: 7ms
        p90: 8ms
        p95: 9ms
        p99: 10ms
        p999: 11ms
        max: 12ms
    output_tokens: { gamma: { mean: 100, cv: 2 } }
faults:
SHARED
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
    request_too_large: 1
    answer_too_large: 1
    resources: 1
    malformed: 1
  backoff: { base: 1s, cap: 2s }
  after_timeout: retry
  hedge: { after: 95%, cold: 9s, floor: 2s, min_samples: 30 }
  mid_stream: hold
  short_retry_after: 3s
  deadline_sharing: { floor: 1s }
  cooldown:
    throttled: { default: 1s, max: 2s }
    failure:
      { consecutive: 5, share: 50%, min_attempts: 10, window: 10s, base: 5s, cap: 60s, jitter: 10% }
    misconfigured: { auth: 5m, not_found: 5m, quota_spent: 30m, suspicions: 3 }
    silence:
      { quantile: 99%, floor: 5s, min_samples: 20, concurrent: 3, concurrent_floor: 250ms }
  when_unavailable: fail
  panic_threshold: 40%
  slow_start: { window: 20s, aggression: 1.5, least: 5% }
  timeouts: { connect: 1s, first_token: 2s, between_tokens: 3s, total: 4s, stream_total: 5s }
  deadline: 30s
  max_queue_wait: 1s
  queue_shedding: true
  quota_headroom: 30%
  tag_match: any
  session_affinity: 1m
  pre_call_checks: true
  retry_budget: { ratio: 20%, min_per_second: 10, window: 10s }
  default_fallback: [small]
  fallback_rule: { max_moves: 3 }
  health_checks: { every: 10s, timeout: 5s, unhealthy: 3, healthy: 2 }
  budgets: { shared: { limit: $5, period: month, utc_offset: -05:30, spent: $1.50 } }
  # router
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
          policy:
            bad_request: 1
            authentication: 1
            timeout: 1
            rate_limit: 1
            content_policy: 1
            internal_server: 1
            service_unavailable: 1
            bad_gateway: 1
            not_found: 1
          counts: every_attempt
      when_unavailable: wait
      panic_threshold: 0%
      slow_start: never
      timeouts: { connect: 1s }
      after_timeout: elsewhere
      hedge: never
      mid_stream: error
      short_retry_after: 0s
      deadline: 30s
      deadline_sharing: never
      max_queue_wait: 1s
      queue_shedding: true
      quota_headroom: 30%
      tag_match: all
      session_affinity: 1m
      pre_call_checks: false
      limits: { rpm: 6000, window: from_first }
      # group
      deployments:
        - name: eu
          provider: eu
          weight: 6
          model: gpt
          key: team-a
          order: 1
          limits:
            { rpm: 600, tpm: 1M, burst: 5, window: gcra, concurrency: 7, from_headers: true,
              from_429s: true, adaptive_concurrency: true }
          timeouts: { first_token: 3s }
          cooldown: never
          price: { input: $0.15, output: 0.6 }
          budget: { limit: $1, period: 1h }
          budgets: [shared]
          tags: [fast]
          default_pool: true
          features: [tools, vision]
          assistant_prefill: true
          region: eu
          # deployment
      fallback: [small]
      context_window_fallback: [small]
      content_policy_fallback: [small]
    small: { deployments: [ { name: us, provider: us } ] }
  allow: [no-fallback]
  changes:
    - { at: 10s, weights: { eu: 1 } }
    - { at: 20s, limits: { eu: { rpm: 100 } } }
    - { at: 30s, deployments: { small: [ { name: new, provider: us } ] } }
    - { at: 40s, profile: litellm-1.80 }
target:
  url: http://127.0.0.1:${port}/v1
  format: openai
  headers: { authorization: \"Bearer ${env.KEY}\" }
  models: { chat: gpt }
  start:
    command: [gateway, --port, \"${port}\"]
    files: { gateway.yaml: \"api: ${provider.eu.url}\" }
    env: { KEY: \"${provider.eu.key}\" }
    ready: { get: /ready, within: 60s }
    stop: SIGTERM
    log: gateway.log
abort_when: error_rate > 20% for 10s
expect: [ success_rate >= 99%, { warn: latency_p95 <= 2s } ]
";

/// When and whom, with every key but `health` and `first`, which do not fit every kind.
const WHEN: &str = "at: 1s, for: 1s, onset: 100ms, tail: 100ms, jitter: 1s, \
    repeat: { every: 2s, times: 3 }";
const WHOM: &str = "share: 30%, sticky: true, model: gpt, key: team-a";

/// The file with faults of every kind, and with those settings of the router, a group and a deployment that are not
/// written above.
fn open() -> String {
    let text = with_faults();
    let mut used = Keys::new();
    walk(&Schema::Section(&SCENARIO), &tree(&text), &mut used);
    let mut known = BTreeMap::new();
    keys(&SCENARIO, &mut known);
    known.retain(|key, (need, _)| {
        !used.contains(key) && !matches!(need, Requirement::Required | Requirement::Choice)
    });
    ["router", "group", "deployment"].into_iter().fold(text, |text, section| {
        let (before, after) = text.split_once(&format!("# {section}\n")).expect("its mark");
        let indent = before.rsplit('\n').next().unwrap_or_default();
        let more = known.iter().filter(|((id, _), _)| *id == section);
        let more = more.map(|((_, name), (_, shape))| format!("{indent}{name}: {}\n", any(shape)));
        format!("{}\n{}{after}", before.trim_end(), more.collect::<String>())
    })
}

/// A value of a shape.
fn any(shape: &Schema) -> String {
    match shape {
        Schema::Count(least, _) => least.max(&1).to_string(),
        Schema::Duration(_) => "1s".to_owned(),
        Schema::Percent => "50%".to_owned(),
        Schema::Factor => "2x".to_owned(),
        Schema::Flag => "true".to_owned(),
        Schema::Word(words) => words[0].to_owned(),
        Schema::Text | Schema::Name => "a".to_owned(),
        Schema::Either(shapes) => any(&shapes[0]),
        other => panic!("write a value of {} into `WHOLE`", other.wanted()),
    }
}

fn with_faults() -> String {
    // Of every kind all samples once, and one in the other places, where the kinds are the same.
    let all: Vec<_> = fault_samples().collect();
    let mut first = all.clone();
    first.dedup_by_key(|sample| sample.kind);
    let lines = |before: &str, samples: &[FaultSample]| {
        let line = |FaultSample { kind, value, .. }: &FaultSample| {
            format!("      - {{ {before}, {WHOM}, {kind}: {value} }}\n")
        };
        samples.iter().map(line).collect::<String>()
            + &format!("      - {{ {before}, health: honest, first: 2, error: 503 }}\n")
            + &format!(
                "      - {{ {before}, first: {{ attempts: 2, of: request }}, error: 503 }}\n"
            )
    };
    let random = "gap: 1h, lasts: 1m, like: openai, faster: 10x, from: 1s, until: 50s";
    WHOLE
        .replace("FAULTS\n", &lines(WHEN, &all))
        .replace("OUTAGES\n", &lines(random, &first))
        .replace("SHARED\n", &lines(&format!("providers: [eu, us], {WHEN}"), &first))
}

/// The same with these.
/// A program in place of a gateway.
const PROGRAM: &str = "  models: { chat: gpt }
  exec:
    command: [ask, \"${provider.eu.url}\"]
    files: { ask.yaml: \"api: ${provider.eu.url}\" }
    env: { KEY: \"${provider.eu.key}\" }
    log: ask.log";

fn closed() -> String {
    let open = open();
    let (before, rest) = open.split_once("  arrivals: even").unwrap();
    let (_, after) = rest.split_once("scale: 4s } } }\n").unwrap();
    let closed =
        format!("{before}  arrivals: {{ closed: {{ clients: 8, think: 500ms }} }}\n{after}");
    let closed = closed.replace("max_moves: 3", "max_depth: 3, weighted_failover: true");
    let (before, target) = closed.split_once("\ntarget:\n").expect("a target");
    let (_, after) = target.split_once("\nexpect:").expect("expectations");
    as_list(&format!("{before}\ntarget:\n{PROGRAM}\nexpect:{after}"))
}

/// The same traffic as the only source of a list.
fn as_list(text: &str) -> String {
    let (before, rest) = text.split_once("traffic:\n").expect("traffic");
    let (traffic, after) = rest.split_once("gateway:\n").expect("a gateway");
    let traffic: String = traffic.lines().map(|line| format!("  {line}\n")).collect();
    format!("{before}traffic:\n  - name: users\n{traffic}gateway:\n{after}")
}

/// What stands in place of what the file has there.
const OTHERS: [&str; 10] = [
    "traffic: { rate: { at: 10s, sum: [20, { rps: 5 }], product: [20, { rps: 0.5 }], \
     shift: { later: 10s, earlier: 5m, rate: 20 }, preset: launch-day, base: 20, peak: 10x, speed: 60x, \
     ramp: { from: 10 }, spike: { base: 10 }, needles: {}, double_hump: {}, diurnal: {}, stairs: { levels: [20, 40, 80], every: 30s }, \
     surge: { base: 10, peak: 90, rise: 10s, tau: 2s, decay: { exponent: 0.6, scale: 60s } }, \
     plateau: { base: 10, peak: 90, hold: 60s, rise: 5s, drop: 5s } } }",
    "traffic: { rate: [ { sum: [], product: [], shift: {}, surge: {}, plateau: {}, stairs: {}, needles: { base: 4, peak: 300, width: 1s, every: 30s, count: 5 }, \
     double_hump: { base: 10, first: 90, valley: 40, second: 80, hold: 60s, gap: 30s, rise: 5s }, \
     diurnal: { mean: 20, peak_to_trough: 4x, period: 24h, peak_at: 14h, hours: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, \
     12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1] } } ] }",
    "traffic: { arrivals: { at: [0s, 2s] } }",
    "traffic: { arrivals: { trace: { file: calls.csv, preset: azure-code-bursts, format: csv, time_unit: ms, \
     columns: { time: t, input_tokens: in, output_tokens: out, kind: model, session: user }, log_format: '$msec', \
     reorder: 5s, sha256: abc, time_scale: 0.1, rate_scale: 2, jitter: 1s, loop: true, \
     window: { from: 10s, for: 60s }, kinds: { 'gpt-*': paid } } } }",
    "traffic: { arrivals: { gamma: { cv: 2, shape: 0.25 }, weibull: { cv: 2, shape: 0.5 }, \
     on_off: { on: 20s, off: 40s }, hawkes: { branching: 75%, decay: 10s }, preset: azure-2023-code } }",
    "traffic: [ { rate: 1 } ]",
    "router: { litellm: config.yaml }",
    "router: { strategy: { lowest_cost: { latency_objective: 1s } } }",
    "traffic: { prompt_tokens: { data: { file: sizes.csv, column: tokens } }, \
     arrivals: { closed: { think: { data: { file: sizes.csv, column: ms, unit: ms } } } } }",
    // Composition takes these out before anything is read: its own tests spoil them.
    "include: shared.yaml\nfragments: { slow: 1 }\nmatrix: { peak: [100] }\n\
     variables: { seed: { default: 1, type: count, one_of: [1], about: any } }",
];

fn tree(text: &str) -> Node {
    yaml::parse(text, &Problems::default()).unwrap()
}

#[test]
fn a_file_with_every_key_is_read() {
    super::good::read(&open());
    super::good::read(&closed());
}

/// All values of one depth are spoiled together, since a file's mistakes are told all at once. One that is not told of
/// then, because another mistake kept its reader from being asked, is spoiled alone.
#[test]
fn no_value_of_it_goes_unread() {
    for text in [open(), closed()] {
        let mut depths: Vec<Vec<(String, Range<usize>)>> = Vec::new();
        collect(&tree(&text), "", &mut depths, 0);
        let values: usize = depths.iter().map(Vec::len).sum();
        assert!(values > 1_000, "{values} values");
        for values in &depths {
            for (path, span) in untold(&text, values) {
                let alone = spoiled(&text, std::slice::from_ref(span)).0;
                assert!(Scenario::read("test.yaml", &alone).is_err(), "`{path}` is not read");
            }
        }
    }
}

/// The values of which no mistake is told in their place when all of these are spoiled.
fn untold<'v>(text: &str, values: &'v [(String, Range<usize>)]) -> Vec<&'v (String, Range<usize>)> {
    let spans: Vec<_> = values.iter().map(|(_, span)| span.clone()).collect();
    let (text, places) = spoiled(text, &spans);
    let Err(told) = Scenario::read("test.yaml", &text) else { return values.iter().collect() };
    let told: BTreeSet<_> = told.problems().iter().map(|problem| problem.span.start).collect();
    let is_told = |place: &Range<usize>| told.range(place.clone()).next().is_some();
    let pairs = values.iter().zip(&places).filter(|(_, place)| !is_told(place));
    pairs.map(|(value, _)| value).collect()
}

/// The text with what fits nowhere in each of these places, which do not overlap, and where that stands then.
fn spoiled(text: &str, spans: &[Range<usize>]) -> (String, Vec<Range<usize>>) {
    const MISFIT: &str = "[[]]";
    let (mut out, mut places, mut from) = (String::new(), Vec::new(), 0);
    for span in spans {
        out.push_str(&text[from..span.start]);
        places.push(out.len()..out.len() + MISFIT.len());
        out.push_str(MISFIT);
        from = span.end;
    }
    out.push_str(&text[from..]);
    (out, places)
}

#[test]
fn it_has_every_key_of_every_table() {
    let (mut known, mut used) = (BTreeMap::new(), BTreeSet::new());
    keys(&SCENARIO, &mut known);
    // A gateway's alone: in a scenario it is refused.
    known.remove(&("tenant", "key"));
    for text in [open(), closed()].into_iter().chain(OTHERS.map(str::to_owned)) {
        walk(&Schema::Section(&SCENARIO), &tree(&text), &mut used);
    }
    let missing: Vec<_> = known.keys().filter(|key| !used.contains(*key)).collect();
    assert!(missing.is_empty(), "not in the file: {missing:?}");
}

/// Every value below `node` that stands under a key, in the order of the file, by how many keys it stands under.
fn collect(node: &Node, path: &str, depths: &mut Vec<Vec<(String, Range<usize>)>>, depth: usize) {
    match &node.kind {
        NodeKind::Map(entries) => {
            if depths.len() == depth {
                depths.push(Vec::new());
            }
            for entry in entries {
                let path = format!("{path}.{}", entry.key);
                depths[depth].push((path.clone(), entry.value.span.clone()));
                collect(&entry.value, &path, depths, depth + 1);
            }
        }
        NodeKind::List(items) => items.iter().for_each(|item| collect(item, path, depths, depth)),
        NodeKind::Scalar(_) | NodeKind::Nothing => {}
    }
}

/// Keys by the sections that they belong to.
type Keys = BTreeSet<(&'static str, &'static str)>;

/// The same, each with what it may be.
type Shapes = BTreeMap<(&'static str, &'static str), (Requirement, Schema)>;

/// The longest example of a key that a table shows.
const EXAMPLE_MAX: usize = 60;

/// A value of each key as the file has it, by its section and its name: the first that is short.
pub(crate) fn examples() -> BTreeMap<(&'static str, &'static str), String> {
    let mut all = BTreeMap::new();
    for text in [open(), closed()].into_iter().chain(OTHERS.map(str::to_owned)) {
        exemplify(&Schema::Section(&SCENARIO), &tree(&text), &mut all);
    }
    all
}

fn exemplify(
    shape: &Schema,
    node: &Node,
    all: &mut BTreeMap<(&'static str, &'static str), String>,
) {
    match (shape, &node.kind) {
        (Schema::Section(section), NodeKind::Map(entries)) => {
            for entry in entries {
                let Some(key) = section.key(&entry.key) else { continue };
                let written = entry.value.flow();
                if written.chars().count() <= EXAMPLE_MAX {
                    all.entry((section.id, key.name)).or_insert(written);
                }
                exemplify(&key.shape(), &entry.value, all);
            }
        }
        (Schema::Named(of) | Schema::NamedOrPattern(of), NodeKind::Map(entries)) => {
            entries.iter().for_each(|entry| exemplify(of, &entry.value, all));
        }
        (Schema::List(of), NodeKind::List(items)) => {
            items.iter().for_each(|item| exemplify(of, item, all));
        }
        (Schema::Either(shapes), _) => shapes.iter().for_each(|each| exemplify(each, node, all)),
        _ => {}
    }
}

/// Every key that a section speaks of.
fn keys(section: &'static Section, known: &mut Shapes) {
    for key in section.keys() {
        // A rate may be made of rates.
        if known.insert((section.id, key.name), (key.need, key.shape())).is_none() {
            keys_of(&key.shape(), known);
        }
    }
}

fn keys_of(shape: &Schema, known: &mut Shapes) {
    match *shape {
        Schema::Section(section) => keys(section, known),
        Schema::List(of) | Schema::Named(of) | Schema::NamedOrPattern(of) => keys_of(of, known),
        Schema::Either(shapes) => shapes.iter().for_each(|each| keys_of(each, known)),
        _ => {}
    }
}

/// Every key that a node has, by the section it belongs to.
fn walk(shape: &Schema, node: &Node, used: &mut Keys) {
    match (shape, &node.kind) {
        (Schema::Section(section), NodeKind::Map(entries)) => {
            for entry in entries {
                if let Some(key) = section.key(&entry.key) {
                    used.insert((section.id, key.name));
                    walk(&key.shape(), &entry.value, used);
                }
            }
        }
        (Schema::Named(of) | Schema::NamedOrPattern(of), NodeKind::Map(entries)) => {
            entries.iter().for_each(|entry| walk(of, &entry.value, used));
        }
        (Schema::List(of), NodeKind::List(items)) => {
            items.iter().for_each(|item| walk(of, item, used))
        }
        (Schema::Either(shapes), _) => shapes.iter().for_each(|each| walk(each, node, used)),
        _ => {}
    }
}
