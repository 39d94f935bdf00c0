//! The proxies that are compared.

use crate::canned;
use crate::measure::Load;
use crate::process::{Server, file, free_port};
use std::error::Error;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

/// A proxy in front of the upstream.
#[derive(Debug)]
pub(crate) struct Proxy {
    pub(crate) name: &'static str,
    pub(crate) server: Server,
    /// Whether the path says what is asked for: the others pass it on as it is.
    routes_by_body: bool,
}

impl Proxy {
    /// `squall gateway`: a group with one deployment for each kind of answer, as a user would write it.
    pub(crate) fn squall(
        name: &'static str,
        program: &Path,
        upstream: &Server,
    ) -> Result<Self, Box<dyn Error>> {
        let (port, addr) = (free_port()?, upstream.addrs[0]);
        let provider = |load: Load| {
            format!(
                "  {load}: {{ base_url: \"http://{addr}/{load}/v1\", api_key: k }}\n",
                load = load.name()
            )
        };
        let group = |load: Load| {
            format!(
                "    {load}: {{ deployments: [ {{ name: {load}, provider: {load} }} ] }}\n",
                load = load.name()
            )
        };
        let text = format!(
            "listen: 127.0.0.1:{port}\nproviders:\n{}router:\n  groups:\n{}",
            Load::ALL.map(provider).concat(),
            Load::ALL.map(group).concat()
        );
        let config = file(&format!("gateway-{port}.yaml"), &text)?;
        let mut command = Command::new(program);
        command.args(["gateway", "--config"]).arg(config);
        Ok(Self { name, server: Server::other(command, port)?, routes_by_body: true })
    }

    /// nginx with connections to the upstream that stay open, and no buffering of answers.
    pub(crate) fn nginx(upstream: &Server) -> Result<Self, Box<dyn Error>> {
        let (port, addr) = (free_port()?, upstream.addrs[0]);
        let http = format!(
            "upstream llm {{ server {addr}; keepalive 256; keepalive_requests 1000000; }}\n\
             server {{ listen 127.0.0.1:{port}; keepalive_requests 100000000;\n\
             location / {{ proxy_pass http://llm; proxy_http_version 1.1; proxy_set_header Connection \"\";\n\
             proxy_buffering off; }} }}"
        );
        let server = canned::nginx("proxy", port, &http)?;
        Ok(Self { name: "nginx", server, routes_by_body: false })
    }

    /// HAProxy with one thread for each core, as it comes.
    pub(crate) fn haproxy(program: &str, upstream: &Server) -> Result<Self, Box<dyn Error>> {
        let (port, addr) = (free_port()?, upstream.addrs[0]);
        let text = format!(
            "global\n  maxconn 8192\ndefaults\n  mode http\n  timeout connect 5s\n  timeout client 60s\n  timeout server 60s\n\
             listen llm\n  bind 127.0.0.1:{port}\n  http-reuse always\n  server llm {addr}\n"
        );
        let config = file("gateway-haproxy.cfg", &text)?;
        let mut command = Command::new(program);
        command.args(["-db", "-f"]).arg(config);
        Ok(Self { name: "HAProxy", server: Server::other(command, port)?, routes_by_body: false })
    }

    /// Envoy with one worker for each core and no access log, as it comes.
    pub(crate) fn envoy(program: &Path, upstream: &Server) -> Result<Self, Box<dyn Error>> {
        let port = free_port()?;
        let config = file("gateway-envoy.yaml", &envoy_config(port, upstream.addrs[0]))?;
        let mut command = Command::new(program);
        command.args(["--base-id", "77", "--log-level", "error", "-c"]).arg(config);
        Ok(Self { name: "Envoy", server: Server::other(command, port)?, routes_by_body: false })
    }

    /// Where it answers with this kind of answer.
    pub(crate) fn url(&self, load: Load) -> String {
        let prefix = if self.routes_by_body { String::new() } else { format!("/{}", load.name()) };
        format!("http://{}{prefix}/v1/chat/completions", self.server.addrs[0])
    }
}

pub(crate) fn haproxy_program() -> Option<&'static str> {
    canned::installed(["haproxy", "/usr/sbin/haproxy"])
}

fn envoy_config(port: u16, upstream: SocketAddr) -> String {
    let (host, upstream_port) = (upstream.ip(), upstream.port());
    let manager =
        "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";
    let router = "envoy.extensions.filters.http.router.v3.Router";
    format!(
        r#"static_resources:
  listeners:
  - address: {{ socket_address: {{ address: 127.0.0.1, port_value: {port} }} }}
    filter_chains:
    - filters:
      - name: http
        typed_config:
          "@type": type.googleapis.com/{manager}
          stat_prefix: http
          route_config:
            virtual_hosts:
            - name: llm
              domains: ["*"]
              routes:
              - match: {{ prefix: "/" }}
                route: {{ cluster: llm, timeout: 60s }}
          http_filters:
          - name: router
            typed_config: {{ "@type": type.googleapis.com/{router} }}
  clusters:
  - name: llm
    type: STATIC
    load_assignment:
      cluster_name: llm
      endpoints:
      - lb_endpoints:
        - endpoint: {{ address: {{ socket_address: {{ address: {host}, port_value: {upstream_port} }} }} }}
"#
    )
}
