//! Programs compiled for these tests, and what other tools say of them.

use crate::symbols::{Files, Named, Sources, Symbolizer};
use object::{Object as _, ObjectSymbol as _};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A function in C that calls another, which the compiler keeps apart.
pub const C: &str = "#include <stdio.h>\n\
volatile int sink;\n\
__attribute__((noinline)) int inner(int n) {\n\
    sink += n;\n\
    return n * 3;\n\
}\n\
__attribute__((noinline)) int outer(int n) { return inner(n) + sink; }\n\
int main(int n, char **v) { puts(v[0]); return outer(n); }\n";

/// Runs a tool; its output is text.
pub fn run(program: &str, arguments: &[&str], folder: &Path) -> String {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap_or_else(|error| panic!("{program}: {error}"));
    let says = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{program} {arguments:?}: {says}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Compiles a source.
pub fn compile(compiler: &str, source: &str, name: &str, flags: &[&str], folder: &Path) -> PathBuf {
    let extension = match compiler {
        "cc" => "c",
        "c++" => "cc",
        _ => "rs",
    };
    let file = folder.join(format!("{name}.{extension}"));
    std::fs::write(&file, source).unwrap();
    let mut arguments = flags.to_vec();
    arguments.extend([file.to_str().unwrap(), "-o", name]);
    run(compiler, &arguments, folder);
    folder.join(name)
}

/// Addresses of functions by the symbol table: name, address, size.
pub fn functions(program: &Path) -> Vec<(String, u64, u64)> {
    let data = std::fs::read(program).unwrap();
    let file = object::File::parse(&*data).unwrap();
    let code = file
        .symbols()
        .filter(|s| s.kind() == object::SymbolKind::Text && s.address() != 0);
    code.map(|s| (s.name().unwrap().to_owned(), s.address(), s.size()))
        .collect()
}

/// Address and size of one function.
pub fn function(program: &Path, name: &str) -> (u64, u64) {
    let all = functions(program);
    let found = all
        .iter()
        .find(|(other, _, _)| other == name || other.starts_with(&format!("{name}.")));
    found
        .map(|(_, address, bytes)| (*address, *bytes))
        .unwrap_or_else(|| panic!("no {name}"))
}

/// Names addresses of a program, perhaps with a debug file.
pub fn named(program: &Path, debug: Option<&Path>, addresses: &[u64]) -> Vec<Named> {
    let open = |path: &Path| File::open(path).unwrap();
    let debug = debug.map(open);
    let files = Files::open(&open(program), debug.as_ref(), None).unwrap();
    let sources = Sources::of(&files).unwrap();
    let symbolizer = Symbolizer::new(&sources);
    addresses
        .iter()
        .map(|address| symbolizer.find(*address))
        .collect()
}

/// The names alone, outermost first.
pub fn chain(named: &Named) -> Vec<&str> {
    named
        .frames
        .iter()
        .map(|frame| frame.function.as_str())
        .collect()
}
