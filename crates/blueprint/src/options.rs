//! What is asked of a blueprint.

use crate::numbers::{duration, exact, percent};
use crate::provider_spec::ProviderSpec;
use core::str::FromStr;
use core::time::Duration;
use squall_config_file::unit;
use squall_determinism::Share;

/// What is asked of a blueprint, as it was typed.
#[derive(Clone, Debug, PartialEq)]
pub struct BlueprintOptions {
    /// What serves requests, by weight.
    pub providers: Vec<ProviderSpec>,
    /// What serves those that none of the others can.
    pub fallbacks: Vec<ProviderSpec>,
    /// Requests per second at the peak.
    pub peak: RequestRate,
    /// Requests per second of every day; default a tenth of the peak.
    pub usual: Option<RequestRate>,
    /// The share of requests that have to succeed.
    pub slo: Share,
    /// The time within which 95 % of streams begin.
    pub slo_ttft: Option<Duration>,
    /// How much may be spent.
    pub budget: Option<BlueprintBudget>,
    /// What clients ask for as `model`.
    pub group: String,
    /// Tokens of a prompt.
    pub prompt_tokens: TokenSizes,
    /// Tokens of an answer.
    pub output_tokens: TokenSizes,
    /// How long clients wait for a whole answer.
    pub client_timeout: Duration,
    /// The folder that it is written to, for those who write it again.
    pub out: String,
}

/// What clients ask for as `model` where nothing else is said.
pub const GROUP: &str = "chat";
/// How long clients wait where nothing else is said: as those of scenarios do.
pub const CLIENT_TIMEOUT: Duration = Duration::from_secs(60);

impl BlueprintOptions {
    /// What to type for the same, an argument on each line, the values quoted for a shell.
    #[must_use]
    pub fn command_line(&self) -> Vec<String> {
        let mut lines = vec!["squall init".to_owned()];
        let mut flag = |name: &str, value: &str| lines.push(format!("--{name} {}", shell(value)));
        self.providers.iter().for_each(|spec| flag("provider", &spec.text));
        self.fallbacks.iter().for_each(|spec| flag("fallback", &spec.text));
        flag("peak", &format!("{}rps", exact(self.peak.0)));
        if let Some(usual) = self.usual {
            flag("usual", &format!("{}rps", exact(usual.0)));
        }
        flag("slo", &percent(self.slo.as_f64()));
        if let Some(ttft) = self.slo_ttft {
            flag("slo-ttft", &duration(ttft));
        }
        if let Some(budget) = &self.budget {
            flag("budget", &format!("${}/{}", budget.amount, budget.period()));
        }
        if self.group != GROUP {
            flag("group", &self.group);
        }
        if self.prompt_tokens != PROMPT_TOKENS {
            flag("prompt-tokens", &self.prompt_tokens.in_words());
        }
        if self.output_tokens != OUTPUT_TOKENS {
            flag("output-tokens", &self.output_tokens.in_words());
        }
        if self.client_timeout != CLIENT_TIMEOUT {
            flag("client-timeout", &duration(self.client_timeout));
        }
        flag("out", &self.out);
        lines
    }
}

/// A word as a shell takes it for itself.
fn shell(text: &str) -> String {
    let harmless = |c: char| c.is_ascii_alphanumeric() || "._-/:,=%+@".contains(c);
    match !text.is_empty() && text.chars().all(harmless) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', "'\\''")),
    }
}

/// The sizes of prompts: those of the bundled scenarios.
pub const PROMPT_TOKENS: TokenSizes = TokenSizes { median: 420, p95: 1_900 };
/// The sizes of answers: those of the bundled scenarios.
pub const OUTPUT_TOKENS: TokenSizes = TokenSizes { median: 60, p95: 200 };

/// Requests per second, above zero.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct RequestRate(pub f64);

/// No machine simulates more.
const RATE_MAX: f64 = 1e5;

impl FromStr for RequestRate {
    type Err = String;

    /// `200rps`, `200/s`, `200`, `12000rpm`.
    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let per_minute = ["rpm", "/min"].iter().find_map(|unit| text.strip_suffix(unit));
        let per_second = ["rps", "/s"].iter().find_map(|unit| text.strip_suffix(unit));
        let (number, parts) = match (per_minute, per_second) {
            (Some(number), _) => (number, 60.0),
            (_, Some(number)) => (number, 1.0),
            _ => (text, 1.0),
        };
        let number = number.trim_end();
        let (number, scale) =
            number.strip_suffix('k').map_or((number, 1.0), |number| (number, 1e3));
        let rate = unit::number(number).map(|number| number * scale / parts);
        match rate {
            Ok(rate) if rate > 0.0 && rate <= RATE_MAX => Ok(Self(rate)),
            Ok(_) => Err("expected a rate above 0, `100k` per second at most".to_owned()),
            Err(_) => Err(format!("`{text}` is not a rate: write `200rps` or `12000rpm`")),
        }
    }
}

/// The sizes of a distribution of tokens.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct TokenSizes {
    /// Half of them are smaller.
    pub median: u64,
    /// One in 20 is larger.
    pub p95: u64,
}

impl TokenSizes {
    /// As it is typed.
    fn in_words(self) -> String {
        format!("{}..{}", self.median, self.p95)
    }

    /// The mean of the log-normal distribution with these percentiles.
    pub(crate) fn mean(self) -> f64 {
        /// The 95th percentile of the standard normal distribution.
        const Z95: f64 = 1.644_853_6;
        let sigma = (self.p95 as f64 / self.median as f64).ln() / Z95;
        self.median as f64 * (sigma * sigma / 2.0).exp()
    }
}

impl FromStr for TokenSizes {
    type Err = String;

    /// `420..1900`, the median and the 95th percentile; of a median alone the other is four times as much.
    fn from_str(text: &str) -> Result<Self, String> {
        let expected = "expected a median, and the 95th percentile: `420..1900`";
        let read = |text: &str| match unit::count(text.trim()) {
            Ok(number @ 1..=10_000_000) => Ok(number),
            _ => Err(format!("`{text}`: {expected}")),
        };
        let (median, p95) = match text.split_once("..") {
            Some((median, p95)) => (read(median)?, read(p95)?),
            None => (read(text)?, read(text)? * 4),
        };
        if p95 < median {
            return Err(format!("the 95th percentile is below the median: {expected}"));
        }
        Ok(Self { median, p95 })
    }
}

/// How much may be spent, and in what time.
#[derive(Clone, Debug, PartialEq)]
pub struct BlueprintBudget {
    /// Dollars, as they were typed.
    pub(crate) amount: String,
    pub(crate) dollars: f64,
    pub(crate) is_monthly: bool,
}

impl BlueprintBudget {
    /// The time that it is for, as files write it.
    pub(crate) const fn period(&self) -> &'static str {
        if self.is_monthly { "month" } else { "day" }
    }

    /// Days of its period; of a month the shortest that is not February.
    pub(crate) const fn days(&self) -> f64 {
        if self.is_monthly { 30.0 } else { 1.0 }
    }
}

impl FromStr for BlueprintBudget {
    type Err = String;

    /// `$500/day`, `$9000/month`.
    fn from_str(text: &str) -> Result<Self, String> {
        let expected = "write `'$500/day'` or `'$9000/month'` (in quotes: shells replace `$5`)";
        let (amount, period) = text.trim().split_once('/').ok_or(expected)?;
        let is_monthly = match period.trim() {
            "day" => false,
            "month" => true,
            other => return Err(format!("`{other}` is no period: {expected}")),
        };
        let amount = amount.trim().trim_start_matches('$').to_owned();
        match unit::money(&amount) {
            Ok(pico @ 1..) => Ok(Self { amount, dollars: pico as f64 / 1e12, is_monthly }),
            _ => Err(format!("`{amount}` is no amount above 0: {expected}")),
        }
    }
}

/// A share of requests that can be promised: at least half of them, and never all.
///
/// # Errors
/// What to write instead.
pub fn read_slo(text: &str) -> Result<Share, String> {
    let share = unit::share(text.trim()).map_err(|misfit| {
        let what = misfit.help.unwrap_or(misfit.label);
        format!("{}: {what}", misfit.message)
    })?;
    match share.ppm() {
        500_000..=999_990 => Ok(share),
        1_000_000 => Err("one failed request in a year would miss it: write `99.9%`".to_owned()),
        999_991.. => Err("at most 99.999%: more cannot be measured in a run".to_owned()),
        _ => Err("at least 50%: `99.9%`".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_have_their_units() {
        for (text, rate) in
            [("200rps", 200.0), ("12000rpm", 200.0), ("1.5k/s", 1_500.0), ("7", 7.0)]
        {
            assert_eq!(text.parse(), Ok(RequestRate(rate)), "{text}");
        }
        for text in ["0", "-3rps", "fast", "", "1e9", "200k"] {
            assert!(text.parse::<RequestRate>().is_err(), "{text}");
        }
    }

    #[test]
    fn budgets_have_a_period_and_an_amount_above_zero() {
        let budget: BlueprintBudget = "$500/day".parse().unwrap_or_else(|error| panic!("{error}"));
        assert_eq!((budget.dollars, budget.period()), (500.0, "day"));
        // `$5` of `"$500/day"` was replaced by nothing in a shell.
        for text in ["500", "$0/day", "-5/day", "$5/week", "/day"] {
            let error = text.parse::<BlueprintBudget>().expect_err(text);
            assert!(error.contains("$500/day"), "{error}");
        }
    }

    #[test]
    fn nobody_promises_all_requests() {
        assert_eq!(read_slo("99.9%").map(Share::ppm), Ok(999_000));
        assert!(
            read_slo("100%").is_err() && read_slo("40%").is_err() && read_slo("99.9999%").is_err()
        );
        assert!(read_slo("0.999").expect_err("no unit").contains('%'));
    }

    #[test]
    fn the_mean_of_sizes_is_that_of_their_distribution() {
        assert!((PROMPT_TOKENS.mean() - 640.0).abs() < 1.0, "{}", PROMPT_TOKENS.mean());
        assert!((OUTPUT_TOKENS.mean() - 78.4).abs() < 0.5, "{}", OUTPUT_TOKENS.mean());
        assert_eq!("100".parse(), Ok(TokenSizes { median: 100, p95: 400 }));
        assert!("9..3".parse::<TokenSizes>().is_err());
    }
}
