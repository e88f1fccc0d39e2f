//! A million functions: what they take, and how long searches among them do.

use super::build::later;
use crate::functions::entry::Entry;
use crate::functions::names::{Limits, Names};
use crate::functions::text::{Text, Texts};
use crate::functions::{Functions, instances::Instances, paths::Paths};
use crate::symbols::tests::child;
use crate::symbols::{Missing, Opened};
use std::os::fd::AsFd as _;
use std::time::{Duration, Instant};

/// Names, one after the other with zeros between them, as in a table of a file.
pub struct Named {
    table: Vec<u8>,
    places: Vec<u32>,
}

impl Named {
    pub fn of(names: impl Iterator<Item = String>) -> Self {
        let (mut table, mut places) = (Vec::new(), Vec::new());
        for name in names {
            places.push(table.len() as u32);
            table.extend(name.bytes());
            table.push(0);
        }
        Self { table, places }
    }

    /// An index of functions with these names.
    pub fn functions(&self) -> Functions<'_> {
        let mut texts = Texts::default();
        let table = texts.add(&self.table).unwrap();
        let entry = |(number, at): (usize, &u32)| Entry {
            address: 16 * (number as u64 + 1),
            bytes: 16,
            text: Text::new(table, *at),
            ..Entry::default()
        };
        let entries: Vec<Entry> = self.places.iter().enumerate().map(entry).collect();
        let limits = Limits {
            bytes: usize::MAX,
            until: later(),
        };
        let names = Names::of(&entries, entries.len(), &[], &texts, limits);
        Functions {
            texts,
            paths: Paths::default(),
            addressed: entries.len(),
            entries,
            parts: Vec::new(),
            instances: Instances::default(),
            names,
            missing: None,
        }
    }
}

const WORDS: [&str; 24] = [
    "process", "payment", "query", "order", "cart", "total", "http", "server", "handle", "request",
    "parse", "header", "buffer", "write", "read", "vector", "string", "insert", "remove", "update",
    "session", "token", "cache", "index",
];

/// Names as C, C++, Rust and Go have them, some 60 bytes long.
fn synthetic(count: usize) -> impl Iterator<Item = String> {
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    let mut word = move || {
        random ^= random >> 12;
        random ^= random << 25;
        random ^= random >> 27;
        WORDS[(random.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 59) as usize % WORDS.len()]
    };
    let hump = |word: &str| word[..1].to_uppercase() + &word[1..];
    (0..count).map(move |number| {
        let (a, b, c, d) = (word(), word(), word(), word());
        match number % 4 {
            0 => format!("{a}_{b}_{c}_{number}"),
            1 => format!(
                "{a}::{}<std::{b}<char, std::allocator<char> > >::{c}_{d}{number}({}&, unsigned long)",
                hump(b),
                hump(d)
            ),
            2 => format!("<{a}::{b}::{}{number} as core::{c}::{}>::{d}", hump(b), hump(c)),
            _ => format!("github.com/{a}/{b}.(*{}{number}).{}{}", hump(c), hump(d), hump(a)),
        }
    })
}

/// A program with nothing but a segment for code and symbols of 16 bytes each.
fn program(names: impl Iterator<Item = String>) -> Vec<u8> {
    const CODE: u64 = 0x40_0000;
    let (mut strings, mut symbols, mut count) = (vec![0], vec![0; 24], 0u64);
    for name in names {
        let words = [
            strings.len() as u64 | 0x12 << 32 | 1 << 48,
            CODE + 16 * count,
            16,
        ];
        symbols.extend(words.iter().flat_map(|word| word.to_le_bytes()));
        strings.extend(name.bytes());
        strings.push(0);
        count += 1;
    }
    let sections = b"\0.text\0.symtab\0.strtab\0".to_vec();
    let at = 64 + 56;
    let (symbols_at, strings_at) = (
        at + sections.len() as u64,
        at + (sections.len() + symbols.len()) as u64,
    );
    let table_at = strings_at + strings.len() as u64;
    let section = |name: u32, kind: u32, flags: u64, place: [u64; 3], link: u32, each: u64| {
        let head = [u64::from(name) | u64::from(kind) << 32, flags];
        let tail = [u64::from(link), 8, each];
        [&head[..], &place, &tail].concat()
    };
    let table = [
        section(0, 0, 0, [0; 3], 0, 0),
        section(1, 8, 6, [CODE, 0, 16 * count], 0, 0),
        section(7, 2, 0, [0, symbols_at, symbols.len() as u64], 3, 24),
        section(15, 3, 0, [0, strings_at, strings.len() as u64], 0, 0),
        section(0, 3, 0, [0, at, sections.len() as u64], 0, 0),
    ];
    let mut file = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\x3e\0\x01\0\0\0".to_vec();
    let words = |words: &[u64]| {
        words
            .iter()
            .flat_map(|word| word.to_le_bytes())
            .collect::<Vec<u8>>()
    };
    file.extend(words(&[CODE, 64, table_at]));
    file.extend(words(&[
        64 << 32 | 56 << 48,
        1 | 64 << 16 | 5 << 32 | 4 << 48,
    ]));
    // PT_LOAD, to be read and executed.
    file.extend(words(&[1 | 5 << 32, 0, CODE, CODE, 0, 16 * count, 4096]));
    file.extend([sections, symbols, strings].concat());
    file.extend(words(&table.concat()));
    file
}

/// The figure of a process in kB.
fn status(pid: u32, wanted: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with(wanted))
        .unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn the_child_holds_a_million_functions_in_some_150_mb() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("program");
    let names = synthetic(1_000_000).map(|name| name.replace(' ', ""));
    std::fs::write(&path, program(names)).unwrap();
    let file = std::fs::File::open(&path).unwrap();
    let patient = Duration::from_secs(120);
    let mut symbols = child::symbols("served").with_answer_time(patient);
    let mut ask = |pattern: &str| {
        let began = Instant::now();
        let found = symbols
            .functions(1, Opened::only(file.as_fd()), pattern, 10)
            .unwrap();
        (found, began.elapsed(), symbols.pid().unwrap())
    };
    let (found, first, pid) = ask("cart_total_query_0");
    // The child runs behind all others; where they leave it no time it says so.
    let is_expected = |missing| matches!(missing, Missing::NoDebugInfo | Missing::TimeOut);
    assert!(found.missing.is_some_and(is_expected));
    assert_eq!(found.indexed, 1_000_000);
    let (found, second, _) = ask("process_payment*");
    assert!(found.total > 100 && found.functions[0].name.starts_with("process_payment"));
    let held = status(pid, "RssAnon") >> 10;
    println!(
        "first {first:?}, then {second:?}, {held} MB held, {} MB at most with the file",
        status(pid, "VmHWM") >> 10
    );
    assert!(held < 170, "{held} MB");
}

/// Processor time of this thread: others use the processors as well.
fn own_time() -> Duration {
    let clock = nix::time::ClockId::CLOCK_THREAD_CPUTIME_ID;
    nix::time::clock_gettime(clock).unwrap().into()
}

#[test]
fn a_million_functions_are_searched_within_a_tenth_of_a_second() {
    let named = Named::of(synthetic(1_000_000).chain(["shop::ProcessPayment".to_owned()]));
    let began = Instant::now();
    let functions = named.functions();
    println!("{} functions in {:?}", functions.len(), began.elapsed());
    let bytes = functions.names.bytes() + functions.entries.capacity() * size_of::<Entry>();
    println!("{} MB, {} bytes of names", bytes >> 20, named.table.len());
    assert!(bytes < 160 << 20);
    let patterns = [
        "shop::ProcessPayment",
        "ProcessPayment",
        "process",
        "procpay",
        "e",
        "et",
        "pqo",
        "tok_idx",
        "github.com/cart/*Total*",
        "*payment*",
        "",
        "handlerequestvector",
        "zzzz",
        "ProcesPaymint",
        "Vector::insert_remove",
        "123456",
        "::",
        "_Zqx",
    ];
    let mut slowest = (Duration::ZERO, "");
    for pattern in patterns {
        let runs = (0..3).map(|_| {
            let began = own_time();
            let found = functions.search(pattern, 100, later());
            (own_time() - began, found)
        });
        let (took, found) = runs.min_by_key(|run| run.0).unwrap();
        println!(
            "{took:>12.1?} {pattern:?}: {} found, {} similar",
            found.total,
            found.similar.len()
        );
        slowest = slowest.max((took, pattern));
    }
    let found = functions.search("shop::ProcessPaymxnt", 10, later());
    assert!(
        found.total == 0 && found.similar.contains(&"shop::ProcessPayment".to_owned()),
        "{found:?}"
    );
    assert_eq!(
        functions.search("processpayment", 1, later()).functions[0].name,
        "shop::ProcessPayment"
    );
    // A tenth of a second is the goal; where others use the same core, it may take several times that.
    assert!(slowest.0 < Duration::from_millis(500), "{slowest:?}");
}
