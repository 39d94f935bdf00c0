//! Three gateways behind HAProxy, with the configuration that `deploy/compose` ships, each restarted under load.

use crate::serve::{MOCK, Server, start};
use crate::signals::{ended, send, wait_until};
use crate::squall::Folder;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;

/// What stands in front, as it is shipped.
const HAPROXY: &str = include_str!("../../../../deploy/compose/haproxy.cfg");

/// Clients that ask one thing after another. Every third asks for a stream that lasts longer than the proxy takes to leave
/// a gateway, so that some are under way when it stops to listen.
const CLIENTS: usize = 9;

/// Answers that are waited for between two restarts.
const BETWEEN: usize = 40;

const GATEWAY: &str = "
listen: LISTEN
providers: { one: { base_url: http://MOCK/v1 } }
router: { groups: { chat: { deployments: [ { name: one, provider: one } ] } } }
";

/// A gateway, at an address of its own in the next life too.
struct Replica {
    name: String,
    addr: String,
    server: Server,
}

impl Replica {
    fn start(folder: &Folder, name: String, listen: &str, mock: &str) -> Self {
        let file = format!("{name}.yaml");
        folder.write(&file, &GATEWAY.replace("LISTEN", listen).replace("MOCK", mock));
        let arguments =
            ["gateway", "--config", &file, "--drain-delay", "1s", "--drain", "60s", "--log", "off"];
        let (server, addr) = start(folder, &arguments);
        Self { name, addr, server }
    }

    /// Ends well, by a signal, and comes back as another process.
    fn restarted(self, folder: &Folder, mock: &str) -> Self {
        send(&self.server, "TERM");
        assert_eq!(ended(self.server), Some(0), "{}", self.name);
        Self::start(folder, self.name, &self.addr, mock)
    }
}

/// HAProxy with the shipped file: other addresses, quicker checks, and nothing that is tried twice, so that only readiness
/// keeps requests away from a gateway that stops.
fn proxy(folder: &Folder, replicas: &[Replica]) -> (Server, String) {
    let free = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let addr = free.local_addr().expect("it has an address").to_string();
    drop(free);
    let mut file = HAPROXY.to_owned();
    let mut replace = |old: &str, new: &str| {
        assert_eq!(file.matches(old).count(), 1, "`{old}` stands once in what is shipped");
        file = file.replace(old, new);
    };
    replace("bind 0.0.0.0:8000", &format!("bind {addr}"));
    replace("inter 1s", "inter 100ms");
    replace("retries 2", "retries 0");
    replace("    option redispatch 1\n", "");
    for replica in replicas {
        replace(&format!("{}:8080", replica.name), &replica.addr);
    }
    folder.write("haproxy.cfg", &file);
    let log = std::fs::File::create(folder.path("haproxy.log")).expect("it can be written");
    let child = Command::new(haproxy())
        .args(["-db", "-f", "haproxy.cfg"])
        .current_dir(folder.path(""))
        .stderr(log)
        .stdout(Stdio::null())
        .spawn()
        .expect("HAProxy is installed");
    let mut server = Server(child);
    wait_until("HAProxy has found a gateway", || {
        let over = server.0.try_wait().expect("it is a child");
        assert!(over.is_none(), "HAProxy has ended: {}", folder.read("haproxy.log"));
        exchange(&addr, false).is_ok_and(|answer| is_whole(&answer, false))
    });
    (server, addr)
}

/// Debian's, which is not on every user's path.
fn haproxy() -> &'static str {
    let of_debian = "/usr/sbin/haproxy";
    if std::path::Path::new(of_debian).exists() { of_debian } else { "haproxy" }
}

/// Asks once and reads to the end of the connection.
fn exchange(addr: &str, stream: bool) -> std::io::Result<String> {
    let tokens = if stream { 250 } else { 20 };
    let body = format!(
        r#"{{"model":"chat","messages":[{{"role":"user","content":"hi"}}],"stream":{stream},"max_tokens":{tokens}}}"#
    );
    let mut socket = TcpStream::connect(addr)?;
    let length = body.len();
    let head = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: {addr}\r\nconnection: close\r\ncontent-type: \
         application/json\r\ncontent-length: {length}\r\n\r\n"
    );
    socket.write_all((head + &body).as_bytes())?;
    let mut answer = String::new();
    socket.read_to_string(&mut answer)?;
    Ok(answer)
}

fn is_whole(answer: &str, stream: bool) -> bool {
    let end = if stream { "data: [DONE]" } else { "\"total_tokens\"" };
    answer.starts_with("HTTP/1.1 200") && answer.contains(end) && !answer.contains("\"error\"")
}

/// Clients that ask until they are told to stop, and what they did not get.
struct Load {
    done: Arc<AtomicBool>,
    answered: Arc<AtomicUsize>,
    clients: Vec<JoinHandle<Vec<String>>>,
}

impl Load {
    fn start(addr: &str) -> Self {
        let done = Arc::new(AtomicBool::new(false));
        let answered = Arc::new(AtomicUsize::new(0));
        let client = |number: usize| {
            let (addr, done, answered) =
                (addr.to_owned(), Arc::clone(&done), Arc::clone(&answered));
            std::thread::spawn(move || {
                let stream = number.is_multiple_of(3);
                let mut lost = Vec::new();
                while !done.load(Ordering::Relaxed) {
                    match exchange(&addr, stream) {
                        Ok(answer) if is_whole(&answer, stream) => {}
                        Ok(answer) => lost.push(answer),
                        Err(error) => lost.push(error.to_string()),
                    }
                    answered.fetch_add(1, Ordering::Relaxed);
                }
                lost
            })
        };
        let clients = (0..CLIENTS).map(client).collect();
        Self { done, answered, clients }
    }

    /// Until some more have been answered.
    fn goes_on(&self) {
        let wanted = self.answered.load(Ordering::Relaxed) + BETWEEN;
        wait_until("clients are answered", || self.answered.load(Ordering::Relaxed) >= wanted);
    }

    /// How many asked, and what those got that lost something.
    fn end(self) -> (usize, Vec<String>) {
        self.done.store(true, Ordering::Relaxed);
        let lost = self.clients.into_iter().flat_map(|client| client.join().expect("no panic"));
        let lost = lost.collect();
        (self.answered.load(Ordering::Relaxed), lost)
    }
}

#[test]
fn a_rolling_restart_of_three_gateways_behind_a_proxy_loses_no_request() {
    let folder = Folder::new("rolling-restart");
    folder.write("mock.yaml", &MOCK.replace("itl: 1ms", "itl: 5ms"));
    let (_mock, mock) = start(&folder, &["mock", "--config", "mock.yaml", "--log", "off"]);
    let names = (1..=3).map(|number| format!("gateway-{number}"));
    let mut replicas: Vec<_> =
        names.map(|name| Replica::start(&folder, name, "127.0.0.1:0", &mock)).collect();
    let (_proxy, addr) = proxy(&folder, &replicas);
    let load = Load::start(&addr);
    for _ in 0..replicas.len() {
        load.goes_on();
        let replica = replicas.remove(0).restarted(&folder, &mock);
        served(&replica.addr);
        replicas.push(replica);
    }
    load.goes_on();
    let (asked, lost) = load.end();
    assert!(lost.is_empty(), "{} of {asked} were lost, the first: {}", lost.len(), lost[0]);
    assert!(asked > 4 * BETWEEN, "{asked}");
}

/// Waits until the proxy has sent a gateway something: it is back, and the next one may go.
fn served(addr: &str) {
    let metrics = format!("GET /metrics HTTP/1.1\r\nhost: {addr}\r\nconnection: close\r\n\r\n");
    wait_until("the proxy sends requests to the gateway that is back", || {
        let mut page = String::new();
        let Ok(mut socket) = TcpStream::connect(addr) else { return false };
        let read =
            socket.write_all(metrics.as_bytes()).and_then(|()| socket.read_to_string(&mut page));
        let succeeded = |line: &str| {
            line.starts_with("squall_requests_total{") && line.contains(r#"outcome="succeeded""#)
        };
        read.is_ok() && page.lines().any(|line| succeeded(line) && !line.ends_with(" 0"))
    });
}
