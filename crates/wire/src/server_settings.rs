//! What a gateway takes from its clients and its providers, and how long it waits for clients. Here, since the
//! gateway works by it and files say it: the defaults stand once.

use core::time::Duration;

/// Limits and time-outs towards clients. Each default says where it is from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ServerSettings {
    /// The largest body of a request, in bytes; a larger one is refused with 413. Default 16 MiB, a prompt
    /// of a million tokens with room to spare. OpenAI takes 50 MB of pictures, Anthropic 32 MB.
    pub max_request_size: usize,
    /// What the bodies of all requests under way may hold together, in bytes; who comes when it is used up
    /// is refused with 503. Default 512 MiB.
    pub max_body_memory: usize,
    /// Connections at once. Who comes when all are taken makes an idle one close, and is refused with 503 if
    /// there is none. Default 50,000, what Envoy's guide for the edge says.
    pub max_connections: usize,
    /// From the first byte of a request, or from the start of a connection, to the end of its head.
    /// Default 30 s, hyper's.
    pub head_timeout: Duration,
    /// Between two reads of a body. Default 60 s, nginx's `client_body_timeout`.
    pub body_timeout: Duration,
    /// From the first to the last byte of a body. Default 5 min, Node's `requestTimeout`.
    pub request_timeout: Duration,
    /// Between two requests on a connection. Default 75 s, nginx's `keepalive_timeout`.
    pub idle_timeout: Duration,
    /// While a client takes nothing of an answer that waits for it. Default 60 s, nginx's `send_timeout`.
    pub unread_timeout: Duration,
    /// The silence after which the kernel asks whether the client is still there. Default 60 s.
    pub tcp_keepalive: Duration,
    /// Names and addresses that requests may give in `Host`, and pages in `Origin`, beside this machine's;
    /// `*` is all of them. With none, a listener on the loopback takes this machine's names alone, and any
    /// other listener takes all.
    pub allowed_hosts: Vec<String>,
    /// Origins, such as `https://app.example.com`, whose pages may ask from a browser and read the answers; `*` is all
    /// of them. With none, there is no CORS.
    pub cors_origins: Vec<String>,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            max_request_size: 16 << 20,
            max_body_memory: 512 << 20,
            max_connections: 50_000,
            head_timeout: Duration::from_secs(30),
            body_timeout: Duration::from_secs(60),
            request_timeout: Duration::from_secs(300),
            idle_timeout: Duration::from_secs(75),
            unread_timeout: Duration::from_secs(60),
            tcp_keepalive: Duration::from_secs(60),
            allowed_hosts: Vec::new(),
            cors_origins: Vec::new(),
        }
    }
}

/// The largest answer that a gateway takes, in bytes: in one piece, as an error, of one event of a stream, and of
/// all that comes before its first token. Default 256 MiB: two thousand embeddings of the largest kind are 60 MB of
/// JSON, and ten pictures of the largest kind are less.
pub const ANSWER_MAX: usize = 256 << 20;

/// Whether a provider is asked to tell the usage of streams, by `stream_options`, for the sake of metering.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum StreamUsage {
    /// Until it refuses: that request is sent again at once without it, and so are all that follow.
    #[default]
    Auto,
    /// For every stream.
    Always,
    /// Only if the client asks.
    Never,
}
