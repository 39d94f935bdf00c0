//! A problem with how much traffic a scenario has, at the place in its file that says so.

use crate::diagnostic::{Diagnostics, Problem, Problems};
use crate::node::{Node, NodeKind};
use crate::yaml;
use core::ops::Range;

/// A problem at the rate of a scenario's traffic, or at its arrivals or its traffic where it has none; of several sources
/// at that of the first.
#[must_use]
pub fn traffic_problem(
    path: &str,
    text: &str,
    message: &str,
    label: &str,
    help: &str,
) -> Diagnostics {
    let span = yaml::parse(text, &Problems::default()).map_or(0..0, |root| place(&root));
    Diagnostics::new(path, text, vec![Problem::new(&span, message, label).help(help)])
}

fn place(root: &Node) -> Range<usize> {
    let value = |node: &Node, name: &str| match &node.kind {
        NodeKind::Map(entries) => {
            let entry = entries.iter().find(|entry| entry.key == name);
            entry.map(|entry| entry.value.clone())
        }
        NodeKind::Nothing | NodeKind::Scalar(_) | NodeKind::List(_) => None,
    };
    let Some(traffic) = value(root, "traffic") else { return root.span.clone() };
    let sources = match &traffic.kind {
        NodeKind::List(sources) => &sources[..],
        NodeKind::Nothing | NodeKind::Scalar(_) | NodeKind::Map(_) => {
            core::slice::from_ref(&traffic)
        }
    };
    let words = ["rate", "arrivals"].into_iter();
    let mut says =
        words.flat_map(|name| sources.iter().filter_map(move |source| value(source, name)));
    says.next().map_or_else(|| traffic.span.clone(), |node| node.span)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pointed_at(text: &str) -> (usize, usize) {
        let told = traffic_problem("a.yaml", text, "too many", "here", "fewer");
        told.position(&told.problems()[0])
    }

    #[test]
    fn the_place_is_that_of_the_rate_or_of_what_stands_for_it() {
        assert_eq!(pointed_at("name: a\ntraffic: { group: all, rate: 99999999 }\n"), (2, 30));
        assert_eq!(pointed_at("traffic:\n  arrivals: { closed: { clients: 9 } }\n"), (2, 13));
        assert_eq!(pointed_at("traffic:\n  group: all\n"), (2, 3));
        assert_eq!(
            pointed_at("traffic:\n  - { name: a, group: x }\n  - { name: b, rate: 9 }\n"),
            (3, 22)
        );
        assert_eq!(pointed_at("name: a\n"), (1, 1));
    }
}
