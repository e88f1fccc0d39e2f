//! The compiler and the linker for kernel programs. Compiler: rustup's nightly with rust-src, else Debian's rustc-web
//! unpacked into the cache. Linker: bpf-linker built once against LLVM 22, from Debian's installed or unpacked packages.

use crate::failure::Failure;
use crate::{house, program};
use std::path::{Path, PathBuf};
use std::process::Command;

/// bpf-linker's version, and the LLVM that it is linked against; a compiler with a newer LLVM writes what it cannot read.
const LINKER: &str = "0.13.0";
const LLVM: u32 = 22;

/// How the Rust is compiled.
pub enum Compiler {
    /// rustup's nightly, building core itself.
    Nightly,
    /// Debian's rustc with a prebuilt core.
    Debian(PathBuf),
}

/// What a build of the kernel programs needs.
pub struct Toolchain {
    pub compiler: Compiler,
    pub linker: PathBuf,
}

impl Toolchain {
    /// `rustc --version` of the compiler.
    pub fn rustc_version(&self) -> Result<String, Failure> {
        self.rustc(&["--version"])
    }

    /// Where the compiler keeps its libraries and their sources.
    pub fn sysroot(&self) -> Result<PathBuf, Failure> {
        self.rustc(&["--print", "sysroot"]).map(PathBuf::from)
    }

    fn rustc(&self, arguments: &[&str]) -> Result<String, Failure> {
        let printed = match &self.compiler {
            Compiler::Nightly => nightly(arguments)?,
            Compiler::Debian(rustc) => program::output(Command::new(rustc).args(arguments))?,
        };
        Ok(printed.trim().to_owned())
    }

    /// `bpf-linker --version`.
    pub fn linker_version(&self) -> Result<String, Failure> {
        let printed = program::output(Command::new(&self.linker).arg("--version"))?;
        Ok(printed.trim().to_owned())
    }
}

/// Finds both, and makes what is missing.
pub fn find(root: &Path) -> Result<Toolchain, Failure> {
    let compiler = match nightly_with_sources() {
        Ok(()) => Compiler::Nightly,
        Err(failure) => {
            eprintln!("  not with rustup's nightly ({failure}); taking Debian's compiler");
            Compiler::Debian(debian(root)?.join("bin/rustc"))
        }
    };
    Ok(Toolchain {
        compiler,
        linker: linker(root)?,
    })
}

fn nightly(arguments: &[&str]) -> Result<String, Failure> {
    program::output(
        Command::new("rustup")
            .args(["run", "nightly", "rustc"])
            .args(arguments),
    )
}

/// Whether rustup has a nightly of a fitting LLVM; fetches the sources of core when only they are missing.
fn nightly_with_sources() -> Result<(), Failure> {
    let version = nightly(&["-vV"])?;
    match llvm_major(&version) {
        Some(major) if major <= LLVM => {}
        _ => return Err(Failure::new(format!("its LLVM is newer than {LLVM}"))),
    }
    let sysroot = nightly(&["--print", "sysroot"])?;
    let core = Path::new(sysroot.trim()).join("lib/rustlib/src/rust/library/core");
    if !core.is_dir() {
        program::run(Command::new("rustup").args([
            "component",
            "add",
            "rust-src",
            "--toolchain",
            "nightly",
        ]))?;
    }
    Ok(())
}

/// The major version in the line `LLVM version: 22.1.4` of `rustc -vV`.
fn llvm_major(version: &str) -> Option<u32> {
    let line = version
        .lines()
        .find_map(|line| line.strip_prefix("LLVM version: "))?;
    line.split('.').next()?.parse().ok()
}

/// Debian's compiler and LLVM, unpacked into the cache without installing anything.
fn debian(root: &Path) -> Result<PathBuf, Failure> {
    let folder = house::cache("bpf")?;
    let script = root.join("xtask/ebpf/setup-bpf-toolchain.sh");
    program::run(
        Command::new("sh")
            .arg(script)
            .arg(&folder)
            .stdout(std::io::stderr()),
    )
    .map_err(|failure| {
        failure.hint("install rustup's nightly toolchain, or run: apt-get update (Debian 12)")
    })?;
    Ok(folder)
}

/// bpf-linker in the cache, built when it is not there yet.
fn linker(root: &Path) -> Result<PathBuf, Failure> {
    let tools = house::cache("tools")?;
    let linker = tools.join("bin/bpf-linker");
    if linker.is_file() {
        return Ok(linker);
    }
    let installed = PathBuf::from(format!("/usr/lib/llvm-{LLVM}"));
    let complete = ["bin/llvm-config", "lib/libPolly.a"]
        .iter()
        .all(|file| installed.join(file).exists());
    let mut cargo = program::command("cargo", root);
    super::clean(&mut cargo);
    if complete {
        cargo.env("LLVM_PREFIX", installed);
    } else {
        let unpacked = debian(root)?;
        let libraries = unpacked.join("lib");
        cargo
            .env("LLVM_PREFIX", unpacked.join("llvm"))
            .env("LD_LIBRARY_PATH", &libraries)
            .env("RUSTFLAGS", format!("-L native={}", libraries.display()));
    }
    eprintln!(
        "  building bpf-linker {LINKER} once; it is kept in {}",
        tools.display()
    );
    // Out of the clone: its cargo configuration is not meant for other people's programs.
    cargo.current_dir(&tools).arg("install").arg("bpf-linker");
    cargo.args(["--version", LINKER, "--locked", "--no-default-features"]);
    cargo.arg("--features").arg(format!("llvm-{LLVM}"));
    cargo.arg("--root").arg(&tools);
    program::run(&mut cargo)?;
    Ok(linker)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_llvm_of_a_compiler() {
        let version = "rustc 1.97.0-nightly\nrelease: 1.97.0\nLLVM version: 22.1.4\n";
        assert_eq!(llvm_major(version), Some(22));
        assert_eq!(llvm_major("rustc 1.97.0"), None);
    }
}
