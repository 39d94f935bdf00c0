//! Every input survives the journal, and a journal tells when a core decides otherwise.

use super::*;
use crate::{
    AttemptId, ConfigId, DeploymentConfig, DeploymentId, FallbackChoice, Features, GroupConfig,
    GroupId, GroupList, Overrides, RegionId, RequestArrival, RequestKey, RequestTag, Tags,
    TenantId, TokenUsage, UpstreamLimits,
};
use alloc::vec;
use core::time::Duration;
use proptest::prelude::*;
use squall_failure::{Evidence, Failure, FailureClass, FailureSource};

fn attempts() -> impl Strategy<Value = AttemptId> {
    (any::<u32>(), any::<u32>(), any::<u16>()).prop_map(|(slot, generation, nth)| AttemptId {
        request: RequestKey { slot, generation },
        nth,
    })
}

fn failures() -> impl Strategy<Value = RouterInput> {
    let class = prop::sample::select(&FailureClass::ALL[..]);
    let evidence = prop::sample::select(&Evidence::ALL[..]);
    (attempts(), class, evidence, any::<(u16, Option<u32>)>()).prop_map(
        |(attempt, class, evidence, (status, retry_after))| {
            let wait = retry_after.map(|millis| Duration::from_millis(millis.into()));
            let failure = Failure { evidence, ..Failure::new(class, FailureSource::Provider) };
            RouterInput::Failed {
                attempt,
                failure: failure.with_status(status).with_retry_after(wait),
            }
        },
    )
}

fn inputs() -> impl Strategy<Value = RouterInput> {
    let arrived = any::<(u64, u16, u32, u32, bool, Option<u64>)>().prop_map(|arrival| {
        let (tag, group, input_tokens, output_tokens, stream, deadline) = arrival;
        let deadline = deadline.map(|nanos| Duration::from_nanos(nanos / 2));
        let (tag, group) = (RequestTag(tag), GroupId(group));
        let plain = RequestArrival {
            input_tokens,
            output_tokens,
            stream,
            deadline,
            ..RequestArrival::new(tag, group)
        };
        RouterInput::Arrived(plain)
    });
    let wishes = (any::<(u8, Option<u16>, u64, Option<u64>, u16)>(), any::<Option<u8>>());
    let wishes = (wishes, prop::collection::vec(any::<u16>(), 0..6), any::<Option<u16>>());
    let particular = wishes.prop_map(|((wishes, region), groups, retries)| {
        let (priority, tenant, tags, session, features) = wishes;
        let fallbacks = GroupList::new(groups.into_iter().map(GroupId));
        RouterInput::Arrived(RequestArrival {
            priority,
            tenant: tenant.map(TenantId),
            tags: Tags(tags),
            session,
            features: Features(features),
            region: region.map(RegionId),
            overrides: Overrides {
                retries,
                timeout: retries.map(|millis| Duration::from_millis(millis.into())),
                fallbacks: FallbackChoice::These(fallbacks),
            },
            ..RequestArrival::new(RequestTag(tags), GroupId(features))
        })
    });
    let headers = (attempts(), any::<(Option<u32>, Option<u32>)>()).prop_map(
        |(attempt, (remaining_requests, remaining_tokens))| RouterInput::LimitHeaders {
            attempt,
            headers: UpstreamLimits {
                limit_requests: Some(60),
                remaining_requests,
                limit_tokens: None,
                remaining_tokens,
            },
        },
    );
    let finished = (attempts(), any::<Option<(u32, u32)>>()).prop_map(|(attempt, usage)| {
        let usage =
            usage.map(|(input_tokens, output_tokens)| TokenUsage { input_tokens, output_tokens });
        RouterInput::Finished { attempt, usage }
    });
    let checked = any::<(u16, bool)>().prop_map(|(deployment, passed)| RouterInput::Checked {
        deployment: DeploymentId(deployment),
        passed,
    });
    let reconfigured =
        any::<u16>().prop_map(|config| RouterInput::Reconfigure { config: ConfigId(config) });
    prop_oneof![
        arrived,
        particular,
        checked,
        reconfigured,
        failures(),
        headers,
        finished,
        attempts().prop_map(|attempt| RouterInput::FirstToken { attempt }),
        attempts().prop_map(|attempt| RouterInput::Unread { attempt }),
        attempts().prop_map(|attempt| RouterInput::ClientGone { request: attempt.request }),
        Just(RouterInput::Tick),
    ]
}

proptest! {
    #[test]
    fn every_input_survives_the_journal(input in inputs(), now in any::<u64>()) {
        let now = Timestamp::from_nanos(now);
        let mut bytes = Vec::new();
        encode_input(now, &input, &mut bytes);
        prop_assert_eq!(decode_input(&bytes), Some((now, input)));
        prop_assert_eq!(decode_input(&bytes[..bytes.len() - 1]), None, "cut short");
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let _ = decode_input(&bytes);
    }
}

fn config(weights: [u32; 2]) -> RouterConfig {
    let deployments = [("a", weights[0]), ("b", weights[1])]
        .map(|(name, weight)| DeploymentConfig { weight, ..DeploymentConfig::new(name) })
        .to_vec();
    RouterConfig {
        groups: vec![GroupConfig { deployments, ..GroupConfig::new("chat") }],
        ..RouterConfig::default()
    }
}

/// Twenty requests that all fail once, as a journal.
fn journal() -> Vec<Vec<u8>> {
    let mut router = Router::new(config([3, 1]), Seed::new(7), 0).unwrap();
    let mut frames = Vec::new();
    let mut feed = |now, input| {
        router.handle(now, input);
        let outputs: Vec<_> = core::iter::from_fn(|| router.poll()).collect();
        let mut frame = Vec::new();
        encode_frame(now, &input, digest_outputs(&outputs), &mut frame);
        frames.push(frame);
        outputs
    };
    for tag in 0..20 {
        let now = Timestamp::from_millis(tag * 10);
        let arrival = RequestArrival {
            input_tokens: 10,
            output_tokens: 10,
            stream: true,
            deadline: None,
            ..RequestArrival::new(RequestTag(tag), GroupId(0))
        };
        for output in feed(now, RouterInput::Arrived(arrival)) {
            if let RouterOutput::StartAttempt(start) = output {
                let failure = Failure::new(FailureClass::Server, FailureSource::Provider);
                feed(now, RouterInput::Failed { attempt: start.attempt, failure });
            }
        }
    }
    frames
}

#[test]
fn a_fresh_core_gives_the_same_outputs() {
    let frames = journal();
    let slices = frames.iter().map(Vec::as_slice);
    let replayed = replay(config([3, 1]), [], Seed::new(7), 0, slices).unwrap();
    assert_eq!(replayed.frames, frames.len() as u64);
    assert!(replayed.outputs > 60, "accepted, started, failed over: {}", replayed.outputs);
}

#[test]
fn another_configuration_is_found_out() {
    let frames = journal();
    let frames = frames.iter().map(Vec::as_slice);
    let outcome = replay(config([1, 3]), [], Seed::new(7), 0, frames);
    assert!(matches!(outcome, Err(ReplayError::Diverged { frame: 0, .. })), "{outcome:?}");
}

#[test]
fn a_damaged_frame_is_named() {
    let mut frames = journal();
    frames[5].truncate(9);
    let frames = frames.iter().map(Vec::as_slice);
    let outcome = replay(config([3, 1]), [], Seed::new(7), 0, frames);
    assert_eq!(outcome, Err(ReplayError::Unreadable { frame: 5 }));
}
