//! The facts of one process that its name is made of. Of the environment only the keys that name a service are looked
//! at, and nothing else of it is kept.

use super::inside;
use coral_model::TimeNs;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

/// The longest command line or environment that is read.
const READ_MAX: u64 = 64 * 1024;
/// The longest `package.json` that is read.
const PACKAGE_MAX: u64 = 256 * 1024;

/// What is known of a process.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// Its id.
    pub pid: u32,
    /// Start after boot in clock ticks.
    pub start_ticks: u64,
    /// The kernel's name for it.
    pub comm: String,
    /// The file it runs, as the link says.
    pub exe: Option<String>,
    /// Its arguments.
    pub args: Vec<String>,
    /// `OTEL_SERVICE_NAME`, or `service.name` of `OTEL_RESOURCE_ATTRIBUTES`.
    pub declared: Option<String>,
    /// `name` of the package.json that belongs to a node script.
    pub package: Option<String>,
}

/// Reads the facts of `pid`; `None` when it is gone.
pub fn read(pid: u32) -> Option<Facts> {
    let process = procfs::process::Process::new(i32::try_from(pid).ok()?).ok()?;
    let stat = process.stat().ok()?;
    let exe = process.exe().ok().map(|path| {
        path.to_string_lossy()
            .trim_end_matches(" (deleted)")
            .to_owned()
    });
    let mut facts = Facts {
        pid,
        start_ticks: stat.starttime,
        comm: stat.comm,
        exe,
        args: read_list(pid, "cmdline"),
        declared: declared(&read_list(pid, "environ")),
        package: None,
    };
    if facts
        .exe
        .as_deref()
        .is_some_and(|exe| exe.ends_with("/node") || exe.ends_with("/nodejs"))
    {
        facts.package = package_name(pid, &facts.args);
    }
    Some(facts)
}

/// When a process started, from its ticks.
pub fn started(start_ticks: u64, clock: &crate::clock::Clock) -> TimeNs {
    let per_second = procfs::ticks_per_second().max(1);
    clock.at(start_ticks * (1_000_000_000 / per_second))
}

fn read_list(pid: u32, file: &str) -> Vec<String> {
    let mut bytes = Vec::new();
    if let Ok(file) = File::open(format!("/proc/{pid}/{file}")) {
        // A process that ends meanwhile leaves what was read so far.
        let _ = file.take(READ_MAX).read_to_end(&mut bytes);
    }
    bytes
        .split(|&b| b == 0)
        .filter(|p| !p.is_empty())
        .map(|p| String::from_utf8_lossy(p).into_owned())
        .collect()
}

fn declared(environ: &[String]) -> Option<String> {
    let value = |key: &str| {
        environ
            .iter()
            .find_map(|entry| entry.strip_prefix(key)?.strip_prefix('='))
    };
    let named = value("OTEL_SERVICE_NAME").map(str::to_owned).or_else(|| {
        let attributes = value("OTEL_RESOURCE_ATTRIBUTES")?;
        attributes
            .split(',')
            .find_map(|a| Some(a.trim().strip_prefix("service.name=")?.to_owned()))
    });
    named.filter(|name| !name.trim().is_empty())
}

/// The name in the package.json beside the script or in a folder above it, read inside the process's own root.
fn package_name(pid: u32, args: &[String]) -> Option<String> {
    let script = args.iter().skip(1).find(|a| !a.starts_with('-'))?;
    let cwd = std::fs::read_link(format!("/proc/{pid}/cwd")).ok()?;
    let script = cwd.join(script);
    let root = inside::root_of(pid)?;
    let mut folder: Option<&Path> = script.parent();
    while let Some(path) = folder {
        if let Some(text) = read_inside(&root, &path.join("package.json")) {
            return json_name(&text);
        }
        folder = path.parent();
    }
    None
}

/// Reads a small regular file below a process's root.
fn read_inside(root: &File, path: &Path) -> Option<String> {
    let file = inside::open(root, path, PACKAGE_MAX)?;
    let mut text = String::new();
    file.take(PACKAGE_MAX).read_to_string(&mut text).ok()?;
    Some(text)
}

/// The first `"name": "..."` of a package.json: by convention at its top; a whole JSON parser is not worth its memory.
fn json_name(text: &str) -> Option<String> {
    let rest = text
        .split_once("\"name\"")?
        .1
        .trim_start()
        .strip_prefix(':')?
        .trim_start()
        .strip_prefix('"')?;
    let name = rest.split('"').next()?;
    (!name.is_empty() && name.len() < 200).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_own_process_is_read() {
        let facts = read(std::process::id()).unwrap();
        assert!(facts.start_ticks > 0 && !facts.args.is_empty() && facts.exe.is_some());
        assert_eq!(read(u32::MAX), None);
    }

    #[test]
    fn only_the_naming_keys_of_an_environment_are_kept() {
        let env = |list: &[&str]| list.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>();
        assert_eq!(
            declared(&env(&["SECRET=x", "OTEL_SERVICE_NAME=cart"])).as_deref(),
            Some("cart")
        );
        let attributes = env(&["OTEL_RESOURCE_ATTRIBUTES=a=b, service.name=pay"]);
        assert_eq!(declared(&attributes).as_deref(), Some("pay"));
        assert_eq!(declared(&env(&["OTEL_SERVICE_NAME= ", "PATH=/bin"])), None);
    }

    #[test]
    fn package_names() {
        assert_eq!(
            json_name("{ \"name\" : \"web-shop\", \"version\": 1 }").as_deref(),
            Some("web-shop")
        );
        assert_eq!(json_name("{}"), None);
    }

    #[test]
    fn a_link_out_of_the_root_is_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        let root = File::open(dir.path()).unwrap();
        let package = dir.path().join("package.json");
        std::os::unix::fs::symlink("/etc/passwd", &package).unwrap();
        assert_eq!(read_inside(&root, Path::new("/package.json")), None);
        std::fs::create_dir(dir.path().join("etc")).unwrap();
        std::fs::write(dir.path().join("etc/passwd"), "the root's own").unwrap();
        assert_eq!(
            read_inside(&root, Path::new("/package.json")).as_deref(),
            Some("the root's own")
        );
    }
}
