//! Recordings that were cut off, edited, or are of another version: said so, and never a panic.

use super::*;
use crate::disk::PLAIN_REQUESTS;
use std::fs;

/// The seed of the edits.
const SEED: u64 = 18;

/// A folder with a recording in it, and the names and the bytes of its files.
fn written(name: &str, recording: &Recording) -> (PathBuf, Vec<(String, Vec<u8>)>) {
    written_as(name, recording, false)
}

fn written_as(
    name: &str,
    recording: &Recording,
    compress: bool,
) -> (PathBuf, Vec<(String, Vec<u8>)>) {
    let folder = folder(name);
    recording.write_as(&folder, compress).unwrap();
    let entries = fs::read_dir(&folder).unwrap().flatten();
    let mut files: Vec<_> = entries
        .map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap()))
        .collect();
    // Of a run without notes their file is empty: nothing can be cut off it.
    files.retain(|(_, bytes)| !bytes.is_empty());
    files.sort();
    (folder, files)
}

/// A recording of so many requests.
fn of_requests(requests_sent: u64) -> Recording {
    let all = (0..requests_sent).map(|request| {
        let intended = Timestamp::from_millis(10 * request);
        let ended = intended + Duration::from_millis(700 + request % 400);
        let outcome =
            if request % 9 == 0 { RequestOutcome::GaveUp } else { RequestOutcome::Succeeded };
        RequestRow { request, intended, ended, outcome, ..requests()[0] }
    });
    let logs = Logs { requests: all.collect(), attempts: attempts(), ..Logs::default() };
    let recording = Recording::of_logs(header(), RowRetention::Rows, logs);
    Recording { journal: Some(journal()), ..recording }
}

fn journal() -> Vec<u8> {
    let mut journal = JournalWriter::default();
    (0..100_u8).for_each(|byte| journal.frame(&[byte; 40]));
    journal.into_bytes()
}

/// What reading says, which must be an error that names a file of the folder.
fn refused(folder: &Path, what: &str) -> String {
    match Recording::read(folder) {
        Ok(_) => panic!("{what} was taken"),
        Err(error) => {
            let text = error.to_string();
            assert!(text.contains(&*folder.to_string_lossy()), "{what}: {text}");
            assert!(text.len() < 2_000, "{what}: {text}");
            text
        }
    }
}

#[test]
fn a_file_that_was_cut_off_anywhere_is_refused() {
    for (name, compress) in [("cut-plain", false), ("cut-compressed", true)] {
        let recording = of_requests(300);
        let (folder, files) = written_as(name, &recording, compress);
        for (name, bytes) in files {
            let near_ends = (0..20).chain(bytes.len().saturating_sub(20)..bytes.len());
            let between = (0..bytes.len()).step_by(bytes.len() / 20 + 1);
            for length in near_ends.chain(between).filter(|&length| length < bytes.len()) {
                fs::write(folder.join(&name), &bytes[..length]).unwrap();
                refused(&folder, &format!("{name} of {length} bytes"));
            }
            fs::remove_file(folder.join(&name)).unwrap();
            refused(&folder, &format!("nothing in place of {name}"));
            fs::write(folder.join(&name), &bytes).unwrap();
        }
        assert_eq!(Recording::read(&folder).unwrap(), recording, "as it was");
    }
}

#[test]
fn a_byte_that_was_changed_anywhere_is_found() {
    for (name, compress) in [("edit-plain", false), ("edit-compressed", true)] {
        let (folder, files) = written_as(name, &of_requests(300), compress);
        let mut draws = squall_determinism::Seed::new(SEED).stream(
            squall_determinism::StreamPurpose::named("test/damaged"),
            0,
            0,
        );
        for (name, bytes) in files {
            for _ in 0..100 {
                let mut edited = bytes.clone();
                let place = (draws.unit() * bytes.len() as f64) as usize;
                edited[place] ^= 1 << (draws.unit() * 8.0) as u32;
                fs::write(folder.join(&name), &edited).unwrap();
                refused(&folder, &format!("{name} with another byte {place}"));
            }
            fs::write(folder.join(&name), &bytes).unwrap();
        }
    }
}

/// Somebody edits the cells and hides it: what is read then can be walked, whatever it says.
#[test]
fn cells_that_were_edited_behind_their_checksum_are_refused_or_can_be_walked() {
    let (folder, files) = written("edit-cells", &recording());
    let (_, bytes) = files.iter().find(|(name, _)| name == "timeseries.bin").unwrap();
    let plain = zstd::decode_all(&bytes[9..]).unwrap();
    let (mut taken, mut refused_ones) = (0, 0);
    for place in 0..plain.len() {
        for edit in [0_u8, 0x7f, 0xff] {
            let mut edited = plain.clone();
            edited[place] = edit;
            let frame = zstd::encode_all(&edited[..], 1).unwrap();
            fs::write(folder.join("timeseries.bin"), [&bytes[..9], &frame[..]].concat()).unwrap();
            seal(&folder);
            match Recording::read(&folder) {
                Ok(recording) => {
                    walk(&recording.cells);
                    taken += 1;
                }
                Err(error) => {
                    assert!(error.to_string().contains("timeseries.bin"), "{error}");
                    refused_ones += 1;
                }
            }
        }
    }
    assert!(taken > 0 && refused_ones > 0, "{taken} were taken, {refused_ones} refused");
}

fn walk(cells: &TimeSeries) {
    let all = || Timestamp::ZERO..Timestamp::MAX;
    let half = Timestamp::from_secs(1)..Timestamp::from_secs(2);
    for group in cells.groups.iter().chain(&cells.kinds) {
        let ticks = group.ticks().count();
        assert!(ticks < 1_000, "{ticks}");
        let _ = (group.sum(all()), group.sum(half.clone()), group.end());
        let _ = (group.latency.window(all()).len(), group.ttft.window(half.clone()).len());
        let _ = group.within(Duration::from_secs(2), all());
    }
    for deployment in &cells.deployments {
        let _ = (deployment.sum(all()), deployment.sum(half.clone()), deployment.end());
        let _ = deployment.latency.window(all()).len();
        assert!(deployment.embargoed().all(|wait| wait.start <= wait.end));
    }
    let members: Vec<_> = (0..cells.deployments.len()).collect();
    cells.first_attempts(&members, |_, counts| assert_eq!(counts.len(), members.len()));
}

#[test]
fn cells_of_another_version_say_which_and_what_to_do() {
    let (folder, files) = written("cells-version", &recording());
    let (_, bytes) = files.iter().find(|(name, _)| name == "timeseries.bin").unwrap();
    let mut other = bytes.clone();
    other[8] = 9;
    fs::write(folder.join("timeseries.bin"), other).unwrap();
    seal(&folder);
    let error = refused(&folder, "version 9");
    assert!(error.contains("of version 9, and this squall reads versions 1 to 2"), "{error}");
    fs::write(folder.join("timeseries.bin"), b"hello").unwrap();
    seal(&folder);
    let error = refused(&folder, "a greeting");
    assert!(error.contains("does not begin with the mark of cells"), "{error}");
}

#[test]
fn the_rows_of_a_long_run_are_compressed_so_that_anybody_can_make_them_plain() {
    let recording = of_requests(PLAIN_REQUESTS as u64 + 1);
    let folder = folder("compressed");
    recording.write(&folder).unwrap();
    let entries = fs::read_dir(&folder).unwrap().flatten();
    let mut names: Vec<_> = entries.map(|entry| entry.file_name().into_string().unwrap()).collect();
    names.sort();
    assert_eq!(
        names,
        [
            "attempts.csv.zst",
            "journal.bin.zst",
            "notes.csv.zst",
            "requests.csv.zst",
            "run.json",
            "timeseries.bin"
        ]
    );
    assert_eq!(recording.row_files(), ["requests.csv.zst", "attempts.csv.zst", "notes.csv.zst"]);
    if let Ok(output) =
        Command::new("zstd").args(["-dc", "requests.csv.zst"]).current_dir(&folder).output()
    {
        let text = String::from_utf8(output.stdout).unwrap();
        assert_eq!(text.lines().count(), 100_002);
        assert!(text.starts_with("request,group,kind,outcome,"));
    }
    assert_eq!(of_requests(PLAIN_REQUESTS as u64).row_files()[0], "requests.csv");
    // A smaller one in its place leaves none of its files.
    super::recording().write(&folder).unwrap();
    assert!(!folder.join("requests.csv.zst").exists());
    assert_eq!(Recording::read(&folder).unwrap(), super::recording());
}

#[test]
fn a_run_without_rows_leaves_none_and_is_read_back_without() {
    let logs =
        Logs { requests: requests(), attempts: attempts(), notes: notes(), ..Logs::default() };
    let recording = Recording::of_logs(header(), RowRetention::Cells, logs);
    assert!(!recording.has_rows() && recording.cells.counts().0 == 4);
    let kept: Vec<_> = recording.notes.iter().map(|row| row.note).collect();
    assert!(kept.iter().all(RecordedEvent::is_of_state), "{kept:?}");
    assert_eq!(kept.len(), 6, "two of a cooldown, one of its end, one of a budget, two of a fault");
    let (folder, files) = written("no-rows", &recording);
    let names: Vec<_> = files.iter().map(|(name, _)| &**name).collect();
    assert_eq!(names, ["notes.csv", "run.json", "timeseries.bin"]);
    assert_eq!(recording.row_files(), ["notes.csv"]);
    assert_eq!(Recording::read(&folder).unwrap(), recording);
}
