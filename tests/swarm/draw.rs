//! A scenario drawn at random: topology, strategies, limits, faults, client behaviour, changes at run time.
//!
//! A world is a plain value, so that it can be made smaller piece by piece; what is run is the file that it
//! writes, so that a world that fails is a file that anybody can run. Faults end at half of the run: what comes
//! long after them has to be well, where there is room for the traffic at all.

use squall_determinism::{RandomStream, Seed, StreamPurpose};
use squall_router::{ShareBasis, Strategy};
use squall_scenario::{FaultSample, arrival_words, fault_samples};
use std::fmt::Write as _;

/// How long a run is, in seconds; faults end at half of it, and the last part has to be well.
pub(crate) const SECONDS: u64 = 120;
const FAULTS_END: u64 = 50;
/// Every cooldown that is drawn has been over since, and every deadline.
const HEALED: (u64, u64) = (95, 115);

/// A world.
#[derive(Clone, Debug)]
pub(crate) struct World {
    seed: u64,
    pub(crate) rate: u64,
    arrivals: &'static str,
    /// Whether there is room for all traffic, so that it has to be well in the end.
    ample: bool,
    stream: u64,
    patience: u64,
    pub(crate) providers: Vec<Provider>,
    pub(crate) groups: Vec<Group>,
    budget: String,
    /// The replicas of the gateway and what they share, or nothing.
    pub(crate) gateway: String,
    /// Lines of the router that hold for all groups.
    pub(crate) extra: Vec<String>,
    pub(crate) changes: Vec<String>,
    pub(crate) two_kinds: bool,
    /// Another source of traffic, or nothing.
    pub(crate) second_source: String,
}

#[derive(Clone, Debug)]
pub(crate) struct Provider {
    ttft: u64,
    itl: u64,
    pub(crate) limits: Option<String>,
    pub(crate) capacity: Option<String>,
    prefill: Option<String>,
    pub(crate) faults: Vec<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub(crate) deployments: Vec<Deployment>,
    pub(crate) policies: Vec<String>,
    pub(crate) fallback: Vec<usize>,
}

#[derive(Clone, Debug)]
pub(crate) struct Deployment {
    name: String,
    provider: usize,
    weight: u64,
    pub(crate) extra: Vec<String>,
}

impl Group {
    /// Whether its strategy gives every deployment the share of its weight.
    fn spreads_by_weight(&self) -> bool {
        let written = self.policies.iter().find_map(|line| line.strip_prefix("strategy: "));
        // A strategy with settings of its own is measured.
        let strategy = written.map_or(Some(Strategy::default()), Strategy::from_word);
        strategy.is_some_and(|strategy| strategy.shares() != ShareBasis::Measured)
    }
}

/// Draws, in the words of this file.
struct Dice(RandomStream);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0.below(bound)
    }

    fn between(&mut self, least: u64, most: u64) -> u64 {
        least + self.below(most - least + 1)
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    fn pick<'t>(&mut self, texts: &[&'t str]) -> &'t str {
        texts[self.below(texts.len() as u64) as usize]
    }
}

/// The world of a seed.
pub(crate) fn draw(seed: u64) -> World {
    let mut dice = Dice(Seed::new(seed).stream(StreamPurpose::named("swarm"), 0, 0));
    let ample = !dice.one_in(3);
    let providers = (0..dice.between(1, 4)).map(|_| provider(&mut dice, ample)).collect::<Vec<_>>();
    let count = dice.between(1, 3) as usize;
    let groups: Vec<_> =
        (0..count).map(|place| group(&mut dice, place, count, providers.len(), ample)).collect();
    let changes = changes(&mut dice, &groups, ample);
    let budget =
        dice.pick(&["", "unlimited", "{ ratio: 5%, min_per_second: 1 }", "{ ratio: 20% }"]);
    let mut extra = Vec::new();
    if dice.one_in(6) {
        extra
            .push("health_checks: { every: 2s, timeout: 1s, unhealthy: 2, healthy: 1 }".to_owned());
    }
    World {
        seed,
        rate: dice.between(3, 25),
        arrivals: dice.pick(arrival_words()),
        ample,
        stream: dice.below(101),
        patience: dice.between(8, 30),
        budget: budget.to_owned(),
        extra,
        gateway: gateway(seed),
        changes,
        two_kinds: count > 1 && dice.one_in(2),
        second_source: second_source(seed, count as u64),
        providers,
        groups,
    }
}

/// Another source that asks one of so many groups; drawn apart from everything else.
fn second_source(seed: u64, groups: u64) -> String {
    let mut dice = Dice(Seed::new(seed).stream(StreamPurpose::named("swarm-source"), 0, 0));
    if !dice.one_in(4) {
        return String::new();
    }
    let arrivals = match dice.below(4) {
        0 => format!(
            "arrivals: {{ closed: {{ clients: {}, think: {{ exponential: {{ mean: 2s }} }} }} }}",
            dice.between(1, 8)
        ),
        _ => format!("arrivals: {}, rate: {}", dice.pick(arrival_words()), dice.between(1, 6)),
    };
    format!(
        "  - {{ name: second, group: g{}, {arrivals}, prompt_tokens: {}, output_tokens: {}, stream: {}%, priority: {}, \
         client: {{ timeout: {}s }} }}\n",
        dice.below(groups),
        dice.between(1, 300),
        dice.between(1, 30),
        dice.below(101),
        dice.below(3),
        dice.between(8, 30),
    )
}

/// One replica with a store whose faults end in time, as if it were one of several; drawn apart from everything else.
fn gateway(seed: u64) -> String {
    let mut dice = Dice(Seed::new(seed).stream(StreamPurpose::named("swarm-gateway"), 0, 0));
    if !dice.one_in(5) {
        return String::new();
    }
    let (at, lasts) = (dice.between(2, 20), dice.between(1, 25));
    let kind = dice.pick(&["down: {}", "unreachable: {}", "slow: 300ms", "loss: 40%"]);
    let interval = dice.pick(&["100ms", "250ms", "400ms"]);
    let loss = dice.pick(&["0%", "2%"]);
    format!(
        "gateway: {{ replicas: 1, shared_state: {{ sync_interval: {interval}, store: {{ latency: 2ms, loss: {loss}, faults: [ {{ at: {at}s, for: {lasts}s, {kind} }} ] }} }} }}\n"
    )
}

fn provider(dice: &mut Dice, ample: bool) -> Provider {
    let limits = (!ample && dice.one_in(2)).then(|| {
        let window = dice.pick(&["gcra", "fixed", "sliding", "1s", "500ms"]);
        let told = dice.pick(&["exact", "seconds", "ms", "date", "absent"]);
        format!("{{ rpm: {}, window: {window}, retry_after: {told} }}", dice.between(120, 900))
    });
    let capacity = (!ample && dice.one_in(3)).then(|| {
        let queue = dice.pick(&["0", "5", "unbounded"]);
        let shed = dice.pick(&["503", "529", "429"]);
        let on_disconnect = dice.pick(&["cancelled", "finished"]);
        let (order, places) = (dice.pick(&["fifo", "lifo"]), dice.between(1, 12));
        // Without a queue there is no order.
        let order = if queue == "0" { String::new() } else { format!(", order: {order}") };
        format!(
            "{{ concurrent: {places}, queue: {queue}{order}, shed: {shed}, on_disconnect: {on_disconnect} }}"
        )
    });
    let prefill = dice
        .one_in(4)
        .then(|| "{ per_token: 100us, cache: { share: 60%, warm_after: 20 } }".to_owned());
    let parts = [("limits", &limits), ("capacity", &capacity), ("prefill", &prefill)];
    let has: Vec<_> =
        parts.iter().filter(|(_, text)| text.is_some()).map(|(key, _)| *key).collect();
    let mut at = dice.between(2, 15);
    let mut faults = Vec::new();
    for _ in 0..dice.below(4) {
        let lasts = dice.between(1, 15);
        if at + lasts >= FAULTS_END {
            break;
        }
        faults.push(fault(dice, &has, at, lasts));
        at += lasts + dice.between(1, 10);
    }
    Provider {
        ttft: dice.between(50, 600),
        itl: dice.between(2, 25),
        limits,
        capacity,
        prefill,
        faults,
    }
}

/// A fault of a provider that has these keys.
fn fault(dice: &mut Dice, has: &[&str], at: u64, lasts: u64) -> String {
    // Kinds are as likely as each other, and so are the samples of a kind.
    let fits = |sample: &FaultSample| sample.needs.is_none_or(|key| has.contains(&key));
    let samples: Vec<_> = fault_samples().filter(fits).collect();
    let mut kinds: Vec<_> = samples.iter().map(|sample| sample.kind).collect();
    kinds.dedup();
    let kind = dice.pick(&kinds);
    let values: Vec<_> =
        samples.iter().filter(|sample| sample.kind == kind).map(|sample| sample.value).collect();
    let kind = format!("{kind}: {}", dice.pick(&values));
    // A listener refuses all or none.
    let share = if kind.contains("outage") || dice.one_in(2) { 100 } else { dice.between(20, 90) };
    format!("{{ at: {at}s, for: {lasts}s, share: {share}%, {kind} }}")
}

fn group(dice: &mut Dice, place: usize, of: usize, providers: usize, ample: bool) -> Group {
    let deployments = (0..dice.between(1, 4)).map(|number| Deployment {
        name: format!("d{place}{number}"),
        provider: dice.below(providers as u64) as usize,
        weight: dice.between(1, 6),
        extra: deployment_extra(dice, ample),
    });
    let deployments = deployments.collect();
    // To groups behind this one: no circle.
    let fallback = (place + 1..of).filter(|_| !dice.one_in(3)).collect();
    Group { deployments, policies: policies(dice, ample), fallback }
}

fn deployment_extra(dice: &mut Dice, ample: bool) -> Vec<String> {
    let mut extra = Vec::new();
    if !ample && dice.one_in(3) {
        let window = dice.pick(&["gcra", "gcra, burst: 3", "fixed", "sliding", "1s"]);
        extra.push(format!("limits: {{ rpm: {}, window: {window} }}", dice.between(60, 600)));
    } else if !ample && dice.one_in(4) {
        let adaptive = if dice.one_in(2) { ", adaptive_concurrency: true" } else { "" };
        extra.push(format!("limits: {{ concurrency: {}{adaptive} }}", dice.between(1, 6)));
    } else if !ample && dice.one_in(3) {
        extra.push("limits: { from_429s: true }".to_owned());
    }
    if dice.one_in(4) {
        extra.push("assistant_prefill: true".to_owned());
    }
    if !ample && dice.one_in(8) {
        extra.push("price: { input: $10, output: $30 }".to_owned());
        let period = dice.pick(&["40s", "day, utc_offset: -00:01", "month, utc_offset: -00:01"]);
        extra.push(format!("budget: {{ limit: $0.2, period: {period} }}"));
    }
    extra
}

fn policies(dice: &mut Dice, ample: bool) -> Vec<String> {
    let strategy = dice.pick(&[Strategy::WORDS, &["{ lowest_latency: { buffer: 0% } }"]].concat());
    let retries = dice.pick(&["0", "1", "2", "5", "{ default: 2, throttled: 0, timeout: 1 }"]);
    let backoff = dice.pick(&["{ base: 100ms, cap: 1s }", "{ base: 1s, cap: 4s }"]);
    let all_out = dice.pick(&["wait", "fail", "panic"]);
    let hedge = dice.pick(&HEDGES);
    let mid_stream = dice.pick(&["error", "hold", "continue"]);
    let after_timeout = dice.pick(&["elsewhere", "retry"]);
    let sharing = dice.pick(&["never", "{ floor: 1s }"]);
    let slow_start = dice.pick(&SLOW_STARTS);
    // Each with the chance, one in so many, that it is written at all.
    let mut lines = vec![
        // The defaults rest for minutes after a wrong key: longer than a run.
        (1, format!("cooldown: {}", dice.pick(&COOLDOWNS))),
        (1, format!("timeouts: {}", dice.pick(&TIMEOUTS))),
        (1, format!("deadline: {}s", dice.between(4, 20))),
        (2, format!("strategy: {strategy}")),
        (2, format!("retries: {retries}")),
        (2, format!("backoff: {backoff}")),
        (2, format!("when_unavailable: {all_out}")),
        (3, format!("max_queue_wait: {}s", dice.between(0, 6))),
        (2, format!("hedge: {hedge}")),
        (3, format!("mid_stream: {mid_stream}")),
        (3, format!("after_timeout: {after_timeout}")),
        (3, format!("deadline_sharing: {sharing}")),
        (3, format!("short_retry_after: {}s", dice.between(0, 3))),
        (3, format!("slow_start: {slow_start}")),
        (4, format!("panic_threshold: {}%", dice.between(0, 100))),
    ];
    if !ample {
        lines.push((3, format!("max_queued: {}", dice.between(1, 6))));
        lines.push((3, "queue_shedding: true".to_owned()));
        lines.push((3, format!("quota_headroom: {}%", dice.between(10, 90))));
        lines.push((3, format!("limits: {{ rpm: {} }}", dice.between(60, 900))));
        lines.push((3, format!("session_affinity: {}s", dice.between(5, 60))));
    }
    lines.retain(|(chance, _)| dice.one_in(*chance));
    lines.into_iter().map(|(_, line)| line).collect()
}

const SLOW_STARTS: [&str; 3] = [
    "{ window: 5s }",
    "{ window: 20s, aggression: 3, least: 1% }",
    "{ window: 10s, aggression: 0.5 }",
];

const COOLDOWNS: [&str; 6] = [
    "never",
    "{ failure: { base: 1s, cap: 4s }, misconfigured: { auth: 5s, not_found: 5s, quota_spent: 8s } }",
    "{ failure: { consecutive: 0, share: 30%, min_attempts: 4, base: 2s, cap: 4s }, misconfigured: { auth: 3s, \
     not_found: 3s, quota_spent: 3s } }",
    "{ failure: { consecutive: 2, base: 500ms, cap: 8s }, throttled: { default: 2s }, misconfigured: { auth: 4s, \
     not_found: 4s, quota_spent: 4s } }",
    "{ litellm: { allowed_fails: 2, cooldown_time: 3s } }",
    "{ silence: { floor: 1s, min_samples: 5, concurrent: 2, concurrent_floor: 50ms }, misconfigured: { auth: 4s, \
     not_found: 4s, quota_spent: 4s } }",
];

const HEDGES: [&str; 4] = [
    "never",
    "{ after: 90%, floor: 200ms, min_samples: 10 }",
    "{ after: 500ms }",
    "{ after: 99%, cold: 1s }",
];

const TIMEOUTS: [&str; 2] = [
    "{ connect: 1s, first_token: 2s, between_tokens: 2s, total: 8s, stream_total: 8s }",
    "{ connect: 500ms, first_token: 4s, between_tokens: 1s, total: 20s, stream_total: 20s }",
];

fn changes(dice: &mut Dice, groups: &[Group], ample: bool) -> Vec<String> {
    let mut changes = Vec::new();
    let mut at = dice.between(5, 30);
    for _ in 0..dice.below(4) {
        let group = &groups[dice.below(groups.len() as u64) as usize];
        let chosen = &group.deployments[dice.below(group.deployments.len() as u64) as usize];
        changes.push(if !ample && dice.one_in(3) {
            let most = 7 + changes.len();
            format!("{{ at: {at}s, limits: {{ {}: {{ concurrency: {most} }} }} }}", chosen.name)
        } else {
            // Another weight than it has, so that it is a change.
            format!("{{ at: {at}s, weights: {{ {}: {} }} }}", chosen.name, 7 + changes.len())
        });
        at += dice.between(3, 12);
    }
    changes
}

impl World {
    /// The file.
    pub(crate) fn write(&self) -> String {
        let mut out = self.head();
        out.push_str(&self.gateway);
        out.push_str("providers:\n");
        for (place, provider) in self.providers.iter().enumerate() {
            let _ = write!(
                out,
                "  p{place}:\n    ttft: {}ms\n    itl: {}ms\n",
                provider.ttft, provider.itl
            );
            let parts = [
                ("limits", &provider.limits),
                ("capacity", &provider.capacity),
                ("prefill", &provider.prefill),
            ];
            for (key, text) in
                parts.into_iter().filter_map(|(key, text)| Some((key, text.as_ref()?)))
            {
                let _ = writeln!(out, "    {key}: {text}");
            }
            if !provider.faults.is_empty() {
                let _ =
                    writeln!(out, "    faults:\n      - {}", provider.faults.join("\n      - "));
            }
        }
        out.push_str("router:\n");
        if !self.budget.is_empty() {
            let _ = writeln!(out, "  retry_budget: {}", self.budget);
        }
        self.extra.iter().for_each(|line| out.push_str(&format!("  {line}\n")));
        if !self.changes.is_empty() {
            let _ = writeln!(out, "  changes:\n    - {}", self.changes.join("\n    - "));
        }
        out.push_str("  groups:\n");
        for (place, group) in self.groups.iter().enumerate() {
            let _ = writeln!(out, "    g{place}:");
            group.policies.iter().for_each(|line| out.push_str(&format!("      {line}\n")));
            if !group.fallback.is_empty() {
                let names: Vec<_> = group.fallback.iter().map(|to| format!("g{to}")).collect();
                let _ = writeln!(out, "      fallback: [ {} ]", names.join(", "));
            }
            out.push_str("      deployments:\n");
            for deployment in &group.deployments {
                let Deployment { name, provider, weight, extra } = deployment;
                let extra: String = extra.iter().map(|part| format!(", {part}")).collect();
                let line =
                    format!("{{ name: {name}, provider: p{provider}, weight: {weight}{extra} }}");
                let _ = writeln!(out, "        - {line}");
            }
        }
        out.push_str(&self.expect());
        out
    }

    /// Its name, its times and its traffic.
    fn head(&self) -> String {
        let mut out = format!(
            "name: swarm-{seed}\nseed: {seed}\nphases: {{ chaos: 0s..{FAULTS_END}s, healed: {}s..{}s }}\n\
             duration: {SECONDS}s\ntraffic:\n  group: g0\n  arrivals: {}\n  rate: {}\n  prompt_tokens: \
             {{ uniform: {{ min: 20, max: 400 }} }}\n  output_tokens: {{ uniform: {{ min: 1, max: 40 }} }}\n  \
             stream: {}%\n  client: {{ timeout: {}s }}\n",
            HEALED.0,
            HEALED.1,
            self.arrivals,
            self.rate,
            self.stream,
            self.patience,
            seed = self.seed,
        );
        if self.two_kinds && self.groups.len() > 1 {
            out.push_str(
                "  mix:\n    first: { share: 60%, group: g0, sessions: 5 }\n    other: { share: 40%, group: g1, \
                 priority: 1 }\n",
            );
        }
        if !self.second_source.is_empty() {
            let (before, traffic) = out.split_once("traffic:\n").expect("it was just written");
            let first: String = traffic.lines().map(|line| format!("  {line}\n")).collect();
            out = format!("{before}traffic:\n  - name: users\n{first}{}", self.second_source);
        }
        out
    }

    /// What has to be so in the end: with room for all, all requests succeed.
    fn expect(&self) -> String {
        if !self.ample {
            return "expect: []\n".to_owned();
        }
        let mut out = "expect:\n  - success_rate >= 100% during healed\n".to_owned();
        // By weights, each deployment has its part again. Others may leave one alone for good reasons.
        let asked = if self.two_kinds { 2 } else { 1 };
        for group in self.groups.iter().take(asked) {
            let weighted = group.spreads_by_weight();
            let share: u64 = group.deployments.iter().map(|deployment| deployment.weight).sum();
            // A sixth of a dozen a second for 20 s is seen; with fewer, or after a change, it may not be.
            for deployment in
                group.deployments.iter().filter(|_| weighted && self.changes.is_empty())
            {
                if deployment.weight * 6 >= share && self.rate >= 8 {
                    let _ = writeln!(
                        out,
                        "  - attempt_share({}) > 0.5% during healed",
                        deployment.name
                    );
                }
            }
        }
        out
    }
}
