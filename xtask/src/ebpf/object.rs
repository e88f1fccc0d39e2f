//! The committed object and `object.toml` beside it: what it was made of and by which compiler and linker.

use super::sources;
use super::toolchain::Toolchain;
use crate::failure::{Failure, Trying as _};
use crate::program;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const FOLDER: &str = "crates/probes/object";
const OBJECT: &str = "coral.bpf.o";
const RECORD: &str = "object.toml";
const AGAIN: &str = "run: cargo xtask ebpf, and commit crates/probes/object";
/// The kernel reads these; stripping must leave them as they are.
const SECTIONS: [&str; 2] = [".BTF", ".BTF.ext"];

/// Copies the linked object into the clone, without its DWARF, and writes the record.
pub fn keep(root: &Path, built: &Path, toolchain: &Toolchain) -> Result<(), Failure> {
    let folder = root.join(FOLDER);
    fs::create_dir_all(&folder).trying(format!("create {FOLDER}"))?;
    let object = folder.join(OBJECT);
    fs::copy(built, &object).trying("copy the object")?;
    strip(built, &object)?;
    let record = format!(
        "# Written by `cargo xtask ebpf`; `cargo xtask ebpf --check` compares it with the sources.\n\
         sources = \"{}\"\nobject = \"{}\"\nrustc = \"{}\"\nbpf_linker = \"{}\"\n",
        sources::hash(root)?,
        program::sha256(&object)?,
        toolchain.rustc_version()?,
        toolchain.linker_version()?,
    );
    fs::write(folder.join(RECORD), record).trying("write object.toml")?;
    let bytes = fs::metadata(&object).map_or(0, |meta| meta.len());
    eprintln!("  {FOLDER}/{OBJECT}: {bytes} bytes");
    Ok(())
}

/// Fails when the sources have changed since the object was made, or the object is not the recorded one.
pub fn check(root: &Path) -> Result<(), Failure> {
    let folder = root.join(FOLDER);
    let record = fs::read_to_string(folder.join(RECORD))
        .trying(format!("read {FOLDER}/{RECORD}"))
        .map_err(|failure| failure.hint(AGAIN))?;
    let object = program::sha256(&folder.join(OBJECT))?;
    for (key, now, what) in [
        (
            "sources",
            sources::hash(root)?,
            "the kernel programs' sources have",
        ),
        ("object", object, "the committed object has"),
    ] {
        if value(&record, key) != Some(&now) {
            let message = format!("{what} changed since object.toml was written");
            return Err(Failure::new(message).hint(AGAIN));
        }
    }
    Ok(())
}

/// The value of `key = "value"`.
fn value<'a>(record: &'a str, key: &str) -> Option<&'a str> {
    record.lines().find_map(|line| {
        let (name, value) = line.split_once(" = ")?;
        (name == key).then(|| value.trim_matches('"'))
    })
}

/// Removes the DWARF when that leaves BTF untouched; the object is valid either way, only larger.
fn strip(built: &Path, object: &Path) -> Result<(), Failure> {
    let Some((strip, objcopy)) = tools() else {
        eprintln!("  llvm-strip is not here: the object keeps its debug information");
        return Ok(());
    };
    let stripped = program::run(
        program::command(strip, Path::new("/"))
            .arg("-g")
            .arg(object),
    );
    let intact = stripped.is_ok()
        && SECTIONS.iter().all(|section| {
            let [before, after] = [built, object].map(|file| dump(&objcopy, section, file));
            before.is_some() && before == after
        });
    if !intact {
        eprintln!("  stripping would change BTF: the object keeps its debug information");
        fs::copy(built, object).trying("copy the object")?;
    }
    Ok(())
}

/// llvm-strip and llvm-objcopy of one LLVM; an old one does not know the relocations of BPF.
fn tools() -> Option<(PathBuf, PathBuf)> {
    ["-22", "-23", "-21", "-20", "-19", ""]
        .iter()
        .find_map(|version| {
            let tool = |name: &str| program::find(&format!("{name}{version}"));
            Some((tool("llvm-strip")?, tool("llvm-objcopy")?))
        })
}

/// The bytes of one section.
fn dump(objcopy: &Path, section: &str, file: &Path) -> Option<Vec<u8>> {
    let out = std::env::temp_dir().join(format!("coral-section-{}", std::process::id()));
    let wanted = format!("--dump-section={section}={}", out.display());
    let copied = Command::new(objcopy)
        .arg(wanted)
        .arg(file)
        .arg("/dev/null")
        .output()
        .ok()?;
    let bytes = copied
        .status
        .success()
        .then(|| fs::read(&out).ok())
        .flatten();
    let _ = fs::remove_file(out);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_its_own_record() {
        let record = "# made\nsources = \"ab\"\nrustc = \"rustc 1.97.0 (x)\"\n";
        assert_eq!(value(record, "sources"), Some("ab"));
        assert_eq!(value(record, "rustc"), Some("rustc 1.97.0 (x)"));
        assert_eq!(value(record, "object"), None);
    }
}
