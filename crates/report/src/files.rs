//! Every file of a report, in one folder.

use crate::charts::chart_files;
use crate::page::page;
use crate::run_origin::ORIGIN;
use crate::{ReportError, RunOrigin, draw_charts};
use squall_judge::{Verdict, markdown, put, put_json, summary, write_junit};
use squall_record::Recording;
use squall_scenario::Scenario;
use std::path::{Path, PathBuf};

/// Where a report's files are.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ReportPaths {
    /// The report to open: `report.html`.
    pub html: PathBuf,
    /// `summary.json`.
    pub summary: PathBuf,
    /// `junit.xml`.
    pub junit: PathBuf,
    /// `summary.md`.
    pub markdown: PathBuf,
}

const HTML: &str = "report.html";
const SUMMARY: &str = "summary.json";
const JUNIT: &str = "junit.xml";
const MARKDOWN: &str = "summary.md";

/// The names of all files that [`write()`] leaves in a folder.
#[must_use]
pub fn report_files() -> Vec<String> {
    let texts = [HTML, SUMMARY, JUNIT, MARKDOWN, ORIGIN].map(str::to_owned);
    texts.into_iter().chain(chart_files()).collect()
}

/// Writes `report.html`, the charts, `summary.json`, `summary.md` and `junit.xml` into a folder, which is
/// made if it is not there. `requests.csv` and `attempts.csv` are part of the recording, which is written
/// into the same folder. The `origin` is kept beside them; without one it is that of an earlier report there.
///
/// # Errors
/// When a file cannot be written.
pub fn write(
    dir: &Path,
    (scenario, recording): (&Scenario, &Recording),
    verdict: &Verdict,
    origin: Option<&RunOrigin>,
) -> Result<ReportPaths, ReportError> {
    let paths = ReportPaths {
        html: dir.join(HTML),
        summary: dir.join(SUMMARY),
        junit: dir.join(JUNIT),
        markdown: dir.join(MARKDOWN),
    };
    put_json(&paths.summary, &summary(scenario, recording, verdict))?;
    put(&paths.markdown, markdown(verdict).as_bytes())?;
    write_junit(&paths.junit, std::slice::from_ref(verdict))?;
    let charts = draw_charts(scenario, recording)?;
    for chart in &charts {
        put(&dir.join(chart.id).with_extension("svg"), chart.svg.as_bytes())?;
        put(&dir.join(chart.id).with_extension("png"), &chart.png)?;
    }
    if let Some(origin) = origin {
        origin.write(dir)?;
    }
    let origin = RunOrigin::read(dir).unwrap_or_default();
    let page = page((scenario, recording), verdict, &charts, &origin)?;
    put(&paths.html, page.as_bytes())?;
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::*;
    use squall_judge::judge;
    use squall_testkit::by_hand::Fixture;
    use std::fs;

    #[test]
    fn every_file_that_is_written_is_told_of() {
        let run = Fixture::new();
        let recording = run.recording();
        let verdict = judge(&run.scenario, &recording);
        let dir = std::env::temp_dir().join(format!("squall-report-all-{}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        write(&dir, (&run.scenario, &recording), &verdict, Some(&RunOrigin::default())).unwrap();
        let entries = fs::read_dir(&dir).unwrap().flatten();
        let mut there: Vec<_> =
            entries.map(|entry| entry.file_name().into_string().unwrap()).collect();
        let mut told = report_files();
        there.sort();
        told.sort();
        let charts = draw_charts(&run.scenario, &recording).unwrap();
        let is_left_out = |name: &String| {
            let chart = Path::new(name).file_stem().and_then(|stem| stem.to_str());
            chart_files().any(|file| file == *name)
                && !charts.iter().any(|drawn| Some(drawn.id) == chart)
        };
        told.retain(|name| !is_left_out(name));
        assert_eq!(there, told);
        fs::remove_dir_all(&dir).unwrap();
    }

    #[test]
    fn every_path_told_is_there() {
        let run = Fixture::new();
        let recording = run.recording();
        let verdict = judge(&run.scenario, &recording);
        let dir = std::env::temp_dir().join(format!("squall-report-{}", std::process::id()));
        let paths = write(&dir, (&run.scenario, &recording), &verdict, Some(&RunOrigin::default()))
            .unwrap();
        for path in [&paths.html, &paths.summary, &paths.junit, &paths.markdown] {
            assert!(path.exists(), "{} is missing", path.display());
        }
        fs::remove_dir_all(&dir).unwrap();
    }
}
