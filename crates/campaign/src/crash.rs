//! The scenarios of the crash test, one for each fault, and their runs in virtual time.

use crate::CampaignError;
use squall_judge::{CRASH_TESTS, CrashRow, CrashTest, judge_crash};
use squall_record::Recording;
use squall_scenario::{Diagnostics, Problem, Scenario};
use squall_sim::{RowRetention, SimOptions, simulate};

/// The scenario of a fault.
#[derive(Clone, Debug)]
pub struct CrashScenario {
    /// The fault, and how it is judged.
    pub test: &'static CrashTest,
    /// Its file.
    pub path: &'static str,
    /// What stands there, with other settings of the router where some were given.
    text: String,
}

macro_rules! file {
    ($name:literal) => {
        (
            concat!("scenarios/crash/", $name, ".yaml"),
            include_str!(concat!("../../../scenarios/crash/", $name, ".yaml")),
        )
    };
}

/// The files, in the order of [`CRASH_TESTS`].
const FILES: [(&str, &str); CRASH_TESTS.len()] = [
    file!("s01-throttled-once"),
    file!("s02-throttled"),
    file!("s03-server-error-once"),
    file!("s04-overloaded"),
    file!("s05-reset-once"),
    file!("s06-silence"),
    file!("s07-late-first-token"),
    file!("s08-cut"),
    file!("s09-stall"),
    file!("s10-malformed-event"),
    file!("s11-no-end-mark"),
    file!("s12-prompt-too-long"),
    file!("s13-content-policy"),
    file!("s14-cut-without-prefill"),
    file!("s15-outage"),
    file!("s16-model-named"),
];

/// The line below which the settings of the router stand.
const ROUTER: &str = "\nrouter:\n";

/// How far the settings stand in below it.
const INDENT: &str = "  ";

/// All scenarios, their router as it is by default, or with these settings: lines of YAML as they stand under
/// `router`, without its groups.
#[must_use]
pub fn crash_scenarios(router: &str) -> Vec<CrashScenario> {
    let lines = router.lines().map(|line| format!("{INDENT}{line}\n"));
    let settings = format!("{ROUTER}{}", lines.collect::<String>());
    let scenario = |(test, (path, text)): (&'static CrashTest, (&'static str, &str))| {
        CrashScenario { test, path, text: text.replacen(ROUTER, &settings, 1) }
    };
    CRASH_TESTS.iter().zip(FILES).map(scenario).collect()
}

impl CrashScenario {
    /// Reads it.
    ///
    /// # Errors
    /// When the settings of the router are wrong; the places are those in the scenario's file with the settings in it.
    pub fn read(&self) -> Result<Scenario, Diagnostics> {
        Scenario::read(self.path, &self.text)
    }

    /// The problems that lie in the settings of the router, at their places in the file `path` that holds these
    /// `settings`; `None` if none does.
    #[must_use]
    pub fn in_settings(
        &self,
        path: &str,
        settings: &str,
        problems: &Diagnostics,
    ) -> Option<Diagnostics> {
        let from = self.text.find(ROUTER)? + ROUTER.len();
        let place = |at: usize| {
            let before = self.text.get(from..at)?;
            let indents =
                before.split('\n').map(|line| line.len().min(INDENT.len())).sum::<usize>();
            (before.len() - indents <= settings.len()).then_some(before.len() - indents)
        };
        let moved = |problem: &Problem| {
            let mut problem = problem.clone();
            problem.span = place(problem.span.start)?..place(problem.span.end)?;
            problem.related = None;
            Some(problem)
        };
        let inside: Vec<_> = problems.problems().iter().filter_map(moved).collect();
        (!inside.is_empty()).then(|| Diagnostics::new(path, settings, inside))
    }

    /// Runs it in virtual time and judges it.
    ///
    /// # Errors
    /// When the router refuses the configuration.
    pub fn simulate(&self, scenario: &Scenario) -> Result<CrashRow, CampaignError> {
        let recording =
            simulate(scenario, SimOptions { keep: RowRetention::Rows, journal: false })?;
        Ok(self.judge(&recording))
    }

    /// Judges a recording of it.
    #[must_use]
    pub fn judge(&self, recording: &Recording) -> CrashRow {
        judge_crash(self.test, recording)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scenario_bears_the_number_of_its_fault_and_is_read() {
        for scenario in crash_scenarios("") {
            let id = scenario.test.id.to_lowercase();
            assert!(scenario.path.contains(&format!("/{id}-")), "{}", scenario.path);
            let read = scenario.read().unwrap_or_else(|problems| panic!("{problems}"));
            assert_eq!(read.name, format!("crash-{id}"));
            assert!(!read.expectations.is_empty());
        }
    }

    #[test]
    fn other_settings_of_the_router_hold_in_every_scenario() {
        for scenario in crash_scenarios("retries: 0\ntimeouts: { first_token: 3s }") {
            let read = scenario.read().unwrap_or_else(|problems| panic!("{problems}"));
            let groups = read.router.groups.iter();
            assert!(
                groups.map(|group| group.retries.max).all(|retries| retries == 0),
                "{}",
                scenario.path
            );
        }
    }

    #[test]
    fn a_mistake_in_the_settings_is_told_at_its_place_in_their_file() {
        let settings = "retries: 0\n\ntimeouts:\n  first_token: 5\n";
        let scenario = &crash_scenarios(settings)[0];
        let problems = scenario.read().expect_err("a duration without a unit");
        let problems =
            scenario.in_settings("mine.yaml", settings, &problems).expect("it is in there");
        let [problem] = problems.problems() else { panic!("{problems}") };
        assert_eq!(problems.position(problem), (4, 16), "{problems}");
        assert!(problems.to_string().contains("mine.yaml:4:16"), "{problems}");
    }
}
