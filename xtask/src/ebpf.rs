//! `cargo xtask ebpf`: builds the kernel programs with bpf-linker and BTF and commits the object beside the crate that
//! includes it, so that an ordinary build needs neither. `--check` only compares the sources' hash with the recorded one.

mod object;
mod sources;
mod toolchain;

use crate::arguments::Arguments;
use crate::failure::Failure;
use crate::steps::Steps;
use crate::{house, program};
use std::path::{Path, PathBuf};
use std::process::Command;
use toolchain::{Compiler, Toolchain};

const TARGET: &str = "bpfel-unknown-none";
/// Variables of an outer cargo that the inner one needs as well: where packages come from.
const KEPT: [&str; 5] = [
    "CARGO_HOME",
    "CARGO_HTTP_",
    "CARGO_NET_",
    "CARGO_REGISTR",
    "CARGO_SOURCE_",
];

pub fn command(mut arguments: Arguments) -> Result<(), Failure> {
    let check = arguments.flag("--check");
    arguments.finish()?;
    let root = house::root()?;
    if check {
        return object::check(&root);
    }
    let mut steps = Steps::new(3);
    steps.next("find a compiler and bpf-linker");
    let toolchain = toolchain::find(&root)?;
    steps.next("compile the kernel programs");
    let built = compile(&root, &toolchain)?;
    steps.next("strip the object and record what it was made of");
    object::keep(&root, &built, &toolchain)
}

/// Compiles `crates/probes-ebpf` and returns the linked object.
fn compile(root: &Path, toolchain: &Toolchain) -> Result<PathBuf, Failure> {
    let target = house::cache("ebpf-target")?;
    let mut cargo = match &toolchain.compiler {
        Compiler::Nightly => program::command("rustup", root),
        Compiler::Debian(_) => program::command("cargo", root),
    };
    clean(&mut cargo);
    match &toolchain.compiler {
        Compiler::Nightly => cargo.args(["run", "nightly", "cargo"]),
        // The prebuilt core is stable's; the bootstrap switch opens the features that aya-ebpf needs.
        Compiler::Debian(rustc) => cargo.env("RUSTC", rustc).env("RUSTC_BOOTSTRAP", "1"),
    };
    let mut flags = vec![
        "--cfg=bpf_target_arch=\"x86_64\"".to_owned(),
        format!("-Clinker={}", toolchain.linker.display()),
        "-Clink-arg=--btf".to_owned(),
        "-Cdebuginfo=2".to_owned(),
    ];
    flags.extend(remapped(root, toolchain)?);
    cargo
        .current_dir(root.join(sources::PROGRAMS))
        .env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f"))
        .args(["build", "--locked", "--release", "--target", TARGET])
        .arg("--target-dir")
        .arg(&target);
    if matches!(toolchain.compiler, Compiler::Nightly) {
        cargo.args(["-Z", "build-std=core"]);
    }
    program::run(&mut cargo)?;
    Ok(target.join(TARGET).join("release/probes"))
}

/// BTF names source files: they get the same names on every machine.
fn remapped(root: &Path, toolchain: &Toolchain) -> Result<Vec<String>, Failure> {
    let mut names = vec![(root.to_owned(), "coral"), (toolchain.sysroot()?, "rust")];
    let cargo = std::env::var_os("CARGO_HOME").map_or_else(
        || PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".cargo"),
        PathBuf::from,
    );
    // One folder for each registry, with a hash in its name.
    if let Ok(registries) = std::fs::read_dir(cargo.join("registry/src")) {
        names.extend(
            registries
                .flatten()
                .map(|folder| (folder.path(), "registry")),
        );
    }
    let flag =
        |(path, name): (PathBuf, &str)| format!("--remap-path-prefix={}={name}", path.display());
    Ok(names.into_iter().map(flag).collect())
}

/// Removes what the cargo that runs this program put into the environment: it is meant for another compiler.
fn clean(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        let ours = name.starts_with("CARGO") && !KEPT.iter().any(|kept| name.starts_with(kept));
        let compiler = name.starts_with("RUSTC") || name.starts_with("RUSTDOC");
        if ours || compiler || ["RUSTFLAGS", "RUSTUP_TOOLCHAIN"].contains(&&*name) {
            command.env_remove(&*name);
        }
    }
}
