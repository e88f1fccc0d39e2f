//! `cargo xtask bench`: measures one figure of the design on this machine. The last line on stdout is one JSON object; the
//! page `docs/benchmarks/NAME.md` gets the same with machine, commit, method and spread. Nothing else should run meanwhile.

mod agent;
mod cpu;
mod diagnose;
mod lab;
mod load;
mod nginx;
mod overhead;
mod page;
mod profiler;
mod red;
mod spread;
mod stacks;
mod store;
mod tui;

use crate::arguments::Arguments;
use crate::failure::{Failure, Trying as _};
use crate::house;
use crate::steps::Steps;
use lab::Lab;
use page::Page;
use std::path::Path;

/// A bench: its name, how many steps it announces, and what it does.
struct Bench {
    name: &'static str,
    steps: usize,
    run: Run,
}

/// What a bench does, and where.
enum Run {
    /// With a colony and agents; that needs root.
    InLab(fn(&Lab, &Wish, &mut Steps) -> Result<Page, Failure>),
    /// By itself.
    Alone(fn(&Path, &Wish, &mut Steps) -> Result<Page, Failure>),
}

const BENCHES: [Bench; 8] = [
    Bench {
        name: "red",
        steps: red::STEPS,
        run: Run::InLab(red::run),
    },
    Bench {
        name: "overhead",
        steps: overhead::STEPS,
        run: Run::InLab(overhead::run),
    },
    Bench {
        name: "agent",
        steps: agent::STEPS,
        run: Run::InLab(agent::run),
    },
    Bench {
        name: "profiler",
        steps: profiler::STEPS,
        run: Run::InLab(profiler::run),
    },
    Bench {
        name: "stacks",
        steps: stacks::STEPS,
        run: Run::InLab(stacks::run),
    },
    Bench {
        name: "store",
        steps: store::STEPS,
        run: Run::Alone(store::run),
    },
    Bench {
        name: "diagnose",
        steps: diagnose::STEPS,
        run: Run::Alone(diagnose::run),
    },
    Bench {
        name: "tui",
        steps: tui::STEPS,
        run: Run::Alone(tui::run),
    },
];

/// How long it may take.
struct Wish {
    /// Seconds of load each time.
    seconds: u32,
    /// How often each of two sides is measured, in turns.
    rounds: usize,
    /// For `diagnose`: other incidents than those of the clone; they leave its page alone.
    folder: Option<String>,
    /// For `diagnose`: only synthetic incidents.
    synthetic: bool,
}

pub fn command(mut arguments: Arguments) -> Result<(), Failure> {
    let mut wish = Wish {
        seconds: number(&mut arguments, "--seconds", 10)?,
        rounds: number(&mut arguments, "--rounds", 7)?,
        folder: None,
        synthetic: arguments.flag("--synthetic"),
    };
    let mut names = arguments.rest();
    arguments.finish()?;
    if names.first().is_some_and(|name| name == "diagnose") && names.len() == 2 {
        wish.folder = names.pop();
    }
    let bench = choose(&names)?;
    let root = house::root()?;
    if wish.folder.is_some() || wish.synthetic {
        return diagnose::only(&root, &wish);
    }
    let (page, seconds) = match bench.run {
        Run::InLab(run) => in_lab(bench, &root, |lab, steps| run(lab, &wish, steps))?,
        Run::Alone(run) => {
            let mut steps = Steps::new(bench.steps);
            (run(&root, &wish, &mut steps)?, steps.seconds())
        }
    };
    page.write(&root, bench.name)?;
    eprintln!("bench {}: {seconds:.0} s", bench.name);
    println!("{}", page.figures());
    Ok(())
}

fn in_lab(
    bench: &Bench,
    root: &Path,
    run: impl FnOnce(&Lab, &mut Steps) -> Result<Page, Failure>,
) -> Result<(Page, f64), Failure> {
    if !house::is_root() {
        return Err(Failure::new(
            "this bench needs root: it starts an agent, and reads its memory",
        )
        .hint("run: sudo -E cargo xtask bench NAME"));
    }
    let mut steps = Steps::new(lab::STEPS + bench.steps);
    let lab = Lab::open(root, &mut steps)?;
    let page = run(&lab, &mut steps)?;
    Ok((page, steps.seconds()))
}

fn choose(names: &[String]) -> Result<&'static Bench, Failure> {
    let known = BENCHES.iter().map(|bench| bench.name);
    let known = known.collect::<Vec<_>>().join(", ");
    match names {
        [name] => BENCHES
            .iter()
            .find(|bench| bench.name == name)
            .ok_or_else(|| {
                Failure::usage(format!("there is no bench `{name}`; there are {known}"))
            }),
        _ => Err(Failure::usage(format!("name one bench: {known}"))),
    }
}

fn number<T: std::str::FromStr>(
    arguments: &mut Arguments,
    name: &str,
    default: T,
) -> Result<T, Failure> {
    match arguments.option(name)? {
        None => Ok(default),
        Some(text) => text
            .parse()
            .map_err(|_| Failure::usage(format!("{name} takes a number, not `{text}`"))),
    }
}

/// A file of the system as text.
fn read(path: impl AsRef<std::path::Path>) -> Result<String, Failure> {
    let path = path.as_ref();
    std::fs::read_to_string(path).trying(format!("read {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_known_bench_is_chosen() {
        assert_eq!(choose(&["red".into()]).unwrap().name, "red");
        for bad in [
            vec![],
            vec!["speed".to_owned()],
            vec!["red".into(), "agent".into()],
        ] {
            let error = choose(&bad).err().unwrap().to_string();
            assert!(
                error.contains("red, overhead, agent, profiler, stacks, store, diagnose, tui"),
                "{error}"
            );
        }
    }
}
