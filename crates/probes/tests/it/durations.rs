//! Durations as a client that stamps every request itself sees them.

use crate::kernel::{CLIENT, Kernel, SERVER, pair};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

const REQUEST: &[u8] = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n";
const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

/// Answers so many requests, each after its delay.
fn serve(server: &mut TcpStream, delays: &[Duration]) {
    for delay in delays {
        server.read_exact(&mut [0; REQUEST.len()]).unwrap();
        std::thread::sleep(*delay);
        server.write_all(ANSWER).unwrap();
    }
}

/// Lets the thread run whenever it can: while a thread waits for a processor its watch goes on, and no answer is late.
fn first_in_line() {
    let first = libc::sched_param { sched_priority: 1 };
    // SAFETY: the structure lives through the call. Without the right the thread waits its turn.
    unsafe { libc::sched_setscheduler(0, libc::SCHED_FIFO, &raw const first) };
}

/// Asks so many times and returns how long each took, sorted.
fn ask(client: &mut TcpStream, times: usize) -> Vec<Duration> {
    let one = |_| {
        let asked = Instant::now();
        client.write_all(REQUEST).unwrap();
        client.read_exact(&mut [0; ANSWER.len()]).unwrap();
        asked.elapsed()
    };
    let mut taken: Vec<Duration> = (0..times).map(one).collect();
    taken.sort();
    taken
}

#[test]
fn percentiles_are_those_of_a_client_with_a_watch() {
    let Some(mut kernel) = Kernel::attach() else {
        return;
    };
    let (mut server, mut client, port) = pair("127.0.0.1:0");
    // 60 % at 20 ms, 30 % at 50 ms, 10 % at 200 ms.
    let delays: Vec<Duration> = (0..60)
        .map(|n| {
            Duration::from_millis(if n % 10 < 6 {
                20
            } else if n % 10 < 9 {
                50
            } else {
                200
            })
        })
        .collect();
    let stamped = std::thread::scope(|scope| {
        scope.spawn(|| serve(&mut server, &delays));
        let asking = scope.spawn(|| {
            first_in_line();
            ask(&mut client, delays.len())
        });
        asking.join().unwrap()
    });
    for side in [SERVER, CLIENT] {
        let histogram = kernel.durations(port, side);
        assert_eq!(histogram.count(), delays.len() as u64);
        for (quantile, of) in [(0.5, "p50"), (0.8, "p80"), (0.95, "p95")] {
            let rank = (quantile * stamped.len() as f64).ceil() as usize - 1;
            let (truth, seen) = (
                stamped[rank],
                Duration::from_nanos(histogram.quantile(quantile).unwrap()),
            );
            let allowed = (truth / 20).max(Duration::from_millis(2));
            assert!(
                seen.abs_diff(truth) <= allowed,
                "side {side}, {of}: {seen:?}, the client's watch says {truth:?}"
            );
        }
    }
}
