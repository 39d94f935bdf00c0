//! What a gateway takes from its clients, and how long it waits for them.

use crate::diagnostic::Problem;
use crate::fields::Fields;
use crate::model::ServerConfig;
use crate::node::{Kind, Node};
use crate::shape::{Key, Section, Shape};
use crate::unit;
use crate::value;
use core::time::Duration;

/// The server of a gateway.
pub(crate) static SERVER: Section = Section {
    id: "server",
    phrase: "a server",
    about: "What a gateway takes from its clients, and how long it waits for them. A change needs a \
            restart.",
    keys: &[&[
        Key::optional(
            "max_request_size",
            Shape::Bytes,
            "16MiB",
            "The largest body of a request; a larger one is refused with 413. OpenAI takes 50 MB of \
             pictures, Anthropic 32 MB.",
        ),
        Key::optional(
            "max_body_memory",
            Shape::Bytes,
            "512MiB",
            "What the bodies of all requests under way may hold together; then 503.",
        ),
        Key::optional(
            "max_connections",
            Shape::Count(1, 1_000_000),
            "50000",
            "Connections at once. Who comes when all are taken makes an idle one close, and is refused \
             with 503 if there is none. Envoy's guide for the edge has the same.",
        ),
        Key::optional(
            "head_timeout",
            Shape::SPAN,
            "30s",
            "From the first byte of a request, or the start of a connection, to the end of the head \
             (hyper's own default).",
        ),
        Key::optional(
            "body_timeout",
            Shape::SPAN,
            "60s",
            "Between two reads of a body (nginx: `client_body_timeout`); then 408.",
        ),
        Key::optional(
            "request_timeout",
            Shape::SPAN,
            "5m",
            "From the first to the last byte of a body (Node: `requestTimeout`); then 408.",
        ),
        Key::optional(
            "idle_timeout",
            Shape::SPAN,
            "75s",
            "Between two requests on a connection (nginx: `keepalive_timeout`).",
        ),
        Key::optional(
            "unread_timeout",
            Shape::SPAN,
            "60s",
            "How long a client may take nothing of an answer that waits for it (nginx: `send_timeout`); \
             then its connection is reset and the attempt cancelled.",
        ),
        Key::optional(
            "tcp_keepalive",
            Shape::SPAN,
            "60s",
            "The silence after which the kernel asks whether a client is still there.",
        ),
        Key::optional(
            "allowed_hosts",
            Shape::List(&Shape::Text),
            "this machine's names where `listen` is a loopback address, otherwise all",
            "Hosts that requests may name in `Host`, and pages in `Origin`, beside this machine's; `*` is \
             all of them.",
        ),
    ]],
};

/// Reads the section, or what holds without it.
pub(crate) fn server(fields: &Fields<'_>) -> ServerConfig {
    let nothing = Node { span: 0..0, line: 0, key_span: None, kind: Kind::Map(Vec::new()) };
    let defaults = Fields::open(&nothing, &SERVER, fields.problems);
    match (fields.section("server"), defaults) {
        (Some(section), _) | (None, Some(section)) => read(&section),
        // A mapping is a section.
        (None, None) => unreachable!("an empty mapping was not opened"),
    }
}

fn read(fields: &Fields<'_>) -> ServerConfig {
    let bytes = |name| fields.bytes(name).unwrap_or_else(|| fields.default(name, unit::bytes));
    let span = |name| -> Duration {
        fields.duration(name).unwrap_or_else(|| fields.default(name, unit::duration))
    };
    let config = ServerConfig {
        max_request_size: bytes("max_request_size"),
        max_body_memory: bytes("max_body_memory"),
        max_connections: fields
            .count("max_connections")
            .unwrap_or_else(|| fields.default("max_connections", unit::count)),
        head_timeout: span("head_timeout"),
        body_timeout: span("body_timeout"),
        request_timeout: span("request_timeout"),
        idle_timeout: span("idle_timeout"),
        unread_timeout: span("unread_timeout"),
        tcp_keepalive: span("tcp_keepalive"),
        allowed_hosts: hosts(fields),
    };
    if config.max_request_size > config.max_body_memory {
        let message = "one request may be larger than all of them together";
        let label = "more than `max_body_memory`";
        let span = fields.span_of("max_request_size");
        fields.problems.push(Problem::new(span, message, label).help("raise `max_body_memory`"));
    }
    config
}

fn hosts(fields: &Fields<'_>) -> Vec<String> {
    let mut hosts = Vec::new();
    for node in fields.list("allowed_hosts") {
        let Some(host) = value::scalar(node, &Shape::Text, fields.problems) else { continue };
        if host.is_empty() || host.contains(['/', ' ']) {
            let message = format!("`{host}` is not a host");
            let label = "expected a name such as `llm.example.com`, or `*`";
            fields.problems.push(Problem::new(&node.span, message, label));
        }
        hosts.push(host.to_owned());
    }
    hosts
}
