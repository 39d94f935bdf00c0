//! A recording that grows, and what a killed process leaves of it; the folder that it is written into.

use super::*;
use std::fs::{self, File};
use std::io::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};

fn begun(name: &str) -> (PathBuf, LiveWriter) {
    let folder = folder(name);
    OutFolder::prepare(&folder, &[], &EarlierRuns::default()).unwrap();
    let header =
        RunHeader { ended: RunEnd::Complete, lag: None, server_lag: Vec::new(), ..header() };
    let writer = LiveWriter::begin(&folder, header, || Timestamp::from_secs(20)).unwrap();
    (folder, writer)
}

/// What a run of these rows is that ended there.
fn expected(at: Timestamp, torn: u32, requests: Vec<RequestRow>) -> Recording {
    let ended = RunEnd::Killed { at, torn };
    let header = RunHeader { ended, server_lag: Vec::new(), ..header() };
    let logs = Logs { requests, attempts: attempts(), notes: notes(), journal: Some(journal()) };
    Recording::of_logs(header, RowRetention::Rows, logs)
}

fn journal() -> Vec<u8> {
    let mut journal = JournalWriter::default();
    journal.frame(b"one");
    journal.frame(b"two");
    journal.into_bytes()
}

/// Everything there is, in another order than that of a finished recording.
fn send(rows: &RowSender) {
    requests().iter().rev().for_each(|row| rows.request(row));
    attempts().iter().rev().for_each(|row| rows.attempt(row));
    notes().iter().for_each(|row| rows.note(row));
    [&b"one"[..], b"two"].into_iter().for_each(|frame| rows.frame(frame));
}

#[test]
fn a_run_that_was_killed_leaves_every_row_that_was_written() {
    let (folder, writer) = begun("killed");
    send(&writer.rows());
    writer.finish();
    let read = Recording::read(&folder).unwrap();
    assert_eq!(read, expected(Timestamp::from_secs(20), 0, requests()));
    assert_eq!(read.digest_of_rows(), read.header.digest);
}

#[test]
fn a_stranger_is_none_of_the_run() {
    let (folder, writer) = begun("stranger");
    send(&writer.rows());
    writer.rows().attempt(&AttemptRow { deployment: u16::MAX, ..attempts()[0] });
    writer.finish();
    let read = Recording::read(&folder).unwrap();
    assert_eq!(read.attempts.len(), attempts().len());
}

#[test]
fn a_run_that_was_killed_before_its_first_row_is_a_recording_too() {
    let (folder, writer) = begun("killed-at-once");
    writer.finish();
    for name in ["requests.csv", "journal.bin"] {
        fs::remove_file(folder.join(name)).unwrap();
    }
    let read = Recording::read(&folder).unwrap();
    assert_eq!(read.header.ended, RunEnd::Killed { at: Timestamp::from_secs(20), torn: 0 });
    assert_eq!((read.requests.len(), read.journal), (0, None));
}

#[test]
fn a_line_that_was_cut_off_is_left_out_and_counted_at_the_end_of_a_file_alone() {
    let (folder, writer) = begun("torn");
    send(&writer.rows());
    writer.finish();
    let append = |name: &str, bytes: &[u8]| {
        let mut file = File::options().append(true).open(folder.join(name)).unwrap();
        file.write_all(bytes).unwrap();
    };
    append("requests.csv", b"9,chat,paid,succ");
    append("journal.bin", &[200, 0, 0, 0, 1, 2]);
    let read = Recording::read(&folder).unwrap();
    assert_eq!(read, expected(Timestamp::from_secs(20), 2, requests()));
    append("requests.csv", b"\n");
    let error = Recording::read(&folder).unwrap_err().to_string();
    assert!(error.contains("requests.csv") && error.contains("line 6"), "{error}");
}

#[test]
fn every_place_at_which_a_file_can_be_cut_gives_the_rows_before_it() {
    let (folder, writer) = begun("cut");
    send(&writer.rows());
    writer.finish();
    let path = folder.join("requests.csv");
    let whole = fs::read(&path).unwrap();
    for length in 0..=whole.len() {
        fs::write(&path, &whole[..length]).unwrap();
        let rows = Recording::read(&folder).unwrap().requests.len();
        let lines = whole[..length].iter().filter(|&&byte| byte == b'\n').count();
        assert_eq!(rows, lines.saturating_sub(1), "cut at {length}");
    }
}

#[test]
fn a_finished_recording_is_the_same_bytes_whether_or_not_it_was_written_as_it_went() {
    let (folder, writer) = begun("finished");
    send(&writer.rows());
    writer.finish();
    let recording = recording();
    recording.write(&folder).unwrap();
    let other = super::folder("finished-at-once");
    recording.write(&other).unwrap();
    let mut names: Vec<_> =
        fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(
        names,
        ["attempts.csv", "journal.bin", "notes.csv", "requests.csv", "run.json", "timeseries.bin"]
    );
    for name in names {
        let bytes = |folder: &Path| fs::read(folder.join(&name)).unwrap();
        assert_eq!(bytes(&folder), bytes(&other), "{}", name.display());
    }
    assert_eq!(Recording::read(&folder).unwrap(), recording);
}

#[test]
fn a_disk_that_is_full_stops_the_writing_and_leaves_whole_rows() {
    let folder = folder("full");
    fs::create_dir_all(&folder).unwrap();
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=512k", "tmpfs"])
        .arg(&folder)
        .output()
        .is_ok_and(|output| output.status.success());
    if !mounted {
        // Not root, or not Linux: the folder is then no small disk.
        return;
    }
    let unmount = || Command::new("umount").arg("-l").arg(&folder).output();
    let tried = std::panic::catch_unwind(|| fill(&folder));
    unmount().unwrap();
    if let Err(panic) = tried {
        std::panic::resume_unwind(panic);
    }
}

fn fill(folder: &Path) {
    OutFolder::prepare(folder, &[], &EarlierRuns::default()).unwrap();
    // A clock that goes on with every row, so that many flushes come whatever the machine's speed is.
    let ticks = AtomicU64::new(0);
    let clock = move || Timestamp::from_millis(ticks.fetch_add(1, Ordering::Relaxed));
    let writer = LiveWriter::begin(folder, header(), clock).unwrap();
    let (rows, row, sent) = (writer.rows(), requests()[0], 20_000);
    for request in 0..sent {
        rows.request(&RequestRow { request, ..row });
    }
    for _ in 0..1_000 {
        if writer.trouble().is_some() {
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let trouble = writer.trouble().expect("the disk is full").to_owned();
    assert!(trouble.contains("requests.csv") || trouble.contains("run.json"), "{trouble}");
    writer.finish();
    let error = recording_of(sent).write(folder).unwrap_err().to_string();
    assert!(error.contains("No space left") || error.contains("os error 28"), "{error}");
    let read = Recording::read(folder).unwrap();
    assert!(matches!(read.header.ended, RunEnd::Killed { torn: 0, .. }), "{:?}", read.header.ended);
    assert!(!read.requests.is_empty() && (read.requests.len() as u64) < sent, "{sent} were sent");
    // The next run is refused before it starts, and costs the old recording nothing.
    let error = OutFolder::prepare(folder, &[], &EarlierRuns::default()).unwrap_err().to_string();
    assert!(error.contains("No space left") || error.contains("os error 28"), "{error}");
    assert_eq!(Recording::read(folder).unwrap(), read);
}

fn recording_of(rows: u64) -> Recording {
    let all = (0..rows).map(|request| RequestRow { request, ..requests()[0] });
    let logs = Logs { requests: all.collect(), ..Logs::default() };
    Recording::of_logs(header(), RowRetention::Rows, logs)
}

#[test]
fn an_older_recording_is_taken_out_whole_and_what_is_not_ours_stays() {
    let folder = folder("older");
    recording().write(&folder).unwrap();
    for name in ["report.html", "traffic.svg", "requests.csv.tmp", "notes.txt"] {
        fs::write(folder.join(name), "old").unwrap();
    }
    let reports = ["report.html".to_owned(), "traffic.svg".to_owned()];
    let prepared = OutFolder::prepare(&folder, &reports, &EarlierRuns::default()).unwrap();
    let left: Vec<_> = fs::read_dir(prepared.path()).unwrap().flatten().collect();
    assert_eq!(left.len(), 1, "{left:?}");
    assert_eq!(left[0].file_name(), "notes.txt");
}

#[test]
fn an_earlier_run_is_kept_below_and_the_oldest_goes_when_there_are_too_many() {
    let folder = folder("kept");
    let reports = ["report.html".to_owned()];
    for name in ["one", "two", "two", "zero"] {
        recording().write(&folder).unwrap();
        fs::write(folder.join("report.html"), name).unwrap();
        fs::create_dir_all(folder.join("target")).unwrap();
        fs::write(folder.join("target/.squall-target"), "").unwrap();
        let earlier = EarlierRuns { name: name.to_owned(), most: 2 };
        let prepared = OutFolder::prepare(&folder, &reports, &earlier).unwrap();
        let kept = prepared.kept().unwrap();
        assert_eq!(Recording::read(kept).unwrap(), recording());
        assert_eq!(fs::read_to_string(kept.join("report.html")).unwrap(), name);
        assert!(kept.join("target/.squall-target").is_file());
        assert_eq!(
            fs::read_dir(&folder).unwrap().count(),
            1,
            "nothing but the earlier runs is left"
        );
        // A mistake of a person's, which is none of ours to remove.
        fs::create_dir_all(folder.join("earlier/about")).unwrap();
        fs::write(folder.join("earlier/about/notes.txt"), "mine").unwrap();
    }
    let all = fs::read_dir(folder.join("earlier")).unwrap().flatten();
    let mut names: Vec<_> = all.map(|entry| entry.file_name().into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names, ["about", "two-2", "zero"]);
    // A folder whose last run left nothing but those before it takes another one.
    OutFolder::prepare(&folder, &reports, &EarlierRuns::default()).unwrap();
    assert!(folder.join("earlier/zero/report.html").is_file());
}

#[test]
fn a_folder_that_is_somebody_elses_is_refused_before_anything_is_written() {
    let refused = |path: &Path| {
        OutFolder::prepare(path, &[], &EarlierRuns::default()).unwrap_err().to_string()
    };
    let folder = folder("others");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("thesis.tex"), "years").unwrap();
    let error = refused(&folder);
    assert!(error.contains("it holds `thesis.tex` and no recording"), "{error}");
    let error = refused(&folder.join("thesis.tex"));
    assert!(error.contains("a file is in the way"), "{error}");
    let error = refused(&folder.join("thesis.tex/out"));
    assert!(error.contains("cannot write into"), "{error}");
    // A recording of somebody else's is no recording.
    fs::write(folder.join("run.json"), "{\"name\":\"run\"}").unwrap();
    assert!(refused(&folder).contains("no recording of squall's"));
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 2, "nothing was added or taken");
}

#[cfg(unix)]
#[test]
fn a_link_is_refused_and_so_is_a_folder_that_another_run_writes_into() {
    let folder = folder("linked");
    let link = folder.with_extension("link");
    let _ = fs::remove_file(&link);
    std::os::unix::fs::symlink(&folder, &link).unwrap();
    for path in [link.clone(), link.join("")] {
        let error =
            OutFolder::prepare(&path, &[], &EarlierRuns::default()).unwrap_err().to_string();
        assert!(error.contains("symbolic link"), "{error}");
    }
    assert!(!folder.exists(), "what a link leads to is not made");
    let first = OutFolder::prepare(&folder, &[], &EarlierRuns::default()).unwrap();
    let error = OutFolder::prepare(&folder, &[], &EarlierRuns::default()).unwrap_err().to_string();
    assert!(error.contains("another run"), "{error}");
    drop(first);
    OutFolder::prepare(&folder, &[], &EarlierRuns::default()).unwrap();
    fs::remove_file(&link).unwrap();
}
