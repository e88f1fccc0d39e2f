//! What the kernel does with an instruction under a probe: `arch/x86/kernel/uprobes.c`, of Linux 5.15 to 6.18.

use super::Kind;
use iced_x86::{EncodingKind, FlowControl, Instruction, Mnemonic};

/// What a hit costs it; `None`: it refuses the probe, or is better not asked.
pub(super) fn kind(instruction: &Instruction, bytes: &[u8]) -> Option<Kind> {
    let is_privileged = instruction.is_privileged() || instruction.mnemonic() == Mnemonic::Int1;
    let is_trap = instruction.flow_control() == FlowControl::Interrupt;
    // The kernel looks at the opcode of AVX instructions as if it were one of the old ones: `vzeroupper` is `ja` to it.
    let is_old = instruction.encoding() == EncodingKind::Legacy;
    if is_privileged || is_trap || !is_old {
        return None;
    }
    let prefixes = bytes.iter().take_while(|byte| is_prefix(**byte)).count();
    let (prefixes, rest) = bytes.split_at(prefixes);
    // `is_prefix_bad`: es, cs, ss, ds (also as hint or `notrack`), lock.
    let is_bad = |byte: &u8| matches!(byte, 0x26 | 0x2e | 0x36 | 0x3e | 0xf0);
    if prefixes.iter().any(is_bad) {
        return None;
    }
    let rex = rest.first().filter(|byte| **byte & 0xf0 == 0x40);
    let opcode = if rex.is_some() { rest.get(1..)? } else { rest };
    let is_word = prefixes.contains(&0x66);
    match opcode {
        // `xchg %rax, %r8`, which looks like a nop to kernels before 6.19.
        [0x90, ..] if rex.is_some_and(|rex| rex & 1 == 1) => None,
        [0x90, ..] => Some(Kind::Emulated),
        // `branch_setup_xol_ops`; with an operand size it refuses.
        [0x70..=0x7f | 0xe8 | 0xe9 | 0xeb, ..] | [0x0f, 0x80..=0x8f, ..] => {
            (!is_word).then_some(Kind::Emulated)
        }
        // `push_setup_xol_ops`: one byte, or two with REX.B.
        [0x50..=0x57] if prefixes.is_empty() && rex.is_none_or(|rex| *rex == 0x41) => {
            Some(Kind::Emulated)
        }
        // Longer nops as well, but only kernels from 6.18 on emulate them.
        _ => Some(Kind::Stepped),
    }
}

const fn is_prefix(byte: u8) -> bool {
    matches!(
        byte,
        0x26 | 0x2e | 0x36 | 0x3e | 0x64 | 0x65 | 0x66 | 0x67 | 0xf0 | 0xf2 | 0xf3
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use iced_x86::{Decoder, DecoderOptions};

    #[test]
    fn what_the_kernel_does_with_instructions() {
        let (emulated, stepped) = (Some(Kind::Emulated), Some(Kind::Stepped));
        let cases: [(&[u8], Option<Kind>); 24] = [
            (&[0x90], emulated),
            (&[0x66, 0x90], emulated),
            (&[0x49, 0x90], None),
            (&[0x55], emulated),
            (&[0x41, 0x54], emulated),
            // push with REX.W: longer than it need be.
            (&[0x48, 0x55], stepped),
            (&[0xff, 0x75, 0], stepped),
            (&[0xe8, 0, 0, 0, 0], emulated),
            (&[0xe9, 0, 0, 0, 0], emulated),
            (&[0xeb, 0], emulated),
            (&[0x76, 0], emulated),
            (&[0x0f, 0x86, 0, 0, 0, 0], emulated),
            (&[0x2e, 0x74, 0], None),
            (&[0xf3, 0x0f, 0x1e, 0xfa], stepped),
            (&[0x0f, 0x1f, 0x44, 0, 0], stepped),
            (&[0xc3], stepped),
            (&[0xff, 0xe0], stepped),
            (&[0x3e, 0xff, 0xe0], None),
            (&[0xf0, 0x48, 0x0f, 0xb1, 0x17], None),
            (&[0xc5, 0xf8, 0x77], None),
            (&[0x62, 0xf1, 0x7c, 0x48, 0x28, 0xc1], None),
            (&[0xcc], None),
            (&[0xf4], None),
            (&[0x0f, 5], stepped),
        ];
        for (bytes, expected) in cases {
            let instruction = Decoder::with_ip(64, bytes, 0, DecoderOptions::NONE).decode();
            assert!(
                !instruction.is_invalid() && instruction.len() == bytes.len(),
                "{bytes:x?}"
            );
            assert_eq!(kind(&instruction, bytes), expected, "{bytes:x?}");
        }
    }
}
