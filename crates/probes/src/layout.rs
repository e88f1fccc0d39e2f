//! Offsets in the kernel's structures, read from its own description of its types (BTF,
//! Documentation/bpf/btf.rst): the few that the programs follow are looked up when they are loaded.

use coral_probes_abi::records::layout::{self, COUNT, OFFSETS};

/// `BTF_MAGIC`.
const MAGIC: u16 = 0xeb9f;
/// `struct btf_type` is three words.
const TYPE_BYTES: usize = 12;
/// `BTF_KIND_STRUCT`.
const STRUCT: u32 = 4;
/// `BTF_KIND_UNION`.
const UNION: u32 = 5;

/// A structure and its member.
type Step = (&'static str, &'static str);

/// Where each place in the array comes from: the sum of these.
const WANTED: [(u32, &[Step]); OFFSETS as usize] = [
    (
        layout::SOCK_NET,
        &[("sock", "__sk_common"), ("sock_common", "skc_net")],
    ),
    (layout::NET_INUM, &[("net", "ns"), ("ns_common", "inum")]),
    (layout::SOCK_ERR, &[("sock", "sk_err")]),
    (layout::SKB_SOCK, &[("sk_buff", "sk")]),
    (layout::SKB_LEN, &[("sk_buff", "len")]),
    (layout::SKB_IN_PAGES, &[("sk_buff", "data_len")]),
    (layout::SKB_DATA, &[("sk_buff", "data")]),
    (
        layout::SOCK_FAMILY,
        &[("sock", "__sk_common"), ("sock_common", "skc_family")],
    ),
    (layout::SOCK_TYPE, &[("sock", "sk_type")]),
    (layout::SOCK_SOCKET, &[("sock", "sk_socket")]),
    (
        layout::SOCKET_INODE,
        &[("socket_alloc", "vfs_inode"), ("inode", "i_ino")],
    ),
    (layout::UNIX_PEER, &[("unix_sock", "peer")]),
    (layout::SOCK_PEER_PID, &[("sock", "sk_peer_pid")]),
    (layout::PID_NUMBER, &[("pid", "numbers"), ("upid", "nr")]),
    (layout::SKB_HEAD, &[("sk_buff", "head")]),
    (layout::SKB_END, &[("sk_buff", "end")]),
    (layout::FRAGMENTS, &[("skb_shared_info", "frags")]),
];

/// The offsets by their place in the array; 0 where this kernel has none of that name.
pub fn offsets(btf: &[u8]) -> [u32; COUNT as usize] {
    let mut found = [0; COUNT as usize];
    let Some(types) = Types::of(btf) else {
        return found;
    };
    for (place, path) in WANTED {
        let offsets = path.iter().map(|(name, member)| types.offset(name, member));
        found[place as usize] = offsets.sum::<Option<u32>>().unwrap_or(0);
    }
    found
}

/// The sections of a BTF blob.
struct Types<'a> {
    types: &'a [u8],
    strings: &'a [u8],
    /// Where each type begins; the first has the number 1.
    begins: Vec<u32>,
}

/// Structures without a name lie within each other no deeper than this.
const DEEPEST: u32 = 6;

impl<'a> Types<'a> {
    fn of(btf: &'a [u8]) -> Option<Self> {
        if u16::from_le_bytes(btf.get(..2)?.try_into().ok()?) != MAGIC {
            return None;
        }
        let body = btf.get(word(btf, 4)? as usize..)?;
        let section = |at: usize| {
            let (from, bytes) = (word(btf, at)? as usize, word(btf, at + 4)? as usize);
            body.get(from..from.checked_add(bytes)?)
        };
        let (types, strings) = (section(8)?, section(16)?);
        let (mut begins, mut at) = (vec![], 0);
        while at + TYPE_BYTES <= types.len() {
            begins.push(at as u32);
            let (kind, count) = kind(types, at)?;
            at = (at + TYPE_BYTES).checked_add(trailing(kind, count)?)?;
        }
        Some(Self {
            types,
            strings,
            begins,
        })
    }

    /// The offset in bytes of a member of the structure of this name.
    fn offset(&self, name: &str, member: &str) -> Option<u32> {
        let named = |at: &&u32| {
            let at = **at as usize;
            let is_it = word(self.types, at).is_some_and(|text| self.is(text, name));
            is_it && kind(self.types, at).is_some_and(|(kind, _)| kind == STRUCT)
        };
        let mut all = self.begins.iter().filter(named);
        all.find_map(|&at| self.member(at as usize, member, DEEPEST))
    }

    /// The offset of a member of the type that begins here, also inside of members without a name.
    fn member(&self, at: usize, name: &str, depth: u32) -> Option<u32> {
        let (of, count) = kind(self.types, at)?;
        if of != STRUCT && of != UNION {
            return None;
        }
        let has_bitfields = word(self.types, at + 4)? >> 31 == 1;
        let members = (0..count).map(|i| at + TYPE_BYTES + i * TYPE_BYTES);
        for at in members {
            let (text, of) = (word(self.types, at)?, word(self.types, at + 4)?);
            let bits = word(self.types, at + 8)?;
            let bits = if has_bitfields {
                bits & 0xff_ffff
            } else {
                bits
            };
            if self.is(text, name) {
                return Some(bits / 8);
            }
            if text == 0 && depth > 0 {
                let begin = *self.begins.get((of as usize).checked_sub(1)?)?;
                if let Some(inner) = self.member(begin as usize, name, depth - 1) {
                    return Some(bits / 8 + inner);
                }
            }
        }
        None
    }

    fn is(&self, offset: u32, name: &str) -> bool {
        let text = self.strings.get(offset as usize..).unwrap_or_default();
        text.strip_prefix(name.as_bytes())
            .is_some_and(|rest| rest.first() == Some(&0))
    }
}

/// The kind of the type that begins here, and how many members it has.
fn kind(types: &[u8], at: usize) -> Option<(u32, usize)> {
    let info = word(types, at + 4)?;
    Some((info >> 24 & 31, (info & 0xffff) as usize))
}

/// How many bytes follow the three words of a type.
fn trailing(kind: u32, count: usize) -> Option<usize> {
    Some(match kind {
        // int, var, decl_tag
        1 | 14 | 17 => 4,
        // ptr, fwd, typedef, volatile, const, restrict, func, float, type_tag
        2 | 7..=12 | 16 | 18 => 0,
        // array
        3 => 12,
        // struct, union, datasec, enum64
        4 | 5 | 15 | 19 => count * 12,
        // enum, func_proto
        6 | 13 => count * 8,
        _ => return None,
    })
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    let four = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_le_bytes(four.try_into().ok()?))
}

/// Fuzz target: any bytes instead of the kernel's.
pub fn fuzz(data: &[u8]) {
    offsets(data);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_kernels_offsets_are_found_and_half_a_description_is_no_harm() {
        let Ok(btf) = std::fs::read("/sys/kernel/btf/vmlinux") else {
            assert!(std::env::var_os("CORAL_REQUIRE_KERNEL").is_none());
            return;
        };
        let found = offsets(&btf);
        let of_members = &found[..OFFSETS as usize];
        assert!(of_members.iter().all(|&o| o > 0 && o < 8192), "{found:?}");
        for cut in [0, 1, 7, 24, 1000, btf.len() / 2] {
            offsets(&btf[..cut]);
        }
    }
}
