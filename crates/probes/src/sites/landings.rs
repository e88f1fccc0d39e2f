//! Where exceptions are caught: the table of calls that compilers write for the unwinder (`.gcc_except_table`).

use super::Landing;
use gimli::{EndianSlice, LittleEndian, Reader as _};

type Bytes<'a> = EndianSlice<'a, LittleEndian>;

/// Most calls of one function.
const MOST_CALLS: usize = 1 << 16;
/// `DW_EH_PE_omit`.
const NONE: u8 = 0xff;

/// Reads the table at an address, for the code that begins at another.
pub(super) fn read(bytes: &[u8], table: u64, start: u64) -> Option<Vec<Landing>> {
    let whole = Bytes::new(bytes, LittleEndian);
    let mut rest = whole;
    let base = match rest.read_u8().ok()? {
        NONE => start,
        form => {
            let at = table.checked_add((whole.len() - rest.len()) as u64)?;
            let value = number(&mut rest, form & 0x0f)?;
            // Relative to where it lies, or absolute; nothing else is written.
            if form & 0x70 == 0x10 {
                at.wrapping_add(value)
            } else {
                value
            }
        }
    };
    if rest.read_u8().ok()? != NONE {
        rest.read_uleb128().ok()?;
    }
    let form = rest.read_u8().ok()?;
    let length = usize::try_from(rest.read_uleb128().ok()?).ok()?;
    let mut calls = rest.split(length).ok()?;
    let mut landings = Vec::new();
    while !calls.is_empty() && landings.len() < MOST_CALLS {
        let from = start.checked_add(number(&mut calls, form)?)?;
        let to = from.checked_add(number(&mut calls, form)?)?;
        let landing = number(&mut calls, form)?;
        calls.read_uleb128().ok()?;
        if landing != 0 {
            landings.push(Landing {
                calls: from..to,
                to: base.checked_add(landing)?,
            });
        }
    }
    Some(landings)
}

/// `DW_EH_PE_uleb128`, `udata4`, `udata8`, `sdata4`, `absptr`.
fn number(rest: &mut Bytes<'_>, form: u8) -> Option<u64> {
    match form {
        0x01 => rest.read_uleb128().ok(),
        0x03 => rest.read_u32().ok().map(u64::from),
        0x0b => rest.read_i32().ok().map(|value| value as u64),
        0x00 | 0x04 => rest.read_u64().ok(),
        _ => None,
    }
}
