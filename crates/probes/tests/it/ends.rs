//! How connections begin and end: before the agent, in the handshake, half-closed, reset, killed.

use crate::kernel::{CLIENT, COMPLETE, CUT, GET, Kernel, SERVER, UNANSWERED, pair, send};
use nix::sys::socket::{setsockopt, sockopt};
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::fd::AsRawFd as _;

const REQUEST: &[u8] = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n";
const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

#[test]
fn connections_older_than_the_agent_even_in_the_middle_of_a_body() {
    let (mut server, mut client, port) = pair("127.0.0.1:0");
    send(&mut client, &mut server, REQUEST);
    send(
        &mut server,
        &mut client,
        b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n",
    );
    send(&mut server, &mut client, &[b'x'; 30_000]);
    let Some(mut kernel) = Kernel::attach() else {
        return;
    };
    send(&mut server, &mut client, &[b'x'; 70_000]);
    for _ in 0..5 {
        send(&mut client, &mut server, REQUEST);
        send(&mut server, &mut client, ANSWER);
    }
    kernel.expect(port, &[(GET, 2, COMPLETE, 5)]);
    kernel.expect_no_loss();
}

#[test]
fn data_that_completes_the_handshake() {
    let Some(mut kernel) = Kernel::attach() else {
        return;
    };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (on, size) = (5i32, std::mem::size_of::<i32>() as u32);
    let fd = listener.as_raw_fd();
    // SAFETY: the option is an int (tcp(7)).
    let set = unsafe {
        libc::setsockopt(
            fd,
            libc::IPPROTO_TCP,
            libc::TCP_DEFER_ACCEPT,
            (&raw const on).cast(),
            size,
        )
    };
    assert_eq!(set, 0);
    let address = listener.local_addr().unwrap();
    for _ in 0..20 {
        let mut client = TcpStream::connect(address).unwrap();
        client.write_all(REQUEST).unwrap();
        let (mut server, _) = listener.accept().unwrap();
        server.read_exact(&mut vec![0; REQUEST.len()]).unwrap();
        send(&mut server, &mut client, ANSWER);
    }
    kernel.expect(address.port(), &[(GET, 2, COMPLETE, 20)]);
    kernel.expect_no_loss();
}

#[test]
fn a_half_closed_connection_is_answered_all_the_same() {
    let Some(mut kernel) = Kernel::attach() else {
        return;
    };
    let (mut server, mut client, port) = pair("127.0.0.1:0");
    send(&mut client, &mut server, REQUEST);
    client.shutdown(Shutdown::Write).unwrap();
    send(
        &mut server,
        &mut client,
        b"HTTP/1.0 200 OK\r\n\r\nuntil the end",
    );
    server.shutdown(Shutdown::Write).unwrap();
    assert_eq!(client.read(&mut [0; 8]).unwrap(), 0);
    kernel.expect(port, &[(GET, 2, COMPLETE, 1)]);
    kernel.expect_no_loss();
}

/// Close sends RST instead of FIN.
fn abort(stream: TcpStream) {
    let linger = libc::linger {
        l_onoff: 1,
        l_linger: 0,
    };
    setsockopt(&stream, sockopt::Linger, &linger).unwrap();
    drop(stream);
}

#[test]
fn a_reset_inside_the_answer_cuts_it() {
    let Some(mut kernel) = Kernel::attach() else {
        return;
    };
    let (mut server, mut client, port) = pair("127.0.0.1:0");
    send(&mut client, &mut server, REQUEST);
    send(
        &mut server,
        &mut client,
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
    );
    abort(server);
    assert!(client.read(&mut [0; 8]).is_err());
    kernel.expect(port, &[(GET, 2, CUT, 1)]);
}

#[test]
fn a_reset_before_the_answer_leaves_it_unanswered() {
    let Some(mut kernel) = Kernel::attach() else {
        return;
    };
    let (mut server, mut client, port) = pair("127.0.0.1:0");
    send(&mut client, &mut server, REQUEST);
    send(&mut client, &mut server, REQUEST);
    abort(client);
    assert!(server.read(&mut [0; 8]).is_err());
    kernel.expect(port, &[(GET, 0, UNANSWERED, 2)]);
}

#[test]
fn what_is_under_way_is_in_flight_until_then() {
    let Some(mut kernel) = Kernel::attach() else {
        return;
    };
    let (mut server, mut client, port) = pair("127.0.0.1:0");
    send(&mut client, &mut server, REQUEST);
    kernel.expect_rows(port, &[]);
    assert!(kernel.in_flight >= 2, "both ends have it in flight");
    send(&mut server, &mut client, ANSWER);
    kernel.expect_rows(
        port,
        &[(SERVER, GET, 2, COMPLETE, 1), (CLIENT, GET, 2, COMPLETE, 1)],
    );
}

#[test]
fn a_socket_served_by_another_process() {
    let Some(mut kernel) = Kernel::attach() else {
        return;
    };
    let (mut server, mut client, port) = pair("127.0.0.1:0");
    send(&mut client, &mut server, REQUEST);
    // The child inherits the accepted socket and answers.
    let text = String::from_utf8_lossy(ANSWER)
        .replace('\r', "\\r")
        .replace('\n', "\\n");
    let mut child = std::process::Command::new("printf")
        .arg(text)
        .stdout(std::os::fd::OwnedFd::from(server))
        .spawn()
        .unwrap();
    client.read_exact(&mut vec![0; ANSWER.len()]).unwrap();
    child.wait().unwrap();
    kernel.expect(port, &[(GET, 2, COMPLETE, 1)]);
    kernel.expect_no_loss();
}

/// Many first requests of one process at once: the series is made on several CPUs at the same time.
#[test]
fn connections_that_begin_together_share_their_series() {
    let Some(mut kernel) = Kernel::attach() else {
        return;
    };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let serve = |mut server: TcpStream| {
        let mut request = [0; REQUEST.len()];
        while server.read_exact(&mut request).is_ok() {
            server.write_all(ANSWER).unwrap();
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..40 {
            let (gate, clients) = (std::sync::Barrier::new(8), 8);
            let gate = &gate;
            std::thread::scope(|inner| {
                for _ in 0..clients {
                    inner.spawn(move || {
                        let mut client = TcpStream::connect(address).unwrap();
                        gate.wait();
                        client.write_all(REQUEST).unwrap();
                        client.read_exact(&mut [0; ANSWER.len()]).unwrap();
                    });
                }
                for _ in 0..clients {
                    let (server, _) = listener.accept().unwrap();
                    scope.spawn(move || serve(server));
                }
            });
        }
    });
    kernel.expect(address.port(), &[(GET, 2, COMPLETE, 320)]);
    kernel.expect_no_loss();
}
