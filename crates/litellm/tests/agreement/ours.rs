//! What we make of each file, in the words that LiteLLM's facts are compared in.

use serde_json::Value;
use squall_failure::FailureClass;
use squall_litellm::{LitellmDeployment, LitellmFile, LitellmProvider};
use squall_router::{
    CooldownRule, DeploymentConfig, LitellmStrategy, Money, Profile, RetryRule, RouterConfig,
    Strategy, TagMatch,
};
use squall_wire::Format;
use std::fs;
use std::io;
use std::path::Path;

/// A file by both profiles.
pub(crate) struct Ours {
    file: LitellmFile,
    theirs: RouterConfig,
    squall: RouterConfig,
    environment: Value,
}

/// A deployment in the words that are compared.
#[derive(Debug)]
pub(crate) struct Deployment {
    pub(crate) group: String,
    pub(crate) model: String,
    pub(crate) provider: String,
    pub(crate) limits: String,
    pub(crate) times: String,
    pub(crate) prices: String,
    pub(crate) address: Option<String>,
    pub(crate) key: Option<String>,
}

/// A number without what a float has in the end.
pub(crate) fn number(value: f64) -> String {
    format!("{}", (value * 1e9).round() / 1e9)
}

fn stated(parts: &[(&str, Option<f64>)]) -> String {
    let parts =
        parts.iter().filter_map(|(name, value)| Some(format!("{name} {}", number((*value)?))));
    parts.collect::<Vec<_>>().join(", ")
}

impl Ours {
    pub(crate) fn read(corpus: &Path, name: &str) -> Result<Self, String> {
        let environment = fs::read_to_string(corpus.join("environment.json")).expect("it is there");
        let environment: Value = serde_json::from_str(&environment).expect("it is JSON");
        let text = fs::read_to_string(corpus.join(name)).expect("it is there");
        let load = |other: &str| -> io::Result<String> {
            let Some(variable) = other.strip_prefix("os.environ/") else {
                return fs::read_to_string(corpus.join(other));
            };
            match environment[variable].as_str() {
                Some(value) => Ok(value.to_owned()),
                // As LiteLLM was asked: every key is set, and no other address.
                None if variable.starts_with("NOT_SET") => Err(io::ErrorKind::NotFound.into()),
                None if variable.ends_with("_API_BASE") || variable.ends_with("_VERSION") => {
                    Err(io::ErrorKind::NotFound.into())
                }
                None => Ok(format!("env-{variable}")),
            }
        };
        let file = LitellmFile::read_with(name, &text, &load).map_err(|error| error.to_string())?;
        let (theirs, squall) = (file.router(Profile::LITELLM_1_110), file.router(Profile::Squall));
        for config in [&theirs, &squall] {
            config.validate().map_err(|error| error.to_string())?;
        }
        Ok(Self { file, theirs, squall, environment })
    }

    pub(crate) fn deployments(&self) -> Vec<Deployment> {
        let configs = self.theirs.groups.iter().flat_map(|group| &group.deployments);
        let mut all: Vec<_> = self.file.deployments().into_iter().zip(configs).collect();
        // LiteLLM lists them as the file does.
        all.sort_by_key(|(deployment, _)| deployment.item);
        all.into_iter().map(|(deployment, config)| self.deployment(&deployment, config)).collect()
    }

    fn deployment(&self, of: &LitellmDeployment<'_>, config: &DeploymentConfig) -> Deployment {
        let upstreams = self.file.upstreams();
        let upstream = &upstreams[of.upstream];
        Deployment {
            group: of.group.to_owned(),
            model: of.model.to_owned(),
            provider: of.provider.to_owned(),
            limits: self.limits(of, config),
            times: self.times(of, config),
            prices: self.prices(of, config),
            address: of.is_spoken.then(|| self.address(of, upstream)),
            key: upstream.api_key.and_then(|key| key.strip_prefix('$')).map(str::to_owned),
        }
    }

    /// Whether a parameter of a deployment stands in the file, with a value.
    fn states(&self, of: &LitellmDeployment<'_>, key: &str) -> bool {
        let path = format!("model_list[{}].litellm_params.{key}", of.item);
        let findings = self.file.findings(Profile::Squall);
        findings.iter().any(|finding| finding.path == path && finding.value != "null")
    }

    fn limits(&self, of: &LitellmDeployment<'_>, config: &DeploymentConfig) -> String {
        let declared = config.declared;
        let weight = declared.weight.filter(|_| self.states(of, "weight"));
        let parallel =
            config.limits.concurrency.filter(|_| self.states(of, "max_parallel_requests"));
        let limit = |key, value: Option<u64>| {
            value.filter(|_| self.states_limit(of, key)).map(|n| n as f64)
        };
        stated(&[
            ("weight", weight.map(|weight| f64::from(weight) / self.hundredths(of.group))),
            ("rpm", limit("rpm", declared.rpm)),
            ("tpm", limit("tpm", declared.tpm)),
            ("parallel", parallel.map(f64::from)),
        ])
    }

    fn times(&self, of: &LitellmDeployment<'_>, config: &DeploymentConfig) -> String {
        let times = config.timeouts.as_ref();
        let timeout = times.filter(|_| self.states(of, "timeout")).map(|each| each.total);
        let stream =
            times.filter(|_| self.states(of, "stream_timeout")).map(|each| each.first_token);
        let cooldown = match config.cooldown {
            Some(CooldownRule::Litellm(rule)) => rule.deployment_time,
            _ => None,
        };
        stated(&[
            ("timeout", timeout.map(|time| time.as_secs_f64())),
            ("stream", stream.map(|time| time.as_secs_f64())),
            ("cooldown", cooldown.map(|time| time.as_secs_f64())),
        ])
    }

    fn prices(&self, of: &LitellmDeployment<'_>, config: &DeploymentConfig) -> String {
        let dollars = |money: u64| money as f64 / Money::DOLLAR.0 as f64;
        let budget = config.spends_from.last().filter(|_| self.states(of, "max_budget"));
        let budget = budget.map(|place| self.theirs.spend_budgets[place.index()].limit.0);
        let price = |key, money: u64| self.states(of, key).then(|| dollars(money));
        stated(&[
            ("budget", budget.map(dollars)),
            ("input", price("input_cost_per_token", config.price.input.0)),
            ("output", price("output_cost_per_token", config.price.output.0)),
        ])
    }

    /// Whether a limit stands where LiteLLM has it in `litellm_params`.
    fn states_limit(&self, deployment: &LitellmDeployment<'_>, key: &str) -> bool {
        let item = deployment.item;
        let paths = [
            format!("model_list[{item}].litellm_params.{key}"),
            format!("model_list[{item}].{key}"),
        ];
        self.file.findings(Profile::Squall).iter().any(|finding| paths.contains(&finding.path))
    }

    /// What weights are multiplied by where one is a fraction.
    fn hundredths(&self, group: &str) -> f64 {
        let findings = self.file.findings(Profile::Squall);
        let of_group = self.file.deployments().into_iter().filter(|each| each.group == group);
        let paths: Vec<_> = of_group
            .map(|each| format!("model_list[{}].litellm_params.weight", each.item))
            .collect();
        let fraction = findings
            .iter()
            .any(|finding| paths.contains(&finding.path) && finding.value.contains('.'));
        if fraction { 100.0 } else { 1.0 }
    }

    /// The address that a request to a deployment is sent to.
    fn address(
        &self,
        deployment: &LitellmDeployment<'_>,
        upstream: &LitellmProvider<'_>,
    ) -> String {
        let base = match upstream.base_url.strip_prefix('$') {
            None => upstream.base_url.to_owned(),
            Some(rest) => {
                let end = rest.find(['/', '?']).unwrap_or(rest.len());
                let value = self.environment[&rest[..end]].as_str().unwrap_or_default();
                format!("{}{}", value.trim_end_matches('/'), &rest[end..])
            }
        };
        let (base, query) = match base.split_once('?') {
            Some((base, query)) => (base.to_owned(), format!("?{query}")),
            None if upstream.format == Format::Azure => {
                (base, "?api-version=2024-10-21".to_owned())
            }
            None => (base, String::new()),
        };
        let findings = self.file.findings(Profile::Squall);
        let mode = format!("model_list[{}].model_info.mode", deployment.item);
        let embeds = findings.iter().any(|found| found.path == mode && found.value == "embedding");
        let call = if embeds { "embeddings" } else { "chat/completions" };
        let model = deployment.model.replace('*', "some-model");
        match upstream.format {
            Format::OpenAi => format!("{base}/{call}{query}"),
            Format::Azure => format!("{base}/deployments/{model}/{call}{query}"),
            Format::Anthropic => format!("{base}/messages{query}"),
            Format::Gemini => format!("{base}/models/{model}:generateContent{query}"),
        }
    }

    /// The shares of a group's deployments that the profile of LiteLLM means, or ours.
    pub(crate) fn shares(&self, group: &str, by_ours: bool) -> Vec<f64> {
        let config = if by_ours { &self.squall } else { &self.theirs };
        let Some(group) = config.groups.iter().find(|each| each.name == group) else {
            return Vec::new();
        };
        let shares = group.expected_shares();
        let all: u64 = shares.iter().sum();
        shares.iter().map(|share| *share as f64 / all.max(1) as f64).collect()
    }

    pub(crate) fn groups(&self) -> Vec<String> {
        self.squall.groups.iter().map(|group| group.name.clone()).collect()
    }

    pub(crate) fn is_known(&self, name: &str) -> bool {
        let of_group = |group: &squall_router::GroupConfig| {
            group.name == name || group.aliases.iter().any(|alias| alias == name)
        };
        self.squall.groups.iter().any(of_group)
    }

    pub(crate) fn fallbacks(&self, list: &str, group: &str) -> String {
        let found = self.squall.groups.iter().find(|each| each.name == group);
        let Some(found) = found else { return String::new() };
        // Ours repeats the general list for refusals, where the file has none for them.
        let has = |key: &str| {
            let findings = self.file.findings(Profile::Squall);
            findings
                .iter()
                .any(|finding| finding.path.ends_with(key) && finding.path.contains("settings"))
        };
        let ids = match list {
            "fallbacks" => Some(&found.fallbacks.general),
            "context_window_fallbacks" => found.fallbacks.context_window.as_ref(),
            _ => found.fallbacks.content_policy.as_ref().filter(|ids| {
                has("content_policy_fallbacks") && **ids != found.fallbacks.general
                    || has("content_policy_fallbacks") && self.states_refusals(group)
            }),
        };
        let names =
            ids.into_iter().flatten().map(|id| self.squall.groups[id.index()].name.as_str());
        names.collect::<Vec<_>>().join(" ")
    }

    fn states_refusals(&self, group: &str) -> bool {
        let findings = self.file.findings(Profile::Squall);
        let found =
            findings.iter().find(|finding| finding.path.ends_with("content_policy_fallbacks"));
        found.is_some_and(|finding| finding.value.contains(&format!("{{{group}:")))
    }

    /// A setting as LiteLLM would say it.
    pub(crate) fn setting(&self, what: &str) -> String {
        let group = &self.theirs.groups[0];
        let rule = match group.cooldown {
            CooldownRule::Litellm(rule) => Some(rule),
            _ => None,
        };
        let plain_group = self.theirs.groups.iter().find_map(|group| match group.cooldown {
            CooldownRule::Litellm(rule) => Some(rule),
            _ => None,
        });
        let rule = rule.or(plain_group);
        let retries = |class| f64::from(group.retries.after(class));
        let total = group.timeouts.total.as_secs_f64();
        match what {
            // `DefaultRetries` takes its place for exceptions that the policy does not name.
            "num_retries"
                if self.finding("router_settings.retry_policy.DefaultRetries") != "null" =>
            {
                self.finding("router_settings.num_retries")
            }
            "num_retries" => number(f64::from(group.retries.max)),
            "retry_after" => match group.retry_rule {
                RetryRule::Litellm(retry) => number(retry.least.as_secs_f64()),
                _ => String::new(),
            },
            "cooldown_time" => {
                rule.map_or_else(|| "5".to_owned(), |rule| number(rule.cooldown_time.as_secs_f64()))
            }
            "allowed_fails" => {
                let stated = rule.and_then(|rule| rule.allowed_fails);
                number(f64::from(stated.unwrap_or(3)))
            }
            "routing_strategy" => strategy(&group.strategy),
            "max_fallbacks" => match self.theirs.fallback_rule {
                squall_router::FallbackRule::LitellmNested { max_depth, .. } => {
                    max_depth.to_string()
                }
                squall_router::FallbackRule::DepthFirst { max_moves } => max_moves.to_string(),
            },
            "timeout" => number(total),
            "stream_timeout" => match group.timeouts.first_token.as_secs_f64() {
                first if first < total => number(first),
                _ => "null".to_owned(),
            },
            "enable_pre_call_checks" => group.pre_call_checks.to_string(),
            "enable_tag_filtering" => (group.tags != TagMatch::Ignore).to_string(),
            "default_max_parallel_requests" => {
                self.finding("router_settings.default_max_parallel_requests")
            }
            "disable_cooldowns" => match self.finding("router_settings.disable_cooldowns") {
                stated if stated == "null" => stated,
                stated => (stated == "true" && plain_group.is_none()).to_string(),
            },
            "BadRequestErrorRetries" => number(retries(FailureClass::BadRequest)),
            "AuthenticationErrorRetries" => number(retries(FailureClass::Auth)),
            "TimeoutErrorRetries" => number(retries(FailureClass::Timeout)),
            "RateLimitErrorRetries" => number(retries(FailureClass::Throttled)),
            "model_group_alias" => {
                let mut aliases = self.aliases();
                aliases.sort();
                aliases.join(" ")
            }
            other => panic!("{other} is not compared"),
        }
    }

    /// The aliases of groups that are there, and of those that are not.
    fn aliases(&self) -> Vec<String> {
        let groups = self.squall.groups.iter();
        let known = groups
            .flat_map(|group| group.aliases.iter().map(|alias| format!("{alias}={}", group.name)));
        let warnings = self.file.warnings().into_iter().flat_map(|all| all.problems());
        let unknown = warnings.filter_map(|problem| {
            let (alias, group) =
                problem.message.split_once(" is an alias of the unknown group ")?;
            Some(format!("{}={}", alias.trim_matches('`'), group.trim_matches('`')))
        });
        known.chain(unknown).collect()
    }

    fn finding(&self, path: &str) -> String {
        let findings = self.file.findings(Profile::Squall);
        let found = findings.into_iter().find(|finding| finding.path == path);
        found.map_or_else(|| "null".to_owned(), |finding| finding.value)
    }
}

fn strategy(strategy: &Strategy) -> String {
    let Strategy::Litellm(strategy) = strategy else { return String::new() };
    let word = match strategy {
        LitellmStrategy::SimpleShuffle => "simple-shuffle",
        LitellmStrategy::LeastBusy => "least-busy",
        LitellmStrategy::UsageBased => "usage-based-routing",
        LitellmStrategy::UsageBasedV2 => "usage-based-routing-v2",
        LitellmStrategy::LatencyBased { .. } => "latency-based-routing",
        LitellmStrategy::CostBased => "cost-based-routing",
    };
    word.to_owned()
}
