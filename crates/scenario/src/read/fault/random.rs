//! Outages at random times: by distributions, or as a vendor's own status page has had them.

use super::kind::KIND_KEYS;
use super::{WHOM, fault};
use crate::diagnostic::Problem;
use crate::fields::Fields;
use crate::read::distribution::{self, DURATION_DISTRIBUTION};
use crate::schema::{Key, Schema, Section};
use core::time::Duration;
use squall_determinism::{Distribution, Timestamp};
use squall_provider::{FaultConfig, RandomFault};

/// Faults at random times.
pub(crate) static OUTAGES: Section = Section {
    id: "outage",
    phrase: "faults at random times",
    about: "A fault that recurs at random times drawn from the seed. Give `gap` and `lasts`, or \
         `like`.",
    keys: &[
        &[
            Key::optional(
                "gap",
                DURATION_DISTRIBUTION,
                "from `like`",
                "Time from the end of one fault to the start of the next.",
            ),
            Key::optional("lasts", DURATION_DISTRIBUTION, "from `like`", "Duration of each fault."),
            Key::optional(
                "like",
                Schema::Word(HISTORIES),
                "none",
                "Distributions fitted to a vendor's status page, 2021 to 2024 (ICPE 2025): \
                 `openai`, 5.6 days apart on average, median duration 74 min; `anthropic`, 5.2 \
                 days and 46 min. Both cluster: the standard deviation of the gaps is twice \
                 their mean.",
            ),
            Key::optional(
                "faster",
                Schema::Factor,
                "1x",
                "Speed-up over real time: with `1000x`, 16 hours 40 minutes pass in one minute.",
            ),
            Key::optional("from", Schema::DURATION, "0s", "From when."),
            Key::optional(
                "until",
                Schema::SPAN,
                "the end of the run",
                "End of the period in \
                 which faults occur.",
            ),
        ],
        WHOM,
        &KIND_KEYS,
    ],
};

const HISTORIES: &[&str] = &["openai", "anthropic"];

/// Durations are log-normal with these parameters, in minutes; gaps with this mean, in days, and this
/// coefficient of variation.
struct History {
    mu: f64,
    sigma: f64,
    gap_days: f64,
    gap_cv: f64,
}

fn history(word: &str) -> History {
    match word {
        "anthropic" => History { mu: 3.92, sigma: 1.39, gap_days: 5.2, gap_cv: 1.8 },
        _ => History { mu: 4.32, sigma: 1.17, gap_days: 5.6, gap_cv: 2.2 },
    }
}

impl History {
    /// The distributions of gaps and durations, so many thousandths as fast as in life.
    fn distributions(&self, faster_milli: u32) -> (Distribution, Distribution) {
        let faster = f64::from(faster_milli) / 1e3;
        let (day, minute) = (86_400e9 / faster, 60e9 / faster);
        let gap = Distribution::lognormal_with_mean(self.gap_days * day, self.gap_cv);
        (gap, Distribution::LogNormal { mu: self.mu, sigma: self.sigma }.times(minute))
    }
}

/// The random faults that `fields` stand for, in a run of this length.
pub(crate) fn outages(fields: &Fields<'_>, run: Option<Duration>) -> Option<RandomFault> {
    let faster = fields.factor_milli("faster").unwrap_or(1_000);
    let distributions = match fields.get("like") {
        Some(_) => fields.word("like").map(|like| {
            let (gap, lasts) = history(like).distributions(faster);
            (Some(gap), Some(lasts))
        }),
        None => Some((None, None)),
    };
    let own = |name: &str| fields.get(name).map(|_| distribution::durations(fields, name));
    let (own_gap, own_lasts) = (own("gap"), own("lasts"));
    if fields.get("like").is_none() && (own_gap.is_none() || own_lasts.is_none()) {
        let message = "faults at random times need `gap` and `lasts`, or `like`";
        let problem = Problem::new(fields.span, message, "expected `gap` and `lasts`, or `like`");
        fields.problems.push(problem.help("write `like: openai, faster: 1000x` to begin with"));
    }
    let from = fields.time("from").unwrap_or_default();
    let until = match fields.get("until") {
        Some(_) => fields.time("until"),
        None => Some(run.map_or(Timestamp::MAX, Timestamp::from)),
    };
    if until.is_some_and(|until| until <= from) {
        let message = "faults at random times end before they begin";
        let problem = Problem::new(fields.span_of("from"), message, "expected less");
        fields.problems.push(problem);
    }
    let fault: Option<FaultConfig> = fault(fields, Timestamp::ZERO, Duration::MAX);
    let (gap, lasts) = distributions?;
    Some(RandomFault {
        gap: own_gap.map_or(gap, |own| own)?,
        lasts: own_lasts.map_or(lasts, |own| own)?,
        from,
        until: until?,
        fault: fault?,
    })
}
