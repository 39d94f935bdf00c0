//! A section of a file under a reader: the keys that stand in it, held against its table.

use crate::diagnostic::{Problem, Problems, nearest};
use crate::node::{MapEntry, Node, NodeKind};
use crate::schema::{Key, Schema, Section};
use crate::unit::{self, Misfit};
use crate::value;
use core::ops::Range;
use core::time::Duration;
use squall_determinism::{Share, Timestamp};
use squall_router::Money;

/// The entries of one section. Opening it reports keys that its table lacks, and required ones that
/// the file lacks; each getter reports a value that does not fit the shape the table gives, and
/// answers `None` for it as for a key that is not there. What is put in its place does not matter:
/// a file with a problem gives no value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fields<'n> {
    section: &'static Section,
    entries: &'n [MapEntry],
    /// The place to point at for the whole section: the key it stands under, or itself.
    pub(crate) span: &'n Range<usize>,
    /// Where problems go.
    pub(crate) problems: &'n Problems,
}

impl<'n> Fields<'n> {
    /// Opens `node` as a section; `None` when it is no mapping.
    pub(crate) fn open(
        node: &'n Node,
        section: &'static Section,
        problems: &'n Problems,
    ) -> Option<Self> {
        let NodeKind::Map(entries) = &node.kind else {
            value::wrong_type(node, &Schema::Section(section), problems);
            return None;
        };
        let span = node.key_span.as_ref().unwrap_or(&node.span);
        let fields = Self { section, entries, span, problems };
        fields.report_unknown();
        fields.report_missing();
        Some(fields)
    }

    /// Opens a node that was opened before: what is wrong with it has been said.
    pub(crate) fn reopen(
        node: &'n Node,
        section: &'static Section,
        problems: &'n Problems,
    ) -> Option<Self> {
        let NodeKind::Map(entries) = &node.kind else { return None };
        Some(Self {
            section,
            entries,
            span: node.key_span.as_ref().unwrap_or(&node.span),
            problems,
        })
    }

    fn report_unknown(&self) {
        for entry in self.entries {
            if self.section.key(&entry.key).is_some() {
                continue;
            }
            // Beside its successor, which has been said.
            if self.section.renamed(&entry.key).is_some() {
                continue;
            }
            let names = self.section.keys().map(|key| key.name);
            let help = match nearest(&entry.key, names).filter(|_| !self.problems.are_many()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => value::keys_of(self.section),
            };
            let message = format!("unknown key `{}`", entry.key);
            let label = format!("no such key in {}", self.section.phrase);
            self.problems.push(Problem::new(&entry.key_span, message, label).help(help));
        }
    }

    fn report_missing(&self) {
        for key in self.section.keys() {
            let missing = key.is_required() && self.entry(key.name).is_none();
            if missing && !self.is_mistyped(key) {
                let message = format!("{} needs `{}`", self.section.phrase, key.name);
                let label = format!("`{}` is missing", key.name);
                let help = format!("add `{}`: {}", key.name, key.shape().wanted());
                self.problems.push(Problem::new(self.span, message, label).help(help));
            }
        }
        if self.section.choices().next().is_some() {
            self.report_choice();
        }
    }

    /// Exactly one of the keys marked so must be there.
    fn report_choice(&self) {
        let phrase = self.section.phrase;
        let names: Vec<_> = self.section.choices().map(|key| format!("`{}`", key.name)).collect();
        let names = names.join(", ");
        let is_choice = |entry: &&MapEntry| self.section.choices().any(|key| key.name == entry.key);
        let mut chosen = self.entries.iter().filter(is_choice);
        let Some(first) = chosen.next() else {
            if !self.section.choices().any(|key| self.is_mistyped(key)) {
                let message = format!("{phrase} needs exactly one of {names}");
                self.problems.push(Problem::new(self.span, message, "it has none of them"));
            }
            return;
        };
        for extra in chosen {
            let message = format!("{phrase} has `{}` or `{}`, not both", first.key, extra.key);
            self.problems.push(
                Problem::new(&extra.key_span, message, "one too many")
                    .related(&first.key_span, "the first one")
                    .help(format!("exactly one of {names} may be there")),
            );
        }
    }

    /// Whether an unknown key is probably this one, which then is not reported twice.
    fn is_mistyped(&self, key: &Key) -> bool {
        self.entries.iter().any(|entry| {
            let unknown = self.section.key(&entry.key).is_none();
            let names = self.section.keys().map(|key| key.name);
            unknown && nearest(&entry.key, names) == Some(key.name)
        })
    }

    fn entry(&self, name: &str) -> Option<&'n MapEntry> {
        self.entries.iter().find(|entry| entry.key == name)
    }

    /// The key of the table, and the node if it is there.
    ///
    /// # Panics
    /// When the table has no such key: the reader and its table do not belong together.
    pub(crate) fn find(&self, name: &str) -> (&'static Key, Option<&'n Node>) {
        let key = self.section.key(name);
        let key = key.unwrap_or_else(|| panic!("`{}` has no key `{name}`", self.section.id));
        (key, self.entry(name).map(|entry| &entry.value))
    }

    /// Whether its table has a key.
    pub(crate) fn has_key(&self, name: &str) -> bool {
        self.section.key(name).is_some()
    }

    /// The node under `name`.
    pub(crate) fn get(&self, name: &str) -> Option<&'n Node> {
        self.find(name).1
    }

    /// The place of the value under `name`, or of the whole section.
    pub(crate) fn span_of(&self, name: &str) -> &'n Range<usize> {
        self.get(name).map_or(self.span, |node| &node.span)
    }

    /// The place of the key `name`, or of the whole section.
    pub(crate) fn key_span(&self, name: &str) -> &'n Range<usize> {
        self.entry(name).map_or(self.span, |entry| &entry.key_span)
    }

    /// The first key in the file of which exactly one must be there.
    pub(crate) fn choice(&self) -> Option<(&'static str, &'n Node)> {
        self.entries.iter().find_map(|entry| {
            let key = self.section.choices().find(|key| key.name == entry.key)?;
            Some((key.name, &entry.value))
        })
    }

    pub(crate) fn duration(&self, name: &str) -> Option<Duration> {
        let (key, node) = self.find(name);
        let Schema::Duration(least) = key.shape() else { mismatch(key) };
        value::duration(node?, least, self.problems)
    }

    pub(crate) fn time(&self, name: &str) -> Option<Timestamp> {
        self.duration(name).map(Timestamp::from)
    }

    pub(crate) fn count(&self, name: &str) -> Option<u64> {
        let (key, node) = self.find(name);
        let Schema::Count(least, most) = key.shape() else { mismatch(key) };
        value::count(node?, least, most, self.problems)
    }

    /// A count that fits 32 bits, since the table says so.
    pub(crate) fn small_count(&self, name: &str) -> Option<u32> {
        self.count(name).map(|count| u32::try_from(count).unwrap_or(u32::MAX))
    }

    pub(crate) fn number(&self, name: &str) -> Option<f64> {
        self.parsed(name, |shape| matches!(shape, Schema::Number), unit::number)
    }

    pub(crate) fn share(&self, name: &str) -> Option<Share> {
        self.parsed(name, |shape| matches!(shape, Schema::Percent), unit::share)
    }

    /// A factor in thousandths.
    pub(crate) fn factor_milli(&self, name: &str) -> Option<u32> {
        self.parsed(name, |shape| matches!(shape, Schema::Factor), unit::factor_milli)
    }

    pub(crate) fn flag(&self, name: &str) -> Option<bool> {
        let (key, node) = self.find(name);
        let Schema::Flag = key.shape() else { mismatch(key) };
        value::word(node?, &["true", "false"], self.problems).map(|word| word == "true")
    }

    pub(crate) fn money(&self, name: &str) -> Option<Money> {
        self.parsed(name, |shape| matches!(shape, Schema::Money), unit::money).map(Money)
    }

    pub(crate) fn text(&self, name: &str) -> Option<&'n str> {
        let (key, node) = self.find(name);
        value::scalar(node?, &key.shape(), self.problems)
    }

    /// A name, checked to be one.
    pub(crate) fn name(&self, name: &str) -> Option<&'n str> {
        let (key, node) = self.find(name);
        let text = value::scalar(node?, &key.shape(), self.problems)?;
        value::check_name(text, &node?.span, &key.shape(), self.problems);
        Some(text)
    }

    pub(crate) fn word(&self, name: &str) -> Option<&'static str> {
        let (key, node) = self.find(name);
        let Schema::Word(words) = key.shape() else { mismatch(key) };
        value::word(node?, words, self.problems)
    }

    pub(crate) fn section(&self, name: &str) -> Option<Self> {
        let (key, node) = self.find(name);
        let Schema::Section(section) = key.shape() else { mismatch(key) };
        Self::open(node?, section, self.problems)
    }

    /// The items of a list; none when it is not there.
    pub(crate) fn list(&self, name: &str) -> &'n [Node] {
        let (key, node) = self.find(name);
        match node.map(|node| (&node.kind, node)) {
            Some((NodeKind::List(items), _)) => items,
            Some((_, node)) => {
                value::wrong_type(node, &key.shape(), self.problems);
                &[]
            }
            None => &[],
        }
    }

    /// The items of a list of sections, opened.
    pub(crate) fn sections(&self, name: &str) -> Vec<Self> {
        let (key, _) = self.find(name);
        let Schema::List(Schema::Section(section)) = key.shape() else { mismatch(key) };
        let items = self.list(name).iter();
        items.filter_map(|item| Self::open(item, section, self.problems)).collect()
    }

    /// The entries of a mapping whose keys are names.
    pub(crate) fn named(&self, name: &str) -> &'n [MapEntry] {
        let (key, node) = self.find(name);
        let Some(node) = node else { return &[] };
        let NodeKind::Map(entries) = &node.kind else {
            value::wrong_type(node, &key.shape(), self.problems);
            return &[];
        };
        let may_be_pattern = matches!(key.shape(), Schema::NamedOrPattern(_));
        let of_key = if may_be_pattern { Schema::Pattern } else { Schema::Name };
        for entry in entries {
            value::check_name(&entry.key, &entry.key_span, &of_key, self.problems);
        }
        entries
    }

    pub(crate) fn parsed<T>(
        &self,
        name: &str,
        fits: impl FnOnce(&Schema) -> bool,
        parse: impl FnOnce(&str) -> Result<T, Misfit>,
    ) -> Option<T> {
        let (key, node) = self.find(name);
        assert!(
            fits(&key.shape()),
            "`{}` is read as another shape than {:?}",
            key.name,
            key.shape()
        );
        value::parsed(node?, &key.shape(), self.problems, parse)
    }
}

/// The reader reads a key as another shape than its table says.
fn mismatch(key: &Key) -> ! {
    panic!("`{}` is read as another shape than {:?}", key.name, key.shape())
}
