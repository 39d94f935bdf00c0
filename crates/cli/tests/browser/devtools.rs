//! Chromium by its DevTools protocol over a pipe: messages of JSON that end in a zero byte.

use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

/// A browser with one page.
#[derive(Debug)]
pub(crate) struct Browser {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    session: Option<String>,
    last: u64,
    /// What the page has complained of.
    problems: Vec<String>,
}

/// What a mouse does.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum MouseEvent {
    Move,
    /// With its button held down.
    Drag,
    Press,
    Release,
}

/// What Chromium says where a page goes away while a script runs in it.
const LEFT: [&str; 2] = ["Inspected target navigated or closed", "Execution context was destroyed"];

/// How often a condition is looked at before it is given up, each after a pause.
const LOOKS: u32 = 1_200;
const PAUSE: Duration = Duration::from_millis(50);

impl Browser {
    /// Opens a page.
    pub(crate) fn open(url: &str) -> Self {
        // It speaks on descriptors 3 and 4, which a shell makes of its own input and output.
        let command = "exec chromium --headless --no-sandbox --disable-gpu --disable-dev-shm-usage \
                       --no-first-run --remote-debugging-pipe about:blank 3<&0 4>&1 0</dev/null 1>/dev/null 2>/dev/null";
        let mut child = Command::new("sh")
            .args(["-c", command])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a shell");
        let to = child.stdin.take().expect("a pipe");
        let from = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut browser = Self { child, to, from, session: None, last: 0, problems: Vec::new() };
        let target = browser.call("Target.createTarget", &json!({ "url": url }));
        let target = json!({ "targetId": target["targetId"], "flatten": true });
        let session = browser.call("Target.attachToTarget", &target);
        browser.session = session["sessionId"].as_str().map(str::to_owned);
        browser
    }

    /// Opens a page of so many pixels, on dark paper or on white, whose errors are kept.
    pub(crate) fn open_as(url: &str, (width, height): (u32, u32), dark: bool) -> Self {
        let mut browser = Self::open("about:blank");
        for domain in ["Page", "Runtime", "Log"] {
            browser.call(&format!("{domain}.enable"), &json!({}));
        }
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500 });
        browser.call("Emulation.setDeviceMetricsOverride", &size);
        let scheme = if dark { "dark" } else { "light" };
        let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        browser.call("Emulation.setEmulatedMedia", &media);
        browser.call("Page.navigate", &json!({ "url": url }));
        browser.wait_for("location.protocol !== 'about:' && document.readyState === 'complete'");
        browser.run("document.fonts.ready.then(() => true)");
        browser
    }

    /// What the page has complained of so far: errors in its script, and what it could not load.
    pub(crate) fn problems(&mut self) -> &[String] {
        // What was said before is read with this answer.
        self.run("1");
        &self.problems
    }

    /// Moves the mouse to a place, presses it there or lets it go.
    pub(crate) fn mouse(&mut self, what: MouseEvent, (x, y): (f64, f64)) {
        let (kind, button, pressed) = match what {
            MouseEvent::Move => ("mouseMoved", "none", 0),
            MouseEvent::Drag => ("mouseMoved", "left", 1),
            MouseEvent::Press => ("mousePressed", "left", 1),
            MouseEvent::Release => ("mouseReleased", "left", 0),
        };
        let clicks = u32::from(matches!(what, MouseEvent::Press | MouseEvent::Release));
        let event = json!({
            "type": kind, "x": x, "y": y, "button": button, "buttons": pressed, "clickCount": clicks
        });
        self.call("Input.dispatchMouseEvent", &event);
    }

    /// Presses a key by its name.
    pub(crate) fn key(&mut self, key: &str) {
        for kind in ["keyDown", "keyUp"] {
            self.call("Input.dispatchKeyEvent", &json!({ "type": kind, "key": key }));
        }
    }

    /// The page as it is printed: a PDF in base64.
    pub(crate) fn pdf(&mut self) -> String {
        let printed = self.call("Page.printToPDF", &json!({ "printBackground": true }));
        printed["data"].as_str().expect("data").to_owned()
    }

    /// Runs a piece of script.
    pub(crate) fn run(&mut self, script: &str) -> Value {
        let value = self.evaluate(script);
        value.unwrap_or_else(|| panic!("the page went away under the script `{script}`"))
    }

    /// Runs a piece of script that may lead to another page.
    pub(crate) fn follow(&mut self, script: &str) {
        self.evaluate(script);
    }

    /// What a piece of script gives; nothing, where its page goes away under it.
    fn evaluate(&mut self, script: &str) -> Option<Value> {
        let arguments =
            json!({ "expression": script, "awaitPromise": true, "returnByValue": true });
        match self.try_call("Runtime.evaluate", &arguments) {
            Ok(answer) => {
                assert!(answer["exceptionDetails"].is_null(), "{script}: {answer}");
                Some(answer["result"]["value"].clone())
            }
            Err(error) => {
                let left = LEFT.iter().any(|words| error.to_string().contains(words));
                assert!(left, "{script}: {error}");
                None
            }
        }
    }

    /// Waits until a condition holds.
    pub(crate) fn wait_for(&mut self, condition: &str) {
        for _ in 0..LOOKS {
            if self.evaluate(&format!("Boolean({condition})")) == Some(true.into()) {
                return;
            }
            std::thread::sleep(PAUSE);
        }
        let text = self.run("document.body.innerText");
        panic!("{condition} never held; the page says:\n{text}");
    }

    fn call(&mut self, method: &str, arguments: &Value) -> Value {
        let answer = self.try_call(method, arguments);
        answer.unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    fn try_call(&mut self, method: &str, arguments: &Value) -> Result<Value, Value> {
        self.last += 1;
        let mut message = json!({ "id": self.last, "method": method, "params": arguments });
        if let Some(session) = &self.session {
            message["sessionId"] = session.as_str().into();
        }
        self.to
            .write_all(format!("{message}\0").as_bytes())
            .expect("chromium is installed (`cargo xtask test` sees to it) and takes messages");
        loop {
            let mut bytes = Vec::new();
            let read = self.from.read_until(0, &mut bytes).expect("it answers");
            assert!(read > 0, "chromium has ended: is it installed? `cargo xtask test` sees to it");
            bytes.pop();
            let answer: Value = serde_json::from_slice(&bytes).expect("JSON");
            if answer["method"] == "Runtime.exceptionThrown" || answer["method"] == "Log.entryAdded"
            {
                self.problems.push(answer["params"].to_string());
            }
            if answer["id"] == self.last {
                return match &answer["error"] {
                    Value::Null => Ok(answer["result"].clone()),
                    error => Err(error.clone()),
                };
            }
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // It takes its own processes with it, if it is asked; it may have ended by itself.
        let _ = self.to.write_all(b"{\"id\":0,\"method\":\"Browser.close\"}\0");
        for _ in 0..LOOKS {
            if self.child.try_wait().is_ok_and(|ended| ended.is_some()) {
                return;
            }
            std::thread::sleep(PAUSE);
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
