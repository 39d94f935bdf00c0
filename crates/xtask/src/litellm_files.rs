//! `cargo xtask litellm-files`: what the installed LiteLLM makes of each configuration of the corpus, beside what we make
//! of it. The gate compares with the facts that `--bless` commits, so that it needs no LiteLLM.

use crate::step::Steps;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The script that asks LiteLLM.
const FACTS: &str = include_str!("litellm_files/facts.py");
const CORPUS: &str = "crates/litellm/tests/corpus";
const TABLES: &str = "crates/litellm/src/providers";

/// Installs LiteLLM if need be, asks it, and compares; with `--bless` what it says is committed.
pub(crate) fn run(arguments: &[String]) -> bool {
    let bless = arguments.iter().any(|word| word == "--bless");
    let Ok(root) = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize() else {
        eprintln!("error: the workspace is no longer where this task was built");
        return false;
    };
    let mut steps = Steps::default();
    let Some(python) = installed(&mut steps, &root) else { return false };
    let out = root.join("target/litellm-files");
    let (script, facts) = (out.join("facts.py"), out.join("facts.json"));
    let written = fs::create_dir_all(&out).and_then(|()| fs::write(&script, FACTS));
    if let Err(error) = written {
        eprintln!("error: cannot write to {}: {error}", out.display());
        return false;
    }
    let judge = Judge { python, script, root };
    let asked = steps.step("LiteLLM reads the corpus", || judge.reads_corpus(&facts));
    let tables = if bless { judge.root.join(TABLES) } else { out };
    let asked =
        asked && steps.step("LiteLLM calls its providers", || judge.calls_providers(&tables));
    let committed = judge.root.join(CORPUS).join("facts.json");
    let kept = !bless || fs::copy(&facts, &committed).is_ok();
    let facts = facts.display().to_string();
    let variables = [("SQUALL_LITELLM_FACTS", facts.as_str())];
    let test =
        ["test", "--locked", "-p", "squall-litellm", "--test", "agreement", "--", "--nocapture"];
    let passed = asked && kept && steps.cargo(&test, &variables);
    steps.tell();
    passed
}

/// The Python that LiteLLM is installed for.
fn installed(steps: &mut Steps, root: &Path) -> Option<PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "where the targets are installed is said there")]
    let stated = std::env::var("SQUALL_TARGETS").ok();
    let folder = stated.map_or_else(|| root.join("target/targets"), PathBuf::from);
    let python = || {
        let entries = fs::read_dir(&folder).ok()?.filter_map(Result::ok);
        let of_litellm = |name: &str| name.starts_with("litellm-1.110");
        let found = entries.filter(|entry| entry.file_name().to_str().is_some_and(of_litellm));
        found.map(|entry| entry.path().join("bin/python")).find(|python| python.exists())
    };
    if let Some(python) = python() {
        return Some(python);
    }
    let path = folder.display().to_string();
    let install =
        ["run", "--quiet", "--locked", "-p", "squall", "--", "target", "install", "litellm"];
    steps.cargo(&install, &[("SQUALL_TARGETS", path.as_str())]).then(python).flatten()
}

/// The installed LiteLLM, and the script that asks it.
struct Judge {
    python: PathBuf,
    script: PathBuf,
    root: PathBuf,
}

impl Judge {
    fn reads_corpus(&self, facts: &Path) -> bool {
        let corpus = self.root.join(CORPUS);
        let Ok(entries) = fs::read_dir(&corpus) else { return false };
        let paths = entries.filter_map(Result::ok).map(|entry| entry.path());
        let is_yaml = |path: &PathBuf| path.extension().is_some_and(|end| end == "yaml");
        let mut files: Vec<_> = paths.filter(is_yaml).collect();
        files.sort();
        let Ok(out) = fs::File::create(facts) else { return false };
        let mut command = Command::new(&self.python);
        command.arg(&self.script).arg("files").arg(corpus.join("environment.json")).args(files);
        command.stdin(Stdio::null()).stdout(out).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    }

    fn calls_providers(&self, tables: &Path) -> bool {
        let mut command = Command::new(&self.python);
        command.arg(&self.script).arg("providers").arg(tables);
        command.stdin(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    }
}
