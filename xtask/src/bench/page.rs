//! The page of a bench: what was measured, on what, how, and how far apart the measurements lie.

use super::read;
use crate::failure::{Failure, Trying as _};
use crate::program;
use serde_json::Value;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

/// What a bench found.
pub struct Page {
    title: &'static str,
    method: String,
    figures: Value,
    rows: Vec<[String; 3]>,
}

impl Page {
    /// The figures are the JSON object of the design.
    pub fn new(title: &'static str, method: String, figures: Value) -> Self {
        Self {
            title,
            method,
            figures,
            rows: vec![],
        }
    }

    /// A line of the table: what, the figure with its spread, the goal or a remark.
    pub fn row(&mut self, what: &str, figure: impl Into<String>, goal: &str) {
        self.rows
            .push([what.to_owned(), figure.into(), goal.to_owned()]);
    }

    pub fn figures(&self) -> &Value {
        &self.figures
    }

    pub fn write(&self, root: &Path, name: &str) -> Result<(), Failure> {
        let folder = root.join("docs/benchmarks");
        fs::create_dir_all(&folder).trying("create docs/benchmarks")?;
        let path = folder.join(format!("{name}.md"));
        let text = self.text(name, &machine()?, &commit(root)?);
        fs::write(&path, text).trying(format!("write {}", path.display()))
    }

    fn text(&self, name: &str, machine: &str, commit: &str) -> String {
        let mut out = format!("# {}\n\n`cargo xtask bench {name}`\n\n", self.title);
        let _ = write!(
            out,
            "- machine: {machine}\n- commit: {commit}\n\n{}\n\n",
            self.method
        );
        out += "| what | median (least to most) | goal |\n|---|---|---|\n";
        for [what, figure, goal] in &self.rows {
            let _ = writeln!(out, "| {what} | {figure} | {goal} |");
        }
        let _ = write!(out, "\n```json\n{}\n```\n", self.figures);
        out
    }
}

fn machine() -> Result<String, Failure> {
    let cpus = read("/proc/cpuinfo")?;
    let model = cpus
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .and_then(|rest| rest.split_once(": "))
        .map_or("unknown CPU", |(_, name)| name.trim());
    let count = cpus
        .lines()
        .filter(|line| line.starts_with("processor"))
        .count();
    let memory = read("/proc/meminfo")?;
    let kib: f64 = memory
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))
        .and_then(|rest| rest.split_whitespace().next()?.parse().ok())
        .unwrap_or(0.0);
    let kernel = read("/proc/sys/kernel/osrelease")?;
    let gb = kib * 1024.0 / 1e9;
    Ok(format!(
        "{model}, {count} cores, {gb:.0} GB, Linux {}",
        kernel.trim()
    ))
}

/// The commit that was measured; what is not committed is said.
fn commit(root: &Path) -> Result<String, Failure> {
    let git = |words: &[&str]| program::output(Command::new("git").args(words).current_dir(root));
    let head = git(&["rev-parse", "--short=12", "HEAD"])?.trim().to_owned();
    // A page of another bench changes nothing of what is measured.
    let changed = git(&["status", "--porcelain", "--", ".", ":!docs"])?;
    Ok(match changed.trim() {
        "" => head,
        _ => format!("{head} with changes"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_says_all_that_is_needed_to_judge_it() {
        let figures = serde_json::json!({ "ratio": 1.0 });
        let mut page = Page::new("Counts", "How.".into(), figures);
        page.row("counted / sent", "1.0", "1.0000");
        let text = page.text("red", "a CPU, 2 cores", "abc");
        for part in [
            "# Counts",
            "- machine: a CPU",
            "- commit: abc",
            "| counted / sent | 1.0 | 1.0000 |",
            "{\"ratio\":1.0}",
        ] {
            assert!(text.contains(part), "{text}");
        }
        assert!(machine().unwrap().contains("cores"));
    }
}
