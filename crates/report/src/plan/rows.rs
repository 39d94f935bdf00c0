//! A plan as rows of words: what the terminal, the Markdown and the page show alike.

use super::{PlanAnswer, PlanNeed, PlanRange, PlanReport, world};
use squall_judge::text;

/// The question in one sentence.
pub(super) fn question(plan: &PlanReport) -> String {
    let until = plan.until.join(" and ");
    let (path, written) = (&plan.varied.path, plan.varied.write(plan.varied.written));
    format!("how far can {path} go ({written} in the file) while {until}?")
}

/// The rows of the answers: the world, both ends, and what fails first.
pub(super) fn answer_rows(plan: &PlanReport) -> Vec<[String; 4]> {
    let end = |value: Option<f64>, none: &str| {
        value.map_or_else(|| none.to_owned(), |value| plan.varied.write(value))
    };
    let row = |answer: &PlanAnswer| {
        let none = if answer.interrupted { "unknown" } else { "nowhere" };
        let (met, missed) = match &answer.ranges[..] {
            [] => (end(answer.met, none), end(answer.missed, none)),
            ranges => {
                let each = |range: &PlanRange| {
                    format!("{} to {}", plan.varied.write(range.from), plan.varied.write(range.to))
                };
                let met: Vec<_> = ranges.iter().map(each).collect();
                (met.join(", "), "outside".to_owned())
            }
        };
        [
            world(answer.gone.as_deref()),
            met,
            missed,
            answer.gave.clone().unwrap_or_else(|| "-".to_owned()),
        ]
    };
    plan.answers.iter().map(row).collect()
}

/// The rows of the limits: whose, which, how much is asked, and what to buy.
pub(super) fn need_rows(plan: &PlanReport) -> Vec<[String; 6]> {
    let row = |need: &PlanNeed| {
        [
            format!("{} {}", need.provider, need.limit),
            need.now.map_or_else(|| "none".to_owned(), text::count),
            text::count(need.healthy),
            need.headroom().map_or_else(|| "-".to_owned(), headroom),
            text::count(need.without_any),
            match need.to_buy() {
                Some(limit) => text::count(limit),
                None if need.kept => "kept".to_owned(),
                None => "-".to_owned(),
            },
        ]
    };
    plan.needs.iter().map(row).collect()
}

fn headroom(part: f64) -> String {
    match part {
        part if part < 0.0 => format!("{} over", text::percent(-part)),
        part => text::percent(part),
    }
}

pub(super) const ANSWER_HEAD: [&str; 4] = ["", "met up to", "missed from", "first to fail"];
pub(super) const NEED_HEAD: [&str; 6] =
    ["limit", "now", "demand", "headroom", "worst N-1", "to buy"];

/// What is to be said of values that are not monotone: a sentence for each world of which they are not.
pub(super) fn not_monotone(plan: &PlanReport) -> Vec<String> {
    let write = |value: f64| plan.varied.write(value);
    let range = |range: &PlanRange| {
        let mut text = format!("met from {} to {}", write(range.from), write(range.to));
        let beside: Vec<_> = [range.below, range.above].into_iter().flatten().map(write).collect();
        if !beside.is_empty() {
            text += &format!(" and not at {}", beside.join(" or at "));
        }
        text
    };
    let sentence = |answer: &PlanAnswer| {
        let ranges: Vec<_> = answer.ranges.iter().map(range).collect();
        format!(
            "{} is not monotone ({}): {}. Values in between were not tested.",
            plan.varied.path,
            world(answer.gone.as_deref()),
            ranges.join("; ")
        )
    };
    plan.answers.iter().filter(|answer| !answer.ranges.is_empty()).map(sentence).collect()
}

/// What an interruption left undone, in a sentence.
pub(super) fn interrupted(plan: &PlanReport) -> Option<&'static str> {
    plan.interrupted.then_some(
        "Interrupted: the last answer is as precise as the search had become; later answers are \
         missing.",
    )
}
