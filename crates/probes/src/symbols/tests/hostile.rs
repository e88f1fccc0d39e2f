//! Files that are cut or changed anywhere, and texts of every form.

use super::build::{C, compile};
use crate::symbols::wire::{Answer, Request};
use crate::symbols::{fuzz, fuzz_demangle, fuzz_go, fuzz_ranges, fuzz_search, fuzz_wire};
use std::time::{Duration, Instant};

/// Numbers that are the same in each run.
pub(crate) struct Random(pub u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// One below a bound.
    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }
}

/// Changes some bytes between two offsets.
pub(crate) fn changed(random: &mut Random, whole: &[u8], (from, to): (usize, usize)) -> Vec<u8> {
    let mut changed = whole.to_vec();
    for _ in 0..=random.below(6) {
        let at = from + random.below(to - from);
        let hostile = [0, 1, 0x7f, 0x80, 0xff, random.next() as u8];
        let value = hostile[random.below(hostile.len())];
        for byte in changed.iter_mut().skip(at).take(1 + random.below(4)) {
            *byte = value;
        }
    }
    changed
}

#[test]
fn programs_that_are_cut_or_changed_anywhere_are_named_or_refused() {
    let folder = tempfile::tempdir().unwrap();
    let until = Instant::now() + Duration::from_secs(10);
    let mut runs = 0;
    for (name, flags) in [
        ("plain", ["-g", "-O1", "-gdwarf-5"]),
        ("packed", ["-g", "-O1", "-gz=zlib"]),
        ("old", ["-g", "-O1", "-gdwarf-3"]),
    ] {
        let program = compile("cc", C, name, &flags, folder.path());
        let whole = std::fs::read(program).unwrap();
        for cut in (0..whole.len()).step_by(whole.len() / 200) {
            fuzz(&whole[..cut]);
        }
        let image = crate::elf::Image::parse(&whole).unwrap();
        let debug = image
            .sections
            .iter()
            .filter(|section| section.name.starts_with(b".debug"));
        let offset = |raw: &[u8]| raw.as_ptr() as usize - whole.as_ptr() as usize;
        let mut places: Vec<_> = debug
            .map(|s| (offset(s.raw()), offset(s.raw()) + s.raw().len()))
            .collect();
        // File header and program headers, the table of sections, anything.
        places.extend([
            (0, 64 + 56 * 12),
            (whole.len() - 64 * 36, whole.len()),
            (0, whole.len()),
        ]);
        let mut random = Random(11);
        for _ in 0..1500 {
            let place = places[random.below(places.len())];
            fuzz(&changed(&mut random, &whole, place));
            runs += 1;
            if Instant::now() > until {
                break;
            }
        }
    }
    println!("{runs} changed programs");
    assert!(runs > 300);
}

#[test]
fn tables_of_go_that_are_changed_anywhere_give_names_or_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let source = "package main\nfunc main() { println(1) }\n";
    std::fs::write(folder.path().join("main.go"), source).unwrap();
    super::build::run("go", &["build", "-o", "small", "main.go"], folder.path());
    let whole = std::fs::read(folder.path().join("small")).unwrap();
    let image = crate::elf::Image::parse(&whole).unwrap();
    let table = image.section(b".gopclntab").unwrap().raw();
    fuzz_go(table);
    let mut random = Random(5);
    for _ in 0..1500 {
        let to = if random.below(2) == 0 {
            72
        } else {
            table.len()
        };
        fuzz_go(&changed(&mut random, table, (0, to)));
        fuzz_go(&table[..random.below(table.len())]);
    }
}

#[test]
fn texts_and_messages_of_every_form() {
    let seeds: [&[u8]; 10] = [
        b"_ZNSt6vectorIiSaIiEE9push_backERKi",
        b"_RNvMs_NtCs3ssYzQotkvD_4core5sliceSINtB4_3FooE3bar",
        b"7f0000001000 40 LazyCompile:*go /a.js:1\n",
        b"ffffffff81000000 T _text\nffffffff81000010 t x\t[m]\n",
        b"\x01\x01\x07\0\0\0\0\0\0\0\x01\0\0\0\x08\0\0\0\0\0\0\0",
        b"\x01\x01\0\0\0\x02\x01\0\0\0\0\x05\0\0\0\x01\x03\0\0\0a.c\x01\0\0\0f",
        b"\x03\x01\x04\0\0\0abcd\0\0\x01",
        b"\x06\x01\x07\0\0\0\0\0\0\0\0\0\0\0\x02\0\0\0f*\x0a\0\0\0",
        b"\x04\0\x01\0\0\0\x01\0\0\0\0\0\0\0\x01\0\0\0\x01\0\0\0f\0\0\x08\0\0\0\0\
          \0\0\0\x08\0\0\0\0\x03\0\0\0\x01\x02\0\0\0\0\x01\0\0\0\x01\0\0\0\0\0\0\0",
        b"Cart::total\nint shop::Cart<int>::total(int) const\nmain.(*Cart).Total\n",
    ];
    assert!(Request::decode(seeds[7]).is_some() && Answer::decode(seeds[8]).is_some());
    let mut random = Random(3);
    let mut text = Vec::new();
    for round in 0..4000 {
        let seed = seeds[round % seeds.len()];
        if random.below(4) == 0 || text.len() > 4096 {
            text.clear();
        }
        text.extend_from_slice(seed);
        text = changed(&mut random, &text, (0, text.len()));
        for target in [
            fuzz_demangle,
            fuzz_ranges,
            fuzz_search,
            fuzz_wire,
            fuzz_go,
            fuzz,
        ] {
            target(&text);
            target(seed);
        }
    }
}
