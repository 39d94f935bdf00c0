//! Alerts over time: when each was pending, fired, reached Alertmanager and cleared, and in which phase.

use super::phases::{self, PHASES, RehearsalPhase};
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// The alerts that a file of rules has, in its order.
pub(super) fn alerts_of(rules: &str) -> Vec<String> {
    let names = rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: "));
    names.map(str::to_owned).collect()
}

/// One time that an alert was active, from pending to cleared.
#[derive(Clone, Debug)]
struct AlertEpisode {
    alert: String,
    /// Whom it is about.
    labels: String,
    pending: Duration,
    firing: Option<(Duration, &'static str)>,
    notified: Option<Duration>,
    cleared: Option<Duration>,
}

/// What was seen.
#[derive(Debug)]
pub(super) struct AlertWatch {
    started: Instant,
    phase: &'static RehearsalPhase,
    active: BTreeMap<(String, String), AlertEpisode>,
    ended: Vec<AlertEpisode>,
    /// When alerts were looked at last, and the longest time between two looks.
    seen: Duration,
    longest_gap: Duration,
}

/// Between two looks. With more, this machine was too busy for windows of five seconds.
const GAP_MAX: Duration = Duration::from_secs(3);

impl AlertWatch {
    pub(super) fn new() -> Self {
        let phase = &PHASES[0];
        Self {
            started: now(),
            phase,
            active: BTreeMap::new(),
            ended: Vec::new(),
            seen: Duration::ZERO,
            longest_gap: Duration::ZERO,
        }
    }

    /// Times count from here on.
    pub(super) fn start(&mut self) {
        self.started = now();
    }

    pub(super) fn begin(&mut self, phase: &'static RehearsalPhase) {
        self.phase = phase;
    }

    /// Since the start.
    pub(super) fn now(&self) -> Duration {
        self.started.elapsed()
    }

    pub(super) fn seconds(&self) -> String {
        format!("{:.1}", self.now().as_secs_f64())
    }

    /// Whether an alert of the rehearsal is pending or fires.
    pub(super) fn has_active(&self) -> bool {
        self.active.keys().any(|(alert, _)| phases::is_rehearsed(alert))
    }

    /// Takes in what Prometheus and Alertmanager say at this moment.
    pub(super) fn see(&mut self, alerts: &[Value], notified: &[Value]) {
        let now = self.now();
        self.longest_gap = self.longest_gap.max(now.saturating_sub(self.seen));
        self.seen = now;
        let known: Vec<_> = alerts.iter().map(identity).collect();
        for (alert, id) in alerts.iter().zip(&known) {
            let episode = self.active.entry(id.clone()).or_insert_with(|| AlertEpisode {
                alert: id.0.clone(),
                labels: id.1.clone(),
                pending: now,
                firing: None,
                notified: None,
                cleared: None,
            });
            if alert["state"] == "firing" && episode.firing.is_none() {
                episode.firing = Some((now, self.phase.name));
                println!("{:>6}    {} fires: {}", seconds(now), id.0, id.1);
            }
        }
        for id in notified.iter().map(identity) {
            if let Some(episode) = self.active.get_mut(&id) {
                episode.notified.get_or_insert(now);
            }
        }
        let gone = |id: &(String, String)| !known.contains(id);
        let cleared: Vec<_> = self.active.keys().filter(|id| gone(id)).cloned().collect();
        for mut episode in cleared.iter().filter_map(|id| self.active.remove(id)) {
            episode.cleared = Some(now);
            if episode.firing.is_some() {
                println!("{:>6}    {} clears: {}", seconds(now), episode.alert, episode.labels);
            }
            self.ended.push(episode);
        }
    }

    /// Prints the table, and says whether all is as expected.
    pub(super) fn tell(self, alerts: &[String]) -> bool {
        let calm = PHASES[0].name;
        let mut episodes = self.ended;
        episodes.extend(self.active.into_values());
        episodes.retain(|episode| episode.firing.is_some());
        episodes.sort_by_key(|episode| episode.firing);
        println!("\nAlerts. Times are seconds since the start of the traffic.\n");
        println!(
            "| alert | expected while | of | pending | firing | at Alertmanager | cleared | times in all |"
        );
        println!("| --- | --- | --- | ---: | ---: | ---: | ---: | ---: |");
        let mut problems = Vec::new();
        for alert in alerts {
            let of_it: Vec<_> = episodes.iter().filter(|each| each.alert == *alert).collect();
            if of_it.iter().any(|each| each.firing.is_some_and(|(_, phase)| phase == calm)) {
                problems.push(format!("{alert} fired in the calm"));
            }
            problems.extend(row(alert, &of_it));
        }
        problems.iter().for_each(|problem| println!("FAILED: {problem}"));
        if self.longest_gap > GAP_MAX {
            let gap = seconds(self.longest_gap);
            println!(
                "NOT VALID: for {gap} s alerts could not be looked at. This machine has too much to do: run it again"
            );
        }
        problems.is_empty() && self.longest_gap <= GAP_MAX
    }
}

/// A row of the table: the first time that an alert fired where it was expected. What is wrong with it, if anything.
fn row(alert: &str, episodes: &[&AlertEpisode]) -> Option<String> {
    let place = PHASES.iter().position(|phase| phase.fires.contains(&alert))?;
    // The rest of the outage, or the time behind it, in which the longer waits end.
    let phases: Vec<_> = PHASES[place..].iter().take(2).map(|phase| phase.name).collect();
    let expected = phases[0];
    let is_in = |each: &&&AlertEpisode| each.firing.is_some_and(|(_, name)| phases.contains(&name));
    let mut there = episodes.iter().filter(is_in);
    let reached = there.clone().find(|each| each.notified.is_some());
    let Some(first) = reached.or_else(|| there.next()) else {
        println!("| {alert} | {expected} | | | never | | | {} |", episodes.len());
        return Some(format!("{alert} did not fire while `{expected}`"));
    };
    let time = |time: Option<Duration>| time.map_or_else(|| "never".to_owned(), seconds);
    println!(
        "| {alert} | {expected} | {} | {} | {} | {} | {} | {} |",
        first.labels,
        seconds(first.pending),
        time(first.firing.map(|(at, _)| at)),
        time(first.notified),
        time(first.cleared),
        episodes.len()
    );
    if first.notified.is_none() {
        return Some(format!("{alert} did not reach Alertmanager"));
    }
    let stays = episodes.iter().find(|each| each.cleared.is_none());
    stays.map(|each| format!("{alert} did not clear: {}", each.labels))
}

/// The name of an alert, and whom it is about: other labels than those that all have.
fn identity(alert: &Value) -> (String, String) {
    let labels = alert["labels"].as_object().cloned().unwrap_or_default();
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let name = labels.get("alertname").map(word).unwrap_or_default();
    let common = ["alertname", "severity", "job", "instance"];
    let of = labels.iter().filter(|(label, _)| !common.contains(&label.as_str()));
    let of: Vec<_> = of.map(|(label, value)| format!("{label} {}", word(value))).collect();
    (name, of.join(", "))
}

fn seconds(time: Duration) -> String {
    format!("{:.1}", time.as_secs_f64())
}

#[expect(clippy::disallowed_methods, reason = "alerts have times")]
fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn alert(state: &str) -> Value {
        json!({ "state": state, "labels": { "alertname": "A", "severity": "page", "group": "chat" } })
    }

    #[test]
    fn an_episode_goes_from_pending_over_firing_to_cleared() {
        let mut watch = AlertWatch::new();
        watch.see(&[alert("pending")], &[]);
        assert!(watch.active.values().all(|each| each.firing.is_none()) && watch.has_active());
        watch.see(&[alert("firing")], &[]);
        watch.see(&[alert("firing")], &[alert("")]);
        watch.see(&[], &[alert("")]);
        assert!(!watch.has_active());
        let [episode] = &watch.ended[..] else { panic!("{:?}", watch.ended) };
        assert_eq!((episode.alert.as_str(), episode.labels.as_str()), ("A", "group chat"));
        assert_eq!(episode.firing.map(|(_, phase)| phase), Some("calm"));
        assert!(episode.notified.is_some() && episode.cleared >= episode.notified);
    }

    #[test]
    fn what_fires_in_the_calm_or_nowhere_fails_the_rehearsal() {
        let mut calm = AlertWatch::new();
        calm.see(&[alert("firing")], &[alert("")]);
        calm.see(&[], &[]);
        assert!(!calm.tell(&["A".to_owned()]));
        assert!(!AlertWatch::new().tell(&["SquallGatewayDown".to_owned()]));
    }
}
