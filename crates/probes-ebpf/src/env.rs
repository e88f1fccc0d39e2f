//! What the framing engine asks of its surroundings, answered with maps and helpers.

use crate::atomic;
use crate::maps::{BUDGET, COUNT, DETAIL, HISTOGRAM, QUEUE, Scratch, TRAFFIC, count};
use crate::series;
use aya_ebpf::bindings::{__sk_buff, BPF_ANY, BPF_NOEXIST, BPF_RB_NO_WAKEUP};
use aya_ebpf::helpers::{bpf_sk_fullsock, bpf_skb_load_bytes, bpf_tcp_sock};
use coral_probes_abi::bounded;
use coral_probes_abi::histogram::{octave, slot};
use coral_probes_abi::http1::{Conn, Counter, Ended, Env, LINE_BYTES, Request, Walk};
use coral_probes_abi::records::{CountKey, Detail, HistogramKey, QueueKey, STREAM_NS, Traffic};

/// A packet (none when a connection closes) and its connection's cookie.
pub struct Kernel {
    pub skb: *mut __sk_buff,
    pub cookie: u64,
    /// Under what its requests wait.
    pub queue: u64,
    /// Where the payload begins in the packet.
    pub payload: u32,
    /// Null when a connection closes: nothing is built then.
    pub scratch: *mut Scratch,
}

static NO_COUNTS: [u64; 64] = [0; 64];

impl Env for Kernel {
    #[inline(always)]
    fn load(&mut self, walk: &mut Walk, offset: u32, bytes: u32) -> bool {
        // 1 to 512 bytes; the bound must be seen by the verifier.
        let bytes = bounded::<511>((bytes as u64).wrapping_sub(1)) as u32 + 1;
        let to = walk.window.as_mut_ptr();
        // SAFETY: the window holds more than 512 bytes.
        unsafe {
            bpf_skb_load_bytes(
                self.skb as *const _,
                self.payload + offset,
                to as *mut _,
                bytes,
            ) == 0
        }
    }

    #[inline(always)]
    fn spare(&mut self) -> *mut Request {
        // SAFETY: a map value; only packets begin requests.
        unsafe { &raw mut (*self.scratch).request }
    }

    #[inline(always)]
    fn overflow_put(&mut self, request: &Request) -> bool {
        queue::put(self.queue, request)
    }

    #[inline(always)]
    fn overflow_get(&mut self, index: u32) -> *const Request {
        queue::get(self.queue, index)
    }

    #[inline(always)]
    fn overflow_drop(&mut self, index: u32) {
        queue::forget(self.queue, index);
    }

    #[inline(always)]
    fn began(&mut self, conn: &mut Conn) {
        conn.series = series::of(conn, self.cookie, self.scratch);
    }

    #[inline(always)]
    fn ended(&mut self, conn: &mut Conn, request: &Request, ended: &Ended) {
        request_ended(self.skb, conn, request, ended);
    }

    #[inline(always)]
    fn count(&mut self, counter: Counter) {
        count(counter);
    }
}

/// Requests that have no slot in their connection.
pub mod queue {
    use super::*;

    #[inline(always)]
    fn key(queue: u64, index: u32) -> QueueKey {
        QueueKey {
            queue,
            index,
            unused: 0,
        }
    }

    #[inline(always)]
    pub fn put(queue: u64, request: &Request) -> bool {
        let key = key(queue, request.index);
        QUEUE.insert(&key, request, BPF_ANY as u64).is_ok()
    }

    #[inline(always)]
    pub fn get(queue: u64, index: u32) -> *const Request {
        match QUEUE.get_ptr(&key(queue, index)) {
            Some(request) => request,
            None => core::ptr::null(),
        }
    }

    #[inline(always)]
    pub fn forget(queue: u64, index: u32) {
        let _ = QUEUE.remove(&key(queue, index));
    }
}

/// A call of its own: it is reached from the packet and from the loop over it, and the stack is short.
#[inline(never)]
fn request_ended(skb: *mut __sk_buff, conn: &mut Conn, request: &Request, ended: &Ended) {
    count_ended(conn, request, ended);
    if !skb.is_null() {
        tcp(skb, conn.series, &mut conn.resent);
    }
    flush_traffic(conn, 0);
}

/// The same where there is no packet: programs that trace may not ask the socket.
#[inline(never)]
pub fn unix_request_ended(conn: &mut Conn, request: &Request, ended: &Ended) {
    count_ended(conn, request, ended);
    flush_traffic(conn, 0);
}

#[inline(always)]
fn count_ended(conn: &mut Conn, request: &Request, ended: &Ended) {
    let duration_ns = ended.ended_ns.wrapping_sub(ended.began_ns);
    let stream = (ended.tunnel || duration_ns > STREAM_NS) as u8;
    let class = if ended.status > 599 {
        5
    } else {
        (ended.status / 100) as u8
    };
    count_request(conn.series, ended, class, stream);
    if ended.ending == 0 && stream == 0 {
        count_duration(conn.series, class, duration_ns);
    }
    detail(conn.series, request, ended, stream);
}

#[inline(always)]
fn count_request(series: u64, ended: &Ended, class: u8, stream: u8) {
    let key = CountKey {
        series,
        method: ended.method,
        class,
        ending: ended.ending,
        stream,
        unused: 0,
    };
    let known = COUNT.get_ptr_mut(&key).or_else(|| {
        let _ = COUNT.insert(&key, &0, BPF_NOEXIST as u64);
        COUNT.get_ptr_mut(&key)
    });
    match known {
        Some(counter) => atomic::add(counter, 1),
        None => count(Counter::CountFull),
    }
}

#[inline(always)]
pub fn count_duration(series: u64, class: u8, duration_ns: u64) {
    let key = HistogramKey {
        series,
        class,
        octave: octave(duration_ns),
        unused: [0; 6],
    };
    let known = HISTOGRAM.get_ptr_mut(&key).or_else(|| {
        let _ = HISTOGRAM.insert(&key, &NO_COUNTS, BPF_NOEXIST as u64);
        HISTOGRAM.get_ptr_mut(&key)
    });
    match known {
        // SAFETY: the slot is bounded to the array's 64 places.
        Some(counters) => unsafe {
            let place = (counters as *mut u64).add(bounded::<63>(slot(duration_ns) as u64));
            atomic::add(place, 1);
        },
        None => count(Counter::CountFull),
    }
}

/// Writes a record while the interval's budget lasts.
#[inline(always)]
fn detail(series: u64, request: &Request, ended: &Ended, stream: u8) {
    let Some(budget) = BUDGET.get_ptr_mut(0) else {
        return;
    };
    // SAFETY: a map value; a race lets one record more or less through.
    if unsafe { *budget } == 0 {
        return;
    }
    // SAFETY: as above.
    unsafe { *budget -= 1 };
    let Some(mut record) = DETAIL.reserve::<Detail>(0) else {
        return count(Counter::DetailLost);
    };
    let to = record.as_mut_ptr();
    // SAFETY: the reserved record is as large as `Detail`; every field is written.
    unsafe {
        (*to).series = series;
        (*to).began_ns = ended.began_ns;
        (*to).answered_ns = ended.answered_ns;
        (*to).ended_ns = ended.ended_ns;
        (*to).status = ended.status;
        (*to).method = ended.method;
        (*to).ending = ended.ending;
        (*to).stream = stream;
        (*to).line_bytes = request.line_bytes;
        (*to).unused = 0;
        core::ptr::copy_nonoverlapping(request.line.as_ptr(), (*to).line.as_mut_ptr(), LINE_BYTES);
    }
    record.submit(BPF_RB_NO_WAKEUP as u64);
}

/// Asks the socket for its round-trip time and what it sent again; `known` are those that were added before.
#[inline(always)]
pub fn tcp(skb: *mut __sk_buff, series: u64, known: &mut u32) {
    // SAFETY: a field of the program's context; each helper is given what the one before returned, checked.
    let (srtt_us, resent) = unsafe {
        let socket = (*skb).__bindgen_anon_2.sk;
        if socket.is_null() {
            return;
        }
        let full = bpf_sk_fullsock(socket);
        if full.is_null() {
            return;
        }
        let tcp = bpf_tcp_sock(full);
        if tcp.is_null() {
            return;
        }
        ((*tcp).srtt_us, (*tcp).total_retrans)
    };
    let grown = resent.wrapping_sub(*known);
    *known = resent;
    if let Some(traffic) = TRAFFIC.get_ptr_mut(&series) {
        // SAFETY: fields of a map value. The kernel keeps eight times the microseconds.
        unsafe {
            (*traffic).rtt_ns = ((srtt_us >> 3) as u64) * 1000;
            if grown != 0 {
                atomic::add(&raw mut (*traffic).resent, grown as u64);
            }
        }
    }
}

/// Adds to the series what its connection moved since the last time.
#[inline(always)]
pub fn flush_traffic(conn: &mut Conn, connections: u64) {
    let [out, into] = &mut conn.dir;
    let bytes_out = out.seen.wrapping_sub(out.counted);
    let bytes_in = into.seen.wrapping_sub(into.counted);
    out.counted = out.seen;
    into.counted = into.seen;
    add_traffic(conn.series, connections, bytes_out, bytes_in);
}

/// Adds connections and bytes to a series.
#[inline(always)]
pub fn add_traffic(series: u64, connections: u64, bytes_out: u64, bytes_in: u64) {
    match traffic_of(series) {
        // SAFETY: fields of a map value.
        Some(traffic) => unsafe {
            if connections != 0 {
                atomic::add(&raw mut (*traffic).connections, connections);
            }
            atomic::add(&raw mut (*traffic).bytes_out, bytes_out);
            atomic::add(&raw mut (*traffic).bytes_in, bytes_in);
        },
        None => count(Counter::CountFull),
    }
}

/// The traffic of a series, made when there is none.
#[inline(always)]
pub fn traffic_of(series: u64) -> Option<*mut Traffic> {
    TRAFFIC.get_ptr_mut(&series).or_else(|| {
        let none = Traffic {
            connections: 0,
            bytes_out: 0,
            bytes_in: 0,
            resent: 0,
            failures: 0,
            rtt_ns: 0,
        };
        let _ = TRAFFIC.insert(&series, &none, BPF_NOEXIST as u64);
        TRAFFIC.get_ptr_mut(&series)
    })
}
