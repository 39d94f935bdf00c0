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
        "Limits and time-outs for client connections. A change requires a restart.",
        check
    );
    /// Maximum size of a request body; a larger one gets 413. OpenAI accepts 50 MB of images, Anthropic 32
    /// MB.
    max_request_size: Bytes;
    /// Maximum memory for the bodies of all requests in flight; beyond it, 503.
    max_body_memory: Bytes;
    /// Maximum number of connections. When it is reached, a new connection closes an idle one, or gets 503 if
    /// none is idle. Same value as in Envoy's edge guide.
    max_connections: Count::<usize>::between(1, 1_000_000);
    /// From the first byte of a request, or the start of a connection, to the end of the request head
    /// (hyper's default).
    head_timeout: Span;
    /// Between two reads of a body (nginx: `client_body_timeout`); beyond it, 408.
    body_timeout: Span;
    /// From the first to the last byte of a body (Node: `requestTimeout`); beyond it, 408.
    request_timeout: Span;
    /// Between two requests on a connection (nginx: `keepalive_timeout`).
    idle_timeout: Span;
    /// How long a client may read nothing while data waits (nginx: `send_timeout`). Beyond it, the connection
    /// is reset and the attempt cancelled.
    unread_timeout: Span;
    /// Idle time before the kernel sends TCP keepalive probes.
    tcp_keepalive: Span;
    /// Accepted values of `Host` and `Origin`, in addition to this machine's names; `*` accepts all.
    allowed_hosts: Hosts;
    /// Origins whose pages may ask from a browser and read the answers (CORS); `*` allows all.
    cors_origins: Origins;
}

fn check(fields: &Fields<'_>, server: &ServerSettings) {
    if server.max_request_size > server.max_body_memory {
        let message = "one request may exceed the memory for all requests";
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
        let is_one = |host: &str| !host.is_empty() && !host.contains(['/', ' ']);
        let expected = "expected a name such as `llm.example.com`, or `*`";
        texts(node, &self.shape(), problems, is_one, "host", expected)
    }

    fn write(&self, hosts: &Self::Value) -> Written {
        if hosts.is_empty() {
            return Written::Unset;
        }
        Written::List(hosts.iter().map(Written::text).collect())
    }

    fn default_text(&self, _: &Self::Value) -> String {
        "this machine's names if `listen` is a loopback address, otherwise all".to_owned()
    }
}

/// Origins of pages.
struct Origins;

impl ValueKind for Origins {
    type Value = Vec<String>;

    fn shape(&self) -> Schema {
        Schema::List(&Schema::Text)
    }

    fn read(&self, node: &Node, _: &Self::Value, problems: &Problems) -> Option<Self::Value> {
        let expected = "expected one such as `https://app.example.com`, without a path, or `*`";
        texts(node, &self.shape(), problems, is_origin, "origin", expected)
    }

    fn write(&self, origins: &Self::Value) -> Written {
        Hosts.write(origins)
    }

    fn default_text(&self, _: &Self::Value) -> String {
        "none: no CORS".to_owned()
    }
}

/// As browsers write it in `Origin`: a scheme and a host, perhaps a port.
fn is_origin(text: &str) -> bool {
    let host = text.split_once("://").filter(|(scheme, _)| ["http", "https"].contains(scheme));
    text == "*" || host.is_some_and(|(_, host)| !host.is_empty() && !host.contains(['/', ' ', '*']))
}

/// A list of texts that are all of one kind.
fn texts(
    node: &Node,
    shape: &Schema,
    problems: &Problems,
    is_one: impl Fn(&str) -> bool,
    kind: &str,
    expected: &str,
) -> Option<Vec<String>> {
    let NodeKind::List(items) = &node.kind else {
        value::wrong_type(node, shape, problems);
        return None;
    };
    let mut all = Vec::new();
    for node in items {
        let Some(text) = value::scalar(node, &Schema::Text, problems) else { continue };
        if !is_one(text) {
            let article = if kind == "origin" { "an" } else { "a" };
            let message = format!("`{text}` is not {article} {kind}");
            problems.push(Problem::new(&node.span, message, expected));
        }
        all.push(text.to_owned());
    }
    Some(all)
}
