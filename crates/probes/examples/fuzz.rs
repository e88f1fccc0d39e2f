//! Runs the fuzz targets of unwinding and symbols, each for so many seconds: `fuzz --seconds 3`. Inputs are grown from
//! real files and from words of the formats; a panic ends it with the input printed.
//!
//! For coverage-guided runs the same targets are plain `pub fn fuzz(&[u8])`.

use coral_probes::{symbols, unwind};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

type Target = (&'static str, fn(&[u8]), &'static [&'static [u8]]);

const TARGETS: [Target; 7] = [
    ("unwind table", unwind::fuzz, &FILE),
    (
        "mappings",
        unwind::fuzz_maps,
        &[
            b"55d0c0001000-55d0c0003000 r-xp 00001000 fd:01 42    /usr/bin/a b (deleted)\n",
            b"7ffd00000000-7ffd00002000 r-xp 00000000 00:00 0     [vdso]\n",
        ],
    ),
    ("program file", symbols::fuzz, &FILE),
    (
        "mangled name",
        symbols::fuzz_demangle,
        &[
            b"_ZNSt6vectorIiSaIiEE9push_backERKi",
            b"NtCs3ssYzQotkvD_4core5slice",
            b"S_IS0_S0_E",
        ],
    ),
    (
        "go table",
        symbols::fuzz_go,
        &[
            b"\xf1\xff\xff\xff\0\0\x01\x08",
            b"\xfa\xff\xff\xff\0\0\x01\x08",
        ],
    ),
    (
        "list of names",
        symbols::fuzz_ranges,
        &[
            b"7f0000001000 40 LazyCompile:*go /a.js:1\n",
            b"ffffffff81000010 t x\t[m]\n",
        ],
    ),
    (
        "messages",
        symbols::fuzz_wire,
        &[
            b"\x01\x01\x07\0\0\0\0\0\0\0\x01\0\0\0\x08\0\0\0\0\0\0\0",
            b"\x01\x01\0\0\0\x02\x01\0\0\0\0\x05\0\0\0\x01\x03\0\0\0a.c\x01\0\0\0f",
        ],
    ),
];

const FILE: [&[u8]; 3] = [
    b"\x7fELF\x02\x01\x01",
    b"\x04\0\0\0\x14\0\0\0\x03\0\0\0GNU\0",
    b"\xff\xff\xff\xff",
];

/// Longest input; files of programs are longer than texts.
const MOST: usize = 64 * 1024;

/// xorshift64* (Vigna, 2016): the same seed makes the same run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let seconds = std::env::args().nth(2).map_or(Ok(3), |s| s.parse())?;
    let programs = ["/bin/true", "/lib64/ld-linux-x86-64.so.2"];
    let vdso = unwind::vdso().unwrap_or_default();
    let mut files: Vec<Vec<u8>> = programs
        .iter()
        .filter_map(|path| std::fs::read(path).ok())
        .collect();
    files.retain(|file| file.len() <= MOST);
    files.push(vdso);
    for (name, target, seeds) in TARGETS {
        let until = Instant::now() + Duration::from_secs(seconds);
        let mut random = Random(0x9e37_79b9_7f4a_7c15);
        let mut corpus: Vec<Vec<u8>> = seeds.iter().map(|seed| seed.to_vec()).collect();
        if seeds[0].starts_with(b"\x7fELF") {
            corpus.extend(files.iter().cloned());
        }
        let mut runs = 0u64;
        while Instant::now() < until {
            let input = grow(&mut random, &corpus, seeds);
            if catch_unwind(AssertUnwindSafe(|| target(&input))).is_err() {
                return Err(format!("{name} panicked on {input:?}").into());
            }
            if runs.is_multiple_of(64) && corpus.len() < 256 {
                corpus.push(input);
            }
            runs += 1;
        }
        println!("{name}: {runs} inputs in {seconds} s");
    }
    Ok(())
}

/// A new input from an old one.
fn grow(random: &mut Random, corpus: &[Vec<u8>], words: &[&[u8]]) -> Vec<u8> {
    let mut input = corpus[random.below(corpus.len())].clone();
    for _ in 0..=random.below(6) {
        let at = random.below(input.len() + 1);
        let word = words[random.below(words.len())];
        match random.below(8) {
            0 => input.truncate(at),
            1 => drop(input.splice(at..at, word.iter().copied())),
            2 => input.extend_from_slice(word),
            3 if at < input.len() => input[at] ^= 1 << random.below(8),
            4 if at < input.len() => input[at] = 0xff,
            _ if at < input.len() => input[at] = random.next() as u8,
            _ => {}
        }
    }
    input.truncate(MOST);
    input
}
