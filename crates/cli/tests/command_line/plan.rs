//! How far a value can go, and what it takes.

use crate::squall::{Ended, Folder};

/// Two providers that let in 30 and 10 a second, and a router that goes elsewhere.
const WORLD: &str = "\
name: world
duration: 20s
traffic: { group: chat, arrivals: even, rate: 20, prompt_tokens: 10, output_tokens: 1 }
providers:
  big: { ttft: 50ms, itl: 1ms, limits: { rpm: 1800, window: 1s } }
  small: { ttft: 50ms, itl: 1ms, limits: { rpm: 600, window: 1s } }
router:
  groups:
    chat:
      deployments:
        - { name: big, provider: big, weight: 3 }
        - { name: small, provider: small, weight: 1 }
expect: [ success_rate >= 99% ]
";

fn plan(folder: &Folder, arguments: &[&str]) -> Ended {
    folder.write("world.yaml", WORLD);
    folder.squall(&[&["plan", "world.yaml"][..], arguments].concat())
}

fn json(folder: &Folder) -> serde_json::Value {
    serde_json::from_str(&folder.read("reports/world/plan/plan.json")).expect("it is JSON")
}

#[test]
fn the_answer_is_an_interval_for_the_world_as_it_is_and_without_each_provider() {
    let folder = Folder::new("plan");
    let ended = plan(&folder, &["--vary", "traffic.rate"]);
    assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
    let question = "world: how far can traffic.rate go (20 in the file) while success_rate >= 99%?";
    assert!(ended.out.starts_with(question), "{}", ended.out);
    let json = json(&folder);
    let met = |place: usize| json["answers"][place]["met_up_to"].as_f64().expect("it was met");
    // The router waits a little where a limit asks it to, so that somewhat more than the limits is carried.
    assert!((40.0..50.0).contains(&met(0)), "{json:#}");
    assert!((10.0..14.0).contains(&met(1)), "{json:#}");
    assert!((30.0..38.0).contains(&met(2)), "{json:#}");
    assert_eq!(json["answers"][1]["gone"], "big");
    assert_eq!(json["answers"][1]["gives_first"], "success_rate >= 99%");
    for name in ["plan.html", "plan.md", "goodput.svg", "goodput.png"] {
        assert!(folder.path("reports/world/plan").join(name).exists(), "{name} is missing");
    }
}

#[test]
fn a_target_that_is_not_carried_exits_with_one_and_says_what_to_buy() {
    let folder = Folder::new("plan-target");
    let arguments = ["--vary", "traffic.rate", "--target", "80", "--as-it-is"];
    let ended = plan(&folder, &arguments);
    assert_eq!(ended.code, 1, "{}{}", ended.out, ended.err);
    let json = json(&folder);
    assert_eq!(json["limits"][0]["now"], 1800);
    // Three quarters of 80 a second.
    assert_eq!(json["limits"][0]["to_buy"], 3600);
}

#[test]
fn a_limit_is_planned_downwards() {
    let folder = Folder::new("plan-lowest");
    let arguments = [
        "--vary",
        "providers.big.limits.rpm",
        "--lowest",
        "--as-it-is",
        "--set",
        "traffic.rate=35",
    ];
    let ended = plan(&folder, &arguments);
    assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
    let met = json(&folder)["answers"][0]["met_up_to"].as_f64().expect("it was met");
    assert!((1_000.0..1_600.0).contains(&met), "25 a second, less what waits: {met}");
}

#[test]
fn a_sweep_draws_a_curve_and_looks_for_nothing() {
    let folder = Folder::new("plan-sweep");
    let ended = plan(&folder, &["--sweep", "traffic.rate=10..60/10", "--as-it-is"]);
    assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
    let json = json(&folder);
    assert_eq!(json["curves"][0]["points"].as_array().map(Vec::len), Some(6));
    assert_eq!(json["curves"][0]["points"][0]["met"], true);
    assert_eq!(json["curves"][0]["points"][5]["met"], false);
}

#[test]
fn what_cannot_be_varied_or_asked_is_told_why() {
    let folder = Folder::new("plan-wrong");
    let told = |arguments: &[&str]| {
        let ended = plan(&folder, arguments);
        assert_eq!(ended.code, 2, "{}{}", ended.out, ended.err);
        ended.err
    };
    let err = told(&["--vary", "traffic.rpm"]);
    assert!(err.contains("no value is at `traffic.rpm`: did you mean `providers."), "{err}");
    let err = told(&["--vary", "traffic.arrivals"]);
    assert!(
        err.contains("`traffic.arrivals` is `even`: only a number above zero can be varied"),
        "{err}"
    );
    let err = told(&["--vary", "traffic.rate", "--until", "sucess_rate >= 99%"]);
    assert!(err.contains("no metric is called `sucess_rate`"), "{err}");
    let err = told(&["--sweep", "traffic.rate=10..60"]);
    assert!(err.contains("write `PATH=A..B/STEP`"), "{err}");
}
