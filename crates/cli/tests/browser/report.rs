//! `report.html` of six runs: every chart is drawn, its texts are legible, the cursor reads what the CSVs say, and so on.

use crate::devtools::{Browser, MouseEvent};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A run of a scenario, simulated, with its report in a folder of its own.
struct ReportedRun {
    folder: PathBuf,
}

impl ReportedRun {
    fn of(name: &str, scenario: &str, exit: i32) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("report-{name}"));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).expect("a folder of our own");
        fs::write(folder.join("scenario.yaml"), scenario).expect("a file of our own");
        let ended = Command::new(env!("CARGO_BIN_EXE_squall"))
            .args(["run", "scenario.yaml", "--sim", "--quiet", "--out", "run"])
            .current_dir(&folder)
            .stderr(Stdio::inherit())
            .status()
            .expect("the binary is there");
        assert_eq!(ended.code(), Some(exit), "{name}");
        Self { folder: folder.join("run") }
    }

    fn open(&self, width: u32, dark: bool) -> Browser {
        let url = format!("file://{}", self.folder.join("report.html").display());
        Browser::open_as(&url, (width, 900), dark)
    }

    /// How many requests were to be sent from one second to another, by `requests.csv`.
    fn offered(&self, from: f64, to: f64) -> u64 {
        self.requests(from, to, |_| true)
    }

    /// How many of them succeeded.
    fn succeeded(&self, from: f64, to: f64) -> u64 {
        self.requests(from, to, |outcome| outcome == "succeeded")
    }

    fn requests(&self, from: f64, to: f64, ended: impl Fn(&str) -> bool) -> u64 {
        let text = fs::read_to_string(self.folder.join("requests.csv")).expect("it is there");
        let head = text.lines().next().expect("a head");
        let column =
            |wanted: &str| head.split(',').position(|name| name == wanted).expect("a column");
        let (intended, outcome) = (column("intended_ns"), column("outcome"));
        let rows = text.lines().skip(1).filter(|row| {
            let cells: Vec<_> = row.split(',').collect();
            let at = cells[intended].parse::<f64>().expect("nanoseconds") / 1e9;
            (from..to).contains(&at) && ended(cells[outcome])
        });
        rows.count() as u64
    }
}

fn viral_spike() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios/viral-spike.yaml");
    fs::read_to_string(path).expect("the scenario is in the tree")
}

/// A scenario of so many deployments, each with its own fault, a price and limits that it does not reach, with what else
/// is said of it.
fn scenario(deployments: usize, seconds: usize, rate: &str, more: &str) -> String {
    let (mut providers, mut members) = (String::new(), String::new());
    for number in 0..deployments {
        let at = seconds / 3 + number;
        providers += &format!(
            "  azure-openai-gpt-4o-region-{number}:\n    format: anthropic\n    ttft: 300ms\n    itl: 10ms\n    \
             limits: {{ rpm: 6000, tpm: 1000000 }}\n    faults: [ {{ at: {at}s, for: {}s, error: {{ class: overloaded }} }} ]\n",
            seconds / 4
        );
        members += &format!(
            "        - {{ name: azure-gpt-4o-region-{number}, provider: azure-openai-gpt-4o-region-{number}, \
             price: {{ input: $2.50, output: $10 }} }}\n"
        );
    }
    // Fewer requests cannot tell a thousandth.
    let most = if deployments == 1 { 99.0 } else { 99.9 };
    let (third, half) = (seconds / 3, seconds * 2 / 3);
    format!(
        "name: drawn\nseed: 7\nphases: {{ calm: 0s..{third}s, outage: {third}s..{half}s, after: {half}s..{seconds}s }}\n\
         traffic:\n  group: chat\n  rate: {rate}\n  prompt_tokens: 100\n  output_tokens: 20\n  stream: 50%\n  \
         client: {{ timeout: 8s }}\n{more}providers:\n{providers}router:\n  groups:\n    chat:\n      deployments:\n\
         {members}expect:\n  - success_rate >= {most}%\n"
    )
}

/// Where a second of the time axis is on the screen, on the chart of a figure that is seen.
fn place(browser: &mut Browser, chart: &str, second: f64) -> (f64, f64) {
    let found = browser.run(&format!(
        "(() => {{
           const svg = [...document.querySelectorAll('#{chart} svg')].find((svg) => svg.getClientRects().length);
           svg.scrollIntoView({{ block: 'center' }});
           const box = svg.getBoundingClientRect(), data = svg.dataset, scale = box.width / svg.viewBox.baseVal.width;
           const along = +data.left + (data.right - data.left) * {second} / data.seconds;
           return [box.left + along * scale, box.top + (+data.top + +data.bottom) / 2 * scale];
         }})()"
    ));
    (found[0].as_f64().expect("a place"), found[1].as_f64().expect("a place"))
}

/// What the tip says of a series, and from when until when.
fn tip(browser: &mut Browser, series: &str) -> u64 {
    browser.wait_for("!document.getElementById('tip').hidden");
    let value = browser
        .run(&format!("document.querySelector('#tip [data-name=\"{series}\"] b').dataset.value"));
    value.as_str().and_then(|value| value.parse().ok()).expect("a number")
}

/// Holds all that holds for the page of any run.
fn holds(run: &ReportedRun, step: f64, moments: [f64; 3]) {
    for (width, dark) in [(1_280, false), (768, false), (390, false), (1_280, true), (390, true)] {
        let mut browser = run.open(width, dark);
        let problems = browser.run(include_str!("texts.js"));
        assert_eq!(problems, serde_json::json!([]), "at {width} pixels, dark: {dark}");
        let paper = browser.run("getComputedStyle(document.body).backgroundColor");
        let text = "[...document.querySelectorAll('#traffic svg')].find((svg) => svg.getClientRects().length)\
                    .querySelector('text')";
        let ink = browser.run(&format!("getComputedStyle({text}).fill"));
        let expected = if dark {
            ("rgb(22, 26, 31)", "rgb(229, 231, 235)")
        } else {
            ("rgb(255, 255, 255)", "rgb(31, 41, 55)")
        };
        assert_eq!((paper.as_str(), ink.as_str()), (Some(expected.0), Some(expected.1)));
        for moment in moments {
            let at = place(&mut browser, "traffic", moment);
            browser.mouse(MouseEvent::Move, at);
            let from = (moment / step).floor() * step;
            assert_eq!(tip(&mut browser, "offered"), run.offered(from, from + step), "at {from} s");
        }
        map_holds(run, &mut browser, moments[0]);
        assert_eq!(browser.problems(), [""; 0], "at {width} pixels");
    }
    let mut browser = run.open(1_280, false);
    // `%PDF`, and more than a page or two of it.
    let pdf = browser.pdf();
    assert!(pdf.starts_with("JVBER") && pdf.len() > 50_000, "{} bytes", pdf.len());
}

/// Holds that the map of latencies tells, at a moment, every answer to a request of its column.
fn map_holds(run: &ReportedRun, browser: &mut Browser, moment: f64) {
    let at = place(browser, "latency-map", moment);
    browser.mouse(MouseEvent::Move, at);
    browser.wait_for("!document.getElementById('tip').hidden");
    let told = browser.run("[...document.querySelectorAll('#tip b')].reduce((sum, told) => sum + +told.dataset.value, 0)");
    let column = browser.run(
        "(() => { const data = JSON.parse(document.getElementById('data').textContent);
           return data.series[data.charts['latency-map'][0]].step; })()",
    );
    let column = column.as_f64().expect("seconds");
    let from = (moment / column).floor() * column;
    assert_eq!(told.as_u64(), Some(run.succeeded(from, from + column)), "at {from} s");
}

#[test]
fn the_page_of_a_run_that_met_its_expectations() {
    let run = ReportedRun::of("good", &viral_spike(), 0);
    holds(&run, 1.0, [12.5, 25.5, 70.5]);
    let mut browser = run.open(1_280, false);
    let axis = "[...document.querySelectorAll('#attempts .wide-chart g.zoomed text')].map((text) => text.textContent)";

    // Dragging zooms all charts, and Escape shows the whole run again.
    let (from, to) = (place(&mut browser, "traffic", 30.2), place(&mut browser, "traffic", 60.2));
    browser.mouse(MouseEvent::Move, from);
    browser.mouse(MouseEvent::Press, from);
    browser.mouse(MouseEvent::Drag, (f64::midpoint(from.0, to.0), from.1));
    browser.mouse(MouseEvent::Drag, to);
    browser.mouse(MouseEvent::Release, to);
    browser.wait_for("!document.getElementById('zoom').hidden");
    let marks = browser.run(axis);
    assert!(marks.as_array().is_some_and(|marks| marks.len() > 3), "{marks}");
    let bars = "[...document.querySelectorAll('#traffic .wide-chart [data-series=offered].d rect')].map((bar) => bar.getAttribute('width'))";
    let widened = browser.run(bars);
    browser.key("Escape");
    browser.wait_for("document.getElementById('zoom').hidden");
    assert_ne!(browser.run(bars), widened, "the bars are as they were drawn again");
    assert_eq!(browser.run(&format!("({axis}).length")), 0);

    // A series is switched off from the legend, by a key as well.
    let hidden = "getComputedStyle(document.querySelector('#traffic .wide-chart [data-series=offered].d')).display";
    browser.run("document.querySelector('#traffic .wide-chart [data-series=offered].k').focus()");
    browser.key("Enter");
    assert_eq!(browser.run(hidden), "none");
    browser.key("Enter");
    assert_eq!(browser.run(hidden), "inline");

    // A click lists the requests of its second.
    let at = place(&mut browser, "traffic", 40.5);
    browser.mouse(MouseEvent::Press, at);
    browser.mouse(MouseEvent::Release, at);
    browser.wait_for("document.getElementById('requests').open");
    let rows = browser.run("document.querySelectorAll('#requests tbody tr').length");
    assert_eq!(rows.as_u64(), Some(run.offered(40.0, 41.0)));
    browser.run("document.getElementById('requests').close()");

    // A state is told in words, at the cursor as in the description of the strip.
    let at = place(&mut browser, "states", 41.5);
    browser.mouse(MouseEvent::Move, at);
    browser.wait_for("document.querySelector('#tip').textContent.includes('ejected')");
    let described = "(() => { const svg = document.querySelector('#states .wide-chart svg');
        return document.getElementById(svg.getAttribute('aria-describedby')).textContent; })()";
    let described = browser.run(described);
    assert!(
        described
            .as_str()
            .is_some_and(|words| words.contains("eu: ") && words.contains("; ejected ")),
        "{described}"
    );

    // A line of what happened moves the cursor of every chart.
    browser.run("[...document.querySelectorAll('.moments a')].find((line) => +line.dataset.at === 38).click()");
    let cursors = "[...document.querySelectorAll('.wide-chart .cursor')].filter((line) => line.style.display === '').length";
    let with_time = "document.querySelectorAll('.wide-chart svg[data-left]').length";
    let with_time = browser.run(with_time).as_u64();
    assert!(with_time >= Some(8), "{with_time:?}");
    assert_eq!(browser.run(cursors).as_u64(), with_time);
    browser.key("ArrowRight");
    assert_eq!(tip(&mut browser, "offered"), run.offered(39.0, 40.0));

    // Tables sort by number.
    let head = "[...document.querySelectorAll('th')].find((head) => head.textContent === 'first attempts')";
    browser.run(&format!("{head}.querySelector('button').click()"));
    let sorted = browser.run(&format!(
        "[...{head}.closest('table').tBodies[0].rows].map((row) => +row.cells[{head}.cellIndex].textContent.replace(',', ''))"
    ));
    let sorted: Vec<_> =
        sorted.as_array().expect("rows").iter().map(serde_json::Value::as_u64).collect();
    assert!(sorted.len() == 4 && sorted.is_sorted(), "{sorted:?}");
    assert_eq!(browser.problems(), [""; 0]);
}

#[test]
fn the_page_of_a_run_that_missed_them_with_one_deployment() {
    // Its rate changes and requests are lost: there is a chart of that too.
    let run = ReportedRun::of(
        "missed",
        &scenario(1, 60, "[ { at: 0s, rps: 10 }, { at: 25s, rps: 15 } ]", ""),
        1,
    );
    holds(&run, 1.0, [5.5, 25.5, 45.5]);
    let mut browser = run.open(1_280, false);
    let charts = browser
        .run("[...document.querySelectorAll('.charts figure')].map((figure) => figure.id).join()");
    let all = "traffic,load,shares,states,attempts,retries,amplification,limits,latency,latency-map,ttft,errors,providers,cost";
    assert_eq!(charts.as_str(), Some(all));
}

#[test]
fn the_page_of_a_run_that_ended_early() {
    let more = "abort_when: error_rate > 20% for 5s\n";
    let run = ReportedRun::of("partial", &scenario(2, 90, "20", more), 3);
    holds(&run, 1.0, [5.5, 25.5, 29.5]);
    let mut browser = run.open(1_280, false);
    let told = browser.run("document.querySelector('.moments').textContent");
    assert!(told.as_str().is_some_and(|told| told.contains("the run was cut short")), "{told}");
}

#[test]
fn the_page_of_a_run_with_twelve_deployments() {
    let run = ReportedRun::of("twelve", &scenario(12, 90, "20", ""), 1);
    holds(&run, 1.0, [5.5, 35.5, 80.5]);
    let mut browser = run.open(1_280, false);
    let names = browser.run(
        "[...document.querySelectorAll('#shares .wide-chart text')].map((text) => text.textContent.trim()).filter((text) => text.includes('…'))",
    );
    let names: Vec<_> =
        names.as_array().expect("names").iter().filter_map(|name| name.as_str()).collect();
    let mut distinct = names.clone();
    distinct.sort_unstable();
    distinct.dedup();
    assert!(names.len() == 12 && distinct.len() == 12, "{names:?}");
}

#[test]
fn the_page_of_a_day() {
    let run = ReportedRun::of("day", &scenario(2, 86_400, "0.2", ""), 1);
    // A day by half minutes.
    holds(&run, 30.0, [1_000.0, 40_000.0, 80_000.0]);
    let mut browser = run.open(1_280, false);
    let axis = browser.run("document.querySelector('#traffic .wide-chart').textContent");
    let axis = axis.as_str().expect("text");
    for told in ["4 h", "12 h", "1 d", "in bins of 10 min", "529"] {
        assert!(axis.contains(told), "{told} is not in {axis}");
    }
    // Its requests are too many for the page, which tells where they are.
    let at = place(&mut browser, "traffic", 40_000.0);
    browser.mouse(MouseEvent::Press, at);
    browser.mouse(MouseEvent::Release, at);
    browser.wait_for("document.getElementById('requests').textContent.includes('requests.csv')");
}
