//! A YAML file as a tree in which every part knows its place.

use core::ops::Range;

mod block;

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

    /// Something else at the same place.
    #[must_use]
    pub fn with_kind(&self, kind: NodeKind) -> Self {
        let Self { span, line, key_span, .. } = self;
        Self { span: span.clone(), line: *line, key_span: key_span.clone(), kind }
    }

    /// The same, as far as lines go all on one: what is included stands where its name does.
    #[must_use]
    pub fn on_line(mut self, line: u32) -> Self {
        self.set_line(line);
        self
    }

    fn set_line(&mut self, line: u32) {
        self.line = line;
        match &mut self.kind {
            NodeKind::Nothing | NodeKind::Scalar(_) => {}
            NodeKind::List(items) => items.iter_mut().for_each(|item| item.set_line(line)),
            NodeKind::Map(entries) => {
                entries.iter_mut().for_each(|entry| entry.value.set_line(line));
            }
        }
    }

    /// The same, every place further on by `start` bytes: read of a file that stands there among
    /// [`SourceTexts`](crate::source_texts::SourceTexts).
    #[must_use]
    pub fn moved(mut self, start: usize) -> Self {
        self.shift(start);
        self
    }

    fn shift(&mut self, start: usize) {
        let on = |span: &mut Range<usize>| *span = span.start + start..span.end + start;
        on(&mut self.span);
        self.key_span.as_mut().map(on);
        match &mut self.kind {
            NodeKind::Nothing | NodeKind::Scalar(_) => {}
            NodeKind::List(items) => items.iter_mut().for_each(|item| item.shift(start)),
            NodeKind::Map(entries) => entries.iter_mut().for_each(|entry| {
                on(&mut entry.key_span);
                entry.value.shift(start);
            }),
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
    // What YAML reads as nothing, as an item of a list or as a directive.
    let is_special = text == "null"
        || text.starts_with('%')
        || text.starts_with('-') && !text.contains(char::is_alphanumeric);
    if !text.is_empty() && !is_special && text.chars().all(harmless) {
        return text.to_owned();
    }
    if text.contains(char::is_control) {
        return format!("\"{}\"", escaped(text));
    }
    format!("'{}'", text.replace('\'', "''"))
}

/// A text as it stands between double quotes.
fn escaped(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '"' => "\\\"".to_owned(),
            '\\' => "\\\\".to_owned(),
            '\n' => "\\n".to_owned(),
            '\t' => "\\t".to_owned(),
            _ if c.is_control() => format!("\\u{:04x}", u32::from(c)),
            _ => c.to_string(),
        })
        .collect()
}
