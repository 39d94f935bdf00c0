//! Every query of every panel of the gateway's dashboard, asked of Prometheus in the outages.

use super::dashboards;
use super::stack::RehearsalStack;
use serde_json::Value;
use std::path::Path;

/// What Grafana fills in, and what the rehearsal fills in: windows are as short as those of its rules.
const VARIABLES: [(&str, &str); 4] =
    [("$__rate_interval", "5s"), ("$__range", "60s"), ("$group", ".*"), ("$instance", ".*")];

/// Values that are printed of one query.
const SHOWN: usize = 3;

#[derive(Debug)]
pub(super) struct PanelValues {
    queries: Vec<PanelQuery>,
}

#[derive(Debug)]
struct PanelQuery {
    dashboard: String,
    panel: String,
    query: String,
    /// The phase in which it had values first, and those.
    shown: Option<(&'static str, Vec<String>)>,
}

impl PanelQuery {
    /// Whether it has shown another value than 0.
    fn is_told(&self) -> bool {
        let is_zero = |value: &String| value.split(' ').next_back() == Some("0.000");
        self.shown.as_ref().is_some_and(|(_, values)| !values.iter().all(is_zero))
    }
}

impl PanelValues {
    /// The queries of all dashboards of a folder.
    ///
    /// # Errors
    /// When one cannot be read.
    pub(super) fn read(folder: &Path) -> Result<Self, String> {
        let mut queries = Vec::new();
        for (_, dashboard) in dashboards::all(folder)? {
            let title = dashboard["title"].as_str().unwrap_or_default();
            for panel in dashboard["panels"].as_array().into_iter().flatten() {
                for target in panel["targets"].as_array().into_iter().flatten() {
                    queries.push(PanelQuery {
                        dashboard: title.to_owned(),
                        panel: panel["title"].as_str().unwrap_or_default().to_owned(),
                        query: target["expr"].as_str().unwrap_or_default().to_owned(),
                        shown: None,
                    });
                }
            }
        }
        Ok(Self { queries })
    }

    /// Asks for what had no values so far, or nothing but zeros.
    ///
    /// # Errors
    /// When Prometheus refuses a query.
    pub(super) fn ask(
        &mut self,
        phase: &'static str,
        stack: &RehearsalStack,
    ) -> Result<(), String> {
        for panel in self.queries.iter_mut().filter(|panel| !panel.is_told()) {
            let query = VARIABLES
                .iter()
                .fold(panel.query.clone(), |query, (name, value)| query.replace(name, value));
            let series = stack.query(&query)?;
            let values: Vec<_> = series.iter().filter_map(value).collect();
            if !values.is_empty() {
                panel.shown = Some((phase, values));
            }
        }
        Ok(())
    }

    /// Prints the table, and says whether every query had values.
    pub(super) fn tell(&self) -> bool {
        println!("\nPanels, with values of the first outage in which they had any.\n");
        println!("| panel | query | while | series | values |");
        println!("| --- | --- | --- | ---: | --- |");
        let mut all = true;
        for PanelQuery { dashboard, panel, query, shown } in &self.queries {
            let query = query.replace('|', "\\|");
            let Some((phase, values)) = shown else {
                println!("| {dashboard}: {panel} | `{query}` | | 0 | FAILED: no values |");
                all = false;
                continue;
            };
            let first: Vec<_> = values.iter().take(SHOWN).map(String::as_str).collect();
            let more = if values.len() > SHOWN { ", …" } else { "" };
            println!(
                "| {dashboard}: {panel} | `{query}` | {phase} | {} | {}{more} |",
                values.len(),
                first.join(", ")
            );
        }
        all
    }
}

/// A series in words, with its value; nothing where it is not a number.
fn value(series: &Value) -> Option<String> {
    let value: f64 = series["value"][1].as_str()?.parse().ok()?;
    let labels = series["metric"].as_object().cloned().unwrap_or_default();
    let hidden = ["__name__", "job", "instance"];
    let labels = labels.iter().filter(|(label, _)| !hidden.contains(&label.as_str()));
    let labels: Vec<_> = labels.filter_map(|(_, value)| value.as_str()).collect();
    (!value.is_nan()).then(|| format!("{} {value:.3}", labels.join(" ")).trim().to_owned())
}
