//! Nothing is allocated per request once a router has seen its load.

use squall_determinism::{Seed, Timestamp};
use squall_failure::{Failure, FailureClass, Source};
use squall_router::{
    Arrival, DeploymentConfig, GroupConfig, GroupId, Input, Limits, Output, RateLimit, Router,
    RouterConfig, Tag, Window,
};
use std::time::Duration;

fn router() -> Router {
    let deployments = (1..=10).map(|weight| DeploymentConfig {
        weight,
        limits: Limits {
            rpm: Some(RateLimit { per_minute: 1_000_000, window: Window::Gcra { burst: None } }),
            tpm: Some(RateLimit { per_minute: 1_000_000_000, window: Window::Fixed }),
            concurrency: Some(10_000),
            ..Limits::default()
        },
        ..DeploymentConfig::new(format!("d{weight}"))
    });
    let group = GroupConfig { deployments: deployments.collect(), ..GroupConfig::new("chat") };
    let config = RouterConfig { groups: vec![group], ..RouterConfig::default() };
    Router::new(config, Seed::new(7), 0).expect("the configuration is complete")
}

/// One request in ten fails once and is tried again.
fn serve(router: &mut Router, requests: std::ops::Range<u64>) -> u64 {
    let mut done = 0;
    for tag in requests {
        let now = Timestamp::ZERO + Duration::from_millis(tag);
        let arrival = Arrival {
            input_tokens: 400,
            output_tokens: 60,
            stream: true,
            ..Arrival::new(Tag(tag), GroupId(0))
        };
        let mut next = Some(Input::Arrived(arrival));
        while let Some(input) = next.take() {
            router.handle(now, input);
            while let Some(output) = router.poll() {
                match output {
                    Output::StartAttempt(start) if tag % 10 == 0 && start.attempt.nth == 0 => {
                        let failure = Failure::new(FailureClass::Server, Source::Provider);
                        next = Some(Input::Failed { attempt: start.attempt, failure });
                    }
                    Output::StartAttempt(start) => {
                        next = Some(Input::FirstToken { attempt: start.attempt });
                    }
                    Output::Commit { attempt, .. } if next.is_none() => {
                        next = Some(Input::Finished { attempt, usage: None });
                    }
                    Output::Done { .. } => done += 1,
                    _ => {}
                }
            }
        }
    }
    done
}

#[test]
fn nothing_is_allocated_per_request_in_steady_state() {
    let mut router = router();
    assert_eq!(serve(&mut router, 0..10_000), 10_000);
    let mut done = 0;
    let allocated = allocation_counter::measure(|| done = serve(&mut router, 10_000..20_000));
    assert_eq!(done, 10_000);
    assert_eq!(allocated.count_total, 0, "{allocated:?}");
}
