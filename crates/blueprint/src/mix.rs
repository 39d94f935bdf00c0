//! A mix of providers that makes sense: names, addresses, prices, shares and what its limits admit.

use crate::numbers::count;
use crate::options::{BlueprintOptions, TokenSizes};
use crate::provider_spec::ProviderSpec;
use core::time::Duration;
use squall_config_file::name::is_pattern;
use squall_litellm::known_price;
use squall_scenario::{LatencyPreset, latency_preset};
use squall_wire::Format;

/// What a mix that makes no blueprint has of problems, all of them.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MixError {
    /// Each with what to do.
    pub problems: Vec<String>,
}

impl core::fmt::Display for MixError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self.problems.as_slice() {
            [only] => f.write_str(only),
            problems => {
                write!(f, "{} problems with what was asked for:", problems.len())?;
                problems.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
            }
        }
    }
}

impl core::error::Error for MixError {}

/// How a model answers in a simulation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum AnswerSpeed {
    /// As measured of its family.
    Preset(LatencyPreset),
    /// As said: the median time to the first token, and between two.
    Said { ttft: Duration, itl: Duration },
    /// Nothing is known.
    Assumed,
}

/// The time to a first token of a model about which nothing is known, and between two: a middling one.
pub(crate) const ASSUMED_TTFT: Duration = Duration::from_millis(600);
pub(crate) const ASSUMED_ITL: Duration = Duration::from_millis(15);

impl AnswerSpeed {
    /// The median time to the first token, that which 1 in 20 exceeds, and the time between two tokens.
    fn times(self) -> (Duration, Duration, Duration) {
        match self {
            Self::Preset(preset) => {
                let itl = Duration::from_secs_f64(1.0 / preset.tokens_per_second as f64);
                (preset.median, preset.p95, itl)
            }
            Self::Said { ttft, itl } => (ttft, ttft * 2, itl),
            Self::Assumed => (ASSUMED_TTFT, ASSUMED_TTFT * 2, ASSUMED_ITL),
        }
    }

    /// The time to the first token that 1 in 20 exceeds.
    pub(crate) fn ttft_p95(self) -> Duration {
        self.times().1
    }

    /// The mean time that a request takes a place.
    pub(crate) fn seconds(self, answer: TokenSizes) -> f64 {
        let (median, p95, itl) = self.times();
        ((median + p95) / 2).as_secs_f64() + itl.as_secs_f64() * answer.mean()
    }
}

/// A deployment of a mix.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct MixDeployment {
    pub(crate) name: String,
    pub(crate) word: String,
    pub(crate) format: Format,
    pub(crate) model: String,
    pub(crate) weight: u64,
    /// Its part of the requests of its group.
    pub(crate) share: f64,
    pub(crate) rpm: Option<u64>,
    pub(crate) tpm: Option<u64>,
    pub(crate) concurrency: Option<u64>,
    /// Dollars per million prompt and output tokens.
    pub(crate) price: Option<(String, String)>,
    pub(crate) speed: AnswerSpeed,
    pub(crate) base_url: String,
    pub(crate) api_key: Option<String>,
    /// Requests per second that its limits admit; infinite without limits.
    pub(crate) admits: f64,
    /// What goes down with it: those with the same number.
    pub(crate) domain: usize,
}

impl MixDeployment {
    /// Dollars of a mean request.
    pub(crate) fn cost(&self, prompt: TokenSizes, answer: TokenSizes) -> f64 {
        let (input, output) = self.price.as_ref().map_or((0.0, 0.0), |(input, output)| {
            (input.parse().unwrap_or(0.0), output.parse().unwrap_or(0.0))
        });
        (prompt.mean() * input + answer.mean() * output) / 1e6
    }

    pub(crate) const fn has_rate_limit(&self) -> bool {
        self.rpm.is_some() || self.tpm.is_some()
    }

    /// Its limits per minute as files write them.
    pub(crate) fn rate_limits(&self) -> impl Iterator<Item = String> {
        let rpm = self.rpm.map(|rpm| format!("rpm: {}", count(rpm)));
        rpm.into_iter().chain(self.tpm.map(|tpm| format!("tpm: {}", count(tpm))))
    }

    /// The window in which its limits are counted.
    pub(crate) fn window(&self, largest: u64) -> &'static str {
        // In a slice of ten seconds each request, large ones too, has to fit.
        let fits = self.rpm.is_none_or(|rpm| rpm >= 60)
            && self.tpm.is_none_or(|tpm| tpm / 6 >= 12 * largest);
        if fits { "10s" } else { "sliding" }
    }
}

/// A mix.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Mix {
    pub(crate) group: String,
    pub(crate) deployments: Vec<MixDeployment>,
    pub(crate) fallbacks: Vec<MixDeployment>,
}

impl Mix {
    pub(crate) fn new(options: &BlueprintOptions) -> Result<Self, MixError> {
        let mut problems = Vec::new();
        check_numbers(options, &mut problems);
        check_weights(&options.providers, "--provider", &mut problems);
        check_weights(&options.fallbacks, "--fallback", &mut problems);
        let specs: Vec<&ProviderSpec> =
            options.providers.iter().chain(&options.fallbacks).collect();
        let names = names(&specs, &mut problems);
        let mut all: Vec<MixDeployment> = Vec::new();
        for (spec, name) in specs.iter().zip(names) {
            match deployment(spec, name, options) {
                Ok(deployment) => all.push(deployment),
                Err(problem) => problems.push(format!("`{}`: {problem}", spec.text)),
            }
        }
        check_duplicates(&all, &mut problems);
        if !problems.is_empty() {
            return Err(MixError { problems });
        }
        let hosts: Vec<String> = all.iter().map(|each| host(&each.base_url).to_owned()).collect();
        for (place, deployment) in all.iter_mut().enumerate() {
            deployment.domain =
                hosts.iter().position(|host| *host == hosts[place]).unwrap_or(place);
        }
        let fallbacks = all.split_off(options.providers.len());
        let mut mix = Self { group: options.group.clone(), deployments: all, fallbacks };
        share_out(&mut mix.deployments);
        share_out(&mut mix.fallbacks);
        Ok(mix)
    }

    /// Every deployment, those of the fallback last.
    pub(crate) fn all(&self) -> impl Iterator<Item = &MixDeployment> {
        self.deployments.iter().chain(&self.fallbacks)
    }

    /// The name of the group of the fallbacks.
    pub(crate) fn fallback_group(&self) -> String {
        format!("{}-fallback", self.group)
    }

    /// Those that fail together, by the first of each, those with the largest share first.
    pub(crate) fn domains(&self) -> Vec<Vec<&MixDeployment>> {
        let mut domains: Vec<Vec<&MixDeployment>> = Vec::new();
        for deployment in self.all() {
            match domains.iter_mut().find(|domain| domain[0].domain == deployment.domain) {
                Some(domain) => domain.push(deployment),
                None => domains.push(vec![deployment]),
            }
        }
        domains
    }

    /// The deployment with the largest share, of several alike the first.
    pub(crate) fn largest(&self) -> &MixDeployment {
        let most = |best: &'_ MixDeployment, other: &'_ MixDeployment| best.share >= other.share;
        let mut largest = &self.deployments[0];
        for other in &self.deployments {
            if !most(largest, other) {
                largest = other;
            }
        }
        largest
    }

    /// Requests per second that are admitted by all but those of `without`.
    pub(crate) fn admits(&self, without: Option<usize>) -> f64 {
        let others = self.all().filter(|each| Some(each.domain) != without);
        // A sum of nothing is a zero below zero.
        others.map(|each| each.admits).sum::<f64>() + 0.0
    }

    /// Dollars of a mean request while the weights hold.
    pub(crate) fn cost(&self, prompt: TokenSizes, answer: TokenSizes) -> f64 {
        self.deployments.iter().map(|each| each.share * each.cost(prompt, answer)).sum()
    }
}

fn check_numbers(options: &BlueprintOptions, problems: &mut Vec<String>) {
    if options.providers.is_empty() {
        problems.push("no provider: name at least one with `--provider`".to_owned());
    }
    if let Some(usual) = options.usual.filter(|usual| *usual > options.peak) {
        problems.push(format!(
            "the usual rate of {} per second is above the peak of {}: swap `--usual` and `--peak`",
            usual.0, options.peak.0
        ));
    }
    if !is_pattern(&options.group) || options.group.contains('*') {
        problems.push(format!(
            "`--group {}`: expected what clients ask for as `model`, one word such as `chat`",
            options.group.escape_debug()
        ));
    }
}

fn check_weights(specs: &[ProviderSpec], flag: &str, problems: &mut Vec<String>) {
    let without = specs.iter().filter(|spec| spec.weight.is_none()).count();
    if let Some(spec) = specs.iter().find(|spec| spec.weight.is_none())
        && without < specs.len()
    {
        problems.push(format!(
            "`{flag} {}` has no weight while others have one: give all of them a `weight`, or none for equal shares",
            spec.text
        ));
    }
    let zero: Vec<_> = specs.iter().filter(|spec| spec.weight == Some(0)).collect();
    if !zero.is_empty() && zero.len() == specs.len() {
        problems.push(format!("every `{flag}` has `weight=0`: nothing would be served"));
        return;
    }
    for spec in zero {
        problems.push(format!(
            "`{flag} {}`: with `weight=0` it takes no request, not even in an outage: leave it out, or make it a \
             standby by `--fallback`",
            spec.text
        ));
    }
}

/// A name for each: the provider's word, with the model's where several have that word.
fn names(specs: &[&ProviderSpec], problems: &mut Vec<String>) -> Vec<String> {
    let fits = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' };
    let mut names: Vec<String> = Vec::new();
    for spec in specs {
        let alike = specs.iter().filter(|other| other.word == spec.word && other.name.is_none());
        let name = match &spec.name {
            Some(name) => {
                if names.contains(name) {
                    problems.push(format!("two providers have `name={name}`: give each its own"));
                }
                name.clone()
            }
            None if alike.count() < 2 => spec.word.clone(),
            None => format!("{}-{}", spec.word, spec.model.chars().map(fits).collect::<String>()),
        };
        let mut unique = name.clone();
        let mut number = 2;
        while names.contains(&unique) {
            unique = format!("{name}-{number}");
            number += 1;
        }
        names.push(unique);
    }
    names
}

fn deployment(
    spec: &ProviderSpec,
    name: String,
    options: &BlueprintOptions,
) -> Result<MixDeployment, String> {
    let format = spec.known.speaks.unwrap_or(Format::OpenAi);
    let base_url = address(spec, format)?;
    let is_own = spec.known.base.is_some_and(|base| host(base) == host(&base_url));
    let is_elsewhere = spec.known.base.is_some() && !is_own;
    let key = spec.known.keys().next().map(|key| format!("${key}"));
    // A key of a vendor is for the vendor alone.
    let key = key.filter(|_| !spec.known.key_is_optional && !is_elsewhere);
    let meant = spec.like.as_deref().unwrap_or(&spec.model);
    let preset = latency_preset(meant);
    let speed = match (spec.ttft, spec.itl, preset) {
        (None, None, Some(preset)) => AnswerSpeed::Preset(preset),
        (None, None, None) => AnswerSpeed::Assumed,
        (ttft, itl, preset) => {
            let (known_ttft, _, known_itl) =
                preset.map_or(AnswerSpeed::Assumed, AnswerSpeed::Preset).times();
            AnswerSpeed::Said { ttft: ttft.unwrap_or(known_ttft), itl: itl.unwrap_or(known_itl) }
        }
    };
    let price = price(spec, meant);
    if spec.like.is_some() && preset.is_none() && price.is_none() {
        return Err(format!(
            "`like={meant}`: nothing is known of this model: leave `like` out, and give `ttft`, `itl` and `price`"
        ));
    }
    let is_free = spec.known.key_is_optional;
    if options.budget.is_some() && price.is_none() && !is_free {
        return Err(format!(
            "with a budget its price has to be known, and that of `{meant}` is not: say which model it is, \
             `like=gpt-4o-mini`, or the dollars per million prompt and output tokens, `price=0.15/0.60`"
        ));
    }
    Ok(MixDeployment {
        admits: admits(spec, speed, options)?,
        name,
        word: spec.word.clone(),
        format,
        model: spec.model.clone(),
        weight: spec.weight.unwrap_or(1),
        share: 0.0,
        rpm: spec.rpm,
        tpm: spec.tpm,
        concurrency: spec.concurrency,
        price,
        speed,
        base_url,
        api_key: spec.api_key.clone().or(key),
        domain: 0,
    })
}

/// Its API up to the version.
fn address(spec: &ProviderSpec, format: Format) -> Result<String, String> {
    let variable = spec.known.base_variable.map(|name| format!("${name}"));
    let own = spec.known.base.map(str::to_owned);
    let azures = (format == Format::Azure).then(|| "$AZURE_API_BASE".to_owned());
    let base = spec.base_url.clone().or(azures).or(own).or(variable);
    let base = base.ok_or_else(|| {
        format!("`{}` has no address of its own: give it, `base_url=https://…/v1`", spec.word)
    })?;
    let path = Format::Azure.base_path();
    Ok(match format {
        Format::Azure if !base.contains(path) => format!("{base}{path}"),
        Format::Azure | Format::OpenAi | Format::Anthropic | Format::Gemini => base,
    })
}

/// What it costs: as said, or by the table of prices.
fn price(spec: &ProviderSpec, meant: &str) -> Option<(String, String)> {
    let vendors = [spec.known.word, "openai", "anthropic", "gemini", "mistral", "deepseek", "xai"];
    let vendors = if spec.like.is_some() { &vendors[..] } else { &vendors[..1] };
    let known = vendors.iter().find_map(|vendor| known_price(vendor, meant));
    let known = known.map(|price| (price.input.to_owned(), price.output.to_owned()));
    spec.price.clone().or(known)
}

/// Requests per second that its limits admit.
fn admits(
    spec: &ProviderSpec,
    speed: AnswerSpeed,
    options: &BlueprintOptions,
) -> Result<f64, String> {
    let (prompt, answer) = (options.prompt_tokens, options.output_tokens);
    let large = prompt.p95 + answer.p95;
    if let Some(tpm) = spec.tpm.filter(|tpm| *tpm < large) {
        return Err(format!(
            "`tpm={tpm}` is below one request: one in 20 has {large} tokens and more (`--prompt-tokens`, \
             `--output-tokens`) and would never be served"
        ));
    }
    let by_rpm = spec.rpm.map(|rpm| rpm as f64 / 60.0);
    let by_tpm = spec.tpm.map(|tpm| tpm as f64 / 60.0 / (prompt.mean() + answer.mean()));
    let at_once = spec.concurrency.map(|most| unblocked(most as f64) / speed.seconds(answer));
    let all = [by_rpm, by_tpm, at_once].into_iter().flatten();
    Ok(all.fold(f64::INFINITY, f64::min))
}

/// How many may be there on average so that there are hardly ever more than `places`: so many that the places are 3.5
/// standard deviations above, of a number that is distributed by Poisson's law as arrivals make it.
fn unblocked(places: f64) -> f64 {
    const SIGMAS: f64 = 3.5;
    let root = ((SIGMAS * SIGMAS + 4.0 * places).sqrt() - SIGMAS) / 2.0;
    root * root
}

fn check_duplicates(all: &[MixDeployment], problems: &mut Vec<String>) {
    for (place, deployment) in all.iter().enumerate() {
        let same = |other: &&MixDeployment| {
            (&other.model, &other.base_url, &other.api_key)
                == (&deployment.model, &deployment.base_url, &deployment.api_key)
        };
        if all[..place].iter().any(|other| same(&other)) {
            problems.push(format!(
                "`{}:{}` stands twice with the same address and key: add its weights up, or tell them apart by \
                 `base_url` or `api_key`",
                deployment.word, deployment.model
            ));
        }
    }
}

fn share_out(deployments: &mut [MixDeployment]) {
    let all: u64 = deployments.iter().map(|each| each.weight).sum();
    for deployment in deployments {
        deployment.share = deployment.weight as f64 / all.max(1) as f64;
    }
}

/// The part of an address that fails as one.
fn host(base_url: &str) -> &str {
    let rest = base_url.split_once("://").map_or(base_url, |(_, rest)| rest);
    rest.split('/').next().unwrap_or(rest)
}
