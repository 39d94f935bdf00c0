//! Good files: every form that the reference names.

use crate::{ApiKey, Argument, Comparison, GatewayFile, Limit, MetricId, MockFile, Scenario};
use core::time::Duration;
use squall_determinism::{Distribution, Seed, Share, Timestamp};
use squall_failure::FailureClass;
use squall_provider::{
    BadAnswer, Capacity, CountScope, ErrorAnswer, ErrorMix, FaultConfig, FaultKind, FirstAttempts,
    ProviderWindow,
};
use squall_router::{CooldownRule, DeploymentId, GroupId};
use squall_wire::Format;
use squall_workload::{Arrivals, Decay, RateSegment};

const VIRAL_SPIKE: &str = include_str!("../../../../../scenarios/viral-spike.yaml");

pub(super) fn read(text: &str) -> Scenario {
    Scenario::read("test.yaml", text).unwrap_or_else(|problems| panic!("{problems}"))
}

#[test]
fn the_shipped_scenario_reads_as_it_is_written() {
    let scenario = read(VIRAL_SPIKE);
    assert_eq!(scenario.name, "viral-spike");
    assert_eq!(scenario.seed.value(), 7);
    assert_eq!(scenario.duration, Duration::from_secs(90));
    assert_eq!(scenario.target, GroupId(0));
    let calm = scenario.phase("calm").unwrap();
    assert_eq!((calm.start, calm.end), (Timestamp::ZERO, Timestamp::from_secs(20)));
    let weights: Vec<_> = scenario
        .deployments()
        .map(|(_, group, deployment)| (group.0, deployment.name.as_str(), deployment.weight))
        .collect();
    assert_eq!(weights, [(0, "eu", 6), (0, "us", 3), (0, "ap", 1), (1, "small", 1)]);
    assert_eq!(scenario.router.groups[0].fallbacks.general, [GroupId(1)]);
    assert_eq!(scenario.faults_of(DeploymentId(0)).len(), 2);
    assert!(scenario.faults_of(DeploymentId(1)).is_empty());
    assert_eq!(scenario.expectations.len(), 7);
    let failover = &scenario.expectations[1];
    assert_eq!(failover.metric, MetricId::FailoverTime);
    assert_eq!(failover.argument, Some(Argument::Deployment(DeploymentId(0))));
    assert_eq!(failover.comparison, Comparison::AtMost);
    assert_eq!(failover.limit, Limit::Duration(Duration::from_secs(2)));
    let line = VIRAL_SPIKE.lines().nth(failover.line as usize - 1).unwrap();
    assert!(line.contains(&failover.text), "{line}");
    assert_eq!(scenario.expectations[3].during, Some(0));
}

/// A scenario of two providers and one group, with these parts.
fn scenario(traffic: &str, provider: &str, router: &str, expect: &str) -> Scenario {
    read(&format!(
        "name: test
duration: 60s
traffic: {{ group: chat, prompt_tokens: 400, output_tokens: 60, {traffic} }}
providers:
  a: {{ ttft: 300ms, itl: 20ms, {provider} }}
  b: {{ ttft: 300ms, itl: 20ms }}
router:
  {router}
  groups:
    chat:
      deployments: [ {{ name: a, provider: a }}, {{ name: b, provider: b, model: gpt-b }} ]
expect: {expect}
"
    ))
}

pub(super) fn with_traffic(traffic: &str) -> Scenario {
    scenario(traffic, "", "retries: 2", "[]")
}

fn with_provider(provider: &str) -> Scenario {
    scenario("rate: 20", provider, "retries: 2", "[]")
}

fn with_router(router: &str) -> Scenario {
    scenario("rate: 20", "", router, "[]")
}

#[test]
fn what_is_left_out_has_the_default_that_the_reference_names() {
    let scenario = with_traffic("rate: 20");
    assert_eq!(scenario.seed.value(), 1);
    assert_eq!(scenario.workload.sources[0].stream, Share::NONE);
    assert_eq!(scenario.workload.sources[0].client.timeout, Duration::from_secs(60));
    assert_eq!(scenario.providers[0].config.output_tokens, Distribution::Fixed { value: 100 });
    assert_eq!(scenario.providers[0].format, Format::OpenAi);
    let group = &scenario.router.groups[0];
    assert_eq!((group.retries.max, group.deadline), (2, Duration::from_secs(7_200)));
    assert_eq!(group.max_queue_wait, Duration::from_secs(10));
    assert_eq!(group.deployments[0].weight, 1);
    let models: Vec<_> = scenario.deployments.iter().map(|link| link.model.as_str()).collect();
    assert_eq!(models, ["a", "gpt-b"]);
}

#[test]
fn arrivals_are_poisson_even_listed_or_closed() {
    let arrivals = |traffic| with_traffic(traffic).workload.sources.swap_remove(0).arrivals;
    assert!(matches!(arrivals("rate: 20"), Arrivals::Poisson { .. }));
    assert!(matches!(arrivals("rate: 20, arrivals: even"), Arrivals::Even { .. }));
    let Arrivals::Closed { clients, think } =
        arrivals("arrivals: { closed: { clients: 8, think: { exponential: { mean: 500ms } } } }")
    else {
        panic!("not closed")
    };
    assert_eq!((clients, think), (8, Distribution::Exponential { mean: 5e8 }));
    let Arrivals::At { times } = arrivals("arrivals: { at: [0s, 1500ms] }") else {
        panic!("not listed")
    };
    assert_eq!(times, [0, 1_500].map(Timestamp::from_millis));
}

#[test]
fn a_ramp_and_a_spike_begin_at_the_rate_just_before() {
    let traffic = "rate: [ { at: 0s, rps: 10 }, { at: 10s, ramp: { to: 30, over: 10s } }, \
        { at: 30s, spike: { peak: 90, rise: 2s, decay: { exponent: 0.6, scale: 4s } } } ]";
    let source = with_traffic(traffic).workload.sources.swap_remove(0);
    let Arrivals::Poisson { rate } = source.arrivals else { panic!("not poisson") };
    let at = Timestamp::from_secs;
    let decay = Decay { exponent: 0.6, scale: Duration::from_secs(4) };
    let (over, rise) = (Duration::from_secs(10), Duration::from_secs(2));
    assert_eq!(
        rate.segments,
        [
            RateSegment::Constant { at: at(0), rps: 10.0 },
            RateSegment::Ramp { at: at(10), from: 10.0, to: 30.0, over },
            RateSegment::Spike { at: at(30), base: 30.0, peak: 90.0, rise, decay },
        ]
    );
}

#[test]
fn every_kind_of_fault_is_read() {
    let kind = |kind: &str| {
        let faults = format!("faults: [ {{ at: 1s, for: 2s, {kind} }} ]");
        with_provider(&faults).providers[0].config.faults[0].kind
    };
    let error =
        |status, class, retry_after| FaultKind::Error(ErrorAnswer { status, class, retry_after });
    let wait = Some(Duration::from_secs(3));
    assert_eq!(kind("error: 503"), error(Some(503), FailureClass::Overloaded, None));
    assert_eq!(kind("error: { class: auth }"), error(Some(401), FailureClass::Auth, None));
    assert_eq!(
        kind("error: { status: 429, class: quota_spent, retry_after: 3s }"),
        error(Some(429), FailureClass::QuotaSpent, wait)
    );
    assert_eq!(kind("outage: refuse"), FaultKind::Refuse);
    assert_eq!(kind("outage: blackhole"), FaultKind::BlackHole);
    assert_eq!(kind("slowdown: 2.5x"), FaultKind::slowdown(2500));
    assert_eq!(kind("throttle: { retry_after: 3s }"), FaultKind::Throttle { retry_after: wait });
    assert_eq!(kind("throttle: {}"), FaultKind::Throttle { retry_after: None });
    assert_eq!(kind("cut: { after: 12 }"), FaultKind::Cut { after_tokens: 12 });
    assert_eq!(kind("reset: {}"), FaultKind::Reset { after_tokens: 0 });
    assert_eq!(
        kind("delay: 3s"),
        FaultKind::Delay { by: Duration::from_secs(3), early_head: false }
    );
    assert_eq!(
        kind("slowdown: { itl: 4x }"),
        FaultKind::Slowdown { ttft_milli: 1_000, itl_milli: 4_000 }
    );
    assert_eq!(kind("stall: { after: 12 }"), FaultKind::Stall { after_tokens: 12, closes: None });
    let class = FailureClass::Overloaded;
    assert_eq!(
        kind("stream_error: { after: 12, class: overloaded }"),
        FaultKind::StreamError { after_tokens: 12, class }
    );
    assert_eq!(kind("bad_answer: html"), FaultKind::BadAnswer(BadAnswer::Html));
    let mix = [
        (Some(500), FailureClass::Server, Share::percent(70)),
        (Some(503), FailureClass::Overloaded, Share::percent(30)),
    ];
    assert_eq!(
        kind("errors: [ { status: 500, share: 70% }, { class: overloaded, share: 30% } ]"),
        FaultKind::Errors(ErrorMix::new(&mix).unwrap())
    );
}

#[test]
fn a_fault_has_its_time_and_its_share() {
    let scenario = with_provider("faults: [ { at: 0.5m, for: 1ms, share: 30%, error: 500 } ]");
    let status = Some(500);
    let class = FailureClass::Server;
    let kind = FaultKind::Error(ErrorAnswer { status, class, retry_after: None });
    let (at, lasts) = (Timestamp::from_secs(30), Duration::from_millis(1));
    let share = Share::percent(30);
    let expected = FaultConfig { share, ..FaultConfig::new(at, lasts, kind) };
    assert_eq!(scenario.faults_of(DeploymentId(0)), [expected]);
}

#[test]
fn limits_are_counted_in_every_kind_of_window() {
    let rpm = |limits: &str| with_provider(limits).providers[0].config.limits.rpm.unwrap();
    assert_eq!(rpm("limits: { rpm: 3k }").per_minute, 3000);
    assert_eq!(rpm("limits: { rpm: 3k }").window, ProviderWindow::Gcra { burst: None });
    assert_eq!(
        rpm("limits: { rpm: 3k, burst: 5 }").window,
        ProviderWindow::Gcra { burst: Some(5) }
    );
    assert_eq!(rpm("limits: { rpm: 3k, window: fixed }").window, ProviderWindow::Fixed);
    assert_eq!(rpm("limits: { rpm: 3k, window: sliding }").window, ProviderWindow::Sliding);
    let slice = ProviderWindow::Slice(Duration::from_secs(1));
    assert_eq!(rpm("limits: { rpm: 3k, window: 1s }").window, slice);
    let scenario = with_provider("limits: { rpm: 3k, tpm: 1.5M, burst: 5 }");
    let tpm = scenario.providers[0].config.limits.tpm.unwrap();
    assert_eq!((tpm.per_minute, tpm.window), (1_500_000, ProviderWindow::Gcra { burst: None }));
    let capacity =
        with_provider("capacity: { concurrent: 4, queue: 2 }").providers[0].config.capacity;
    assert_eq!(capacity, Some(Capacity { queue: 2, ..Capacity::of(4) }));
}

#[test]
fn a_group_inherits_the_policies_of_the_router_key_by_key() {
    let scenario = read(
        "name: test
duration: 60s
traffic: { group: chat, rate: 20, prompt_tokens: 400, output_tokens: 60 }
providers: { a: { ttft: 300ms, itl: 20ms } }
router:
  timeouts: { connect: 1s, total: 20s }
  cooldown: { failure: { cap: 10s }, throttled: { max: 30s } }
  retries: 4
  retry_budget: { ratio: 10%, min_per_second: 3 }
  groups:
    chat:
      timeouts: { total: 15s }
      cooldown: { failure: { base: 2s } }
      deployments:
        - name: a
          provider: a
          limits: { rpm: 600, concurrency: 7 }
          timeouts: { first_token: 3s }
      fallback: [other]
    other: { deployments: [ { name: b, provider: a } ], max_queue_wait: 3s }
",
    );
    let [chat, other] = scenario.router.groups.as_slice() else { panic!("two groups") };
    let secs = Duration::from_secs;
    assert_eq!((chat.timeouts.connect, chat.timeouts.total), (secs(1), secs(15)));
    assert_eq!((other.timeouts.connect, other.timeouts.total), (secs(1), secs(20)));
    let own = chat.deployments[0].timeouts.unwrap();
    assert_eq!((own.connect, own.first_token, own.total), (secs(1), secs(3), secs(15)));
    let CooldownRule::Breaker(cooldown) = chat.cooldown else { panic!("no breaker") };
    assert_eq!((cooldown.failure.base, cooldown.failure.cap), (secs(2), secs(10)));
    assert_eq!(cooldown.throttled.max, secs(30));
    assert_eq!((chat.retries.max, other.retries.max), (4, 4));
    assert_eq!((chat.max_queue_wait, other.max_queue_wait), (secs(0), secs(3)));
    assert_eq!(chat.deployments[0].limits.concurrency, Some(7));
    assert_eq!(scenario.router.retry_budget.ratio, Share::percent(10));
    assert_eq!(scenario.router.retry_budget.min_per_second, 3);
}

#[test]
fn replicas_repeat_a_provider_with_every_deployment_that_names_it() {
    let scenario = with_provider("replicas: 3");
    let providers: Vec<_> = scenario.providers.iter().map(|p| p.name.as_str()).collect();
    assert_eq!(providers, ["a-1", "a-2", "a-3", "b"]);
    let deployments: Vec<_> = scenario
        .deployments()
        .zip(&scenario.deployments)
        .map(|((_, _, config), link)| (config.name.as_str(), link.provider, link.model.as_str()))
        .collect();
    let expected = [("a-1", 0, "a-1"), ("a-2", 1, "a-2"), ("a-3", 2, "a-3"), ("b", 3, "gpt-b")];
    assert_eq!(deployments, expected);
}

#[test]
fn expectations_take_every_unit_and_quotes() {
    let expect = "[ 'throttled >= 20', retry_amplification < 1.2, latency_p99(chat) <= 1m30s, \
        \"attempt_share(b) == 99.5%\" ]";
    let scenario = scenario("rate: 20", "", "retries: 2", expect);
    let limits: Vec<_> = scenario.expectations.iter().map(|each| each.limit).collect();
    let wait = Limit::Duration(Duration::from_secs(90));
    assert_eq!(limits, [Limit::Count(20), Limit::Ratio(1.2), wait, Limit::Fraction(0.995)]);
    let arguments: Vec<_> = scenario.expectations.iter().map(|each| each.argument).collect();
    let group = Some(Argument::Group(GroupId(0)));
    let deployment = Some(Argument::Deployment(DeploymentId(1)));
    assert_eq!(arguments, [None, None, group, deployment]);
}

#[test]
fn the_run_ends_with_its_last_phase() {
    let text = VIRAL_SPIKE.replace("recovery: 58s..90s", "recovery: 58s..80s");
    assert_eq!(read(&text).duration, Duration::from_secs(80));
    assert_eq!(with_router("deadline: 5s").duration, Duration::from_secs(60));
}

#[test]
fn a_gateway_file_names_its_upstreams() {
    let text = "\
providers:
  eu: { base_url: 'http://127.0.0.1:9001/v1/', api_key: $EU_KEY }
  us: { base_url: 'https://api.example.com/v1', api_key: sk-literal }
router:
  groups: { chat: { deployments: [ { name: eu, provider: us }, { name: us, provider: eu } ] } }
";
    let file = GatewayFile::read("gateway.yaml", text).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(file.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(file.providers[0].base_url, "http://127.0.0.1:9001/v1");
    assert_eq!(file.providers[0].api_key, Some(ApiKey::Environment("EU_KEY".to_owned())));
    let providers: Vec<_> = file.deployments.iter().map(|link| link.provider).collect();
    assert_eq!(providers, [1, 0]);
    assert!(!format!("{file:?}").contains("sk-literal"), "a key must not be shown");
}

#[test]
fn a_mock_file_has_an_address_per_provider() {
    let text = "\
seed: 3
providers:
  eu: { ttft: 300ms, itl: 20ms, listen: '127.0.0.1:9001', faults: [ { at: 1h, for: 1h, error: 500 } ] }
  us: { ttft: 300ms, itl: { uniform: { min: 10ms, max: 20ms } } }
";
    let file = MockFile::read("mock.yaml", text).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(file.seed.value(), 3);
    let addresses: Vec<_> = file.providers.iter().map(|p| p.listen.to_string()).collect();
    assert_eq!(addresses, ["127.0.0.1:9001", "127.0.0.1:0"]);
    assert_eq!(file.providers[0].config.faults.len(), 1);
    let itl = Distribution::Uniform { min: 10_000_000, max: 20_000_000 };
    assert_eq!(file.providers[1].config.itl, itl);
}

#[test]
fn the_first_attempts_are_counted_as_the_file_says() {
    let first = |attempts, of| Some(FirstAttempts { attempts, of });
    for (written, read) in [
        ("2", first(2, CountScope::Provider)),
        ("{ attempts: 3 }", first(3, CountScope::Provider)),
        ("{ attempts: 1, of: model }", first(1, CountScope::Model)),
        ("{ attempts: 1, of: key }", first(1, CountScope::Key)),
        ("{ attempts: 1, of: request }", first(1, CountScope::Request)),
    ] {
        let text = format!(
            "providers:\n  eu: {{ ttft: 1ms, itl: 1ms, faults: [ {{ at: 1s, for: 1s, first: {written}, error: 503 }} ] }}\n"
        );
        let file = MockFile::read("mock.yaml", &text).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(file.providers[0].config.faults[0].target.first, read, "{written}");
    }
}

#[test]
fn an_error_is_a_status_or_the_word_of_a_class() {
    use squall_failure::FailureClass;
    use squall_provider::FaultKind;
    for (error, status, class) in [
        ("503", 503, FailureClass::Overloaded),
        ("content_policy", 400, FailureClass::ContentPolicy),
        ("context_window", 400, FailureClass::ContextWindow),
        ("quota_spent", 429, FailureClass::QuotaSpent),
        ("auth", 401, FailureClass::Auth),
        ("not_found", 404, FailureClass::NotFound),
    ] {
        let text = format!(
            "providers:\n  eu: {{ ttft: 1ms, itl: 1ms, faults: [ {{ at: 1s, for: 1s, error: {error} }} ] }}\n"
        );
        let file = MockFile::read("mock.yaml", &text).unwrap();
        let kind = FaultKind::Error(ErrorAnswer { status: Some(status), class, retry_after: None });
        assert_eq!(file.providers[0].config.faults[0].kind, kind, "{error}");
    }
}

#[test]
fn outages_at_random_times_are_drawn_by_the_seed_and_again_by_another() {
    let mut scenario =
        with_provider("outages: [ { like: openai, faster: 1000x, share: 80%, error: 503 } ]");
    let times = |scenario: &Scenario| -> Vec<_> {
        scenario.providers[0].config.faults.iter().map(|fault| (fault.at, fault.lasts)).collect()
    };
    scenario.duration = Duration::from_secs(86_400);
    let first = times(&scenario);
    scenario.set_seed(Seed::new(scenario.seed.value()));
    assert_eq!(times(&scenario), first, "the same seed");
    let histories: Vec<_> = (0..50)
        .map(|seed| {
            scenario.set_seed(Seed::new(seed));
            times(&scenario).len()
        })
        .collect();
    assert!(histories.iter().any(|count| *count != histories[0]), "{histories:?}");
    assert!(scenario.providers[0].written.faults.is_empty());
}

#[test]
fn a_family_of_models_gives_what_is_not_given() {
    let of = |more: &str| {
        let text = format!("providers:\n  one: {{ {more} }}\n");
        MockFile::read("mock.yaml", &text).unwrap().providers[0].config.clone()
    };
    let family = of("like: gpt-4o-mini");
    assert!((530_000_000..540_000_000).contains(&family.ttft.at(0.5)), "{:?}", family.ttft);
    assert!(family.slow.is_some());
    let own = of("like: gpt-4o-mini, ttft: 100ms");
    assert_eq!((own.ttft, own.slow), (Distribution::Fixed { value: 100_000_000 }, None));
    assert_eq!(own.itl, family.itl);
}

#[test]
fn a_soft_expectation_is_the_same_one_that_only_warns() {
    let text = VIRAL_SPIKE.trim_end().to_owned();
    let line = u32::try_from(text.lines().count()).unwrap() + 1;
    let read = read(&format!("{text}\n  - warn: success_rate >= 90% during calm\n"));
    let soft = read.expectations.last().unwrap();
    assert!(soft.soft && read.hard_expectations().count() == read.expectations.len() - 1);
    assert_eq!((soft.text.as_str(), soft.line), ("success_rate >= 90% during calm", line));
    assert_eq!((soft.metric, soft.during), (MetricId::SuccessRate, Some(0)));
}

#[test]
fn a_warm_up_cuts_the_phase_that_it_ends_in() {
    let with = |warm_up: &str| {
        read(&VIRAL_SPIKE.replace("\nphases:", &format!("\nwarm_up: {warm_up}\nphases:")))
    };
    assert_eq!(read(VIRAL_SPIKE).measured(), Timestamp::ZERO..Timestamp::MAX);
    let read = with("12500ms");
    let calm = read.phase("calm").unwrap();
    assert_eq!(read.measured_of(calm), Timestamp::from_millis(12_500)..calm.end);
    assert_eq!(read.cell_marks().cuts, [Timestamp::from_millis(12_500)]);
    assert_eq!(with("10s").cell_marks().cuts, [], "every bin ends there");
}

#[test]
fn a_start_has_a_time_of_day_by_its_own_clocks() {
    let with = |start: &str| {
        read(&VIRAL_SPIKE.replace("\nphases:", &format!("\nstart: {start}\nphases:")))
            .start
            .unwrap()
    };
    assert_eq!(read(VIRAL_SPIKE).start, None);
    let start = with("2026-12-31T23:30-05:30");
    assert_eq!(start.to_string(), "2026-12-31 23:30:00 UTC-05:30");
    let later = start.clock_after(Duration::from_millis(3_600_900));
    assert_eq!((later.year, later.month, later.day, later.second_of_day), (2027, 1, 1, 1_800));
    assert_eq!(with("2026-11-29T08:00Z").zone(), "UTC");
}
