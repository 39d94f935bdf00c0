//! What is wrong with a configuration that can be read: the worst case of every group, and lints, each at its
//! place. One file per lint; to add one, write its file and give it a line in the table below.
//!
//! A lint that is meant to be is allowed by `allow: [its-id]` at the router, or by whoever checks.

mod context;
mod places;

pub use context::{ConfigCheckOptions, Lint};

use crate::diagnostic::{Diagnostics, Problem, Problems, suggestion};
use crate::effective::EffectiveKind;
use crate::yaml;
use context::{CheckedSubject, LintContext};
use core::ops::Range;
use squall_router::{GroupId, WorstCase};

/// Declares the lints: the modules, and the table.
macro_rules! lints {
    ($($name:ident),+ $(,)?) => {
        $(mod $name;)+

        /// Every lint.
        pub static LINTS: &[Lint] = &[$($name::LINT),+];
    };
}

lints![
    budget_stops_group,
    checks_overlap,
    deadline_before_fallback,
    first_token_beyond_total,
    idle_affinity,
    impossible_request,
    limit_never_reached,
    limits_below_traffic,
    multiplied_retries,
    no_fallback,
    nowhere_to_continue,
    plain_http,
    queue_beyond_deadline,
    retries_without_budget,
    same_domain_fallback,
    slow_connect,
    smaller_window_fallback,
    sole_deployment_ejected,
    weight_zero,
];

/// What a lint found.
#[derive(Clone, Debug)]
pub struct LintFinding {
    /// Which lint.
    pub lint: &'static Lint,
    /// Where, and what.
    pub problem: Problem,
}

/// What a check of a configuration came to.
#[derive(Clone, Debug)]
pub struct CheckedConfig {
    /// The groups with the worst case of each, in the order of the file.
    pub groups: Vec<(String, WorstCase)>,
    /// What was found and is not allowed, in the order of the places.
    pub findings: Vec<LintFinding>,
    /// How much was found that is allowed.
    pub allowed: usize,
    path: String,
    text: String,
}

impl CheckedConfig {
    /// Checks a scenario, a gateway file or a configuration of LiteLLM's; `path` is what diagnostics call it.
    ///
    /// # Errors
    /// All that is wrong with a file that no router can run with.
    pub fn read(
        path: &str,
        text: &str,
        options: &ConfigCheckOptions<'_>,
    ) -> Result<Self, Diagnostics> {
        let problems = Problems::default();
        let Some(node) = yaml::parse(text, &problems) else {
            return Err(Diagnostics::new(path, text, problems.into_vec()));
        };
        let kind = EffectiveKind::of(&node);
        let Some(subject) = CheckedSubject::read(path, text, &node, kind, options)? else {
            let message = "this is no file with a router in it";
            let label = "neither a scenario, a gateway file nor LiteLLM's";
            return Err(Diagnostics::new(
                path,
                text,
                vec![Problem::new(&node.span, message, label)],
            ));
        };
        let groups = subject.router.groups.iter().enumerate().map(|(place, group)| {
            let id = GroupId(u16::try_from(place).unwrap_or(u16::MAX));
            (group.name.clone(), subject.router.worst_case(id, options.request))
        });
        let groups: Vec<_> = groups.collect();
        let context = LintContext { subject: &subject, groups: &groups, options };
        let allow = subject.places.allowed();
        let unknown: Vec<_> =
            allow.iter().filter_map(|(id, span)| unknown_lint(id, span)).collect();
        if !unknown.is_empty() {
            return Err(Diagnostics::new(path, text, unknown));
        }
        let is_allowed = |lint: &Lint| {
            allow.iter().any(|(id, _)| *id == lint.id) || options.allow.contains(&lint.id)
        };
        let mut found = Vec::new();
        let mut allowed = 0;
        for lint in LINTS {
            let problems = (lint.find)(&context);
            if is_allowed(lint) {
                allowed += problems.len();
                continue;
            }
            let worded = |problem| lint.worded(problem, &subject.places);
            let worded = problems.into_iter().map(worded);
            found.extend(worded.map(|problem| LintFinding { lint, problem }));
        }
        found.sort_by_key(|finding| (finding.problem.span.start, finding.lint.id));
        let (path, text) = (path.to_owned(), text.to_owned());
        Ok(Self { groups, findings: found, allowed, path, text })
    }

    /// The findings as excerpts of the file; `None` without any.
    #[must_use]
    pub fn diagnostics(&self) -> Option<Diagnostics> {
        let problems: Vec<_> = self.findings.iter().map(|each| each.problem.clone()).collect();
        (!problems.is_empty()).then(|| Diagnostics::new(&self.path, &self.text, problems))
    }
}

/// A lint that is allowed and that there is not.
fn unknown_lint(id: &str, span: &Range<usize>) -> Option<Problem> {
    let ids = LINTS.iter().map(|lint| lint.id);
    if ids.clone().any(|known| known == id) {
        return None;
    }
    let problem = Problem::new(span, format!("no lint is called `{id}`"), "not a lint");
    Some(problem.maybe_help(suggestion(id, ids)))
}

#[cfg(test)]
mod tests;
