//! A profile for people: what it is made of, and the functions with the most time of their own.

use super::grid::Grid;
use crate::flame::{Difference, Totals, differences, totals};
use crate::text;
use coral_model::profile::{Flame, FlameFunction};

/// Functions that are listed.
const LISTED: usize = 30;
/// Files without names that are listed.
const MISSING: usize = 5;
/// The widest name.
const NAME: usize = 80;
/// As much of a build id tells builds apart.
const BUILD: usize = 12;

pub(super) fn text(flame: &Flame) -> String {
    let mut out = head(flame);
    if flame.samples == 0 {
        return out;
    }
    match flame.before_samples {
        Some(before) => {
            if before > 0 {
                let builds = builds(&flame.before_builds);
                out.push_str(&format!("before: {before} samples{builds}\n"));
            }
            out.push_str(&compared(flame, before));
        }
        None => out.push_str(&hottest(flame)),
    }
    for missing in flame.missing.iter().take(MISSING) {
        let share = percent(missing.samples, flame.samples);
        let path = text::shown(&missing.path, NAME);
        let hint = missing
            .hint
            .as_ref()
            .map(|h| format!(": {}", text::shown(h, 120)));
        out.push_str(&format!(
            "no names for {path} ({share} of the samples){}\n",
            hint.unwrap_or_default()
        ));
    }
    out
}

fn head(flame: &Flame) -> String {
    let Flame { samples, hz, .. } = flame;
    if *samples == 0 {
        return "no samples: nothing of it was met on a processor\n".to_owned();
    }
    let whole = percent(flame.unwind.complete, flame.unwind.user);
    let instances = match flame.instances {
        1 => "1 process".to_owned(),
        n => format!("{n} processes"),
    };
    let builds = builds(&flame.builds);
    format!("{samples} samples at {hz} Hz · {instances}{builds} · {whole} of the stacks whole\n")
}

fn builds(all: &[String]) -> String {
    match all {
        [] => String::new(),
        [build] => format!(" · build {}", build.chars().take(BUILD).collect::<String>()),
        many => format!(" · {} builds", many.len()),
    }
}

fn hottest(flame: &Flame) -> String {
    let all = totals(flame);
    let mut grid = Grid::new(&["SELF", "TOTAL", "SAMPLES", "<FUNCTION", "<WHERE"]);
    for t in all.iter().filter(|t| t.own > 0).take(LISTED) {
        let f = &flame.functions[t.function as usize];
        grid.row(vec![
            percent(t.own, flame.samples),
            percent(t.total, flame.samples),
            t.own.to_string(),
            name(f),
            place(f),
        ]);
    }
    let own = all.iter().filter(|t| t.own > 0).count();
    let mut out = grid.render();
    if own > LISTED {
        let rest: u64 = all.iter().skip(LISTED).map(|t: &Totals| t.own).sum();
        let share = percent(rest, flame.samples);
        out.push_str(&format!("+ {} more functions, {share}\n", own - LISTED));
    }
    out
}

fn compared(flame: &Flame, before: u64) -> String {
    let all = differences(flame);
    if before == 0 {
        return "no samples in the stretch to compare with\n".to_owned();
    }
    if all.is_empty() {
        return "no function's share differs by more than chance explains\n".to_owned();
    }
    let mut grid = Grid::new(&["CHANGE", "NOW", "BEFORE", "<FUNCTION", "<WHERE"]);
    for Difference {
        function,
        now,
        before,
        ..
    } in all.iter().take(LISTED)
    {
        let f = &flame.functions[*function as usize];
        grid.row(vec![
            format!("{:+.1} %", (now - before) * 100.0),
            format!("{:.1} %", now * 100.0),
            format!("{:.1} %", before * 100.0),
            name(f),
            place(f),
        ]);
    }
    grid.render()
}

fn percent(part: u64, whole: u64) -> String {
    match whole {
        0 => "—".to_owned(),
        _ => format!("{:.1} %", part as f64 * 100.0 / whole as f64),
    }
}

fn name(f: &FlameFunction) -> String {
    let inlined = if f.inlined { " (inlined)" } else { "" };
    format!("{}{inlined}", text::shown(&f.name, NAME))
}

fn place(f: &FlameFunction) -> String {
    match (&f.file, f.line) {
        (Some(file), Some(line)) => format!("{}:{line}", text::shown(file, NAME)),
        (Some(file), None) => text::shown(file, NAME),
        (None, _) => text::shown(&f.binary, NAME),
    }
}
