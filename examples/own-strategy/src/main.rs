//! Runs the strategy simulated and live: `cargo run -p squall-example-own-strategy`.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use squall_example_axum_router::service::get_chat;
use squall_example_axum_router::upstream::healthy;
use squall_example_own_strategy::{live, rendezvous, simulated};
use std::error::Error;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let verdict = simulated::run().map_err(|error| error.to_string())?;
    for row in &verdict.rows {
        println!("{:<8} {}", if row.is_met() { "met" } else { "not met" }, row.text);
    }
    let upstreams = [("eu", healthy("eu").await?), ("us", healthy("us").await?)];
    let address = live::start(rendezvous(), &upstreams).await?;
    println!("live at http://{address}/chat");
    for session in 0..6 {
        let (_, first) = get_chat(address, Some(session)).await?;
        let (_, again) = get_chat(address, Some(session)).await?;
        println!("session {session}: {first}, then {again}");
    }
    Ok(())
}
