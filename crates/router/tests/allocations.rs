//! Nothing is allocated per request once a router has seen its load.

use squall_determinism::{Seed, Timestamp};
use squall_failure::{Failure, FailureClass, FailureSource};
use squall_router::{
    DeploymentConfig, GroupConfig, GroupId, RateLimit, RateLimits, RateWindow, RequestArrival,
    RequestTag, Router, RouterConfig, RouterInput, RouterOutput, Tags,
};
use std::time::Duration;

fn router() -> Router {
    let deployments = (1..=10).map(|weight| DeploymentConfig {
        weight,
        limits: RateLimits {
            rpm: Some(RateLimit {
                per_minute: 1_000_000,
                window: RateWindow::Gcra { burst: None },
            }),
            tpm: Some(RateLimit { per_minute: 1_000_000_000, window: RateWindow::Fixed }),
            concurrency: Some(10_000),
            ..RateLimits::default()
        },
        tags: Tags(u64::MAX),
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
        let arrival = RequestArrival {
            input_tokens: 400,
            output_tokens: 60,
            stream: true,
            // Of more kinds than a group remembers.
            tags: Tags(tag % 40),
            ..RequestArrival::new(RequestTag(tag), GroupId(0))
        };
        let mut next = Some(RouterInput::Arrived(arrival));
        while let Some(input) = next.take() {
            router.handle(now, input);
            while let Some(output) = router.poll() {
                match output {
                    RouterOutput::StartAttempt(start)
                        if tag % 10 == 0 && start.attempt.nth == 0 =>
                    {
                        let failure = Failure::new(FailureClass::Server, FailureSource::Provider);
                        next = Some(RouterInput::Failed { attempt: start.attempt, failure });
                    }
                    RouterOutput::StartAttempt(start) => {
                        next = Some(RouterInput::FirstToken { attempt: start.attempt });
                    }
                    RouterOutput::Commit { attempt, .. } if next.is_none() => {
                        next = Some(RouterInput::Finished { attempt, usage: None });
                    }
                    RouterOutput::Done { .. } => done += 1,
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
