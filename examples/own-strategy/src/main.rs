//! Runs the strategy simulated and live: `cargo run -p squall-example-own-strategy`.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use squall_example_own_strategy::live::{ask, service, upstream};
use squall_example_own_strategy::{rendezvous, simulated};
use std::error::Error;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let verdict = simulated::run().map_err(|error| error.to_string())?;
    for row in &verdict.rows {
        println!("{:<8} {}", if row.is_met() { "met" } else { "not met" }, row.text);
    }
    let upstreams = [("eu", upstream("eu").await?), ("us", upstream("us").await?)];
    let address = service(rendezvous(), &upstreams).await?;
    println!("live at http://{address}/");
    for session in 0..6 {
        let (_, first) = ask(address, session).await?;
        let (_, again) = ask(address, session).await?;
        println!("session {session}: {first}, then {again}");
    }
    Ok(())
}
