//! Other configurations while the gateway serves, checks apart from traffic, and clients that read slowly.

use crate::answers::COMPLETION;
use crate::rig::{always, ask, gateway, gateway_of, hanging_provider, router, send, stream, whole};
use squall_gateway::{NameTables, Reload, StartError, UpstreamConfig};
use squall_router::{ConfigId, DeploymentConfig, HealthChecks, RouterConfig};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::AsyncReadExt;

/// Longer than any machine takes: what it bounds is a test that would hang.
const PATIENCE: Duration = Duration::from_secs(60);

fn upstream(name: &str, addr: SocketAddr) -> UpstreamConfig {
    UpstreamConfig {
        provider: "mock".to_owned(),
        ..UpstreamConfig::new(name, format!("http://{addr}/v1"), "model")
    }
}

/// `chat` with these deployments.
fn chat(names: &[&str]) -> RouterConfig {
    let mut config = router(1);
    config.groups[0].deployments = names.iter().map(|&name| DeploymentConfig::new(name)).collect();
    config
}

async fn served_by(gateway: &squall_gateway::Gateway) -> String {
    let (head, _) = ask(gateway, "chat", false).await;
    let line = head.lines().find_map(|line| line.strip_prefix("x-squall-deployment: "));
    line.unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_configuration_that_was_prepared_holds_from_its_time_on() {
    let [a, b] =
        [always(whole("200 OK", COMPLETION)).await, always(whole("200 OK", COMPLETION)).await];
    let gateway = gateway_of(&[a, b], |setup| {
        let mut only_d1 = setup.router.clone();
        only_d1.groups[0].deployments.remove(0);
        setup.changes = vec![only_d1];
    })
    .await;
    assert_eq!(served_by(&gateway).await, "d0");
    gateway.view().reconfigure(ConfigId(1));
    assert_eq!([served_by(&gateway).await, served_by(&gateway).await], ["d1", "d1"]);
    gateway.view().reconfigure(ConfigId(0));
    assert_eq!(served_by(&gateway).await, "d0");
}

#[tokio::test]
async fn a_reload_brings_deployments_and_takes_others_while_requests_run() {
    let (slow, _told) = hanging_provider(String::new()).await;
    let new = always(whole("200 OK", COMPLETION)).await;
    let gateway = gateway_of(&[slow], |setup| {
        // The attempt that hangs is given up soon, and tried again where that is possible now.
        setup.router.groups[0].timeouts.total = Duration::from_secs(1);
    })
    .await;
    let mut waiting = send(&gateway, "chat", false).await;
    while gateway.view().status().in_flight == 0 {
        tokio::task::yield_now().await;
    }
    let reload = Reload {
        router: chat(&["fresh"]),
        upstreams: vec![upstream("fresh", new)],
        name_tables: NameTables::default(),
    };
    let changed = gateway.view().reload(reload).expect("it is good");
    assert_eq!((changed.came, changed.went), (vec!["fresh".to_owned()], vec!["d0".to_owned()]));
    assert_eq!(served_by(&gateway).await, "fresh");
    let mut answer = String::new();
    let read = tokio::time::timeout(PATIENCE, waiting.read_to_string(&mut answer));
    read.await.expect("in time").expect("text");
    assert!(answer.contains("x-squall-deployment: fresh"), "not lost: {answer}");
}

#[tokio::test]
async fn a_reload_that_cannot_be_changes_nothing() {
    let gateway = gateway(&[always(whole("200 OK", COMPLETION)).await]).await;
    let reload = |router, base_url: &str| Reload {
        router,
        upstreams: vec![UpstreamConfig {
            base_url: base_url.to_owned(),
            ..upstream("d0", SocketAddr::from(([127, 0, 0, 1], 9)))
        }],
        name_tables: NameTables::default(),
    };
    let view = gateway.view();
    let refused = view.reload(reload(chat(&["d0"]), "ftp://nowhere"));
    assert!(matches!(refused, Err(StartError::BaseUrl { .. })));
    let refused = view.reload(reload(RouterConfig::default(), "http://127.0.0.1:9/v1"));
    assert!(matches!(refused, Err(StartError::Config(_))));
    assert_eq!(served_by(&gateway).await, "d0");
}

#[tokio::test]
async fn a_deployment_that_fails_its_checks_is_passed_over() {
    let ill = always(whole("500 Internal Server Error", "{}")).await;
    let well = always(whole("200 OK", COMPLETION)).await;
    let gateway = gateway_of(&[ill, well], |setup| {
        setup.router.health_checks = Some(HealthChecks {
            every: Duration::from_millis(20),
            unhealthy: 1,
            ..HealthChecks::default()
        });
    })
    .await;
    let asked = async {
        loop {
            let (head, _) = ask(&gateway, "chat", false).await;
            // At the first attempt: the heavier one was not even tried.
            if head.contains("x-squall-deployment: d1") && head.contains("x-squall-attempts: 1") {
                return;
            }
        }
    };
    tokio::time::timeout(PATIENCE, asked).await.expect("the checks tell of it");
}

#[tokio::test]
async fn a_client_that_stops_reading_does_not_outlive_its_deadline() {
    let token = format!(
        "data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{}\"}}}}]}}\n\n",
        "x".repeat(4_096)
    );
    // More than every buffer between provider and client holds.
    let endless = always(stream(&token.repeat(20_000))).await;
    let gateway = gateway_of(&[endless], |setup| {
        setup.router.groups[0].deadline = Duration::from_millis(500);
    })
    .await;
    let connection = send(&gateway, "chat", true).await;
    let ended = async {
        while gateway.view().status().in_flight == 0 {
            tokio::task::yield_now().await;
        }
        while gateway.view().status().in_flight > 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, ended).await.expect("the deadline holds though nobody reads");
    drop(connection);
}
