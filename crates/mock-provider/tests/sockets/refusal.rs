//! Refused connections, and what becomes of those that were open.

use crate::client::{Client, End};
use crate::setup::{fault, quick, request, slow, start};
use socket2::{Domain, Socket, Type};
use squall_failure::FailureClass;
use squall_provider::{FaultKind, ProviderConfig};
use squall_record::{AttemptOutcome, RecordedEvent};
use squall_wire::chat::ResponseMode;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;

/// Connects until a connection is refused: a connect that races with the start of the fault may still
/// be taken by the system, and is then reset.
async fn until_refused(addr: SocketAddr) {
    loop {
        match Client::connect(addr).await {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
                return;
            }
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn connections_are_refused_while_the_port_stays_held() {
    let faults = vec![fault(0, 3_000, FaultKind::Refuse)];
    let mock = start(ProviderConfig { faults, ..quick() });
    until_refused(mock.addr()).await;
    let stranger = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    let bound = stranger.bind(&mock.addr().into());
    assert_eq!(bound.map_err(|error| error.kind()), Err(ErrorKind::AddrInUse));

    // The fault ends, and the same port listens again.
    let mut client = loop {
        match Client::connect(mock.addr()).await {
            Ok(client) => break client,
            Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionRefused),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert_eq!(client.ask(&request(1, 1, ResponseMode::Whole)).await.status, 200);
    let log = mock.shutdown().await;
    assert_eq!(log.attempts.len(), 1, "a refused connection is no attempt");
    let notes: Vec<_> = log.notes.iter().map(|row| row.note).collect();
    let started = RecordedEvent::FaultStarted { provider: 3, fault: 0 };
    assert_eq!(notes, [started, RecordedEvent::FaultEnded { provider: 3, fault: 0 }]);
}

#[tokio::test]
async fn pooled_connections_are_reset_when_refusal_begins() {
    let faults = vec![fault(2_000, 3_600_000, FaultKind::Refuse)];
    let mock = start(ProviderConfig { faults, ..quick() });
    let mut idle = Client::connect(mock.addr()).await.expect("it listens");
    assert_eq!(idle.ask(&request(1, 1, ResponseMode::Whole)).await.status, 200);
    assert_eq!(idle.next().await, Err(End::Reset));
    until_refused(mock.addr()).await;
}

#[tokio::test]
async fn attempts_in_flight_are_reset_and_logged_as_cut() {
    let faults = vec![fault(2_000, 3_600_000, FaultKind::Refuse)];
    let mock = start(ProviderConfig { faults, ..slow() });
    let mut streamed = Client::connect(mock.addr()).await.expect("it listens");
    let mut whole = Client::connect(mock.addr()).await.expect("it listens");
    streamed.send(&request(1, 100_000, ResponseMode::Stream)).await;
    whole.send(&request(2, 100_000, ResponseMode::Whole)).await;
    let (streamed, whole) = tokio::join!(streamed.answer(), whole.answer());
    assert_eq!((streamed.status, streamed.end), (200, End::Reset));
    assert_eq!((whole.status, whole.end), (0, End::Reset));

    let mut log = mock.shutdown().await;
    log.attempts.sort_by_key(|row| row.request);
    let rows: Vec<_> =
        log.attempts.iter().map(|row| (row.outcome, row.status, row.fault)).collect();
    let cut = AttemptOutcome::Failed { class: FailureClass::Cut };
    assert_eq!(rows, [(cut, 200, Some(0)), (cut, 0, Some(0))]);
    assert!(log.attempts[0].output_tokens > 0);
}
