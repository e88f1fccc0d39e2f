//! Nonsense that is close to sense: frames that a client sent, changed by a generator that always does the same.

/// xorshift, so that a failure comes again.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }

    fn bytes(&mut self, n: usize) -> Vec<u8> {
        (0..n).map(|_| self.next() as u8).collect()
    }
}

const PREFACE: usize = 24;
const HEAD: usize = 9;

/// The preface and the HTTP/2 frames of a connection.
pub fn frames(bytes: &[u8]) -> Vec<Vec<u8>> {
    let (preface, mut rest) = bytes.split_at(PREFACE);
    let mut out = vec![preface.to_vec()];
    while rest.len() >= HEAD {
        let length = u32::from_be_bytes([0, rest[0], rest[1], rest[2]]) as usize;
        let (frame, after) = rest.split_at((HEAD + length).min(rest.len()));
        out.push(frame.to_vec());
        rest = after;
    }
    out
}

/// A frame of any type with any content; its length is right.
fn strange(random: &mut Random) -> Vec<u8> {
    let length = random.below(300);
    let mut frame = (length as u32).to_be_bytes()[1..].to_vec();
    // Types, flags and streams that exist are more telling than those that do not.
    frame.extend([random.below(12) as u8, random.next() as u8 & 0x2d]);
    frame.extend((random.below(6) as u32).to_be_bytes());
    frame.extend(random.bytes(length));
    frame
}

fn flip(bytes: &mut [u8], from: usize, random: &mut Random) {
    for _ in 0..=random.below(4) {
        let at = from + random.below(bytes.len().saturating_sub(from));
        if let Some(byte) = bytes.get_mut(at) {
            *byte = random.next() as u8;
        }
    }
}

/// One change, somewhere after the first part.
fn change(parts: &mut Vec<Vec<u8>>, heads: usize, random: &mut Random) {
    let at = 1 + random.below(parts.len() - 1);
    match random.below(7) {
        // In the content: past the head of the frame, and of the message in it.
        0 => flip(&mut parts[at], heads, random),
        1 => flip(&mut parts[at], heads + 5, random),
        2 => flip(&mut parts[at], 0, random),
        3 => {
            let length = random.below(parts[at].len());
            parts[at].truncate(length);
        }
        4 => {
            let again = parts[at].clone();
            parts.insert(at, again);
        }
        5 => {
            let other = 1 + random.below(parts.len() - 1);
            parts.swap(at, other);
        }
        _ => {
            let more = random.below(200);
            let more = random.bytes(more);
            parts[at].extend(more);
        }
    }
}

/// All that is sent on one connection.
pub fn connection(recorded: &[Vec<Vec<u8>>], random: &mut Random) -> Vec<Vec<u8>> {
    match random.below(8) {
        0 => (0..4).map(|_| random.bytes(200)).collect(),
        1 => {
            let mut frames = recorded[0][..2].to_vec();
            frames.extend((0..8).map(|_| strange(random)));
            frames
        }
        _ => {
            let mut frames = recorded[random.below(recorded.len())].clone();
            for _ in 0..=random.below(2) {
                change(&mut frames, HEAD, random);
            }
            frames
        }
    }
}

/// Lines of a request, changed; or bytes.
pub fn pieces(lines: &[Vec<u8>], random: &mut Random) -> Vec<Vec<u8>> {
    if random.below(8) == 0 {
        return (0..4).map(|_| random.bytes(200)).collect();
    }
    let mut lines = lines.to_vec();
    for _ in 0..=random.below(3) {
        change(&mut lines, 0, random);
    }
    lines
}
