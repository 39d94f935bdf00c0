//! Upstreams behind TLS: whom the gateway trusts, and what a client sees of one that it does not.

use crate::answers::COMPLETION;
use crate::rig::{ask, gateway_of, start_of, whole};
use rcgen::{CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use squall_gateway::{Gateway, StartError};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// A provider that answers by TLS, and a file with the certificate of the authority that signed its own.
async fn provider(name: &str) -> (SocketAddr, PathBuf) {
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().expect("a key"))
        .expect("an authority");
    let key = KeyPair::generate().expect("a key");
    let own = CertificateParams::new(vec!["127.0.0.1".to_owned()])
        .and_then(|own| own.signed_by(&key, &authority))
        .expect("a certificate");
    let trusted =
        std::env::temp_dir().join(format!("squall-tls-{}-{name}.pem", std::process::id()));
    std::fs::write(&trusted, authority.pem()).expect("it can be written");

    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("it has versions")
        .with_no_client_auth()
        .with_single_cert(
            vec![own.der().clone()],
            PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
        )
        .expect("they belong together");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let addr = listener.local_addr().expect("it is bound");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let _ = stream.read(&mut [0; 4_096]).await;
            let _ = stream.write_all(whole("200 OK", COMPLETION).as_bytes()).await;
            let _ = stream.shutdown().await;
        }
    });
    (addr, trusted)
}

async fn gateway(addr: SocketAddr, trusted: Option<PathBuf>) -> Gateway {
    gateway_of(&[addr], |setup| {
        setup.router.groups[0].retries = squall_router::Retries::new(0);
        setup.upstreams[0].base_url = format!("https://{addr}/v1");
        setup.upstreams[0].trusted = trusted;
    })
    .await
}

#[tokio::test]
async fn an_upstream_whose_certificate_is_trusted_answers() {
    let (addr, trusted) = provider("trusted").await;
    let gateway = gateway(addr, Some(trusted)).await;
    let (head, body) = ask(&gateway, "chat", false).await;
    assert!(head.starts_with("http/1.1 200"), "{head}");
    assert_eq!(body, COMPLETION);
}

#[tokio::test]
async fn one_whose_certificate_another_signed_is_not_called() {
    let (addr, _) = provider("called").await;
    let (_, of_another) = provider("another").await;
    let gateway = gateway(addr, Some(of_another)).await;
    let (head, body) = ask(&gateway, "chat", false).await;
    assert!(head.starts_with("http/1.1 502"), "{head}{body}");
    assert!(body.contains(r#""code":"connect""#), "{body}");
}

#[tokio::test]
async fn a_file_without_certificates_is_told_of_before_anything_is_served() {
    let empty = std::env::temp_dir().join(format!("squall-tls-{}-empty.pem", std::process::id()));
    std::fs::write(&empty, "nothing").expect("it can be written");
    for (trusted, said) in [
        (empty, "there is no certificate in"),
        (PathBuf::from("/nowhere.pem"), "failed to read certificates from /nowhere.pem"),
    ] {
        let nobody = [SocketAddr::from(([127, 0, 0, 1], 9))];
        let started = start_of(&nobody, |setup| {
            setup.upstreams[0].base_url = "https://127.0.0.1:9/v1".to_owned();
            setup.upstreams[0].trusted = Some(trusted);
        });
        match started.await {
            Err(StartError::Tls { name, why }) => {
                assert!(name == "d0" && why.contains(said), "{name}: {why}");
            }
            other => panic!("{other:?}"),
        }
    }
}
