//! store: how fast rows go into DuckDB by the colony's writer, and how fast p50, p95 and p99 of one service and one hour
//! come out of 100 million ten-second rows of 1,000 services and 30 days, and out of rollups.

use super::Wish;
use super::page::Page;
use crate::failure::{Failure, Trying as _};
use crate::steps::Steps;
use crate::{house, program};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

pub const STEPS: usize = 3;

const METHOD: &str = "The store of `coral-store`, a release build, in a file on this machine's disk. The first two million \
    rows go in by the writer, as batches of 1,000 summaries with a histogram of 20 requests each, 128 under way, committed as \
    the colony commits them; the time to make them is in it. The engine fills up to 100 million by itself, in the same shape \
    and order, for that takes minutes instead of a quarter of an hour. Reading is the path of an answer: a snapshot, the \
    service's rows of the window from the coarsest level inside it, merged histograms, three percentiles. The operating system's \
    cache is warm. \"Odd\" hours begin in the middle of a minute, so that finer levels are read at their edges.";

pub fn run(root: &Path, _: &Wish, steps: &mut Steps) -> Result<Page, Failure> {
    steps.next("build the store's benches as releases");
    let bench = built(root, "coral-store", "bench_store")?;
    let folder = std::env::temp_dir().join(format!("coral-bench-store-{}", std::process::id()));
    fs::create_dir_all(&folder).trying("create the folder of the bench")?;
    steps.next("append, fill and ask");
    let mut command = program::command(bench, root);
    let found = printed(command.arg("--dir").arg(&folder));
    fs::remove_dir_all(&folder).trying("remove the folder of the bench")?;
    let found = found?;
    steps.next("ask for all of 1,000 services");
    let many = many(root)?;
    Ok(page(&found, &many))
}

/// What is asked of a colony with 1,000 services.
pub fn many(root: &Path) -> Result<Value, Failure> {
    let bench = built(root, "coral-colony", "bench_many")?;
    printed(&mut program::command(bench, root))
}

/// An example as a release.
fn built(root: &Path, package: &str, example: &str) -> Result<PathBuf, Failure> {
    let words = ["build", "--release", "--package", package, "--example"];
    let mut cargo = program::command("cargo", root);
    program::run(cargo.args(words).arg(example))?;
    let release = house::binaries()?.with_file_name("release");
    Ok(release.join("examples").join(example))
}

/// The JSON object of the last line.
fn printed(command: &mut Command) -> Result<Value, Failure> {
    let output = program::output(command)?;
    let last = output.lines().last().unwrap_or_default();
    serde_json::from_str(last).trying("read what the bench printed")
}

fn page(found: &Value, many: &Value) -> Page {
    let figure = |name: &str| found[name].as_f64().unwrap_or(f64::NAN);
    let rounded = |name: &str| (figure(name) * 100.0).round() / 100.0;
    let mut figures = json!({
        "rows_per_s": found["rows_per_s"],
        "red_100m_ms": rounded("red_100m_ms"),
        "rollup_ms": rounded("rollup_ms"),
    });
    for name in ["red_odd_ms", "rollup_odd_ms", "rollup_month_ms"] {
        figures[name] = rounded(name).into();
    }
    for name in ["rows", "services", "file_mb"] {
        figures[name] = found[name].clone();
    }
    for name in [
        "summary_ms",
        "services_ms",
        "summary_rolled_ms",
        "services_rolled_ms",
    ] {
        figures[name] = many[name].clone();
    }
    let mut page = Page::new(
        "What the store takes in and gives back",
        METHOD.to_owned(),
        figures,
    );
    page.row(
        "rows a second, appended and committed",
        format!("{:.0}", figure("rows_per_s")),
        "500,000",
    );
    let ms = |name| format!("{:.2} ms", figure(name));
    page.row(
        "one service and hour, ten-second rows",
        ms("red_100m_ms"),
        "100 ms",
    );
    page.row("the same, an odd hour", ms("red_odd_ms"), "100 ms");
    page.row(
        "one service and hour, from rollups",
        ms("rollup_ms"),
        "10 ms",
    );
    page.row("the same, an odd hour", ms("rollup_odd_ms"), "10 ms");
    page.row(
        "one service and 29 days, from rollups",
        ms("rollup_month_ms"),
        "-",
    );
    let all = |name: &str| format!("{} ms", many[name]);
    page.row(
        "summary of 1,000 services, 15 minutes",
        all("summary_ms"),
        "-",
    );
    page.row(
        "list of 1,000 services with trends, 15 minutes",
        all("services_ms"),
        "-",
    );
    page.row("summary, rolled up", all("summary_rolled_ms"), "-");
    page.row("list, rolled up", all("services_rolled_ms"), "-");
    let size = format!("{} rows, {} MB", found["rows"], found["file_mb"]);
    page.row("the file", size, "-");
    page
}
