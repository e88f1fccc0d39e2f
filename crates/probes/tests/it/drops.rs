//! Whatever comes, no packet is dropped: full maps, malformed segments, floods of connections.

use crate::kernel::{Kernel, SERVER};
use coral_probes::abi::http1::Counter;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;

const REQUEST: &[u8] = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n";
const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

/// Maps of a few places: every answer arrives all the same, and what is not counted is counted as that.
#[test]
fn full_maps_cost_counts_and_no_bytes() {
    let small = [
        ("coral_conn", 8),
        ("coral_talk", 8),
        ("coral_series", 4),
        ("coral_count", 2),
        ("coral_histogram", 2),
        ("coral_traffic", 2),
        ("coral_tuple", 2),
        ("coral_queue", 2),
    ];
    let Some(mut kernel) = Kernel::attach_sized(&small) else {
        return;
    };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let mut pairs: Vec<(TcpStream, TcpStream)> = (0..40)
        .map(|_| {
            let client = TcpStream::connect(address).unwrap();
            (client, listener.accept().unwrap().0)
        })
        .collect();
    for (client, server) in &mut pairs {
        client.write_all(&REQUEST.repeat(4)).unwrap();
        server.read_exact(&mut vec![0; REQUEST.len() * 4]).unwrap();
        server.write_all(&ANSWER.repeat(4)).unwrap();
        let mut answers = vec![0; ANSWER.len() * 4];
        client.read_exact(&mut answers).unwrap();
        assert_eq!(answers, ANSWER.repeat(4));
    }
    let rows = kernel.rows(address.port());
    let counted: u64 = rows
        .iter()
        .filter(|row| row.0 == SERVER)
        .map(|row| row.4)
        .sum();
    let full = [
        Counter::ConnFull,
        Counter::SeriesFull,
        Counter::CountFull,
        Counter::QueueFull,
    ];
    let lost: u64 = full.iter().map(|&c| kernel.lost[c as usize]).sum();
    assert!(counted < 160 && lost > 0, "{counted} counted, {lost} lost");
}

/// Segments as no stack makes them, each from a seed: as many arrive with the programs as without.
#[test]
fn malformed_segments_pass_as_they_did() {
    const SEGMENTS: u64 = 10_000;
    let without = thread::spawn(|| arrived(SEGMENTS)).join().unwrap();
    let Some(mut kernel) = Kernel::attach() else {
        return;
    };
    let with = arrived(SEGMENTS);
    assert!(
        without > SEGMENTS / 2,
        "{without} of {SEGMENTS} arrive at all"
    );
    assert_eq!(with, without);
    kernel.rows(0);
}

/// Sends so many segments to a raw socket of our own, and counts what it receives.
fn arrived(segments: u64) -> u64 {
    // SAFETY: plain calls; each result is looked at.
    let (out, into) = unsafe {
        (
            libc::socket(libc::AF_INET, libc::SOCK_RAW, libc::IPPROTO_RAW),
            libc::socket(
                libc::AF_INET,
                libc::SOCK_RAW | libc::SOCK_NONBLOCK,
                libc::IPPROTO_TCP,
            ),
        )
    };
    assert!(out >= 0 && into >= 0, "{}", std::io::Error::last_os_error());
    let (mut seed, mut count) = (0x9e37_79b9_7f4a_7c15u64, 0);
    for number in 0..segments {
        let packet = packet(number, &mut seed);
        let mut to: libc::sockaddr_in = unsafe { std::mem::zeroed() };
        to.sin_family = libc::AF_INET as u16;
        to.sin_addr.s_addr = u32::from_be_bytes([127, 0, 0, 77]).to_be();
        // SAFETY: the packet and the address live through the call.
        unsafe {
            libc::sendto(
                out,
                packet.as_ptr().cast(),
                packet.len(),
                0,
                (&raw const to).cast(),
                size_of_val(&to) as u32,
            )
        };
        count += received(into);
    }
    // SAFETY: descriptors of our own.
    unsafe {
        libc::close(out);
        libc::close(into);
    }
    count
}

/// How many of our segments wait at the socket; others of this machine are not to our address.
fn received(into: i32) -> u64 {
    let (mut bytes, mut count) = ([0u8; 2048], 0);
    loop {
        // SAFETY: the buffer lives through the call.
        let n = unsafe { libc::recv(into, bytes.as_mut_ptr().cast(), bytes.len(), 0) };
        if n < 20 {
            return count;
        }
        count += u64::from(bytes[16..20] == [127, 0, 0, 77]);
    }
}

/// An IPv4 packet with a TCP segment that is right, and then is not: lengths, flags, options and payload are random.
fn packet(number: u64, seed: &mut u64) -> Vec<u8> {
    let mut random = || {
        *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (*seed >> 33) as u32
    };
    let payload = (random() % 56) as usize;
    let mut packet = vec![0u8; 40 + payload];
    packet[0] = 0x45;
    packet[8] = 64;
    packet[9] = 6;
    packet[12..16].copy_from_slice(&[127, 0, 0, 1]);
    packet[16..20].copy_from_slice(&[127, 0, 0, 77]);
    packet[20..24].copy_from_slice(&random().to_be_bytes());
    packet[24..28].copy_from_slice(&random().to_be_bytes());
    packet[32] = 0x50;
    packet[33] = random() as u8;
    let text = b"GET / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\nxx";
    packet[40..].copy_from_slice(&text[..payload]);
    for _ in 0..random() % 4 {
        let at = 20 + random() as usize % (20 + payload);
        packet[at] = random() as u8;
    }
    if number.is_multiple_of(7) {
        packet.truncate(20 + random() as usize % (20 + payload));
    }
    packet
}
