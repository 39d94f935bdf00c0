//! A YAML file as a tree in which every part knows its place.

use core::ops::Range;

/// A value and its place.
#[derive(Clone, Debug)]
pub struct Node {
    /// Bytes of the file.
    pub span: Range<usize>,
    /// Line of its start, from 1.
    pub line: u32,
    /// The place of the key it stands under, if it does.
    pub key_span: Option<Range<usize>>,
    /// What it is.
    pub kind: NodeKind,
}

/// What a node is. Scalars stay text: their unit is the reader's business.
#[derive(Clone, Debug)]
pub enum NodeKind {
    /// Nothing: a key without a value, `~` or `null`.
    Nothing,
    /// A word, a number, a quoted text.
    Scalar(String),
    /// A list.
    List(Vec<Node>),
    /// A mapping in the order of the file, each key once.
    Map(Vec<MapEntry>),
}

/// A key and its value.
#[derive(Clone, Debug)]
pub struct MapEntry {
    /// The key.
    pub key: String,
    /// Where the key stands.
    pub key_span: Range<usize>,
    /// What it stands for.
    pub value: Node,
}

impl Node {
    /// What it is, for a person: `a list`.
    #[must_use]
    pub fn found(&self) -> String {
        match &self.kind {
            NodeKind::Nothing => "nothing".to_owned(),
            NodeKind::Scalar(text) => format!("`{text}`"),
            NodeKind::List(_) => "a list".to_owned(),
            NodeKind::Map(_) => "a mapping".to_owned(),
        }
    }

    /// The same on one line, as YAML writes it in braces.
    #[must_use]
    pub fn flow(&self) -> String {
        match &self.kind {
            NodeKind::Nothing => "~".to_owned(),
            NodeKind::Scalar(text) => plain_or_quoted(text),
            NodeKind::List(items) => {
                let items: Vec<_> = items.iter().map(Self::flow).collect();
                format!("[ {} ]", items.join(", "))
            }
            NodeKind::Map(entries) => {
                let entries = entries.iter();
                let entries = entries.map(|entry| {
                    format!("{}: {}", plain_or_quoted(&entry.key), entry.value.flow())
                });
                format!("{{ {} }}", entries.collect::<Vec<_>>().join(", "))
            }
        }
    }

    /// The place of bytes `part` of a scalar's text: exact where the file spells the text out on one
    /// line without escapes, the whole scalar otherwise.
    #[must_use]
    pub fn part(&self, part: &Range<usize>) -> Range<usize> {
        let NodeKind::Scalar(text) = &self.kind else { return self.span.clone() };
        let quotes = match self.span.len().checked_sub(text.len()) {
            Some(0) => 0,
            Some(2) => 1,
            _ => return self.span.clone(),
        };
        let start = self.span.start + quotes;
        start + part.start..start + part.end
    }
}

/// A scalar as it may stand in braces.
fn plain_or_quoted(text: &str) -> String {
    let harmless = |c: char| c.is_ascii_alphanumeric() || "%._-/".contains(c);
    if !text.is_empty() && text.chars().all(harmless) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "''"))
}
