//! `cargo xtask vm`: loads the kernel programs on Debian's kernel in a machine without hardware help, lets one client send
//! one request to one server, and asserts that both sides were counted exactly once. For loading and counts, never times.

mod image;
mod kernel;
mod machine;

use crate::arguments::Arguments;
use crate::failure::{Failure, Trying as _};
use crate::steps::Steps;
use crate::{house, program};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// The kernels that Coral is tested on, besides the machine's own.
const MATRIX: [&str; 2] = ["6.1", "6.12"];

pub fn command(mut arguments: Arguments) -> Result<(), Failure> {
    let mut versions = Vec::new();
    while let Some(version) = arguments.option("--kernel")? {
        versions.push(version);
    }
    if arguments.flag("--matrix") {
        versions = MATRIX.map(str::to_owned).into();
    } else if versions.is_empty() {
        versions.push(MATRIX[0].to_owned());
    }
    let stand_in = arguments.option("--count")?.map(PathBuf::from);
    arguments.finish()?;
    let root = house::root()?;
    let mut steps = Steps::new(1 + 3 * versions.len());
    steps.next("build the example `count`");
    let count = match stand_in {
        Some(program) => program,
        None => build(&root)?,
    };
    let runs: Vec<_> = versions
        .iter()
        .map(|version| Run::new(version, &root, &count, &mut steps))
        .collect();
    if runs.len() > 1 {
        eprintln!(
            "\n{:<10} {:<28} {:>7} {:>7}  load and count",
            "kernel", "release", "boot s", "all s"
        );
    }
    let mut failed = None;
    for run in runs {
        if versions.len() > 1 {
            eprintln!("{}", run.row());
        }
        failed = failed.or(run.outcome.err());
    }
    failed.map_or(Ok(()), Err)
}

/// One kernel.
struct Run {
    version: String,
    release: String,
    boot: String,
    seconds: f64,
    outcome: Result<(), Failure>,
}

impl Run {
    fn new(version: &str, root: &Path, count: &Path, steps: &mut Steps) -> Self {
        let mut run = Self {
            version: version.to_owned(),
            release: "-".to_owned(),
            boot: "-".to_owned(),
            seconds: 0.0,
            outcome: Ok(()),
        };
        run.outcome = run.load_and_count(root, count, steps);
        run
    }

    fn load_and_count(
        &mut self,
        root: &Path,
        count: &Path,
        steps: &mut Steps,
    ) -> Result<(), Failure> {
        let version = &self.version;
        steps.next(&format!("find or fetch Debian's kernel {version}"));
        let kernel = kernel::find(version)?;
        steps.next("pack the machine's files");
        let image = image::pack(root, count)?;
        steps.next("boot it and count one request");
        let begun = Instant::now();
        let console = machine::boot(&kernel, &image)?;
        self.seconds = begun.elapsed().as_secs_f64();
        let word = |before: &str| {
            let line = console
                .lines()
                .find_map(|line| line.trim().strip_prefix(before));
            line.map_or("-", |rest| rest.trim_end_matches(" s"))
                .to_owned()
        };
        (self.release, self.boot) = (word("kernel "), word("booted in "));
        eprintln!("  kernel {}, booted in {} s", self.release, self.boot);
        let counted = result(&console)?;
        println!("{counted}");
        check(&counted).map_err(|failure| failure.hint(log(&console)))
    }

    /// A line of the matrix.
    fn row(&self) -> String {
        let (version, release, boot) = (&self.version, &self.release, &self.boot);
        let verdict = if self.outcome.is_ok() {
            "exact"
        } else {
            "FAILED"
        };
        let seconds = self.seconds;
        format!("{version:<10} {release:<28} {boot:>7} {seconds:>7.1}  {verdict}")
    }
}

/// The example that loads, attaches, counts for some seconds and prints one line of JSON.
fn build(root: &Path) -> Result<PathBuf, Failure> {
    let mut cargo = program::command("cargo", root);
    program::run(cargo.args(["build", "--package", "coral-probes", "--example", "count"]))?;
    Ok(house::binaries()?.join("examples/count"))
}

/// What `count` printed between the markers.
fn result(console: &str) -> Result<Value, Failure> {
    let printed = between(console, "coral-vm-result").unwrap_or_default();
    let line = printed
        .lines()
        .map(str::trim)
        .find(|line| line.starts_with('{'));
    match line {
        Some(line) => serde_json::from_str(line).trying(format!("read `{line}`")),
        None => Err(Failure::new("the machine ended without a result").hint(log(console))),
    }
}

/// Exactly one request on each side, no error, nothing lost.
fn check(counted: &Value) -> Result<(), Failure> {
    for (pointer, expected) in [
        ("/server/requests", 1),
        ("/client/requests", 1),
        ("/server/errors", 0),
        ("/probed/0", 100),
        ("/probed/1", 100),
        ("/client/errors", 0),
        ("/lost", 0),
    ] {
        let value = counted.pointer(pointer).and_then(Value::as_u64);
        if value != Some(expected) {
            let found = value.map_or("nothing".to_owned(), |value| value.to_string());
            return Err(Failure::new(format!(
                "{pointer} is {found}, expected {expected}"
            )));
        }
    }
    Ok(())
}

/// The machine's own words, or the end of its console when it had none.
fn log(console: &str) -> String {
    let words = between(console, "coral-vm-log").unwrap_or_else(|| {
        let lines: Vec<_> = console.lines().collect();
        lines[lines.len().saturating_sub(40)..].join("\n")
    });
    format!("read what the machine said:\n{words}")
}

fn between(console: &str, marker: &str) -> Option<String> {
    let (_, tail) = console.split_once(&format!("{marker}-begin"))?;
    let (body, _) = tail.split_once(&format!("{marker}-end"))?;
    Some(body.replace('\r', "").trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONSOLE: &str = "kernel 6.1.0\r\ncoral-vm-result-begin\r\n\
        {\"server\":{\"requests\":1,\"errors\":0},\"client\":{\"requests\":1,\"errors\":0},\"lost\":0,\"probed\":[100,100]}\r\n\
        coral-vm-result-end\r\ncoral-vm-log-begin\r\nready\r\ncoral-vm-log-end\r\n";

    #[test]
    fn one_request_on_each_side_passes_and_nothing_else() {
        let counted = result(CONSOLE).unwrap();
        check(&counted).unwrap();
        for pointer in ["/server/requests", "/client/requests", "/lost"] {
            let mut other = counted.clone();
            *other.pointer_mut(pointer).unwrap() = Value::from(2);
            let error = check(&other).unwrap_err().to_string();
            assert!(error.contains(pointer), "{error}");
        }
    }

    #[test]
    fn without_a_result_the_machines_words_are_shown() {
        let console = CONSOLE.replace("result-begin", "result-none");
        let error = result(&console).unwrap_err().to_string();
        assert!(error.contains("ready"), "{error}");
        let error = result("Kernel panic\r\n").unwrap_err().to_string();
        assert!(error.contains("Kernel panic"), "{error}");
    }
}
