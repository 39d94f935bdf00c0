//! Recordings without rows, and reports that are drawn again.

use crate::squall::{Folder, viral_spike};

fn run(folder: &Folder, rows: &str) -> (String, i32) {
    folder.write("viral-spike.yaml", &viral_spike());
    let ended = folder.squall(&["run", "viral-spike.yaml", "--sim", "--rows", rows, "--out", rows]);
    assert!(!ended.err.contains("rows"), "what was asked for is not told: {}", ended.err);
    (ended.out.replace(&format!("{rows}/"), "OUT/"), ended.code)
}

#[test]
fn a_run_without_rows_is_the_same_run_with_the_same_verdict_and_leaves_counts_alone() {
    let folder = Folder::new("rows");
    let (all, none) = (run(&folder, "all"), run(&folder, "none"));
    // What throttled each attempt is in its row.
    let unknown = "throttled: by what is not known without the rows of attempts (`--rows all`)";
    assert!(all.0.contains("throttled: eu: ") && !all.0.contains(unknown), "{}", all.0);
    assert!(none.0.contains(unknown) && !none.0.contains("throttled: eu: "), "{}", none.0);
    let lines = |text: &str| {
        let lines = text.lines().filter(|line| !line.starts_with("throttled: "));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!((lines(&all.0), all.1), (lines(&none.0), none.1), "digest, verdict and report");
    let names = |name: &str| {
        let entries = std::fs::read_dir(folder.path(name)).expect("it was written").flatten();
        let mut names: Vec<_> =
            entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    };
    let missing: Vec<_> =
        names("all").into_iter().filter(|name| !names("none").contains(name)).collect();
    assert_eq!(missing, ["attempts.csv", "journal.bin", "requests.csv"]);
    let summary = |name: &str| {
        let text = folder.read(&format!("{name}/summary.json"));
        let mut summary: serde_json::Value = serde_json::from_str(&text).expect("it is JSON");
        for deployment in summary["deployments"].as_array_mut().expect("a list") {
            deployment.as_object_mut().expect("an object").remove("throttled_by");
        }
        summary
    };
    assert_eq!(summary("all"), summary("none"));
    let chart = |chart: &str| ["all", "none"].map(|run| folder.read(&format!("{run}/{chart}.svg")));
    for same in ["traffic", "shares", "attempts", "latency", "ttft", "errors", "providers"] {
        let [all, none] = chart(same);
        assert_eq!(
            all, none,
            "{same}: cooldowns and faults are drawn from the few notes that are kept"
        );
    }
    let [all, none] = chart("retries");
    assert!(
        !all.contains("--rows all") && none.contains("which this run did not keep (--rows all)")
    );
}

#[test]
fn what_needs_rows_says_so() {
    let folder = Folder::new("rows-needed");
    run(&folder, "none");
    let replayed = folder.squall(&["replay", "none"]);
    assert_eq!(replayed.code, 2, "{}", replayed.out);
    let told =
        "cannot be replayed, since its run kept no rows (`squall run --rows all` keeps both)";
    assert!(replayed.err.contains(told), "{}", replayed.err);
    let explained = folder.squall(&["explain", "none", "17"]);
    assert_eq!(explained.code, 2, "{}", explained.out);
    assert!(explained.err.contains("holds no journal"), "{}", explained.err);
    assert!(explained.err.contains("`squall run --rows all`"), "{}", explained.err);
}

#[test]
fn a_report_is_drawn_again_from_its_recording_with_or_without_rows() {
    let folder = Folder::new("report");
    for rows in ["all", "none"] {
        let (out, code) = run(&folder, rows);
        let pages: Vec<_> = ["report.html", "summary.json", "junit.xml", "shares.svg"]
            .map(|name| format!("{rows}/{name}"))
            .into_iter()
            .map(|name| (folder.read(&name), name))
            .collect();
        for (_, name) in &pages {
            std::fs::remove_file(folder.path(name)).expect("it was written");
        }
        let again = folder.squall(&["report", rows]);
        assert_eq!((again.out.replace(&format!("{rows}/"), "OUT/"), again.code), (out, code));
        for (page, name) in &pages {
            assert_eq!(&folder.read(name), page, "{name}");
        }
        // Elsewhere, and not over another recording.
        let elsewhere = folder.squall(&["report", rows, "--out", "drawn"]);
        assert_eq!(elsewhere.code, 0, "{}", elsewhere.err);
        assert!(
            folder.path("drawn/report.html").exists() && !folder.path("drawn/run.json").exists()
        );
        let refused = folder.squall(&["report", rows, "--out", rows]);
        assert_eq!(refused.code, 2, "{}", refused.out);
        assert!(refused.err.contains("it holds the recording of a run"), "{}", refused.err);
    }
    let nothing = folder.squall(&["report", "drawn"]);
    assert_eq!(nothing.code, 4, "{}", nothing.out);
    assert!(nothing.err.contains("run.json"), "{}", nothing.err);
}
