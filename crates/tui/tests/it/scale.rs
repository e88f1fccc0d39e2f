//! Many services, many routes, long and wide names: everything is reached, and nothing is worked out anew for a key.

use crate::fixture;
use crate::screen::Screen;
use coral_tui::console::change::{Change, Topic};
use std::time::{Duration, Instant};

fn many(width: u16, height: u16) -> Screen {
    let ask = |question| fixture::many_answer(&question, fixture::NOW);
    let span = coral_model::question::DEFAULT_SPAN;
    let mut screen = Screen::with(
        width,
        height,
        [
            (Topic::Status, fixture::two_agents()),
            (
                Topic::Services,
                ask(coral_tui::console::questions::services(span)),
            ),
            (
                Topic::Topology,
                ask(coral_tui::console::questions::topology(span)),
            ),
        ],
    );
    screen.answers = Some(|question, now| Ok(fixture::many_answer(question, now)));
    screen.wait(3000);
    screen
}

#[test]
fn five_hundred_services_are_found_sorted_and_opened() {
    for (width, height) in [(80, 24), (120, 40), (200, 60)] {
        let mut screen = many(width, height);
        screen.keys("/svc-497\n");
        assert!(
            screen.text().contains("1 of 500 services"),
            "{}",
            screen.text()
        );
        screen.keys("\n");
        assert!(
            screen.text().contains("svc-497   1 instance"),
            "{}",
            screen.text()
        );
        screen.keys("G");
        assert!(screen.text().contains("/:id/"), "{}", screen.text());
        screen.keys("\t\t\t");
        screen.keys("\x1b\x1bG");
        screen.keys("2");
        assert!(
            screen.text().contains("not drawn") || width == 80,
            "{}",
            screen.text()
        );
        screen.keys(">>");
        screen.keys("w");
        screen.keys("3G");
        assert!(screen.text().contains("exit"), "{}", screen.text());
    }
}

#[test]
fn a_neighbourhood_is_drawn_of_what_is_selected() {
    let mut screen = many(160, 50);
    screen.keys("2/svc-101 \n\x1b");
    insta::assert_snapshot!("neighbourhood", screen.text());
}

/// Unoptimised and on a busy machine; `bench_tui` measures the real figures.
#[test]
fn ten_thousand_rows_do_not_stop_a_key() {
    let mut screen = many(200, 60);
    let rows = fixture::services(fixture::many_rows(10_000));
    screen.change(Change::Snapshot(Topic::Services, rows));
    screen.keys("s");
    screen.keys("jjj\n");
    let start = Instant::now();
    for _ in 0..50 {
        screen.keys("j");
        screen.buffer();
    }
    let each = start.elapsed() / 50;
    assert!(
        each < Duration::from_millis(150),
        "{each:?} a key and its frame"
    );
    // A new picture of all rows comes between any two keys, and none of them is missed.
    for key in "/service p95>100".chars() {
        screen.keys(&key.to_string());
        let rows = fixture::services(fixture::many_rows(10_000));
        screen.change(Change::Snapshot(Topic::Services, rows));
    }
    assert!(
        screen.text().contains("service p95>100"),
        "{}",
        screen.text()
    );
    screen.keys("\u{1b}/数据 p95>100\n");
    assert!(
        screen.text().contains("of 10000 services"),
        "{}",
        screen.text()
    );
}
