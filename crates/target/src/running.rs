//! A target that is up: started or found, ready, and stopped at the end.

use crate::addresses::{PlaceholderValues, ProviderAddress};
use crate::api::TargetApi;
use crate::process::{ProcessSetup, TargetProcess, fresh_folder};
use crate::program_lines::ProgramLines;
use crate::program_readiness;
use crate::readiness::{self, ReadinessProbe};
use crate::target_host::TargetHost;
use crate::usage::ResourceUsage;
use crate::{LogTail, TargetError};
use http::uri::Authority;
use http::{HeaderMap, HeaderName, HeaderValue};
use squall_scenario::{TargetConfig, TargetStart, Template};
use squall_wire::Format;
use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};

/// What a target is started with.
#[derive(Debug)]
pub struct TargetSetup<'a> {
    /// What it is.
    pub config: &'a TargetConfig,
    /// The mock providers that it may call.
    pub providers: &'a [ProviderAddress],
    /// Its own folder: emptied, then filled with its files and its log.
    pub folder: &'a Path,
    /// Folders in which its program is looked for before those of `PATH`.
    pub path: &'a [PathBuf],
    /// The groups that clients ask for: a chat of each is answered before it is ready.
    pub groups: &'a [String],
}

/// A target that is ready. Dropping it stops it, if it was started here.
#[derive(Debug)]
pub struct RunningTarget {
    api: TargetApi,
    process: Option<TargetProcess>,
    /// Of a program.
    lines: Option<ProgramLines>,
}

impl RunningTarget {
    /// Starts a target, unless it runs already, and waits until it is ready or `is_stopped`. Blocks the calling
    /// thread.
    ///
    /// # Errors
    /// When it cannot be started, ends, or is not ready in time. Nothing of it is left running then.
    ///
    /// # Panics
    /// When called from within a tokio runtime.
    pub fn start(
        setup: &TargetSetup<'_>,
        is_stopped: &dyn Fn() -> bool,
    ) -> Result<Self, TargetError> {
        let TargetSetup { config, providers, folder, .. } = *setup;
        let values = PlaceholderValues::new(providers, folder);
        if let Some(exec) = &config.exec {
            return Self::start_program(setup, exec, &values, is_stopped);
        }
        let base_url = values.fill(&config.url)?;
        let address = loopback_address(&base_url)?;
        let named = |named: &[(String, Template)]| filled(named, &values);
        let api = TargetApi {
            base_url,
            format: config.format,
            headers: headers(named(&config.headers)?),
            models: named(&config.models)?,
        };
        let start = config.start.as_ref();
        // Another server's answers would be taken for the target's.
        if start.is_some() && TcpStream::connect(address.as_str()).is_ok() {
            return Err(TargetError::Taken { addr: address.as_str().to_owned() });
        }
        let process = start.map(|start| spawn(setup, start, &values, &named(&start.env)?));
        let process = process.transpose()?;
        let ready = start.map(|start| start.ready.clone()).unwrap_or_default();
        let models = setup.groups.iter().map(|group| api.model(group).to_owned()).collect();
        let process_of = process.as_ref();
        let probe =
            ReadinessProbe { address, models, check: ready, api: &api, process: process_of };
        readiness::wait(&probe, is_stopped)?;
        Ok(Self { api, process, lines: None })
    }

    /// A system that runs already, with providers of its own. One that is not on this machine has to be among the
    /// hosts `allowed`.
    ///
    /// # Errors
    /// When it is to be started, has no URL, or is elsewhere and not allowed. It is not called.
    pub fn attach(config: &TargetConfig, allowed: &[String]) -> Result<Self, TargetError> {
        let key = match (&config.exec, &config.start) {
            (Some(_), _) => Some("exec"),
            (None, Some(_)) => Some("start"),
            (None, None) => None,
        };
        if let Some(key) = key {
            return Err(TargetError::NotRunning { key });
        }
        let values = PlaceholderValues::new(&[], Path::new(""));
        let named = |named: &[(String, Template)]| filled(named, &values);
        let base_url = values.fill(&config.url)?;
        let host = TargetHost::of(&base_url)?;
        if !host.is_this_machine() && !allowed.contains(&host.name) {
            return Err(TargetError::NotAllowed { url: base_url, host: host.name });
        }
        let api = TargetApi {
            base_url,
            format: config.format,
            headers: headers(named(&config.headers)?),
            models: named(&config.models)?,
        };
        Ok(Self { api, process: None, lines: None })
    }

    /// Starts a program that is a target itself.
    fn start_program(
        setup: &TargetSetup<'_>,
        exec: &TargetStart,
        values: &PlaceholderValues<'_>,
        is_stopped: &dyn Fn() -> bool,
    ) -> Result<Self, TargetError> {
        let env = filled(&exec.env, values)?;
        let process = spawn(setup, exec, values, &env)?;
        let api = TargetApi {
            base_url: String::new(),
            format: setup.config.format,
            headers: HeaderMap::new(),
            models: filled(&setup.config.models, values)?,
        };
        let pipes = process.take_pipes().map(|(stdin, stdout)| ProgramLines::over(stdin, stdout));
        let mut lines = pipes.ok_or_else(|| TargetError::NoProgram { program: String::new() })?;
        let models: Vec<_> = setup.groups.iter().map(|group| api.model(group).to_owned()).collect();
        program_readiness::wait(&mut lines, &models, &process, exec.ready.within, is_stopped)?;
        Ok(Self { api, process: Some(process), lines: Some(lines) })
    }

    /// The lines of a program, once; `None` for a target with a URL.
    pub fn take_lines(&mut self) -> Option<ProgramLines> {
        self.lines.take()
    }

    /// Whether it is a program, and has no URL.
    #[must_use]
    pub fn is_program(&self) -> bool {
        self.api.base_url.is_empty()
    }

    /// Its base URL with the version.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.api.base_url
    }

    /// The format in which it is asked.
    #[must_use]
    pub const fn format(&self) -> Format {
        self.api.wire_format()
    }

    /// The headers of every request.
    #[must_use]
    pub const fn headers(&self) -> &HeaderMap {
        &self.api.headers
    }

    /// What clients ask for when they want a group.
    #[must_use]
    pub fn model<'t>(&'t self, group: &'t str) -> &'t str {
        self.api.model(group)
    }

    /// How it ended, if it was started here and has.
    pub fn ended(&self) -> Option<String> {
        self.process.as_ref().and_then(TargetProcess::ended)
    }

    /// What it has used since the last call; `None` for one that was not started here, and where the system does
    /// not tell.
    #[must_use]
    pub fn usage(&self) -> Option<ResourceUsage> {
        self.process.as_ref().and_then(TargetProcess::usage)
    }

    /// The end of its log; empty for one that was not started here.
    #[must_use]
    pub fn log_tail(&self) -> LogTail {
        self.process.as_ref().map(TargetProcess::log_tail).unwrap_or_default()
    }

    /// Stops it, with everything that it started.
    pub fn stop(self) {
        if let Some(process) = self.process {
            process.stop();
        }
    }
}

/// Texts by name, filled in.
fn filled(
    named: &[(String, Template)],
    values: &PlaceholderValues<'_>,
) -> Result<Vec<(String, String)>, TargetError> {
    named.iter().map(|(name, text)| Ok((name.clone(), values.fill(text)?))).collect()
}

/// Writes its files and starts it.
fn spawn(
    setup: &TargetSetup<'_>,
    start: &TargetStart,
    values: &PlaceholderValues<'_>,
    env: &[(String, String)],
) -> Result<TargetProcess, TargetError> {
    let folder = setup.folder;
    fresh_folder(folder)?;
    for (path, text) in &start.files {
        write(&folder.join(path), &values.fill(text)?)?;
    }
    let log = folder.join(&start.log);
    write(&log, "")?;
    let command = start.command.iter().map(|part| values.fill(part));
    let command = command.collect::<Result<Vec<_>, _>>()?;
    TargetProcess::start(&ProcessSetup {
        command: &command,
        env,
        folder,
        path: setup.path,
        log,
        stop: start.stop,
        speaks: setup.config.exec.is_some(),
    })
}

fn write(path: &Path, text: &str) -> Result<(), TargetError> {
    let cannot = |source| TargetError::Write { path: path.to_owned(), source };
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(cannot)?;
    }
    fs::write(path, text).map_err(cannot)
}

/// Headers of which the file has checked the names; a value that is no header value is left out.
fn headers(named: Vec<(String, String)>) -> HeaderMap {
    let headers = named.into_iter().filter_map(|(name, value)| {
        let mut value = HeaderValue::try_from(value).ok()?;
        value.set_sensitive(true);
        Some((HeaderName::try_from(name).ok()?, value))
    });
    headers.collect()
}

/// Host and port of a URL on this machine.
fn loopback_address(url: &str) -> Result<Authority, TargetError> {
    let host = TargetHost::of(url)?;
    let url = || url.to_owned();
    if !host.is_this_machine() {
        return Err(TargetError::Remote { url: url() });
    }
    if host.is_secure {
        return Err(TargetError::Secure { url: url() });
    }
    let port = host.authority.port_u16().unwrap_or(80);
    let address = format!("{}:{port}", host.authority.host()).parse();
    address.map_err(|_| TargetError::Url { url: url() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn load_goes_to_this_machine_only() {
        for url in ["http://127.0.0.1:4000/v1", "http://localhost/v1", "http://[::1]:9/v1"] {
            loopback_address(url).expect(url);
        }
        for url in ["http://10.0.0.1/v1", "http://gateway.test:80", "http://127.0.0.1.evil.test"] {
            let error = loopback_address(url).expect_err(url);
            assert!(matches!(error, TargetError::Remote { .. }), "{error}");
        }
    }

    fn attached(url: &str, allowed: &[&str]) -> Result<RunningTarget, TargetError> {
        let config = TargetConfig { url: url.parse().expect(url), ..TargetConfig::default() };
        let allowed: Vec<_> = allowed.iter().map(|host| (*host).to_owned()).collect();
        RunningTarget::attach(&config, &allowed)
    }

    #[test]
    fn a_system_elsewhere_is_called_only_if_its_host_was_named() {
        attached("http://localhost:4000/v1", &[]).expect("it is this machine");
        let error = attached("https://staging.test/v1", &[]).expect_err("it is elsewhere");
        assert!(error.to_string().contains("`--allow-remote staging.test`"), "{error}");
        attached("https://staging.test/v1", &["staging.test"]).expect("it was named");
        attached("https://staging.test.evil.test/v1", &["staging.test"]).expect_err("another host");
    }
}
