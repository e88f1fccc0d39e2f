//! One moment for the whole console: stepping, picking, freezing, comparing, and what is shown meanwhile.

use crate::fixture::NOW;
use crate::pages::shop;
use crate::screen::{Screen, shop_answers};
use coral_model::{Question, Span};
use coral_tui::console::event::Action;
use coral_tui::failure::Failure;
use std::time::Duration;

fn first_line(screen: &Screen) -> String {
    screen.text().lines().next().unwrap().to_owned()
}

#[test]
fn steps_go_back_and_on_to_live() {
    let mut screen = shop(120, 40);
    screen.keys("[[[");
    assert!(
        first_line(&screen).contains("◀ AT 13:32:00 UTC (-4 m)"),
        "{}",
        first_line(&screen)
    );
    assert!(!screen.text().contains("↑16x"), "{}", screen.text());
    assert!(
        screen.text().contains("13:17:00"),
        "the charts show that moment"
    );
    screen.keys("]]]");
    assert!(first_line(&screen).contains("● LIVE"));
    screen.keys("[0");
    assert!(first_line(&screen).contains("● LIVE"));
}

#[test]
fn every_page_shows_that_moment() {
    let mut screen = shop(120, 40);
    screen.keys("t13:33\n");
    for page in ["1", "2", "3", "9", "1\n"] {
        screen.keys(page);
        assert!(
            first_line(&screen).contains("◀ AT 13:33:00"),
            "{}",
            first_line(&screen)
        );
    }
    screen.asked.clear();
    screen.keys("q3jj");
    assert!(screen.text().contains("13:32:56") && !screen.text().contains("13:35:47"));
    let live = |q: &&Question| {
        matches!(
            q,
            Question::Events {
                span: Span::Last(_),
                ..
            }
        )
    };
    assert!(
        screen.asked.iter().find(live).is_none(),
        "{:?}",
        screen.asked
    );
}

#[test]
fn a_moment_is_picked_as_it_is_said() {
    let mut screen = shop(120, 40);
    screen.keys("tyesterday 03:00");
    insta::assert_snapshot!("pick", screen.text());
    screen.keys("\n");
    insta::assert_snapshot!("past_retention", screen.text());
    screen.keys("t-2");
    assert!(
        screen.text().contains("2026-11-20 14:32"),
        "the forms stand there while it is none"
    );
    screen.keys("h\n");
    assert!(
        first_line(&screen).contains("◀ AT 11:36:30 UTC (-2 h)"),
        "{}",
        first_line(&screen)
    );
    screen.keys("tnonsense\n");
    assert!(screen.text().contains("t nonsense█"), "it stays open");
    screen.keys("\x1b");
    assert!(first_line(&screen).contains("11:36:30"));
}

#[test]
fn a_window_is_halved_and_doubled() {
    let mut screen = shop(120, 40);
    let actions = screen.keys("{").actions;
    assert_eq!(actions, [Action::Watch(Duration::from_secs(450))]);
    screen.wait(400);
    assert!(
        first_line(&screen).contains("asking 0.4 s"),
        "{}",
        first_line(&screen)
    );
    screen.keys("}}");
    assert!(first_line(&screen).contains("30 m"));
}

#[test]
fn old_data_stays_dimmed_while_another_moment_is_asked_for() {
    let mut screen = shop(120, 40);
    screen.answers = None;
    screen.keys("[");
    assert!(screen.text().contains("↑16x"), "what was shown stays");
    screen.wait(900);
    insta::assert_snapshot!("asking", screen.text());
    let dim = |screen: &Screen| {
        let row = screen.line_of("cart  ");
        screen.buffer()[(4, row)].fg
    };
    let (waiting, _) = (dim(&screen), screen.keys("0"));
    assert_ne!(waiting, dim(&screen));
}

#[test]
fn comparing_asks_the_same_of_the_time_before() {
    let mut screen = shop(120, 40);
    screen.keys("=");
    assert!(first_line(&screen).contains("vs 1 h before"));
    let back = |q: &Question| match q {
        Question::Services {
            span: Span::Between(window),
            ..
        } => NOW.since(window.to).as_secs() / 600,
        _ => 0,
    };
    assert!(
        screen.asked.iter().any(|q| back(q) == 6),
        "{:?}",
        screen.asked
    );
    assert!(screen.text().contains("2190 ↑17x"), "{}", screen.text());
    screen.keys("\n");
    insta::assert_snapshot!("compared_service", screen.text());
    screen.keys("=");
    assert!(first_line(&screen).contains("vs 1 d before"));
    screen.keys("=");
    assert!(!first_line(&screen).contains("vs"));
}

#[test]
fn an_event_leads_to_its_service_and_moment() {
    let mut screen = shop(120, 40);
    screen.keys("3/payments\nj");
    screen.keys("\n");
    let text = screen.text();
    assert!(
        text.contains("✖ payments") || text.contains("  payments"),
        "{text}"
    );
    assert!(
        text.contains("◀ AT 13:3") || text.contains("● LIVE"),
        "{text}"
    );
    assert!(text.contains("Callers"), "{text}");
    screen.keys("\x1b");
    assert!(screen.text().contains("KIND"), "back to the events");
}

#[test]
fn a_past_that_is_refused_says_so() {
    let mut screen = shop(120, 40);
    screen.answers = Some(|question, now| match question {
        Question::Services {
            span: Span::Between(_),
            ..
        } => Err(Failure::failed(
            "services needs the role operator, you have viewer",
            "the colony's owner decides who may ask this",
        )),
        question => shop_answers(question, now),
    });
    screen.keys("[");
    insta::assert_snapshot!("past_refused", screen.text());
    screen.keys("0");
    assert!(screen.text().contains("payments"));
}
