//! agent: its memory idle, under load and at the peak, its CPU idle, and what a request costs it.

use super::Wish;
use super::lab::{Agent, Lab};
use super::nginx::Nginx;
use super::page::Page;
use super::spread::{Spread, rounded};
use super::{cpu, load};
use crate::failure::{Failure, Trying as _};
use crate::steps::Steps;
use serde_json::json;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

pub const STEPS: usize = 3;
const SAMPLE: Duration = Duration::from_millis(200);
/// After its start it reads the host once; that is no idling.
const SETTLE: Duration = Duration::from_secs(10);
/// Idling is measured longer than load: there is less of it to see.
const IDLE_FACTOR: u32 = 6;

pub fn run(lab: &Lab, wish: &Wish, steps: &mut Steps) -> Result<Page, Failure> {
    let nginx = Nginx::start(lab)?;
    lab.alone()?;
    let agent = lab.agent()?;
    thread::sleep(SETTLE);
    let idle_s = wish.seconds * IDLE_FACTOR;
    steps.next(&format!("idle for {idle_s} s"));
    let begun = (Instant::now(), cpu::used_by(agent.pid()));
    let idle = sampled(&agent, || {
        thread::sleep(Duration::from_secs(idle_s.into()));
        Ok(())
    })?
    .0;
    let idle_cpu = (cpu::used_by(agent.pid()) - begun.1) / begun.0.elapsed().as_secs_f64() * 100.0;
    steps.next("under load, in turns");
    let others = cpu::Others::watch()?;
    let mut rounds = vec![];
    for _ in 0..wish.rounds {
        rounds.push(Round::measure(&agent, &nginx.url("/hello"), wish.seconds)?);
    }
    let others = others.taken()?.others_percent;
    steps.next("under load, with the kernel's account of its programs");
    let accounting = cpu::Accounting::start()?;
    let before = accounting.seconds()?;
    let flat = load::wrk(&nginx.url("/hello"), wish.seconds)?;
    let kernel_us = (accounting.seconds()? - before) * 1e6 / flat.requests as f64;
    drop(accounting);
    let mut page = page(wish, &idle, idle_cpu, &rounds, kernel_us);
    page.row(
        "others under load, % of a core",
        format!("{others:.1}"),
        "0",
    );
    Ok(page)
}

/// Memory while something is done, and what that gave.
fn sampled<T>(
    agent: &Agent,
    work: impl FnOnce() -> Result<T, Failure>,
) -> Result<(Spread, T), Failure> {
    let (done, pid) = (AtomicBool::new(false), agent.pid());
    thread::scope(|scope| {
        let sampler = scope.spawn(|| {
            let mut samples = vec![cpu::pss_mb(pid)?];
            while !done.load(Ordering::Relaxed) {
                thread::sleep(SAMPLE);
                samples.push(cpu::pss_mb(pid)?);
            }
            Ok(samples)
        });
        let worked = work();
        done.store(true, Ordering::Relaxed);
        let samples = sampler
            .join()
            .map_err(|_| "it panicked")
            .trying("sample the agent's memory")?;
        Ok((Spread::of(samples?), worked?))
    })
}

/// One load, flat out.
struct Round {
    memory: Spread,
    rate: f64,
    /// CPU time of the agent's processes for each request.
    cpu_us: f64,
}

impl Round {
    fn measure(agent: &Agent, url: &str, seconds: u32) -> Result<Self, Failure> {
        let before = cpu::used_by(agent.pid());
        let (memory, flat) = sampled(agent, || load::wrk(url, seconds))?;
        let used = cpu::used_by(agent.pid()) - before;
        eprintln!("  {:.0}/s, {} MB", flat.rate, memory.text(1));
        Ok(Self {
            memory,
            rate: flat.rate,
            cpu_us: used * 1e6 / flat.requests as f64,
        })
    }
}

fn page(wish: &Wish, idle: &Spread, idle_cpu: f64, rounds: &[Round], kernel_us: f64) -> Page {
    let loaded = Spread::of(rounds.iter().map(|round| round.memory.median()));
    let peak = rounds.iter().map(|round| round.memory.max());
    let peak = peak.fold(idle.max(), f64::max);
    let rate = Spread::of(rounds.iter().map(|round| round.rate));
    let own = Spread::of(rounds.iter().map(|round| round.cpu_us));
    let whole = own.median() + kernel_us;
    let figures = json!({
        "rss_idle_mb": rounded(idle.median(), 2), "rss_load_mb": rounded(loaded.median(), 2),
        "rss_peak_mb": rounded(peak, 2), "cpu_idle_percent": rounded(idle_cpu, 3),
        "cpu_us_per_request": rounded(whole, 2),
        "cpu_us_processes": rounded(own.median(), 2), "cpu_us_kernel": rounded(kernel_us, 2),
        "rate_per_s": rounded(rate.median(), 0), "idle_s": wish.seconds * IDLE_FACTOR,
    });
    let (count, seconds) = (wish.rounds, wish.seconds);
    let method = format!(
        "Memory is the sum of PSS over the agent's processes, sampled each 0.2 s; CPU their user and system time. Idle for \
        {} s, ten seconds after the start; then {count} times {seconds} s of wrk flat out against nginx on the same machine, \
        both ends observed, so each request is seen twice. The kernel's part is run_time_ns of the programs named coral_*, \
        in a run of its own, because that account costs time itself. The machine has other work of its own: nothing is \
        subtracted.",
        wish.seconds * IDLE_FACTOR
    );
    let mut page = Page::new("What the agent needs", method, figures);
    page.row("memory idle, MB", idle.text(2), "10");
    page.row("memory under load, MB", loaded.text(2), "40");
    page.row("memory at the peak, MB", format!("{peak:.2}"), "60");
    page.row("CPU idle, % of a core", format!("{idle_cpu:.3}"), "0.1");
    page.row(
        "load, requests a second",
        rate.text(0),
        "20,000, or what the machine gives",
    );
    page.row("CPU us a request, processes", own.text(2), "");
    page.row(
        "CPU us a request, kernel programs",
        format!("{kernel_us:.2}"),
        "",
    );
    page.row("CPU us a request", format!("{whole:.2}"), "5");
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_parts_of_a_requests_cost_are_added() {
        let round = Round {
            memory: Spread::of([20.0, 30.0, 25.0]),
            rate: 1000.0,
            cpu_us: 0.5,
        };
        let wish = Wish {
            seconds: 1,
            rounds: 1,
            folder: None,
            synthetic: false,
        };
        let page = page(&wish, &Spread::of([9.0]), 0.05, &[round], 2.0);
        assert_eq!(page.figures()["cpu_us_per_request"], 2.5);
        assert_eq!(
            (
                page.figures()["rss_load_mb"].as_f64(),
                page.figures()["rss_peak_mb"].as_f64()
            ),
            (Some(25.0), Some(30.0))
        );
    }
}
