//! A core that fails.

use super::*;
use crate::app_state::AppState;
use crate::keys::KeyRing;
use crate::operator::OperatorState;
use crate::request_id::RequestIds;
use crate::request_log::Unauthenticated;
use crate::routes::routes;
use crate::serving::{RequestContext, ServerState};
use crate::setup::NameTables;
use crate::upstream_registry::NameIndex;
use axum::body::Body;
use http::Request;
use http_body_util::BodyExt;
use squall_determinism::Seed;
use squall_router::{DeploymentConfig, GroupConfig, IdRegistry};
use squall_wire::ServerSettings;
use std::time::Duration;
use tokio::sync::mpsc::unbounded_channel;
use tower_service::Service;

/// The state of routes without a server around them.
fn app_state() -> Arc<AppState> {
    let mut group = GroupConfig::new("chat");
    group.deployments = vec![DeploymentConfig::new("d")];
    let config = RouterConfig { groups: vec![group], ..RouterConfig::default() };
    let numbers = IdRegistry::default().add(&config);
    let directory = NameIndex::new(&config, &numbers, &NameTables::default());
    let router = Router::new(config.clone(), Seed::new(1), 0).expect("it can run");
    let clock = Clock::start_now();
    let (checks, _) = unbounded_channel();
    Arc::new(AppState {
        handle: Arc::new(RouterHandle::new(router, clock, Retention::Nothing, checks, None)),
        registry: Arc::new(UpstreamRegistry::new(Arc::new(directory))),
        server: Arc::new(ServerState::new(ServerSettings::default(), clock, true, None)),
        unauthenticated: Unauthenticated::default(),
        telemetry: None,
        operator: OperatorState::new(config, 0),
        keys: KeyRing::new(clock, 0, &[]),
    })
}

/// The status of an answer, and its body.
async fn ask(app: &Arc<AppState>, path: &str, body: &'static str) -> (u16, String) {
    let mut request = Request::new(Body::from(body));
    *request.uri_mut() = path.parse().expect("a path");
    *request.method_mut() = if body.is_empty() { http::Method::GET } else { http::Method::POST };
    let id = RequestIds::new().of(request.headers());
    request.extensions_mut().insert(RequestContext::new(id));
    let Ok(answer) = routes(Arc::clone(app), true).call(request).await;
    let (head, body) = answer.into_parts();
    let body = body.collect().await.expect("a body").to_bytes();
    (head.status.as_u16(), String::from_utf8_lossy(&body).into_owned())
}

#[tokio::test]
async fn a_panic_in_the_core_is_told_and_health_does_not_lie_about_it() {
    let app = app_state();
    assert_eq!(ask(&app, "/health", "").await.0, 200);
    let handle = Arc::clone(&app.handle);
    let told = tokio::spawn(async move { handle.failed().await });

    let handle = Arc::clone(&app.handle);
    let failed = tokio::spawn(async move {
        handle.arrive(None, || panic!("not asked for"), |_| panic!("planted"))
    })
    .await;
    assert!(failed.is_err(), "it panicked");

    tokio::time::timeout(Duration::from_secs(60), told).await.expect("told").expect("no panic");
    assert_eq!(ask(&app, "/health", "").await.0, 503);
    assert_eq!(ask(&app, "/ready", "").await.0, 503);
    assert_eq!(ask(&app, "/metrics", "").await.0, 503);
    let chat = r#"{"model":"chat","messages":[{"role":"user","content":"hi"}]}"#;
    let (status, body) = ask(&app, "/v1/chat/completions", chat).await;
    assert_eq!(status, 500, "{body}");
    assert!(body.contains("{\"error\":"), "{body}");
    // Nothing of it is used any more, and nothing that asks it panics too.
    assert_eq!((app.handle.in_flight(), app.handle.cooling()), (0, Vec::new()));
    assert!(matches!(app.handle.prepare(RouterConfig::default()), Err(StartError::CoreFailed)));
    app.handle.tell(RouterInput::Tick);
}
