//! The corpus of the fuzzers, through the entries that they call: what they have found stays found, on a toolchain that
//! cannot fuzz as well. Each input is also tried with a byte gone wrong here and there.

// By its path, as the fuzzers name it: then its own modules are beside it for all of them.
#[path = "entries.rs"]
mod entries;

use entries::{ENTRIES, Entry};
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus")
}

/// The inputs of a target, by name.
fn inputs(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = corpus().join(target);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{target}: {error}"));
    let mut inputs: Vec<_> = entries
        .flatten()
        .map(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            (name, fs::read(entry.path()).expect("it can be read"))
        })
        .collect();
    inputs.sort();
    inputs
}

fn call(entry: Entry, bytes: &[u8]) -> bool {
    catch_unwind(AssertUnwindSafe(|| entry(bytes))).is_ok()
}

#[test]
fn no_input_of_the_corpus_breaks_its_entry() {
    for (target, entry) in ENTRIES {
        let inputs = inputs(target);
        assert!(!inputs.is_empty(), "{target} has no corpus");
        for (name, bytes) in inputs {
            assert!(call(entry, &bytes), "fuzz/corpus/{target}/{name}");
        }
    }
}

/// How many damaged forms of each input there are.
const DAMAGES: usize = 40;

#[test]
fn no_input_with_a_byte_gone_wrong_or_an_end_too_soon_breaks_its_entry() {
    for (target, entry) in ENTRIES {
        for (name, bytes) in inputs(target) {
            for damage in 0..DAMAGES {
                let at = bytes.len() * damage / DAMAGES;
                let mut wrong = bytes.clone();
                match damage % 4 {
                    0 => wrong.truncate(at),
                    1 => wrong[at] = 0xff,
                    2 => wrong[at] = b'"',
                    _ => wrong[at] = wrong[at].wrapping_add(1),
                }
                assert!(call(entry, &wrong), "fuzz/corpus/{target}/{name}, damage {damage}");
            }
        }
    }
}

#[test]
fn every_target_calls_its_entry_and_has_a_corpus() {
    let folder = corpus().join("../fuzz_targets");
    let manifest = fs::read_to_string(corpus().join("../Cargo.toml")).expect("it is there");
    for (target, _) in ENTRIES {
        let text = fs::read_to_string(folder.join(format!("{target}.rs"))).unwrap_or_default();
        assert!(text.contains(&format!("entries::{target}(bytes)")), "{target} calls another");
        assert!(manifest.contains(&format!("name = \"{target}\"")), "{target} is not built");
    }
    let files = fs::read_dir(&folder).expect("it is there").count();
    let folders = fs::read_dir(corpus()).expect("it is there").count();
    assert_eq!((files, folders), (ENTRIES.len(), ENTRIES.len()), "a target without its entry");
}
