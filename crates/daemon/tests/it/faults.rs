//! Each fault of the shop changes, in Coral's own figures, what its truth says, and leaves the services that have nothing to do
//! with it as they were; switched off, all is as before. Minutes long, so not in the gate:
//! `cargo test -p coral-daemon --test it faults -- --ignored --nocapture`.

use crate::world::{World, able, beside, text};
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Generous: the machine may be busy, and events of the agent come with their summaries.
const PATIENCE: Duration = Duration::from_secs(90);
/// What is measured lies this far back at most.
const WINDOW: &str = "8s";
/// A bystander may tremble: twice as slow and this much more is still as it was.
const NOISE_MS: f64 = 60.0;

/// The figures of the shop over the last seconds.
#[derive(Debug, Default)]
struct Figures {
    /// rate, error ratio, p95 in ms of what each service served; of the worker what it asked.
    red: BTreeMap<String, (f64, f64, f64)>,
    memory: BTreeMap<String, f64>,
    /// In cores.
    cpu: BTreeMap<String, f64>,
    oldest_ms: BTreeMap<String, f64>,
    /// p95 of catalog's routes.
    routes: BTreeMap<String, f64>,
    /// Kinds and services of the events since the shop was well.
    events: Vec<(String, String)>,
    writes: f64,
}

impl Figures {
    fn rate(&self, service: &str) -> f64 {
        self.red.get(service).map_or(0.0, |red| red.0)
    }

    fn errors(&self, service: &str) -> f64 {
        self.red.get(service).map_or(0.0, |red| red.1)
    }

    fn p95(&self, service: &str) -> f64 {
        self.red.get(service).map_or(0.0, |red| red.2)
    }

    fn cpu(&self, service: &str) -> f64 {
        self.cpu.get(service).copied().unwrap_or(0.0)
    }

    fn memory(&self, service: &str) -> f64 {
        self.memory.get(service).copied().unwrap_or(0.0)
    }

    fn count(&self, kind: &str, service: &str) -> usize {
        let is_it = |(k, s): &&(String, String)| k == kind && s == service;
        self.events.iter().filter(is_it).count()
    }
}

/// Whether the fault shows, given what was before.
type Shows = fn(&Figures, &Figures) -> bool;

struct Case {
    fault: &'static str,
    shows: Shows,
    /// Who must not feel it.
    calm: &'static [&'static str],
}

const fn case(fault: &'static str, calm: &'static [&'static str], shows: Shows) -> Case {
    Case { fault, shows, calm }
}

const CASES: [Case; 16] = [
    // It is everybody's neighbour: on two processors nobody is calm.
    case("noisy-neighbour", &[], |now, _| now.cpu("batch") > 0.5),
    case("cpu-hot", &["orders"], |now, before| {
        now.p95("catalog") > before.p95("catalog") + 15.0
    }),
    case(
        "slow-downstream",
        &["catalog", "cart", "orders"],
        |now, _| now.p95("payments") > 700.0 && now.p95("checkout") > 700.0,
    ),
    case(
        "error-burst",
        &["catalog", "cart", "payments", "orders"],
        |now, _| now.errors("checkout") > 0.15,
    ),
    case("lock-log", &["catalog", "cart", "orders"], |now, before| {
        now.p95("payments") > before.p95("payments") + 30.0
    }),
    case("slow-disk", &["cart", "payments"], |now, before| {
        now.p95("checkout") > before.p95("checkout") + 40.0
    }),
    case("mem-leak", &["payments", "orders"], |now, before| {
        now.memory("cart") > before.memory("cart") + 20e6
    }),
    case("crash-loop", &["catalog", "cart", "payments"], |now, _| {
        now.count("crash", "orders") >= 2
    }),
    case("conn-refused", &["catalog", "cart", "orders"], |now, _| {
        now.rate("payments") < 0.5 && now.errors("checkout") > 0.5
    }),
    case(
        "retry-storm",
        &["catalog", "cart", "orders"],
        |now, before| now.rate("payments") > before.rate("payments") * 2.0,
    ),
    case(
        "pool-exhausted",
        &["catalog", "cart", "payments"],
        |now, before| now.p95("checkout") > before.p95("checkout") + 300.0,
    ),
    case("hung-handler", &["payments"], |now, _| {
        now.oldest_ms.get("cart").is_some_and(|&ms| ms > 3_000.0)
    }),
    case(
        "slow-route",
        &["cart", "payments", "orders"],
        |now, before| {
            let of = |f: &Figures, route: &str| f.routes.get(route).copied().unwrap_or(0.0);
            of(now, "/search") > of(before, "/search") + 250.0 && of(now, "/products") < 200.0
        },
    ),
    case(
        "slow-build",
        &["cart", "payments", "orders"],
        |now, before| {
            now.count("change", "frontend") >= 1
                && now.p95("frontend") > before.p95("frontend") + 10.0
        },
    ),
    case("disk-saturated", &["payments", "orders"], |now, before| {
        now.writes > before.writes + 100.0
    }),
    case(
        "queue-backlog",
        &["catalog", "cart", "payments"],
        |now, before| now.rate("worker") < before.rate("worker") / 2.0,
    ),
];

impl World {
    fn shop_figures(&self, since: &str) -> Figures {
        let mut figures = Figures::default();
        for row in list(
            &self.json(&["query", "summary", "--since", WINDOW]),
            "services",
        ) {
            let name = row["service"].as_str().unwrap_or_default().to_owned();
            if (row["side"] == "server") != (name == "worker") {
                let of = |field: &str| row[field].as_f64().unwrap_or(0.0);
                figures
                    .oldest_ms
                    .insert(name.clone(), of("oldest_in_flight_ms"));
                figures
                    .red
                    .insert(name, (of("rate_per_s"), of("error_ratio"), of("p95_ms")));
            }
        }
        for row in list(&self.json(&["services", "--since", "15s"]), "services") {
            let name = row["service"].as_str().unwrap_or_default().to_owned();
            let of = |field: &str| row[field].as_f64().map(|value| (name.clone(), value));
            figures.memory.extend(of("rss_bytes"));
            figures.cpu.extend(of("cpu_cores"));
        }
        let metrics = self.coral(&[
            "query", "metrics", "catalog", "--since", "15s", "-o", "json",
        ]);
        let metrics: Value = serde_json::from_slice(&metrics.stdout).unwrap_or_default();
        for row in list(&metrics, "rows")
            .iter()
            .filter(|row| row["status_class"] == "2xx")
        {
            let route = row["route"].as_str().unwrap_or_default().to_owned();
            figures
                .routes
                .insert(route, row["p95_ms"].as_f64().unwrap_or(0.0));
        }
        let events = self.json(&["query", "events", "--since", since]);
        let word = |row: &Value, field: &str| row[field].as_str().unwrap_or_default().to_owned();
        figures.events = list(&events, "events")
            .iter()
            .map(|row| (word(row, "kind"), word(row, "service")))
            .collect();
        let host = self.json(&["query", "host", "--since", "20s"]);
        let writes = |row: &&Value| row["name"] == "disk.writes_per_s";
        let rows = list(&host, "rows");
        figures.writes = rows
            .iter()
            .filter(writes)
            .filter_map(|row| row["last"].as_f64())
            .sum();
        figures
    }

    pub fn switch(&self, on_or_off: &str, fault: &str) {
        let mut command = self.command(&beside("coral-shop"));
        let output = command.args(["fault", on_or_off, fault]).output().unwrap();
        assert!(output.status.success(), "{fault}: {}", text(&output));
    }
}

fn list(value: &Value, name: &str) -> Vec<Value> {
    value[name].as_array().cloned().unwrap_or_default()
}

/// Waits until it holds; whether it did, and what was measured last.
fn within(
    world: &World,
    since: Instant,
    mut holds: impl FnMut(&Figures) -> bool,
) -> (bool, Figures) {
    let until = Instant::now() + PATIENCE;
    loop {
        let length = format!("{}s", since.elapsed().as_secs() + 1);
        let now = world.shop_figures(&length);
        if holds(&now) {
            return (true, now);
        }
        if Instant::now() > until {
            return (false, now);
        }
        std::thread::sleep(Duration::from_secs(1));
    }
}

/// Bystanders that are not as they were.
fn disturbed<'a>(calm: &[&'a str], now: &Figures, before: &Figures) -> Vec<&'a str> {
    let as_it_was = |service: &str| {
        let slow = now.p95(service) > before.p95(service) * 2.0 + NOISE_MS;
        !slow && now.errors(service) <= before.errors(service) + 0.02
    };
    calm.iter()
        .copied()
        .filter(|service| !as_it_was(service))
        .collect()
}

/// One fault on and off; what is wrong with how it shows.
fn tried(world: &World, case: &Case) -> Vec<String> {
    let well = Instant::now();
    let before = world.shop_figures("1s");
    world.switch("on", case.fault);
    let mut wrong = vec![];
    let mut calm_again = case.calm.to_vec();
    let (shown, now) = within(world, well, |now| (case.shows)(now, &before));
    if shown {
        // What trembled once may be the machine; what stays disturbed is the fault.
        let (calm, now) = within(world, well, |now| {
            calm_again.retain(|service| disturbed(&[service], now, &before) == [*service]);
            calm_again.is_empty()
        });
        if !calm {
            wrong.push(format!("{calm_again:?} feel it: {now:?}"));
        }
    } else {
        wrong.push(format!("it does not show: {now:?}\nbefore: {before:?}"));
    }
    world.switch("off", case.fault);
    let healed = Instant::now();
    let all: Vec<&str> = before.red.keys().map(String::as_str).collect();
    let well_again = |now: &Figures| {
        let rates = ["payments", "worker"]
            .iter()
            .all(|s| now.rate(s) > before.rate(s) / 2.0);
        rates && disturbed(&all, now, &before).is_empty() && now.count("crash", "orders") == 0
    };
    std::thread::sleep(Duration::from_secs(5));
    let (healthy, now) = within(world, healed + Duration::from_secs(5), well_again);
    if !healthy {
        wrong.push(format!("it does not heal: {now:?}\nbefore: {before:?}"));
    }
    println!(
        "{:<16} {:>3.0} s  {}",
        case.fault,
        well.elapsed().as_secs_f64(),
        if wrong.is_empty() {
            "as its truth says"
        } else {
            "WRONG"
        }
    );
    wrong
}

#[test]
#[ignore = "takes minutes, and the shop's ports"]
fn every_fault_changes_what_its_truth_says_and_nothing_else() {
    if !able(&[]) {
        return;
    }
    let world = World::start_with_shop();
    let list = world
        .command(&beside("coral-shop"))
        .args(["faults", "-o", "json"])
        .output()
        .unwrap();
    let list: Value = serde_json::from_slice(&list.stdout).unwrap();
    let names: Vec<&str> = list["faults"]
        .as_array()
        .or(list.as_array())
        .unwrap()
        .iter()
        .filter_map(|f| f["name"].as_str())
        .collect();
    let known = |name: &&str| CASES.iter().any(|c| c.fault == *name);
    assert!(!names.is_empty() && names.iter().all(known), "{names:?}");
    let ready = |now: &Figures| {
        now.red.len() >= 7 && now.rate("payments") > 1.0 && now.memory("cart") > 0.0
    };
    assert!(within(&world, Instant::now(), ready).0);
    std::thread::sleep(Duration::from_secs(10));
    let wrong: Vec<_> = CASES
        .iter()
        .map(|case| (case.fault, tried(&world, case)))
        .collect();
    let wrong: Vec<_> = wrong
        .into_iter()
        .filter(|(_, wrong)| !wrong.is_empty())
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}
