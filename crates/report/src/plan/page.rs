//! `plan.html`: the question, the answers, the curve and the limits, in one file.

use super::rows::{
    ANSWER_HEAD, NEED_HEAD, answer_rows, interrupted, need_rows, not_monotone, question,
};
use super::{PlanReport, world};
use crate::ReportError;
use crate::charts::{DrawnChart, dark_rules};
use crate::page::{Fonts, render};
use serde::Serialize;

#[derive(Serialize)]
struct PlanPage<'p> {
    #[serde(flatten)]
    fonts: Fonts,
    dark_rules: String,
    scenario: &'p str,
    question: String,
    answer: String,
    interrupted: Option<&'static str>,
    seeds: usize,
    answer_head: [&'static str; 4],
    answers: Vec<[String; 4]>,
    chart: &'p str,
    reading: &'p str,
    target: String,
    need_head: [&'static str; 6],
    needs: Vec<[String; 6]>,
    file: &'p str,
}

pub(super) fn page(plan: &PlanReport, chart: &DrawnChart) -> Result<String, ReportError> {
    render(
        "plan.html",
        PlanPage {
            fonts: Fonts::default(),
            dark_rules: dark_rules(std::slice::from_ref(chart)),
            scenario: &plan.scenario,
            question: question(plan),
            answer: answer(plan),
            interrupted: interrupted(plan),
            seeds: plan.seeds,
            answer_head: ANSWER_HEAD,
            answers: answer_rows(plan),
            chart: &chart.page_svg,
            reading: chart.reading,
            target: plan.varied.write(plan.target),
            need_head: NEED_HEAD,
            needs: need_rows(plan),
            file: &plan.origin.path,
        },
    )
}

/// The answer in a sentence: as it is, and without the provider whose loss costs most.
fn answer(plan: &PlanReport) -> String {
    let write = |value: Option<f64>| {
        value.map_or_else(|| "no tested value".to_owned(), |value| plan.varied.write(value))
    };
    let Some(first) = plan.answers.first() else { return String::new() };
    if let Some(sentence) = not_monotone(plan).first().filter(|_| !first.ranges.is_empty()) {
        return sentence.clone();
    }
    let mut answer = format!("serves {}", write(first.met));
    let gone = plan.answers.iter().filter(|answer| answer.gone.is_some());
    let worst = gone.min_by(|a, b| a.met.unwrap_or(0.0).total_cmp(&b.met.unwrap_or(0.0)));
    if let Some(worst) = worst {
        let (without, met) = (world(worst.gone.as_deref()), write(worst.met));
        answer += &format!(", and {met} {without}");
    }
    answer
}
