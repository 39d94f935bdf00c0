//! `squall check --target`: every scenario once over real sockets, and what an inconclusive one exits with.

use crate::interrupt::{LONG, interrupted};
use crate::squall::Folder;

/// The attempts that meet a refused connection reach no provider, so that another gateway hides how many they were.
const HIDDEN: &str = "
name: hidden
duration: 4s
traffic:
  group: chat
  rate: 20
  prompt_tokens: 20
  output_tokens: 5
  client: { timeout: 5s }
providers:
  one: { ttft: 20ms, itl: 1ms, faults: [ { at: 1s, for: 1s, outage: refuse } ] }
  two: { ttft: 20ms, itl: 1ms }
router:
  groups:
    chat: { deployments: [ { name: one, provider: one }, { name: two, provider: two } ] }
expect:
  - retry_amplification <= 9
";

#[test]
fn an_inconclusive_live_check_fails_or_warns_as_told() {
    let folder = Folder::new("live-check");
    folder.write("hidden.yaml", HIDDEN);
    let check = ["check", "hidden.yaml", "--target", "squall"];
    let ended = folder.squall(&check);
    assert_eq!(ended.code, 3, "{}{}", ended.out, ended.err);
    let ended = folder.squall(&[&check[..], &["--inconclusive", "warn"]].concat());
    assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
    assert!(ended.err.contains("warning: the result is inconclusive"), "{}", ended.err);
    assert!(folder.read("reports/check/junit.xml").contains("retry_amplification"));
}

#[test]
fn an_interrupted_live_check_does_not_merely_warn() {
    let folder = Folder::new("live-check-interrupted");
    folder.write("long.yaml", LONG);
    let check = ["check", "long.yaml", "--target", "squall", "--inconclusive", "warn"];
    let ended = interrupted(&folder, "INT", "answered", &check);
    assert_eq!(ended.code, 3, "{}{}", ended.out, ended.err);
}
