//! YAML text to a [`Node`] tree. The only module that knows the parser.

use crate::diagnostic::{Problem, Problems};
use crate::node::{MapEntry, Node, NodeKind};
use core::ops::Range;
use granit_parser::{Event, Options, Parser, ScalarStyle, ScanError, Span, StrInput};
use std::collections::BTreeMap;

mod yaml11;

/// How deep a file may nest.
const DEPTH_MAX: usize = 64;
/// How many nodes a file may have once its aliases are written out: a bound on what a few nested
/// anchors can grow into.
const NODES_MAX: usize = 100_000;

/// Reads one document. `None` when there is none to go on with; the reason is among the problems.
pub fn parse(text: &str, problems: &Problems) -> Option<Node> {
    parse_as(text, false, problems)
}

/// Reads one document as PyYAML's `safe_load` does: plain scalars by YAML 1.1 (`on`, `0x1F`, `1:30` are
/// `true`, `31`, `90`), merge keys (`<<`) merged, and of a key that stands twice the last, with a warning.
/// `None` as for [`parse`].
pub fn parse_as_python(text: &str, problems: &Problems) -> Option<Node> {
    parse_as(text, true, problems)
}

fn parse_as(text: &str, as_python: bool, problems: &Problems) -> Option<Node> {
    let mut options = Options::default();
    options.flow_nesting_limit = DEPTH_MAX;
    options.block_nesting_limit = DEPTH_MAX;
    let parser = Parser::new_from_str_with_options(text, options);
    let anchors = BTreeMap::new();
    let mut tree = Tree { text, parser, anchors, nodes: 0, as_python, problems };
    match tree.document() {
        Ok(node) => node,
        Err(stop) => {
            problems.push(*stop.problem);
            None
        }
    }
}

/// The end of reading: a file that is no YAML.
struct ReadAborted {
    problem: Box<Problem>,
}

impl ReadAborted {
    fn new(problem: Problem) -> Self {
        Self { problem: Box::new(problem) }
    }
}

/// What is read so far.
struct Tree<'t> {
    text: &'t str,
    parser: Parser<'t, StrInput<'t>>,
    anchors: BTreeMap<usize, Node>,
    nodes: usize,
    as_python: bool,
    problems: &'t Problems,
}

impl<'t> Tree<'t> {
    fn document(&mut self) -> Result<Option<Node>, ReadAborted> {
        let mut root = None;
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamEnd => break,
                Event::StreamStart | Event::DocumentEnd => {}
                Event::DocumentStart(..) if root.is_some() => {
                    let problem = Problem::new(
                        &bytes(&span),
                        "a second document in the file",
                        "a file holds one document",
                    );
                    return Err(ReadAborted::new(problem));
                }
                Event::DocumentStart(..) => {
                    let (event, span) = self.next()?;
                    root = Some(self.node(event, &span)?);
                }
                _ => {}
            }
        }
        if root.as_ref().is_none_or(|root| matches!(root.kind, NodeKind::Nothing)) {
            let problem = Problem::new(&(0..0), "the file is empty", "nothing here");
            return Err(ReadAborted::new(problem));
        }
        Ok(root)
    }

    fn next(&mut self) -> Result<(Event<'t>, Span), ReadAborted> {
        match self.parser.next_event() {
            Some(Ok(next)) => Ok(next),
            Some(Err(error)) => Err(self.syntax_error(&error)),
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    fn node(&mut self, event: Event<'t>, span: &Span) -> Result<Node, ReadAborted> {
        self.count(1, span)?;
        let anchor = event.anchor_id();
        let line = line(span);
        let node = match event {
            Event::Scalar(text, style, ..) => self.scalar(&text, style, span),
            Event::SequenceStart(..) => self.list(span)?,
            Event::MappingStart(..) => self.map(span)?,
            Event::Alias(id) => {
                let node = self.anchors.get(&id).cloned();
                let node = node.ok_or_else(|| {
                    ReadAborted::new(Problem::new(
                        &bytes(span),
                        "an alias inside its own anchor",
                        "here",
                    ))
                })?;
                self.count(size(&node), span)?;
                node
            }
            _ => Node { span: bytes(span), line, key_span: None, kind: NodeKind::Nothing },
        };
        if let Some(id) = anchor {
            self.anchors.insert(id, node.clone());
        }
        Ok(node)
    }

    fn scalar(&self, text: &str, style: ScalarStyle, span: &Span) -> Node {
        let is_plain = style == ScalarStyle::Plain;
        let kind = match is_plain && matches!(text, "" | "~" | "null") {
            true => NodeKind::Nothing,
            false if is_plain && self.as_python => yaml11::resolved(text),
            false => NodeKind::Scalar(text.to_owned()),
        };
        Node { span: self.trimmed(bytes(span)), line: line(span), key_span: None, kind }
    }

    fn list(&mut self, start: &Span) -> Result<Node, ReadAborted> {
        let mut items = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if matches!(event, Event::SequenceEnd) {
                let span = self.trimmed(bytes(start).start..bytes(&span).end);
                return Ok(Node {
                    span,
                    line: line(start),
                    key_span: None,
                    kind: NodeKind::List(items),
                });
            }
            items.push(self.node(event, &span)?);
        }
    }

    fn map(&mut self, start: &Span) -> Result<Node, ReadAborted> {
        let mut entries: Vec<MapEntry> = Vec::new();
        let mut places: BTreeMap<String, usize> = BTreeMap::new();
        let mut merged: Vec<Node> = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if matches!(event, Event::MappingEnd) {
                let span = self.trimmed(bytes(start).start..bytes(&span).end);
                let kind = NodeKind::Map(with_merged(merged, entries));
                return Ok(Node { span, line: line(start), key_span: None, kind });
            }
            let is_merge = self.as_python && is_merge_key(&event);
            let key = self.node(event, &span)?;
            let (event, span) = self.next()?;
            let mut value = self.node(event, &span)?;
            value.key_span = Some(key.span.clone());
            if is_merge {
                merged.extend(self.merged(value));
                continue;
            }
            let name = match key.kind {
                NodeKind::Scalar(name) => name,
                // `null:` is a key like any other for Python.
                NodeKind::Nothing if self.as_python => "null".to_owned(),
                _ => {
                    let message = format!("a key must be a plain scalar, found {}", key.found());
                    self.problems.push(Problem::new(&key.span, message, "not a word"));
                    continue;
                }
            };
            let place = places.get(&name).copied();
            let entry = MapEntry { key: name, key_span: key.span, value };
            match place {
                Some(first) => self.again(&mut entries[first], entry),
                None => {
                    places.insert(entry.key.clone(), entries.len());
                    entries.push(entry);
                }
            }
        }
    }

    /// A key that stands twice: refused, or the last counts.
    fn again(&self, first: &mut MapEntry, again: MapEntry) {
        let message = format!("duplicate key `{}`", again.key);
        let problem = Problem::new(&again.key_span, message, "again here")
            .related(&first.key_span, "first here");
        if self.as_python {
            let help = "PyYAML takes the last one without a word: remove the other";
            self.problems.push(problem.help(help).warning());
            *first = again;
        } else {
            self.problems.push(problem.help("remove one of the two"));
        }
    }

    /// The mappings that a merge key stands for; the later count for more.
    fn merged(&self, value: Node) -> Vec<Node> {
        match value.kind {
            NodeKind::Map(_) => vec![value],
            NodeKind::List(items)
                if items.iter().all(|item| matches!(item.kind, NodeKind::Map(_))) =>
            {
                items.into_iter().rev().collect()
            }
            NodeKind::List(_) | NodeKind::Scalar(_) | NodeKind::Nothing => {
                let message = format!("`<<` merges {}", value.found());
                let label = "expected a mapping, or a list of mappings";
                self.problems.push(Problem::new(&value.span, message, label));
                Vec::new()
            }
        }
    }

    fn count(&mut self, nodes: usize, span: &Span) -> Result<(), ReadAborted> {
        self.nodes += nodes;
        if self.nodes <= NODES_MAX {
            return Ok(());
        }
        let message = format!("the file has more than {NODES_MAX} values, aliases written out");
        Err(ReadAborted::new(Problem::new(&bytes(span), message, "limit exceeded here")))
    }

    fn syntax_error(&self, error: &ScanError) -> ReadAborted {
        let at = error.marker().byte_offset().unwrap_or(self.text.len()).min(self.text.len());
        let message = format!("this is not YAML: {}", error.info());
        let mut problem = Problem::new(&(at..at + 1), message, "parsing stopped here");
        let line_start = self.text[..at].rfind('\n').map_or(0, |newline| newline + 1);
        let line = self.text[line_start..].lines().next().unwrap_or_default();
        let indent = line.len() - line.trim_start().len();
        if line[..indent].contains('\t') || self.text[at..].starts_with('\t') {
            problem = problem.help("YAML is indented with spaces, never with tabs");
        }
        ReadAborted::new(problem)
    }

    /// `span` without the white space and comments after its last value.
    fn trimmed(&self, span: Range<usize>) -> Range<usize> {
        let Some(text) = self.text.get(span.clone()) else { return span };
        span.start..span.start + text.trim_end().len()
    }
}

/// A plain `<<`.
fn is_merge_key(event: &Event<'_>) -> bool {
    matches!(event, Event::Scalar(text, ScalarStyle::Plain, ..) if text == "<<")
}

/// The entries of merged mappings, the later over the earlier, and over all of them those of the mapping.
fn with_merged(merged: Vec<Node>, own: Vec<MapEntry>) -> Vec<MapEntry> {
    if merged.is_empty() {
        return own;
    }
    let mut all: Vec<MapEntry> = Vec::new();
    let of_maps = merged.into_iter().flat_map(|node| match node.kind {
        NodeKind::Map(entries) => entries,
        NodeKind::Nothing | NodeKind::Scalar(_) | NodeKind::List(_) => Vec::new(),
    });
    for entry in of_maps.chain(own) {
        match all.iter_mut().find(|known| known.key == entry.key) {
            Some(known) => *known = entry,
            None => all.push(entry),
        }
    }
    all
}

fn bytes(span: &Span) -> Range<usize> {
    span.byte_range().unwrap_or_default()
}

fn line(span: &Span) -> u32 {
    u32::try_from(span.start.line()).unwrap_or(u32::MAX)
}

fn size(node: &Node) -> usize {
    match &node.kind {
        NodeKind::Nothing | NodeKind::Scalar(_) => 1,
        NodeKind::List(items) => 1 + items.iter().map(size).sum::<usize>(),
        NodeKind::Map(entries) => 1 + entries.iter().map(|entry| size(&entry.value)).sum::<usize>(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first_value(text: &str) -> String {
        let problems = Problems::default();
        let node = parse(text, &problems).unwrap();
        let NodeKind::Map(entries) = &node.kind else { panic!("no mapping") };
        text[entries[0].value.span.clone()].to_owned()
    }

    #[test]
    fn spans_cover_a_value_and_no_more() {
        assert_eq!(first_value("a: 20s   # comment\nb: 1\n"), "20s");
        assert_eq!(first_value("a: 'x y'\n"), "'x y'");
        assert_eq!(first_value("a: [ 1, 2 ]  # comment\n"), "[ 1, 2 ]");
        assert_eq!(first_value("ä: { b: ü }\n"), "{ b: ü }");
    }

    fn as_python(text: &str) -> (String, Vec<String>) {
        let problems = Problems::default();
        let node = parse_as_python(text, &problems).unwrap();
        let said = problems.into_vec().into_iter().map(|problem| problem.message);
        (node.flow(), said.collect())
    }

    #[test]
    fn merge_keys_are_merged_as_pyyaml_merges_them() {
        let text = "x: &x { a: 1, b: 2 }\ny: &y { b: 3, c: 4 }\nz: { <<: [*x, *y], c: 5 }\n";
        let merged = "z: { b: 2, c: 5, a: 1 }";
        assert!(as_python(text).0.ends_with(&format!("{merged} }}")), "{}", as_python(text).0);
        assert_eq!(as_python("a: { '<<': 1 }\n").0, "{ a: { '<<': 1 } }", "quoted it is a key");
        assert_eq!(as_python("a: { <<: 1 }\n").1, ["`<<` merges `1`"]);
    }

    #[test]
    fn of_a_key_that_stands_twice_pyyaml_takes_the_last() {
        let (text, said) = as_python("a: 1\nb: 2\na: 3\n");
        assert_eq!(text, "{ a: 3, b: 2 }");
        assert_eq!(said, ["duplicate key `a`"]);
    }

    #[test]
    fn aliases_are_written_out_and_bounded() {
        assert_eq!(first_value("a: &x [ 1 ]\nb: *x\n"), "[ 1 ]");
        let mut bomb = "a0: &a0 [ 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 ]\n".to_owned();
        for level in 1..9 {
            let below = format!("*a{}, ", level - 1).repeat(10);
            bomb.push_str(&format!("a{level}: &a{level} [ {below} ]\n"));
        }
        let problems = Problems::default();
        assert!(parse(&bomb, &problems).is_none());
        assert!(problems.into_vec()[0].message.contains("more than 100000"));
    }
}
