//! The texts that a configuration is made of: a file, and those that it includes.

use core::ops::Range;

/// The texts of several files, one behind the other, so that a place in any of them is one number.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SourceTexts {
    text: String,
    files: Vec<SourceFile>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
struct SourceFile {
    path: String,
    start: usize,
}

impl SourceTexts {
    /// The text of one file, whose places are its bytes.
    #[must_use]
    pub fn new(path: &str, text: &str) -> Self {
        let files = vec![SourceFile { path: path.to_owned(), start: 0 }];
        Self { text: text.to_owned(), files }
    }

    /// Adds a file. Answers with what its places begin at: [`Node::moved`](crate::node::Node::moved) by it, what was
    /// read of that file alone stands at its place among all.
    pub fn add(&mut self, path: &str, text: &str) -> usize {
        // No line lies in two files.
        self.text.push('\n');
        let start = self.text.len();
        self.text.push_str(text);
        self.files.push(SourceFile { path: path.to_owned(), start });
        start
    }

    /// All texts.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The path of the first file.
    #[must_use]
    pub fn path(&self) -> &str {
        self.files.first().map_or("", |file| &file.path)
    }

    /// The path of the file that a place is in.
    #[must_use]
    pub fn path_at(&self, at: usize) -> &str {
        self.files.get(self.number_at(at)).map_or("", |file| &file.path)
    }

    /// Which file a place is in: 0 for the first.
    #[must_use]
    pub fn number_at(&self, at: usize) -> usize {
        self.files.partition_point(|file| file.start <= at).saturating_sub(1)
    }

    /// The places of the file that a place is in.
    pub(crate) fn range_at(&self, at: usize) -> Range<usize> {
        let number = self.number_at(at);
        let start = self.files.get(number).map_or(0, |file| file.start);
        let next = self.files.get(number + 1);
        start..next.map_or(self.text.len(), |next| next.start - 1)
    }
}
