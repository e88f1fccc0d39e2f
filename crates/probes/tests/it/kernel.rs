//! Attached programs, and what they counted at a port.

use coral_model::Histogram;
use coral_probes::abi::histogram::LINEAR;
use coral_probes::abi::http1::Counter;
use coral_probes::{Drained, Live, Source as _, load_sized};
use std::collections::{BTreeMap, HashMap};
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// One attached set of programs at a time keeps the figures of a failure readable.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// Attached programs.
pub struct Kernel {
    live: Live,
    ports: HashMap<u64, (u8, u16)>,
    counted: BTreeMap<Key, u64>,
    measured: BTreeMap<(u16, u8), Histogram>,
    pub lost: [u64; Counter::COUNT as usize],
    pub in_flight: usize,
    _turn: MutexGuard<'static, ()>,
}

/// Port, side (1 server, 2 client), method, class, ending.
type Key = (u16, u8, u8, u8, u8);

/// A count at a port: side, method code, status class, ending code, how many.
pub type Row = (u8, u8, u8, u8, u64);

pub const SERVER: u8 = 1;
pub const CLIENT: u8 = 2;
pub const GET: u8 = 1;
pub const HEAD: u8 = 2;
pub const POST: u8 = 3;
pub const CONNECT: u8 = 6;
pub const COMPLETE: u8 = 0;
pub const CUT: u8 = 1;
pub const UNANSWERED: u8 = 2;

impl Kernel {
    /// Attaches; `None` where that is not possible and need not be.
    pub fn attach() -> Option<Self> {
        Self::attach_sized(&[])
    }

    /// Attaches with other numbers of places in some maps.
    pub fn attach_sized(sizes: &[(&'static str, u32)]) -> Option<Self> {
        if !nix::unistd::geteuid().is_root() {
            assert!(
                std::env::var_os("CORAL_REQUIRE_KERNEL").is_none(),
                "kernel tests need root"
            );
            eprintln!("NOT RUN: kernel tests need root");
            return None;
        }
        let turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let live = Live::attach(load_sized(sizes).unwrap()).unwrap();
        let (ports, counted, lost) = (
            HashMap::new(),
            BTreeMap::new(),
            [0; Counter::COUNT as usize],
        );
        Some(Self {
            live,
            ports,
            counted,
            measured: BTreeMap::new(),
            lost,
            in_flight: 0,
            _turn: turn,
        })
    }

    fn drain(&mut self) {
        let mut drained = Drained::default();
        self.live.drain(&mut drained).unwrap();
        for (id, info) in drained.series {
            let port = if info.side == SERVER {
                info.local_port
            } else {
                info.remote_port
            };
            self.ports.insert(id, (info.side, port));
        }
        for (key, count) in drained.counts {
            let (side, port) = self.ports.get(&key.series).copied().unwrap_or((0, 0));
            *self
                .counted
                .entry((port, side, key.method, key.class, key.ending))
                .or_default() += count;
        }
        for (key, slots) in drained.durations {
            let (side, port) = self.ports.get(&key.series).copied().unwrap_or((0, 0));
            let histogram = self.measured.entry((port, side)).or_default();
            for (slot, count) in slots {
                histogram.add(u16::from(key.octave) * LINEAR + u16::from(slot), count);
            }
        }
        self.in_flight = drained.in_flight.len();
        self.lost = drained.lost;
    }

    /// What was counted at a port.
    pub fn rows(&mut self, port: u16) -> Vec<Row> {
        self.drain();
        let here = self.counted.iter().filter(|((at, ..), _)| *at == port);
        here.map(|((_, side, method, class, ending), count)| {
            (*side, *method, *class, *ending, *count)
        })
        .collect()
    }

    /// Durations at a port and side, nanoseconds.
    pub fn durations(&mut self, port: u16, side: u8) -> Histogram {
        self.drain();
        self.measured
            .get(&(port, side))
            .cloned()
            .unwrap_or_default()
    }

    /// Waits until both sides at a port have counted exactly this, and that it stays so.
    pub fn expect(&mut self, port: u16, both: &[(u8, u8, u8, u64)]) {
        let sides = [SERVER, CLIENT].into_iter();
        let want: Vec<Row> = sides
            .flat_map(|side| both.iter().map(move |&(m, c, e, n)| (side, m, c, e, n)))
            .collect();
        self.expect_rows(port, &want);
    }

    /// The same for rows that differ between the sides.
    pub fn expect_rows(&mut self, port: u16, want: &[Row]) {
        let until = Instant::now() + Duration::from_secs(10);
        while self.rows(port) != want && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(20));
        }
        std::thread::sleep(Duration::from_millis(50));
        assert_eq!(self.rows(port), want, "lost: {:?}", self.lost);
    }

    /// Nothing was lost, whatever was counted.
    pub fn expect_no_loss(&mut self) {
        self.drain();
        let mut lost = self.lost;
        // Other programs of the machine speak TLS meanwhile.
        for other in [Counter::Tls, Counter::Http2] {
            lost[other as usize] = 0;
        }
        assert_eq!(lost, [0; Counter::COUNT as usize]);
    }
}

/// A connected pair: (server's end, client's end, port).
pub fn pair(address: &str) -> (TcpStream, TcpStream, u16) {
    let listener = TcpListener::bind(address).unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (server, _) = listener.accept().unwrap();
    client.set_nodelay(true).unwrap();
    server.set_nodelay(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    (server, client, port)
}

/// Writes at one end and reads all of it at the other.
pub fn send(from: &mut TcpStream, to: &mut TcpStream, bytes: &[u8]) {
    let mut got = vec![0; bytes.len()];
    std::thread::scope(|scope| {
        scope.spawn(|| from.write_all(bytes).unwrap());
        to.read_exact(&mut got).unwrap();
    });
    assert_eq!(got, bytes);
}
