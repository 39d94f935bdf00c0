//! Bursts and silences: their mean lengths.

use crate::diagnostic::Problem;
use crate::fields::Fields;
use crate::schema::{Key, Schema, Section};
use core::time::Duration;
use squall_workload::{Arrivals, Rate};

pub(super) const ABOUT: &str = "Bursts and silences in turn, of exponential lengths (an interrupted Poisson process, the simplest MMPP). \
     In a burst the rate is higher by (on + off) ÷ on, so that the mean is `rate`. `on_off` alone has bursts of 20 s and \
     silences of 40 s.";

pub(super) static SETTINGS: Section = Section {
    id: "on-off-arrivals",
    phrase: "on-off arrivals",
    about: "Bursts and silences, of at least 1 ms each. Over long windows the variance of counts is 1 + 2 · rate · off² ÷ (on + off) \
            times their mean.",
    keys: &[&[
        Key::optional(
            "on",
            Schema::SPAN,
            "20s",
            "Mean length of a burst: 10 to 30 s in Azure's published hour of code.",
        ),
        Key::optional("off", Schema::SPAN, "40s", "Mean length of a silence: 10 to 200 s there."),
    ]],
};

const USUAL: (Duration, Duration) = (Duration::from_secs(20), Duration::from_secs(40));
/// Shorter ones are nothing that a clock of a driver can tell.
const LEAST: Duration = Duration::from_millis(1);

pub(super) fn read(fields: Option<&Fields<'_>>, rate: Rate) -> Option<Arrivals> {
    let length = |name: &'static str, usual: Duration| {
        let Some(fields) = fields.filter(|fields| fields.get(name).is_some()) else {
            return Some(usual);
        };
        let length = fields.duration(name)?;
        if length < LEAST {
            let message = format!("`{name}` is too short");
            fields.problems.push(Problem::new(
                fields.span_of(name),
                message,
                "expected at least 1ms",
            ));
            return None;
        }
        Some(length)
    };
    let (on, off) = (length("on", USUAL.0), length("off", USUAL.1));
    Some(Arrivals::OnOff { rate, on: on?, off: off? })
}
