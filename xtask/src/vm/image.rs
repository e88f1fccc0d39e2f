//! The machine's files: busybox, the real curl, the program that counts, the libraries that they need, and `init`; packed
//! as an initramfs.

use crate::failure::{Failure, Trying as _};
use crate::{house, program};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const INIT: &str = "xtask/vm/init.sh";

/// Packs everything into one file of the cache.
pub fn pack(root: &Path, count: &Path) -> Result<PathBuf, Failure> {
    let cache = house::cache("vm")?;
    // Two runs at once do not pack each other's files.
    let tree = cache.join(format!("tree-{}", std::process::id()));
    let image = cache.join(format!("initramfs-{}.cpio", std::process::id()));
    let packed = fill(&tree, root, count).and_then(|()| archive(&tree, &image));
    let removed = fs::remove_dir_all(&tree).trying("remove the unpacked files");
    packed.and(removed).map(|()| image)
}

fn fill(tree: &Path, root: &Path, count: &Path) -> Result<(), Failure> {
    for folder in ["bin", "sys", "proc", "dev"] {
        fs::create_dir_all(tree.join(folder)).trying("create the machine's folders")?;
    }
    install(tree, &root.join(INIT), "init")?;
    install(
        tree,
        &machine_program("busybox", "busybox-static")?,
        "bin/busybox",
    )?;
    for (file, name) in [
        (machine_program("curl", "curl")?, "bin/curl"),
        (count.to_owned(), "bin/count"),
    ] {
        install(tree, &file, name)?;
        for library in libraries(&file)? {
            install(tree, &library, &library.display().to_string())?;
        }
    }
    Ok(())
}

fn machine_program(name: &str, package: &str) -> Result<PathBuf, Failure> {
    program::find(name).ok_or_else(|| {
        Failure::new(format!("{name} is not on this machine"))
            .hint(format!("run: apt-get install {package}"))
    })
}

/// Copies a file to its place in the tree, executable.
fn install(tree: &Path, file: &Path, place: &str) -> Result<(), Failure> {
    let target = tree.join(place.trim_start_matches('/'));
    if let Some(folder) = target.parent() {
        fs::create_dir_all(folder).trying("create the machine's folders")?;
    }
    fs::copy(file, &target).trying(format!("copy {}", file.display()))?;
    let executable = fs::Permissions::from_mode(0o755);
    fs::set_permissions(&target, executable).trying(format!("make {place} executable"))
}

/// The shared libraries and the loader of a program, as `ldd` resolves them; none for a script or a static program.
fn libraries(file: &Path) -> Result<Vec<PathBuf>, Failure> {
    let printed = Command::new("ldd").arg(file).output().trying("start ldd")?;
    let printed = String::from_utf8_lossy(&printed.stdout);
    match printed.lines().find(|line| line.contains("not found")) {
        Some(line) => Err(Failure::new(format!("{}: {}", file.display(), line.trim()))),
        None => Ok(printed.lines().filter_map(library).collect()),
    }
}

/// The path in a line such as `libc.so.6 => /lib/libc.so.6 (0x7f..)` or `/lib64/ld-linux-x86-64.so.2 (0x7f..)`.
fn library(line: &str) -> Option<PathBuf> {
    let path = line.split_whitespace().find(|word| word.starts_with('/'))?;
    Some(PathBuf::from(path))
}

fn archive(tree: &Path, image: &Path) -> Result<(), Failure> {
    let list = program::output(Command::new("find").arg(".").current_dir(tree))?;
    let out = fs::File::create(image).trying(format!("create {}", image.display()))?;
    let mut cpio = Command::new("cpio");
    cpio.args(["--quiet", "--create", "--format=newc", "--owner=0:0"]);
    cpio.current_dir(tree).stdin(Stdio::piped()).stdout(out);
    program::feed(&mut cpio, &list).map_err(|failure| failure.hint("run: apt-get install cpio"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_lines_of_ldd() {
        let path = |line| library(line).map(|path| path.display().to_string());
        assert_eq!(path("\tlinux-vdso.so.1 (0x00007ffd)"), None);
        assert_eq!(
            path("\tlibc.so.6 => /lib/x/libc.so.6 (0x00007f)").as_deref(),
            Some("/lib/x/libc.so.6")
        );
        assert_eq!(
            path("\t/lib64/ld-linux.so.2 (0x00007f)").as_deref(),
            Some("/lib64/ld-linux.so.2")
        );
        assert_eq!(path("\tnot a dynamic executable"), None);
    }
}
