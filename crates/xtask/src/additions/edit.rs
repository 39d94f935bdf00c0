//! Changes to files, placed by the text beside them.

use std::collections::BTreeMap;
use std::path::Path;

/// What it takes to add one thing.
#[derive(Debug)]
pub(super) struct Addition {
    /// What is added, as the table of `CONTRIBUTING.md` calls it.
    pub(super) what: &'static str,
    /// The most files that it may touch.
    pub(super) goal: usize,
    /// Where files do not count: what the thing itself consists of.
    pub(super) own: Option<&'static str>,
    /// Every change, tests and documentation included.
    pub(super) edits: &'static [Edit],
    /// The word by which generated documents and the effective configuration must know it.
    pub(super) word: &'static str,
    /// The generated documents that must have the word.
    pub(super) documents: &'static [&'static str],
}

/// One change to one file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Edit {
    file: &'static str,
    place: EditPlace,
    text: &'static str,
}

/// Where a change is made. An anchor is part of exactly one line.
#[derive(Clone, Copy, Debug)]
enum EditPlace {
    /// The file is new.
    New,
    /// Behind the line of the anchor.
    After(&'static str),
    /// In front of the line of the anchor.
    Before(&'static str),
    /// In place of the line of the anchor.
    InsteadOf(&'static str),
}

/// A new file.
pub(super) const fn create(file: &'static str, text: &'static str) -> Edit {
    Edit { file, place: EditPlace::New, text }
}

/// Lines behind the line with `anchor`.
pub(super) const fn after(file: &'static str, anchor: &'static str, text: &'static str) -> Edit {
    Edit { file, place: EditPlace::After(anchor), text }
}

/// Lines in front of the line with `anchor`.
pub(super) const fn before(file: &'static str, anchor: &'static str, text: &'static str) -> Edit {
    Edit { file, place: EditPlace::Before(anchor), text }
}

/// Lines instead of the line with `anchor`.
pub(super) const fn replace(file: &'static str, anchor: &'static str, text: &'static str) -> Edit {
    Edit { file, place: EditPlace::InsteadOf(anchor), text }
}

impl Addition {
    /// The files that it touches, without its own.
    pub(super) fn files(&self) -> Vec<&'static str> {
        let counts = |file: &&str| self.own.is_none_or(|own| !file.starts_with(own));
        let mut files: Vec<_> = self.edits.iter().map(|edit| edit.file).filter(counts).collect();
        files.sort_unstable();
        files.dedup();
        files
    }
}

/// The texts of all files that the additions touch, changed, by their paths below `root`.
///
/// # Errors
/// An anchor that is not in its file exactly once, a new file that is there already, or a file that cannot be read.
pub(super) fn apply(
    root: &Path,
    additions: &[Addition],
) -> Result<BTreeMap<&'static str, String>, String> {
    let mut texts = BTreeMap::new();
    for edit in additions.iter().flat_map(|addition| addition.edits) {
        let path = root.join(edit.file);
        if matches!(edit.place, EditPlace::New) {
            if path.exists() {
                return Err(format!("{} is to be added, and is there already", edit.file));
            }
            texts.insert(edit.file, edit.text.to_owned());
            continue;
        }
        let text = match texts.remove(edit.file) {
            Some(text) => text,
            None => std::fs::read_to_string(&path)
                .map_err(|error| format!("{} cannot be read: {error}", edit.file))?,
        };
        texts.insert(edit.file, edit.placed(&text)?);
    }
    Ok(texts)
}

impl Edit {
    fn placed(&self, text: &str) -> Result<String, String> {
        let (EditPlace::After(anchor) | EditPlace::Before(anchor) | EditPlace::InsteadOf(anchor)) =
            self.place
        else {
            return Ok(self.text.to_owned());
        };
        let found = text.lines().filter(|line| line.contains(anchor)).count();
        if found != 1 {
            return Err(format!(
                "{}: `{anchor}` is in {found} lines instead of one. Adding to this file takes something else now: \
                 change crates/xtask/src/additions, and CONTRIBUTING.md if it takes another file",
                self.file
            ));
        }
        let mut out = String::with_capacity(text.len() + self.text.len());
        for line in text.lines() {
            let here = line.contains(anchor);
            let lines = match self.place {
                EditPlace::Before(_) if here => [self.text, line].join("\n"),
                EditPlace::After(_) if here => [line, self.text].join("\n"),
                EditPlace::InsteadOf(_) if here => self.text.to_owned(),
                _ => line.to_owned(),
            };
            out.push_str(&lines);
            out.push('\n');
        }
        Ok(out)
    }
}
