//! Listeners over real sockets: how many wait, and when an address is free.

use squall_net::{backlog, listen, raise_file_limit};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};

const LOOPBACK: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// The standard library and tokio ask for 1,024 at most.
#[tokio::test]
async fn more_than_1024_connections_wait_to_be_accepted_and_none_is_lost() {
    // A client takes a descriptor; what waits for it takes none until it is accepted.
    let files = raise_file_limit().unwrap_or(4_096).saturating_sub(100);
    let wanted = 1_500.min(u64::from(backlog())).min(files) as usize;
    let listener = listen(LOOPBACK).unwrap();
    let addr = listener.local_addr().unwrap();
    // A full queue drops the last packet of the handshake: such a client is never accepted.
    let clients: Vec<_> = (0..wanted).map(|_| TcpStream::connect(addr).unwrap()).collect();
    assert_eq!(clients.len(), wanted);
    let mut accepted = 0;
    let any = std::time::Duration::from_millis(200);
    while accepted < wanted {
        let (stream, _) = tokio::time::timeout(any * 50, listener.accept())
            .await
            .unwrap_or_else(|_| panic!("{accepted} of {wanted} were accepted"))
            .unwrap();
        drop(stream);
        accepted += 1;
    }
}

#[tokio::test]
async fn an_address_that_is_taken_is_refused_and_free_again_once_it_is_let_go() {
    let first = listen(LOOPBACK).unwrap();
    let addr = first.local_addr().unwrap();
    assert_eq!(listen(addr).unwrap_err().kind(), io::ErrorKind::AddrInUse);
    drop(first);
    listen(addr).unwrap();
}
