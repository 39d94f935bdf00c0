//! What is written fits the schema that is published, as a validator of others sees it, and the schema names every field.

use super::*;
use crate::verdict::judge;
use crate::{Origin, RunSet, compare_runs, comparison_json, judge_seeds, summary, write_check};
use squall_record::RequestOutcome;
use squall_testkit::by_hand::{FAILED, Fixture};

/// The same schema without room for fields that it does not name.
fn strict(mut schema: Value) -> Value {
    fn close(value: &mut Value) {
        match value {
            Value::Object(map) => {
                if map.contains_key("properties") {
                    map.insert("additionalProperties".to_owned(), false.into());
                }
                map.values_mut().for_each(close);
            }
            Value::Array(items) => items.iter_mut().for_each(close),
            _ => {}
        }
    }
    close(&mut schema);
    schema
}

#[track_caller]
fn fits(file: WrittenFile, value: &Value) {
    let schema = strict(written_schema(file));
    let validator = jsonschema::draft202012::new(&schema).expect("it is a schema");
    let problems: Vec<_> = validator.iter_errors(value).map(|error| error.to_string()).collect();
    assert!(problems.is_empty(), "{problems:#?}\n{value:#}");
}

fn run() -> Fixture {
    let mut run = Fixture::new();
    run.requests(0..100_000, 990, RequestOutcome::Succeeded);
    run.requests(0..100_000, 10, FAILED);
    run
}

#[test]
fn the_summary_of_a_run_fits() {
    for run in [run(), Fixture::new()] {
        let recording = run.recording();
        let verdict = judge(&run.scenario, &recording);
        let summary = summary(&run.scenario, &recording, &verdict);
        let value = serde_json::to_value(summary).expect("it is JSON");
        fits(WrittenFile::Summary, &value);
        // And the schema is no wildcard.
        let mut other = value.clone();
        other["verdict"] = "perhaps".into();
        let schema = written_schema(WrittenFile::Summary);
        assert!(!jsonschema::is_valid(&schema, &other));
        let mut other = value;
        other.as_object_mut().expect("an object").remove("totals");
        assert!(!jsonschema::is_valid(&schema, &other));
    }
}

#[test]
fn the_summary_of_a_check_fits() {
    let run = run();
    let verdict = judge(&run.scenario, &run.recording());
    let verdict = judge_seeds(&run.scenario, Origin::default(), &vec![verdict; 3], None);
    let folder = tempfile::tempdir().expect("a folder");
    let paths = write_check(folder.path(), &[verdict]).expect("it writes");
    let text = std::fs::read_to_string(paths.summary).expect("it is there");
    fits(WrittenFile::CheckSummary, &serde_json::from_str(&text).expect("it is JSON"));
}

#[test]
fn a_comparison_fits() {
    let run = run();
    let recording = run.recording();
    let set = |label: &str| {
        RunSet::recorded(label.to_owned(), &run.scenario, &recording, Origin::default())
    };
    let mut several = set("B");
    several.runs.extend(several.runs.clone());
    let comparisons =
        [compare_runs(&set("A"), &set("B"), &[]), compare_runs(&several, &several, &[])];
    fits(WrittenFile::Comparison, &comparison_json(&comparisons));
}

/// `docs/schema/` is where programs find them.
#[test]
#[expect(clippy::disallowed_methods, reason = "whoever changes a file writes its schema anew")]
fn the_published_schemas_are_those_of_what_is_written() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/schema");
    let update = std::env::var_os("UPDATE_REFERENCE").is_some();
    for file in WrittenFile::ALL {
        let (path, name) = (folder.join(format!("{}.json", file.as_str())), file.as_str());
        let now = format!("{:#}\n", written_schema(file));
        if update {
            std::fs::write(&path, &now).expect("it can be written");
        }
        let told = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            told == now,
            "docs/schema/{name}.json is behind: UPDATE_REFERENCE=1 writes it anew"
        );
    }
}
