//! The manifests of `deploy/kubernetes`, judged by `kubernetes-validate`, which has the schemas of Kubernetes itself.

use super::{judges, python};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/kubernetes")
}

/// Whether a manifest is one, and what is said of it.
fn judged(file: &Path) -> (bool, String) {
    let judge = python().with_file_name("kubernetes-validate");
    let output = Command::new(judge).arg("--strict").arg(file).output().expect("it is installed");
    let told = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&told).into_owned())
}

/// The manifests of a folder. What configures kustomize is no resource of a cluster.
fn manifests(name: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder().join(name)).expect("it is there").flatten();
    let files = entries.map(|entry| entry.path());
    let is_manifest = |file: &PathBuf| {
        let name = file.file_name().unwrap_or_default();
        name != "kustomization.yaml" && name != "scenario.yaml" && file.is_file()
    };
    files.filter(is_manifest).collect()
}

#[test]
fn kubernetes_would_take_every_manifest() {
    // The environment of `cargo xtask vendors` has the clients of vendors alone.
    if judges().is_some() {
        return;
    }
    for name in ["base", "shards"] {
        let manifests = manifests(name);
        assert!(manifests.len() >= 3, "{manifests:?}");
        for file in manifests {
            let (is_taken, told) = judged(&file);
            assert!(is_taken && told.contains("passed"), "{}: {told}", file.display());
        }
    }
    let job = fs::read_to_string(folder().join("shards/job.yaml")).expect("it is there");
    let wrong = Path::new(env!("CARGO_TARGET_TMPDIR")).join("wrong-job.yaml");
    fs::write(&wrong, job.replace("parallelism: 8", "parallel: 8")).expect("it is written");
    let (is_taken, told) = judged(&wrong);
    assert!(!is_taken && told.contains("parallel"), "it sees mistakes: {told}");
}
