//! The file of virtual keys: read at the start and whenever it changes, written by the admin API and `gateway key new`.
//!
//! It is JSON, since programs write it: `{"version": 1, "keys": [{"id": "ci", "hash": "sha256:…", "rpm": 60}]}`.

use crate::error::CliError;
use serde::{Deserialize, Serialize};
use squall_gateway::{KeyChangeError, KeyDocument, KeyStore, VirtualKey};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// The form of the file. A gateway that does not know it does not guess.
const VERSION: u32 = 1;

/// The largest file that is read: a hundred thousand keys are 20 MB.
const SIZE_MAX: u64 = 64 << 20;

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct KeysFileDocument {
    version: u32,
    keys: Vec<KeyDocument>,
}

/// A file of virtual keys that this process may change.
#[derive(Debug)]
pub(crate) struct KeysFile {
    path: PathBuf,
    /// Held while it is read, changed and written.
    changing: Mutex<()>,
}

impl KeysFile {
    pub(crate) fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), changing: Mutex::new(()) }
    }
}

impl KeyStore for KeysFile {
    fn update(
        &self,
        change: &mut dyn FnMut(&mut Vec<VirtualKey>) -> Result<(), KeyChangeError>,
    ) -> Result<Vec<VirtualKey>, KeyChangeError> {
        // What is in the file is whole whatever became of whoever held this.
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut keys =
            read(&self.path).map_err(|error| KeyChangeError::Store(error.to_string()))?;
        change(&mut keys)?;
        write(&self.path, &keys).map_err(|error| {
            KeyChangeError::Store(format!("cannot write `{}`: {error}", self.path.display()))
        })?;
        Ok(keys)
    }
}

/// The keys of a file.
///
/// # Errors
/// When it cannot be read, or what is wrong in it.
pub(crate) fn read(path: &Path) -> Result<Vec<VirtualKey>, CliError> {
    let refused = |why: String| CliError::Keys { path: path.to_owned(), why };
    let size = fs::metadata(path).map_err(|error| refused(error.to_string()))?.len();
    if size > SIZE_MAX {
        return Err(refused(format!("it has {size} bytes: at most {SIZE_MAX} are read")));
    }
    let text = fs::read_to_string(path).map_err(|error| refused(error.to_string()))?;
    parse(&text).map_err(refused)
}

fn parse(text: &str) -> Result<Vec<VirtualKey>, String> {
    let file: KeysFileDocument = serde_json::from_str(text).map_err(|error| error.to_string())?;
    if file.version != VERSION {
        return Err(format!("it is of version {}, and this gateway knows {VERSION}", file.version));
    }
    let key = |(place, document): (usize, KeyDocument)| {
        let id = document.id.clone();
        VirtualKey::new(document).map_err(|why| format!("key {} (`{id}`): {why}", place + 1))
    };
    file.keys.into_iter().enumerate().map(key).collect()
}

/// Writes the file, whole or not at all: beside it first, onto the disk, then in its place.
pub(crate) fn write(path: &Path, keys: &[VirtualKey]) -> io::Result<()> {
    // Where the path is a link, what it leads to is replaced and not the link.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let documents = keys.iter().map(|key| key.document.clone()).collect();
    let file = KeysFileDocument { version: VERSION, keys: documents };
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let mut out = private(Path::new(&beside))?;
    serde_json::to_writer_pretty(&mut out, &file)?;
    out.write_all(b"\n")?;
    out.sync_all()?;
    fs::rename(&beside, &path)?;
    // The name is on the disk as well once its folder is.
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or_else(|| Path::new(".")))?.sync_all()
}

/// A new file that its owner alone may read.
fn private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options.open(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use squall_gateway::KeyHash;

    fn key(id: &str, secret: &str) -> VirtualKey {
        let hash = KeyHash::of(secret);
        let text = format!(r#"{{"id":"{id}","hash":"{hash}","rpm":60}}"#);
        VirtualKey::new(serde_json::from_str(&text).expect("JSON")).expect("a key")
    }

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("squall-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        folder
    }

    #[test]
    fn keys_are_read_as_they_were_written_and_changed_all_or_nothing() {
        let folder = folder("keys-file");
        let path = folder.join("keys.json");
        write(&path, &[key("one", "sk-1")]).expect("it can be written");
        let store = KeysFile::new(&path);
        let both = store.update(&mut |keys| {
            keys.push(key("two", "sk-2"));
            Ok(())
        });
        assert_eq!(both.expect("it can be"), [key("one", "sk-1"), key("two", "sk-2")]);
        let refused = store.update(&mut |keys| {
            keys.clear();
            Err(KeyChangeError::Unknown("three".to_owned()))
        });
        assert!(refused.is_err());
        assert_eq!(read(&path).expect("it is there").len(), 2, "what was refused is not kept");
        assert!(!fs::read_to_string(&path).expect("text").contains("sk-"), "no key stands in it");
        assert_eq!(
            fs::read_dir(&folder).expect("a folder").count(),
            1,
            "nothing is left beside it"
        );
        fs::remove_dir_all(folder).expect("it is there");
    }

    #[cfg(unix)]
    #[test]
    fn the_file_is_its_owners_and_a_link_stays_one() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = folder("keys-link");
        let (real, link) = (folder.join("real.json"), folder.join("keys.json"));
        write(&real, &[]).expect("it can be written");
        std::os::unix::fs::symlink(&real, &link).expect("a link");
        write(&link, &[key("one", "sk-1")]).expect("it can be written");
        assert!(fs::symlink_metadata(&link).expect("it is there").is_symlink());
        assert_eq!(read(&real).expect("it is there").len(), 1);
        let mode = fs::metadata(&real).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        fs::remove_dir_all(folder).expect("it is there");
    }

    #[test]
    fn mistakes_are_told_with_their_place() {
        for (text, told) in [
            ("{", "at line 1 column 1"),
            ("{\"version\": 2, \"keys\": []}", "version 2"),
            (
                "{\"version\": 1,\n \"keys\": [{\"id\": \"a\"}]}",
                // The column of what is missing depends on the reader's features.
                "missing field `hash` at line 2 column 2",
            ),
            (
                "{\"version\": 1, \"keys\": [{\"id\": \"a\", \"hash\": \"sk-1\"}]}",
                "key 1 (`a`): `hash`",
            ),
        ] {
            let why = parse(text).expect_err(text);
            assert!(why.contains(told), "{why}");
        }
    }
}
