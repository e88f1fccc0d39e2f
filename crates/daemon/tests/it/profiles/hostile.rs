//! Files that are not what they were, or not what they say: the profile has right names or says that it has none, nothing
//! outside of a container is read, and the agent is there afterwards.

use super::builds::{built, copied};
use super::run::Running;
use super::session::{always, samples};
use crate::world::{World, able, copy_program, eventually, free_port, run};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::Command;

const BURN_MS: u64 = 2_500;
const BUILD: &str = "cc -O2 -static burn.c drive.c -o out";
/// The same program with other names, of functions and of itself.
const OTHER: &str = "sed 's/sixty/forged_sixty/;s/thirty/forged_thirty/;s/ten/forged_ten/;s/stir/forged_stir/' burn.c > other.c
    sed 's/sixty/forged_sixty/g;s/thirty/forged_thirty/g;s/ \\bten\\b/ forged_ten/g;s/stir/forged_stir/g' drive.c > others.c
    sed -i 's/stir(/forged_stir(/g;s/forged_forged/forged/g' other.c
    cc -O2 -static other.c others.c -o out";

/// Whether a frame speaks of the file that must not be read.
fn is_forged(profile: &Value) -> bool {
    samples(profile, |frames| {
        frames.iter().any(|f| f.contains("forged"))
    }) > 0
}

/// What is replaced while it runs is known by the file that runs, or not at all.
#[test]
fn a_program_replaced_on_disk_keeps_its_own_names() {
    if !able(&["cc"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut program = Running::start(folder.path(), "replaced", BUILD, BURN_MS);
    // It was not observed yet: what it is will be found out when its file is another.
    replace(&program.path, |new| {
        copy_program(&built(OTHER).join("out"), new)
    });
    let world = World::start_shared();
    program.go();
    let name = program.name.clone();
    // Samples come before their names, for which nobody asks at once.
    let profile = always(&world, &name, "it has samples with names", |p| {
        let is_named = samples(p, |f| f.contains(&"stir")) > 0;
        p["samples"].as_u64() >= Some(20) && (is_forged(p) || is_named)
    });
    assert!(!is_forged(&profile), "{profile:#}");
    assert!(
        samples(&profile, |f| f.contains(&"stir")) > 0,
        "{profile:#}"
    );
}

/// Names of the program, or words about what is missing.
fn knows_or_says(profile: &Value) -> bool {
    let missing = profile["missing"].as_array().is_some_and(|m| !m.is_empty());
    missing || samples(profile, |f| f.contains(&"stir")) > 0
}

/// Puts another thing where a file is, as a package manager does.
fn replace(path: &Path, make: impl FnOnce(&Path)) {
    let new = path.with_extension("new");
    make(&new);
    fs::rename(&new, path).unwrap();
}

/// Code of a file with the beginning of a program and nonsense behind it.
#[test]
fn a_file_that_only_begins_like_a_program_is_said_to_have_no_names() {
    if !able(&["cc"]) {
        return;
    }
    let world = World::start_shared();
    let agent = world.pid("agent");
    let folder = tempfile::tempdir().unwrap();
    let mut program = Running::start(folder.path(), "liar", "cc -O2 mapped.c -o out", BURN_MS);
    program.go();
    let profile = always(&world, &program.name, "its samples are told", |p| {
        let missing = p["missing"].as_array().map_or(&[][..], Vec::as_slice);
        let lie = |m: &Value| m["path"].as_str().is_some_and(|p| p.ends_with(".lie"));
        missing
            .iter()
            .any(|m| lie(m) && m["samples"].as_u64() >= Some(20))
    });
    let [samples, unresolved] = [&profile["samples"], &profile["unwind"]["unresolved"]];
    assert!(
        unresolved.as_u64() > Some(20),
        "{unresolved} of {samples}: {profile:#}"
    );
    assert_eq!(world.pid("agent"), agent, "{}", world.shown());
}

/// A folder that is all that a program sees.
struct Jail {
    folder: tempfile::TempDir,
}

impl Jail {
    /// With a program in it, started there.
    fn start(build: &str) -> (Self, Running) {
        let folder = tempfile::tempdir().unwrap();
        let name = format!("jailed-{}", free_port());
        let path = copied(&built(build), folder.path(), &name);
        let mut command = Command::new("chroot");
        command.arg(folder.path()).arg(format!("/{name}"));
        command.arg(BURN_MS.to_string());
        let mut program = Running::spawn(command, name, path);
        program.await_ready();
        (Self { folder }, program)
    }
}

/// A pipe where the program's file was: whoever opens it to read waits for ever.
#[test]
fn a_pipe_in_the_place_of_a_program_holds_nobody_up() {
    if !able(&["cc", "chroot", "mkfifo"]) {
        return;
    }
    let (_jail, mut program) = Jail::start(BUILD);
    replace(&program.path, |new| {
        run("mkfifo", &[new.to_str().unwrap()]);
    });
    let world = World::start_shared();
    let agent = world.pid("agent");
    program.go();
    let profile = always(&world, &program.name, "it has samples", |p| {
        p["samples"].as_u64() >= Some(20) && knows_or_says(p)
    });
    assert!(knows_or_says(&profile), "{profile:#}");
    still_profiles(&world, agent);
}

/// A link in a container that leads to a file of the host, in the place of the program and in that of its debug file.
#[test]
fn a_link_out_of_a_container_is_not_followed() {
    if !able(&["cc", "chroot", "objcopy"]) {
        return;
    }
    let outside = tempfile::tempdir().unwrap();
    let host = outside.path().join("host");
    copy_program(&built(OTHER).join("out"), &host);
    let (_jail, mut program) = Jail::start(BUILD);
    replace(&program.path, |new| {
        std::os::unix::fs::symlink(&host, new).unwrap()
    });
    // A program without names, whose debug file is a link to one that the host has and the container has not.
    let stripped = "cc -O2 -g -static burn.c drive.c -o out
        objcopy --only-keep-debug out apart.debug
        strip --strip-all out
        objcopy --add-gnu-debuglink=apart.debug out";
    let (jail, mut nameless) = Jail::start(stripped);
    let debug = jail.folder.path().join("apart.debug");
    let moved = outside.path().join("apart.debug");
    copy_program(&debug, &moved);
    fs::remove_file(&debug).unwrap();
    std::os::unix::fs::symlink(&moved, &debug).unwrap();
    let world = World::start_shared();
    let agent = world.pid("agent");
    program.go();
    nameless.go();
    let profile = always(&world, &program.name, "it has samples", |p| {
        p["samples"].as_u64() >= Some(20) && (is_forged(p) || knows_or_says(p))
    });
    assert!(!is_forged(&profile), "{profile:#}");
    let profile = always(&world, &nameless.name, "the other has samples", |p| {
        let told = p["missing"].as_array().is_some_and(|m| !m.is_empty());
        p["samples"].as_u64() >= Some(20) && told
    });
    let named = samples(&profile, |f| f.contains(&"stir"));
    assert_eq!(named, 0, "the host's debug file was read: {profile:#}");
    still_profiles(&world, agent);
}

/// The agent is the same process, and new programs get names.
fn still_profiles(world: &World, agent: i32) {
    assert_eq!(world.pid("agent"), agent, "{}", world.shown());
    let folder = tempfile::tempdir().unwrap();
    let mut program = Running::start(folder.path(), "after", BUILD, 1_000);
    program.go();
    always(world, &program.name, "a program of later has names", |p| {
        samples(p, |f| f.contains(&"stir")) > 0
    });
    eventually("it has worked", || !program.took_ns().is_empty());
}
