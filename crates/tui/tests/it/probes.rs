//! Page 6: the probes and what was seen of them, its states, and detaching.

use crate::fixture;
use crate::pages::shop;
use crate::screen::{Answers, Screen, shop_answers};
use coral_model::probe::ProbeLog;
use coral_model::{Answer, AnswerBody, Question, TimeNs};
use coral_tui::console::change::{Change, Topic};
use coral_tui::console::event::{Action, Event};
use coral_tui::console::glyphs::Glyphs;
use coral_tui::console::link::{LinkEvent, Lost};
use coral_tui::console::theme::Palette;
use coral_tui::failure::Failure;
use std::time::Duration;

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (200, 60)];

/// Page 6 with three probes that were looked at for two seconds.
fn page(width: u16, height: u16) -> Screen {
    page_with(width, height, shop_answers)
}

fn page_with(width: u16, height: u16, answers: Answers) -> Screen {
    let mut screen = shop(width, height);
    (screen.wishes, screen.answers) = (Ok(fixture::wishes()), Some(answers));
    screen.keys("6");
    screen.wait(1_000);
    screen.wait(1_000);
    screen
}

#[test]
fn each_form_at_each_size() {
    let forms = [
        ("sessions", ""),
        ("calls", "\n"),
        ("durations", "v\n"),
        ("tree", "vv\n"),
        ("waiting", "j\n"),
        ("refused", "jj\n"),
        ("detaching", "D"),
    ];
    for (width, height) in SIZES {
        for (name, keys) in forms {
            let mut screen = page(width, height);
            screen.keys(keys);
            screen.wait(1_000);
            insta::assert_snapshot!(format!("probes_{name}_{width}x{height}"), screen.text());
        }
    }
    let mut screen = page(120, 40);
    screen.set_look(Palette::None, Glyphs::Ascii);
    screen.keys("v\n");
    insta::assert_snapshot!("probes_ascii", screen.text());
}

fn forbidden(question: &Question, now: TimeNs) -> Result<Answer, Failure> {
    match question {
        Question::Probe { .. } => Err(Failure::failed(
            "probe needs the role operator, you have viewer",
            "the colony's owner decides who may ask this",
        )),
        question => shop_answers(question, now),
    }
}

fn uncalled(question: &Question, now: TimeNs) -> Result<Answer, Failure> {
    let mut answer = fixture::answer_to(question, now);
    if let AnswerBody::Probe(log) = &mut answer.body {
        log.functions.iter_mut().for_each(|f| {
            (f.p50, f.p95, f.p99, f.max) = (None, None, None, None);
            f.counts = Default::default();
        });
        (log.tree, log.calls) = (vec![], vec![]);
    }
    Ok(answer)
}

#[test]
fn each_state_says_what_is_so() {
    for (width, height) in [(80, 24), (120, 40)] {
        let mut empty = shop(width, height);
        empty.keys("6");
        insta::assert_snapshot!(format!("probes_none_{width}x{height}"), empty.text());
        for (name, answers) in [("forbidden", forbidden as Answers), ("uncalled", uncalled)] {
            let mut screen = page_with(width, height, answers);
            screen.keys("\n");
            insta::assert_snapshot!(format!("probes_{name}_{width}x{height}"), screen.text());
        }
        let mut screen = page(width, height);
        screen.lose(Lost::Nobody);
        screen.wait(8_000);
        insta::assert_snapshot!(format!("probes_away_{width}x{height}"), screen.text());
    }
    let mut unlisted = Screen::new(80, 24);
    let hint = "the colony's owner decides who may ask this";
    unlisted.wishes = Err(Failure::failed(
        "list needs the role viewer, you have none",
        hint,
    ));
    unlisted.send(Event::Link(LinkEvent::Open));
    let services = fixture::services(fixture::shop_rows());
    unlisted.change(Change::Snapshot(Topic::Services, services));
    unlisted.keys("6");
    insta::assert_snapshot!("probes_unlisted", unlisted.text());
    let mut reading = shop(80, 24);
    reading.app.set_read_only(true);
    reading.keys("6");
    let text = reading.text();
    assert!(
        text.contains("coral debug attach") && !text.contains("a probe"),
        "{text}"
    );
}

#[test]
fn the_header_counts_what_is_attached_and_an_idle_console_asks_nothing() {
    let mut screen = shop(120, 40);
    screen.wishes = Ok(fixture::wishes());
    screen.wait(5_000);
    assert!(screen.text().contains("◆ 1 probe"), "{}", screen.text());
    screen.wishes = Ok(vec![]);
    screen.wait(5_000);
    assert!(!screen.text().contains('◆'), "{}", screen.text());
    let lists = |screen: &mut Screen, ms| {
        let span = Duration::from_millis(ms);
        screen.now.up += span;
        screen.now.wall = screen.now.wall.plus(span);
        let outcome = screen.app.handle(Event::Tick, screen.now);
        outcome.actions.contains(&Action::List)
    };
    assert!(!lists(&mut screen, 120_000), "nobody is there");
    screen.keys("j");
    assert!(!lists(&mut screen, 1_000), "a key asked just now");
    assert!(lists(&mut screen, 5_000));
    assert!(!lists(&mut screen, 5_000), "one at a time");
    screen.send(Event::Link(LinkEvent::Open));
    screen.keys("6");
    assert!(lists(&mut screen, 1_000), "the page is live");
}

#[test]
fn the_rate_comes_from_what_is_counted() {
    let mut screen = page_with(120, 40, |question, now| {
        let mut answer = fixture::answer_to(question, now);
        if let AnswerBody::Probe(log) = &mut answer.body {
            let since = now.since(fixture::NOW).as_secs();
            for row in log.functions.iter_mut().take(1) {
                row.counts.hits += 50 * since;
            }
        }
        Ok(answer)
    });
    screen.wait(1_000);
    let text = screen.text();
    let row = text
        .lines()
        .find(|l| l.contains("p0c0ffe1   payments"))
        .unwrap();
    assert!(row.contains("50.0"), "{row}");
    // Each second anew while the page is open, and not once it is left.
    let asked = |screen: &Screen| {
        let probes = screen.asked.iter();
        probes
            .filter(|q| matches!(q, Question::Probe { limit: 1.., .. }))
            .count()
    };
    let before = asked(&screen);
    screen.wait(1_000);
    assert_eq!(asked(&screen), before + 1);
    screen.keys("1");
    screen.wait(1_000);
    assert_eq!(asked(&screen), before + 1);
}

#[test]
fn detaching_is_asked_always() {
    let mut screen = page(120, 40);
    screen.keys("D");
    assert!(
        screen.text().contains("detach p0c0ffe1, charge::process"),
        "{}",
        screen.text()
    );
    assert!(screen.keys("n").actions.is_empty());
    assert!(screen.keys("y").actions.is_empty(), "y copies");
    screen.keys("\x1b");
    screen.keys("D");
    assert!(screen.keys("x").actions.is_empty(), "neither yes nor no");
    let detach = [Action::Detach(fixture::ATTACHED.into())];
    assert_eq!(screen.keys("y").actions, detach);
    screen.wishes = Ok(fixture::wishes()[1..].to_vec());
    screen.wait(1_000);
    let text = screen.text();
    assert!(
        text.contains("stopped") && text.contains("charge::process"),
        "{text}"
    );
}

#[test]
fn the_mouse_selects_and_opens() {
    let mut screen = page(120, 40);
    screen.click_on("cart::total");
    assert!(
        screen.text().contains("p1aaaaaa: calls"),
        "{}",
        screen.text()
    );
    screen.click_on("p0c0ffe1");
    screen.click_on("p0c0ffe1");
    assert!(
        !screen.text().contains("cart::total"),
        "opened: {}",
        screen.text()
    );
}

#[test]
fn it_is_filtered_copied_and_written() {
    let mut screen = page(120, 40);
    screen.keys("/cart\n");
    let text = screen.text();
    assert!(
        text.contains("1 of 3 probes") && !text.contains("p0c0ffe1   payments"),
        "{text}"
    );
    screen.keys("\x1b");
    assert_eq!(
        screen.app.command_line(),
        "coral debug logs p1aaaaaa --colony shop"
    );
    assert_eq!(screen.app.sheet().rows.len(), 3);
    assert!(
        screen
            .app
            .link_here(screen.now)
            .starts_with("coral://shop/probes?")
    );
}

#[test]
fn a_log_of_nothing_and_of_much_is_drawn() {
    for answers in [
        (|_, _| Ok(fixture::answer(AnswerBody::Probe(ProbeLog::default())))) as Answers,
        |_, _| {
            let mut log = fixture::probe_log(fixture::ATTACHED);
            // An answer that does not add up.
            log.functions.truncate(1);
            log.tree[0].depth = u16::MAX;
            log.calls = vec![log.calls[1].clone(); 5_000];
            Ok(fixture::answer(AnswerBody::Probe(log)))
        },
    ] {
        let mut screen = page_with(80, 24, answers);
        for keys in ["\n", "G", "v", "G", "v", "G"] {
            screen.keys(keys);
            assert!(screen.text().contains("p0c0ffe1"), "{}", screen.text());
        }
    }
}
