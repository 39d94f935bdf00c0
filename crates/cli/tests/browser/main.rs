//! Our pages in a real browser. That of the mock providers: a person pulls a plug, sees it, and so does a client. That of
//! a run: `report.rs`; that of a run that goes on: `live.rs`. Chromium is installed by `cargo xtask test`.

mod devtools;
mod live;
mod report;

use devtools::Browser;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

const MOCK: &str = "
providers:
  eu: { ttft: 10ms, itl: 1ms, limits: { rpm: 600 } }
  us: { ttft: 10ms, itl: 1ms, format: anthropic }
";

/// `squall mock` with its page, stopped when it is dropped.
struct Mock {
    child: Child,
    eu: SocketAddr,
    us: SocketAddr,
    page: String,
}

impl Mock {
    fn start() -> Self {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
        let file = folder.join("browser-mock.yaml");
        fs::write(&file, MOCK).expect("a folder of our own");
        let mut child = Command::new(env!("CARGO_BIN_EXE_squall"))
            .args(["mock", "--admin", "127.0.0.1:0", "--config"])
            .arg(file)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary is there");
        let mut lines = BufReader::new(child.stderr.take().expect("a pipe")).lines();
        let mut url = || {
            let line = lines.next().expect("a line").expect("text");
            line.split_once(": ").expect("a name and a URL").1.to_owned()
        };
        let addr = |url: String| {
            let host = url.split('/').nth(2).expect("a host");
            host.parse().expect("an address")
        };
        let (eu, us) = (addr(url()), addr(url()));
        let page = url();
        Self { child, eu, us, page }
    }
}

impl Drop for Mock {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn is_refused(addr: SocketAddr) -> bool {
    TcpStream::connect(addr).is_err()
}

/// What the page says of a provider's state.
fn state_is(provider: &str, state: &str) -> String {
    format!(
        "document.querySelector('#provider-{provider} .state')?.textContent === {}",
        serde_json::Value::from(state)
    )
}

fn press(provider: &str, plug: &str) -> String {
    format!(
        "document.querySelector('button[data-provider=\"{provider}\"][data-plug=\"{plug}\"]').click()"
    )
}

#[test]
fn a_plug_that_is_pulled_on_the_page_is_pulled() {
    let mock = Mock::start();
    let mut browser = Browser::open(&mock.page);
    browser.wait_for("document.querySelectorAll('article').length === 2");
    browser.wait_for(&state_is("eu", "healthy"));
    assert!(!is_refused(mock.eu) && !is_refused(mock.us));

    browser.run(&press("eu", "Pull the plug"));
    browser.wait_for(&state_is("eu", "refused"));
    assert!(is_refused(mock.eu), "a client sees it");
    assert!(!is_refused(mock.us), "and the other provider is healthy");
    browser.wait_for(&state_is("us", "healthy"));
    browser.wait_for("document.querySelector('#provider-eu li').textContent.includes('left')");

    browser.run(&press("eu", "in"));
    browser.wait_for(&state_is("eu", "healthy"));
    assert!(!is_refused(mock.eu));
    browser.wait_for("document.querySelector('#message').textContent === ''");
}

#[test]
fn a_mistake_in_a_fault_is_shown_with_its_place() {
    let mock = Mock::start();
    let mut browser = Browser::open(&mock.page);
    browser.wait_for("document.querySelectorAll('article').length === 2");
    browser.run(
        "(() => { const form = document.querySelector('#provider-us form');
           form.querySelector('input').value = 'eror: 503, for: 30s';
           form.requestSubmit(); })()",
    );
    browser.wait_for(
        "document.querySelector('#message').textContent.includes('did you mean `error`?')",
    );
    browser.wait_for(&state_is("us", "healthy"));
}
