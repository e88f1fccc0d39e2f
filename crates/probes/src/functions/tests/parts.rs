//! What compilers and linkers do to names: versions, aliases, parts, resolvers, names without type.

use super::build::{found, names, one};
use crate::functions::PartKind;
use crate::symbols::tests::build::{compile, function, functions, run};

const SPLIT: &str = "#include <stdlib.h>\n\
volatile int sink;\n\
__attribute__((cold, noinline)) void fail(int n) { sink = n; abort(); }\n\
__attribute__((noinline)) int risky(int n) {\n\
    if (n > 1000) { sink = n; fail(n * 3); }\n\
    return n + sink;\n\
}\n\
int main(int n, char **v) { return risky(n); }\n";

#[test]
fn cold_code_belongs_to_its_function() {
    let folder = tempfile::tempdir().unwrap();
    for (name, flags) in [("described", ["-O2", "-g"]), ("plain", ["-O2", "-g0"])] {
        let program = compile("cc", SPLIT, name, &flags, folder.path());
        let (cold, bytes) = function(&program, "risky.cold");
        let risky = one(&program, None, "risky");
        let part = risky.parts[..].first().copied().unwrap();
        assert_eq!((part.kind, part.address), (PartKind::Cold, cold), "{name}");
        assert_eq!(
            (u64::from(part.bytes), risky.parts.len()),
            (bytes, 1),
            "{name}"
        );
        let symbols = functions(&program);
        let whole = symbols.iter().find(|symbol| symbol.0 == "risky").unwrap();
        assert_eq!(risky.address, Some(whole.1));
        assert_eq!(risky.line, (name == "described").then_some(4));
        assert!(!risky.is_variant && risky.linkage.is_none());
        assert_eq!(names(&found(&program, None, "risky*")), ["risky"]);
    }
    // Without symbols, debug information says where the cold code is.
    run(
        "strip",
        &["-N", "risky.cold", "-N", "risky", "described"],
        folder.path(),
    );
    let risky = one(&folder.path().join("described"), None, "risky");
    assert_eq!((risky.parts.len(), risky.line), (1, Some(4)));
}

/// Two files with functions of the same name, whose parts have names as compilers give them.
fn copied(file: &str) -> String {
    format!(
        "__attribute__((noipa, used)) static int same(int n) {{ return n + {file}; }}\n\
         __attribute__((noipa, used)) static int split(int n) __asm__(\"same.part.0\");\n\
         __attribute__((noipa, used)) static int split(int n) {{ return n * 7 + {file}; }}\n\
         __attribute__((noipa, used)) static int left(int n) __asm__(\"gone.isra.0\");\n\
         __attribute__((noipa, used)) static int left(int n) {{ return n * 9 + {file}; }}\n\
         __attribute__((noipa, used)) static int cold(int n) __asm__(\"gone.isra.0.cold\");\n\
         __attribute__((noipa, used)) static int cold(int n) {{ return n * 11 + {file}; }}\n"
    )
}

#[test]
fn parts_of_functions_with_the_same_name_are_told_apart_by_file() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("second.c"), copied("2")).unwrap();
    let main = format!("{}int main(void) {{ return 0; }}\n", copied("1"));
    let program = compile("cc", &main, "program", &["-O2", "second.c"], folder.path());
    let same = found(&program, None, "same");
    assert_eq!(names(&same), ["same", "same"]);
    for one in &same.functions {
        let [part] = one.parts[..] else {
            panic!("{one:?}");
        };
        assert_eq!(part.kind, PartKind::Split);
        // The compiler puts the code of a file together.
        let apart = part.address.abs_diff(one.address.unwrap());
        assert!(apart < 64, "{one:?}");
    }
    // Where the function itself is gone, the part that can be called stands for it.
    let gone = found(&program, None, "gone");
    assert_eq!(names(&gone), ["gone", "gone"]);
    for one in &gone.functions {
        assert!(one.is_variant && one.linkage.as_deref() == Some("gone.isra.0"));
        assert!(one.parts.len() == 1 && one.parts[0].kind == PartKind::Cold);
    }
}

const ODD: &str = "__attribute__((noipa)) int first(int n) { return n * 3; }\n\
int second(int n) __attribute__((alias(\"first\")));\n\
int __third(int n) __attribute__((alias(\"first\")));\n\
static int fast(int n) { return n; }\n\
static int (*choose(void))(int) { return fast; }\n\
int chosen(int n) __attribute__((ifunc(\"choose\")));\n\
__asm__(\".text\\n.globl handmade\\nhandmade:\\nnop\\nlabel:\\nret\\n\");\n\
__asm__(\".globl inside\\n.type around, @function\\naround:\\nnop\\ninside:\\nret\\n.size around, . - around\\n\");\n\
int versioned(int n) { return n + 5; }\n";

#[test]
fn names_of_the_same_code_are_one_function_that_each_of_them_finds() {
    let folder = tempfile::tempdir().unwrap();
    let versions = folder.path().join("versions");
    std::fs::write(&versions, "V1 { global: *; };\n").unwrap();
    let script = format!("-Wl,--version-script={}", versions.display());
    let flags = ["-O2", "-shared", "-fPIC", script.as_str()];
    let library = compile("cc", ODD, "library", &flags, folder.path());
    let first = one(&library, None, "first");
    for (other, alias) in [
        ("second", "second"),
        ("__third", "__third"),
        ("__thi", "__third"),
    ] {
        let found = found(&library, None, other);
        let mut same = found.functions[0].clone();
        assert_eq!(same.alias.take().as_deref(), Some(alias));
        assert_eq!((same, found.total), (first.clone(), 1), "{other}");
    }
    let versioned = one(&library, None, "versioned");
    assert!(versioned.linkage.is_none_or(|name| name == "versioned@@V1"));
    assert!(one(&library, None, "chosen").is_resolver && !first.is_resolver);
    // Without a type: what other files may use, unless it lies in a function.
    assert_eq!(one(&library, None, "handmade").bytes, 0);
    assert!(found(&library, None, "around").total == 1);
    assert_eq!(found(&library, None, "label").total, 0);
    assert_eq!(found(&library, None, "inside").total, 0);
}
