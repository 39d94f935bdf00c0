//! A Prometheus that holds what a text of OpenMetrics tells.

use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// A server of its own, stopped when it is dropped.
pub(crate) struct Prometheus {
    server: Child,
    url: String,
    folder: PathBuf,
}

/// One answer to a question.
#[derive(Debug)]
pub(crate) struct Sample {
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) value: f64,
}

impl Prometheus {
    /// One that was given these samples by `promtool`.
    pub(crate) fn with(openmetrics: &[u8]) -> Self {
        let folder = own_folder();
        let text = folder.join("run.om");
        fs::write(&text, openmetrics).expect("the target directory takes files");
        let taken = Command::new("promtool")
            .args(["tsdb", "create-blocks-from", "openmetrics"])
            .args([&text, &folder.join("data")])
            .output()
            .expect("promtool is there: the gate installs it");
        assert!(taken.status.success(), "{}", String::from_utf8_lossy(&taken.stderr));
        Self::start(folder, "global: {}\n")
    }

    /// One that scrapes this address each second.
    pub(crate) fn scraping(address: &str) -> Self {
        let job =
            format!("{{ job_name: squall, static_configs: [ {{ targets: [\"{address}\"] }} ] }}");
        let config = format!("global: {{ scrape_interval: 1s }}\nscrape_configs: [ {job} ]\n");
        Self::start(own_folder(), &config)
    }

    fn start(folder: PathBuf, config: &str) -> Self {
        let (data, file) = (folder.join("data"), folder.join("prometheus.yml"));
        fs::write(&file, config).expect("the target directory takes files");
        let mut server = Command::new("prometheus")
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.tsdb.path={}", data.display()))
            .args(["--storage.tsdb.retention.time=100y", "--web.listen-address=127.0.0.1:0"])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("prometheus is there: the gate installs it");
        let log = BufReader::new(server.stderr.take().expect("it is piped"));
        let url = wait_until_ready(log);
        Self { server, url, folder }
    }

    /// Answers a question as of a time, in seconds since 1970.
    pub(crate) fn ask(&self, query: &str, time: u64) -> Vec<Sample> {
        self.instant(query, &[&format!("--time={time}")])
    }

    /// Answers a question as of now.
    pub(crate) fn ask_now(&self, query: &str) -> Vec<Sample> {
        self.instant(query, &[])
    }

    fn instant(&self, query: &str, options: &[&str]) -> Vec<Sample> {
        let answer = Command::new("promtool")
            .args(["query", "instant", "--format=json"])
            .args(options)
            .args([&self.url, query])
            .output()
            .expect("promtool is there");
        assert!(answer.status.success(), "{query}: {}", String::from_utf8_lossy(&answer.stderr));
        let samples: Vec<Value> = serde_json::from_slice(&answer.stdout).expect("it is JSON");
        samples.iter().map(Sample::of).collect()
    }
}

/// A folder of the test that runs.
fn own_folder() -> PathBuf {
    let name = std::thread::current().name().unwrap_or_default().to_owned();
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("openmetrics").join(name);
    // What an earlier run left.
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(folder.join("data")).expect("the target directory takes files");
    folder
}

/// Reads the log until the server takes questions; its address.
fn wait_until_ready(log: impl BufRead + Send + 'static) -> String {
    let mut address = None;
    let mut lines = log.lines().map_while(Result::ok);
    for line in lines.by_ref() {
        if let (true, Some((_, rest))) =
            (line.contains("\"Listening on\""), line.split_once("address="))
        {
            address = rest.split_whitespace().next().map(str::to_owned);
        }
        if line.contains("Server is ready to receive web requests") {
            break;
        }
    }
    // A server whose log nobody reads would stand still.
    std::thread::spawn(move || lines.for_each(drop));
    format!("http://{}", address.expect("it says where it listens"))
}

impl Sample {
    fn of(sample: &Value) -> Self {
        let labels = sample["metric"].as_object().expect("it has labels").iter();
        let labels = labels
            .map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned()));
        let value = sample["value"][1].as_str().and_then(|value| value.parse().ok());
        Self { labels: labels.collect(), value: value.expect("it is a number") }
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.server.kill();
        let _ = self.server.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}
