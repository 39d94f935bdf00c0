//! The parts of an expectation to what they mean: a metric that exists, of something that exists, with
//! a limit in its unit, in a phase that exists.

use super::parse::{ExpectationPart, Parts, parse};
use super::{Argument, Comparison, Expectation, Limit, METRICS, MetricSpec, MetricUnit, Scope};
use crate::diagnostic::{Diagnostics, Problem, Problems, suggestion};
use crate::model::{Phase, Scenario};
use crate::node::{Node, NodeKind};
use crate::read::{KnownNames, source_names};
use crate::schema::Schema;
use crate::unit::{self, Misfit};
use crate::value;
use core::ops::Range;
use core::time::Duration;
use squall_determinism::Timestamp;
use squall_router::{DeploymentId, GroupId};

/// What an expectation can speak of.
#[derive(Debug)]
pub(crate) struct ScopeNames<'a> {
    pub(crate) groups: &'a KnownNames,
    pub(crate) deployments: &'a KnownNames,
    /// Kinds of requests and sources of traffic, where the file names some, with the kinds that each stands for.
    pub(crate) kinds: &'a [(&'a str, Range<u16>)],
    pub(crate) phases: &'a [Phase],
    /// Until when nothing is counted.
    pub(crate) warm_up: Timestamp,
}

/// Reads one expectation. Every part that is wrong is reported.
pub(crate) fn read(
    node: &Node,
    names: &ScopeNames<'_>,
    problems: &Problems,
) -> Option<Expectation> {
    let text = value::scalar(node, &Schema::Expectation, problems)?;
    let parts = match parse(text) {
        Ok(parts) => parts,
        Err((part, misfit)) => {
            value::push_misfit(&node.part(&part), misfit, problems);
            return None;
        }
    };
    let at = ScopePlace { node, names, problems };
    let during = parts.during.as_ref().map(|phase| at.phase(phase));
    let over_seeds = parts.quantile.as_ref().map(|part| at.quantile(part, &parts));
    let spec = at.metric(&parts.metric)?;
    let within = at.within(spec, &parts);
    let argument = at.argument(spec, &parts);
    let limit = at.limit(spec, &parts.limit);
    Some(Expectation {
        text: text.to_owned(),
        line: node.line,
        metric: spec.id,
        argument: argument?,
        within: within?,
        comparison: parts.comparison,
        limit: limit?,
        over_seeds: match over_seeds {
            Some(quantile) => Some(quantile?),
            None => None,
        },
        during: match during {
            Some(phase) => Some(phase?),
            None => None,
        },
        soft: false,
    })
}

impl Scenario {
    /// Judges runs by these expectations instead of those of the file; they may speak of what it defines.
    ///
    /// # Errors
    /// All that is wrong with them, each with its place.
    pub fn expect_instead(&mut self, texts: &[String]) -> Result<(), Diagnostics> {
        let configs =
            core::iter::once(&self.router).chain(self.changes.iter().map(|change| &change.router));
        let mut groups = KnownNames::new("group");
        for group in configs.flat_map(|config| &config.groups) {
            if groups.position(&group.name).is_none() {
                groups.add_quietly(&group.name);
            }
        }
        let mut deployments = KnownNames::new("deployment");
        self.deployments().for_each(|(_, _, config)| deployments.add_quietly(&config.name));
        let kinds = source_names(&self.sources, &self.workload.sources, &self.kinds);
        let names = ScopeNames {
            groups: &groups,
            deployments: &deployments,
            kinds: &kinds,
            phases: &self.phases,
            warm_up: self.warm_up,
        };
        let mut expectations = Vec::with_capacity(texts.len());
        for text in texts {
            let problems = Problems::default();
            let node = Node {
                span: 0..text.len(),
                line: 1,
                key_span: None,
                kind: NodeKind::Scalar(text.clone()),
            };
            match read(&node, &names, &problems) {
                Some(expectation) => expectations.push(expectation),
                None => return Err(Diagnostics::new("expectation", text, problems.into_vec())),
            }
        }
        self.expectations = expectations;
        Ok(())
    }
}

struct ScopePlace<'a> {
    node: &'a Node,
    names: &'a ScopeNames<'a>,
    problems: &'a Problems,
}

impl ScopePlace<'_> {
    fn report(
        &self,
        part: &ExpectationPart<'_>,
        message: String,
        label: &str,
        help: Option<String>,
    ) {
        let span = self.node.part(&part.span);
        self.problems.push(Problem::new(&span, message, label).maybe_help(help));
    }

    fn metric(&self, part: &ExpectationPart<'_>) -> Option<&'static MetricSpec> {
        let spec = METRICS.iter().find(|spec| spec.name == part.text);
        if spec.is_none() {
            let help = suggestion(part.text, METRICS.iter().map(|spec| spec.name));
            self.report(part, format!("no metric is called `{}`", part.text), "unknown", help);
        }
        spec
    }

    /// `p95` as 0.95.
    fn quantile(&self, part: &ExpectationPart<'_>, parts: &Parts<'_>) -> Option<f64> {
        let percent = part.text.strip_prefix('p').and_then(|percent| percent.parse::<f64>().ok());
        let Some(percent) = percent.filter(|percent| *percent > 0.0 && *percent < 100.0) else {
            let message = format!("`{}` is not a quantile", part.text);
            let help = "such as `p50`, `p95` or `p5`".to_owned();
            self.report(part, message, "expected a quantile between p0 and p100", Some(help));
            return None;
        };
        if parts.comparison == Comparison::Equal {
            let message = "a quantile over seeds cannot be compared with `==`".to_owned();
            let help = "compare with `<=` or `>=`".to_owned();
            self.report(part, message, "it is never known exactly", Some(help));
            return None;
        }
        let low_is_bad = matches!(parts.comparison, Comparison::AtLeast | Comparison::Above);
        if (low_is_bad && percent > 50.0) || (!low_is_bad && percent < 50.0) {
            let other = 100.0 - percent;
            let (bad, sign) = if low_is_bad { ("lowest", ">=") } else { ("highest", "<=") };
            let message = format!(
                "`{}` looks at the good runs: with `{sign}`, the {bad} values are the bad ones",
                part.text
            );
            let share = percent.max(other);
            let help = format!("write `p{other} of …`, which holds if {share}% of all runs do");
            self.report(part, message, "this bounds the best runs alone", Some(help));
            return None;
        }
        Some(percent / 100.0)
    }

    fn phase(&self, part: &ExpectationPart<'_>) -> Option<usize> {
        let found = self.names.phases.iter().position(|phase| phase.name == part.text);
        if found.is_none() {
            let names = self.names.phases.iter().map(|phase| phase.name.as_str());
            let help = suggestion(part.text, names)
                .unwrap_or_else(|| "the scenario has no `phases`".to_owned());
            let message = format!("no phase is called `{}`", part.text);
            self.report(part, message, "not defined", Some(help));
        }
        let warm_up = self.names.warm_up;
        if let Some(phase) = found.and_then(|place| self.names.phases.get(place))
            && phase.end <= warm_up
        {
            let message = format!("phase `{}` lies within the warm-up", phase.name);
            let label = format!("nothing is counted before {}s", warm_up.as_secs_f64());
            let help = "shorten `warm_up`, or name a phase that ends after it".to_owned();
            self.report(part, message, &label, Some(help));
        }
        found
    }

    /// The latency that a metric is within, `Some(None)` for a metric without one; `None` when it is wrong.
    fn within(&self, spec: &MetricSpec, parts: &Parts<'_>) -> Option<Option<Duration>> {
        if spec.of != Scope::WithinAllOrGroup {
            return Some(None);
        }
        let Some(part) = &parts.argument else {
            let message = format!("`{}` needs a latency", spec.name);
            let help = format!("write `{}(2s)`", spec.name);
            self.report(&parts.metric, message, "within what?", Some(help));
            return None;
        };
        let part = split_at_comma(part).0;
        match unit::duration(part.text) {
            Ok(latency) if latency > Duration::ZERO => Some(Some(latency)),
            Ok(_) => {
                let message = format!("`{}`: nothing is answered within no time", spec.name);
                self.report(&part, message, "expected a latency above zero", None);
                None
            }
            Err(misfit) => {
                let message = format!("the latency of `{}`: {}", spec.name, misfit.message);
                self.report(&part, message, &misfit.label, misfit.help);
                None
            }
        }
    }

    /// The argument, `Some(None)` for none; `None` when it is wrong.
    fn argument(&self, spec: &MetricSpec, parts: &Parts<'_>) -> Option<Option<Argument>> {
        let (known, other) = match spec.of {
            Scope::All | Scope::AllOrGroup | Scope::WithinAllOrGroup | Scope::Group => {
                (self.names.groups, self.names.deployments)
            }
            Scope::Deployment | Scope::AllOrDeployment => {
                (self.names.deployments, self.names.groups)
            }
        };
        let (what, other_what) = match spec.of {
            Scope::All | Scope::AllOrGroup | Scope::WithinAllOrGroup | Scope::Group => {
                ("group", "deployment")
            }
            Scope::Deployment | Scope::AllOrDeployment => ("deployment", "group"),
        };
        let part = match (&parts.argument, spec.of) {
            (Some(part), Scope::WithinAllOrGroup) => split_at_comma(part).1,
            (part, _) => part.clone(),
        };
        let Some(part) = &part else {
            if !matches!(spec.of, Scope::Group | Scope::Deployment) {
                return Some(None);
            }
            let message = format!("`{}` needs the name of a {what}", spec.name);
            let example = known.iter().next().unwrap_or("name");
            let help = format!("write `{}({example})`", spec.name);
            self.report(&parts.metric, message, "of what?", Some(help));
            return None;
        };
        if spec.of == Scope::All {
            let message = format!("`{}` is of everything", spec.name);
            self.report(part, message, "expected no argument", None);
            return None;
        }
        self.named(spec, part, known, other, (what, other_what))
    }

    /// The group, deployment or kind of request that an argument names.
    fn named(
        &self,
        spec: &MetricSpec,
        part: &ExpectationPart<'_>,
        known: &KnownNames,
        other: &KnownNames,
        (what, other_what): (&str, &str),
    ) -> Option<Option<Argument>> {
        let of_kinds = matches!(spec.of, Scope::AllOrGroup | Scope::WithinAllOrGroup);
        // A group may be called like a kind; then the group is meant.
        let kinds = self.names.kinds.iter().find(|(name, _)| *name == part.text);
        if let (true, None, Some((_, kinds))) = (of_kinds, known.position(part.text), kinds) {
            let (first, count) = (kinds.start, kinds.end - kinds.start);
            return Some(Some(match count {
                1 => Argument::Kind(first),
                _ => Argument::Kinds { first, count },
            }));
        }
        let Some(place) = known.position(part.text) else {
            if other.position(part.text).is_some() {
                let message = format!("`{}` is of a {what}, not of a {other_what}", spec.name);
                let names = known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>();
                let help = format!("the {what}s are {}", names.join(", "));
                self.report(part, message, &format!("this is a {other_what}"), Some(help));
            } else if of_kinds && !self.names.kinds.is_empty() {
                let message =
                    format!("no group, source or kind of request is called `{}`", part.text);
                let names = known.iter().chain(self.names.kinds.iter().map(|(name, _)| *name));
                self.report(part, message, "not defined", suggestion(part.text, names));
            } else {
                known.find(part.text, &self.node.part(&part.span), self.problems);
            }
            return None;
        };
        let place = u16::try_from(place).ok()?;
        Some(Some(match what {
            "group" => Argument::Group(GroupId(place)),
            _ => Argument::Deployment(DeploymentId(place)),
        }))
    }

    fn limit(&self, spec: &MetricSpec, part: &ExpectationPart<'_>) -> Option<Limit> {
        match limit(spec.unit, part.text) {
            Ok(limit) => Some(limit),
            Err(misfit) => {
                let message = format!("the limit of `{}`: {}", spec.name, misfit.message);
                self.report(part, message, &misfit.label, misfit.help);
                None
            }
        }
    }
}

fn limit(unit: MetricUnit, text: &str) -> Result<Limit, Misfit> {
    match unit {
        MetricUnit::Percent => unit::share(text).map(|share| Limit::Fraction(share.as_f64())),
        MetricUnit::Duration => unit::duration(text).map(Limit::Duration),
        MetricUnit::Count => unit::count(text).map(Limit::Count),
        MetricUnit::Ratio => unit::number(text).map(Limit::Ratio),
        MetricUnit::Dollars => unit::money(text).map(|pico| Limit::Dollars(pico as f64 / 1e12)),
    }
}

/// `2s, chat` as its two parts; the second is missing where there is no comma.
fn split_at_comma<'t>(
    part: &ExpectationPart<'t>,
) -> (ExpectationPart<'t>, Option<ExpectationPart<'t>>) {
    let of = |text: &'t str, start: usize| {
        let start = start + text.len() - text.trim_start().len();
        let text = text.trim();
        ExpectationPart { text, span: start..start + text.len() }
    };
    match part.text.split_once(',') {
        None => (part.clone(), None),
        Some((first, second)) => {
            let start = part.span.start;
            (of(first, start), Some(of(second, start + first.len() + 1)))
        }
    }
}
