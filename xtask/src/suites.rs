//! `cargo xtask test`: every promise once, in its smallest real form. Runs the suites of `xtask/suites.toml`, shows each
//! one's time beside its budget, and fails a suite that needs more than one and a half of it.

mod list;

use crate::arguments::Arguments;
use crate::failure::{Failure, Trying as _};
use crate::house;
use list::{Suite, Tier};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

pub fn command(mut arguments: Arguments) -> Result<(), Failure> {
    let full = arguments.flag("--full");
    let names = arguments.rest();
    arguments.finish()?;
    let root = house::root()?;
    let text =
        std::fs::read_to_string(root.join("xtask/suites.toml")).trying("read xtask/suites.toml")?;
    let suites = choose(list::parse(&text)?, &names, full)?;
    let results: Vec<_> = suites.iter().map(|suite| run(suite, &root)).collect();
    conclude(&suites, &results)
}

/// The suites of the tier, or exactly those that were named.
fn choose(suites: Vec<Suite>, names: &[String], full: bool) -> Result<Vec<Suite>, Failure> {
    if let Some(unknown) = names.iter().find(|n| !suites.iter().any(|s| s.name == **n)) {
        let known: Vec<_> = suites.iter().map(|suite| suite.name.as_str()).collect();
        let known = known.join(", ");
        return Err(Failure::usage(format!(
            "there is no suite `{unknown}`; there are {known}"
        )));
    }
    let wanted = |suite: &Suite| match names {
        [] => full || suite.tier == Tier::Gate,
        names => names.contains(&suite.name),
    };
    Ok(suites.into_iter().filter(wanted).collect())
}

/// How a suite ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Passed,
    Failed,
    TooSlow,
}

struct Outcome {
    verdict: Verdict,
    prepare: Option<Duration>,
    took: Duration,
}

fn run(suite: &Suite, root: &Path) -> Outcome {
    let mut prepare = None;
    if let Some(command) = &suite.prepare {
        println!("\n=== {}: compile ({command})", suite.name);
        let (succeeded, took) = timed(command, root);
        prepare = Some(took);
        if !succeeded {
            return Outcome {
                verdict: Verdict::Failed,
                prepare,
                took: Duration::ZERO,
            };
        }
    }
    println!("\n=== {}: {}", suite.name, suite.command);
    let (succeeded, took) = timed(&suite.command, root);
    let verdict = match succeeded {
        false => Verdict::Failed,
        true if took > suite.limit() => Verdict::TooSlow,
        true => Verdict::Passed,
    };
    Outcome {
        verdict,
        prepare,
        took,
    }
}

/// Runs one command line to its end, with its output where ours goes.
fn timed(line: &str, root: &Path) -> (bool, Duration) {
    let begun = Instant::now();
    let status = split(line).and_then(|(program, arguments)| {
        Command::new(program)
            .args(arguments)
            .current_dir(root)
            .stdin(Stdio::null())
            .status()
            .trying(line)
    });
    let succeeded = match status {
        Ok(status) => status.success(),
        Err(failure) => {
            eprintln!("{failure}");
            false
        }
    };
    (succeeded, begun.elapsed())
}

/// The program and its arguments. Our own tasks are run by this very program: asking cargo would only wait for its locks.
fn split(line: &str) -> Result<(std::path::PathBuf, Vec<&str>), Failure> {
    let mut words = line.split_whitespace();
    let program = words.next().unwrap_or_default();
    let mut arguments: Vec<_> = words.collect();
    if program == "cargo" && arguments.first() == Some(&"xtask") {
        arguments.remove(0);
        // By this name it is found even when a build has put a new one in its place meanwhile.
        return Ok(("/proc/self/exe".into(), arguments));
    }
    Ok((program.into(), arguments))
}

/// Prints the table and the closing line.
fn conclude(suites: &[Suite], outcomes: &[Outcome]) -> Result<(), Failure> {
    println!(
        "\n{:<12} {:<9} {:>8} {:>8} {:>9}",
        "suite", "", "seconds", "budget", "compile"
    );
    for (suite, outcome) in suites.iter().zip(outcomes) {
        let word = match outcome.verdict {
            Verdict::Passed => "passed",
            Verdict::Failed => "FAILED",
            Verdict::TooSlow => "TOO SLOW",
        };
        let compile = outcome
            .prepare
            .map_or(String::new(), |took| format!("{:.1}", took.as_secs_f64()));
        let (took, budget) = (outcome.took.as_secs_f64(), suite.budget.as_secs());
        println!(
            "{:<12} {word:<9} {took:>8.1} {budget:>8} {compile:>9}",
            suite.name
        );
    }
    let failed = outcomes
        .iter()
        .filter(|o| o.verdict != Verdict::Passed)
        .count();
    println!("\n{} passed, {failed} failed", outcomes.len() - failed);
    if failed == 0 {
        Ok(())
    } else {
        Err(Failure::new("not every suite passed")
            .hint("run one alone with: cargo xtask test NAME; a suite that is too slow gets faster or a reasoned budget"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn suite(command: &str, budget: &str) -> Suite {
        let text = format!(
            "[[suite]]\nname = \"x\"\ncommand = \"{command}\"\nbudget_s = {budget}\ntier = \"full\"\n"
        );
        list::parse(&text).unwrap().remove(0)
    }

    #[test]
    fn a_suite_passes_fails_or_is_too_slow() {
        let verdict = |command, budget| run(&suite(command, budget), Path::new("/")).verdict;
        assert_eq!(verdict("true", "5"), Verdict::Passed);
        assert_eq!(verdict("false", "5"), Verdict::Failed);
        assert_eq!(verdict("no-such-program-here", "5"), Verdict::Failed);
        assert_eq!(verdict("sleep 0.1", "0"), Verdict::TooSlow);
    }

    #[test]
    fn tiers_and_names_choose() {
        let suites = || vec![suite("true", "1")];
        assert!(choose(suites(), &[], false).unwrap().is_empty());
        assert_eq!(choose(suites(), &[], true).unwrap().len(), 1);
        assert_eq!(choose(suites(), &["x".into()], false).unwrap().len(), 1);
        assert!(choose(suites(), &["y".into()], false).is_err());
    }

    #[test]
    fn one_failure_fails_the_run() {
        let outcome = |verdict| Outcome {
            verdict,
            prepare: None,
            took: Duration::ZERO,
        };
        let suites = [suite("true", "1"), suite("true", "1")];
        assert!(
            conclude(
                &suites,
                &[outcome(Verdict::Passed), outcome(Verdict::Passed)]
            )
            .is_ok()
        );
        assert!(
            conclude(
                &suites,
                &[outcome(Verdict::Passed), outcome(Verdict::TooSlow)]
            )
            .is_err()
        );
    }
}
