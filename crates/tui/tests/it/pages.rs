//! The pages at named sizes, and what keys and mouse do on them.

use crate::fixture;
use crate::screen::Screen;
use coral_model::{AnswerBody, Question, ServiceKey};
use coral_tui::console::change::{Change, Topic};
use coral_tui::console::event::{Action, Event};
use ratatui::style::Color;

pub fn shop(width: u16, height: u16) -> Screen {
    Screen::with(
        width,
        height,
        [
            (Topic::Status, fixture::two_agents()),
            (Topic::Services, fixture::services(fixture::shop_rows())),
            (Topic::Topology, fixture::topology()),
        ],
    )
}

#[test]
fn services_at_each_size() {
    for (width, height) in [(80, 24), (120, 40), (200, 60)] {
        let screen = shop(width, height);
        insta::assert_snapshot!(format!("services_{width}x{height}"), screen.text());
    }
}

#[test]
fn topology_at_each_size() {
    for (width, height) in [(80, 24), (120, 40)] {
        let mut screen = shop(width, height);
        screen.keys("2jjj");
        insta::assert_snapshot!(format!("topology_{width}x{height}"), screen.text());
    }
}

#[test]
fn every_width_between_is_drawn() {
    for width in (1..=210).step_by(9) {
        for height in [1, 2, 5, 10, 23, 24, 31, 60] {
            let mut screen = shop(width, height);
            for keys in [
                "", "2", "\t", "z", "?", "\x1b1s", "\x1b/x", "\x1b5", "\n", "jj\n=", "i\t",
            ] {
                screen.keys(keys);
                screen.text();
            }
        }
    }
}

#[test]
fn the_other_pane_by_tab_and_full_screen_by_z() {
    let mut narrow = shop(80, 24);
    narrow.keys("\t");
    insta::assert_snapshot!("services_80x24_pane", narrow.text());
    let mut wide = shop(120, 40);
    wide.keys("\tz");
    insta::assert_snapshot!("services_120x40_zoomed", wide.text());
    assert!(wide.keys("q").actions.is_empty(), "back, not out");
    wide.keys("\x1b");
    assert_eq!(wide.keys("q").actions, [Action::Quit]);
}

#[test]
fn the_filter_acts_while_it_is_typed() {
    let mut screen = shop(80, 24);
    screen.keys("/err>0.1 !front");
    insta::assert_snapshot!("filter_typed", screen.text());
    screen.keys("\n");
    assert!(!screen.text().contains("cart"));
    screen.keys("n");
    screen.keys("\x1b");
    assert!(screen.text().contains("cart"));
    screen.keys("/qq?1\x08\x08\x08\x08");
    assert!(screen.text().contains("cart"), "keys are text there");
}

#[test]
fn the_sort_menu() {
    let mut screen = shop(80, 24);
    screen.keys("s");
    insta::assert_snapshot!("sort_menu", screen.text());
    screen.keys("j\n");
    assert!(screen.line_of("cart ") < screen.line_of("payments  "));
    screen.keys("s\n");
    assert!(screen.line_of("cart ") > screen.line_of("payments  "));
}

#[test]
fn hidden_classes_unfold() {
    let mut screen = shop(120, 40);
    assert!(!screen.text().contains("sshd"));
    screen.keys(".");
    assert!(screen.text().contains("sshd") && !screen.text().contains("shows them"));
}

#[test]
fn the_cursor_stays_on_its_service() {
    let mut screen = shop(120, 40);
    screen.keys("jj");
    let selected = |screen: &Screen| screen.app.selected_service().unwrap().service.clone();
    let before = selected(&screen);
    screen.keys("s");
    screen.keys("j\n");
    assert_eq!(selected(&screen), before);
    let gone = format!("/{}", before.name.raw());
    let same = fixture::services(vec![]);
    screen.change(Change::Delta(Topic::Services, same, vec![gone]));
    assert_ne!(selected(&screen), before);
}

#[test]
fn deltas_change_rows_in_place() {
    let mut screen = shop(120, 40);
    let mut cart = fixture::service("cart", Some(fixture::red(777.0, 0.0, 2.0, 4.0)));
    cart.instances = 3;
    let delta = fixture::services(vec![cart, fixture::service("fresh", None)]);
    screen.change(Change::Delta(
        Topic::Services,
        delta,
        vec!["/mailer".into()],
    ));
    let text = screen.text();
    assert!(text.contains("777.0") && text.contains("fresh") && !text.contains("mailer"));
}

#[test]
fn frozen_shows_the_moment_it_was_frozen() {
    let mut screen = shop(120, 40);
    screen.keys(" ");
    let delta = fixture::services(vec![fixture::service("late", None)]);
    screen.change(Change::Delta(Topic::Services, delta, vec![]));
    screen.wait(5000);
    let text = screen.text();
    assert!(
        text.contains("❚❚ FROZEN 13:36:30") && !text.contains("late"),
        "{text}"
    );
    screen.keys(" ");
    assert!(screen.text().contains("late"));
}

#[test]
fn nothing_is_drawn_when_nothing_changed() {
    let mut screen = shop(120, 40);
    screen.keys(" ");
    let delta = fixture::services(vec![fixture::service("late", None)]);
    let change = Change::Delta(Topic::Services, delta, vec![]);
    let event = Event::Link(coral_tui::console::link::LinkEvent::Change(Box::new(
        change,
    )));
    assert!(!screen.send(event).draw);
    assert!(!screen.send(Event::Tick).draw);
    assert!(!screen.keys("ü").draw);
}

#[test]
fn routes_are_asked_for_while_they_are_seen() {
    let routes = |screen: &Screen| {
        let metrics = |q: &&Question| matches!(q, Question::Metrics { .. });
        screen.asked.iter().filter(metrics).count()
    };
    let mut wide = shop(120, 40);
    let first = routes(&wide);
    wide.wait(3000);
    assert_eq!(routes(&wide), first + 1, "again when they are old");
    wide.keys("j");
    assert_eq!(
        routes(&wide),
        first + 2,
        "another service, another question"
    );
    let mut narrow = shop(80, 24);
    narrow.keys("j");
    assert_eq!(routes(&narrow), 0);
    narrow.keys("\t");
    assert_eq!(routes(&narrow), 1);
}

#[test]
fn a_click_selects_rows_and_pages() {
    let mut screen = shop(120, 40);
    let cart = screen.line_of("cart");
    screen.click(10, cart);
    assert_eq!(
        screen.app.selected_service().unwrap().service,
        ServiceKey::plain("cart")
    );
    screen.click_on("2 Topology");
    screen.click_on("payments ─");
    assert!(screen.text().contains("checkout → payments"));
    screen.keys("\n");
    assert_eq!(screen.app.subject(), Some(&ServiceKey::plain("payments")));
}

#[test]
fn colours_stand_beside_glyphs() {
    let screen = shop(120, 40);
    let buffer = screen.buffer();
    let find = |symbol: &str, from: u16| {
        let cells = (from..buffer.area.height).flat_map(|y| (0..6).map(move |x| (x, y)));
        cells
            .clone()
            .find(|&at| buffer[at].symbol() == symbol)
            .map(|at| buffer[at].fg)
    };
    assert_eq!(find("✖", 2), Some(Color::Red));
    assert_eq!(find("▲", 4), Some(Color::Yellow));
}

#[test]
fn hostile_names_draw_nothing_but_themselves() {
    let rows = fixture::hostile_rows();
    let nodes = |name: &ServiceKey| coral_model::answer::NodeRow {
        service: name.clone(),
        kind: coral_model::ServiceClass::App,
    };
    let AnswerBody::Topology { edges, .. } = fixture::topology().body else {
        unreachable!("the fixture is a topology");
    };
    let edges = rows.windows(2).map(|pair| coral_model::answer::EdgeRow {
        caller: pair[0].service.clone(),
        callee: pair[1].service.clone(),
        ..edges[0].clone()
    });
    let topology = fixture::answer(AnswerBody::Topology {
        nodes: rows.iter().map(|r| nodes(&r.service)).collect(),
        edges: edges.collect(),
    });
    let mut screen = Screen::with(
        120,
        40,
        [
            (Topic::Status, fixture::two_agents()),
            (Topic::Services, fixture::services(rows)),
            (Topic::Topology, topology),
        ],
    );
    insta::assert_snapshot!("hostile_services", screen.text());
    screen.keys("2j");
    insta::assert_snapshot!("hostile_topology", screen.text());
}

#[test]
fn the_new_pages_at_each_size() {
    for (width, height) in [(80, 24), (120, 40), (200, 60)] {
        for (name, keys) in [("service", "\n"), ("events", "3"), ("fleet", "9")] {
            let mut screen = shop(width, height);
            screen.keys(keys);
            insta::assert_snapshot!(format!("{name}_{width}x{height}"), screen.text());
        }
    }
}

#[test]
fn events_can_be_changes_alone() {
    let mut screen = shop(120, 40);
    screen.keys("3");
    assert!(screen.text().contains("clock jump") && screen.text().contains("v changes"));
    screen.keys("v");
    let text = screen.text();
    assert!(
        !text.contains("clock jump") && !text.contains("exit"),
        "{text}"
    );
    assert!(text.contains("payments (pid 4121) started"), "{text}");
    screen.keys("v");
    assert!(screen.text().contains("clock jump"));
}

#[test]
fn instances_say_what_each_process_takes() {
    let mut screen = shop(120, 40);
    screen.keys("\n\t\t\t");
    let text = screen.text();
    let line = |part: &str| {
        text.lines()
            .find(|l| l.contains(part))
            .unwrap_or_else(|| panic!("{text}"))
    };
    for figure in ["web-2", "120.4", "1.2 GB", "1024", "33", "8 d"] {
        assert!(
            line(" 998 ").contains(figure),
            "{figure}: {}",
            line(" 998 ")
        );
    }
    assert!(
        line("⧗ web-1").contains("3980") && line("⧗ web-1").contains("last seen 3 m"),
        "{text}"
    );
    screen.keys("/4121\n");
    assert!(!screen.text().contains(" 998 "));
}

#[test]
fn what_is_usual_is_asked_for_once_a_minute() {
    let mut screen = shop(120, 40);
    assert!(
        screen.text().contains("2070 ↑16x"),
        "an hour before it was 130 ms\n{}",
        screen.text()
    );
    let baseline = |q: &&Question| {
        matches!(
            q,
            Question::Services {
                trend_points: 0,
                ..
            }
        )
    };
    screen.asked.clear();
    (0..50).for_each(|_| screen.wait(1000));
    let asked = screen.asked.iter().filter(baseline).count();
    assert!(asked <= 1, "{asked} in 50 s");
    // Where the hour before says nothing, the day before is asked, and then the window says it.
    let mut fresh = Screen::new(120, 40);
    fresh.answers = Some(|question, now| {
        let mut answer = fixture::answer_to(question, now);
        if let (
            Question::Services {
                trend_points: 0, ..
            },
            AnswerBody::Services(rows),
        ) = (question, &mut answer.body)
        {
            rows.clear();
        }
        Ok(answer)
    });
    fresh.send(Event::Link(coral_tui::console::link::LinkEvent::Open));
    let services = fixture::services(fixture::shop_rows());
    fresh.change(Change::Snapshot(Topic::Status, fixture::two_agents()));
    fresh.change(Change::Snapshot(Topic::Services, services));
    assert_eq!(fresh.asked.iter().filter(baseline).count(), 2);
    assert!(fresh.text().contains("2190 ↑36x"), "{}", fresh.text());
}
