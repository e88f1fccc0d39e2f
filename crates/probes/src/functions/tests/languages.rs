//! C++, Rust and Go.

use super::build::{found, names, one};
use crate::functions::Language;
use crate::symbols::Missing;
use crate::symbols::tests::build::{compile, functions, run};
use std::path::Path;

const CPP: &str = "volatile int sink;\n\
namespace shop {\n\
template <typename T> struct Cart {\n\
    T n;\n\
    __attribute__((always_inline)) inline Cart(T n) : n(n) { sink = n; }\n\
    __attribute__((always_inline)) inline T deep(T n) { sink = sink + n; return n * 7; }\n\
    __attribute__((noinline)) T total(T n);\n\
    __attribute__((noinline)) T total(T n, long m) { return deep(n) + m; }\n\
    __attribute__((noinline)) T operator()(T n) { return n + sink; }\n\
};\n\
template <typename T> T Cart<T>::total(T n) { return deep(n) + deep(n + 1) + sink; }\n\
}\n\
namespace {\n\
__attribute__((noipa)) int hidden(int n) { return n + sink; }\n\
}\n\
int main(int n, char **) {\n\
    shop::Cart<int> cart(n);\n\
    shop::Cart<long> other(n);\n\
    return cart.total(n) + cart.total(n, 2) + other.total(3) + cart(1) + hidden(n);\n\
}\n";

#[test]
fn overloads_and_templates_of_cpp_are_functions_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    for version in ["-gdwarf-4", "-gdwarf-5"] {
        let program = compile("c++", CPP, "program", &["-O2", version], folder.path());
        let total = found(&program, None, "total");
        let wanted = [
            "shop::Cart<int>::total(int)",
            "shop::Cart<long>::total(long)",
            "shop::Cart<int>::total(int, long)",
        ];
        assert_eq!(names(&total), wanted);
        let mut lines: Vec<_> = total
            .functions
            .iter()
            .map(|one| one.line.unwrap())
            .collect();
        lines.sort();
        assert_eq!(lines, [8, 11, 11]);
        for one in &total.functions {
            assert_eq!(one.language, Language::Cpp);
            assert!(
                one.linkage.as_ref().unwrap().starts_with("_ZN4shop4Cart"),
                "{one:?}"
            );
        }
        for pattern in [
            "Cart::total",
            "shop::Cart<int>::total",
            "*<int>::total",
            "cartot",
        ] {
            let found = found(&program, None, pattern);
            assert!(names(&found).contains(&wanted[0]), "{pattern}: {found:?}");
        }
        let mangled = "_ZN4shop4CartIiE5totalEil";
        assert_eq!(names(&found(&program, None, mangled)), [wanted[2]]);
        let called = one(&program, None, "shop::Cart<int>::operator()(int)");
        assert!(called.address.is_some());
        one(&program, None, "(anonymous namespace)::hidden(int)");
    }
}

#[test]
fn functions_that_cpp_inlined_say_where_they_went() {
    let folder = tempfile::tempdir().unwrap();
    let program = compile("c++", CPP, "program", &["-O2", "-g"], folder.path());
    let deep = one(&program, None, "shop::Cart<int>::deep(int)");
    assert!(deep.is_inlined_only() && deep.line == Some(6));
    assert_eq!((deep.inlined.sites, deep.inlined.functions), (3, 2));
    let mut into = deep.inlined.names;
    into.sort();
    assert_eq!(
        into,
        [
            "shop::Cart<int>::total(int)",
            "shop::Cart<int>::total(int, long)"
        ]
    );
    // What has code can have a probe, and comes first.
    let all = found(&program, None, "Cart<int>::").functions;
    let without: Vec<bool> = all.iter().map(|one| one.is_inlined_only()).collect();
    assert!(without.is_sorted() && without.contains(&false) && without.contains(&true));
    let made = one(&program, None, "shop::Cart<int>::Cart(int)");
    assert!(made.is_inlined_only());
    assert_eq!(made.inlined.names, ["main"]);
}

/// The function is inlined in one file and called in another, and so is the constructor.
#[test]
fn a_function_may_be_inlined_and_have_code_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let common = "struct Cart { int n; Cart(int n); int twice() const; };\n\
        extern volatile int sink;\n\
        inline Cart::Cart(int n) : n(n + sink) {}\n\
        inline int Cart::twice() const { return n * 2 + sink; }\n";
    let far = format!("{common}int far(int n) {{ Cart c(n); return c.twice(); }}\n");
    let flags = ["-O2", "-g", "-fno-inline", "-c"];
    compile("c++", &far, "far.o", &flags, folder.path());
    let main = format!(
        "{common}volatile int sink;\nint far(int);\n\
         int main(int n, char **) {{ Cart c(n); return c.twice() + far(n); }}\n"
    );
    let flags = ["-O2", "-g", "far.o"];
    let program = compile("c++", &main, "program", &flags, folder.path());
    for name in ["Cart::twice() const", "Cart::Cart(int)"] {
        let found = one(&program, None, name);
        assert!(found.address.is_some(), "{found:?}");
        assert_eq!(found.inlined.names, ["main"], "{found:?}");
        assert_eq!((found.inlined.sites, found.inlined.functions), (1, 1));
    }
}

const RUST: &str = "use std::hint::black_box;\n\
pub mod shop {\n\
    pub struct Cart(pub u64);\n\
    impl Drop for Cart {\n\
        #[inline(never)]\n\
        fn drop(&mut self) { std::hint::black_box(self.0); }\n\
    }\n\
    #[inline(always)]\n\
    pub fn deep(n: u64) -> u64 { std::hint::black_box(n * 7) }\n\
    #[inline(never)]\n\
    pub fn total<T: Into<u64>>(n: T) -> u64 { deep(n.into()) + 1 }\n\
}\n\
fn main() {\n\
    let _cart = shop::Cart(black_box(3));\n\
    println!(\"{}\", black_box(shop::total(black_box(3u32))) + black_box(shop::total(4u8)));\n\
}\n";

#[test]
fn names_of_rust_have_no_hashes() {
    let folder = tempfile::tempdir().unwrap();
    for version in ["v0", "default"] {
        let mangling = format!("symbol-mangling-version={version}");
        let mut flags = vec!["-O", "-C", "debuginfo=2"];
        if version == "v0" {
            flags.extend(["-C", mangling.as_str()]);
        }
        let program = compile("rustc", RUST, version, &flags, folder.path());
        let total = found(&program, None, "shop::total");
        assert_eq!(total.total, 2, "{total:?}");
        for one in &total.functions {
            assert!(one.name.contains("::shop::total"), "{one:?}");
            assert_eq!((one.line, one.language), (Some(11), Language::Rust));
            assert!(!one.name.contains("17h") && one.linkage.is_some());
            assert!(
                one.file
                    .as_ref()
                    .unwrap()
                    .ends_with(&format!("{version}.rs"))
            );
        }
        let deep = found(&program, None, "shop::deep").functions.remove(0);
        assert!(deep.is_inlined_only() && deep.line == Some(9), "{deep:?}");
        assert_eq!((deep.inlined.sites, deep.inlined.functions), (2, 2));
        assert!(
            deep.inlined
                .names
                .iter()
                .all(|name| name.contains("shop::total"))
        );
        let dropped = found(&program, None, "Cart::drop");
        assert!(
            dropped.functions[0]
                .name
                .contains("shop::Cart as core::ops::drop::Drop>::drop")
        );
        assert_eq!(dropped.functions[0].line, Some(6));
        let all = found(&program, None, "");
        assert!(
            all.total > 300 && all.missing.is_none(),
            "{} {:?}",
            all.total,
            all.missing
        );
    }
}

const GO: &str = "package main\n\
import (\n\"fmt\"\n\"os\"\n)\n\
type Cart struct{ n int }\n\
//go:noinline\n\
func (c *Cart) Total(n int) int { return c.n*7 + tiny(n) }\n\
var sink int\n\
func tiny(n int) int { sink += n; return sink*3 + sink%5 }\n\
//go:noinline\n\
func Map[T any](n T, f func(T) T) T { return f(n) }\n\
//go:noinline\n\
func cold(n int) int { return n * len(os.Args) }\n\
func main() {\n\
\tc := &Cart{len(os.Args)}\n\
\tfmt.Println(c.Total(3), cold(4), Map(3, func(n int) int { return n + c.n }))\n\
}\n";

fn go(folder: &Path, name: &str, flags: &[&str]) -> std::path::PathBuf {
    std::fs::write(folder.join("main.go"), GO).unwrap();
    let arguments = [&["build", "-o", name], flags, &["main.go"]].concat();
    run("go", &arguments, folder);
    folder.join(name)
}

#[test]
fn programs_of_go_keep_their_functions_when_stripped() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for mode in ["-buildmode=exe", "-buildmode=pie"] {
        let whole = go(folder, "whole", &[mode]);
        let stripped = go(folder, "stripped", &[mode, "-ldflags=-s -w"]);
        for (name, line) in [
            ("main.(*Cart).Total", 8),
            ("main.cold", 14),
            ("main.main", 15),
        ] {
            let found = one(&whole, None, name);
            let bare = one(&stripped, None, name);
            assert_eq!((bare.address, bare.bytes), (found.address, found.bytes));
            assert_eq!((bare.line, bare.language), (Some(line), Language::Go));
            assert_eq!(found.language, Language::Go);
            assert!(bare.file.unwrap().ends_with("main.go"));
            assert!(bare.parts.is_empty() && !bare.is_variant);
        }
        assert_eq!(
            names(&found(&stripped, None, "Cart.Total"))[0],
            "main.(*Cart).Total"
        );
        assert_eq!(
            names(&found(&stripped, None, "main.(*Cart).*")),
            ["main.(*Cart).Total"]
        );
        assert_eq!(
            names(&found(&stripped, None, "main.main.func?")),
            ["main.main.func1"]
        );
        for program in [&whole, &stripped] {
            assert_eq!(names(&found(program, None, "main.Map")), ["main.Map[...]"]);
        }
        let shaped = found(&whole, None, "main.Map[go.shape.int_0]")
            .functions
            .remove(0);
        assert_eq!(
            (shaped.name.as_str(), shaped.alias.is_some()),
            ("main.Map[...]", true)
        );
        assert_eq!(
            found(&stripped, None, "tiny").missing,
            Some(Missing::NoDebugInfo)
        );
        let tiny = one(&whole, None, "main.tiny");
        assert!(tiny.is_inlined_only());
        assert_eq!(tiny.inlined.names, ["main.(*Cart).Total"]);
    }
}

#[test]
fn the_index_of_go_has_what_its_symbol_table_has() {
    let folder = tempfile::tempdir().unwrap();
    let (whole, stripped) = (
        go(folder.path(), "whole", &[]),
        go(folder.path(), "stripped", &["-ldflags=-s -w"]),
    );
    // Go's own table leaves out arguments of types.
    let is_plain = |one: &(String, u64, u64)| one.2 > 0 && !one.0.contains('[');
    let wanted: Vec<_> = functions(&whole).into_iter().filter(is_plain).collect();
    assert!(wanted.len() > 1000);
    for program in [whole, stripped] {
        super::build::with(&program, None, |all| {
            for (name, address, _) in &wanted {
                let name = name.trim_end_matches(".abi0");
                let found = all.at(*address).unwrap_or_else(|| panic!("no {name}"));
                assert_eq!(found.name, name);
            }
        });
    }
}
