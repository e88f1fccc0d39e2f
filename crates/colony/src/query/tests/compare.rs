//! What was there before, beside what is.

use super::world::*;
use coral_model::answer::SummaryRow;
use coral_model::*;
use std::time::Duration;

fn rows(world: &World, from: i64, to: i64, compare: Compare) -> Vec<SummaryRow> {
    let question = Question::Summary {
        span: between(from, to),
        service: None,
        compare: Some(compare),
    };
    match world.ask(question, 3_700).body {
        AnswerBody::Summary(rows) => rows,
        other => panic!("{other:?}"),
    }
}

fn slow(from: i64, instance: u32, requests: u64, ms: u64) -> Item {
    Item::Summary(Summary {
        durations: durations(requests, ms),
        ..exact(from, instance, requests)
    })
}

#[test]
fn each_row_says_what_was_there_an_hour_ago() {
    let mut world = World::new();
    let both = [instance("a", 1, "shop", &[]), instance("a", 2, "old", &[])];
    let new = [instance("a", 1, "shop", &[]), instance("a", 3, "new", &[])];
    world.ship("a", 1, 1, &both, vec![]);
    let first = vec![slow(0, 0, 100, 10), slow(0, 1, 7, 1)];
    world.ship("a", 1, 10, &both, first);
    let second = vec![slow(3_600, 0, 200, 160), slow(3_600, 1, 3, 1)];
    world.ship("a", 1, 3_611, &new, second);
    let hour = Compare::Back(Duration::from_secs(3_600));
    let rows = rows(&world, 3_600, 3_610, hour);
    let names: Vec<_> = rows.iter().map(|r| r.service.name.raw()).collect();
    assert_eq!(names, ["new", "old", "shop"]);
    let requests = |row: &SummaryRow| {
        let before = row.before.as_ref().unwrap();
        (row.red.counts.requests, before.counts.requests)
    };
    assert_eq!(
        rows.iter().map(requests).collect::<Vec<_>>(),
        [(3, 0), (0, 7), (200, 100)]
    );
    let (new, shop) = (&rows[0], &rows[2]);
    assert_eq!(new.before.as_ref().unwrap().p95, None);
    let p95 = |red: &answer::Red| red.p95.unwrap().as_millis();
    assert_eq!(
        (p95(&shop.red), p95(shop.before.as_ref().unwrap())),
        (160, 10)
    );
    assert_eq!(
        rows,
        self::rows(&world, 3_600, 3_610, Compare::With(window(0, 10)))
    );
}

#[test]
fn a_stretch_that_ends_before_it_begins_is_refused() {
    let world = World::new();
    let question = Question::Summary {
        span: between(0, 10),
        service: None,
        compare: Some(Compare::With(window(5, 1))),
    };
    assert!(world.try_ask(question, 10).is_err());
}
