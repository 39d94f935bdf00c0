//! No request comes to more than the worst case of its configuration, and some come to it.

use proptest::prelude::*;
use squall_determinism::{Seed, Timestamp};
use squall_failure::{Failure, FailureClass, FailureSource};
use squall_router::{
    AttemptId, AttemptTimeouts, Backoff, CooldownRule, DeploymentConfig, FallbackRule, Fallbacks,
    GroupConfig, GroupId, Hedge, LitellmRetry, LitellmStrategy, MidStream, RequestArrival,
    RequestTag, Retries, RetryBudget, RetryRule, Router, RouterConfig, RouterInput, RouterOutput,
    Strategy as By, WorstCase, WorstCaseRequest,
};
use std::time::Duration;

const TOKENS: u32 = 100;

/// How the attempts of a request fare.
#[derive(Clone, Copy, Debug)]
enum Fate {
    /// They fail so, after so many milliseconds.
    Fails(FailureClass, u64),
    /// Nothing comes until a timer of the core ends them.
    Silent,
    /// A first token comes after so many milliseconds, and then nothing.
    Begins(u64),
    /// A first token comes after so many milliseconds, and after as many again the stream breaks off.
    Breaks(u64),
    /// The stream breaks off now.
    Broken,
}

/// What a request came to.
#[derive(Clone, Copy, Debug, Default)]
struct Came {
    attempts: u64,
    took: Duration,
}

fn config(groups: Vec<GroupConfig>) -> RouterConfig {
    RouterConfig {
        groups,
        // What other requests leave of a budget is not this one's worst case.
        retry_budget: RetryBudget::UNLIMITED,
        ..RouterConfig::default()
    }
}

fn group(name: &str, deployments: usize) -> GroupConfig {
    let deployments = (0..deployments).map(|nth| DeploymentConfig::new(format!("{name}-{nth}")));
    // What second attempts and short waits come to is seen over all configurations.
    let (hedge, short_retry_after) = (None, Duration::ZERO);
    let deployments = deployments.collect();
    GroupConfig { deployments, hedge, short_retry_after, ..GroupConfig::new(name) }
}

/// Sends one request through a router of its own; the fates of its attempts come round again.
fn send(config: &RouterConfig, stream: bool, fates: &[Fate]) -> Came {
    let mut router = Router::new(config.clone(), Seed::new(7), 0).expect("it is whole");
    let mut now = Timestamp::ZERO;
    let mut came = Came::default();
    let arrival = RequestArrival {
        stream,
        input_tokens: TOKENS,
        output_tokens: TOKENS,
        ..RequestArrival::new(RequestTag(0), GroupId(0))
    };
    let mut told = Some(RouterInput::Arrived(arrival));
    let mut due: Vec<(Timestamp, AttemptId, Fate)> = Vec::new();
    loop {
        router.handle(now, told.take().unwrap_or(RouterInput::Tick));
        while let Some(output) = router.poll() {
            match output {
                RouterOutput::StartAttempt(start) => {
                    let fate = fates[came.attempts as usize % fates.len()];
                    came.attempts += 1;
                    let after = match fate {
                        Fate::Fails(_, millis) | Fate::Begins(millis) | Fate::Breaks(millis) => {
                            now + Duration::from_millis(millis)
                        }
                        Fate::Broken => now,
                        Fate::Silent => Timestamp::MAX,
                    };
                    due.push((after, start.attempt, fate));
                }
                RouterOutput::CancelAttempt { attempt, .. } => {
                    due.retain(|(_, each, _)| *each != attempt);
                }
                RouterOutput::Done { .. } => {
                    came.took = now.since(Timestamp::ZERO);
                    return came;
                }
                _ => {}
            }
        }
        let timer = router.next_timer().unwrap_or(Timestamp::MAX);
        let next = due.iter().copied().enumerate().min_by_key(|(_, (at, ..))| *at);
        match next {
            Some((place, (at, attempt, fate))) if at <= timer && at < Timestamp::MAX => {
                now = at;
                due.remove(place);
                told = match fate {
                    Fate::Fails(class, _) => Some(RouterInput::Failed {
                        attempt,
                        failure: Failure::new(class, FailureSource::Provider),
                    }),
                    Fate::Begins(_) => Some(RouterInput::FirstToken { attempt }),
                    Fate::Breaks(millis) => {
                        due.push((now + Duration::from_millis(millis), attempt, Fate::Broken));
                        Some(RouterInput::FirstToken { attempt })
                    }
                    Fate::Broken => Some(RouterInput::Interrupted {
                        attempt,
                        failure: Failure::new(FailureClass::Cut, FailureSource::Provider),
                        output_tokens: 1,
                    }),
                    Fate::Silent => None,
                };
            }
            _ => {
                assert!(timer < Timestamp::MAX, "the request waits for nothing");
                now = timer;
            }
        }
    }
}

fn worst(config: &RouterConfig, stream: bool) -> WorstCase {
    let request = WorstCaseRequest { stream, input_tokens: TOKENS, output_tokens: TOKENS };
    config.worst_case(GroupId(0), request)
}

fn durations(range: std::ops::Range<u64>) -> impl Strategy<Value = Duration> {
    range.prop_map(Duration::from_millis)
}

fn groups() -> impl Strategy<Value = RouterConfig> {
    let timeouts =
        (durations(100..20_000), durations(100..30_000), prop::option::of(100..30_000_u64));
    let timeouts = timeouts.prop_map(|(first_token, total, stream_total)| AttemptTimeouts {
        first_token,
        total,
        stream_total: stream_total.map(Duration::from_millis),
        ..AttemptTimeouts::default()
    });
    let rule = prop_oneof![
        3 => Just(RetryRule::Untried(Backoff::default())),
        1 => Just(RetryRule::Litellm(LitellmRetry::default())),
    ];
    let one = (1..4_usize, 0..5_u16, timeouts, rule, any::<(bool, bool, bool, bool)>());
    let one = (one, durations(500..60_000), durations(0..3_000));
    let fallbacks = prop_oneof![
        (0..4_u8).prop_map(|max_moves| FallbackRule::DepthFirst { max_moves }),
        (0..4_u8, any::<bool>()).prop_map(|(max_depth, weighted_failover)| {
            FallbackRule::LitellmNested { max_depth, weighted_failover }
        }),
    ];
    (prop::collection::vec(one, 1..4), fallbacks).prop_map(|(groups, fallback_rule)| {
        let count = groups.len();
        let groups = groups.into_iter().enumerate().map(|(place, (of, deadline, wait))| {
            let (deployments, retries, timeouts, retry_rule, (ejects, special, continues, tiers)) =
                of;
            let behind: Vec<_> = (place + 1..count).map(|behind| GroupId(behind as u16)).collect();
            let last = behind.last().map(|&last| vec![last]);
            let mut group = GroupConfig {
                retries: Retries::new(retries).with(FailureClass::Throttled, retries + 1),
                timeouts,
                retry_rule,
                hedge: Some(Hedge::default()),
                mid_stream: if continues { MidStream::Continue } else { MidStream::Error },
                short_retry_after: GroupConfig::default().short_retry_after,
                deadline,
                max_queue_wait: wait,
                cooldown: if ejects { CooldownRule::default() } else { CooldownRule::Never },
                fallbacks: Fallbacks {
                    general: behind,
                    context_window: last.filter(|_| special),
                    content_policy: None,
                },
                ..group(&format!("group-{place}"), deployments)
            };
            // What LiteLLM's rules try in a group beyond its retries.
            if matches!(retry_rule, RetryRule::Litellm(_)) {
                group.strategy = By::Litellm(LitellmStrategy::SimpleShuffle);
            }
            for (nth, deployment) in group.deployments.iter_mut().enumerate().filter(|_| tiers) {
                deployment.order = nth as u8;
            }
            group
        });
        RouterConfig { fallback_rule, ..config(groups.collect()) }
    })
}

fn fates() -> impl Strategy<Value = Vec<Fate>> {
    let class = prop::sample::select(&FailureClass::ALL[..]);
    let fate = prop_oneof![
        4 => (class, prop_oneof![2 => Just(0_u64), 1 => 0..30_000_u64])
            .prop_map(|(class, millis)| Fate::Fails(class, millis)),
        2 => Just(Fate::Silent),
        1 => (0..20_000_u64).prop_map(Fate::Begins),
        2 => (0..10_000_u64).prop_map(Fate::Breaks),
    ];
    prop::collection::vec(fate, 1..6)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    #[test]
    fn nothing_comes_to_more_than_its_worst_case(
        config in groups(),
        fates in fates(),
        stream in any::<bool>(),
    ) {
        let came = send(&config, stream, &fates);
        let worst = worst(&config, stream);
        prop_assert!(worst.complete);
        prop_assert!(came.attempts <= worst.attempts, "{came:?} of {worst:?}");
        prop_assert!(came.took <= worst.time, "{came:?} of {worst:?}");
        let calls: u64 = worst.way.iter().map(|(_, calls)| calls).sum();
        prop_assert_eq!(calls, worst.attempts);
    }
}

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_request_whose_attempts_all_fail_at_once_has_as_many_as_told() {
    let fails = [Fate::Fails(FailureClass::Server, 0)];
    let chat = GroupConfig { fallbacks: Fallbacks::to(vec![GroupId(1)]), ..group("chat", 3) };
    let config = config(vec![chat, group("spare", 3)]);
    let worst = worst(&config, true);
    assert_eq!(worst.attempts, 6, "3 in each group");
    assert_eq!(worst.way, [(GroupId(0), 3), (GroupId(1), 3)]);
    assert_eq!(send(&config, true, &fails).attempts, worst.attempts);
    assert_eq!(worst.tokens, 6 * 2 * u64::from(TOKENS));
}

#[test]
fn a_request_that_nobody_answers_takes_as_long_as_told() {
    let timeouts = AttemptTimeouts { total: 4 * SECOND, ..AttemptTimeouts::default() };
    let chat = GroupConfig {
        timeouts,
        max_queue_wait: Duration::ZERO,
        fallbacks: Fallbacks::to(vec![GroupId(1)]),
        retries: Retries::new(0),
        ..group("chat", 1)
    };
    let spare =
        GroupConfig { fallbacks: Fallbacks::default(), name: "spare".into(), ..chat.clone() };
    let spare = GroupConfig { deployments: group("spare", 1).deployments, ..spare };
    let config = config(vec![chat, spare]);
    let worst = worst(&config, false);
    assert_eq!((worst.attempts, worst.time), (2, 8 * SECOND));
    let came = send(&config, false, &[Fate::Silent]);
    assert_eq!((came.attempts, came.took), (2, 8 * SECOND));
}

#[test]
fn a_stream_that_begins_late_and_never_ends_takes_as_long_as_told() {
    let timeouts = AttemptTimeouts {
        first_token: 5 * SECOND,
        stream_total: Some(30 * SECOND),
        ..AttemptTimeouts::default()
    };
    let chat = GroupConfig {
        timeouts,
        max_queue_wait: Duration::ZERO,
        retries: Retries::new(1),
        ..group("chat", 2)
    };
    let config = config(vec![chat]);
    let worst = worst(&config, true);
    // One silent attempt, and one that streams to the end; a backoff that is not drawn between distinct ones.
    let backoff = Backoff::default().base;
    assert_eq!(worst.time, 5 * SECOND + 30 * SECOND + backoff);
    let came = send(&config, true, &[Fate::Silent, Fate::Begins(4_999)]);
    assert_eq!((came.attempts, came.took), (2, 35 * SECOND));
}

#[test]
fn a_deadline_cuts_what_nothing_else_bounds() {
    let chat = GroupConfig { deadline: 20 * SECOND, ..group("chat", 1) };
    let config = config(vec![chat]);
    let worst = worst(&config, true);
    assert_eq!((worst.time, worst.time_without_deadline), (20 * SECOND, None));
    let came = send(&config, true, &[Fate::Begins(0)]);
    assert_eq!(came.took, 20 * SECOND);
}

#[test]
fn without_a_retry_budget_there_are_no_retries_to_be_told_of() {
    let budget = RetryBudget { min_per_second: 0, ..RetryBudget::UNLIMITED };
    let config = RouterConfig { retry_budget: budget, ..config(vec![group("chat", 3)]) };
    assert_eq!(worst(&config, true).attempts, 1);
    assert_eq!(send(&config, true, &[Fate::Fails(FailureClass::Server, 0)]).attempts, 1);
}
