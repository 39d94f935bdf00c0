//! The page of `squall run --serve`, through an outage and after the end of its run.

use crate::devtools::Browser;
use squall_tests::valid_run::{Run, valid_run};
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};

/// `eu` errs from 6 s to 10 s, and is left alone for three seconds each time: long enough to be seen at looks a second apart.
const OUTAGE: &str = "
name: short-outage
seed: 7
phases: { calm: 0s..6s, outage: 6s..10s, after: 10s..20s }
traffic: { group: chat, rate: 20, prompt_tokens: 50, output_tokens: 10, client: { timeout: 5s } }
providers:
  openai-eu: { ttft: 60ms, itl: 5ms, faults: [ { at: 6s, for: 4s, error: 503 } ] }
  openai-us: { ttft: 80ms, itl: 5ms }
router:
  groups:
    chat:
      deployments:
        - { name: eu, provider: openai-eu, weight: 6 }
        - { name: us, provider: openai-us, weight: 4 }
      cooldown: { failure: { base: 3s, cap: 3s } }
expect: [ success_rate >= 50% ]
";

/// `squall run --serve`, ended when it is dropped.
struct ServedRun {
    child: Child,
    told: BufReader<ChildStderr>,
    url: String,
}

impl ServedRun {
    fn start(name: &str, scenario: &str) -> Self {
        let mut child = command(name, scenario, "--serve").spawn().expect("the binary is there");
        let mut told = BufReader::new(child.stderr.take().expect("a pipe"));
        let mut line = String::new();
        while !line.starts_with("live page: ") {
            line.clear();
            let read = told.read_line(&mut line).expect("text");
            assert!(read > 0, "it ended before it said where its page is");
        }
        let url = line.trim_start_matches("live page: ").trim().to_owned();
        Self { child, told, url }
    }

    fn connect(&self, host: &str, path: &str) -> TcpStream {
        let addr = self.url.trim_start_matches("http://").trim_end_matches('/');
        let mut stream = TcpStream::connect(addr).expect("it listens");
        let asked = format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
        stream.write_all(asked.as_bytes()).expect("it reads");
        stream
    }

    /// Its exit code, and the rest of what it said.
    fn end(mut self) -> (Option<i32>, String) {
        let mut rest = String::new();
        self.told.read_to_string(&mut rest).expect("text");
        (self.child.wait().expect("a child of ours").code(), rest)
    }
}

impl Drop for ServedRun {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("live-{name}"))
}

fn command(name: &str, scenario: &str, serve: &str) -> Command {
    let folder = folder(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a folder of our own");
    fs::write(folder.join("scenario.yaml"), scenario).expect("a file of our own");
    let mut command = Command::new(env!("CARGO_BIN_EXE_squall"));
    command.args(["run", "scenario.yaml", "--out", "run", serve]).current_dir(folder);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

/// Keeps every state that a deployment is shown in, from now on.
const WATCH: &str = "(() => {
    window.seen = new Set();
    const look = () => document.querySelectorAll('#deployments tr').forEach((row) => {
        const state = row.querySelector('.state').textContent.replace(/ \\d+ s$/, '');
        window.seen.add(`${row.dataset.deployment} ${state}`);
    });
    new MutationObserver(look).observe(document.querySelector('#deployments'), { childList: true });
})()";

/// What happened, by the page, the earliest first.
fn events(browser: &mut Browser) -> Vec<String> {
    let texts = browser.run("[...document.querySelectorAll('#events li span')].map((each) => each.textContent).reverse()");
    let texts = texts.as_array().expect("a list");
    texts.iter().map(|text| text.as_str().expect("text").to_owned()).collect()
}

#[test]
fn an_outage_is_watched_on_a_page_that_keeps_the_verdict_and_the_report() {
    let states = valid_run("an outage on a page", || {
        let run = ServedRun::start("outage", OUTAGE);
        let mut browser = Browser::open_as(&run.url, (1200, 900), false);
        browser.run(WATCH);
        browser.wait_for("document.querySelector('#scenario').textContent === 'short-outage'");
        let is_early =
            browser.run("document.querySelector('#events').textContent === 'nothing yet'");
        browser.wait_for("document.querySelector('#events').textContent.includes('fault begins at eu (openai-eu): 503')");

        // Whoever comes late has what happened so far.
        let mut late = Browser::open_as(&run.url, (390, 844), true);
        late.wait_for(
            "document.querySelector('#events').textContent.includes('fault begins at eu')",
        );
        late.wait_for("document.querySelector('#rates polyline').points.length >= 3");
        let wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth";
        assert_eq!(late.run(wide), false, "the page is wider than a phone");

        for page in [&mut browser, &mut late] {
            page.wait_for("document.querySelector('#verdict').textContent.startsWith('Verdict: ')");
            page.wait_for("document.querySelector('#report a')");
        }
        let (code, told) = run.end();
        assert!(matches!(code, Some(0 | 3)), "{told}");

        // No text of a chart leaves it.
        let outside = "[...document.querySelectorAll('main svg text')].filter((text) => {
            const [own, all] = [text, text.ownerSVGElement].map((each) => each.getBoundingClientRect());
            return own.left < all.left - 1 || own.right > all.right + 1;
        }).map((text) => text.textContent)";
        for page in [&mut browser, &mut late] {
            assert_eq!(page.run(outside), serde_json::json!([]));
        }

        // The server is gone.
        let told = events(&mut browser);
        let mut places =
            ["fault begins at eu", "first failure at eu", "eu ejected after", "fault ends at eu"]
                .map(|part| {
                    told.iter()
                        .position(|text| text.contains(part))
                        .unwrap_or_else(|| panic!("{part}: {told:#?}"))
                })
                .to_vec();
        places.push(
            told.iter().position(|text| text.contains("probe of eu succeeds")).expect("it is back"),
        );
        assert!(places.is_sorted(), "{told:#?}");
        assert_eq!(events(&mut late), told);
        assert_eq!(browser.problems(), [""; 0]);
        assert_eq!(late.problems(), [""; 0]);
        let seen = browser.run("[...window.seen]");
        let table = browser.run("document.querySelector('#table').textContent");
        let table = table.as_str().expect("text");
        assert!(table.contains("success_rate >= 50%"), "{table}");
        let problems = table.lines().filter(|line| line.starts_with("inconclusive: "));
        let mut problems: Vec<_> = problems.map(str::to_owned).collect();
        if is_early != true {
            problems.push("the browser began after the fault".to_owned());
        }
        browser.follow("(() => { const link = document.querySelector('#report a'); link.removeAttribute('target'); link.click(); })()");
        browser.wait_for("document.querySelectorAll('figure svg').length > 3");
        Run { result: seen, problems }
    });
    if let Some(seen) = states {
        let seen = seen.as_array().expect("a list");
        for state in ["eu healthy", "eu ejected", "us healthy"] {
            assert!(seen.iter().any(|each| each == state), "{state} is not among {seen:?}");
        }
    }
}

#[test]
fn a_browser_that_does_not_read_and_one_that_left_do_not_hold_the_run_up() {
    let run = ServedRun::start("dead", &OUTAGE.replace("10s..20s", "10s..11s"));
    let dead = run.connect("localhost", "/events");
    drop(run.connect("localhost", "/events"));
    let (code, told) = run.end();
    assert!(matches!(code, Some(0 | 3)), "{told}");
    drop(dead);
}

#[test]
fn a_page_from_elsewhere_gets_nothing() {
    let run = ServedRun::start("foreign", OUTAGE);
    let asked = |host: &str, path: &str| {
        let mut answer = [0; 12];
        run.connect(host, path).read_exact(&mut answer).expect("an answer");
        String::from_utf8_lossy(&answer).into_owned()
    };
    assert_eq!(asked("evil.example", "/events"), "HTTP/1.1 403");
    assert_eq!(asked("localhost", "/"), "HTTP/1.1 200");
    assert_eq!(asked("localhost", "/report.html"), "HTTP/1.1 404", "there is none yet");
    assert_eq!(asked("localhost", "/etc/passwd"), "HTTP/1.1 404");
}

#[test]
fn a_port_that_is_taken_and_virtual_time_are_refused_before_the_run() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port();
    let ran = command("taken", OUTAGE, &format!("--serve={port}")).output().expect("it runs");
    let told = String::from_utf8_lossy(&ran.stderr);
    assert_eq!(ran.status.code(), Some(4), "{told}");
    assert!(told.contains(&format!("failed to serve the live page at 127.0.0.1:{port}")), "{told}");
    let ran = command("virtual", OUTAGE, "--serve").arg("--sim").output().expect("it runs");
    assert_eq!(ran.status.code(), Some(2), "{}", String::from_utf8_lossy(&ran.stderr));
}
