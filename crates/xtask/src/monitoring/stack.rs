//! What the rehearsal runs: mock providers, a gateway and another replica of it, their store, traffic, Prometheus and
//! Alertmanager, all on loopback. They end with it.

use super::http;
use super::read;
use super::shortened::shortened;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

/// Programs that are stopped and started again, by the name of their logs.
pub(super) const GATEWAY: &str = "gateway";
pub(super) const STORE: &str = "store";
/// Another replica of the gateway, without traffic, that nobody scrapes.
pub(super) const REPLICA: &str = "replica";
/// The addresses in the files of production, which the rehearsal replaces.
const ADDRESSES: [&str; 3] = ["127.0.0.1:0", "127.0.0.1:9091", "127.0.0.1:9093"];
/// How often a program that starts is asked for its address, and how often at most.
const ASK_EVERY: Duration = Duration::from_millis(100);
const ASK_TIMES: u32 = 300;

/// Everything that runs. Dropping it kills all of it.
#[derive(Debug)]
pub(super) struct RehearsalStack {
    squall: PathBuf,
    /// Files that are read, with ports filled in, and logs.
    folder: PathBuf,
    /// The scenario whose traffic is sent.
    traffic: PathBuf,
    running: BTreeMap<&'static str, Child>,
    /// Of the providers, for the gateway.
    urls: Vec<(String, String)>,
    ports: RehearsalPorts,
}

#[derive(Clone, Copy, Debug)]
struct RehearsalPorts {
    gateway: u16,
    metrics: u16,
    prometheus: u16,
    alertmanager: u16,
    /// The admin API of the mock providers.
    control: u16,
}

impl RehearsalStack {
    /// Starts all but the traffic.
    ///
    /// # Errors
    /// When a file cannot be read or a program does not start.
    pub(super) fn start(files: &Path, squall: &Path, folder: &Path) -> Result<Self, String> {
        let _absent = fs::remove_dir_all(folder);
        fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let ports = RehearsalPorts {
            gateway: http::free_port()?,
            metrics: http::free_port()?,
            prometheus: http::free_port()?,
            alertmanager: http::free_port()?,
            control: http::free_port()?,
        };
        let mut stack = Self {
            squall: squall.to_owned(),
            folder: folder.to_owned(),
            traffic: files.join("rehearsal/traffic.yaml"),
            running: BTreeMap::new(),
            urls: Vec::new(),
            ports,
        };
        stack.write_files(files)?;
        stack.start_mock(&files.join("rehearsal/mock.yaml"))?;
        stack.start_store()?;
        stack.start_gateway()?;
        stack.start_replica()?;
        stack.start_prometheus()?;
        Ok(stack)
    }

    /// The files of production, with shorter times and our ports.
    fn write_files(&self, files: &Path) -> Result<(), String> {
        let ports = [self.ports.gateway, self.ports.metrics, self.ports.alertmanager];
        let of = ADDRESSES.iter().zip(ports.map(|port| format!("127.0.0.1:{port}")));
        let filled = |text: String| {
            of.clone().fold(text, |text, (address, port)| text.replace(address, &port))
        };
        let write = |name: &str, text: String| {
            fs::write(self.folder.join(name), text).map_err(|error| format!("{name}: {error}"))
        };
        for name in ["squall-rules.yml", "prometheus.yml", "alertmanager.yml"] {
            write(name, filled(shortened(&read(&files.join(name))?)))?;
        }
        let gateway = read(&files.join("rehearsal/gateway.yaml"))?;
        write("replica.yaml", gateway.clone())?;
        write("gateway.yaml", filled(gateway))
    }

    fn start_mock(&mut self, config: &Path) -> Result<(), String> {
        let control = format!("127.0.0.1:{}", self.ports.control);
        let mut command = self.squall(&["mock", "--json", "--log", "warn", "--admin", &control]);
        command.arg("--config").arg(config);
        self.spawn("mock", command)?;
        let told = self.document("mock")?;
        let providers = told["providers"].as_array().cloned().unwrap_or_default();
        self.urls = providers
            .iter()
            .filter_map(|each| {
                let (name, url) = (each["name"].as_str()?, each["url"].as_str()?);
                Some((format!("{}_URL", name.to_uppercase()), url.to_owned()))
            })
            .collect();
        Ok(())
    }

    /// Starts the gateway, for the first time or again, at the same addresses.
    ///
    /// # Errors
    /// When it does not start.
    pub(super) fn start_gateway(&mut self) -> Result<(), String> {
        self.start_with(GATEWAY, "gateway.yaml", self.ports.metrics)
    }

    /// Starts the other replica of the gateway, for the first time or again.
    ///
    /// # Errors
    /// When it does not start.
    pub(super) fn start_replica(&mut self) -> Result<(), String> {
        self.start_with(REPLICA, "replica.yaml", 0)
    }

    fn start_with(&mut self, name: &'static str, file: &str, metrics: u16) -> Result<(), String> {
        let metrics = format!("127.0.0.1:{metrics}");
        let mut command =
            self.squall(&["gateway", "--json", "--log", "warn", "--metrics-listen", &metrics]);
        command.arg("--config").arg(self.folder.join(file));
        command.envs(self.urls.iter().cloned());
        command.env("STORE_URL", format!("redis+unix://{}", self.store_socket().display()));
        self.spawn(name, command)?;
        self.document(name).map(|_| ())
    }

    /// Starts the store that the replicas share, without data, for the first time or again.
    ///
    /// # Errors
    /// When there is no `redis-server`.
    pub(super) fn start_store(&mut self) -> Result<(), String> {
        let mut command = Command::new("redis-server");
        command.args(["--port", "0", "--save", "", "--appendonly", "no", "--unixsocket"]);
        command.arg(self.store_socket());
        self.spawn(STORE, command)
    }

    /// The path of a socket has little more than a hundred bytes: not in the folder of the build.
    fn store_socket(&self) -> PathBuf {
        std::env::temp_dir().join(format!("squall-rehearsal-{}", std::process::id()))
    }

    /// Kills one of the programs.
    pub(super) fn stop(&mut self, name: &str) {
        if let Some(mut child) = self.running.remove(name) {
            end(&mut child);
        }
    }

    /// Puts a mistake into the file of the gateway, at its end, or takes it out again.
    ///
    /// # Errors
    /// When the file cannot be read or written.
    pub(super) fn spoil_file(&self, spoilt: bool) -> Result<(), String> {
        const MISTAKE: &str = "nonsense: true\n";
        let path = self.folder.join("gateway.yaml");
        let text = read(&path)?;
        let sound = text.trim_end_matches(MISTAKE);
        let text = if spoilt { format!("{sound}{MISTAKE}") } else { sound.to_owned() };
        fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))
    }

    fn start_prometheus(&mut self) -> Result<(), String> {
        let file = |name: &str| self.folder.join(name).display().to_string();
        let mut prometheus = Command::new("prometheus");
        prometheus.arg(format!("--config.file={}", file("prometheus.yml")));
        prometheus.arg(format!("--storage.tsdb.path={}", file("prometheus")));
        prometheus.arg(format!("--web.listen-address=127.0.0.1:{}", self.ports.prometheus));
        let mut alertmanager = Command::new("prometheus-alertmanager");
        alertmanager.arg(format!("--config.file={}", file("alertmanager.yml")));
        alertmanager.arg(format!("--storage.path={}", file("alertmanager")));
        alertmanager.arg(format!("--web.listen-address=127.0.0.1:{}", self.ports.alertmanager));
        // It would look for others to form a cluster with.
        alertmanager.arg("--cluster.listen-address=");
        self.spawn("alertmanager", alertmanager)?;
        self.spawn("prometheus", prometheus)
    }

    /// Begins the traffic of the clients, which lasts until the end.
    ///
    /// # Errors
    /// When it does not start.
    pub(super) fn start_traffic(&mut self) -> Result<(), String> {
        let url = format!("http://127.0.0.1:{}/v1", self.ports.gateway);
        let mut command = self.squall(&["load", "--rows", "none", "--target", &url, "--out"]);
        command.arg(self.folder.join("load")).arg(&self.traffic);
        self.spawn("load", command)
    }

    fn squall(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.squall);
        command.args(arguments);
        command
    }

    fn spawn(&mut self, name: &'static str, mut command: Command) -> Result<(), String> {
        let log = |ending: &str| {
            let path = self.folder.join(format!("{name}.{ending}"));
            File::create(&path).map_err(|error| format!("{}: {error}", path.display()))
        };
        command.stdin(Stdio::null()).stdout(log("out")?).stderr(log("log")?);
        let child = command.spawn().map_err(|error| format!("{name} does not start: {error}"))?;
        self.running.insert(name, child);
        Ok(())
    }

    /// What a server prints once it listens.
    fn document(&self, name: &str) -> Result<Value, String> {
        let path = self.folder.join(format!("{name}.out"));
        for _ in 0..ASK_TIMES {
            let text = fs::read_to_string(&path).unwrap_or_default();
            if let Ok(document) = serde_json::from_str::<Value>(&text) {
                return Ok(document["result"].clone());
            }
            thread::sleep(ASK_EVERY);
        }
        let log = fs::read_to_string(path.with_extension("log")).unwrap_or_default();
        Err(format!("{name} does not start:\n{log}"))
    }

    /// Whether promtool accepts the gateway's metrics as they are now; it prints what it does not like.
    ///
    /// # Errors
    /// When they cannot be read.
    pub(super) fn promtool_accepts_metrics(&self) -> Result<bool, String> {
        let path = self.folder.join("metrics.txt");
        let metrics = http::text(self.ports.metrics, "/metrics")?;
        let file = fs::write(&path, metrics).and_then(|()| File::open(&path));
        let file = file.map_err(|error| format!("{}: {error}", path.display()))?;
        let mut promtool = Command::new("promtool");
        let judged = promtool.args(["check", "metrics"]).stdin(file).status();
        Ok(judged.map_err(|error| format!("promtool: {error}"))?.success())
    }

    /// Begins a fault, in the syntax of a scenario.
    ///
    /// # Errors
    /// When the mock refuses it.
    pub(super) fn inject(&self, provider: &str, fault: &str) -> Result<(), String> {
        let body = json!({ "providers": [provider], "fault": fault });
        http::post(self.ports.control, "/api/v1/inject", &body).map(|_| ())
    }

    /// What Prometheus says of a query at this moment: series with their labels and values.
    ///
    /// # Errors
    /// When it refuses the query.
    pub(super) fn query(&self, query: &str) -> Result<Vec<Value>, String> {
        let path = format!("/api/v1/query?query={}", http::encoded(query));
        let answer = http::get(self.ports.prometheus, &path)?;
        Ok(answer["data"]["result"].as_array().cloned().unwrap_or_default())
    }

    /// Alerts that are pending or firing, by Prometheus.
    ///
    /// # Errors
    /// When it does not answer.
    pub(super) fn active_alerts(&self) -> Result<Vec<Value>, String> {
        let answer = http::get(self.ports.prometheus, "/api/v1/alerts")?;
        Ok(answer["data"]["alerts"].as_array().cloned().unwrap_or_default())
    }

    /// Alerts that Alertmanager has.
    ///
    /// # Errors
    /// When it does not answer.
    pub(super) fn notified(&self) -> Result<Vec<Value>, String> {
        let answer = http::get(self.ports.alertmanager, "/api/v2/alerts")?;
        Ok(answer.as_array().cloned().unwrap_or_default())
    }
}

impl Drop for RehearsalStack {
    fn drop(&mut self) {
        self.running.values_mut().for_each(end);
        let _absent = fs::remove_file(self.store_socket());
    }
}

fn end(child: &mut Child) {
    // It may have ended by itself.
    let _ended = child.kill();
    let _status = child.wait();
}
