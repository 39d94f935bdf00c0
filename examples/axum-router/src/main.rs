//! The router core inside an axum service: `cargo run -p squall-example-axum-router`.
//!
//! Two upstreams listen on loopback; the first answers 503. A service in front of them asks the core where each request
//! goes. Twenty requests are sent to it, each is answered by the healthy upstream, and the program ends.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

mod core;
mod service;
mod upstream;

use crate::core::Core;
use squall_router::{DeploymentConfig, GroupConfig, RouterConfig};
use std::error::Error;

const REQUESTS: usize = 20;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let upstreams = vec![upstream::broken().await?, upstream::healthy().await?];
    let deployments = vec![DeploymentConfig::new("broken"), DeploymentConfig::new("healthy")];
    let group = GroupConfig { deployments, ..GroupConfig::new("chat") };
    let config = RouterConfig { groups: vec![group], ..RouterConfig::default() };
    let addr = service::start(Core::start(config, upstreams)?).await?;
    println!("listening on http://{addr}/chat");
    let mut answered = 0;
    for _ in 0..REQUESTS {
        let (status, body) = upstream::get(&format!("http://{addr}/chat")).await?;
        answered += usize::from(status == 200 && body.as_ref() == b"hello");
    }
    println!("{answered} of {REQUESTS} requests were answered");
    if answered == REQUESTS { Ok(()) } else { Err("the healthy upstream was not found".into()) }
}
