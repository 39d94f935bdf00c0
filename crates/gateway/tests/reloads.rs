//! A gateway that is given another configuration again and again: what it holds does not grow.

use squall_clock::Clock;
use squall_determinism::Seed;
use squall_gateway::{
    DecisionSetup, Gateway, GatewaySetup, GatewayView, NameTables, Reload, Retention,
    ServerSettings, StartError, UpstreamConfig,
};
use squall_router::{ConfigError, DeploymentConfig, GroupConfig, RouterConfig};
use std::net::{Ipv4Addr, SocketAddr};

/// What may be left over, whatever the number of reloads: a buffer that has grown once.
const SLACK: i64 = 64 << 10;

/// A configuration of the group `chat` with these deployments.
fn reload(names: &[String]) -> Reload {
    let mut group = GroupConfig::new("chat");
    group.deployments = names.iter().map(DeploymentConfig::new).collect();
    let upstreams = names.iter().map(|name| UpstreamConfig {
        provider: "mock".to_owned(),
        api_key: Some("secret".to_owned()),
        ..UpstreamConfig::new(name, "http://127.0.0.1:9/v1", "model")
    });
    Reload {
        router: RouterConfig { groups: vec![group], ..RouterConfig::default() },
        upstreams: upstreams.collect(),
        name_tables: NameTables::default(),
    }
}

fn names(from: usize, count: usize) -> Vec<String> {
    (from..from + count).map(|number| format!("d{number}")).collect()
}

async fn gateway(first: Reload) -> Gateway {
    let setup = GatewaySetup {
        router: first.router,
        changes: Vec::new(),
        name_tables: first.name_tables,
        upstreams: first.upstreams,
        seed: Seed::new(1),
        epoch_nanos: 0,
        clock: Clock::start_now(),
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        metrics_listen: None,
        retention: Retention::Nothing,
        decisions: DecisionSetup::default(),
        spent: Vec::new(),
        server: ServerSettings::default(),
        shared_state: None,
        telemetry: None,
        keys: None,
        tls: None,
    };
    Gateway::start(setup).await.expect("it starts")
}

/// The bytes that so many reloads, each of the next of these, leave allocated.
fn left_by(view: &GatewayView, count: usize, of: &[Reload]) -> i64 {
    let each = |number: usize| {
        view.reload(of[number % of.len()].clone()).expect("it is good");
    };
    // Everything is there once that is needed.
    (0..2 * of.len()).for_each(each);
    allocation_counter::measure(|| (0..count).for_each(each)).bytes_current
}

#[tokio::test]
async fn the_66000th_reload_is_taken_and_has_cost_nothing() {
    let [one, other] = [reload(&names(0, 1)), reload(&names(1, 1))];
    let gateway = gateway(one.clone()).await;
    let left = left_by(&gateway.view(), 66_000, &[one, other]);
    assert!(left < SLACK, "{left} bytes");
    let changed = gateway.view().reload(reload(&names(2, 1))).expect("it is taken");
    assert_eq!(changed.came, ["d2"]);
}

#[tokio::test]
async fn reloads_of_1000_deployments_leave_nothing_behind() {
    let thousand = reload(&names(0, 1_000));
    let mut other = thousand.clone();
    other.router.groups[0].deployments[0].weight = 7;
    let gateway = gateway(thousand.clone()).await;
    let left = left_by(&gateway.view(), 200, &[thousand, other]);
    assert!(left < SLACK, "{left} bytes");
}

#[tokio::test]
async fn the_name_that_no_number_is_left_for_is_told() {
    let gateway = gateway(reload(&names(0, 1))).await;
    let view = gateway.view();
    view.reload(reload(&names(1, 65_534))).expect("65,535 names fit");
    let refused = view.reload(reload(&names(65_535, 1))).expect_err("one more does not");
    let StartError::Config(error @ ConfigError::NoNumberLeft { .. }) = refused else {
        panic!("{refused}")
    };
    assert!(error.to_string().contains("deployment `d65535`"), "{error}");
    // The gateway goes on, and takes what it knows.
    let changed = view.reload(reload(&names(0, 1))).expect("an old name");
    assert_eq!((changed.came.len(), changed.went.len()), (1, 65_534));
}
