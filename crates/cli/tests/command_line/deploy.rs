//! What `deploy/` says of the binary, held against it: flags, ports, paths, times, variables, metrics and rules.

use crate::squall::Folder;
use std::path::{Path, PathBuf};

const COMPOSE: &str = "deploy/compose/compose.yaml";
const HAPROXY: &str = "deploy/compose/haproxy.cfg";
const DEPLOYMENT: &str = "deploy/kubernetes/base/deployment.yaml";
const UNIT: &str = "deploy/systemd/squall-gateway.service";
const GATEWAY_FILES: [&str; 2] =
    ["deploy/compose/config/gateway.yaml", "deploy/kubernetes/base/config/gateway.yaml"];

/// The longest that a gateway takes to end after its drain: what is cut has a second to hear of it, and the core another.
const AFTER_DRAIN: u64 = 2;

fn path(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(file)
}

fn read(file: &str) -> String {
    std::fs::read_to_string(path(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// What stands behind `before` up to the end of its word; it stands there once.
fn word<'t>(file: &str, text: &'t str, before: &str) -> &'t str {
    let (_, rest) = text.split_once(before).unwrap_or_else(|| panic!("no `{before}` in {file}"));
    assert!(!rest.contains(before), "`{before}` stands once in {file}");
    rest.split([' ', '\n', '"', ',', '}']).next().unwrap_or_default()
}

fn seconds(file: &str, text: &str, before: &str) -> u64 {
    let found = word(file, text, before).trim_end_matches('s');
    found.parse().unwrap_or_else(|_| panic!("{before}{found} of {file} are no seconds"))
}

#[test]
fn every_flag_is_one_of_the_binary() {
    let help = Folder::new("deploy-help").squall(&["gateway", "--help"]).out;
    for file in [COMPOSE, DEPLOYMENT, UNIT, "deploy/kubernetes/tls/kustomization.yaml"] {
        let text = read(file);
        // The store has flags of its own.
        let others =
            |line: &&str| line.trim_start().starts_with('#') || line.contains("valkey-server");
        let lines = text.lines().filter(|line| !others(line));
        let words = lines.flat_map(|line| line.split([' ', '"', '=', ',', '[', ']']));
        let flags: Vec<_> = words.filter(|word| word.starts_with("--") && word.len() > 2).collect();
        assert!(flags.len() >= 2, "{file}: {flags:?}");
        for flag in flags {
            let known = help.split([' ', '\n', ',']).any(|word| word == flag);
            assert!(known, "{file} gives {flag}, which `squall gateway` has not");
        }
    }
}

#[test]
fn a_gateway_has_the_time_to_drain_and_is_left_before_it_stops_to_listen() {
    for (file, grace) in [
        (COMPOSE, "stop_grace_period: "),
        (DEPLOYMENT, "terminationGracePeriodSeconds: "),
        (UNIT, "TimeoutStopSec="),
    ] {
        let text = read(file);
        let drain = seconds(file, &text, "--drain=") + seconds(file, &text, "--drain-delay=");
        assert!(seconds(file, &text, grace) > drain + AFTER_DRAIN, "{file}: {grace}");
    }
    let proxy = read(HAPROXY);
    let noticed = seconds(HAPROXY, &proxy, " inter ") * seconds(HAPROXY, &proxy, " fall ");
    let compose = read(COMPOSE);
    assert!(noticed < seconds(COMPOSE, &compose, "--drain-delay="), "HAProxy: {noticed} s");
    let deployment = read(DEPLOYMENT);
    let (_, readiness) = deployment.split_once("readinessProbe:").expect("a probe");
    let noticed = seconds(DEPLOYMENT, readiness, "periodSeconds: ")
        * seconds(DEPLOYMENT, readiness, "failureThreshold: ");
    assert!(noticed < seconds(DEPLOYMENT, &deployment, "--drain-delay="), "{noticed} s");
}

#[test]
fn the_configurations_are_such_as_the_binary_takes_and_their_variables_are_given() {
    let folder = Folder::new("deploy-files");
    for file in GATEWAY_FILES {
        let at = path(file).display().to_string();
        let shown = folder.squall(&["config", "show", &at, "--json"]);
        assert_eq!(shown.code, 0, "{file}: {}", shown.err);
        let text = read(file);
        assert_eq!(word(file, &text, "listen: "), "0.0.0.0:8080");
        for name in ["OPENAI_API_KEY", "TEAM_KEY"] {
            assert!(text.contains(&format!("${name} ")), "{file}: {name}");
            for giver in [COMPOSE, DEPLOYMENT, "docs/DEPLOY.md"] {
                assert!(read(giver).contains(name), "{giver} does not speak of {name}");
            }
        }
        let variables = text.matches('$').count();
        assert_eq!(variables, 2, "the variables of {file}");
    }
    let scenarios = [read(GATEWAY_FILES[0]), read(GATEWAY_FILES[1])];
    let [compose, kubernetes] =
        scenarios.map(|text| text.split_once('\n').map(|(_, rest)| rest.to_owned()));
    assert_eq!(compose, kubernetes, "but for their first lines they are one");
}

#[test]
fn the_store_that_the_gateways_share_is_among_what_is_deployed_and_can_be_reached() {
    const STORE: &str = "deploy/kubernetes/base/store.yaml";
    for file in GATEWAY_FILES {
        let text = read(file);
        let url = word(file, &text, "redis://");
        let (host, port) = url.split_once(':').expect("a host and a port");
        assert!(read(COMPOSE).contains(&format!("\n  {host}:\n")), "{COMPOSE}: {host}");
        let kubernetes = read(STORE);
        assert!(kubernetes.contains(&format!("kind: Service\nmetadata:\n  name: {host}\n")));
        assert!(kubernetes.contains(&format!("port: {port}, targetPort: store")));
        assert!(kubernetes.contains(&format!("{{ name: store, containerPort: {port} }}")));
    }
    assert!(read("deploy/kubernetes/base/kustomization.yaml").contains("- store.yaml"));
    assert!(read("deploy/kubernetes/base/network-policy.yaml").contains("{ port: store,"));
}

#[test]
fn ports_and_paths_are_those_of_the_gateway() {
    for (file, metrics) in
        [(COMPOSE, "0.0.0.0:9090"), (DEPLOYMENT, "0.0.0.0:9090"), (UNIT, "127.0.0.1:9090")]
    {
        assert_eq!(word(file, &read(file), "--metrics-listen="), metrics, "{file}");
    }
    let deployment = read(DEPLOYMENT);
    assert!(deployment.contains("{ name: http, containerPort: 8080 }"));
    assert!(deployment.contains("{ name: metrics, containerPort: 9090 }"));
    let scraped =
        word("prometheus.yml", &read("deploy/compose/prometheus.yml"), "targets: [\"").to_owned();
    assert_eq!(scraped, "gateway-1:9090");
    let routes = read("crates/gateway/src/routes.rs");
    for (file, text) in [(DEPLOYMENT, deployment), (HAPROXY, read(HAPROXY))] {
        let paths =
            text.split([' ', '\n', ',']).filter(|word| ["/health", "/ready"].contains(word));
        let paths: Vec<_> = paths.collect();
        assert!(!paths.is_empty(), "{file} asks whether a gateway is ready");
        for path in paths {
            assert!(routes.contains(&format!(".route(\"{path}\"")), "{file}: {path}");
        }
    }
}

#[test]
fn the_autoscaler_goes_by_a_metric_that_there_is() {
    let families = read("crates/gateway/src/metrics/families.rs");
    let file = "deploy/kubernetes/base/autoscaler.yaml";
    let metric = word(file, &read(file), "metric: { name: ").to_owned();
    assert!(families.contains(&format!("\"{metric}\", MetricKind::Gauge")), "{metric}");
    let adapter = read("deploy/kubernetes/monitoring/adapter-rule.yaml");
    assert!(adapter.contains(&format!("seriesQuery: {metric}{{")), "{adapter}");
}

#[test]
#[expect(clippy::disallowed_methods, reason = "whether to write the file anew")]
fn the_rules_for_the_operator_are_those_of_the_monitoring_baseline() {
    let file = "deploy/kubernetes/monitoring/prometheus-rule.yaml";
    let here = read(file);
    let (head, _) = here.split_once("spec:\n").expect("a head");
    let rules = read("deploy/monitoring/squall-rules.yml");
    let (_, groups) = rules.split_once("groups:\n").expect("groups");
    let groups = format!("groups:\n{groups}");
    let indented = groups.lines().map(|line| match line {
        "" => "\n".to_owned(),
        line => format!("  {line}\n"),
    });
    let wanted = format!("{head}spec:\n{}", indented.collect::<String>());
    if std::env::var_os("UPDATE_REFERENCE").is_some() {
        std::fs::write(path(file), &wanted).expect("it can be written");
    } else {
        assert_eq!(here, wanted, "UPDATE_REFERENCE=1 writes {file}");
    }
}

/// The flags that a text gives to a command of the binary.
fn require_flags(command: &str, file: &str, text: &str) {
    let help = Folder::new(&format!("deploy-help-{command}")).squall(&[command, "--help"]).out;
    let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
    let words = lines.flat_map(|line| line.split([' ', '"', '=', ',', '[', ']']));
    let flags: Vec<_> = words.filter(|word| word.starts_with("--") && word.len() > 2).collect();
    assert!(!flags.is_empty(), "{file}");
    for flag in flags {
        let known = help.split([' ', '\n', ',']).any(|word| word == flag);
        assert!(known, "{file} gives {flag}, which `squall {command}` has not");
    }
}

#[test]
fn shards_are_started_with_flags_that_there_are() {
    for (command, file) in [
        ("load", "deploy/kubernetes/shards/job.yaml"),
        ("merge", "deploy/kubernetes/shards/merge.yaml"),
        ("load", "deploy/slurm/shards.sbatch"),
        ("merge", "deploy/slurm/merge.sbatch"),
    ] {
        require_flags(command, file, &read(file));
    }
}

#[test]
fn all_pods_of_a_run_are_there_at_once_and_each_is_a_shard_of_as_many() {
    let file = "deploy/kubernetes/shards/job.yaml";
    let job = read(file);
    let of = word(file, &job, "completions: ");
    assert_eq!(word(file, &job, "parallelism: "), of);
    assert!(job.contains(&format!("{{ name: SQUALL_SHARDS, value: \"{of}\" }}")), "{job}");
    assert_eq!(word(file, &job, "completionMode: "), "Indexed");
    assert_eq!(word(file, &job, "backoffLimit: "), "0");
    let docs = read("docs/SHARDS.md");
    let start = word(file, &job, "configMapRef: { name: ");
    assert!(docs.contains(&format!("create configmap {start} --from-literal=SQUALL_START_AT=")));
}

#[test]
fn the_scenario_of_the_pods_is_one_and_its_rate_is_allowed() {
    let folder = Folder::new("deploy-shards");
    let scenario = path("deploy/kubernetes/shards/scenario.yaml").display().to_string();
    let job = read("deploy/kubernetes/shards/job.yaml");
    let most = format!("--max-rate={}", word("job.yaml", &job, "--max-rate="));
    // Nothing listens there: what is refused is the connection, and not the traffic.
    let ended = folder.squall(&["load", &scenario, "--target", "http://127.0.0.1:9/v1", &most]);
    assert!(ended.err.contains("failed to connect to the target"), "{}", ended.err);
    let name = word("scenario.yaml", &read("deploy/kubernetes/shards/scenario.yaml"), "name: stag")
        .to_owned();
    let merge = read("deploy/kubernetes/shards/merge.yaml");
    assert!(merge.contains(&format!("- reports/stag{name}/load-shards\n")), "{merge}");
}

#[test]
fn the_batch_scripts_are_bash() {
    for file in ["deploy/slurm/shards.sbatch", "deploy/slurm/merge.sbatch"] {
        let checked = std::process::Command::new("bash").arg("-n").arg(path(file)).output();
        let checked = checked.expect("bash is there");
        assert!(checked.status.success(), "{file}: {}", String::from_utf8_lossy(&checked.stderr));
    }
}
