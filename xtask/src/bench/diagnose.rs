//! diagnose: how often the first, the first three and the first five causes hold the true one, on incident bundles with
//! their truth and on synthetic incidents of held-out seeds; how often each confidence is right; the time.

use super::Wish;
use super::page::Page;
use crate::failure::{Failure, Trying as _};
use crate::program;
use crate::steps::Steps;
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;

pub const STEPS: usize = 4;
/// The incidents of the clone.
const BUNDLES: &str = "assets/incidents";

const METHOD: &str = "A release build of the engine. Bundles: the training incidents of PetShop in `assets/incidents`, which \
    the engine was tuned on, so that this figure says little about others; all have the same true service, and neither \
    names nor the order of columns are used. Each is run again with something taken away. Synthetic: six incidents of each \
    of 14 kinds and 7 shapes, 5 to 400 services, from seeds that nothing was tuned with, by the generator in \
    `crates/diagnose/src/synthetic`; in 6 of 10 somebody states a symptom, up to two minutes late. Such incidents are \
    cleaner than real ones. With no data from the culprit half of them have none at all, so that only the topology knows of \
    it. False findings: three healthy days of 100 services with rhythm, deployments, scale-out and batch jobs, looked at \
    every quarter of an hour. Times include reading the \
    bundle from memory; that of 1,000 services is the slowest of three. Out of the store: a colony's query layer over DuckDB \
    with a quarter of an hour of 1,000 services and 5,000 edges, ten seconds each, in whose last two minutes one service is \
    slow; the median of nine, and by how much the process grows meanwhile.";

pub fn run(root: &Path, _: &Wish, steps: &mut Steps) -> Result<Page, Failure> {
    steps.next("build the engine as a release");
    build(root)?;
    steps.next("diagnose the incidents of the clone");
    let bundles = examine(root, BUNDLES)?;
    steps.next("make and diagnose synthetic incidents");
    let made = examine(root, "--synthetic")?;
    steps.next("diagnose 1,000 services out of the store");
    let stored = super::store::many(root)?;
    Ok(page(&bundles, &made, &stored))
}

/// Bundles of another folder, or only synthetic incidents; the page stays as it is.
pub fn only(root: &Path, wish: &Wish) -> Result<(), Failure> {
    build(root)?;
    let what = match &wish.folder {
        // The example runs in the clone, whoever typed the folder perhaps not.
        Some(folder) => std::path::absolute(folder).trying("find the folder")?,
        None => "--synthetic".into(),
    };
    println!("{}", examine(root, &what.to_string_lossy())?);
    Ok(())
}

fn cargo(root: &Path, word: &str) -> Command {
    let mut cargo = program::command("cargo", root);
    let words = [
        "--release",
        "--package",
        "coral-diagnose",
        "--example",
        "bench_diagnose",
    ];
    cargo.args([word, "--quiet"]).args(words);
    cargo
}

fn build(root: &Path) -> Result<(), Failure> {
    program::run(&mut cargo(root, "build"))
}

/// Runs the example; its table goes to stderr, its last line is the answer.
fn examine(root: &Path, what: &str) -> Result<Value, Failure> {
    let output = program::output(cargo(root, "run").args(["--", what]))?;
    let (table, last) = output
        .trim_end()
        .rsplit_once('\n')
        .unwrap_or(("", output.trim()));
    eprintln!("{table}");
    serde_json::from_str(last).trying("read the figures of bench_diagnose")
}

fn page(bundles: &Value, made: &Value, stored: &Value) -> Page {
    let mut figures = json!({ "synthetic": made, "stored": stored });
    for name in [
        "top1",
        "top3",
        "top5",
        "chance",
        "ms",
        "incidents",
        "ablations",
    ] {
        figures[name] = bundles[name].clone();
    }
    let mut page = Page::new("How often the cause is found", METHOD.to_owned(), figures);
    let tops = |of: &Value| format!("{} / {} / {}", of["top1"], of["top3"], of["top5"]);
    page.row(
        "PetShop, training, top-1 / 3 / 5",
        tops(bundles),
        "0.60 / 0.85 / 0.95",
    );
    page.row(
        "the same by chance, top-1",
        bundles["chance"].to_string(),
        "-",
    );
    for (name, row) in bundles["ablations"].as_object().into_iter().flatten() {
        page.row(&format!("the same, {name}"), tops(row), "nothing lost");
    }
    page.row("slowest bundle, ms", bundles["ms"].to_string(), "1,000");
    page.row("synthetic, all, top-1 / 3 / 5", tops(made), "-");
    page.row("the same by chance, top-1", made["chance"].to_string(), "-");
    for group in ["shapes", "kinds", "less"] {
        for (name, row) in made[group].as_object().into_iter().flatten() {
            let text = format!("{}, and its kind {}", tops(row), row["kind"]);
            page.row(name, text, "-");
        }
    }
    for (name, row) in made["confidence"].as_object().into_iter().flatten() {
        let text = format!("{} of {}", row["right"], row["n"]);
        let goal = if name == "high" { "0.90" } else { "-" };
        page.row(&format!("right when it says {name}"), text, goal);
    }
    page.row("no cause named, of all", made["abstained"].to_string(), "-");
    let healthy = made["false_per_100_services_day"].to_string();
    page.row("false findings, 100 services and a day", healthy, "1");
    page.row("1,000 services, ms", made["ms"].to_string(), "1,000");
    page.row("most memory, MB", made["rss_mb"].to_string(), "200");
    let of = |name: &str| stored[name].to_string();
    page.row(
        "1,000 services, 5,000 edges out of the store, ms",
        of("diagnose_ms"),
        "1,000",
    );
    page.row("the same, rolled up, ms", of("diagnose_rolled_ms"), "1,000");
    page.row("memory it grows by, MB", of("diagnose_grown_mb"), "200");
    page.row(
        "the whole process, its store filled, MB",
        of("process_mb"),
        "-",
    );
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_the_figures_of_the_design() {
        let row = json!({ "top1": 0.5, "top3": 0.75, "top5": 1.0, "kind": 0.5 });
        let mut bundles = row.clone();
        bundles["chance"] = json!(0.02);
        bundles["ms"] = json!(7.0);
        bundles["ablations"] = json!({ "no topology": row });
        let mut made = row.clone();
        made["confidence"] = json!({ "high": { "n": 9, "right": 0.9 } });
        let page = page(&bundles, &made, &json!({}));
        for name in ["top1", "top3", "top5", "chance", "ms"] {
            assert!(page.figures()[name].is_number(), "{name}");
        }
    }
}
