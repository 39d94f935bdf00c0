//! Simulated runs, checks, replays.

use crate::squall::{Folder, viral_spike};

#[test]
fn a_simulated_run_prints_a_verdict_and_leaves_every_file_of_a_report() {
    let folder = Folder::new("run");
    folder.write("viral-spike.yaml", &viral_spike());
    let ended = folder.squall(&["run", "viral-spike.yaml", "--sim"]);
    assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
    assert!(ended.out.contains("met      success_rate >= 99%"), "{}", ended.out);
    assert!(ended.digest().len() == "digest: ".len() + 32);
    assert!(ended.out.contains("report: reports/viral-spike/sim/report.html"));
    let charts =
        ["traffic", "shares", "attempts", "retries", "latency", "ttft", "errors", "providers"];
    for chart in charts {
        for ending in ["svg", "png"] {
            let path = folder.path("reports/viral-spike/sim").join(format!("{chart}.{ending}"));
            assert!(path.exists(), "{chart}.{ending} is missing");
        }
    }
    for name in [
        "report.html",
        "summary.json",
        "summary.md",
        "junit.xml",
        "requests.csv",
        "attempts.csv",
        "notes.csv",
        "run.json",
        "timeseries.bin",
        "journal.bin",
    ] {
        assert!(folder.path("reports/viral-spike/sim").join(name).exists(), "{name} is missing");
    }
    let summary = folder.read("reports/viral-spike/sim/summary.json");
    let summary: serde_json::Value = serde_json::from_str(&summary).expect("it is JSON");
    assert_eq!(summary["verdict"], "met");
    assert_eq!(folder.read("reports/viral-spike/sim/junit.xml").matches("<testcase").count(), 7);
}

#[test]
fn the_page_tells_what_happened_as_the_notes_of_the_run_have_it() {
    let folder = Folder::new("happened");
    folder.write("viral-spike.yaml", &viral_spike());
    let ended = folder.squall(&["run", "viral-spike.yaml", "--sim"]);
    assert!(ended.code < 2, "{}{}", ended.out, ended.err);
    let page = folder.read("reports/viral-spike/sim/report.html");
    let notes = folder.read("reports/viral-spike/sim/notes.csv");
    // The columns: when, what, and why, in its tenth.
    let rows = || notes.lines().skip(1).map(|row| row.split(',').collect::<Vec<_>>());
    let seconds = |row: &[&str]| row[0].parse::<f64>().expect("nanoseconds") / 1e9;
    let of = |event: &'static str| rows().filter(move |row| row[1] == event);
    let throttled = of("cooldown_started").filter(|row| row[9] == "throttled").count();
    assert!(throttled > 1, "{notes}");
    let told = format!("eu throttled: left alone {throttled} times");
    assert!(page.contains(&told), "{told}");
    for begins in ["fault begins at eu (openai-eu): 503", "fault ends at eu (openai-eu): refused"] {
        assert!(page.contains(begins), "{begins}");
    }
    let failed = of("cooldown_started").find(|row| row[9] != "throttled").expect("an ejection");
    let begun = seconds(&of("fault_started").next().expect("a fault"));
    let attempts = of("attempt_failed").filter(|row| row[6] == "eu" && row[9] != "throttled");
    let attempts = attempts.filter(|row| (begun..=seconds(&failed)).contains(&seconds(row)));
    let told = format!("eu ejected after {} failed attempts", attempts.count());
    assert!(page.contains(&told), "{told}");
    let back = of("recovered").next().expect("it comes back");
    let link = format!("data-at=\"{}\"", seconds(&back));
    let line = page.lines().find(|line| line.contains("probe of eu succeeds")).expect("a line");
    assert!(line.contains(&link), "{link}: {line}");
}

#[test]
fn a_seed_gives_its_digest_again_and_another_seed_another() {
    let folder = Folder::new("seed");
    folder.write("viral-spike.yaml", &viral_spike());
    let digest = |seed: &str| {
        let ended = folder.squall(&["run", "viral-spike.yaml", "--sim", "--seed", seed]);
        ended.digest().to_owned()
    };
    assert_eq!(digest("1"), digest("1"));
    assert_ne!(digest("1"), digest("2"));
}

#[test]
fn without_a_fallback_and_two_deployments_the_verdict_fails_and_the_report_shows_why() {
    let folder = Folder::new("alone");
    let text = viral_spike();
    let alone: Vec<_> = text
        .lines()
        .filter(|line| {
            let gone = ["- { name: us", "- { name: ap", "fallback: ["];
            !gone.iter().any(|gone| line.trim_start().starts_with(gone))
        })
        .collect();
    folder.write("alone.yaml", &(alone.join("\n") + "\n"));
    let ended = folder.squall(&["run", "alone.yaml", "--sim", "--out", "out"]);
    assert_eq!(ended.code, 1, "{}{}", ended.out, ended.err);
    assert!(ended.out.contains("MISSED   success_rate >= 99%"), "{}", ended.out);
    let page = folder.read("out/report.html");
    assert!(page.contains("✗ missed") && page.contains("under limit 99%"));
}

#[test]
fn a_recording_is_replayed_and_judged_again_and_a_damaged_one_is_found_out() {
    let folder = Folder::new("replay");
    folder.write("viral-spike.yaml", &viral_spike());
    folder.squall(&["run", "viral-spike.yaml", "--sim", "--out", "out"]);
    let ended = folder.squall(&["replay", "out"]);
    assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
    assert!(ended.out.starts_with("replayed: "), "{}", ended.out);

    let run = folder.read("out/run.json");
    folder.write("out/run.json", &run.replace("weight: 6", "weight: 5"));
    let ended = folder.squall(&["replay", "out"]);
    assert_eq!(ended.code, 5, "{}{}", ended.out, ended.err);
    assert!(ended.err.contains("run.json` was changed after the run"), "{}", ended.err);
}

#[test]
fn the_schema_is_json() {
    let ended = Folder::new("schema").squall(&["schema"]);
    let schema: serde_json::Value = serde_json::from_str(&ended.out).expect("it is JSON");
    assert!(schema["$defs"]["scenario"]["properties"]["traffic"].is_object());
}
