//! Files that are no LiteLLM configuration and look like one: Helm templates and values, manifests of
//! Kubernetes, Compose files.

use crate::setting;
use squall_config_file::diagnostic::Problem;
use squall_config_file::node::{Node, NodeKind};

/// How deep a configuration is looked for within another file.
const DEPTH_MAX: usize = 6;

/// What begins an action of a Go template as Helm's charts have them.
const ACTIONS: [&str; 15] = [
    ".Values",
    ".Release",
    ".Chart",
    ".Files",
    ".Capabilities",
    "include ",
    "if ",
    "range ",
    "with ",
    "end",
    "toYaml",
    "tpl ",
    "define ",
    "template ",
    "/*",
];

/// A template that is to be rendered first.
pub(super) fn template(text: &str) -> Option<Problem> {
    let action = |at: usize| {
        let inside = text[at + 2..].trim_start_matches('-').trim_start();
        ACTIONS.iter().any(|action| inside.starts_with(action))
    };
    let at = text.match_indices("{{").map(|(at, _)| at).find(|at| action(*at))?;
    let end = text[at..].find("}}").map_or(at + 2, |end| at + end + 2);
    let message = "this is a Helm template, not a LiteLLM configuration";
    let problem = Problem::new(&(at..end), message, "filled in by Helm");
    Some(problem.help(
        "render it with `helm template`, and give the `config.yaml` of the ConfigMap that comes out",
    ))
}

/// What another file without a `model_list` is.
pub(super) fn other_file(root: &Node) -> Option<Problem> {
    let top = |key: &str| setting::get(Some(root), key);
    if let Some(node) = top("kind").filter(|_| top("apiVersion").is_some()) {
        let kind = setting::text(Some(node)).unwrap_or("object");
        let message =
            format!("this is a manifest of Kubernetes, not a LiteLLM configuration: a {kind}");
        let problem = Problem::new(&node.span, message, "expected a file with a `model_list`");
        let help = "the configuration is the text under `data`: write it into a file of its own";
        return Some(problem.help(help));
    }
    let mut path = Vec::new();
    if let Some(node) = nested(root, &mut path, 0) {
        let path = path.join(".");
        let what = match top("proxy_config").is_some() || looks_like_values(root) {
            true => "the values of a Helm chart",
            false => "another file",
        };
        let message = format!("this is {what}, not a LiteLLM configuration");
        let problem = Problem::new(&node.span, message, "a `model_list` stands in here");
        let help = format!("write what stands under `{path}` into a file of its own");
        return Some(problem.help(help));
    }
    let (what, key) = [
        ("a Compose file", "services"),
        ("the values of a Helm chart", "replicaCount"),
        ("the values of a Helm chart", "image"),
        ("a gateway file or a scenario of Squall's", "router"),
    ]
    .into_iter()
    .find(|(_, key)| top(key).is_some())?;
    let message = format!("this is {what}, not a LiteLLM configuration");
    let problem = Problem::new(&top(key)?.span, message, "no key of a LiteLLM configuration");
    Some(problem.help("a LiteLLM configuration has a `model_list` at its top"))
}

fn looks_like_values(root: &Node) -> bool {
    let words = ["image", "replicaCount", "ingress", "service", "resources", "serviceAccount"];
    words.iter().filter(|key| setting::get(Some(root), key).is_some()).count() > 1
}

/// A mapping with a `model_list` below the top, and the way to it.
fn nested<'n>(node: &'n Node, path: &mut Vec<&'n str>, depth: usize) -> Option<&'n Node> {
    if depth > DEPTH_MAX {
        return None;
    }
    let NodeKind::Map(entries) = &node.kind else { return None };
    for entry in entries {
        path.push(&entry.key);
        if setting::get(Some(&entry.value), "model_list").is_some() {
            return Some(&entry.value);
        }
        if let Some(found) = nested(&entry.value, path, depth + 1) {
            return Some(found);
        }
        path.pop();
    }
    None
}
