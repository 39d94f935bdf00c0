//! The file in which a gateway keeps what was spent from its budgets, over a restart.

use serde::{Deserialize, Serialize};
use squall_gateway::{GatewayView, SavedSpend};
use squall_router::Money;
use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Between two looks at whether something was spent: what a crash may forget.
const EVERY: Duration = Duration::from_secs(5);

/// The form of the file. A gateway that does not know it does not guess.
const VERSION: u32 = 1;

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct SpendFile {
    version: u32,
    budgets: BTreeMap<String, SpendEntry>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct SpendEntry {
    /// In millionths of a millionth of a dollar.
    spent_pico_dollars: u64,
    /// When the budget's period ends, in nanoseconds since 1970.
    until_unix_nanos: u64,
}

/// What a file has, and a complaint if it makes no sense: the gateway then begins with nothing spent, and the file
/// is kept under another name. A file that is not there is made, so that a path that cannot be written is known now.
///
/// # Errors
/// If it cannot be read or made. Budgets that began anew because of a wrong path or a missing permission would let
/// twice as much be spent.
pub(crate) fn read(path: &Path) -> io::Result<(Vec<SavedSpend>, Option<String>)> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            write(path, &[])?;
            return Ok((Vec::new(), None));
        }
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            return Ok((Vec::new(), Some(set_aside(path, &error.to_string()))));
        }
        Err(error) => return Err(error),
    };
    Ok(match parse(&text) {
        Ok(saved) => (saved, None),
        Err(why) => (Vec::new(), Some(set_aside(path, &why))),
    })
}

fn parse(text: &str) -> Result<Vec<SavedSpend>, String> {
    let file: SpendFile = serde_json::from_str(text).map_err(|error| error.to_string())?;
    if file.version != VERSION {
        return Err(format!("it is of version {}, and this gateway knows {VERSION}", file.version));
    }
    let saved = file.budgets.into_iter().map(|(budget, entry)| SavedSpend {
        budget,
        spent: Money(entry.spent_pico_dollars),
        until_nanos: entry.until_unix_nanos,
    });
    Ok(saved.collect())
}

fn set_aside(path: &Path, why: &str) -> String {
    let aside = with_ending(path, "unreadable");
    let kept = match fs::rename(path, &aside) {
        Ok(()) => format!("the file is now {}", aside.display()),
        Err(error) => format!("the file could not be set aside: {error}"),
    };
    format!(
        "the spend in {} cannot be read: {why}; budgets begin with nothing spent, and {kept}",
        path.display()
    )
}

/// Writes the file, whole or not at all.
pub(crate) fn write(path: &Path, saved: &[SavedSpend]) -> io::Result<()> {
    let budgets = saved.iter().map(|each| {
        let entry =
            SpendEntry { spent_pico_dollars: each.spent.0, until_unix_nanos: each.until_nanos };
        (each.budget.clone(), entry)
    });
    let file = SpendFile { version: VERSION, budgets: budgets.collect() };
    let beside = with_ending(path, "new");
    let mut out = fs::File::create(&beside)?;
    out.write_all(&serde_json::to_vec_pretty(&file)?)?;
    out.sync_all()?;
    fs::rename(&beside, path)
}

/// Writes the file whenever something was spent; never ends.
pub(crate) async fn keep(path: Option<&Path>, view: &GatewayView) {
    let Some(path) = path else { return std::future::pending().await };
    let mut last = None;
    loop {
        tokio::time::sleep(EVERY).await;
        let spend = view.spend();
        if last.as_ref() != Some(&spend) {
            match write(path, &spend) {
                Ok(()) => last = Some(spend),
                Err(error) => {
                    tracing::warn!(target: "squall", file = %path.display(), %error, "spend was not saved");
                }
            }
        }
    }
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn saved() -> Vec<SavedSpend> {
        let until_nanos = 1_800_000_000_000_000_000;
        vec![SavedSpend { budget: "team".to_owned(), spent: Money(u64::MAX), until_nanos }]
    }

    /// A folder of its own for each test.
    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("squall-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        folder
    }

    #[test]
    fn it_reads_back_as_written_and_a_file_that_is_not_there_is_made_and_holds_nothing() {
        let folder = folder("spend-kept");
        let path = folder.join("spend.json");
        assert_eq!(read(&path).expect("it is made"), (Vec::new(), None));
        assert!(path.exists());
        write(&path, &saved()).expect("it can be written");
        assert_eq!(read(&path).expect("it is there"), (saved(), None));
        fs::remove_dir_all(folder).expect("it is there");
    }

    #[test]
    fn a_folder_and_a_path_that_leads_nowhere_are_refused_and_left_alone() {
        let folder = folder("spend-refused");
        assert!(read(&folder).is_err());
        assert!(folder.is_dir(), "it was moved");
        assert!(read(&folder.join("missing").join("spend.json")).is_err());
        fs::remove_dir_all(folder).expect("it is there");
    }

    #[test]
    fn what_makes_no_sense_is_set_aside_and_said() {
        let folder = folder("spend-set-aside");
        let path = folder.join("spend.json");
        for text in [
            "",
            "{",
            r#"{"version":2,"budgets":{}}"#,
            r#"{"version":1,"budgets":{"team":{"spent_pico_dollars":-1,"until_unix_nanos":0}}}"#,
        ] {
            fs::write(&path, text).expect("it can be written");
            let (spend, complaint) = read(&path).expect("it is a file");
            assert!(spend.is_empty());
            let complaint = complaint.unwrap_or_else(|| panic!("{text} was taken"));
            assert!(complaint.contains("begin with nothing spent"), "{complaint}");
            assert!(!path.exists());
            let kept = fs::read_to_string(folder.join("spend.json.unreadable"));
            assert_eq!(kept.expect("it is kept"), text);
        }
        fs::remove_dir_all(folder).expect("it is there");
    }
}
