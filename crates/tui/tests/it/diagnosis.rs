//! Page 7: the findings, the text and its evidence, its states, and a bundle that is replayed.

use crate::fixture;
use crate::pages::shop;
use crate::screen::{Answers, Screen, shop_answers};
use crate::take::copied;
use coral_model::{Answer, AnswerBody, Question, Span, TimeNs};
use coral_tui::console::event::Action;
use coral_tui::console::glyphs::Glyphs;
use coral_tui::console::link::Lost;
use coral_tui::console::theme::Palette;
use coral_tui::failure::Failure;

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (200, 60)];

fn page(width: u16, height: u16) -> Screen {
    let mut screen = shop(width, height);
    screen.keys("7");
    screen
}

/// The same, with another answer to diagnoses.
fn page_with(width: u16, height: u16, answers: Answers) -> Screen {
    let mut screen = shop(width, height);
    screen.answers = Some(answers);
    screen.keys("7");
    screen
}

#[test]
fn each_form_at_each_size() {
    let forms = [
        ("findings", ""),
        ("text", "\n"),
        ("evidence", "\njjj"),
        ("finding", "jj"),
        ("ended", "jjjj\n"),
        ("service", "jjd"),
    ];
    for (width, height) in SIZES {
        for (name, keys) in forms {
            let mut screen = page(width, height);
            screen.keys(keys);
            insta::assert_snapshot!(format!("diagnosis_{name}_{width}x{height}"), screen.text());
        }
    }
}

fn refused(question: &Question, now: TimeNs) -> Result<Answer, Failure> {
    match question {
        Question::Diagnose { .. } => Err(Failure::failed(
            "diagnose needs the role viewer, you have none",
            "the colony's owner decides who may ask this",
        )),
        question => shop_answers(question, now),
    }
}

fn gone(question: &Question, now: TimeNs) -> Result<Answer, Failure> {
    match question {
        Question::Diagnose { .. } => Err(Failure::failed(
            "nothing is kept from before 2026-11-18T00:00:00.000Z",
            "",
        )),
        question => shop_answers(question, now),
    }
}

fn well(question: &Question, now: TimeNs) -> Result<Answer, Failure> {
    let mut answer = fixture::answer_to(question, now);
    match (question, &mut answer.body) {
        (Question::Diagnose { service, .. }, AnswerBody::Diagnose(diagnosis)) => {
            *diagnosis = fixture::all_is_well(service.as_deref());
        }
        (_, AnswerBody::Events { rows, .. }) => rows.clear(),
        _ => {}
    }
    Ok(answer)
}

#[test]
fn states_of_a_diagnosis() {
    for (width, height) in [(80, 24), (120, 40)] {
        let snapshot = |name: &str, screen: &Screen| {
            insta::assert_snapshot!(format!("diagnosis_{name}_{width}x{height}"), screen.text());
        };
        snapshot("well", &page_with(width, height, well));
        let mut text = page_with(width, height, well);
        text.keys("\n");
        snapshot("well_text", &text);
        let mut forbidden = page_with(width, height, refused);
        forbidden.keys("\t");
        snapshot("forbidden", &forbidden);
        let mut past = page_with(width, height, gone);
        past.keys("[[\t");
        snapshot("past_retention", &past);
        let mut loading = shop(width, height);
        loading.answers = None;
        loading.keys("7\t");
        loading.wait(1400);
        snapshot("loading", &loading);
        let mut away = page(width, height);
        away.keys("\n");
        away.lose(Lost::Nobody);
        away.wait(20_000);
        snapshot("away", &away);
    }
}

#[test]
fn without_colours_and_in_ascii_it_reads_the_same() {
    let mut screen = page(120, 40);
    screen.keys("\nj");
    screen.set_look(Palette::None, Glyphs::Ascii);
    insta::assert_snapshot!("diagnosis_ascii", screen.text());
}

#[test]
fn d_diagnoses_what_is_under_the_cursor_and_esc_leads_back() {
    let about = |screen: &Screen| {
        let asked = screen.asked.iter().rev();
        asked
            .filter_map(|question| match question {
                Question::Diagnose { service, at, .. } => Some((service.clone(), *at)),
                _ => None,
            })
            .next()
    };
    let mut screen = shop(120, 40);
    screen.keys("/payments\nd");
    assert_eq!(about(&screen), Some((Some("payments".to_owned()), None)));
    assert!(screen.text().contains("7 Diagnose") && screen.text().contains("payments, 15 m"));
    screen.keys("\x1b");
    assert!(
        screen.text().contains("payments: routes"),
        "{}",
        screen.text()
    );
    // The other end of a call.
    let mut service = shop(120, 40);
    service.keys("/checkout\n\n");
    service.keys("\t\td");
    assert_eq!(about(&service), Some((Some("cart".to_owned()), None)));
    // An event: its service and its moment.
    let mut events = shop(120, 40);
    events.keys("3jjd");
    assert!(events.text().contains("◀ AT"), "{}", events.text());
    assert_eq!(about(&events), Some((Some("payments".to_owned()), None)));
    // Where nothing is under the cursor, all.
    let mut fleet = shop(120, 40);
    fleet.keys("9d");
    assert!(
        fleet.text().contains("all services, 15 m"),
        "{}",
        fleet.text()
    );
}

#[test]
fn evidence_opens_page_service_and_moment_and_esc_leads_back_to_the_text() {
    let ways = [
        ("", "payments::charge", "◀ AT"),
        ("j", "FDS", "◀ AT"),
        ("jj", "P95", "◀ AT"),
        (
            "jjj",
            "coral query host --since 2026-11-20T13:31:10",
            "◀ AT",
        ),
    ];
    for (keys, there, moment) in ways {
        let mut screen = page(120, 40);
        screen.keys("\n");
        screen.keys(keys);
        let before = screen.text();
        screen.keys("\n");
        let text = screen.text();
        assert!(
            text.contains(there) && text.contains(moment),
            "{keys}\n{text}"
        );
        let asked = |q: &&Question| matches!(q, Question::Evidence { .. });
        assert_eq!(screen.asked.iter().filter(asked).count(), 1);
        screen.wait(6_000);
        screen.keys("\x1b");
        let after = screen.text();
        assert!(after.contains("● LIVE"), "{after}");
        let line = |text: &str| {
            let found = text.lines().find(|line| line.contains("[E1]"));
            found.map(str::to_owned)
        };
        assert_eq!(line(&after), line(&before));
    }
}

#[test]
fn evidence_that_is_not_kept_is_said_and_nothing_moves() {
    let mut screen = page_with(120, 40, |question, now| match question {
        Question::Evidence { id } => Err(Failure::failed(
            format!("no evidence {id} is kept here; what a diagnosis found is kept for 30 days"),
            "",
        )),
        question => shop_answers(question, now),
    });
    screen.keys("\n\n");
    let text = screen.text();
    assert!(
        text.contains("no evidence e7k2m3qx4 is kept here") && text.contains("[E1]"),
        "{text}"
    );
}

#[test]
fn a_finding_is_diagnosed_at_its_moment() {
    let mut screen = page(120, 40);
    screen.keys("jjj");
    let last = screen.asked.iter().rev().find_map(|q| match q {
        Question::Diagnose { span, service, at } => Some((*span, service.clone(), *at)),
        _ => None,
    });
    let (span, service, at) = last.unwrap();
    assert_eq!(service.as_deref(), Some("payments"));
    assert_eq!(at, Some(fixture::BEGAN));
    assert_eq!(span, Span::Last(fixture::WINDOW));
    // One that began before the window is looked at where it began, and asked for once.
    screen.keys("G");
    let asked = screen.asked.len();
    let text = screen.text();
    assert!(text.contains("search, noticed 10:56:30"), "{text}");
    let Some(Question::Diagnose {
        span: Span::Between(window),
        ..
    }) = screen.asked[..asked]
        .iter()
        .rev()
        .find(|q| matches!(q, Question::Diagnose { service: Some(s), .. } if s == "search"))
    else {
        panic!("{:?}", screen.asked.last());
    };
    assert_eq!(window.length(), fixture::WINDOW);
}

#[test]
fn the_mouse_selects_reads_and_opens() {
    let mut screen = page(120, 40);
    screen.click_on("13:32:12");
    assert!(
        screen.text().contains("checkout, noticed 13:32:12"),
        "{}",
        screen.text()
    );
    screen.click_on("[E2]");
    screen.click_on("[E2]");
    assert!(screen.text().contains("FDS"), "{}", screen.text());
    screen.keys("\x1b");
    screen.click_on("1 Services");
    screen.click_on("7 Diagnose");
    assert!(screen.text().contains("all services"), "{}", screen.text());
}

#[test]
fn what_is_taken_away_from_a_diagnosis() {
    let mut screen = page(120, 40);
    screen.keys("\nj");
    assert_eq!(copied(&mut screen, 0), "eaaaaaaa2");
    assert!(copied(&mut screen, 1).starts_with("1\tpayments\tcpu\thigh\t0.91"));
    let command = "coral diagnose --colony shop --since 15m";
    assert_eq!(copied(&mut screen, 2), command);
    let link = copied(&mut screen, 3);
    assert!(link.starts_with("coral://shop/diagnose?at="), "{link}");
    assert!(copied(&mut screen, 4).starts_with("# something is wrong since"));
}

#[test]
fn an_id_that_is_pasted_into_the_palette_is_opened() {
    let mut screen = shop(120, 40);
    screen.keys(":e7k2m3qx4\n");
    let text = screen.text();
    assert!(
        text.contains("payments::charge") && text.contains("◀ AT"),
        "{text}"
    );
    screen.keys("\x1b");
    assert!(screen.text().contains("IN FLIGHT"), "{}", screen.text());
}

fn replay(width: u16, height: u16) -> Screen {
    Screen::replaying(width, height, fixture::diagnosis(Some("checkout")))
}

#[test]
fn a_bundle_is_replayed_without_a_colony() {
    for (width, height) in SIZES {
        let mut screen = replay(width, height);
        insta::assert_snapshot!(format!("replay_{width}x{height}"), screen.text());
        screen.keys("1");
        insta::assert_snapshot!(format!("replay_services_{width}x{height}"), screen.text());
        screen.keys("7dtp0[\n");
        assert!(screen.asked.is_empty(), "{:?}", screen.asked);
    }
    insta::assert_snapshot!("replay_small", replay(40, 10).text());
    let mut screen = replay(120, 40);
    screen.keys("yjj");
    let actions = screen.keys("\n").actions;
    let [Action::Copy { text, .. }] = actions.as_slice() else {
        panic!("{actions:?}");
    };
    assert_eq!(text, "coral diagnose --bundle /tmp/incident");
}
