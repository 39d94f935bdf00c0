//! Values that are not the better the smaller they are.

use squall_campaign::{PlanQuestion, SearchBounds, plan};
use squall_scenario::Scenario;
use std::num::NonZero;

/// Too short a time-out fails healthy answers, and too long a one fails those that hang.
#[test]
fn a_time_out_that_is_met_in_the_middle_is_told_as_a_range_and_not_as_nowhere() {
    let text = include_str!("nonmono.yaml");
    let scenario_at = |value: f64| {
        let text = text.replace("first_token: 3s", &format!("first_token: {value}ms"));
        Scenario::read("nonmono.yaml", &text).ok()
    };
    let question = PlanQuestion {
        scenario_at: &scenario_at,
        start: 600.0,
        limits: SearchBounds { lower_is_harder: false, within: 0.05, doublings: 10 },
        seeds: 59,
        workers: NonZero::new(2).expect("it is not 0"),
        is_interrupted: &|| false,
    };
    let case = plan(&question, None, |_| ()).expect("it runs");
    let [range] = case.ranges[..] else { panic!("one range: {case:?}") };
    assert!((1_300.0..1_800.0).contains(&range.from), "{range:?}");
    assert!((4_000.0..4_900.0).contains(&range.to), "{range:?}");
    assert!(range.below.is_some_and(|below| below < range.from), "{range:?}");
    assert!(range.above.is_some_and(|above| above > range.to), "{range:?}");
    let inside =
        case.points.iter().filter(|tried| tried.value > range.from && tried.value < range.to);
    assert!(inside.count() > 2, "what is called met was tried inside");
}
