//! Programs whose debug information, tables and code are changed anywhere.

use crate::arguments::fuzz;
use crate::symbols::tests::build::compile;
use crate::symbols::tests::hostile::{Random, changed};
use std::time::{Duration, Instant};

#[test]
fn programs_that_are_changed_anywhere_have_arguments_and_sites_or_not() {
    let folder = tempfile::tempdir().unwrap();
    let until = Instant::now() + Duration::from_secs(8);
    let mut runs = 0;
    for (compiler, name, source, flags) in [
        (
            "cc",
            "c",
            include_str!("programs/values.c"),
            &["-g", "-O2"][..],
        ),
        (
            "cc",
            "old",
            include_str!("programs/values.c"),
            &["-O1", "-gdwarf-4", "-fdebug-types-section"],
        ),
        (
            "c++",
            "cpp",
            include_str!("programs/values.cc"),
            &["-g", "-O1"],
        ),
    ] {
        let program = compile(compiler, source, name, flags, folder.path());
        let whole = std::fs::read(program).unwrap();
        fuzz(&whole);
        for cut in (0..whole.len()).step_by(whole.len() / 20) {
            fuzz(&whole[..cut]);
        }
        let image = crate::elf::Image::parse(&whole).unwrap();
        let is_read = |name: &[u8]| {
            let debug = [
                &b".debug_info"[..],
                b".debug_abbrev",
                b".debug_loclists",
                b".debug_loc",
                b".debug_types",
            ];
            debug.contains(&name)
                || matches!(
                    name,
                    b".symtab" | b".eh_frame" | b".gcc_except_table" | b".text" | b".rodata"
                )
        };
        let sections = image
            .sections
            .iter()
            .filter(|section| is_read(section.name));
        let begin = |raw: &[u8]| raw.as_ptr() as usize - whole.as_ptr() as usize;
        let places: Vec<_> = sections
            .map(|section| section.raw())
            .filter(|raw| !raw.is_empty())
            .map(|raw| (begin(raw), begin(raw) + raw.len()))
            .collect();
        let mut random = Random(17);
        for _ in 0..400 {
            let place = places[random.below(places.len())];
            fuzz(&changed(&mut random, &whole, place));
            runs += 1;
            if Instant::now() > until {
                break;
            }
        }
    }
    println!("{runs} changed programs");
    assert!(runs > 100);
}
