//! What a gateway takes from its clients, and how long it waits for them.

use crate::diagnostic::{Problem, Problems};
use crate::fields::Fields;
use crate::node::{Node, NodeKind};
use crate::schema::Schema;
use crate::settings::{Bytes, Count, Span, ValueKind, Written, settings};
use crate::value;
use squall_wire::ServerSettings;

settings! {
    /// The server of a gateway.
    pub(super) static SERVER: ServerSettings = (
        "server",
        "a server",
        "What a gateway takes from its clients, and how long it waits for them. A change needs a restart.",
        check
    );
    /// The largest body of a request; a larger one is refused with 413. OpenAI takes 50 MB of pictures, Anthropic
    /// 32 MB.
    max_request_size: Bytes;
    /// What the bodies of all requests under way may hold together; then 503.
    max_body_memory: Bytes;
    /// Connections at once. Who comes when all are taken makes an idle one close, and is refused with 503 if there
    /// is none. Envoy's guide for the edge has the same.
    max_connections: Count::<usize>::between(1, 1_000_000);
    /// From the first byte of a request, or the start of a connection, to the end of the head (hyper's own
    /// default).
    head_timeout: Span;
    /// Between two reads of a body (nginx: `client_body_timeout`); then 408.
    body_timeout: Span;
    /// From the first to the last byte of a body (Node: `requestTimeout`); then 408.
    request_timeout: Span;
    /// Between two requests on a connection (nginx: `keepalive_timeout`).
    idle_timeout: Span;
    /// How long a client may take nothing of an answer that waits for it (nginx: `send_timeout`); then its
    /// connection is reset and the attempt cancelled.
    unread_timeout: Span;
    /// The silence after which the kernel asks whether a client is still there.
    tcp_keepalive: Span;
    /// Hosts that requests may name in `Host`, and pages in `Origin`, beside this machine's; `*` is all of them.
    allowed_hosts: Hosts;
}

fn check(fields: &Fields<'_>, server: &ServerSettings) {
    if server.max_request_size > server.max_body_memory {
        let message = "one request may be larger than all of them together";
        let label = "more than `max_body_memory`";
        let span = fields.span_of("max_request_size");
        fields.problems.push(Problem::new(span, message, label).help("raise `max_body_memory`"));
    }
}

/// Names of hosts.
struct Hosts;

impl ValueKind for Hosts {
    type Value = Vec<String>;

    fn shape(&self) -> Schema {
        Schema::List(&Schema::Text)
    }

    fn read(&self, node: &Node, _: &Self::Value, problems: &Problems) -> Option<Self::Value> {
        let NodeKind::List(items) = &node.kind else {
            value::wrong_type(node, &self.shape(), problems);
            return None;
        };
        let mut hosts = Vec::new();
        for node in items {
            let Some(host) = value::scalar(node, &Schema::Text, problems) else { continue };
            if host.is_empty() || host.contains(['/', ' ']) {
                let message = format!("`{host}` is not a host");
                let label = "expected a name such as `llm.example.com`, or `*`";
                problems.push(Problem::new(&node.span, message, label));
            }
            hosts.push(host.to_owned());
        }
        Some(hosts)
    }

    fn write(&self, hosts: &Self::Value) -> Written {
        if hosts.is_empty() {
            return Written::Unset;
        }
        Written::List(hosts.iter().map(Written::text).collect())
    }

    fn default_text(&self, _: &Self::Value) -> String {
        "this machine's names where `listen` is a loopback address, otherwise all".to_owned()
    }
}
