//! Runs the service: `cargo run -p squall-example-axum-router`.
//!
//! Two upstreams listen on loopback; the first answers 503. A service in front of them asks the core where each request
//! goes. Twenty requests are sent to it, each is answered by the healthy upstream, and the program ends.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use squall_example_axum_router::{RouterTask, service, upstream};
use squall_router::{DeploymentConfig, GroupConfig, RouterConfig};
use std::error::Error;

const REQUESTS: usize = 20;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let upstreams = vec![upstream::broken().await?, upstream::healthy("hello").await?];
    let deployments = vec![DeploymentConfig::new("broken"), DeploymentConfig::new("healthy")];
    let group = GroupConfig { deployments, ..GroupConfig::new("chat") };
    let config = RouterConfig { groups: vec![group], ..RouterConfig::default() };
    let address = service::start(RouterTask::start(config, upstreams)?).await?;
    println!("listening on http://{address}/chat");
    let mut answered = 0;
    for _ in 0..REQUESTS {
        let (status, body) = service::get_chat(address, None).await?;
        answered += usize::from(status == 200 && body == "hello");
    }
    println!("{answered} of {REQUESTS} requests were answered");
    if answered == REQUESTS { Ok(()) } else { Err("the healthy upstream was not found".into()) }
}
