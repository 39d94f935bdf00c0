//! `squall gateway` with TLS in front, judged by OpenSSL in Python's client.

use crate::serve::{GATEWAY, MOCK, Server, start, start_and_listen, until};
use crate::signals::{send, wait_until};
use crate::squall::{Ended, Folder};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::sync::mpsc::Receiver;

const CLIENT: &str = include_str!("tls_client.py");

/// An authority, with what it issues as files of a folder.
struct Authority<'f> {
    folder: &'f Folder,
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl<'f> Authority<'f> {
    /// Its own certificate is in `NAME.pem`.
    fn new(folder: &'f Folder, name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key"));
        let issuer = issuer.expect("an authority");
        folder.write(&format!("{name}.pem"), &issuer.pem());
        Self { folder, issuer }
    }

    /// A certificate until a year in `FILE.pem`, for this machine and for this name, with its key in `FILE.key`.
    fn issue(&self, file: &str, name: &str, until: i32) {
        let names = ["localhost", "127.0.0.1", name].map(str::to_owned).to_vec();
        let mut params = CertificateParams::new(names).expect("names");
        params.not_after = date_time_ymd(until, 1, 1);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        self.folder.write(&format!("{file}.pem"), &certificate.pem());
        self.folder.write(&format!("{file}.key"), &key.serialize_pem());
        set_mode(self.folder, &format!("{file}.key"), 0o600);
    }
}

fn set_mode(folder: &Folder, file: &str, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::Permissions::from_mode(mode);
    std::fs::set_permissions(folder.path(file), mode).expect("it is ours");
}

/// A gateway before a mock, with these settings of TLS; what it says after its first line.
fn gateway(folder: &Folder, tls: &str) -> ([Server; 2], String, Receiver<String>) {
    folder.write("client.py", CLIENT);
    folder.write("mock.yaml", MOCK);
    let (mock, upstream) = start(folder, &["mock", "--config", "mock.yaml", "--log", "off"]);
    let file = GATEWAY.replace("MOCK", &upstream).replace("LISTEN", "127.0.0.1:0");
    folder.write("gateway.yaml", &format!("{file}tls: {{ {tls} }}\n"));
    let arguments = ["gateway", "--config", "gateway.yaml", "--metrics-listen", "127.0.0.1:0"];
    let (server, addr, said) = start_and_listen(folder, &arguments);
    ([mock, server], addr, said)
}

fn client(folder: &Folder, addr: &str, options: &[&str]) -> Command {
    let mut command = Command::new("python3");
    command.arg("client.py").arg(addr).args(options).current_dir(folder.path(""));
    command
}

/// What a client tells that has asked once.
fn asked(folder: &Folder, addr: &str, options: &[&str]) -> Value {
    let output = client(folder, addr, options).output().expect("Python is there");
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)))
}

fn assert_answered(told: &Value) {
    assert!(told["status"] == 200 && told["whole"] == true, "{told}");
}

/// What a client says of its failure, which versions of Python write differently.
fn error(told: &Value) -> String {
    let error = told["error"].as_str().unwrap_or_else(|| panic!("no error: {told}"));
    error.to_lowercase().replace('_', " ")
}

/// Where the metrics are, which the second line says.
fn metrics_addr(said: &Receiver<String>) -> String {
    let line = until(said, "metrics: ");
    let (_, addr) = line.rsplit_once("http://").expect("an address");
    addr.trim_end().trim_end_matches("/metrics").to_owned()
}

/// The value of a sample of `/metrics`.
fn sample(addr: &str, name: &str) -> Option<String> {
    let mut socket = TcpStream::connect(addr).expect("it listens");
    let request = format!("GET /metrics HTTP/1.1\r\nhost: {addr}\r\nconnection: close\r\n\r\n");
    socket.write_all(request.as_bytes()).expect("it reads");
    let mut page = String::new();
    socket.read_to_string(&mut page).expect("it answers");
    let line = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.map(str::to_owned)
}

const PLAIN: &str = "certificate: own.pem, key: own.key";

#[test]
fn a_client_that_trusts_the_authority_is_answered_by_tls_1_2_and_1_3_whole_and_streamed() {
    let folder = Folder::new("client-tls");
    let authority = Authority::new(&folder, "authority");
    authority.issue("own", "one.test", 2090);
    let (_servers, addr, _) = gateway(&folder, PLAIN);
    let told = asked(&folder, &addr, &["ca=authority.pem", "alpn=http/1.1"]);
    assert_answered(&told);
    assert!(told["version"] == "TLSv1.3" && told["alpn"] == "http/1.1", "{told}");
    let told = asked(&folder, &addr, &["ca=authority.pem", "max=1.2", "stream"]);
    assert_answered(&told);
    assert_eq!(told["version"], "TLSv1.2", "{told}");
    let told = asked(&folder, &addr, &["ca=authority.pem", "alpn=h2"]);
    assert!(error(&told).contains("no application protocol"), "{told}");
    Authority::new(&folder, "another");
    let told = asked(&folder, &addr, &["ca=another.pem"]);
    assert!(error(&told).contains("certificate verify failed"), "{told}");
}

#[test]
fn plain_http_on_an_address_of_tls_is_told_what_to_do() {
    let folder = Folder::new("client-tls-plain");
    Authority::new(&folder, "authority").issue("own", "one.test", 2090);
    let (_servers, addr, said) = gateway(&folder, PLAIN);
    let answer = crate::serve::ask(&addr, "chat");
    assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("https://"), "{answer}");
    let metrics = metrics_addr(&said);
    let name = r#"squall_tls_handshakes_total{outcome="plain_http"}"#;
    assert_eq!(sample(&metrics, name).as_deref(), Some("1"));
}

#[test]
fn with_an_authority_of_clients_only_those_with_its_certificate_connect() {
    let folder = Folder::new("client-tls-mutual");
    let authority = Authority::new(&folder, "authority");
    authority.issue("own", "one.test", 2090);
    let clients = Authority::new(&folder, "clients");
    clients.issue("team", "team.test", 2090);
    Authority::new(&folder, "strangers").issue("stranger", "stranger.test", 2090);
    let (_servers, addr, _) = gateway(&folder, &format!("{PLAIN}, client_ca: clients.pem"));
    let with = |more: &[&str]| asked(&folder, &addr, &[&["ca=authority.pem"], more].concat());
    assert_answered(&with(&["cert=team.pem", "key=team.key"]));
    assert_answered(&with(&["cert=team.pem", "key=team.key", "max=1.2", "stream"]));
    let told = with(&[]);
    assert!(error(&told).contains("certificate required"), "{told}");
    let told = with(&["cert=stranger.pem", "key=stranger.key"]);
    assert!(error(&told).contains("unknown ca"), "{told}");
}

#[test]
fn a_new_certificate_is_taken_on_and_a_broken_one_is_not_while_connections_go_on() {
    let folder = Folder::new("client-tls-reload");
    let authority = Authority::new(&folder, "authority");
    authority.issue("own", "first.test", 2090);
    let (servers, addr, said) = gateway(&folder, PLAIN);
    let metrics = metrics_addr(&said);
    let mut old = client(&folder, &addr, &["ca=authority.pem", "again=now"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("Python is there");
    let mut lines = BufReader::new(old.stdout.take().expect("it is piped")).lines();
    let mut next = || -> Value {
        let line = lines.next().expect("it tells").expect("text");
        serde_json::from_str(&line).expect("JSON")
    };
    assert_answered(&next());

    authority.issue("own", "second.test", 2091);
    until(&said, "reloaded the certificate");
    let told = asked(&folder, &addr, &["ca=authority.pem"]);
    assert_answered(&told);
    assert!(told["names"].to_string().contains("second.test"), "{told}");

    // A certificate without its key: on a signal, since the files may rest before both are there.
    authority.issue("other", "third.test", 2092);
    folder.write("own.pem", &folder.read("other.pem"));
    send(&servers[1], "HUP");
    let line = until(&said, "keeps its current certificate");
    assert!(line.contains("does not belong to the first certificate"), "{line}");
    let told = asked(&folder, &addr, &["ca=authority.pem"]);
    assert!(told["names"].to_string().contains("second.test"), "{told}");
    let failed = r#"squall_tls_certificate_reloads_total{outcome="failed"}"#;
    assert_ne!(sample(&metrics, failed).as_deref(), Some("0"));
    let until = sample(&metrics, "squall_tls_certificate_not_after_timestamp_seconds");
    assert_eq!(until.as_deref(), Some("3818448000"), "the first of January 2091");

    folder.write("now", "");
    let told = next();
    assert_answered(&told);
    assert_eq!(told["same"], true, "{told}");
    assert!(old.wait().expect("it is a child").success());
}

#[test]
fn a_certificate_that_has_expired_is_told_of_and_served_all_the_same() {
    let folder = Folder::new("client-tls-expired");
    Authority::new(&folder, "authority").issue("own", "one.test", 2001);
    let (_servers, addr, said) = gateway(&folder, PLAIN);
    until(&said, "the certificate has expired: the gateway goes on serving");
    let told = asked(&folder, &addr, &["ca=authority.pem"]);
    assert!(error(&told).contains("certificate has expired"), "{told}");
    assert_answered(&asked(&folder, &addr, &[]));
}

#[test]
fn who_does_not_shake_hands_is_left_and_too_many_at_once_are_closed() {
    let folder = Folder::new("client-tls-silent");
    Authority::new(&folder, "authority").issue("own", "one.test", 2090);
    let tls = format!("{PLAIN}, handshake_timeout: 2s, max_handshakes: 1");
    let (_servers, addr, said) = gateway(&folder, &tls);
    let metrics = metrics_addr(&said);
    let mut silent = TcpStream::connect(&addr).expect("it listens");
    wait_until("the handshake is under way", || {
        sample(&metrics, "squall_tls_handshakes_in_progress").as_deref() == Some("1")
    });
    let mut one_too_many = TcpStream::connect(&addr).expect("it listens");
    assert_eq!(one_too_many.read(&mut [0; 8]).unwrap_or(0), 0);
    assert_eq!(silent.read(&mut [0; 8]).unwrap_or(0), 0);
    for outcome in ["refused", "timed_out"] {
        let name = format!("squall_tls_handshakes_total{{outcome=\"{outcome}\"}}");
        assert_eq!(sample(&metrics, &name).as_deref(), Some("1"), "{outcome}");
    }
    assert_answered(&asked(&folder, &addr, &["ca=authority.pem"]));
}

#[test]
fn files_that_cannot_be_used_are_told_at_the_start_with_their_names() {
    let folder = Folder::new("client-tls-files");
    let authority = Authority::new(&folder, "authority");
    authority.issue("own", "one.test", 2090);
    authority.issue("other", "two.test", 2090);
    folder.write("empty.pem", "");
    folder.write(
        "garbage.pem",
        "-----BEGIN CERTIFICATE-----\nbm90IG9uZQ==\n-----END CERTIFICATE-----\n",
    );
    let encrypted =
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    folder.write("encrypted.key", encrypted);
    for (tls, told) in [
        (
            "certificate: own.pem, key: other.key",
            "the key in other.key does not belong to the first certificate in own.pem",
        ),
        ("certificate: none.pem, key: own.key", "failed to read certificates from none.pem"),
        ("certificate: empty.pem, key: own.key", "there is no certificate in empty.pem"),
        ("certificate: garbage.pem, key: own.key", "garbage.pem"),
        ("certificate: own.pem, key: none.key", "failed to read the private key from none.key"),
        ("certificate: own.pem, key: own.pem", "there is no private key in own.pem"),
        ("certificate: own.pem, key: encrypted.key", "there is no private key in encrypted.key"),
        (
            "certificate: own.pem, key: own.key, client_ca: empty.pem",
            "there is no certificate in empty.pem",
        ),
        (
            "certificate: own.pem, key: own.key, client_ca: garbage.pem",
            "the authorities in garbage.pem cannot be used",
        ),
        ("certificate: own.pem", "`key` is missing"),
    ] {
        let ended = refused(&folder, tls);
        assert!(ended.err.contains(told), "{tls}: {}", ended.err);
        assert_ne!(ended.code, 0, "{tls}");
    }
    let ended = folder.squall(&["gateway", "--config", "gateway.yaml", "--tls-key", "own.key"]);
    assert!(ended.err.contains("--tls-certificate"), "{}", ended.err);
}

fn refused(folder: &Folder, tls: &str) -> Ended {
    let file = GATEWAY.replace("MOCK", "127.0.0.1:9").replace("LISTEN", "127.0.0.1:0");
    folder.write("gateway.yaml", &format!("{file}tls: {{ {tls} }}\n"));
    folder.squall(&["gateway", "--config", "gateway.yaml"])
}

#[test]
fn a_key_that_every_user_can_read_is_warned_of() {
    let folder = Folder::new("client-tls-readable");
    Authority::new(&folder, "authority").issue("own", "one.test", 2090);
    set_mode(&folder, "own.key", 0o644);
    let file = GATEWAY.replace("MOCK", "127.0.0.1:9").replace("LISTEN", "127.0.0.1:0");
    folder.write("gateway.yaml", &file);
    let flags = ["--tls-certificate", "own.pem", "--tls-key", "own.key", "--log-format", "text"];
    let arguments = [&["gateway", "--config", "gateway.yaml"], &flags as &[&str]].concat();
    let (_server, _, said) = start_and_listen(&folder, &arguments);
    until(&said, "every user of this machine can read the private key");
}
