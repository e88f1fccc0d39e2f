//! Bytes of every kind: nothing panics, nothing grows without end.

use super::super::*;
use std::time::{Duration, Instant};

fn random(state: &mut u64) -> u64 {
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    state.wrapping_mul(0x2545_f491_4f6c_dd1d)
}

#[test]
fn files_that_are_cut_or_changed_anywhere_compile_or_are_refused() {
    let whole = std::fs::read("/lib64/ld-linux-x86-64.so.2").unwrap();
    for cut in (0..whole.len()).step_by(whole.len() / 64) {
        fuzz(&whole[..cut]);
    }
    let image = crate::elf::Image::parse(&whole).unwrap();
    let frames = image.section(b".eh_frame").unwrap();
    let begin = image.data.len() - image.at(frames.address).unwrap().len();
    let (mut state, until) = (7, Instant::now() + Duration::from_secs(4));
    let mut runs = 0;
    while Instant::now() < until && runs < 3000 {
        let mut changed = whole.clone();
        for _ in 0..=random(&mut state) % 8 {
            // Headers, frame information, anything.
            let at = match random(&mut state) % 3 {
                0 => random(&mut state) as usize % 1024,
                1 => {
                    begin.min(changed.len() / 2)
                        + random(&mut state) as usize % frames.bytes as usize
                }
                _ => random(&mut state) as usize % changed.len(),
            };
            let at = at.min(changed.len() - 1);
            changed[at] = random(&mut state) as u8;
        }
        fuzz(&changed);
        runs += 1;
    }
    println!("{runs} changed files");
    assert!(runs > 20);
}

#[test]
fn mappings_of_every_form() {
    let text = b"55d0c0000000-55d0c0001000 r--p 00000000 fd:01 42   /usr/bin/a b\n\
55d0c0001000-55d0c0003000 r-xp 00001000 fd:01 42                         /usr/bin/a b (deleted)\n\
7f0000000000-7f0000001000 rwxp 00000000 00:00 0 \n\
7ffd00000000-7ffd00002000 r-xp 00000000 00:00 0                          [vdso]\nnonsense\n\
7ffd00001000-7ffd00003000 r-xp 00000000 00:00 0 overlap\nffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0 [vsyscall]\n";
    let mappings = Mappings::parse(text);
    let paths: Vec<_> = mappings
        .all
        .iter()
        .map(|m| String::from_utf8_lossy(&m.path).into_owned())
        .collect();
    assert_eq!(
        paths,
        ["/usr/bin/a b (deleted)", "", "[vdso]", "[vsyscall]"]
    );
    assert_eq!(
        mappings.find(0x55d0_c000_2fff).map(|m| (m.device, m.inode)),
        Some(((0xfd, 1), 42))
    );
    assert_eq!(mappings.find(0x55d0_c000_3000), None);
    let segment = |offset, address, is_executable| Segment {
        offset,
        address,
        file_bytes: 0x1800,
        memory_bytes: 0x1800,
        is_executable,
    };
    // Text that begins inside of a page which it shares with what cannot be executed.
    let segments = [segment(0, 0, false), segment(0x1040, 0x2040, true)];
    assert_eq!(bias(&mappings.all[0], &segments), Some(0x55d0_bfff_f000));
    assert_eq!(bias(&mappings.all[0], &segments[..1]), None);
    fuzz_maps(text);
    let mut state = 3;
    for _ in 0..2000 {
        let mut changed = text.to_vec();
        let at = random(&mut state) as usize % changed.len();
        changed[at] = random(&mut state) as u8;
        fuzz_maps(&changed);
    }
}

#[test]
fn a_file_without_frame_information_hopes_for_frame_pointers() {
    let whole = std::fs::read("/lib64/ld-linux-x86-64.so.2").unwrap();
    let (table, report) = compile(&whole).unwrap();
    assert_eq!(report.bytes as usize, table.blocks().len() * BLOCK_BYTES);
    // The same file with its names of sections and the pointer to frame information gone.
    let mut bare = whole.clone();
    bare[0x28..0x30].fill(0);
    bare[0x3c..0x40].fill(0);
    let (same, _) = compile(&bare).unwrap();
    let text = image_text(&whole);
    for pc in (text.0..text.1).step_by(97) {
        assert_eq!(table.find(pc), same.find(pc), "{pc:#x}");
    }
    let headers = 64..64 + 56 * usize::from(bare[0x38]);
    for header in headers.step_by(56) {
        if bare[header..header + 4] == 0x6474_e550u32.to_le_bytes() {
            bare[header] = 0;
        }
    }
    let (guessed, report) = compile(&bare).unwrap();
    assert_eq!(
        guessed.find(text.0 + 5),
        coral_probes_abi::unwind::Rule::GUESS
    );
    assert_eq!(report.guessed_bytes, report.text_bytes);
}

fn image_text(file: &[u8]) -> (u64, u64) {
    let image = crate::elf::Image::parse(file).unwrap();
    let text = image.section(b".text").unwrap();
    (text.address, text.address + text.bytes)
}
