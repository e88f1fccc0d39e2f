//! Functions of a running service are found, watched and left as they were, by the commands that a person types.

mod languages;

use crate::world::{World, able, eventually, free_port, text};
use serde_json::Value;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

/// The service, compiled under a name that nobody else has.
struct Service {
    child: Child,
    says: BufReader<ChildStdout>,
    name: String,
    path: PathBuf,
    _folder: tempfile::TempDir,
}

impl Service {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        let name = format!("pay-{port}");
        let path = built(folder.path(), &name);
        let mut command = Command::new(&path);
        command.arg(port.to_string());
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut says = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        says.read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n");
        Self {
            child,
            says,
            name,
            path,
            _folder: folder,
        }
    }

    /// The code that its file has at these offsets.
    fn own_code(&self, offsets: &[u64]) -> Vec<[u8; 16]> {
        let file = std::fs::read(&self.path).unwrap();
        let at = |offset: &u64| file[*offset as usize..][..16].try_into().unwrap();
        offsets.iter().map(at).collect()
    }

    /// Does something so often; what it says of it.
    fn does(&mut self, what: &str, times: u32, us: u32) -> [u64; 3] {
        let mut input = self.child.stdin.as_ref().unwrap();
        writeln!(input, "{what} {times} {us}").unwrap();
        let mut line = String::new();
        self.says.read_line(&mut line).unwrap();
        let numbers: Vec<u64> = line
            .split_whitespace()
            .map(|n| n.parse().unwrap())
            .collect();
        numbers.try_into().unwrap()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn built(folder: &Path, name: &str) -> PathBuf {
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/debugged/target.c");
    let path = folder.join(name);
    let built = Command::new("cc")
        .args(["-O2", "-g", source, "-o"])
        .arg(&path)
        .status();
    assert!(built.unwrap().success());
    path
}

fn known(world: &World, name: &str) {
    eventually("the service is known", || {
        let rows = world.json(&["services", "--all"]);
        rows["services"]
            .as_array()
            .unwrap()
            .iter()
            .any(|row| row["service"] == name)
    });
}

/// Where a probe is, in its file.
fn offset_of(probe: &Value) -> u64 {
    probe["offset"].as_u64().unwrap()
}

/// The row of a function; in C++ its name has the types of its arguments.
fn row<'a>(log: &'a Value, function: &str) -> &'a Value {
    let rows = log["functions"].as_array().unwrap();
    let own = |row: &&Value| is_called(row, function);
    rows.iter().find(own).unwrap_or_else(|| panic!("{log:#}"))
}

fn is_called(row: &Value, function: &str) -> bool {
    let name = row["function"].as_str().unwrap();
    name.split('(').next() == Some(function)
}

#[test]
fn functions_are_found_watched_and_left_as_they_were() {
    if !able(&["cc", "bpftool"]) {
        return;
    }
    let world = World::start();
    let mut service = Service::start();
    known(&world, &service.name);
    let found = world.json(&["debug", "functions", &service.name, "payment"]);
    assert_eq!(
        found["functions"][0]["function"], "process_payment",
        "{found:#}"
    );

    let before = kernel_objects();
    let attached = world.json(&[
        "debug",
        "attach",
        &service.name,
        "-f",
        "process_payment",
        "-f",
        "query_orders",
        "--background",
    ]);
    assert_eq!(
        attached["probes"].as_array().unwrap().len(),
        2,
        "{attached:#}"
    );
    let id = attached["id"].as_str().unwrap().to_owned();
    let probed: Vec<u64> = attached["probes"]
        .as_array()
        .unwrap()
        .iter()
        .map(offset_of)
        .collect();
    let code = |service: &Service| {
        let at = |offset: &u64| code_at(service.child.id(), &service.path, *offset);
        probed.iter().map(at).collect::<Vec<_>>()
    };
    assert_ne!(
        code(&service),
        service.own_code(&probed),
        "no breakpoint is set"
    );
    let [_, inner_ns, outer_ns] = service.does("pay", 50, 300);
    let mut log = Value::Null;
    eventually("all calls are told", || {
        log = world.json(&["debug", "logs", &id]);
        row(&log, "query_orders")["hits"] == 150 && row(&log, "process_payment")["returned"] == 50
    });
    let (inner, outer) = (row(&log, "query_orders"), row(&log, "process_payment"));
    let near = |row: &Value, ns: u64| {
        let ms = row["total_ms"].as_f64().unwrap();
        (ms * 1e6 / ns as f64 - 1.0).abs() < 0.05
    };
    assert!(
        near(inner, inner_ns) && near(outer, outer_ns),
        "{inner_ns} {outer_ns} {log:#}"
    );
    assert_eq!(outer["children"][0]["function"], "query_orders", "{log:#}");
    assert_eq!(outer["children"][0]["calls"], 150);
    let share = outer["children"][0]["share"].as_f64().unwrap();
    assert!(
        (share - inner_ns as f64 / outer_ns as f64).abs() < 0.05,
        "{log:#}"
    );

    let listed = world.json(&["debug", "list"]);
    assert_eq!(listed["probes"][0]["id"], id.as_str(), "{listed:#}");
    world.json(&["debug", "detach", &id]);
    eventually("nothing of the probe is left in the kernel", || {
        kernel_objects() == before
    });
    service.does("pay", 1, 100);
    let after = world.json(&["debug", "logs", &id]);
    assert_eq!(row(&after, "query_orders")["hits"], 150, "{after:#}");
}

#[test]
fn what_is_too_dear_or_not_there_is_refused_with_the_reason() {
    if !able(&["cc"]) {
        return;
    }
    let world = World::start();
    let service = Service::start();
    known(&world, &service.name);
    let wrong = world.coral(&["debug", "attach", &service.name, "-f", "proces_payment"]);
    assert_eq!(wrong.status.code(), Some(1));
    assert!(text(&wrong).contains("process_payment"), "{}", text(&wrong));

    // Calls without end, while the probe is on trial.
    let mut input = service.child.stdin.as_ref().unwrap();
    writeln!(input, "quick 1000000000 0").unwrap();
    let hot = world.coral(&["debug", "attach", &service.name, "-f", "quick"]);
    assert_eq!(hot.status.code(), Some(1), "{}", text(&hot));
    assert!(text(&hot).contains("hits a second"), "{}", text(&hot));
}

/// The ids of Coral's programs, of all links, and of the maps that programs use: tables of files come and go by themselves.
fn kernel_objects() -> Vec<u64> {
    let ids = |what: &str| {
        let output = Command::new("bpftool")
            .args(["-j", what, "show"])
            .output()
            .unwrap();
        let all: Value = serde_json::from_slice(&output.stdout).unwrap();
        let is_table = |object: &&Value| object["name"] == "coral_table";
        let kept: Vec<u64> = all
            .as_array()
            .unwrap()
            .iter()
            .filter(|object| !is_table(object))
            .map(|object| object["id"].as_u64().unwrap())
            .collect();
        kept
    };
    ["prog", "link", "map"].map(ids).concat()
}

/// The code of a process where its program's file has this offset.
fn code_at(pid: u32, program: &Path, offset: u64) -> [u8; 16] {
    use std::os::unix::fs::FileExt as _;
    let maps = std::fs::read_to_string(format!("/proc/{pid}/maps")).unwrap();
    let hex = |text: &str| u64::from_str_radix(text, 16).unwrap();
    let address = maps
        .lines()
        .filter(|line| line.ends_with(program.to_str().unwrap()));
    let mut address = address.filter_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (from, to) = words[0].split_once('-').unwrap();
        let (from, to, begins) = (hex(from), hex(to), hex(words[2]));
        let inside = (begins..begins + to - from).contains(&offset);
        inside.then(|| from + offset - begins)
    });
    let mut bytes = [0; 16];
    let memory = std::fs::File::open(format!("/proc/{pid}/mem")).unwrap();
    memory
        .read_exact_at(&mut bytes, address.next_back().unwrap())
        .unwrap();
    bytes
}
