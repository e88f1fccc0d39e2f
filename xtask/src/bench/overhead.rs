//! overhead: what the agent costs whom it observes. The same load with and without it, in turns: at 10,000 requests a second
//! its throughput and its p99, flat out the CPU time of each observed side.

use super::Wish;
use super::cpu::Others;
use super::lab::Lab;
use super::load;
use super::nginx::Nginx;
use super::page::Page;
use super::spread::{Spread, rounded};
use crate::failure::Failure;
use crate::steps::Steps;
use serde_json::json;

pub const STEPS: usize = 1;
/// 50 connections, each with at most 200 requests a second.
const FIXED: [&str; 4] = ["-c", "50", "-q", "200"];
/// Both ends of every connection are on this machine, and both are observed.
const SIDES: f64 = 2.0;

pub fn run(lab: &Lab, wish: &Wish, steps: &mut Steps) -> Result<Page, Failure> {
    let nginx = Nginx::start(lab)?;
    steps.next(&format!(
        "{} rounds without and with the agent",
        wish.rounds
    ));
    let url = nginx.url("/hello");
    // The first run of anything is slower.
    load::wrk(&url, 1)?;
    let (mut untraced, mut traced) = (vec![], vec![]);
    for round in 0..wish.rounds {
        // Who goes first changes, so that neither has the warmer machine.
        for with in if round % 2 == 0 {
            [false, true]
        } else {
            [true, false]
        } {
            lab.alone()?;
            let agent = if with { Some(lab.agent()?) } else { None };
            let measured = Round::measure(&url, wish.seconds)?;
            drop(agent);
            eprintln!(
                "  round {} {}: {measured:?}",
                round + 1,
                if with { "with" } else { "without" }
            );
            if with { &mut traced } else { &mut untraced }.push(measured);
        }
    }
    Ok(page(wish, &untraced, &traced))
}

/// One run of both loads.
#[derive(Debug)]
struct Round {
    fixed_rps: f64,
    fixed_p99_ms: f64,
    flat_rps: f64,
    /// Time of our processes and of interrupts for each request, flat out.
    flat_cpu_us: f64,
    /// What others took of one core meanwhile.
    others_percent: f64,
}

impl Round {
    fn measure(url: &str, seconds: u32) -> Result<Self, Failure> {
        let length = format!("{seconds}s");
        let fixed = load::hey(&[&FIXED[..], &["-z", &length, url]].concat())?;
        // Generator, server, agent and colony are children of this process.
        let others = Others::watch()?;
        let flat = load::wrk(url, seconds)?;
        let taken = others.taken()?;
        Ok(Self {
            fixed_rps: fixed.rate,
            fixed_p99_ms: fixed.p99_ms,
            flat_rps: flat.rate,
            flat_cpu_us: taken.ours * 1e6 / flat.requests as f64,
            others_percent: taken.others_percent,
        })
    }
}

fn page(wish: &Wish, untraced: &[Round], traced: &[Round]) -> Page {
    let of = |rounds: &[Round], value: fn(&Round) -> f64| Spread::of(rounds.iter().map(value));
    let both = |value: fn(&Round) -> f64| (of(untraced, value), of(traced, value));
    let ratio = |(without, with): &(Spread, Spread)| rounded(with.median() / without.median(), 4);
    let fixed = both(|round| round.fixed_rps);
    let p99 = both(|round| round.fixed_p99_ms);
    let flat = both(|round| round.flat_rps);
    let cpu = both(|round| round.flat_cpu_us);
    let others = Spread::of(untraced.iter().chain(traced).map(|r| r.others_percent));
    let per_side = rounded((cpu.1.median() - cpu.0.median()) / SIDES, 2);
    // Whatever else the machine does only adds: the least of each is nearest to the truth on a busy one.
    let least = rounded((cpu.1.at(0.0) - cpu.0.at(0.0)) / SIDES, 2);
    let figures = json!({
        "untraced_rps": rounded(fixed.0.median(), 0), "traced_rps": rounded(fixed.1.median(), 0),
        "ratio": ratio(&fixed), "p99_ratio": ratio(&p99),
        "flat_untraced_rps": rounded(flat.0.median(), 0), "flat_traced_rps": rounded(flat.1.median(), 0),
        "flat_ratio": ratio(&flat), "cpu_us_per_side": per_side,
        "cpu_us_per_side_least": least,
        "others_percent": rounded(others.median(), 1),
    });
    let (rounds, seconds) = (wish.rounds, wish.seconds);
    let method = format!(
        "{rounds} rounds without and with the agent in turns, {seconds} s each load; the colony runs in both. hey asks nginx \
        over 50 connections with at most 200 requests a second each, then wrk asks it flat out over 32. Generator, server, \
        agent and colony share the machine's cores; both ends of each connection are observed. CPU is the time of \
        those processes and of interrupts (/proc) for each request, so the agent's own work is in it."
    );
    let mut page = Page::new("What the agent costs", method, figures);
    let mut rows = |what: &str, (without, with): &(Spread, Spread), decimals, goal| {
        page.row(&format!("{what}, without"), without.text(decimals), "");
        page.row(&format!("{what}, with"), with.text(decimals), goal);
    };
    rows(
        "requests a second at 10,000",
        &fixed,
        0,
        "at least 0.98 of it",
    );
    rows("p99 at 10,000, ms", &p99, 2, "at most 2 % more");
    rows("requests a second flat out", &flat, 0, "");
    rows("CPU us a request flat out", &cpu, 2, "");
    page.row(
        "CPU us a request and observed side",
        per_side.to_string(),
        "1.5",
    );
    page.row("the same between the least of each", least.to_string(), "");
    page.row("others meanwhile, % of a core", others.text(1), "0");
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_of_medians() {
        let round = |rps: f64, cpu: f64| Round {
            fixed_rps: rps,
            fixed_p99_ms: 2.0,
            flat_rps: rps,
            flat_cpu_us: cpu,
            others_percent: 0.0,
        };
        let wish = Wish {
            seconds: 1,
            rounds: 3,
            folder: None,
            synthetic: false,
        };
        let without = [round(100.0, 20.0), round(110.0, 20.0), round(10.0, 20.0)];
        let with = [round(99.0, 25.0), round(500.0, 24.0), round(98.0, 23.0)];
        let page = page(&wish, &without, &with);
        assert_eq!(page.figures()["ratio"], 0.99);
        assert_eq!(page.figures()["cpu_us_per_side"], 2.0);
    }
}
