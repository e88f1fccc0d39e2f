//! Not a test but a measurement: how long `summary` and `services` take over many services. Run it with
//! `cargo test -p coral-colony --test it many -- --ignored --nocapture`; it prints one line of JSON.

use crate::agent::{batch, exact, instance, pulse};
use crate::colony::{about, second};
use coral_colony::ingest::Ingest;
use coral_colony::live::Live;
use coral_colony::query::Query;
use coral_model::*;
use coral_store::{Duck, Keeping};
use std::sync::Arc;
use std::time::{Duration, Instant};

const SERVICES: u32 = 1_000;
const INTERVALS: i64 = 90;

/// Items of instance `n` instead of the first.
fn of(n: u32, item: Item) -> Item {
    match item {
        Item::Summary(s) => Item::Summary(Summary { instance: n, ..s }),
        Item::Pulse(p) => Item::Pulse(Pulse { instance: n, ..p }),
        other => other,
    }
}

#[test]
#[ignore = "a measurement"]
fn a_quarter_of_an_hour_of_many_services() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("coral.duckdb");
    let store = Arc::new(Duck::open(&path, Keeping::default(), second(0)).unwrap());
    let live = Arc::new(Live::default());
    let ingest = Ingest::new(store.clone(), live.clone(), &[]);
    let agent = AgentId::new("a").unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async {
        for i in 1..=INTERVALS {
            let to = second(10 * i);
            let mut next = batch("a", 5, i as u64, to);
            let service = |n| instance("a", n + 1, &format!("service-{n}"));
            next.instances = (0..SERVICES).map(service).collect();
            for n in 0..SERVICES {
                next.items.push(of(n, exact(to, 40)));
                next.items.push(of(n, pulse(to, 4)));
            }
            ingest.take(&agent, next, to).await.unwrap();
        }
    });
    let query = Query::new(store.clone(), live, about());
    let now = second(10 * INTERVALS);
    let span = Span::Last(Duration::from_secs(900));
    let caller = Caller {
        id: "uid:0".into(),
        role: Role::Admin,
        via: Via::Unix,
    };
    let ms = |question: Question| {
        let mut took: Vec<_> = (0..5)
            .map(|_| {
                let begin = Instant::now();
                query.run(&question, &caller, now).unwrap();
                begin.elapsed().as_millis()
            })
            .collect();
        took.sort_unstable();
        took[2]
    };
    let summary = Question::Summary {
        span,
        service: None,
        compare: None,
    };
    let services = Question::Services {
        span,
        trend_points: 60,
    };
    let measure = || (ms(summary.clone()), ms(services.clone()));
    let fine = measure();
    runtime.block_on(async {
        use coral_store::Append as _;
        while store
            .maintain(now.plus(Duration::from_secs(31)))
            .await
            .unwrap()
            .more
        {}
    });
    let rolled = measure();
    println!(
        "{{\"services\":{SERVICES},\"summary_ms\":{},\"services_ms\":{},\"summary_rolled_ms\":{},\"services_rolled_ms\":{}}}",
        fine.0, fine.1, rolled.0, rolled.1
    );
    store.close();
}
