//! What all files of a blueprint rest on: the mix, the rates, and the times that follow from them.

use crate::mix::{Mix, MixDeployment, MixError};
use crate::numbers::{percent, short};
use crate::options::BlueprintOptions;

/// The usual rate as a part of the peak where none is said: a launch multiplies it by ten.
const USUAL_OF_PEAK: f64 = 0.1;
/// What limits have to admit beyond a rate, since arrivals are random.
const MARGIN: f64 = 1.05;
/// The least time-out for a first token: about twice the slowest 99th percentile of the measured families, 4.8 s.
const FIRST_TOKEN: u64 = 10;
/// Requests, as a multiple of those that an SLO can be measured with: random arrivals bring fewer now and then.
const MORE_THAN_ENOUGH: f64 = 2.0;
/// Requests among which there are the 200 streams that a 95th percentile takes: seven in ten are streams.
const REQUESTS_FOR_TTFT: f64 = 360.0;
/// Requests per second at a deployment that show within 5 s whether they go elsewhere, and within 9 s that they return.
const SEEN_LEAVING: f64 = 6.0;
const SEEN_RETURNING: f64 = 4.0;

/// What all files rest on.
#[derive(Debug)]
pub(crate) struct Design<'o> {
    pub(crate) options: &'o BlueprintOptions,
    pub(crate) mix: Mix,
    /// Requests per second.
    pub(crate) peak: f64,
    pub(crate) usual: f64,
}

impl<'o> Design<'o> {
    pub(crate) fn new(options: &'o BlueprintOptions) -> Result<Self, MixError> {
        let mix = Mix::new(options)?;
        let peak = options.peak.0;
        let usual = options.usual.map_or(peak * USUAL_OF_PEAK, |usual| usual.0);
        Ok(Self { options, mix, peak, usual })
    }

    /// The SLO as files write it.
    pub(crate) fn slo(&self) -> String {
        percent(self.options.slo.as_f64())
    }

    /// The share of requests that may fail.
    pub(crate) fn may_fail(&self) -> f64 {
        1.0 - self.options.slo.as_f64()
    }

    /// Seconds at `rate` in which there are requests enough to measure the SLO, `least` at least.
    pub(crate) fn seconds_for_slo(&self, rate: f64, least: u64) -> u64 {
        // Of fewer, one failure would already be too many.
        let needed = 1.0 / self.may_fail();
        let requests = (needed * MORE_THAN_ENOUGH).max(needed + 4.0 * needed.sqrt() + 16.0);
        ((requests / rate).ceil() as u64).max(least)
    }

    /// Requests that a TTFT is measured with, where one is promised.
    pub(crate) fn requests_for_ttft(&self) -> f64 {
        if self.options.slo_ttft.is_some() { REQUESTS_FOR_TTFT } else { 0.0 }
    }

    /// Whether what is left without those of a domain admits a rate.
    pub(crate) fn carries(&self, rate: f64, without: Option<usize>) -> bool {
        self.mix.admits(without) >= rate * MARGIN
    }

    /// Whether an outage of one domain leaves anything that serves.
    pub(crate) fn has_way_out(&self, domain: usize) -> bool {
        self.mix.all().any(|each| each.domain != domain)
    }

    /// Whether traffic is seen to leave a deployment, and to return to it, at a rate of all.
    pub(crate) fn is_seen_leaving(&self, deployment: &MixDeployment, rate: f64) -> bool {
        self.takes(deployment, rate) >= SEEN_LEAVING
    }

    pub(crate) fn is_seen_returning(&self, deployment: &MixDeployment, rate: f64) -> bool {
        self.takes(deployment, rate) >= SEEN_RETURNING
    }

    /// Requests per second that a deployment takes of a rate while nothing is wrong; nothing in the fallback group.
    pub(crate) fn takes(&self, deployment: &MixDeployment, rate: f64) -> f64 {
        let is_primary = self.mix.deployments.iter().any(|each| each.name == deployment.name);
        if is_primary { (rate * deployment.share).min(deployment.admits) } else { 0.0 }
    }

    /// Attempts for a request at most, `usually`, at a rate of all. Where there are few, each probe and each pause that
    /// ends is one retry of them.
    pub(crate) fn amplification(&self, rate: f64, usually: &str) -> String {
        let seen = self.is_seen_returning(self.mix.largest(), rate);
        format!("retry_amplification <= {}", if seen { usually } else { "1.5" })
    }

    /// The largest usual request, in tokens.
    pub(crate) fn large_request(&self) -> u64 {
        self.options.prompt_tokens.p95 + self.options.output_tokens.p95
    }

    /// Tokens of a mean request.
    pub(crate) fn mean_request(&self) -> f64 {
        self.options.prompt_tokens.mean() + self.options.output_tokens.mean()
    }

    /// Dollars of a mean request.
    pub(crate) fn cost(&self) -> f64 {
        self.mix.cost(self.options.prompt_tokens, self.options.output_tokens)
    }

    /// Dollars that a thousand requests may cost, and that they are expected to cost, where there is a budget.
    pub(crate) fn thousand(&self) -> Option<(f64, f64)> {
        let budget = self.options.budget.as_ref()?;
        let requests = self.usual * 86_400.0 * budget.days();
        Some((budget.dollars / requests * 1e3, self.cost() * 1e3))
    }

    /// The time-out for a first token, and of a whole answer, in seconds.
    pub(crate) fn time_outs(&self) -> (u64, u64) {
        let slowest = self.mix.all().map(|each| each.speed.ttft_p95().as_secs_f64());
        let slowest = slowest.fold(0.0, f64::max);
        let first_token = ((slowest * 3.0).ceil() as u64).max(FIRST_TOKEN);
        (first_token, (self.patience() / 2).max(first_token))
    }

    /// How long clients wait, in seconds.
    pub(crate) fn patience(&self) -> u64 {
        self.options.client_timeout.as_secs().max(1)
    }

    /// The variables that the gateway file refers to.
    pub(crate) fn variables(&self) -> Vec<String> {
        let mut variables: Vec<String> = Vec::new();
        for deployment in self.mix.all() {
            let key = deployment.api_key.as_deref();
            for text in key.into_iter().chain([deployment.base_url.as_str()]) {
                let Some(rest) = text.strip_prefix('$') else { continue };
                let name = rest.split(['/', '?']).next().unwrap_or(rest).to_owned();
                if !variables.contains(&name) {
                    variables.push(name);
                }
            }
        }
        variables
    }

    /// The mix in a few words: `openai 60%, azure 30%, anthropic 10%`.
    pub(crate) fn in_words(&self) -> String {
        let of = |all: &[MixDeployment]| {
            let words = all
                .iter()
                .map(|each| format!("{} {}", each.name, percent((each.share * 1e3).round() / 1e3)));
            words.collect::<Vec<_>>().join(", ")
        };
        let mut text = of(&self.mix.deployments);
        if !self.mix.fallbacks.is_empty() {
            text.push_str(", then ");
            text.push_str(&of(&self.mix.fallbacks));
        }
        text
    }

    /// What limits admit, in words: `46.4 requests per second`.
    pub(crate) fn admitted_in_words(&self, without: Option<usize>) -> String {
        match self.mix.admits(without) {
            admits if admits.is_finite() => format!("{} requests per second", short(admits)),
            _ => "any number of requests".to_owned(),
        }
    }
}
