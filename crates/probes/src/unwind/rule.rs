//! A row of call frame information as a rule of the table, where a rule can hold it.

use coral_probes_abi::unwind::{Rule, fp, kind, unsupported};
use gimli::{CfaRule, EhFrame, EndianSlice, LittleEndian, Register, RegisterRule};

pub(super) type Bytes<'a> = EndianSlice<'a, LittleEndian>;
type Row = gimli::UnwindTableRow<usize>;

/// DWARF numbers of x86-64 (psABI, figure 3.36).
const RBP: Register = Register(6);
const RSP: Register = Register(7);
pub(super) const RETURN: Register = Register(16);

/// The rule for a row. Second: whether the caller's frame pointer is saved in a way that no rule can hold.
pub(super) fn of_row(section: &EhFrame<Bytes<'_>>, row: &Row) -> (Rule, bool) {
    let returns = row.register(RETURN);
    if matches!(returns, Some(RegisterRule::Undefined)) {
        return (Rule::END, false);
    }
    let (kind, cfa) = match frame_address(section, row.cfa()) {
        Ok(Frame::At(kind, cfa)) => (kind, cfa),
        Ok(Frame::Plt(from)) => return (Rule::new(kind::PLT, fp::SAME, from, 8), false),
        Err(reason) => return (Rule::unsupported(reason), false),
    };
    let saved = frame_pointer(section, row.register(RBP));
    match returns {
        Some(RegisterRule::Offset(-8)) => {
            let (fp, offset) = saved.unwrap_or((fp::LOST, 0));
            (Rule::new(kind, fp, offset, cfa), saved.is_none())
        }
        Some(RegisterRule::Expression(at)) if is_signal(section, kind, cfa, saved, &at) => {
            (Rule::SIGNAL, false)
        }
        _ => (Rule::unsupported(unsupported::RETURN), false),
    }
}

enum Frame {
    At(u8, i32),
    Plt(i16),
}

fn frame_address(section: &EhFrame<Bytes<'_>>, cfa: &CfaRule<usize>) -> Result<Frame, i32> {
    match cfa {
        CfaRule::RegisterAndOffset { register, offset } => {
            let offset = i32::try_from(*offset).map_err(|_| unsupported::RANGE)?;
            match *register {
                RSP => Ok(Frame::At(kind::SP, offset)),
                RBP => Ok(Frame::At(kind::FP, offset)),
                Register(other) => other_register(other, offset),
            }
        }
        CfaRule::Expression(expression) => {
            let bytes = expression
                .get(section)
                .map_err(|_| unsupported::MALFORMED)?;
            let slice = bytes.0.slice();
            if let Some(from) = linkage(slice) {
                return Ok(Frame::Plt(from));
            }
            dereferenced(slice).ok_or(unsupported::EXPRESSION)
        }
    }
}

fn other_register(register: u16, offset: i32) -> Result<Frame, i32> {
    if register >= RETURN.0 {
        return Err(unsupported::REGISTER);
    }
    let cfa = Rule::register_and(register as u8, offset);
    let is_kept = cfa << 8 >> 8 == offset;
    let frame = Frame::At(kind::REGISTER, cfa);
    is_kept.then_some(frame).ok_or(unsupported::RANGE)
}

fn frame_pointer(
    section: &EhFrame<Bytes<'_>>,
    rule: Option<RegisterRule<usize>>,
) -> Option<(u8, i16)> {
    match rule {
        None | Some(RegisterRule::SameValue) => Some((fp::SAME, 0)),
        Some(RegisterRule::Offset(offset)) => Some((fp::AT_CFA, i16::try_from(offset).ok()?)),
        Some(RegisterRule::Expression(at)) => {
            let bytes = at.get(section).ok()?;
            let (register, offset, rest) = based(bytes.0.slice())?;
            let fp = match register {
                RBP => fp::AT_FP,
                RSP => fp::AT_SP,
                _ => return None,
            };
            (rest.is_empty()).then_some((fp, i16::try_from(offset).ok()?))
        }
        // What is undefined is lost without fault of the table.
        Some(RegisterRule::Undefined) => Some((fp::LOST, 0)),
        _ => None,
    }
}

fn is_signal(
    section: &EhFrame<Bytes<'_>>,
    kind: u8,
    cfa: i32,
    saved: Option<(u8, i16)>,
    returns: &gimli::UnwindExpression<usize>,
) -> bool {
    let at = returns.get(section).ok();
    let at = at.as_ref().and_then(|bytes| based(bytes.0.slice()));
    let returns = matches!(at, Some((RSP, 168, [])));
    let wanted = (Rule::SIGNAL.fp, Rule::SIGNAL.fp_offset);
    returns && kind == kind::SP_DEREF && cfa == Rule::SIGNAL.cfa && saved == Some(wanted)
}

/// `DW_OP_breg`: a register and an offset, and what follows.
fn based(bytes: &[u8]) -> Option<(Register, i64, &[u8])> {
    let (first, rest) = bytes.split_first()?;
    let register = Register(
        first
            .checked_sub(gimli::DW_OP_breg0.0)
            .filter(|r| *r < 32)? as u16,
    );
    let mut reader = EndianSlice::new(rest, LittleEndian);
    let offset = gimli::Reader::read_sleb128(&mut reader).ok()?;
    Some((register, offset, reader.slice()))
}

/// `*(register + low) + high`, or `register + low`: how compilers describe realigned frames (the frame address lies
/// below the frame pointer), and hand-written assembly a saved stack pointer.
fn dereferenced(bytes: &[u8]) -> Option<Frame> {
    let (register, low, rest) = based(bytes)?;
    let is_sp = register == RSP;
    if !is_sp && register != RBP {
        return None;
    }
    let Some((first, rest)) = rest.split_first() else {
        let kind = if is_sp { kind::SP } else { kind::FP };
        return Some(Frame::At(kind, i32::try_from(low).ok()?));
    };
    if *first != gimli::DW_OP_deref.0 {
        return None;
    }
    let mut high = 0;
    if let Some((first, rest)) = rest.split_first() {
        let mut reader = EndianSlice::new(rest, LittleEndian);
        high = gimli::Reader::read_uleb128(&mut reader).ok()?;
        if *first != gimli::DW_OP_plus_uconst.0 || !reader.is_empty() {
            return None;
        }
    }
    let halves = Rule::halves(i16::try_from(low).ok()?, i16::try_from(high).ok()?);
    let kind = if is_sp {
        kind::SP_DEREF
    } else {
        kind::FP_DEREF
    };
    Some(Frame::At(kind, halves))
}

/// `rsp + 8 + ((rip & 15) >= N) * 8`: what linkers write for linkage tables; gives N.
fn linkage(bytes: &[u8]) -> Option<i16> {
    match bytes {
        // breg7 8, breg16 0, lit15, and, lit N, ge, lit3, shl, plus
        [0x77, 8, 0x80, 0, 0x3f, 0x1a, lit, 0x2a, 0x33, 0x24, 0x22] => {
            let from = lit.checked_sub(gimli::DW_OP_lit0.0)?;
            (from < 16).then_some(from as i16)
        }
        _ => None,
    }
}
