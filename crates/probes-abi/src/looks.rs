//! What a conversation that is not read looks like, from the first bytes of either end. A guess that names it, never a
//! count: whatever is not recognised is plain TCP.

/// Bytes that [`looks_like`] wants; fewer are padded with zeros.
pub const LOOK_BYTES: usize = 16;

/// `coral_model::Protocol` codes.
pub mod protocol {
    /// HTTP/1.
    pub const HTTP1: u8 = 1;
    /// TLS.
    pub const TLS: u8 = 2;
    /// HTTP/2.
    pub const HTTP2: u8 = 3;
    /// Any other.
    pub const OTHER: u8 = 4;
    /// PostgreSQL.
    pub const POSTGRES: u8 = 5;
    /// MySQL.
    pub const MYSQL: u8 = 6;
    /// Redis.
    pub const REDIS: u8 = 7;
    /// Memcached, text.
    pub const MEMCACHED: u8 = 8;
    /// MongoDB.
    pub const MONGODB: u8 = 9;
    /// Kafka.
    pub const KAFKA: u8 = 10;
    /// AMQP 0-9-1 and 1.0.
    pub const AMQP: u8 = 11;
    /// NATS.
    pub const NATS: u8 = 12;
    /// SSH.
    pub const SSH: u8 = 13;
    /// FastCGI.
    pub const FASTCGI: u8 = 14;
    /// Any other over a Unix socket.
    pub const UNIX: u8 = 15;
}

const fn word(text: &[u8; 4]) -> u32 {
    u32::from_le_bytes(*text)
}

#[inline(always)]
fn le(b: &[u8; LOOK_BYTES], at: usize) -> u32 {
    u32::from_le_bytes([b[at], b[at + 1], b[at + 2], b[at + 3]])
}

#[inline(always)]
fn be(b: &[u8; LOOK_BYTES], at: usize) -> u32 {
    le(b, at).swap_bytes()
}

/// The protocol whose first message begins so; 0 when none is recognised. `bytes` of `first` are there.
#[inline(always)]
pub fn looks_like(first: &[u8; LOOK_BYTES], bytes: u32, from_caller: bool) -> u8 {
    let word0 = le(first, 0);
    // RFC 4253 section 4.2: both ends begin so.
    if word0 == word(b"SSH-") {
        return protocol::SSH;
    }
    // RFC 8446 section 5.1: a handshake record, version 3.x.
    if word0 & 0xffff == 0x0316 && first[2] <= 4 {
        return protocol::TLS;
    }
    if from_caller {
        of_caller(first, word0, bytes)
    } else {
        of_callee(first, word0)
    }
}

#[inline(always)]
fn of_caller(first: &[u8; LOOK_BYTES], word0: u32, bytes: u32) -> u8 {
    // RFC 9113 section 3.4.
    if word0 == word(b"PRI ") {
        return protocol::HTTP2;
    }
    if word0 == word(b"AMQP") {
        return protocol::AMQP;
    }
    if is_redis(first) {
        return protocol::REDIS;
    }
    if is_memcached(word0) {
        return protocol::MEMCACHED;
    }
    // FastCGI specification, 3.3 and 5.1: version 1, BEGIN_REQUEST of eight bytes.
    if bytes >= 8 && word0 & 0xffff == 0x0101 && first[4] == 0 && first[5] == 8 {
        return protocol::FASTCGI;
    }
    if bytes >= 8 && is_postgres(first) {
        return protocol::POSTGRES;
    }
    if bytes >= 16 && is_mongodb(first) {
        return protocol::MONGODB;
    }
    if bytes >= 14 && is_kafka(first) {
        return protocol::KAFKA;
    }
    0
}

/// A RESP array of bulk strings: `*2\r\n$`, `*12\r\n$` (redis.io, RESP protocol specification).
#[inline(always)]
fn is_redis(b: &[u8; LOOK_BYTES]) -> bool {
    let digit = |c: u8| c.is_ascii_digit();
    let one = b[2] == b'\r' && b[3] == b'\n' && b[4] == b'$';
    let two = digit(b[2]) && b[3] == b'\r' && b[4] == b'\n' && b[5] == b'$';
    b[0] == b'*' && digit(b[1]) && (one || two)
}

/// The usual commands of memcached's doc/protocol.txt.
#[inline(always)]
fn is_memcached(word0: u32) -> bool {
    word0 == word(b"get ")
        || word0 == word(b"gets")
        || word0 == word(b"set ")
        || word0 == word(b"add ")
        || word0 == word(b"incr")
        || word0 == word(b"decr")
        || word0 == word(b"touc")
        || word0 == word(b"stat")
        || word0 == word(b"vers")
}

/// The start-up message, version 3.0 or 3.2, or one of the requests 1234.5678 to 1234.5680 (PostgreSQL manual, 55.7).
#[inline(always)]
fn is_postgres(b: &[u8; LOOK_BYTES]) -> bool {
    let (length, code) = (be(b, 0), be(b, 4));
    let version = code == 0x0003_0000 || code == 0x0003_0002;
    let request = (0x04d2_162e..=0x04d2_1630).contains(&code);
    (8..=10_000).contains(&length) && (version || request)
}

/// A message header with the operation OP_QUERY, OP_COMPRESSED or OP_MSG, answering nothing (MongoDB wire protocol).
#[inline(always)]
fn is_mongodb(b: &[u8; LOOK_BYTES]) -> bool {
    let (length, answers, operation) = (le(b, 0), le(b, 8), le(b, 12));
    (21..=48_000_000).contains(&length)
        && answers == 0
        && (operation == 2004 || operation == 2012 || operation == 2013)
}

/// A request header: ApiVersions, Metadata, Produce or Fetch, with a client id of sane length (Kafka protocol guide).
#[inline(always)]
fn is_kafka(b: &[u8; LOOK_BYTES]) -> bool {
    let length = be(b, 0);
    let (key, version) = (be(b, 4) >> 16, be(b, 4) & 0xffff);
    let id = u16::from_be_bytes([b[12], b[13]]);
    let sane_id = id == 0xffff || id <= 255;
    (10..=1_000_000).contains(&length)
        && (key == 18 || key == 3 || key <= 1)
        && version <= 20
        && sane_id
}

#[inline(always)]
fn of_callee(first: &[u8; LOOK_BYTES], word0: u32) -> u8 {
    // NATS protocol: the server begins with INFO {...}.
    if word0 == word(b"INFO") && first[4] == b' ' {
        return protocol::NATS;
    }
    // MySQL, Protocol::HandshakeV10: a packet of three bytes' length, number 0, version 10, a readable server version.
    let readable = first[5].is_ascii_digit() || first[5] == b'M';
    if first[1] == 0 && first[2] == 0 && first[3] == 0 && first[4] == 10 && readable {
        return protocol::MYSQL;
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn look(text: &[u8], from_caller: bool) -> u8 {
        let mut first = [0; LOOK_BYTES];
        let n = text.len().min(LOOK_BYTES);
        first[..n].copy_from_slice(&text[..n]);
        looks_like(&first, n as u32, from_caller)
    }

    #[test]
    fn first_messages_are_recognised() {
        let caller: [(&[u8], u8); 12] = [
            (b"\x01\x01\0\x01\0\x08\0\0\0\x01", protocol::FASTCGI),
            (b"\x16\x03\x01\x02\x00\x01", protocol::TLS),
            (b"PRI * HTTP/2.0\r\n", protocol::HTTP2),
            (b"SSH-2.0-OpenSSH_9", protocol::SSH),
            (b"*1\r\n$4\r\nPING\r\n", protocol::REDIS),
            (b"*14\r\n$6\r\nCLIENT", protocol::REDIS),
            (b"get some-key\r\n", protocol::MEMCACHED),
            (b"\0\0\0\x08\x04\xd2\x16\x2f", protocol::POSTGRES),
            (b"\0\0\0\x55\0\x03\0\0user\0post", protocol::POSTGRES),
            (
                b"\x3a\x01\0\0\x01\0\0\0\0\0\0\0\xdd\x07\0\0",
                protocol::MONGODB,
            ),
            (b"\0\0\0\x23\0\x12\0\x03\0\0\0\x01\0\x07rd", protocol::KAFKA),
            (b"AMQP\0\0\x09\x01", protocol::AMQP),
        ];
        for (text, protocol) in caller {
            assert_eq!(look(text, true), protocol, "{:?}", text.escape_ascii());
        }
        let mysql = b"\x4a\0\0\0\x0a8.0.36\0\x08";
        assert_eq!(look(mysql, false), protocol::MYSQL);
        assert_eq!(look(b"INFO {\"server_id\"", false), protocol::NATS);
        for other in [&b"EHLO me\r\n"[..], b"", b"\0", b"hello there"] {
            assert_eq!(look(other, true), 0, "{:?}", other.escape_ascii());
        }
    }

    proptest! {
        #[test]
        fn whatever_comes_gets_a_code_of_the_model(
            first in any::<[u8; LOOK_BYTES]>(), bytes in 0u32..17, from_caller in any::<bool>()
        ) {
            prop_assert!(looks_like(&first, bytes, from_caller) <= protocol::FASTCGI);
        }
    }
}
