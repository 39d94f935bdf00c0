//! Intervals, bounds and what cannot be known.

use super::*;
use squall_testkit::by_hand::Fixture;

fn sample(success: ScoreValue, doubts: &[&str]) -> ScoreSample {
    let mut figures = vec![ScoreValue::Unknown("not measured".to_owned()); FIGURES.len()];
    figures[0] = success;
    ScoreSample { figures, doubts: doubts.iter().map(|&doubt| doubt.to_owned()).collect() }
}

fn system(name: &str, variant: &'static str) -> ScoredSystem {
    ScoredSystem {
        name: name.to_owned(),
        version: Some("1.2".to_owned()),
        variant,
        files: vec![("gateway.conf".to_owned(), "weight 7\n".to_owned())],
        notes: vec!["router.deadline: nothing like it".to_owned()],
    }
}

fn card() -> Scorecard {
    let mut card = Scorecard {
        made: vec!["on a machine".to_owned()],
        systems: vec![system("one", "defaults"), system("two", "tuned")],
        situations: vec![ScoredSituation {
            name: "outage".to_owned(),
            description: "Something is out.".to_owned(),
        }],
        ..Scorecard::default()
    };
    card.add(0, 0, sample(ScoreValue::Value(0.99), &[]));
    card.add(0, 0, sample(ScoreValue::Value(0.95), &["the driver lagged"]));
    card.add(1, 0, sample(ScoreValue::AtLeast(1.0), &[]));
    card
}

#[test]
fn a_figure_is_the_interval_of_its_runs() {
    let written = |values: &[ScoreValue]| {
        let samples: Vec<_> = values.iter().map(|value| sample(value.clone(), &[])).collect();
        scorecard_interval(&FIGURES[0], &samples, 0)
    };
    let value = ScoreValue::Value;
    assert_eq!(written(&[value(0.99), value(0.95), value(1.0)]), "95% to 100%");
    assert_eq!(written(&[value(1.0), value(1.0)]), "100%");
    assert_eq!(written(&[ScoreValue::AtLeast(0.5)]), "≥ 50%");
    assert_eq!(written(&[value(0.5), ScoreValue::Never]), "50% to never");
    assert_eq!(written(&[ScoreValue::Never]), "never");
    assert_eq!(written(&[ScoreValue::Unknown("no log".to_owned())]), "–");
    assert_eq!(written(&[]), "–");
}

#[test]
fn the_tables_show_every_system_and_what_is_in_doubt() {
    insta::assert_snapshot!(scorecard_lines(&card()).join("\n"));
    insta::assert_snapshot!(scorecard_markdown(&card()));
}

#[test]
fn programs_get_every_run_with_its_reasons() {
    let json = scorecard_json(&card());
    let run = &json["cells"][0]["runs"][1];
    assert_eq!(run["figures"]["success"]["value"], 0.95);
    assert_eq!(run["figures"]["memory"]["unknown"], "not measured");
    assert_eq!(run["doubts"][0], "the driver lagged");
    assert_eq!(json["cells"][1]["runs"][0]["figures"]["success"]["at_least"], 1.0);
}

#[test]
fn a_recording_gives_the_figures_of_its_metrics() {
    let mut run = Fixture::new();
    run.weighted(0..20_000).first(0, 20_000..21_300, 16).first(1, 20_000..40_000, 400);
    run.weighted(40_000..100_000).requests(
        0..100_000,
        2_000,
        squall_record::RequestOutcome::Succeeded,
    );
    let sample = ScoreSample::of(&run.scenario, &run.recording());
    assert_eq!(sample.figures[0], ScoreValue::Value(1.0));
    let ScoreValue::Value(failover) = sample.figures[2] else { panic!("{:?}", sample.figures) };
    assert!((1.0..2.0).contains(&failover), "{failover}");
    assert_eq!(sample.figures[10], ScoreValue::Unknown("no process of its own".to_owned()));
    assert!(sample.doubts.is_empty());
}
