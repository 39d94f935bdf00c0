//! A gateway to test in place of the built-in one: where it is, how clients address it, and how it is started.

use crate::Template;
use core::time::Duration;

/// A gateway to test in place of the built-in one. Texts are templates: their placeholders are filled in when
/// the mock providers listen.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TargetConfig {
    /// The base URL that clients use, with the version: `http://127.0.0.1:${port}/v1`. Empty for a program.
    pub url: Template,
    /// A program that reads requests from its standard input, in place of a URL.
    pub exec: Option<TargetStart>,
    /// The format that clients speak. Default OpenAI's.
    pub format: TargetFormat,
    /// Headers of every request, by name.
    pub headers: Vec<(String, Template)>,
    /// The model that clients ask for in place of a group, by the name of the group. A group that is not here
    /// is asked for by its own name.
    pub models: Vec<(String, Template)>,
    /// How it is started; `None` for a gateway that runs already.
    pub start: Option<TargetStart>,
}

impl Default for TargetConfig {
    /// A gateway at no address, which runs already.
    fn default() -> Self {
        Self {
            url: Template::default(),
            exec: None,
            format: TargetFormat::OpenAi,
            headers: Vec::new(),
            models: Vec::new(),
            start: None,
        }
    }
}

/// How a gateway is started and stopped.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TargetStart {
    /// The program and its arguments. A program without a slash is looked for in `PATH`.
    pub command: Vec<Template>,
    /// Files that are written into the target's own folder before it starts, by their paths there.
    pub files: Vec<(String, Template)>,
    /// Environment variables besides those of this process.
    pub env: Vec<(String, Template)>,
    /// When it is ready.
    pub ready: ReadyCheck,
    /// What it is told to stop by. Default SIGTERM.
    pub stop: TargetStop,
    /// The file of its folder that takes its standard output and error. Default `target.log`.
    pub log: String,
}

impl Default for TargetStart {
    /// No program; the documented defaults of everything else.
    fn default() -> Self {
        Self {
            command: Vec::new(),
            files: Vec::new(),
            env: Vec::new(),
            ready: ReadyCheck::default(),
            stop: TargetStop::default(),
            log: "target.log".to_owned(),
        }
    }
}

/// When a gateway that was started is ready: its port accepts connections, the path that is named here answers
/// 200, and a chat of each group has been answered.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ReadyCheck {
    /// A path on the host of its URL that answers 200 when it is ready: `/health/readiness`.
    pub get: Option<String>,
    /// How long that may take. Default 90 s: LiteLLM's proxy takes up to 60 s on a busy machine.
    pub within: Duration,
}

impl Default for ReadyCheck {
    fn default() -> Self {
        Self { get: None, within: Duration::from_secs(90) }
    }
}

/// The signal by which a gateway is told to stop. What is left of it after ten seconds is killed.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum TargetStop {
    /// SIGTERM.
    #[default]
    Term,
    /// SIGINT, as Ctrl-C.
    Interrupt,
    /// SIGQUIT: nginx ends gracefully by it.
    Quit,
    /// SIGKILL.
    Kill,
}

/// The formats in which a target can be asked.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum TargetFormat {
    /// OpenAI's chat completions.
    #[default]
    OpenAi,
    /// Anthropic's messages.
    Anthropic,
}
