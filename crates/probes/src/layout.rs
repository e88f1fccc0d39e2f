//! Offsets in the kernel's structures, read from its own description of its types (BTF,
//! Documentation/bpf/btf.rst): the few that the programs follow are looked up when they are loaded.

use coral_probes_abi::records::layout::{COUNT, NET_INUM, SOCK_ERR, SOCK_NET};

/// `BTF_MAGIC`.
const MAGIC: u16 = 0xeb9f;
/// `struct btf_type` is three words.
const TYPE_BYTES: usize = 12;
/// `BTF_KIND_STRUCT`.
const STRUCT: u32 = 4;

/// The offsets by their place in the array; 0 where this kernel has none of that name.
pub fn offsets(btf: &[u8]) -> [u32; COUNT as usize] {
    let mut found = [0; COUNT as usize];
    let Some(types) = Types::of(btf) else {
        return found;
    };
    let sum = |parts: &[(&str, &str)]| {
        let offsets = parts
            .iter()
            .map(|(name, member)| types.offset(name, member));
        offsets.sum::<Option<u32>>().unwrap_or(0)
    };
    found[SOCK_NET as usize] = sum(&[("sock", "__sk_common"), ("sock_common", "skc_net")]);
    found[NET_INUM as usize] = sum(&[("net", "ns"), ("ns_common", "inum")]);
    found[SOCK_ERR as usize] = sum(&[("sock", "sk_err")]);
    found
}

/// The sections of a BTF blob.
struct Types<'a> {
    types: &'a [u8],
    strings: &'a [u8],
}

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
        Some(Self {
            types: section(8)?,
            strings: section(16)?,
        })
    }

    /// The offset in bytes of a member of the structure of this name.
    fn offset(&self, name: &str, member: &str) -> Option<u32> {
        let mut at = 0;
        while at + TYPE_BYTES <= self.types.len() {
            let (info, members) = (word(self.types, at + 4)?, at + TYPE_BYTES);
            let (kind, count) = (info >> 24 & 31, (info & 0xffff) as usize);
            if kind == STRUCT && self.is(word(self.types, at)?, name) {
                let found = self.member(members, count, info >> 31 == 1, member);
                if found.is_some() {
                    return found;
                }
            }
            at = members.checked_add(trailing(kind, count)?)?;
        }
        None
    }

    fn member(&self, at: usize, count: usize, has_bitfields: bool, name: &str) -> Option<u32> {
        let members = (0..count).map(|i| at + i * TYPE_BYTES);
        for at in members {
            if self.is(word(self.types, at)?, name) {
                let bits = word(self.types, at + 8)?;
                let bits = if has_bitfields {
                    bits & 0xff_ffff
                } else {
                    bits
                };
                return Some(bits / 8);
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
        assert!(found.iter().all(|&o| o > 0 && o < 8192), "{found:?}");
        for cut in [0, 1, 7, 24, 1000, btf.len() / 2] {
            offsets(&btf[..cut]);
        }
    }
}
