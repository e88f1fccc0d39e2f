//! C++ and Rust with functions inlined into one another, Go with and without its symbols.

use super::build::{chain, compile, function, functions, named, run};
use crate::symbols::{Files, Named, Sources, Symbolizer};
use std::fs::File;
use std::path::Path;

const CPP: &str = "#include <cstdlib>\n\
volatile int sink;\n\
namespace shop {\n\
template <typename T> struct Cart {\n\
    __attribute__((always_inline)) inline T deep(T n) {\n\
        sink = sink + n;\n\
        return n * 7 + sink;\n\
    }\n\
    __attribute__((always_inline)) inline T middle(T n) { return deep(n) + deep(n + 1); }\n\
    __attribute__((noinline)) T total(T n);\n\
};\n\
template <typename T> T Cart<T>::total(T n) { return middle(n) + sink; }\n\
}\n\
int main(int n, char **) { shop::Cart<int> cart; return cart.total(n); }\n";

/// The longest chain of names in a function, with its answer.
fn longest(program: &Path, start: u64, bytes: u64) -> Named {
    let addresses: Vec<u64> = (start..start + bytes).collect();
    let all = named(program, None, &addresses);
    all.into_iter()
        .max_by_key(|named| named.frames.len())
        .unwrap()
}

#[test]
fn functions_inlined_in_cpp_are_shown_outermost_first() {
    let folder = tempfile::tempdir().unwrap();
    for (name, version) in [("four", "-gdwarf-4"), ("five", "-gdwarf-5")] {
        let program = compile("c++", CPP, name, &["-O2", version], folder.path());
        let (start, bytes) = function(&program, "_ZN4shop4CartIiE5totalEi");
        let named = longest(&program, start, bytes);
        let names = [
            "shop::Cart<int>::total(int)",
            "shop::Cart<int>::middle(int)",
            "shop::Cart<int>::deep(int)",
        ];
        assert_eq!(chain(&named), names);
        let inlined: Vec<bool> = named.frames.iter().map(|frame| frame.inlined).collect();
        assert_eq!(inlined, [false, true, true]);
        let lines: Vec<u32> = named
            .frames
            .iter()
            .map(|frame| frame.line.unwrap())
            .collect();
        assert_eq!(lines[..2], [12, 9]);
        assert!((5..=7).contains(&lines[2]), "{lines:?}");
    }
}

const RUST: &str = "use std::hint::black_box;\n\
pub mod shop {\n\
    #[inline(always)]\n\
    pub fn deep(n: u64) -> u64 {\n\
        std::hint::black_box(n * 7)\n\
    }\n\
    #[inline(always)]\n\
    pub fn middle(n: u64) -> u64 { deep(n) + deep(n + 1) }\n\
    #[inline(never)]\n\
    pub fn total<T: Into<u64>>(n: T) -> u64 { middle(n.into()) }\n\
}\n\
fn main() { println!(\"{}\", black_box(shop::total(black_box(3u32)))); }\n";

#[test]
fn functions_inlined_in_rust_have_names_without_hashes() {
    let folder = tempfile::tempdir().unwrap();
    for version in ["v0", "default"] {
        let mangling = format!("symbol-mangling-version={version}");
        let mut flags = vec!["-C", "opt-level=3", "-C", "debuginfo=2"];
        if version == "v0" {
            flags.extend(["-C", mangling.as_str()]);
        }
        let program = compile("rustc", RUST, version, &flags, folder.path());
        let all = functions(&program);
        let total = all
            .iter()
            .find(|(name, _, _)| name.contains("4shop5total"))
            .unwrap();
        let named = longest(&program, total.1, total.2);
        let names = chain(&named);
        assert!(names.len() >= 3, "{names:?}");
        assert!(names[0].contains("::shop::total"), "{names:?}");
        assert!(names[1].ends_with("::shop::middle"), "{names:?}");
        assert!(names[2].ends_with("::shop::deep"), "{names:?}");
        assert!(!names.iter().any(|name| name.contains("17h")), "{names:?}");
        assert_eq!(named.frames[1].line, Some(8));
    }
}

const GO: &str = "package main\n\
import (\n\"fmt\"\n\"os\"\n)\n\
type Cart struct{ n int }\n\
//go:noinline\n\
func (c *Cart) Total(n int) int { return c.n*7 + n }\n\
func main() {\n\
\tc := &Cart{len(os.Args)}\n\
\tfmt.Println(c.Total(3))\n\
}\n";

#[test]
fn go_programs_name_themselves_when_stripped() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("main.go");
    std::fs::write(&file, GO).unwrap();
    let modes: [&[&str]; 2] = [&["-buildmode=exe"], &["-buildmode=pie"]];
    for mode in modes {
        let build = |name: &str, flags: &[&str]| {
            let mut arguments = vec!["build", "-o", name];
            arguments.extend(mode);
            arguments.extend(flags);
            arguments.push("main.go");
            run("go", &arguments, folder.path());
            folder.path().join(name)
        };
        let (whole, stripped) = (build("whole", &[]), build("stripped", &["-ldflags=-s -w"]));
        assert!(functions(&stripped).len() < 100);
        let ours = |name: &str| {
            name.starts_with("main.") || name.starts_with("fmt.") || name.starts_with("runtime.")
        };
        let wanted: Vec<_> = functions(&whole)
            .into_iter()
            .filter(|(name, _, n)| ours(name) && !name.ends_with(".abi0") && *n > 0)
            .collect();
        assert!(wanted.len() > 200);
        let open = |path: &Path| Files::open(&File::open(path).unwrap(), None, None).unwrap();
        let (whole, stripped) = (open(&whole), open(&stripped));
        let (whole, stripped) = (
            Sources::of(&whole).unwrap(),
            Sources::of(&stripped).unwrap(),
        );
        let (whole, stripped) = (Symbolizer::new(&whole), Symbolizer::new(&stripped));
        let (mut lines, mut inlined) = (0, 0);
        for (name, start, bytes) in &wanted {
            for address in [*start, start + bytes / 2, start + bytes - 1] {
                let (described, found) = (whole.find(address), stripped.find(address));
                assert_eq!(chain(&found), [name], "{address:#x}");
                // The table of lines has the innermost line, debug information one for each inlined function.
                let innermost = described.frames.last().unwrap();
                assert_eq!(described.frames[0].function, *name);
                if described.frames.len() == 1 {
                    let plain = |file: &Option<String>| {
                        file.as_ref()
                            .map(|file| file.trim_start_matches("./").to_owned())
                    };
                    let at = (plain(&found.frames[0].file), found.frames[0].line);
                    assert_eq!(
                        at,
                        (plain(&innermost.file), innermost.line),
                        "{name} {address:#x}"
                    );
                    lines += 1;
                } else {
                    inlined += 1;
                }
            }
        }
        println!("{lines} lines agree, {inlined} addresses are in inlined functions");
        assert!(lines > 300);
    }
}
