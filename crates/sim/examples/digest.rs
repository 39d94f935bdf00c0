//! Simulates a scenario and prints the digest of its run: `cargo run -p squall-sim --example digest -- FILE`.

use squall_scenario::Scenario;
use squall_sim::SimOptions;
use std::error::Error;
use std::path::Path;

#[expect(clippy::print_stdout, reason = "this is a program")]
fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("name a scenario")?;
    let folder = Path::new(&path).parent().unwrap_or_else(|| Path::new(""));
    let load = |other: &str| std::fs::read_to_string(folder.join(other));
    let scenario = Scenario::read_with(&path, &std::fs::read_to_string(&path)?, &load)?;
    println!("digest: {}", squall_sim::simulate(&scenario, SimOptions::default())?.header.digest);
    Ok(())
}
