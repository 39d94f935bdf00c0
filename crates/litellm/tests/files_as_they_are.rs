//! Files as people write them: what is hidden of them, what is no LiteLLM configuration, and what LiteLLM takes with a
//! shrug.

use squall_config_file::Severity;
use squall_litellm::{LitellmFile, Support, without_secrets};
use squall_router::Profile;
use std::io;

/// Secrets at every depth, each with a number.
const SECRETS: &str = r#"
model_list:
  - model_name: a
    litellm_params:
      model: openai/gpt-4o
      api_key: sk-planted01
      api_base: https://user:planted02@host.example/v1?key=planted03
      extra_headers: { Authorization: "Bearer planted04", x-thing: planted05 }
      extra_body: { nested: { deep: { password: planted06 } } }
      azure_ad_token: planted07
      aws_secret_access_key: planted08
      vertex_credentials: '{"private_key": "planted09"}'
    model_info: { note: "redis://:planted10@h:1/0" }
credential_list:
  - credential_name: c
    credential_values: { api_key: planted11, something: planted12 }
router_settings:
  redis_url: "redis://:planted13@h:6379"
  cache_kwargs: { password: planted14 }
litellm_settings:
  cache_params: { password: planted15, url: "https://u:planted16@h" }
  callbacks: [ { token: planted17 } ]
general_settings:
  master_key: planted18
  database_url: "postgresql://u:planted19@h/db"
environment_variables: { OTHER: planted20 }
mcp_servers: { x: { url: "https://h/?token=planted21", headers: { X-Api: planted22 } } }
"#;

fn read(text: &str) -> LitellmFile {
    LitellmFile::read("config.yaml", text).unwrap_or_else(|problems| panic!("{problems}"))
}

fn refused(text: &str) -> String {
    LitellmFile::read("config.yaml", text).expect_err("it is refused").to_string()
}

#[test]
fn secrets_are_hidden_at_every_depth_in_findings_recordings_and_errors() {
    assert_eq!(SECRETS.matches("planted").count(), 22);
    let file = read(SECRETS);
    for profile in Profile::ALL {
        let shown = format!("{:?}", file.findings(profile));
        assert!(!shown.contains("planted"), "{shown}");
    }
    assert!(!without_secrets(SECRETS).contains("planted"));
    assert!(!format!("{:?}", file.upstreams()).contains("planted"));
    // An excerpt of a line with a secret, of a file that is refused, and of one that is no YAML.
    let wrong = SECRETS.replace("redis_url:", "routing_strategy: nope\n  redis_url:");
    let broken = format!("{SECRETS}  x: [ 'planted'\n    api_key: planted23\n");
    for text in [wrong.as_str(), &broken.replace("'planted'", "1")] {
        let problems = refused(text);
        assert!(!problems.contains("planted"), "{problems}");
    }
}

#[test]
fn a_helm_template_and_a_values_file_are_told_apart() {
    let template =
        "model_list:\n{{- range .Values.models }}\n  - model_name: {{ .name }}\n{{- end }}\n";
    assert!(refused(template).contains("this is a Helm template"), "{}", refused(template));
    let values = "replicaCount: 2\nproxy_config:\n  model_list:\n    - model_name: a\n      litellm_params: { model: openai/x }\n";
    let said = refused(values);
    assert!(
        said.contains("the values of a Helm chart") && said.contains("under `proxy_config`"),
        "{said}"
    );
    let manifest = "apiVersion: v1\nkind: ConfigMap\ndata: { config.yaml: 'model_list: []' }\n";
    assert!(refused(manifest).contains("a manifest of Kubernetes"), "{}", refused(manifest));
    // Braces in a prompt are no template.
    let prompt = "model_list: [ { model_name: a, litellm_params: { model: openai/x } } ]\nprompts: [ 'Hello {{ name }}' ]\n";
    assert_eq!(read(prompt).deployments().len(), 1);
}

#[test]
fn what_litellm_shrugs_at_is_a_warning_with_its_line() {
    let text = "
model_list:
  - model_name: a
    litellm_params: { model: openai/x, rpm: 1, rpm: 2 }
  - model_name: b
    litellm_params: { model: home-grown }
router_settings:
  fallbacks: [ { a: [ gone ] } ]
  model_group_alias: { z: nowhere }
  num_retries: many
";
    let file = read(text);
    let warnings = file.warnings().expect("there are some");
    let found: Vec<_> = warnings
        .problems()
        .iter()
        .map(|problem| {
            assert_eq!(problem.severity, Severity::Warning);
            (warnings.position(problem).0, problem.message.as_str())
        })
        .collect();
    let expected = [
        (4, "duplicate key `rpm`"),
        (6, "LiteLLM knows no provider for `home-grown`"),
        (8, "a fallback to the unknown group `gone`"),
        (9, "`z` is an alias of the unknown group `nowhere`"),
        (10, "`many` is not a number"),
    ];
    assert_eq!(found, expected);
    assert_eq!(file.deployments().len(), 1);
}

#[test]
fn an_included_file_that_is_missing_or_broken_is_told_where_it_is_named() {
    let text = "include: [ other.yaml ]\nmodel_list: []\n";
    assert!(refused(text).contains("the included file `other.yaml` cannot be read"));
    let broken = |_: &str| -> io::Result<String> { Ok("model_list: [\n".to_owned()) };
    let problems = LitellmFile::read_with("config.yaml", text, &broken).expect_err("it is broken");
    let said = problems.to_string();
    assert!(said.contains("`other.yaml`, line") && said.contains("config.yaml:1:12"), "{said}");
}

/// A recording of a scenario reads without the files and the variables that its LiteLLM file refers to.
#[test]
fn a_text_that_stands_alone_reads_the_same() {
    let text = "include: [ more.yaml ]\nmodel_list:\n  - { model_name: a, litellm_params: { model: openai/x, rpm: os.environ/N } }\n";
    let load = |name: &str| -> io::Result<String> {
        match name {
            "os.environ/N" => Ok("77".to_owned()),
            "more.yaml" => {
                Ok("model_list: [ { model_name: b, litellm_params: { model: groq/y } } ]"
                    .to_owned())
            }
            _ => Err(io::ErrorKind::NotFound.into()),
        }
    };
    let file = LitellmFile::read_with("config.yaml", text, &load).expect("it reads");
    let again = read(&file.standalone_text(text));
    for profile in Profile::ALL {
        assert_eq!(again.router(profile), file.router(profile));
    }
}

#[test]
fn parameters_of_requests_are_named_as_not_sent() {
    let text = "model_list: [ { model_name: a, litellm_params: { model: openai/x, reasoning_effort: low, extra_body: { a: 1 }, thinking: { type: enabled }, something_else: 3 } } ]\n";
    let findings = read(text).findings(Profile::Squall);
    for key in ["reasoning_effort", "extra_body", "thinking", "something_else"] {
        let found =
            findings.iter().find(|finding| finding.path.ends_with(key)).expect("it is told");
        assert_eq!(found.support, Support::NotSupported, "{key}");
        assert!(found.note.contains("not sent"), "{key}: {}", found.note);
    }
}

#[test]
fn a_file_whose_providers_all_have_other_protocols_has_nothing_to_serve() {
    let text = "model_list: [ { model_name: a, litellm_params: { model: bedrock/x } } ]\n";
    let file = read(text);
    assert!(file.spoken().is_none());
    let findings = file.findings(Profile::Squall);
    let model =
        findings.iter().find(|finding| finding.path.ends_with("model")).expect("it is told");
    assert!(model.note.contains("not spoken here"), "{}", model.note);
}
