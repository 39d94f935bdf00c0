//! Names that a file defines, for those that refer to them.

use crate::diagnostic::{Problem, Problems, suggestion};
use core::ops::Range;
use std::collections::BTreeMap;

/// The names of one kind, in the order of their numbers.
#[derive(Clone, Debug)]
pub(crate) struct KnownNames {
    what: &'static str,
    names: Vec<(String, Range<usize>)>,
    /// The first place of each.
    places: BTreeMap<String, usize>,
}

impl KnownNames {
    /// No names yet of things called `what`.
    pub(crate) const fn new(what: &'static str) -> Self {
        Self { what, names: Vec::new(), places: BTreeMap::new() }
    }

    /// Adds a name; one that is taken is a problem, and is added all the same, so that numbers hold.
    pub(crate) fn add(&mut self, name: &str, span: &Range<usize>, problems: &Problems) {
        if let Some((_, first)) = self.position(name).and_then(|place| self.names.get(place)) {
            problems.push(
                Problem::new(span, format!("duplicate {} `{name}`", self.what), "again here")
                    .related(first, "first here")
                    .help(format!("every {} needs a name of its own", self.what)),
            );
        }
        self.push(name, span.clone());
    }

    /// Adds a name that stands nowhere in particular, and is not taken.
    pub(crate) fn add_quietly(&mut self, name: &str) {
        self.push(name, 0..0);
    }

    fn push(&mut self, name: &str, span: Range<usize>) {
        self.places.entry(name.to_owned()).or_insert(self.names.len());
        self.names.push((name.to_owned(), span));
    }

    /// The number of a name.
    pub(crate) fn position(&self, name: &str) -> Option<usize> {
        self.places.get(name).copied()
    }

    /// The number of a name that stands at `span`; an unknown one is a problem. Where nothing is known
    /// at all, that has been reported already.
    pub(crate) fn find(
        &self,
        name: &str,
        span: &Range<usize>,
        problems: &Problems,
    ) -> Option<usize> {
        let found = self.position(name);
        if found.is_none() && !self.names.is_empty() {
            let message = format!("no {} is called `{name}`", self.what);
            // What is beyond the problems that are shown needs no help.
            let help = if problems.are_many() { None } else { suggestion(name, self.iter()) };
            problems.push(Problem::new(span, message, "not defined").maybe_help(help));
        }
        found
    }

    /// The names.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> + Clone {
        self.names.iter().map(|(name, _)| name.as_str())
    }
}
