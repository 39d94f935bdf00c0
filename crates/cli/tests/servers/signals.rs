//! The signals that end a command, each sent to the real binary.

use crate::interrupt::{LONG, interrupted};
use crate::serve::{GATEWAY, MOCK, Server, ask, spawn, start, start_and_listen, until};
use crate::squall::{BINARY, Folder};
use std::process::{Command, Stdio};
use std::sync::mpsc::Receiver;
use std::time::Duration;

/// Sends a signal to a server.
pub(crate) fn send(server: &Server, signal: &str) {
    send_to(server.0.id(), signal);
}

fn send_to(process: u32, signal: &str) {
    let sent = Command::new("kill").args([&format!("-{signal}"), &process.to_string()]).status();
    assert!(sent.expect("kill is there").success());
}

/// The exit code of a server, once it has ended.
pub(crate) fn ended(mut server: Server) -> Option<i32> {
    let mut status = None;
    wait_until("the server ends", || {
        status = server.0.try_wait().expect("it is a child");
        status.is_some()
    });
    status.and_then(|status| status.code())
}

/// Waits for a condition, generously: what never comes is a failure and not a hang.
pub(crate) fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..12_000 {
        if holds() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("not within two minutes: {what}");
}

fn mock(folder: &Folder) -> (Server, String) {
    folder.write("mock.yaml", MOCK);
    start(folder, &["mock", "--config", "mock.yaml"])
}

fn gateway(folder: &Folder, upstream: &str) -> (Server, String, Receiver<String>) {
    let file = GATEWAY.replace("MOCK", upstream).replace("LISTEN", "127.0.0.1:0");
    folder.write("gateway.yaml", &file);
    start_and_listen(folder, &["gateway", "--config", "gateway.yaml"])
}

#[test]
fn a_live_run_keeps_what_was_measured_whichever_signal_ends_it() {
    for signal in ["TERM", "HUP"] {
        let folder = Folder::new(&format!("signal-run-{signal}"));
        folder.write("long.yaml", LONG);
        let arguments = ["run", "long.yaml", "--out", "out"];
        let ended = interrupted(&folder, signal, "answered", &arguments);
        assert_eq!(ended.code, 3, "{signal}: {}{}", ended.out, ended.err);
        assert!(ended.err.contains("interrupted at"), "{signal}: {}", ended.err);
        assert!(folder.read("out/report.html").contains("interrupted"));
    }
}

#[test]
fn a_mock_ends_well_whichever_signal_ends_it() {
    for signal in ["INT", "TERM", "HUP"] {
        let folder = Folder::new(&format!("signal-mock-{signal}"));
        let (server, addr) = mock(&folder);
        assert!(ask(&addr, "m").starts_with("HTTP/1.1 200"));
        send(&server, signal);
        assert_eq!(ended(server), Some(0), "{signal}");
    }
}

#[test]
fn a_gateway_ends_on_sigterm_and_reads_its_file_again_on_sighup() {
    let folder = Folder::new("signal-gateway");
    let (_mock, upstream) = mock(&folder);
    let (server, addr, said) = gateway(&folder, &upstream);
    send(&server, "HUP");
    until(&said, "reloaded");
    assert!(ask(&addr, "chat").starts_with("HTTP/1.1 200"));
    send(&server, "TERM");
    until(&said, "draining");
    assert_eq!(ended(server), Some(0));
}

#[test]
fn a_command_under_nohup_outlives_its_terminal() {
    let folder = Folder::new("signal-nohup");
    folder.write("mock.yaml", MOCK);
    let mut shell = Command::new("sh");
    shell.args(["-c", "trap '' HUP; exec \"$0\" mock --config mock.yaml"]);
    shell.arg(BINARY).current_dir(folder.path(""));
    let (server, addr, _) = spawn(shell);
    send(&server, "HUP");
    // The answer to a request after the signal shows that it was not on its way out: a mock that stops
    // cuts what it has.
    for _ in 0..20 {
        assert!(ask(&addr, "m").starts_with("HTTP/1.1 200"));
    }
    send(&server, "TERM");
    assert_eq!(ended(server), Some(0));
}

/// A closed terminal takes the terminal away and then sends SIGHUP: a gateway that would read its file
/// again must end. `script` gives a command a terminal of its own, which goes when `script` is killed.
#[test]
#[cfg(target_os = "linux")]
fn a_gateway_ends_when_its_terminal_is_closed() {
    let folder = Folder::new("signal-terminal");
    folder.write(
        "gateway.yaml",
        &GATEWAY.replace("MOCK", "127.0.0.1:9").replace("LISTEN", "127.0.0.1:0"),
    );
    let line = format!(
        "echo $$ > pid; exec env --default-signal=HUP {BINARY} gateway --config gateway.yaml"
    );
    let mut command = Command::new("script");
    command.args(["--quiet", "--flush", "--command", &line, "log"]);
    let spawned = command
        .current_dir(folder.path(""))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let script = Server(spawned.expect("util-linux is there"));
    wait_until("the gateway listens", || {
        std::fs::read_to_string(folder.path("log")).is_ok_and(|log| log.contains("gateway: "))
    });
    let process: u32 = folder.read("pid").trim().parse().expect("a number");
    send(&script, "KILL");
    ended(script);
    wait_until("the gateway ends", || {
        !std::fs::exists(format!("/proc/{process}/exe")).is_ok_and(|there| there)
    });
}

/// The kernel applies no default action to process number 1: without a handler of its own a command in a
/// container hears nothing.
#[test]
#[cfg(target_os = "linux")]
fn process_number_1_ends_on_signals_too() {
    let unshare = |arguments: &[&str]| {
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--pid", "--fork", "--kill-child"]);
        command.args(arguments).env("NO_COLOR", "1");
        command
    };
    // A machine that gives no namespaces of processes cannot show it.
    if !unshare(&["true"]).status().is_ok_and(|status| status.success()) {
        return;
    }
    for signal in ["INT", "TERM"] {
        let folder = Folder::new(&format!("signal-init-{signal}"));
        folder.write("mock.yaml", MOCK);
        let mut command = unshare(&[BINARY, "mock", "--config", "mock.yaml"]);
        command.current_dir(folder.path(""));
        let (server, _, _) = spawn(command);
        let children = format!("/proc/{0}/task/{0}/children", server.0.id());
        let children = std::fs::read_to_string(children).expect("it has a child");
        send_to(children.trim().parse().expect("one child"), signal);
        assert_eq!(ended(server), Some(0), "{signal}");
    }
}
