//! The programs: compiled once for all runs of the tests, in a folder named by what they are made of.

use crate::world::{copy_program, run};
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::process::Command;

const SOURCES: [(&str, &str); 8] = [
    ("burn.c", include_str!("programs/burn.c")),
    ("drive.c", include_str!("programs/drive.c")),
    ("burn.cc", include_str!("programs/burn.cc")),
    ("rusty.rs", include_str!("programs/rusty.rs")),
    ("burn.go", include_str!("programs/burn.go")),
    ("crowd.c", include_str!("programs/crowd.c")),
    ("moment.c", include_str!("programs/moment.c")),
    ("mapped.c", include_str!("programs/mapped.c")),
];

/// The text of a source.
pub fn source(name: &str) -> &'static str {
    let found = SOURCES.iter().find(|(known, _)| *known == name);
    found
        .unwrap_or_else(|| panic!("there is no source {name}"))
        .1
}

/// What a command of a shell makes of the sources, in a folder of its own: its `out` is the program, what lies beside
/// it belongs to it.
pub fn built(script: &str) -> PathBuf {
    let mut hasher = DefaultHasher::new();
    (SOURCES, script).hash(&mut hasher);
    let all = Path::new(env!("CARGO_TARGET_TMPDIR")).join("programs");
    let folder = all.join(format!("{:016x}", hasher.finish()));
    if folder.exists() {
        return folder;
    }
    std::fs::create_dir_all(&all).unwrap();
    let making = tempfile::tempdir_in(&all).unwrap();
    for (name, text) in SOURCES {
        std::fs::write(making.path().join(name), text).unwrap();
    }
    let mut shell = Command::new("sh");
    shell.args(["-euc", script]).current_dir(making.path());
    let output = shell.output().unwrap();
    let said = crate::world::text(&output);
    assert!(output.status.success(), "{script}: {said}");
    // Another test may have made it meanwhile.
    if std::fs::rename(making.path(), &folder).is_ok() {
        let _ = making.keep();
    }
    assert!(folder.join("out").exists(), "{script} makes no `out`");
    folder
}

/// Copies what was built: the program under a name of its own, so that others on this machine are not meant with it.
pub fn copied(built: &Path, to: &Path, name: &str) -> PathBuf {
    for entry in std::fs::read_dir(built).unwrap() {
        let entry = entry.unwrap();
        let file_name = entry.file_name();
        let own = file_name.to_str().unwrap();
        if own.ends_with(".so") || own.ends_with(".debug") {
            copy_program(&entry.path(), &to.join(own));
        }
    }
    let program = to.join(name);
    copy_program(&built.join("out"), &program);
    program
}

/// Whether the symbol table of a program has a name.
pub fn has_symbol(program: &Path, name: &str) -> bool {
    let output = run("nm", &["-C", program.to_str().unwrap()]);
    String::from_utf8_lossy(&output.stdout).contains(name)
}
