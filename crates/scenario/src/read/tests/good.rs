//! Good files: every form that the reference names.

use crate::{Argument, Comparison, Limit, MetricId, Scenario};
use core::time::Duration;
use squall_determinism::Timestamp;
use squall_router::{DeploymentId, GroupId};

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
    assert_eq!(scenario.router.groups[0].fallback, [GroupId(1)]);
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
