//! Every export of every bundled scenario passes the gateway's own check of its configuration. nginx and HAProxy are of
//! the machine (`cargo xtask test` installs them); the others `cargo xtask targets` installs and checks.

use squall_scenario::{Placeholder, ProviderPart, Scenario, Template};
use squall_target::{ReadyMade, Tuning, ready_made, require_installed};
use std::convert::Infallible;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The port of every provider, and of every gateway: nothing is sent, and no check binds it in earnest.
const PORT: &str = "59999";

fn scenarios() -> Vec<PathBuf> {
    fn walk(folder: &Path, out: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with("checklists") {
                walk(&path, out);
            } else if path.extension().is_some_and(|end| end == "yaml")
                && !path.ends_with("rollout.yaml")
            {
                out.push(path);
            }
        }
    }
    let mut paths = Vec::new();
    walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios"), &mut paths);
    paths.sort();
    assert!(paths.len() > 50, "the library is looked for in the wrong folder");
    paths
}

fn scenario(path: &Path) -> Scenario {
    let text = fs::read_to_string(path).unwrap();
    let folder = path.parent().unwrap();
    let load = |other: &str| fs::read_to_string(folder.join(other));
    let scenario = Scenario::read_with(&path.display().to_string(), &text, &load);
    scenario.unwrap_or_else(|problems| panic!("{problems}"))
}

fn filled(text: &Template, folder: &Path) -> String {
    let value = |placeholder: &Placeholder| -> Result<String, Infallible> {
        Ok(match placeholder {
            Placeholder::Port(_) => PORT.to_owned(),
            Placeholder::Folder => folder.display().to_string(),
            Placeholder::Environment(name) => panic!("an export reads the environment: {name}"),
            Placeholder::Provider { part, .. } => match part {
                ProviderPart::Url => format!("http://127.0.0.1:{PORT}/v1"),
                ProviderPart::Origin => format!("http://127.0.0.1:{PORT}"),
                ProviderPart::Host => "127.0.0.1".to_owned(),
                ProviderPart::Port => PORT.to_owned(),
                ProviderPart::Key => "sk-provider".to_owned(),
            },
        })
    };
    match text.fill(value) {
        Ok(text) => text,
    }
}

/// The files of every export of the library, each export in a folder of its own.
fn exports(target: &dyn ReadyMade, root: &Path) -> Vec<PathBuf> {
    let mut folders = Vec::new();
    for (place, path) in scenarios().iter().enumerate() {
        let scenario = scenario(path);
        for (tuning, word) in [(Tuning::Defaults, "defaults"), (Tuning::Tuned, "tuned")] {
            let folder = root.join(format!("{place}-{}-{word}", scenario.name));
            fs::create_dir_all(&folder).unwrap();
            let start = target.export(&scenario, tuning).target.start.unwrap();
            for (name, text) in &start.files {
                fs::write(folder.join(name), filled(text, &folder)).unwrap();
            }
            folders.push(folder);
        }
    }
    folders
}

/// Runs the gateway's check over every export; `arguments` are those for one folder.
fn check_all(name: &str, arguments: impl Fn(&Path) -> Vec<String>) {
    let target = ready_made(name).unwrap();
    let bin = require_installed(target).unwrap_or_else(|error| panic!("{error}"));
    let root = tempfile::tempdir().unwrap();
    for folder in exports(target, root.path()) {
        let check = Command::new(bin.join(target.program())).args(arguments(&folder)).output();
        let check = check.unwrap();
        let told = [check.stdout, check.stderr].concat();
        let told = String::from_utf8_lossy(&told);
        let place = folder.file_name().unwrap().to_string_lossy();
        assert!(check.status.success(), "{name} refuses {place}:\n{told}");
    }
}

fn words(words: &[&str], path: &Path, more: &[&str]) -> Vec<String> {
    let path = path.display().to_string();
    let words = words.iter().copied().chain([path.as_str()]).chain(more.iter().copied());
    words.map(str::to_owned).collect()
}

#[test]
fn nginx_takes_every_export() {
    let arguments =
        |folder: &Path| words(&["-t", "-q", "-e", "stderr", "-p"], folder, &["-c", "nginx.conf"]);
    check_all("nginx", arguments);
}

#[test]
fn haproxy_takes_every_export() {
    check_all("haproxy", |folder| words(&["-c", "-q", "-f"], &folder.join("haproxy.cfg"), &[]));
}

#[test]
#[ignore = "`cargo xtask targets` installs Envoy and runs this"]
fn envoy_takes_every_export() {
    let more = ["--mode", "validate", "--log-level", "error"];
    check_all("envoy", |folder| words(&["-c"], &folder.join("envoy.yaml"), &more));
}

/// Builds LiteLLM's router from each file that it is given.
const LITELLM_CHECK: &str = "
import asyncio, sys, yaml
from litellm import Router

async def check(path):
    with open(path) as file:
        config = yaml.safe_load(file)
    models = config['model_list']
    router = Router(model_list=models, **config.get('router_settings', {}))
    for name in {model['model_name'] for model in models}:
        wanted = sum(model['model_name'] == name for model in models)
        found = len(list(router.registry().deployments(name)))
        assert found == wanted, f'{found} of {wanted} deployments of {name}'

async def main():
    for path in sys.argv[1:]:
        try:
            await check(path)
        except Exception as error:
            sys.exit(f'{path}: {type(error).__name__}: {error}')

asyncio.run(main())
";

#[test]
#[ignore = "`cargo xtask targets` installs LiteLLM and runs this"]
fn litellm_takes_every_export() {
    let target = ready_made("litellm").unwrap();
    let bin = require_installed(target).unwrap_or_else(|error| panic!("{error}"));
    let root = tempfile::tempdir().unwrap();
    let files = exports(target, root.path()).into_iter().map(|folder| folder.join("litellm.yaml"));
    let mut check = Command::new(bin.join("python3"));
    check.arg("-c").arg(LITELLM_CHECK).args(files).env("LITELLM_LOCAL_MODEL_COST_MAP", "True");
    let check = check.output().unwrap();
    assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stderr));
}
