//! Every kind of fault, over sockets and in virtual time at once: one provider for each, one group and one
//! kind of request for each provider, and what the clients saw is the same, request by request.

use squall_record::{AttemptRow, Recording, RequestOutcome, RequestRow, SeenBy};
use squall_scenario::{Scenario, fault_samples};
use squall_sim::{SimOptions, simulate};
use squall_tests::valid_run::{Run, valid_run};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::time::Duration;

/// What is compared are outcomes, not times: an outcome turns where something is late by half of what lies between
/// a fault and the time-out that it meets, or does not meet. The least of these is 200 ms, at `slow-tokens`.
const LATE_MAX: Duration = Duration::from_millis(100);

/// A fault, and what it makes of streams and of answers in one piece: the words of the clients' outcomes.
struct Case {
    name: &'static str,
    fault: &'static str,
    stream: &'static str,
    whole: &'static str,
}

const fn case(
    name: &'static str,
    fault: &'static str,
    stream: &'static str,
    whole: &'static str,
) -> Case {
    Case { name, fault, stream, whole }
}

/// Each with its whole effect: answers have 8 tokens, 10 ms apart, the first after 20 ms.
const CASES: &[Case] = &[
    case("well", "delay: 1ms", "succeeded", "succeeded"),
    case("error", "error: 500", "server", "server"),
    case("overloaded", "error: 529", "overloaded", "overloaded"),
    case("quota", "error: quota_spent", "quota_spent", "quota_spent"),
    case("filter", "error: content_policy", "content_policy", "content_policy"),
    case("window", "error: context_window", "context_window", "context_window"),
    case("auth", "error: auth", "auth", "auth"),
    case("gone-model", "error: not_found", "not_found", "not_found"),
    case(
        "mix",
        "errors: [ { status: 500, share: 50% }, { status: 502, share: 50% } ]",
        "server",
        "server",
    ),
    case("wrong-status", "error: { status: 400, class: server }", "server", "server"),
    case("throttle", "throttle: { retry_after: 2s }", "throttled", "throttled"),
    case("refuse", "outage: refuse", "connect", "connect"),
    case("blackhole", "outage: blackhole", "timeout", "timeout"),
    case("reset", "reset: {}", "cut", "cut"),
    case("reset-late", "reset: { after: 3 }", "cut", "cut"),
    case("slow", "slowdown: 2x", "succeeded", "succeeded"),
    case("too-slow", "slowdown: { ttft: 100x }", "timeout", "timeout"),
    case("slow-tokens", "slowdown: { itl: 60x }", "stalled", "timeout"),
    case("cut", "cut: { after: 3 }", "cut", "cut"),
    case("stall", "stall: { after: 3 }", "stalled", "timeout"),
    case("stall-closes", "stall: { after: 3, closes: 100ms }", "cut", "cut"),
    case("late-head", "delay: { by: 3s, headers: at_once }", "timeout", "timeout"),
    case("malformed", "malformed_event: { after: 3 }", "succeeded", "succeeded"),
    case("no-mark", "no_end_mark: {}", "succeeded", "succeeded"),
    case("stream-error", "stream_error: { after: 3 }", "server", "server"),
    case("empty", "bad_answer: empty", "malformed", "malformed"),
    case("truncated", "bad_answer: truncated", "cut", "cut"),
    case("html", "bad_answer: html", "malformed", "malformed"),
    case("wrong-type", "bad_answer: wrong_type", "malformed", "malformed"),
    case("no-end", "bad_answer: no_end", "cut", "succeeded"),
];

/// The faults that work on limits, places and caches: they have providers of their own kind.
const CUTS: [(&str, &str, &str); 3] = [
    ("limits-cut", "limits: { rpm: 1000, window: fixed }", "limits_cut: 1%"),
    ("capacity-cut", "capacity: { concurrent: 100 }", "capacity_cut: 1%"),
    (
        "cold-cache",
        "prefill: { per_token: 1ms, cache: { share: 100%, warm_after: 1 } }",
        "cold_cache: {}",
    ),
];

/// A provider, a group and two kinds of requests for each case, in these formats. Faults outlast the traffic by three
/// seconds: a request that comes late meets its fault all the same.
fn scenario(formats: &[&str], rps: u32) -> Scenario {
    let mut providers = String::new();
    let mut groups = String::new();
    let mut mix = String::new();
    let kinds = 2 * (CASES.len() + CUTS.len()) * formats.len();
    for format in formats {
        let cases = CASES.iter().map(|case| (case.name, "", case.fault)).chain(CUTS);
        for (name, has, fault) in cases {
            let name = format!("{name}-{format}");
            writeln!(
                providers,
                "  {name}:\n    format: {format}\n    ttft: 20ms\n    itl: 10ms\n    {has}\n    \
                 faults: [ {{ at: 0s, for: 9s, {fault} }} ]"
            )
            .unwrap();
            writeln!(
                groups,
                "    {name}: {{ deployments: [ {{ name: {name}, provider: {name} }} ] }}"
            )
            .unwrap();
            let group = format!("group: {name}, output_tokens: 8");
            writeln!(mix, "    {name}: {{ share: SHARE, {group}, stream: 0% }}").unwrap();
            writeln!(mix, "    {name}-stream: {{ share: SHARE, {group}, stream: 100% }}").unwrap();
        }
    }
    // In parts of a million, as shares are: the first takes what is left over.
    let share = 1_000_000 / kinds;
    let percent = |parts: usize| format!("share: {}%", parts as f64 / 1e4);
    let mix = mix.replacen("share: SHARE", &percent(1_000_000 - share * (kinds - 1)), 1);
    let mix = mix.replace("share: SHARE", &percent(share));
    let text = format!(
        "name: faults\nseed: 7\nduration: 9s\ntraffic:\n  group: well-{}\n  arrivals: poisson\n  rate: [ {{ at: 0s, rps: {rps} }}, {{ at: 6s, rps: 0 }} ]\n\
         \x20 prompt_tokens: 100\n  output_tokens: 8\n  client: {{ timeout: 10s }}\n  mix:\n{mix}\
         providers:\n{providers}router:\n  retries: 0\n  cooldown: never\n\
         \x20 timeouts: {{ first_token: 800ms, between_tokens: 400ms, total: 1.2s, stream_total: 3s }}\n\
         \x20 groups:\n{groups}",
        formats[0]
    );
    Scenario::read("faults.yaml", &text).unwrap_or_else(|diagnostics| panic!("{diagnostics}"))
}

/// What the run says against itself: the driver or a server lagged, or the servers took longer with a request than they do in
/// virtual time, where every draw is the same and nothing is late.
fn problems(sim: &Recording, live: &Recording) -> Vec<String> {
    let timely: BTreeMap<_, _> = sim.requests.iter().map(|row| (row.request, row)).collect();
    let took = |row: &RequestRow| row.ended.since(row.sent);
    let longer = live.requests.iter().filter_map(|row| {
        let timely = timely.get(&row.request).filter(|timely| timely.outcome == row.outcome)?;
        Some(took(row).saturating_sub(took(timely)))
    });
    let sent: BTreeMap<_, _> = live.requests.iter().map(|row| (row.request, row.sent)).collect();
    let attempts = live.attempts.iter().filter(|row| row.seen_by == SeenBy::Provider);
    let on_its_way = attempts.filter_map(|row| Some(row.started.since(*sent.get(&row.request?)?)));
    let measured = [
        ("the driver lagged by", live.header.lag.map(|lag| lag.max)),
        ("a request was on its way for", on_its_way.max()),
        ("a request took longer than in virtual time by", longer.max()),
    ];
    let measured = measured.into_iter().filter_map(|(what, late)| Some((what, late?)));
    let servers =
        live.header.server_lag.iter().map(|server| ("a server lagged by", server.lag.max));
    let late = measured.chain(servers).filter(|(_, late)| *late > LATE_MAX);
    late.map(|(what, late)| format!("{what} {} ms", late.as_millis())).collect()
}

/// Runs both ways. Gives what differs, by kind of request: how often, and once in full. Nothing if no live run could
/// be judged, which has then been told.
fn differences(
    scenario: &Scenario,
    seen: impl Fn(&RequestRow) -> String,
) -> BTreeMap<String, (usize, String)> {
    let sim = simulate(scenario, SimOptions::default()).unwrap();
    let live = valid_run(&format!("faults with {} providers", sim.header.providers.len()), || {
        let live = squall_live::run(scenario, &squall_live::RunOptions::default(), |_| {}).unwrap();
        assert_eq!(sim.requests.len(), live.requests.len());
        Run { problems: problems(&sim, &live), result: live }
    });
    let Some(live) = live else { return BTreeMap::new() };
    let (in_time, over_sockets) = (by_request(&sim, &seen), by_request(&live, &seen));
    let mut differ: BTreeMap<String, (usize, String)> = BTreeMap::new();
    for row in &sim.requests {
        let (one, other) = (&in_time[&row.request], &over_sockets[&row.request]);
        let name = &sim.header.kinds[usize::from(row.kind)];
        // Which of several that come at once is let in is a matter of microseconds.
        // A prompt that Gemini's policy refuses is answered, and the answer says so: the client has it.
        let answered = name.starts_with("filter-gemini");
        // A reset throws away what the other side has received and not read yet (RFC 9293, 3.10.7.4): on a busy
        // machine a client may miss the last tokens before it.
        let lost = name.starts_with("reset-late")
            && other.tokens < one.tokens
            && (&one.outcome, &one.told) == (&other.outcome, &other.told);
        if one != other
            && !lost
            && !answered
            && !name.starts_with("limits-cut")
            && !name.starts_with("capacity-cut")
        {
            let entry = differ.entry(name.clone()).or_default();
            entry.0 += 1;
            entry.1 = format!("simulated {one:?}\n     live {other:?}");
        }
    }
    differ
}

#[track_caller]
fn assert_alike(differ: &BTreeMap<String, (usize, String)>) {
    let told = differ.iter().map(|(name, (count, once))| format!("{name} ({count}):\n{once}"));
    assert!(differ.is_empty(), "{}", told.collect::<Vec<_>>().join("\n"));
}

/// A request from both sides.
#[derive(Debug, Eq, PartialEq)]
struct BothSides {
    /// What its client saw.
    outcome: String,
    /// The tokens that its client received.
    tokens: u32,
    /// What its provider says.
    told: String,
}

/// What the client of a request saw, in words that both ways of running share.
fn seen(row: &RequestRow) -> String {
    format!("{:?} with status {}", row.outcome, row.status)
}

/// What its provider says of its attempt: the outcome, and the fault that hit it.
fn told(row: &AttemptRow) -> String {
    format!("{:?}, fault {:?}", row.outcome, row.fault)
}

fn by_request(
    recording: &Recording,
    seen: &impl Fn(&RequestRow) -> String,
) -> BTreeMap<u64, BothSides> {
    let sides = |row: &RequestRow| BothSides {
        outcome: seen(row),
        tokens: row.received_tokens,
        told: String::new(),
    };
    let requests = recording.requests.iter();
    let mut all: BTreeMap<_, _> = requests.map(|row| (row.request, sides(row))).collect();
    for row in &recording.attempts {
        if let Some(entry) = row.request.and_then(|request| all.get_mut(&request)) {
            entry.told = told(row);
        }
    }
    all
}

#[test]
fn every_kind_of_fault_has_a_case() {
    let cases = CASES.iter().map(|case| case.fault).chain(CUTS.iter().map(|(.., fault)| *fault));
    let cases: BTreeSet<_> = cases.filter_map(|fault| Some(fault.split_once(':')?.0)).collect();
    let missing: Vec<_> =
        fault_samples().map(|sample| sample.kind).filter(|kind| !cases.contains(kind)).collect();
    assert!(missing.is_empty(), "without a case: {}", missing.join(", "));
}

#[test]
fn every_fault_is_seen_alike_over_sockets_and_in_virtual_time() {
    assert_alike(&differences(&scenario(&["openai"], 80), seen));
}

/// Statuses are each vendor's own, and so is what a refused prompt looks like.
#[test]
fn every_fault_is_seen_alike_in_every_format() {
    let formats = ["azure", "anthropic", "gemini"];
    let outcome = |row: &RequestRow| match row.outcome {
        RequestOutcome::Failed { class, .. } => class.as_str().to_owned(),
        other => format!("{other:?}"),
    };
    assert_alike(&differences(&scenario(&formats, 160), outcome));
}

#[test]
fn every_fault_makes_of_requests_what_its_documentation_says() {
    let sim = simulate(&scenario(&["openai"], 80), SimOptions::default()).unwrap();
    for (place, case) in CASES.iter().enumerate() {
        for (offset, expected) in [(0, case.whole), (1, case.stream)] {
            let kind = (2 * place + offset) as u16;
            let mut rows = sim.requests.iter().filter(|row| row.kind == kind).peekable();
            assert!(rows.peek().is_some(), "no request of {}", case.name);
            for row in rows {
                let outcome = format!("{:?}", row.outcome).to_lowercase().replace('_', "");
                let wanted = expected.replace('_', "");
                assert!(outcome.contains(&wanted), "{}: {outcome}, not {expected}", case.name);
            }
        }
    }
}
