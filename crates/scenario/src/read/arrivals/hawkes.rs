//! Self-exciting arrivals: how many others each brings, and how soon.

use crate::diagnostic::Problem;
use crate::fields::Fields;
use crate::schema::{Key, Schema, Section};
use core::time::Duration;
use squall_determinism::Share;
use squall_workload::{Arrivals, Rate};

pub(super) const ABOUT: &str = "A self-exciting process (Hawkes 1971): each arrival brings others, and these bring others. A share \
     of 1 − branching comes of its own accord, so that the mean is `rate`. `hawkes` alone has a branching ratio of 75% and a decay of 10s.";

pub(super) static SETTINGS: Section = Section {
    id: "hawkes-arrivals",
    phrase: "Hawkes arrivals",
    about: "A Hawkes process with an exponential kernel. Over long windows the variance of counts is 1 ÷ (1 − branching)² times their mean.",
    keys: &[&[
        Key::optional(
            "branching",
            Schema::Percent,
            "75%",
            "How many others each arrival brings on average, at most 98%: 75% has the dispersion of Azure's published hour of conversations \
             in windows of a minute, 92% that of its hour of code.",
        ),
        Key::optional(
            "decay",
            Schema::SPAN,
            "10s",
            "Mean delay of those, at the mean rate of the run; where the rate is twice that, half as long.",
        ),
    ]],
};

const USUAL: (Share, Duration) = (Share::percent(75), Duration::from_secs(10));
/// Beyond it a cluster of 50 on average has 2,500 as its usual deviation, and a run hardly ever its mean rate.
const MOST: Share = Share::percent(98);

pub(super) fn read(fields: Option<&Fields<'_>>, rate: Rate) -> Option<Arrivals> {
    let settings = |name| fields.filter(|fields| fields.get(name).is_some());
    let branching = settings("branching").map_or(Some(USUAL.0), |fields| fields.share("branching"));
    let decay = settings("decay").map_or(Some(USUAL.1), |fields| fields.duration("decay"));
    let is_too_many = branching.is_some_and(|branching| branching > MOST);
    if let Some(fields) = fields.filter(|_| is_too_many) {
        let message = "`branching` is out of range";
        let problem = Problem::new(fields.span_of("branching"), message, "expected at most 98%");
        let help = "each arrival that brings another one or more makes arrivals without end";
        fields.problems.push(problem.help(help));
        return None;
    }
    let (branching, decay) = (branching?, decay?);
    Some(Arrivals::Hawkes { rate, branching: branching.as_f64(), decay })
}
