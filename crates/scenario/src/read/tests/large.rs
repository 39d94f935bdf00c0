//! Files that are far too large, or full of mistakes: read in time that grows with them, and told in a page.

use crate::{GatewayFile, Scenario};
use std::fmt::Write as _;

/// A gateway file with so many tenants.
fn tenants(count: usize, key: &str) -> String {
    let mut text =
        "providers: { one: { base_url: 'http://127.0.0.1:9/v1' } }\nrouter:\n  groups: { chat: \
                    { deployments: [ { name: one, provider: one } ] } }\n  tenants:\n"
            .to_owned();
    for number in 0..count {
        let _ = writeln!(text, "    t{number}: {{{key}}}");
    }
    text
}

/// Comparing each key with all before it took minutes; what is bounded here is the number of steps, by
/// reading a file that only a linear reader gets through while a test may run.
#[test]
fn a_mapping_of_50000_keys_is_read_in_linear_time() {
    let mut text = "x:\n".to_owned();
    for number in 0..49_000 {
        let _ = writeln!(text, "  a-key-of-some-length-{number}:");
    }
    let problems = crate::diagnostic::Problems::default();
    let read = crate::yaml::parse(&text, &problems);
    assert!(read.is_some() && problems.is_empty(), "{:?}", problems.into_vec());

    let file = GatewayFile::read("gateway.yaml", &tenants(30_000, "")).expect("it reads");
    assert_eq!(file.tenants.len(), 30_000);
}

#[test]
fn thousands_of_mistakes_are_counted_and_the_first_are_shown() {
    let told = GatewayFile::read("gateway.yaml", &tenants(20_000, " kye: x ")).unwrap_err();
    assert_eq!(told.problems().len(), 20_000);
    let shown = told.to_string();
    assert!(shown.contains("20000 problems in `gateway.yaml`; these are the first 100"), "{shown}");
    assert_eq!(shown.matches("unknown key `kye`").count(), 100);
}

#[test]
fn what_is_quoted_of_a_file_is_60_characters_wherever_it_stands() {
    let long = "x".repeat(200_000);
    let files = [
        format!("{long}: 1\n"),
        format!("name: {long}!\n"),
        format!("name: a\nseed: {long}\n"),
        format!("name: a\nphases: {{ calm: '{long}' }}\n"),
        format!("name: a\n? [ {long} ]\n: b\n"),
        format!("name: a\nexpect: [ '{long} >= 1' ]\n"),
        format!("name: [ {long}\n"),
    ];
    for file in files {
        let told = Scenario::read("test.yaml", &file).unwrap_err().to_string();
        let longest = told.split(|c| c != 'x').map(str::len).max().unwrap_or(0);
        assert!(longest <= 60, "{longest} characters are quoted of {}", &file[..20]);
        assert!(told.len() < 50_000, "{} bytes are said of {}", told.len(), &file[..20]);
        assert!(told.contains("test.yaml:"), "the place is told: {}", &told[..200.min(told.len())]);
    }
}

#[test]
fn two_tenants_with_one_key_are_a_mistake_with_both_places() {
    for key in ["sk-same", "' sk-same '", "$TEAM_KEY"] {
        let told = GatewayFile::read("gateway.yaml", &tenants(2, &format!(" key: {key} ")));
        let told = told.unwrap_err().to_string();
        assert!(told.contains("the key of `t1` is another tenant's"), "{told}");
        assert!(told.contains("again here") && told.contains("first here"), "{told}");
    }
    let trimmed = "' sk-one '".to_owned();
    let file = GatewayFile::read("gateway.yaml", &tenants(1, &format!(" key: {trimmed} ")));
    assert_eq!(file.unwrap().tenants, [Some(crate::ApiKey::Literal("sk-one".to_owned()))]);
    for no_key in ["''", "'  '", "schlüssel", "\"a\\nb\""] {
        let told = GatewayFile::read("gateway.yaml", &tenants(1, &format!(" key: {no_key} ")));
        let told = told.unwrap_err().to_string();
        assert!(told.contains("this key is empty") || told.contains("cannot be sent"), "{told}");
    }
}

#[test]
fn a_server_is_read_with_its_units_and_its_mistakes_are_told() {
    let with = |server: &str| {
        GatewayFile::read("gateway.yaml", &format!("server: {{ {server} }}\n{}", tenants(1, "")))
    };
    let server = with(
        "max_request_size: 50MB, max_connections: 10k, idle_timeout: 5s, allowed_hosts: [a.example]",
    );
    let server = server.unwrap().server;
    assert_eq!((server.max_request_size, server.max_connections), (50_000_000, 10_000));
    assert_eq!(server.idle_timeout.as_secs(), 5);
    assert_eq!(server.allowed_hosts, ["a.example"]);
    assert_eq!(server.max_body_memory, 512 << 20, "as without the section");
    for (server, told) in [
        ("max_request_size: 16", "needs a unit"),
        ("max_request_size: 0MiB", "out of range"),
        ("max_request_size: 1GiB", "may exceed the memory for all requests"),
        ("max_request_size: lots", "is not an amount of memory"),
        ("max_connections: 0", "out of range"),
        ("head_timeout: 0s", "must be above zero"),
        ("allowed_hosts: [ 'http://a/' ]", "is not a host"),
        ("cors_origins: [ 'app.example.com' ]", "is not an origin"),
        ("cors_origins: [ 'https://a/b' ]", "without a path"),
        ("max_request: 1MB", "did you mean `max_request_size`?"),
    ] {
        let problems = with(server).unwrap_err().to_string();
        assert!(problems.contains(told), "{server}: {problems}");
    }
}
