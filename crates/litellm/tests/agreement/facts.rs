//! What LiteLLM says of each file, in the words that ours are compared in.

use super::ours::{Deployment, Ours, number};
use serde_json::Value;
use std::fs;
use std::path::Path;

/// What LiteLLM says of the corpus.
pub(crate) struct Facts(Value);

/// What it says of a file.
pub(crate) struct FileFacts {
    pub(crate) refused: Option<String>,
    facts: Value,
}

impl Facts {
    pub(crate) fn read(path: &Path) -> Self {
        let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{path:?}: {error}"));
        Self(serde_json::from_str(&text).expect("the facts are JSON"))
    }

    pub(crate) fn version(&self) -> String {
        self.0["litellm"].as_str().unwrap_or_default().to_owned()
    }

    pub(crate) fn of(&self, name: &str) -> Option<FileFacts> {
        let facts = self.0["files"].get(name)?.clone();
        let refused = facts.get("refused").and_then(Value::as_str).map(str::to_owned);
        Some(FileFacts { refused, facts })
    }
}

/// A number that may stand in a text, as LiteLLM takes it from the environment.
fn numeric(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.parse().ok())
}

fn shown(values: &[(&str, Option<f64>)]) -> String {
    let stated =
        values.iter().filter_map(|(name, value)| Some(format!("{name} {}", number((*value)?))));
    stated.collect::<Vec<_>>().join(", ")
}

impl FileFacts {
    /// Aliases stand in its list as groups of their own.
    fn is_alias(&self, group: &str) -> bool {
        self.facts["settings"]["model_group_alias"].get(group).is_some()
    }

    pub(crate) fn deployments(&self) -> Vec<Deployment> {
        let all = self.facts["deployments"].as_array().cloned().unwrap_or_default();
        let own =
            all.iter().filter(|each| !self.is_alias(each["group"].as_str().unwrap_or_default()));
        own.map(|each| {
            let (params, call) = (&each["params"], &each["call"]);
            let of = |key: &str| numeric(&params[key]);
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let auth = call["auth"].as_object().into_iter().flatten().next();
            let key = auth.and_then(|(_, value)| value.as_str()?.split_once("env-"));
            // A signature of AWS's is made of other keys.
            let key = key.map(|(_, name)| name.to_owned()).filter(|name| !name.starts_with("AWS"));
            Deployment {
                group: text(&each["group"]),
                model: text(&each["upstream_model"]),
                provider: text(&each["provider"]),
                limits: shown(&[
                    ("weight", of("weight")),
                    ("rpm", of("rpm")),
                    ("tpm", of("tpm")),
                    ("parallel", of("max_parallel_requests")),
                ]),
                times: shown(&[
                    ("timeout", of("timeout")),
                    ("stream", of("stream_timeout")),
                    ("cooldown", of("cooldown_time")),
                ]),
                prices: shown(&[
                    ("budget", of("max_budget")),
                    ("input", of("input_cost_per_token")),
                    ("output", of("output_cost_per_token")),
                ]),
                address: call["url"].as_str().map(str::to_owned),
                key,
            }
        })
        .collect()
    }

    pub(crate) fn shares(&self) -> Vec<(String, Vec<f64>)> {
        let shares = self.facts["shares"].as_object().into_iter().flatten();
        let of =
            |value: &Value| value.as_array()?.iter().map(Value::as_f64).collect::<Option<Vec<_>>>();
        let all = shares.filter_map(|(group, value)| Some((group.clone(), of(value)?)));
        all.filter(|(group, _)| !self.is_alias(group)).collect()
    }

    pub(crate) fn settings(&self) -> Vec<(String, String)> {
        let settings = &self.facts["settings"];
        let word = |key: &str| match &settings[key] {
            Value::String(text) => text.clone(),
            value => numeric(value).map_or_else(|| value.to_string(), number),
        };
        let plain = [
            "num_retries",
            "retry_after",
            "cooldown_time",
            "allowed_fails",
            "routing_strategy",
            "max_fallbacks",
            "timeout",
            "stream_timeout",
            "enable_pre_call_checks",
            "enable_tag_filtering",
            "default_max_parallel_requests",
            "disable_cooldowns",
        ];
        let mut all: Vec<_> = plain.map(|key| (key.to_owned(), word(key))).into();
        for class in [
            "BadRequestErrorRetries",
            "AuthenticationErrorRetries",
            "TimeoutErrorRetries",
            "RateLimitErrorRetries",
        ] {
            let stated = numeric(&settings["retry_policy"][class]);
            let usual = numeric(&settings["num_retries"]).unwrap_or(2.0);
            all.push((class.to_owned(), number(stated.unwrap_or(usual))));
        }
        let aliases = settings["model_group_alias"].as_object().into_iter().flatten();
        let of = |value: &Value| {
            value.as_str().or_else(|| value["model"].as_str()).unwrap_or_default().to_owned()
        };
        let mut aliases: Vec<_> =
            aliases.map(|(alias, group)| format!("{alias}={}", of(group))).collect();
        aliases.sort();
        all.push(("model_group_alias".to_owned(), aliases.join(" ")));
        all
    }

    /// The groups that a group falls back to: of its own entry, else of that for all.
    pub(crate) fn fallbacks(&self, list: &str, group: &str, ours: &Ours) -> String {
        let entries = self.facts["settings"][list].as_array().cloned().unwrap_or_default();
        let under = |key: &str| entries.iter().find_map(|entry| entry.get(key)).cloned();
        let found = under(group).or_else(|| under("*")).unwrap_or_default();
        let names = found.as_array().into_iter().flatten().filter_map(Value::as_str);
        // A group that is not there fails when it is come to, and the group itself is not gone to.
        let known = names.filter(|name| *name != group && ours.is_known(name));
        known.collect::<Vec<_>>().join(" ")
    }
}
