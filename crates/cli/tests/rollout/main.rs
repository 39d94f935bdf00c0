//! The short form of the shipped rollout over real sockets. A target of its own, so that no other test takes the
//! time that its traffic needs.

use std::path::Path;
use std::process::Command;

#[test]
fn the_short_form_passes_over_real_sockets() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("rollout");
    let output = Command::new(env!("CARGO_BIN_EXE_squall"))
        .args(["rehearse", "scenarios/checklists/rollout-short.yaml", "--live"])
        .args(["--set", "traffic.output_tokens=20", "--out"])
        .arg(&out)
        .current_dir(root)
        .env("NO_COLOR", "1")
        .output()
        .expect("the binary can be run");
    let told = String::from_utf8_lossy(&output.stdout);
    let items: Vec<_> = told.lines().take_while(|line| !line.is_empty()).collect();
    let is = |word: &'static str| items.iter().filter(move |line| line.starts_with(word)).count();
    assert_eq!(is("FAILED") + is("cannot detect") + is("not reached"), 0, "{told}");
    // A machine with too much else to do gives no verdict, and says so; anything else has to pass.
    let lagged = told.matches("the driver lagged").count();
    assert_eq!(is("passed") + is("inconclusive"), 6, "{told}");
    assert_eq!(is("inconclusive"), lagged, "{told}");
    let markdown = std::fs::read_to_string(out.join("sign-off.md")).expect("it is signed off");
    assert!(markdown.contains("live, over real sockets on loopback"), "{markdown}");
}
