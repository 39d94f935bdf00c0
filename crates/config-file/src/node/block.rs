//! A tree as a YAML file that a person reads: sections on lines of their own, what is short in braces.

use super::{Node, NodeKind, plain_or_quoted};

/// The longest line that a mapping or a list in braces may make.
const LINE_MAX: usize = 100;
/// How far a level is indented.
const INDENT: usize = 2;

impl Node {
    /// The text of a file that reads as this tree. Comments are lost, and aliases written out.
    #[must_use]
    pub fn block(&self) -> String {
        let mut out = String::new();
        match &self.kind {
            NodeKind::Map(entries) if !entries.is_empty() => map(self, 0, &mut out),
            _ => {
                out.push_str(&self.flow());
                out.push('\n');
            }
        }
        out
    }
}

/// The entries of a mapping, each on its line; the first stands where the text is.
fn map(node: &Node, indent: usize, out: &mut String) {
    let NodeKind::Map(entries) = &node.kind else { return };
    for (place, entry) in entries.iter().enumerate() {
        if place > 0 {
            out.push_str(&" ".repeat(indent));
        }
        out.push_str(&plain_or_quoted(&entry.key));
        out.push(':');
        value(&entry.value, indent, out);
    }
}

/// What stands behind a key or a dash.
fn value(node: &Node, indent: usize, out: &mut String) {
    let line_start = out.rfind('\n').map_or(0, |newline| newline + 1);
    let short = node.flow();
    if !is_nested(node) || out.len() - line_start + short.len() < LINE_MAX {
        out.push(' ');
        out.push_str(&short);
        out.push('\n');
        return;
    }
    let inner = indent + INDENT;
    out.push('\n');
    match &node.kind {
        NodeKind::List(items) => {
            for item in items {
                out.push_str(&" ".repeat(inner));
                out.push('-');
                match &item.kind {
                    NodeKind::Map(entries) if !entries.is_empty() => {
                        out.push(' ');
                        map(item, inner + INDENT, out);
                    }
                    NodeKind::Nothing
                    | NodeKind::Scalar(_)
                    | NodeKind::List(_)
                    | NodeKind::Map(_) => value(item, inner, out),
                }
            }
        }
        NodeKind::Nothing | NodeKind::Scalar(_) | NodeKind::Map(_) => {
            out.push_str(&" ".repeat(inner));
            map(node, inner, out);
        }
    }
}

/// Whether a node may take several lines.
fn is_nested(node: &Node) -> bool {
    match &node.kind {
        NodeKind::Nothing | NodeKind::Scalar(_) => false,
        NodeKind::List(items) => !items.is_empty(),
        NodeKind::Map(entries) => !entries.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use crate::diagnostic::Problems;
    use crate::yaml;

    /// What a text reads as, written in braces.
    fn tree(text: &str) -> String {
        let problems = Problems::default();
        let node = yaml::parse(text, &problems);
        let said: Vec<_> = problems.into_vec().into_iter().map(|each| each.message).collect();
        node.unwrap_or_else(|| panic!("{said:?}\n{text}")).flow()
    }

    fn block(text: &str) -> String {
        yaml::parse(text, &Problems::default()).expect("it is YAML").block()
    }

    #[test]
    fn what_is_written_reads_back_as_it_was() {
        let long = "x".repeat(60);
        for text in [
            "a: 1\nb: { c: [1, two, { d: 'x: y' }] }\n".to_owned(),
            "a: ~\nb: 'null'\nc: ''\nd: '-'\ne: '~'\nf: '%50'\n'%k': [ '%', '---' ]\n".to_owned(),
            "text: \"two\\nlines \\\" \\\\ \\t\"\nother: |\n  a\n  b\n".to_owned(),
            format!(
                "a:\n  - {long}\n  - {{ k: {long}, l: [ {long}, {long} ] }}\n  - [ {long}, {long} ]\n"
            ),
            format!("a: {{ b: {{ c: {{ d: {long}, e: {long} }} }} }}\n'k: y': {{}}\nl: []\n"),
            "expect: ['p95(ttft, chat) < 3s during \"x\"', '#1', \"it's\"]\n".to_owned(),
        ] {
            assert_eq!(tree(&block(&text)), tree(&text), "{text}\n{}", block(&text));
        }
    }

    #[test]
    fn what_is_short_stands_in_braces_and_what_is_long_on_lines() {
        let long = "x".repeat(60);
        assert_eq!(block("a:\n  b: 1\n  c: [1, 2]\n"), "a: { b: 1, c: [ 1, 2 ] }\n");
        assert_eq!(
            block(&format!("a: {{ b: {long}, c: {long} }}")),
            format!("a:\n  b: {long}\n  c: {long}\n")
        );
        assert_eq!(
            block(&format!("a: [ {{ b: {long}, c: {long} }}, 1 ]")),
            format!("a:\n  - b: {long}\n    c: {long}\n  - 1\n")
        );
    }
}
