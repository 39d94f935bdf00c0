//! The gateway files of `squall init`, served at once: with keys that are none, and in front of mocks.

use crate::serve::{Server, ask, spawn, start};
use crate::squall::Folder;
use std::io::{Read, Write};
use std::net::TcpStream;

/// The providers of each mix, without addresses, and the flags beside them.
const MIXES: [(&str, &[&str], &[&str]); 4] = [
    ("alone", &["openai:gpt-4o-mini,rpm=6000"], &[]),
    (
        "weighted",
        &[
            "openai:gpt-4o-mini,weight=60,rpm=6000",
            "azure:mine,like=gpt-4o-mini,weight=40,rpm=4000",
        ],
        &[],
    ),
    (
        "formats",
        &[
            "openai:gpt-4o-mini,rpm=6000",
            "anthropic:claude-haiku-4-5,rpm=6000",
            "gemini:gemini-2.5-flash,rpm=6000",
        ],
        &[],
    ),
    ("own", &["vllm:llama-3,ttft=250ms,itl=12ms,concurrency=64"], &["openai:gpt-4o-mini,rpm=6000"]),
];

/// Writes a blueprint, and gives the variables that its gateway needs.
fn init(folder: &Folder, out: &str, providers: &[String], fallbacks: &[String]) -> Vec<String> {
    let mut arguments = vec!["init", "--peak", "20rps", "--slo", "99%", "--out", out, "--json"];
    let flags = providers.iter().map(|spec| ["--provider", spec.as_str()]);
    let flags = flags.chain(fallbacks.iter().map(|spec| ["--fallback", spec.as_str()]));
    arguments.extend(flags.flatten());
    let ended = folder.squall(&arguments);
    assert_eq!(ended.code, 0, "{}", ended.err);
    let told: serde_json::Value = serde_json::from_str(&ended.out).expect("it is JSON");
    let variables = told["result"]["variables"].as_array().expect("it is a list");
    variables.iter().map(|name| name.as_str().unwrap_or_default().to_owned()).collect()
}

/// Serves the gateway file of a blueprint at any port.
fn serve(folder: &Folder, out: &str, variables: &[String]) -> (Server, String) {
    let file = format!("{out}/gateway.yaml");
    let text = folder.read(&file);
    assert!(text.contains("listen: 127.0.0.1:8080"), "{text}");
    folder.write(&file, &text.replace("listen: 127.0.0.1:8080", "listen: 127.0.0.1:0"));
    let mut command = folder.command(&["gateway", "--config", &file]);
    for name in variables {
        let value = if name.ends_with("_BASE") { "http://127.0.0.1:9" } else { "sk-none" };
        command.env(name, value);
    }
    let (server, addr, _) = spawn(command);
    (server, addr)
}

fn get(addr: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(addr).expect("it listens");
    let head = format!("GET {path} HTTP/1.1\r\nhost: {addr}\r\nconnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    answer
}

fn owned(specs: &[&str]) -> Vec<String> {
    specs.iter().map(|spec| (*spec).to_owned()).collect()
}

#[test]
fn a_blueprint_of_each_mix_is_ready_with_nothing_but_its_variables() {
    let folder = Folder::new("blueprint-ready");
    for (name, providers, fallbacks) in MIXES {
        let variables = init(&folder, name, &owned(providers), &owned(fallbacks));
        let (_gateway, addr) = serve(&folder, name, &variables);
        let answer = get(&addr, "/ready");
        assert!(answer.starts_with("HTTP/1.1 200"), "{name}: {answer}");
        assert!(get(&addr, "/v1/models").contains(r#""chat""#), "{name}");
    }
}

#[test]
fn a_blueprint_of_each_mix_answers_from_every_provider_in_its_format() {
    let folder = Folder::new("blueprint-served");
    let mut mocks = Vec::new();
    let mut addresses = Vec::new();
    for (word, format, path) in [
        ("openai", "openai", "/v1"),
        ("azure", "azure", ""),
        ("anthropic", "anthropic", "/v1"),
        ("gemini", "gemini", "/v1beta"),
        ("vllm", "openai", "/v1"),
    ] {
        let file = format!("{word}.yaml");
        folder.write(
            &file,
            &format!("providers: {{ {word}: {{ format: {format}, ttft: 1ms, itl: 1ms }} }}\n"),
        );
        let (mock, addr) = start(&folder, &["mock", "--config", &file]);
        let addr = addr.split('/').next().unwrap_or_default().to_owned();
        addresses.push((word, format!("http://{addr}{path}")));
        mocks.push(mock);
    }
    for (name, providers, fallbacks) in MIXES {
        let placed = |specs: &[&str]| -> Vec<String> {
            let specs = specs.iter().map(|spec| {
                let word = spec.split(':').next().unwrap_or_default();
                let (_, base) =
                    addresses.iter().find(|(known, _)| *known == word).expect("there is a mock");
                format!("{spec},base_url={base},api_key=$A_KEY")
            });
            specs.collect()
        };
        let variables = init(&folder, name, &placed(providers), &placed(fallbacks));
        assert_eq!(variables, ["A_KEY"]);
        let (_gateway, addr) = serve(&folder, name, &variables);
        let answers: Vec<_> = (0..10).map(|_| ask(&addr, "chat")).collect();
        for answer in &answers {
            assert!(answer.starts_with("HTTP/1.1 200"), "{name}: {answer}");
        }
        for spec in providers {
            let word = spec.split(':').next().unwrap_or_default();
            let by = format!("x-squall-deployment: {word}");
            assert!(answers.iter().any(|answer| answer.contains(&by)), "{name}: nothing of {word}");
        }
    }
}
