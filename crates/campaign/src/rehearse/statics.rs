//! What can be seen of a configuration without a run.

use squall_judge::{ItemEvidence, ItemOutcome, Judgement, SignOffItem};
use squall_router::{CooldownRule, GroupConfig, GroupId, RetryBudget};
use squall_scenario::{Checklist, Scenario, StaticCheck};
use std::collections::BTreeSet;
use std::time::Duration;

/// What a check found.
#[derive(Clone, Debug, PartialEq)]
pub struct StaticFinding {
    /// Whether it passed.
    pub passed: bool,
    /// What was seen, in a sentence.
    pub seen: String,
}

/// Checks the group of the new path.
pub(super) fn look(
    checklist: &Checklist,
    scenario: &Scenario,
    rate: f64,
    line: u32,
    waived: &[(StaticCheck, String)],
) -> SignOffItem {
    let groups = scenario.router.groups.iter();
    let Some((place, group)) = (0_u16..).zip(groups).find(|(_, each)| each.name == checklist.to)
    else {
        return item(line, Vec::new(), Vec::new());
    };
    let at = StaticView { scenario, group, id: GroupId(place), rate };
    let mut evidence = Vec::new();
    let mut notes =
        vec![format!("Static checks of the configuration of `{}`; nothing was run.", group.name)];
    for check in StaticCheck::ALL {
        let found = at.check(check);
        let reason = waived.iter().find(|(each, _)| *each == check).map(|(_, reason)| reason);
        if let (false, Some(reason)) = (found.passed, reason) {
            notes.push(format!("Waived: {}, because: {reason}. {}.", check.as_str(), found.seen));
            continue;
        }
        evidence.push(ItemEvidence {
            text: check.as_str().to_owned(),
            judgement: if found.passed { Judgement::Met } else { Judgement::Missed },
            reason: found.seen,
        });
    }
    item(line, notes, evidence)
}

fn item(line: u32, notes: Vec<String>, evidence: Vec<ItemEvidence>) -> SignOffItem {
    SignOffItem {
        line,
        title: "static checks of the configuration".to_owned(),
        outcome: ItemOutcome::from(super::worst(&evidence)),
        notes,
        evidence,
        command: None,
    }
}

struct StaticView<'a> {
    scenario: &'a Scenario,
    group: &'a GroupConfig,
    id: GroupId,
    rate: f64,
}

impl StaticView<'_> {
    fn check(&self, check: StaticCheck) -> StaticFinding {
        match check {
            StaticCheck::OtherProvider => self.other_provider(),
            StaticCheck::Deadline => self.deadline(),
            StaticCheck::RetryBudget => self.retry_budget(),
            StaticCheck::Cooldown => self.cooldown(),
            StaticCheck::NMinusOne => self.n_minus_one(),
        }
    }

    /// The providers that can serve the group, its fallbacks included.
    fn providers(&self) -> BTreeSet<u16> {
        let fallbacks = &self.group.fallbacks.general;
        let reached = |id: GroupId| id == self.id || fallbacks.contains(&id);
        let deployments = self.scenario.deployments();
        let deployments = deployments.filter(|(_, group, _)| reached(*group));
        let links = &self.scenario.deployments;
        deployments.filter_map(|(id, ..)| links.get(id.index())).map(|link| link.provider).collect()
    }

    fn name(&self, provider: u16) -> &str {
        self.scenario.providers.get(usize::from(provider)).map_or("", |each| &each.name)
    }

    fn other_provider(&self) -> StaticFinding {
        let providers = self.providers();
        let names: Vec<_> = providers.iter().map(|&provider| self.name(provider)).collect();
        StaticFinding {
            passed: names.len() > 1,
            seen: match &names[..] {
                [only] => format!("only {only} can serve it: an outage of it is a total outage"),
                names => format!("served by {}", names.join(", ")),
            },
        }
    }

    fn deadline(&self) -> StaticFinding {
        let patience = self.scenario.workload.longest_wait().min(self.group.deadline);
        let first_token = self.group.timeouts.first_token;
        StaticFinding {
            passed: first_token * 2 <= patience,
            seen: format!(
                "the time-out for a first token is {} and clients wait {}: {}",
                seconds(first_token),
                seconds(patience),
                if first_token * 2 <= patience {
                    "a retry is possible"
                } else {
                    "an attempt that hangs leaves no time for a retry"
                }
            ),
        }
    }

    fn retry_budget(&self) -> StaticFinding {
        let budget = self.scenario.router.retry_budget;
        let unlimited = budget == RetryBudget::UNLIMITED;
        StaticFinding {
            passed: !unlimited,
            seen: if unlimited {
                "retries have no budget and amplify an outage".to_owned()
            } else {
                let share = budget.ratio.as_f64() * 100.0;
                format!(
                    "retries are limited to {share}% of requests plus {} per second",
                    budget.min_per_second
                )
            },
        }
    }

    fn cooldown(&self) -> StaticFinding {
        let never = self.group.cooldown == CooldownRule::Never;
        StaticFinding {
            passed: !never,
            seen: if never {
                "cooldowns are off: a failing deployment keeps its traffic share".to_owned()
            } else {
                "a failing deployment is ejected and probed before it returns".to_owned()
            },
        }
    }

    /// The requests a second that are let in when the provider whose loss costs most is gone.
    fn n_minus_one(&self) -> StaticFinding {
        let lets_in = |provider: u16| {
            let config = self.scenario.providers.get(usize::from(provider));
            let limit = config.and_then(|each| each.config.limits.rpm);
            limit.map_or(f64::INFINITY, |limit| limit.per_minute as f64 / 60.0)
        };
        let providers = self.providers();
        let all: f64 = providers.iter().map(|&provider| lets_in(provider)).sum();
        let largest = providers.iter().copied().max_by(|&a, &b| lets_in(a).total_cmp(&lets_in(b)));
        let Some(largest) = largest else {
            return StaticFinding { passed: false, seen: "no deployment serves it".to_owned() };
        };
        let others = providers.iter().filter(|&&provider| provider != largest);
        let left: f64 = if all.is_finite() {
            all - lets_in(largest)
        } else {
            others.map(|&provider| lets_in(provider)).sum()
        };
        let (name, rate) = (self.name(largest), self.rate);
        let left_text = if left.is_finite() {
            format!("{left:.0} per second")
        } else {
            "any number".to_owned()
        };
        StaticFinding {
            passed: left >= rate,
            seen: format!(
                "without {name} the limits admit {left_text}; the traffic is {rate} per second"
            ),
        }
    }
}

fn seconds(time: Duration) -> String {
    format!("{} s", time.as_secs_f64())
}
