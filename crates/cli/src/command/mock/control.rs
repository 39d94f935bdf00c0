//! `squall mock inject`, `end`, `list`, `findings`, `pause`, `resume`, `reset`: the admin API from a terminal.

use super::{admin_token, findings};
use crate::args::{Control, WhereArgs};
use crate::command::serve::runtime;
use crate::error::{CliError, Exit};
use crate::terminal;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use std::time::Duration;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// The largest answer that is read.
const ANSWER_MAX: usize = 4 << 20;

pub(super) fn control(control: &Control) -> Result<Exit, CliError> {
    let answer = match control {
        Control::List(api) => ask(api, "providers", None)?,
        Control::Findings(args) => {
            let what = format!("findings?client_done={}", args.client_done);
            return Ok(findings::tell(&ask(&args.api, &what, None)?));
        }
        Control::Inject(args) => {
            let (fault, providers) = args.words.split_last().unwrap_or((&EMPTY, &[]));
            let body = json!({ "providers": named(providers), "fault": fault });
            let injected = ask(&args.api, "inject", Some(&body))?;
            terminal::field("injected", || injected.clone());
            for each in injected.as_array().into_iter().flatten() {
                let (provider, what) = (word(each, "provider"), word(each, "what"));
                let number = &each["fault"];
                terminal::data(format_args!("{provider}: fault {number}, {what}"));
            }
            return Ok(Exit::Met);
        }
        Control::End(args) => {
            let body = json!({ "providers": named(&args.providers), "fault": args.fault });
            ask(&args.api, "end", Some(&body))?
        }
        Control::Pause(args) => {
            ask(&args.api, "pause", Some(&json!({ "providers": named(&args.providers) })))?
        }
        Control::Resume(args) => {
            ask(&args.api, "resume", Some(&json!({ "providers": named(&args.providers) })))?
        }
        Control::Reset(args) => {
            ask(&args.api, "reset", Some(&json!({ "providers": named(&args.providers) })))?
        }
    };
    terminal::field("providers", || answer.clone());
    for provider in answer.as_array().into_iter().flatten() {
        tell(provider);
    }
    Ok(Exit::Met)
}

static EMPTY: String = String::new();

/// The providers, or none where all are meant.
fn named(providers: &[String]) -> Option<&[String]> {
    (providers != ["all"]).then_some(providers)
}

/// A provider in a line, and each of its faults in another.
fn tell(provider: &Value) {
    let number = |name: &str| provider[name].as_u64().unwrap_or_default();
    let places =
        provider["places"].as_u64().map_or(String::new(), |places| format!(" of {places}"));
    let second = provider["seconds"].as_array().and_then(|seconds| seconds.iter().rev().nth(1));
    let counted = |name: &str| second.and_then(|second| second[name].as_u64()).unwrap_or_default();
    let ended: u64 = ["answered", "throttled", "failed", "given_up"].map(counted).iter().sum();
    let paused = if provider["paused"] == true { ", paused" } else { "" };
    terminal::data(format_args!(
        "{:<20} {}{places} in service, {} queued, {ended} per second, {} completed{paused}",
        word(provider, "name"),
        number("serving"),
        number("waiting"),
        counted("answered"),
    ));
    for fault in provider["faults"].as_array().into_iter().flatten() {
        let secs = |name: &str| fault[name].as_f64().unwrap_or_default() / 1e3;
        let when = if fault["active"] == true {
            let plural = if fault["hits"] == 1 { "" } else { "s" };
            let (left, hits) = (secs("ends_in_ms"), &fault["hits"]);
            format!("{left:.0} s left, {hits} attempt{plural} affected")
        } else {
            format!("in {:.0} s", secs("starts_in_ms"))
        };
        terminal::data(format_args!(
            "  fault {}: {}, {when}",
            fault["number"],
            word(fault, "what")
        ));
    }
}

fn word<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

/// Asks the admin API: with a body to do something, without one to tell.
fn ask(api: &WhereArgs, what: &str, body: Option<&Value>) -> Result<Value, CliError> {
    let admin = api.admin;
    let mut request = Request::new(Full::new(Bytes::new()));
    *request.uri_mut() = format!("http://{admin}/api/v1/{what}")
        .parse()
        .map_err(|_| CliError::Control(format!("`{admin}` is not an address")))?;
    let headers = request.headers_mut();
    if let Some(token) = api.admin_token.clone().or_else(admin_token) {
        let value = format!("Bearer {token}").parse();
        let value = value
            .map_err(|_| CliError::Control("the token is not a valid header value".to_owned()))?;
        headers.insert(AUTHORIZATION, value);
    }
    if let Some(body) = body {
        headers.insert(CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
        *request.method_mut() = Method::POST;
        *request.body_mut() = Full::new(body.to_string().into());
    }
    let (status, body) = runtime()?.block_on(async {
        let client = Client::builder(TokioExecutor::new()).build_http();
        let answer = tokio::time::timeout(PATIENCE, async {
            let answer = client.request(request).await.map_err(|error| no_answer(admin, &error))?;
            let status = answer.status();
            let body = Limited::new(answer.into_body(), ANSWER_MAX).collect().await;
            let body = body.map_err(|error| CliError::Control(format!("{admin}: {error}")))?;
            Ok::<_, CliError>((status, body.to_bytes()))
        });
        answer.await.unwrap_or_else(|_| {
            Err(CliError::Control(format!(
                "{admin} did not answer within {} s",
                PATIENCE.as_secs()
            )))
        })
    })?;
    let value: Value = serde_json::from_slice(&body).unwrap_or_default();
    if status == StatusCode::OK {
        return Ok(value);
    }
    let message = value["error"].as_str().map_or_else(
        || format!("{admin} answered {status}: this is not the admin API of `squall mock`"),
        str::to_owned,
    );
    Err(CliError::Control(message))
}

fn no_answer(admin: std::net::SocketAddr, error: &hyper_util::client::legacy::Error) -> CliError {
    CliError::Control(if error.is_connect() {
        format!("nothing listens on {admin}: start `squall mock --config FILE --admin {admin}`")
    } else {
        format!("{admin}: {error}")
    })
}
