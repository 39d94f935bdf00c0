//! YAML text to a [`Node`] tree. The only module that knows the parser.

use crate::diagnostic::{Problem, Problems};
use crate::node::{MapEntry, Node, NodeKind};
use core::ops::Range;
use granit_parser::{Event, Options, Parser, ScalarStyle, ScanError, Span, StrInput};
use std::collections::BTreeMap;

/// How deep a file may nest.
const DEPTH_MAX: usize = 64;
/// How many nodes a file may have once its aliases are written out: a bound on what a few nested
/// anchors can grow into.
const NODES_MAX: usize = 100_000;

/// Reads one document. `None` when there is none to go on with; the reason is among the problems.
pub fn parse(text: &str, problems: &Problems) -> Option<Node> {
    let mut options = Options::default();
    options.flow_nesting_limit = DEPTH_MAX;
    options.block_nesting_limit = DEPTH_MAX;
    let parser = Parser::new_from_str_with_options(text, options);
    let mut tree = Tree { text, parser, anchors: BTreeMap::new(), nodes: 0, problems };
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
        let nothing = style == ScalarStyle::Plain && matches!(text, "" | "~" | "null");
        let kind = if nothing { NodeKind::Nothing } else { NodeKind::Scalar(text.to_owned()) };
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
        loop {
            let (event, span) = self.next()?;
            if matches!(event, Event::MappingEnd) {
                let span = self.trimmed(bytes(start).start..bytes(&span).end);
                return Ok(Node {
                    span,
                    line: line(start),
                    key_span: None,
                    kind: NodeKind::Map(entries),
                });
            }
            let key = self.node(event, &span)?;
            let (event, span) = self.next()?;
            let mut value = self.node(event, &span)?;
            value.key_span = Some(key.span.clone());
            let NodeKind::Scalar(name) = key.kind else {
                let message = format!("a key must be a plain scalar, found {}", key.found());
                self.problems.push(Problem::new(&key.span, message, "not a word"));
                continue;
            };
            match places.get(&name) {
                Some(&first) => self.problems.push(
                    Problem::new(&key.span, format!("duplicate key `{name}`"), "again here")
                        .related(&entries[first].key_span, "first here")
                        .help("remove one of the two"),
                ),
                None => {
                    places.insert(name.clone(), entries.len());
                    entries.push(MapEntry { key: name, key_span: key.span, value });
                }
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
