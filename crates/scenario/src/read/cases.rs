//! A scenario file as the cases that it comes to, each of them read.

use super::{SCENARIO, litellm, scenario};
use crate::compose::{CaseVariable, Composed, ComposedCase, Surroundings, compose};
use crate::diagnostic::{Diagnostics, Problem, Problems};
use crate::fields::Fields;
use crate::former_names;
use crate::model::Scenario;
use crate::node::{Node, NodeKind};
use std::io;
use std::path::Path;

/// A case of a scenario file.
#[derive(Clone, Debug)]
pub struct CaseScenario {
    /// The scenario. Its text reads as this case alone.
    pub scenario: Scenario,
    /// The variables of the file with their values, by name.
    pub variables: Vec<CaseVariable>,
    /// What the case is of the file's `matrix`, as names and values; none of a file without.
    pub choices: Vec<(String, String)>,
}

impl Scenario {
    /// Reads a scenario from `text`; `path` is what diagnostics call it. It may name no other file, but a trace, which is
    /// not read: the scenario can be judged and not be run.
    ///
    /// # Errors
    /// All the problems of the file, each with its place.
    pub fn read(path: &str, text: &str) -> Result<Self, Diagnostics> {
        let load = |name: &str| litellm::embedded(text, name);
        Self::read_one(path, text, &Surroundings::files(&load, None)).map(|case| case.scenario)
    }

    /// The same for a scenario that may name other files, which `load` gives the text of; traces are read from the folder
    /// of `path`. A LiteLLM file refers to variables too: their values are loaded by `os.environ/NAME`.
    ///
    /// # Errors
    /// All the problems of the file, each with its place.
    pub fn read_with(
        path: &str,
        text: &str,
        load: &dyn Fn(&str) -> io::Result<String>,
    ) -> Result<Self, Diagnostics> {
        let folder = Path::new(path).parent();
        Self::read_one(path, text, &Surroundings::files(load, folder)).map(|case| case.scenario)
    }

    /// Reads a file of one case, with values for its variables.
    ///
    /// # Errors
    /// All the problems of the file, each with its place; that it has several cases, or that a variable was given that
    /// it does not know.
    pub fn read_one(
        path: &str,
        text: &str,
        around: &Surroundings<'_>,
    ) -> Result<CaseScenario, Diagnostics> {
        let problems = Problems::default();
        let composed = compose(path, text, around, &problems);
        if problems.is_empty() {
            refuse_several(&composed, &problems);
            refuse_unknown(&composed, &problems);
        }
        let mut cases = read(composed, around, problems)?.0;
        // No case is left without a problem.
        Ok(cases.swap_remove(0))
    }

    /// Reads all cases of a file, in the order of its matrix. Answers also with the variables that were given and that
    /// the file does not know.
    ///
    /// # Errors
    /// All the problems of the file, each with its place.
    pub fn cases(
        path: &str,
        text: &str,
        around: &Surroundings<'_>,
    ) -> Result<(Vec<CaseScenario>, Vec<String>), Diagnostics> {
        let problems = Problems::default();
        let composed = compose(path, text, around, &problems);
        read(composed, around, problems)
    }
}

/// The cases, read; those that composition refused are not among them, since what is missing there was told.
fn read(
    composed: Composed,
    around: &Surroundings<'_>,
    problems: Problems,
) -> Result<(Vec<CaseScenario>, Vec<String>), Diagnostics> {
    let Composed { cases, sources, unknown, .. } = composed;
    let cases = cases.into_iter().filter_map(|case| case_scenario(case, around, &problems));
    let all = cases.collect();
    match problems.is_empty() {
        true => Ok((all, unknown)),
        false => Err(Diagnostics::of(sources, problems.into_vec())),
    }
}

fn case_scenario(
    case: ComposedCase,
    around: &Surroundings<'_>,
    problems: &Problems,
) -> Option<CaseScenario> {
    let ComposedCase { mut root, text, variables, choices } = case;
    // What is out of date is told by `warnings`, once for a file and not with every reading of it.
    former_names::replace(&mut root, &SCENARIO, problems);
    let fields = Fields::open(&root, &SCENARIO, problems)?;
    let scenario = scenario::scenario(&fields, &text, around.load, around.folder)?;
    Some(CaseScenario { scenario, variables, choices })
}

fn refuse_several(composed: &Composed, problems: &Problems) {
    let (count, Some(first)) = (composed.cases.len(), composed.cases.first()) else { return };
    if count == 1 {
        return;
    }
    let one: Vec<_> =
        first.choices.iter().map(|(name, value)| format!("--var {name}='{value}'")).collect();
    let names = composed.cases.iter().filter_map(|case| name(&case.root));
    let names: Vec<_> = names.take(20).collect();
    let message = format!("the file has {count} cases, and one is asked for here");
    let problem = Problem::new(&composed.place, message, names.join(", "));
    let help = format!("choose one, such as `{}`; `squall check` runs all", one.join(" "));
    problems.push(problem.help(help));
}

fn name(root: &Node) -> Option<&str> {
    let NodeKind::Map(entries) = &root.kind else { return None };
    let name = entries.iter().find(|entry| entry.key == "name")?;
    match &name.value.kind {
        NodeKind::Scalar(name) => Some(name),
        NodeKind::Nothing | NodeKind::List(_) | NodeKind::Map(_) => None,
    }
}

fn refuse_unknown(composed: &Composed, problems: &Problems) {
    for name in &composed.unknown {
        let message = format!("`--var {name}=…`: the file has no variable `{name}`");
        let known = composed.cases.first().map(|case| &case.variables);
        let known = known.into_iter().flatten().map(|variable| variable.name.as_str());
        let known = crate::diagnostic::suggestion(name, known.filter(|known| known != name));
        let problem = Problem::new(&(0..0), message, "nothing here uses it");
        problems.push(problem.maybe_help(known));
    }
}
