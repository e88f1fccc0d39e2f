//! Files that are cut or changed anywhere.

use crate::functions::fuzz;
use crate::symbols::tests::build::compile;
use crate::symbols::tests::hostile::{Random, changed};
use std::time::{Duration, Instant};

const SOURCE: &str = "volatile int sink;\n\
static inline __attribute__((always_inline)) int tiny(int n) { return n + sink; }\n\
__attribute__((noinline)) int inner(int n) { return tiny(n) * tiny(3); }\n\
__attribute__((cold, noinline)) void fail(int n) { sink = n; }\n\
__attribute__((noinline)) int risky(int n) { if (n > 9) { fail(n); fail(2); } return n; }\n\
int main(int n, char **v) { return inner(n) + risky(n); }\n";

#[test]
fn programs_that_are_cut_or_changed_anywhere_have_functions_that_can_be_sent() {
    let folder = tempfile::tempdir().unwrap();
    let until = Instant::now() + Duration::from_secs(10);
    let mut runs = 0;
    for (name, flags) in [
        ("five", ["-g", "-O2", "-gdwarf-5"]),
        ("three", ["-g", "-O2", "-gdwarf-3"]),
    ] {
        let program = compile("cc", SOURCE, name, &flags, folder.path());
        let whole = std::fs::read(program).unwrap();
        fuzz(&whole);
        for cut in (0..whole.len()).step_by(whole.len() / 100) {
            fuzz(&whole[..cut]);
        }
        let image = crate::elf::Image::parse(&whole).unwrap();
        let offset = |raw: &[u8]| raw.as_ptr() as usize - whole.as_ptr() as usize;
        let is_read = |name: &[u8]| name.starts_with(b".debug") || name.ends_with(b"tab");
        let read = image
            .sections
            .iter()
            .filter(|section| is_read(section.name));
        let places = read.map(|s| (offset(s.raw()), offset(s.raw()) + s.raw().len()));
        let mut places: Vec<_> = places.filter(|(from, to)| from < to).collect();
        places.push((0, whole.len()));
        let mut random = Random(17);
        for _ in 0..2000 {
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
