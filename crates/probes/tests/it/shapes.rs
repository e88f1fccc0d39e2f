//! Every way in which requests and answers can be put on a connection.

use crate::kernel::{COMPLETE, CONNECT, GET, HEAD, Kernel, POST, pair, send};
use std::io::{IoSlice, Read as _, Write as _};
use std::net::TcpStream;
use std::os::fd::AsRawFd as _;

const REQUEST: &[u8] = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n";
const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

/// Lets a test's body speak over one connection and wants these counts on both sides, without loss.
fn spoken(
    address: &str,
    counts: &[(u8, u8, u8, u64)],
    speak: impl FnOnce(&mut TcpStream, &mut TcpStream),
) {
    let Some(mut kernel) = Kernel::attach() else {
        return;
    };
    let (mut server, mut client, port) = pair(address);
    speak(&mut server, &mut client);
    kernel.expect(port, counts);
    kernel.expect_no_loss();
}

const LOOPBACK: &str = "127.0.0.1:0";

#[test]
fn heads_byte_by_byte() {
    spoken(LOOPBACK, &[(GET, 2, COMPLETE, 3)], |server, client| {
        for _ in 0..3 {
            REQUEST.iter().for_each(|b| send(client, server, &[*b]));
            ANSWER.iter().for_each(|b| send(server, client, &[*b]));
        }
    });
}

#[test]
fn ipv6() {
    spoken("[::1]:0", &[(GET, 2, COMPLETE, 2)], |server, client| {
        for _ in 0..2 {
            send(client, server, REQUEST);
            send(server, client, ANSWER);
        }
    });
}

#[test]
fn a_thousand_pipelined_in_one_write() {
    spoken(LOOPBACK, &[(GET, 2, COMPLETE, 1000)], |server, client| {
        send(client, server, &REQUEST.repeat(1000));
        send(server, client, &ANSWER.repeat(1000));
    });
}

#[test]
fn chunks_with_trailers_and_bodies_that_look_like_heads() {
    let body = b"HTTP/1.1 500 No\r\n\r\nGET / HTTP/1.1\r\n\r\n";
    let post = [
        b"POST /p HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n25\r\n",
        &body[..],
        b"\r\n0\r\nA: b\r\n\r\n",
    ]
    .concat();
    spoken(LOOPBACK, &[(POST, 2, COMPLETE, 40)], |server, client| {
        for size in 1..=40 {
            post.chunks(size)
                .for_each(|part| send(client, server, part));
            let answer = format!(
                "HTTP/1.1 201 Made\r\nContent-Length: {}\r\n\r\n",
                body.len()
            )
            .into_bytes();
            [&answer[..], body]
                .concat()
                .chunks(size)
                .for_each(|part| send(server, client, part));
        }
    });
}

#[test]
fn answers_without_a_body() {
    let counts = [
        (GET, 2, COMPLETE, 1),
        (GET, 3, COMPLETE, 1),
        (HEAD, 2, COMPLETE, 1),
        (POST, 5, COMPLETE, 1),
    ];
    spoken(LOOPBACK, &counts, |server, client| {
        for (ask, answer) in [
            (
                &b"HEAD /h HTTP/1.1\r\n\r\n"[..],
                &b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n"[..],
            ),
            (
                b"GET /n HTTP/1.1\r\n\r\n",
                b"HTTP/1.1 204 No Content\r\n\r\n",
            ),
            (
                b"GET /c HTTP/1.1\r\n\r\n",
                b"HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n",
            ),
            (
                b"POST /e HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n",
                b"HTTP/1.1 100 Continue\r\n\r\n",
            ),
            (b"ok", b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"),
        ] {
            send(client, server, ask);
            send(server, client, answer);
        }
    });
}

#[test]
fn upgrades_end_with_their_head() {
    spoken(LOOPBACK, &[(GET, 1, COMPLETE, 1)], |server, client| {
        send(
            client,
            server,
            b"GET /ws HTTP/1.1\r\nUpgrade: websocket\r\n\r\n",
        );
        send(server, client, b"HTTP/1.1 101 Switching Protocols\r\n\r\n");
        send(client, server, REQUEST);
        send(server, client, ANSWER);
    });
}

#[test]
fn connect_opens_a_tunnel() {
    spoken(LOOPBACK, &[(CONNECT, 2, COMPLETE, 1)], |server, client| {
        send(client, server, b"CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n");
        send(server, client, b"HTTP/1.1 200 Connected\r\n\r\n");
        send(client, server, REQUEST);
    });
}

#[test]
fn vectored_corked_and_partial_writes() {
    spoken(LOOPBACK, &[(GET, 2, COMPLETE, 2)], |server, client| {
        let parts = [
            IoSlice::new(&REQUEST[..9]),
            IoSlice::new(&REQUEST[9..20]),
            IoSlice::new(&REQUEST[20..]),
        ];
        assert_eq!(client.write_vectored(&parts).unwrap(), REQUEST.len());
        server.read_exact(&mut vec![0; REQUEST.len()]).unwrap();
        for (part, more) in [
            (&ANSWER[..10], libc::MSG_MORE),
            (&ANSWER[10..30], libc::MSG_MORE),
            (&ANSWER[30..], 0),
        ] {
            // SAFETY: the slice lives through the call.
            let sent =
                unsafe { libc::send(server.as_raw_fd(), part.as_ptr().cast(), part.len(), more) };
            assert_eq!(sent as usize, part.len());
        }
        client.read_exact(&mut vec![0; ANSWER.len()]).unwrap();
        send(client, server, REQUEST);
        send(server, client, ANSWER);
    });
}

/// A file of this many bytes that takes no room.
fn sparse(bytes: u64) -> std::fs::File {
    let file = tempfile::tempfile().unwrap();
    file.set_len(bytes).unwrap();
    file
}

/// Reads and forgets so many bytes.
fn swallow(from: &mut TcpStream, mut bytes: u64) {
    let mut buffer = vec![0; 1 << 20];
    while bytes > 0 {
        let most = buffer
            .len()
            .min(usize::try_from(bytes).unwrap_or(usize::MAX));
        let read = from.read(&mut buffer[..most]).unwrap();
        assert!(read > 0, "the stream ended {bytes} bytes early");
        bytes -= read as u64;
    }
}

/// Answers with a head and the file's bytes by sendfile(2).
fn send_file(server: &mut TcpStream, bytes: u64) {
    write!(server, "HTTP/1.1 200 OK\r\nContent-Length: {bytes}\r\n\r\n").unwrap();
    let (file, mut left) = (sparse(bytes), bytes as usize);
    while left > 0 {
        // SAFETY: both descriptors are open; no offset is passed.
        let sent = unsafe {
            libc::sendfile(
                server.as_raw_fd(),
                file.as_raw_fd(),
                std::ptr::null_mut(),
                left,
            )
        };
        assert!(sent > 0, "{}", std::io::Error::last_os_error());
        left -= sent as usize;
    }
}

#[test]
fn sendfile_of_more_than_two_gigabytes_and_then_more_requests() {
    const BIG: u64 = 2_300_000_000;
    spoken(LOOPBACK, &[(GET, 2, COMPLETE, 4)], |server, client| {
        for bytes in [300_000, BIG, 7] {
            send(client, server, REQUEST);
            std::thread::scope(|scope| {
                scope.spawn(|| send_file(server, bytes));
                let mut head = [0; 1];
                while head[0] != b'\n' || {
                    client.read_exact(&mut head).unwrap();
                    head[0] != b'\r'
                } {
                    client.read_exact(&mut head).unwrap();
                }
                client.read_exact(&mut head).unwrap();
                swallow(client, bytes);
            });
        }
        send(client, server, REQUEST);
        send(server, client, ANSWER);
    });
}

#[test]
fn splice_from_a_pipe() {
    spoken(LOOPBACK, &[(GET, 2, COMPLETE, 2)], |server, client| {
        for _ in 0..2 {
            send(client, server, REQUEST);
            let (read, write) = nix::unistd::pipe().unwrap();
            assert_eq!(nix::unistd::write(&write, ANSWER).unwrap(), ANSWER.len());
            let none = std::ptr::null_mut();
            // SAFETY: both descriptors are open; no offsets are passed.
            let moved = unsafe {
                libc::splice(
                    read.as_raw_fd(),
                    none,
                    server.as_raw_fd(),
                    none,
                    ANSWER.len(),
                    0,
                )
            };
            assert_eq!(moved as usize, ANSWER.len());
            client.read_exact(&mut vec![0; ANSWER.len()]).unwrap();
        }
    });
}

#[test]
fn io_uring() {
    spoken(LOOPBACK, &[(GET, 2, COMPLETE, 1)], |server, client| {
        let mut ring = io_uring::IoUring::new(4).unwrap();
        let mut submit = |fd: i32, bytes: &[u8]| {
            let entry = io_uring::opcode::Send::new(
                io_uring::types::Fd(fd),
                bytes.as_ptr(),
                bytes.len() as u32,
            )
            .build();
            // SAFETY: the bytes live until the completion, which is waited for.
            unsafe { ring.submission().push(&entry).unwrap() };
            ring.submit_and_wait(1).unwrap();
            assert_eq!(
                ring.completion().next().unwrap().result() as usize,
                bytes.len()
            );
        };
        submit(client.as_raw_fd(), REQUEST);
        server.read_exact(&mut vec![0; REQUEST.len()]).unwrap();
        submit(server.as_raw_fd(), ANSWER);
        client.read_exact(&mut vec![0; ANSWER.len()]).unwrap();
    });
}
