//! A folder whose files are the parts of one configuration, such as `conf.d` or a mounted ConfigMap.
//!
//! Its parts are the files `*.yaml` and `*.yml`, in the order of their names. Names that begin with a dot are none: a
//! ConfigMap is mounted with `..data`, a link to the folder of its latest version, and a link through it for each file.

use squall_determinism::Digest;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// The parts of a folder, in the order of their names.
///
/// # Errors
/// When it cannot be read, or has no part.
pub(crate) fn parts(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut parts = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let is_part = !name.starts_with('.') && (name.ends_with(".yaml") || name.ends_with(".yml"));
        // What a link leads to is what counts.
        if is_part && fs::metadata(entry.path())?.is_file() {
            parts.push(entry.path());
        }
    }
    parts.sort();
    if parts.is_empty() {
        let why = "the folder has no file `*.yaml` or `*.yml`";
        return Err(io::Error::new(io::ErrorKind::NotFound, why));
    }
    Ok(parts)
}

/// What tells that a folder is another: when the latest of its parts was changed, and a digest of all their names, times
/// and lengths. `None` where it cannot be read.
pub(crate) fn stamp(folder: &Path) -> Option<(SystemTime, u64)> {
    let mut latest = SystemTime::UNIX_EPOCH;
    let mut digest = Digest::new();
    for part in parts(folder).ok()? {
        let metadata = fs::metadata(&part).ok()?;
        let changed = metadata.modified().ok()?;
        let since = changed.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        digest.bytes(part.as_os_str().as_encoded_bytes());
        digest.bytes(&since.as_nanos().to_le_bytes());
        digest.bytes(&metadata.len().to_le_bytes());
        latest = latest.max(changed);
    }
    Some((latest, digest.short()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("squall-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        folder
    }

    #[test]
    fn parts_are_in_the_order_of_their_names_and_nothing_else_is_one() {
        let folder = folder("parts");
        assert!(parts(&folder).is_err(), "an empty folder says nothing");
        for name in ["20-b.yml", "10-a.yaml", ".hidden.yaml", "notes.txt", "old.yaml.bak"] {
            fs::write(folder.join(name), "x").expect("it is written");
        }
        fs::create_dir_all(folder.join("folder.yaml")).expect("a folder");
        let names: Vec<_> = parts(&folder)
            .expect("it has some")
            .iter()
            .map(|part| part.file_name().expect("a name").to_string_lossy().into_owned())
            .collect();
        assert_eq!(names, ["10-a.yaml", "20-b.yml"]);
        fs::remove_dir_all(folder).expect("it is there");
    }

    #[cfg(unix)]
    #[test]
    fn another_version_of_a_configmap_is_another_stamp() {
        use std::os::unix::fs::symlink;
        let folder = folder("configmap");
        for (version, text) in [("..one", "a"), ("..two", "bb")] {
            fs::create_dir_all(folder.join(version)).expect("a folder");
            fs::write(folder.join(version).join("gateway.yaml"), text).expect("it is written");
        }
        symlink("..one", folder.join("..data")).expect("a link");
        symlink("..data/gateway.yaml", folder.join("gateway.yaml")).expect("a link");
        let before = stamp(&folder);
        assert!(before.is_some() && stamp(&folder) == before, "nothing has changed");
        symlink("..two", folder.join("..new")).expect("a link");
        fs::rename(folder.join("..new"), folder.join("..data")).expect("it is swapped");
        assert_ne!(stamp(&folder), before);
        assert_eq!(parts(&folder).expect("it has one").len(), 1);
        fs::remove_dir_all(folder).expect("it is there");
    }
}
