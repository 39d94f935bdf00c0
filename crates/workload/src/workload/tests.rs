//! Traffic is what was described, and the same whatever becomes of it.

use super::*;
use crate::{
    Arrivals, ClientConfig, ClientRequest, Decay, KindConfig, Ordinal, PlannedTraffic, Rate,
    RateSegment, Shift, SourceConfig,
};
use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;
use squall_determinism::{Distribution, Share};

pub(super) fn rate(rps: f64) -> Rate {
    Rate { segments: vec![RateSegment::Constant { at: Timestamp::ZERO, rps }] }
}

pub(super) fn config(arrivals: Arrivals, secs: u64) -> WorkloadConfig {
    WorkloadConfig::of(source(arrivals), Timestamp::from_secs(secs))
}

pub(super) fn source(arrivals: Arrivals) -> SourceConfig {
    SourceConfig {
        key: 0,
        arrivals,
        prompt_tokens: Distribution::lognormal(420, 1_900).unwrap(),
        output_tokens: Distribution::lognormal(60, 200).unwrap(),
        stream: Share::percent(70),
        client: ClientConfig::waiting(Duration::from_secs(20)),
        kinds: Vec::new(),
        shifts: Vec::new(),
    }
}

/// Answers every request `after` its intended time, or never; returns what was sent, and who gave up.
fn drive(config: WorkloadConfig, after: Option<Duration>) -> (Vec<ClientRequest>, Vec<Ordinal>) {
    drive_shard(config, after, Shard::WHOLE)
}

/// The same of a part of the traffic.
pub(super) fn drive_shard(
    config: WorkloadConfig,
    after: Option<Duration>,
    shard: Shard,
) -> (Vec<ClientRequest>, Vec<Ordinal>) {
    let mut workload = Workload::of_shard(config, Seed::new(7), shard);
    let (mut sent, mut gave_up) = (Vec::new(), Vec::new());
    let mut answers: VecDeque<(Timestamp, Ordinal)> = VecDeque::new();
    loop {
        let timer = workload.next_timer().unwrap_or(Timestamp::MAX);
        let answer = answers.front().map_or(Timestamp::MAX, |&(at, _)| at);
        let now = timer.min(answer);
        if now == Timestamp::MAX {
            return (sent, gave_up);
        }
        let input = match answers.front() {
            Some(&(at, request)) if at <= timer => {
                answers.pop_front();
                WorkloadInput::Answered { request, answer: ClientAnswer::Succeeded }
            }
            _ => WorkloadInput::Tick,
        };
        workload.handle(now, input);
        while let Some(output) = workload.poll() {
            match output {
                WorkloadOutput::Send(client) => {
                    sent.push(client);
                    answers.extend(after.map(|after| (now + after, client.request)));
                }
                WorkloadOutput::GiveUp { request } => gave_up.push(request),
                WorkloadOutput::Retry(retried) => panic!("nobody calls again: {retried:?}"),
            }
        }
    }
}

#[test]
fn poisson_gaps_are_exponential() {
    let arrivals = Arrivals::Poisson { rate: rate(100.0) };
    let (sent, _) = drive(config(arrivals, 100), Some(Duration::from_secs(1)));
    assert!((9_600..10_400).contains(&sent.len()), "{}", sent.len());
    let mut gaps: Vec<_> = sent
        .windows(2)
        .map(|pair| pair[1].intended.since(pair[0].intended).as_secs_f64())
        .collect();
    gaps.sort_by(f64::total_cmp);
    let n = gaps.len() as f64;
    let distribution = |gap: f64| 1.0 - libm::exp(-100.0 * gap);
    let distance =
        gaps.iter().zip(0_u32..).map(|(&gap, i)| (distribution(gap) - f64::from(i) / n).abs());
    let distance = distance.fold(0.0, f64::max);
    assert!(distance < 1.95 / libm::sqrt(n), "Kolmogorov-Smirnov at 0.1 %: {distance}");
}

#[test]
fn even_arrivals_are_even_and_as_many_as_expected() {
    let arrivals = Arrivals::Even { rate: rate(10.0) };
    let (sent, _) = drive(config(arrivals, 5), Some(Duration::from_secs(1)));
    let times: Vec<_> = sent.iter().map(|client| client.intended.as_nanos() / 1_000_000).collect();
    assert_eq!(times, (0..50).map(|n| 50 + 100 * n).collect::<Vec<_>>());
}

#[test]
fn ordinals_follow_intended_times_and_sizes_are_at_least_one() {
    let arrivals = Arrivals::Poisson { rate: rate(100.0) };
    let (sent, _) = drive(config(arrivals, 20), Some(Duration::from_secs(30)));
    assert!(sent.iter().zip(0..).all(|(client, n)| client.request == Ordinal(n)));
    assert!(sent.is_sorted_by_key(|client| client.intended));
    assert!(sent.iter().all(|client| client.input_tokens > 0 && client.output_tokens > 0));
    let streams = sent.iter().filter(|client| client.stream).count();
    assert!((1_300..1_500).contains(&streams), "{streams} of {} at 70 %", sent.len());
}

#[test]
fn traffic_is_the_same_however_it_is_answered() {
    let arrivals = || Arrivals::Poisson { rate: rate(50.0) };
    let (answered, gave_up) = drive(config(arrivals(), 20), Some(Duration::from_secs(1)));
    assert!(gave_up.is_empty());
    let (unanswered, gave_up) = drive(config(arrivals(), 20), None);
    assert_eq!(answered, unanswered);
    let everyone: Vec<_> = unanswered.iter().map(|client| client.request).collect();
    assert_eq!(gave_up, everyone, "each once, in order");
}

#[test]
fn traffic_is_the_same_however_patient_clients_are() {
    let with = |timeout| {
        let mut config = config(Arrivals::Poisson { rate: rate(50.0) }, 20);
        config.sources[0].client = ClientConfig::waiting(Duration::from_secs(timeout));
        drive(config, Some(Duration::from_secs(3)))
    };
    let ((patient, stayed), (hasty, left)) = (with(10), with(1));
    let shape = |client: &ClientRequest| ClientRequest { timeout: Duration::ZERO, ..*client };
    assert!(patient.iter().map(shape).eq(hasty.iter().map(shape)));
    assert_eq!((stayed.len(), left.len()), (0, hasty.len()));
}

#[test]
fn an_answer_at_the_last_moment_is_in_time_and_one_after_it_is_not() {
    let mut workload = Workload::new(config(Arrivals::Even { rate: rate(1.0) }, 1), Seed::new(7));
    let sent = Timestamp::from_millis(500);
    let last = sent + Duration::from_secs(20);
    let answered = WorkloadInput::Answered { request: Ordinal(0), answer: ClientAnswer::Succeeded };
    workload.handle(sent, WorkloadInput::Tick);
    assert!(matches!(workload.poll(), Some(WorkloadOutput::Send(_))));
    let mut late = workload.clone();
    workload.handle(last, answered);
    assert_eq!((workload.poll(), workload.is_done()), (None, true));
    late.handle(last + Duration::from_nanos(1), answered);
    assert_eq!(late.poll(), Some(WorkloadOutput::GiveUp { request: Ordinal(0) }));
    assert_eq!((late.poll(), late.is_done()), (None, true));
}

#[test]
fn a_spike_sends_as_many_as_are_to_be_expected() {
    let spike = RateSegment::Spike {
        at: Timestamp::ZERO,
        base: 20.0,
        peak: 200.0,
        rise: Duration::from_secs(4),
        decay: Decay { exponent: 1.4, scale: Duration::from_secs(12) },
    };
    let rate = Rate { segments: vec![spike] };
    // The base, the triangle of the rise, and the integral of the power law after it.
    let tail = 180.0 * 12.0 / 0.4 * (1.0 - libm::pow(1.0 + 56.0 / 12.0, -0.4));
    let mean = 20.0 * 60.0 + 180.0 * 4.0 / 2.0 + tail;
    for seed in 0..20 {
        let config = config(Arrivals::Poisson { rate: rate.clone() }, 60);
        let mut workload = Workload::new(config, Seed::new(seed));
        workload.handle(Timestamp::from_secs(60), WorkloadInput::Tick);
        let outputs = core::iter::from_fn(|| workload.poll());
        let sent =
            outputs.filter(|output| matches!(output, WorkloadOutput::Send(_))).count() as f64;
        assert!((sent - mean).abs() < 4.0 * libm::sqrt(mean), "seed {seed}: {sent} of {mean}");
    }
}

#[test]
fn a_late_tick_sends_what_was_due_with_its_intended_time() {
    let arrivals = Arrivals::Even { rate: rate(10.0) };
    let mut workload = Workload::new(config(arrivals, 5), Seed::new(7));
    workload.handle(Timestamp::from_secs(1), WorkloadInput::Tick);
    let sent: Vec<_> = core::iter::from_fn(|| workload.poll()).collect();
    assert_eq!(sent.len(), 10);
    assert!(
        matches!(sent[0], WorkloadOutput::Send(client) if client.intended == Timestamp::from_millis(50))
    );
    workload.handle(Timestamp::from_secs(1), WorkloadInput::Tick);
    assert_eq!(workload.poll(), None, "nothing is due, nothing comes");
}

#[test]
fn a_closed_loop_never_has_more_under_way_than_clients() {
    let arrivals = Arrivals::Closed { clients: 8, think: Distribution::Exponential { mean: 2e8 } };
    let latency = Duration::from_millis(700);
    let (sent, gave_up) = drive(config(arrivals, 30), Some(latency));
    assert!(gave_up.is_empty());
    assert!(sent.len() > 200, "{}", sent.len());
    for (place, client) in sent.iter().enumerate() {
        let open = sent[..place].iter().filter(|other| other.intended + latency > client.intended);
        assert!(open.count() < 8);
    }
    assert!(sent.iter().all(|client| client.intended < Timestamp::from_secs(30)));
}

#[test]
fn a_shift_moves_users_from_one_kind_to_another_and_moves_nobody_else() {
    let kind = |weight| KindConfig {
        weight,
        prompt_tokens: None,
        output_tokens: None,
        stream: None,
        sessions: 0,
    };
    let kinds = |shifts: Vec<Shift>| {
        let rate =
            Rate { segments: vec![RateSegment::Constant { at: Timestamp::ZERO, rps: 20.0 }] };
        let mut config = config(Arrivals::Poisson { rate }, 10);
        config.sources[0].kinds = vec![kind(90), kind(10)];
        config.sources[0].shifts = shifts;
        let (sent, _) = drive(config, Some(Duration::ZERO));
        sent.iter().map(|request| (request.intended, request.kind)).collect::<Vec<_>>()
    };
    let half = Timestamp::from_secs(5);
    let shifted = kinds(vec![Shift { at: half, weights: vec![50, 50] }]);
    let still = kinds(Vec::new());
    assert!(shifted.len() > 50, "{}", shifted.len());
    for (&(at, kind), &(_, before)) in shifted.iter().zip(&still) {
        // Before the shift nothing differs, and whoever was of the second kind still is.
        assert!(if at < half { kind == before } else { kind >= before });
    }
    assert_ne!(shifted, still);
}

#[test]
fn open_traffic_is_known_before_it_is_sent() {
    let times = [100, 900, 1_100, 1_200, 1_300, 5_000].map(Timestamp::from_millis);
    let source = SourceConfig {
        prompt_tokens: Distribution::Fixed { value: 7 },
        output_tokens: Distribution::Fixed { value: 2 },
        ..source(Arrivals::At { times: times.to_vec() })
    };
    let config = WorkloadConfig::of(source.clone(), Timestamp::from_secs(10));
    let planned = PlannedTraffic::of(&config, Seed::new(1)).expect("nothing depends on answers");
    let PlannedTraffic { requests, busiest_second, input_tokens, output_tokens } = planned;
    assert_eq!((requests, busiest_second, input_tokens, output_tokens), (6, 3, 42, 12));
    let closed = Arrivals::Closed { clients: 3, think: Distribution::Fixed { value: 0 } };
    let sources = vec![source.clone(), SourceConfig { arrivals: closed, ..source }];
    let config = WorkloadConfig { sources, ..config };
    assert_eq!(PlannedTraffic::of(&config, Seed::new(1)), None);
}

/// What a source sent, without its numbers over all sources.
fn of_source(sent: &[ClientRequest], kind: u16) -> Vec<ClientRequest> {
    let own = sent.iter().filter(|client| client.kind == kind);
    own.map(|client| ClientRequest { request: Ordinal(0), kind: 0, ..*client }).collect()
}

#[test]
fn a_source_sends_the_same_whoever_else_does() {
    let all = || {
        let closed =
            Arrivals::Closed { clients: 3, think: Distribution::Exponential { mean: 2e8 } };
        [Arrivals::Poisson { rate: rate(20.0) }, Arrivals::Poisson { rate: rate(30.0) }, closed]
    };
    let [first, second, third] = all().map(source);
    let (second, third) = (SourceConfig { key: 7, ..second }, SourceConfig { key: 2, ..third });
    let with = |sources: Vec<SourceConfig>| {
        let config = WorkloadConfig { sources, until: Timestamp::from_secs(20), abort: None };
        drive(config, Some(Duration::from_millis(300))).0
    };
    let together = with(vec![first.clone(), second.clone(), third]);
    assert!(together.is_sorted_by_key(|client| client.intended));
    assert!(together.iter().zip(0..).all(|(client, n)| client.request == Ordinal(n)));
    let alone = with(vec![first.clone()]);
    assert!(alone.len() > 300, "{}", alone.len());
    assert_eq!(of_source(&together, 0), of_source(&alone, 0), "the first is what it is alone");
    let other_way_round = with(vec![second, first]);
    assert_eq!(of_source(&together, 1), of_source(&other_way_round, 0), "in any order");
    assert!(of_source(&together, 2).len() > 50);
    let shifted =
        |kind| of_source(&together, kind).iter().map(|client| client.input_tokens).collect();
    let (first, second): (Vec<_>, Vec<_>) = (shifted(0), shifted(1));
    assert_ne!(first[..100], second[..100], "two sources draw their own sizes");
}

#[test]
fn of_two_sources_at_one_time_the_first_comes_first_and_kinds_are_numbered_over_both() {
    let kind = |weight| KindConfig {
        weight,
        prompt_tokens: None,
        output_tokens: None,
        stream: None,
        sessions: 4,
    };
    let at = |kinds| {
        let times = [1, 2].map(Timestamp::from_secs).to_vec();
        SourceConfig { kinds, ..source(Arrivals::At { times }) }
    };
    let sources = vec![at(vec![kind(1), kind(0)]), at(vec![]), at(vec![kind(0), kind(1)])];
    let config = WorkloadConfig { sources, until: Timestamp::from_secs(9), abort: None };
    let (sent, _) = drive(config, Some(Duration::from_secs(1)));
    let kinds: Vec<_> = sent.iter().map(|client| client.kind).collect();
    assert_eq!(kinds, [0, 2, 4, 0, 2, 4]);
    assert!(sent.iter().all(|client| match client.session {
        Some(session) => session >> 32 == u64::from(client.kind),
        None => client.kind == 2,
    }));
}

#[test]
fn clients_of_each_source_wait_as_long_as_theirs() {
    let waits = |timeout, times: &[u64]| SourceConfig {
        client: ClientConfig::waiting(Duration::from_secs(timeout)),
        ..source(Arrivals::At { times: times.iter().copied().map(Timestamp::from_secs).collect() })
    };
    let sources = vec![waits(20, &[0, 3]), waits(2, &[1, 4])];
    let config = WorkloadConfig { sources, until: Timestamp::from_secs(9), abort: None };
    let mut workload = Workload::new(config, Seed::new(7));
    let mut gave_up = Vec::new();
    while let Some(now) = workload.next_timer() {
        workload.handle(now, WorkloadInput::Tick);
        while let Some(output) = workload.poll() {
            if let WorkloadOutput::GiveUp { request } = output {
                gave_up.push((now.as_secs_f64() as u64, request.0));
            }
        }
        // The one of 3 s is answered, and is never heard of again.
        if now == Timestamp::from_secs(4) {
            let answer = ClientAnswer::Succeeded;
            workload.handle(now, WorkloadInput::Answered { request: Ordinal(2), answer });
        }
    }
    assert_eq!(gave_up, [(3, 1), (6, 3), (20, 0)]);
    assert!(workload.is_done());
}
