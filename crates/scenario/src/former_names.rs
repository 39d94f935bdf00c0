//! Settings and words that were called otherwise before: they are read as what they are called now, with a
//! warning that says so.

use crate::diagnostic::{Problem, Problems};
use crate::node::{MapEntry, Node, NodeKind};
use crate::schema::{Key, Schema, Section};

/// Replaces former names below `node`, which stands for `section`, by those that hold now. Answers with a warning
/// for each; one that stands beside its successor is a problem.
pub(crate) fn replace(
    node: &mut Node,
    section: &'static Section,
    problems: &Problems,
) -> Vec<Problem> {
    let mut replacing = Replacing { problems, warnings: Vec::new() };
    replacing.section(section, node);
    replacing.warnings
}

struct Replacing<'p> {
    problems: &'p Problems,
    warnings: Vec<Problem>,
}

impl Replacing<'_> {
    fn section(&mut self, section: &'static Section, node: &mut Node) {
        let NodeKind::Map(entries) = &mut node.kind else { return };
        for place in 0..entries.len() {
            if let Some(key) = section.renamed(&entries[place].key) {
                self.rename(key, entries, place);
            }
            let entry = &mut entries[place];
            if let Some(key) = section.key(&entry.key) {
                self.word(key, &mut entry.value);
                self.value(&key.shape(), &mut entry.value);
            }
        }
    }

    fn rename(&mut self, key: &Key, entries: &mut [MapEntry], place: usize) {
        let successor = entries.iter().find(|entry| entry.key == key.name);
        let former = &entries[place];
        let message = format!("`{}` is called `{}` now", former.key, key.name);
        let problem = Problem::new(&former.key_span, message, "former name");
        if let Some(successor) = successor {
            let problem = problem.related(&successor.key_span, "given here as well");
            self.problems.push(problem.help(format!("remove `{}`", former.key)));
            return;
        }
        let entry = &mut entries[place];
        entry.key = key.name.to_owned();
        let help = match &mut entry.value.kind {
            NodeKind::Scalar(text) => {
                if let Some(now) = (key.word_now)(text) {
                    *text = now.to_owned();
                }
                format!("write `{}: {text}`", key.name)
            }
            NodeKind::Nothing | NodeKind::List(_) | NodeKind::Map(_) => {
                format!("write `{}`", key.name)
            }
        };
        self.warnings.push(problem.help(help).warning());
    }

    fn word(&mut self, key: &Key, node: &mut Node) {
        let NodeKind::Scalar(text) = &mut node.kind else { return };
        let Some(now) = (key.word_now)(text) else { return };
        let message = format!("`{text}` is called `{now}` now");
        let problem = Problem::new(&node.span, message, "former name");
        self.warnings.push(problem.help(format!("write `{}: {now}`", key.name)).warning());
        *text = now.to_owned();
    }

    fn value(&mut self, schema: &Schema, node: &mut Node) {
        match (schema, &mut node.kind) {
            (Schema::Either(schemas), _) => {
                schemas.iter().for_each(|schema| self.value(schema, node));
            }
            (Schema::Section(section), _) => self.section(section, node),
            (Schema::Named(of) | Schema::NamedOrPattern(of), NodeKind::Map(entries)) => {
                entries.iter_mut().for_each(|entry| self.value(of, &mut entry.value));
            }
            (Schema::List(of), NodeKind::List(items)) => {
                items.iter_mut().for_each(|item| self.value(of, item));
            }
            _ => {}
        }
    }
}
