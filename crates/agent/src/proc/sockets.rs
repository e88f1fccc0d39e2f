//! TCP sockets of this network namespace by `sock_diag(7)`: who listens, and the cookies of open connections.

use netlink_packet_core::{
    NLM_F_DUMP, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage, NetlinkPayload,
};
use netlink_packet_sock_diag::SockDiagMessage;
use netlink_packet_sock_diag::constants::{AF_INET, AF_INET6, IPPROTO_TCP};
use netlink_packet_sock_diag::inet::{
    ExtensionFlags, InetRequest, InetResponse, SocketId, StateFlags,
};
use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_SOCK_DIAG};
use std::io;
use std::net::IpAddr;

/// One socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TcpSocket {
    /// Its own address; unspecified when it listens on all.
    pub local: IpAddr,
    /// Its own port.
    pub port: u16,
    /// The socket's inode, as in `/proc/PID/fd`.
    pub inode: u64,
    /// The socket's cookie, as the kernel programs see it.
    pub cookie: u64,
}

/// Sockets that listen.
///
/// # Errors
/// The system's.
pub fn listening() -> io::Result<Vec<TcpSocket>> {
    dump(StateFlags::LISTEN)
}

/// Connections that are open.
///
/// # Errors
/// The system's.
pub fn connected() -> io::Result<Vec<TcpSocket>> {
    dump(StateFlags::ESTABLISHED | StateFlags::CLOSE_WAIT | StateFlags::SYN_SENT)
}

fn dump(states: StateFlags) -> io::Result<Vec<TcpSocket>> {
    let mut found = vec![];
    for family in [AF_INET, AF_INET6] {
        dump_family(family, states.clone(), &mut found)?;
    }
    Ok(found)
}

fn dump_family(family: u8, states: StateFlags, found: &mut Vec<TcpSocket>) -> io::Result<()> {
    let mut socket = Socket::new(NETLINK_SOCK_DIAG)?;
    socket.bind_auto()?;
    socket.connect(&SocketAddr::new(0, 0))?;
    let mut header = NetlinkHeader::default();
    header.flags = NLM_F_REQUEST | NLM_F_DUMP;
    let socket_id = if family == AF_INET {
        SocketId::new_v4()
    } else {
        SocketId::new_v6()
    };
    let extensions = ExtensionFlags::empty();
    let request = InetRequest {
        family,
        protocol: IPPROTO_TCP,
        extensions,
        states,
        socket_id,
    };
    let mut message = NetlinkMessage::new(header, SockDiagMessage::InetRequest(request).into());
    message.finalize();
    let mut bytes = vec![0; message.header.length as usize];
    message.serialize(&mut bytes);
    socket.send(&bytes, 0)?;
    loop {
        let (answer, _) = socket.recv_from_full()?;
        if !take(&answer, found)? {
            return Ok(());
        }
    }
}

/// Takes the messages of one answer; false after the last.
fn take(mut answer: &[u8], found: &mut Vec<TcpSocket>) -> io::Result<bool> {
    while !answer.is_empty() {
        let message =
            <NetlinkMessage<SockDiagMessage>>::deserialize(answer).map_err(io::Error::other)?;
        match message.payload {
            NetlinkPayload::InnerMessage(SockDiagMessage::InetResponse(response)) => {
                found.push(socket_of(&response))
            }
            NetlinkPayload::Done(_) => return Ok(false),
            NetlinkPayload::Error(error) => return Err(error.to_io()),
            _ => {}
        }
        // Messages are aligned to four bytes (netlink(7)).
        let length = (message.header.length as usize).next_multiple_of(4);
        answer = answer.get(length.max(4)..).unwrap_or_default();
    }
    Ok(true)
}

fn socket_of(response: &InetResponse) -> TcpSocket {
    let id = &response.header.socket_id;
    TcpSocket {
        local: id.source_address,
        port: id.source_port,
        inode: response.header.inode.into(),
        cookie: u64::from_ne_bytes(id.cookie),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream};

    #[test]
    fn listeners_and_connections_are_found() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let client = TcpStream::connect(("127.0.0.1", port)).unwrap();
        let own = client.local_addr().unwrap().port();
        assert!(
            listening()
                .unwrap()
                .iter()
                .any(|s| s.port == port && s.inode > 0)
        );
        let connection = connected()
            .unwrap()
            .into_iter()
            .find(|s| s.port == own)
            .unwrap();
        assert!(connection.cookie != 0 && connection.inode != 0);
    }
}
