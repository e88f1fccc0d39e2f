//! The framing engine on the host, fed with packets from anywhere: what the kernel side does with maps is done with
//! vectors here, everything else is the same code. Recorded traffic is replayed with it, and it is what the engine's
//! property tests and its fuzz target run.

#[cfg(test)]
mod tests;

use coral_probes_abi::http1::{
    Conn, Counter, Dir, Ended, Env, Flags, Request, Walk, close, enter, step, steps_for,
};
use std::collections::HashMap;

/// One connection as seen from one of its sockets.
pub struct Replay {
    host: Host,
    conn: Box<Conn>,
    walk: Box<Walk>,
    now_ns: u64,
    /// Initial sequence numbers, egress and ingress.
    first_seq: [u32; 2],
}

struct Host {
    packet: Vec<u8>,
    spare: Box<Request>,
    waiting: HashMap<u32, Box<Request>>,
    ended: Vec<(String, Ended)>,
    losses: Vec<Counter>,
}

impl Env for Host {
    fn load(&mut self, walk: &mut Walk, offset: u32, bytes: u32) -> bool {
        let from = offset as usize;
        match self.packet.get(from..from + bytes as usize) {
            Some(part) => walk.window[..part.len()].copy_from_slice(part),
            None => return false,
        }
        true
    }

    fn spare(&mut self) -> *mut Request {
        &mut *self.spare
    }

    fn overflow_put(&mut self, request: &Request) -> bool {
        self.waiting
            .insert(request.index, Box::new(*request))
            .is_none()
    }

    fn overflow_get(&mut self, index: u32) -> *const Request {
        self.waiting
            .get(&index)
            .map_or(std::ptr::null(), |request| &**request)
    }

    fn overflow_drop(&mut self, index: u32) {
        self.waiting.remove(&index);
    }

    fn began(&mut self, conn: &mut Conn) {
        conn.series = 1;
    }

    fn ended(&mut self, _: &mut Conn, request: &Request, ended: &Ended) {
        let line = String::from_utf8_lossy(&request.line[..usize::from(request.line_bytes)]);
        let target = line.split(' ').nth(1).unwrap_or("").to_owned();
        self.ended.push((target, *ended));
    }

    fn count(&mut self, counter: Counter) {
        self.losses.push(counter);
    }
}

impl Replay {
    /// A connection whose first bytes, out and in, have these sequence numbers.
    pub fn new(first_seq: [u32; 2]) -> Self {
        let host = Host {
            packet: vec![],
            spare: Box::new(Request::EMPTY),
            waiting: HashMap::new(),
            ended: vec![],
            losses: vec![],
        };
        let (conn, walk) = (Box::new(Conn::EMPTY), Box::new(Walk::EMPTY));
        Self {
            host,
            conn,
            walk,
            now_ns: 1,
            first_seq,
        }
    }

    /// Feeds a packet of a direction (0 egress, 1 ingress) whose bytes lie at `offset` of its stream.
    pub fn packet(&mut self, direction: usize, offset: usize, bytes: &[u8], fin: bool) {
        let direction = direction & 1;
        self.now_ns += 1;
        self.host.packet.clear();
        self.host.packet.extend_from_slice(bytes);
        self.walk.now_ns = self.now_ns;
        self.walk.direction = direction as u8;
        let dir: *mut Dir = &mut self.conn.dir[direction];
        // SAFETY: as in the kernel, where the same map memory is reached by both pointers; the engine touches the
        // direction through one of them at a time.
        let dir = unsafe { &mut *dir };
        let seq = self.first_seq[direction].wrapping_add(offset as u32);
        let (host, conn, walk) = (&mut self.host, &mut *self.conn, &mut *self.walk);
        let bytes = bytes.len() as u32;
        if enter(host, walk, conn, dir, seq, bytes) {
            let mut steps = steps_for(bytes);
            while step(host, walk, conn, dir) {
                assert!(
                    steps > 0,
                    "a packet of {bytes} bytes took more steps than the bound"
                );
                steps -= 1;
            }
        }
        walk.leave(host, conn, dir, Flags { fin, reset: false });
    }

    /// The connection ends here.
    pub fn close(&mut self) {
        while close(&mut self.host, &mut self.conn, self.now_ns) {}
    }

    /// Target, status and ending of the requests that ended, in order.
    pub fn ended(&self) -> Vec<(String, u16, u8)> {
        self.host
            .ended
            .iter()
            .map(|(target, e)| (target.clone(), e.status, e.ending))
            .collect()
    }

    /// The same with everything that is known of them.
    pub fn ended_detail(&self) -> &[(String, Ended)] {
        &self.host.ended
    }

    /// What was lost, in order.
    pub fn losses(&self) -> &[Counter] {
        &self.host.losses
    }

    /// Requests that wait outside of the connection's own slots.
    pub fn waiting(&self) -> usize {
        self.host.waiting.len()
    }

    /// The engine's state.
    pub fn conn(&self) -> &Conn {
        &self.conn
    }
}

/// Fuzz target: foreign packets in any order and direction. Nothing panics or loops, and no more requests end than began.
/// Each packet is two bytes (direction and FIN, offset step) and a length byte, then its bytes.
pub fn fuzz(mut data: &[u8]) {
    let mut replay = Replay::new([u32::MAX - 100, 0]);
    let mut offsets = [0usize; 2];
    while let [kind, step, length, rest @ ..] = data {
        let bytes = &rest[..rest.len().min(usize::from(*length) * 2)];
        let direction = usize::from(kind & 1);
        let back = usize::from(*step & 0x0f) * usize::from(kind >> 7);
        let skip = usize::from(*step >> 4) * usize::from((kind >> 6) & 1);
        let offset = (offsets[direction] + skip).saturating_sub(back);
        replay.packet(direction, offset, bytes, kind & 2 != 0);
        offsets[direction] = offset + bytes.len();
        data = &rest[bytes.len()..];
    }
    assert_eq!(replay.ended().len() as u32, replay.conn().ended);
    replay.close();
    assert!(replay.conn().side == 0 || replay.conn().in_flight() == 0);
}
