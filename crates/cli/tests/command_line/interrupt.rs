//! Ctrl-C in the middle of a live run.

use crate::squall::{Ended, Folder};
use std::process::{Command, Stdio};
use std::time::Duration;

#[test]
fn ctrl_c_ends_a_live_run_early_and_keeps_what_was_measured() {
    let folder = Folder::new("interrupt");
    folder.write("long.yaml", LONG);
    let child = folder
        .command(&["run", "long.yaml", "--out", "out"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary can be run");
    std::thread::sleep(Duration::from_secs(4));
    let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(killed.expect("kill is there").success());
    let ended = Ended::from(child.wait_with_output().expect("it ends"));
    assert_eq!(ended.code, 3, "{}{}", ended.out, ended.err);
    assert!(ended.err.contains("interrupted at"), "{}", ended.err);
    assert!(ended.out.contains("inconclusive"), "{}", ended.out);
    assert!(folder.read("out/report.html").contains("interrupted"));
    assert!(folder.read("out/requests.csv").lines().count() > 10, "what was measured is there");
}

const LONG: &str = "
name: long
phases: { all: 0s..10m }
traffic:
  group: chat
  arrivals: poisson
  rate: 30
  prompt_tokens: 20
  output_tokens: 10
  stream: 50%
  client: { timeout: 5s }
providers:
  one: { format: openai, ttft: 50ms, itl: 10ms }
router:
  groups: { chat: { deployments: [ { name: one, provider: one } ] } }
expect:
  - success_rate >= 99%
";
