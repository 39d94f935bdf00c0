//! Answers where they can be worked out by hand.

use super::*;
use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Two providers that let in so many a second each, even arrivals, no retries that would help.
fn bare(rate: f64) -> Option<Scenario> {
    world(rate, "retries: 0\n  cooldown: never")
}

/// The same with a router that goes elsewhere.
fn routed(rate: f64) -> Option<Scenario> {
    world(rate, "retries: 2")
}

fn world(rate: f64, router: &str) -> Option<Scenario> {
    let text = format!(
        "
name: hand
duration: 20s
traffic: {{ group: chat, arrivals: even, rate: {rate}, prompt_tokens: 10, output_tokens: 1 }}
providers:
  big: {{ ttft: 50ms, itl: 1ms, limits: {{ rpm: 1800, window: 1s }} }}
  small: {{ ttft: 50ms, itl: 1ms, limits: {{ rpm: 600, window: 1s }} }}
router:
  {router}
  groups:
    chat:
      deployments:
        - {{ name: big, provider: big, weight: 3 }}
        - {{ name: small, provider: small, weight: 1 }}
expect: [ success_rate >= 99% ]
"
    );
    Scenario::read("hand.yaml", &text).ok()
}

fn question(scenario_at: &(dyn Fn(f64) -> Option<Scenario> + Sync)) -> PlanQuestion<'_> {
    PlanQuestion {
        scenario_at,
        start: 10.0,
        limits: SearchBounds { lower_is_harder: false, within: 0.02, doublings: 8 },
        seeds: 59,
        workers: NonZero::new(2).unwrap(),
        is_interrupted: &|| false,
    }
}

#[test]
fn two_providers_carry_what_their_limits_add_up_to() {
    let case = plan(&question(&bare), None, |_| ()).unwrap();
    // 30 and 10 a second; a little more is not refused for a whole hundredth of all requests.
    let met = case.bracket.met.unwrap();
    assert!((38.0..=41.0).contains(&met), "{:?}", case.bracket);
    assert!(case.bracket.missed.unwrap() > met);
}

#[test]
fn without_the_larger_one_the_smaller_ones_limit_is_left() {
    let case = plan(&question(&routed), Some("big"), |_| ()).unwrap();
    let met = case.bracket.met.unwrap();
    assert!((9.0..=13.0).contains(&met), "{:?}", case.bracket);
    let missed = case.points.iter().find(|tried| tried.judgement == Judgement::Missed).unwrap();
    assert_eq!(missed.gave.as_deref(), Some("success_rate >= 99%"));
}

#[test]
fn beyond_the_knee_goodput_stays_behind_what_is_offered() {
    let tried = sweep(&question(&bare), None, &[20.0, 80.0], |_| ()).unwrap();
    let load = |place: usize| tried[place].loads[0];
    assert!((load(0).offered - 20.0).abs() < 0.3 && (load(0).goodput - 20.0).abs() < 0.3);
    assert!((load(1).offered - 80.0).abs() < 0.3 && load(1).goodput < 45.0, "{:?}", load(1));
}

#[test]
fn what_would_have_to_be_bought_is_what_the_traffic_asks_for() {
    let two = NonZero::new(2).unwrap();
    let needs = needs(&bare(80.0).unwrap(), Some("big"), &[], 3, two, &|| false).unwrap();
    assert_eq!(needs[1].rpm_limit, Some(600));
    assert!((1_200..=1_260).contains(&needs[1].rpm), "a quarter of 80 a second: {:?}", needs[1]);
}

#[test]
fn an_interrupted_search_knows_what_it_tried_and_no_half_tried_value() {
    let runs = AtomicUsize::new(0);
    let scenario_at = |rate: f64| {
        runs.fetch_add(1, Ordering::Relaxed);
        bare(rate)
    };
    // Interrupted as the third value is begun: the first two were run with all seeds.
    let is_interrupted = || runs.load(Ordering::Relaxed) > 2;
    let question = PlanQuestion { is_interrupted: &is_interrupted, ..question(&scenario_at) };
    let case = plan(&question, None, |_| ()).unwrap();
    assert!(case.interrupted);
    assert_eq!(case.points.iter().map(|tried| tried.value).collect::<Vec<_>>(), [10.0, 20.0]);
    assert_eq!(case.bracket, Bracket { met: Some(20.0), missed: None });
}

#[test]
fn what_is_asked_of_limits_is_not_told_of_some_of_the_seeds() {
    let looks = AtomicUsize::new(0);
    let is_interrupted = || looks.fetch_add(1, Ordering::Relaxed) >= 2;
    let one = NonZero::<usize>::MIN;
    let needs = needs(&bare(80.0).unwrap(), None, &[], 3, one, &is_interrupted).unwrap();
    assert_eq!(needs, []);
}
