//! Every state of every page at every named size, as data: a state is a way to get there.

use crate::fixture::{self, agent, missing, status};
use crate::pages::shop;
use crate::screen::{Screen, shop_answers};
use coral_model::profile::Flame;
use coral_model::{AgentMode, AnswerBody, Loss, Question};
use coral_tui::console::change::{Change, Topic};
use coral_tui::console::event::Event;
use coral_tui::console::link::{LinkEvent, Lost};
use coral_tui::failure::Failure;
use std::fmt::Write as _;

type State = (&'static str, fn(u16, u16) -> Screen);

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (200, 60)];

/// The pages, by the keys that lead to them.
const PAGES: [(&str, &str); 12] = [
    ("Services", "1"),
    ("Topology", "2"),
    ("Events", "3"),
    ("Profiles", "5"),
    ("a flame graph", "5\n"),
    ("Probes", "6"),
    ("Diagnose", "7"),
    ("a diagnosis", "7\t"),
    ("Fleet", "9"),
    ("a service", "1\n"),
    ("its instances", "1\n\t\t\t"),
    ("changes", "3v"),
];

const STATES: [State; 15] = [
    ("as_usual", shop),
    ("loading", |w, h| {
        let mut screen = Screen::new(w, h);
        screen.wait(700);
        screen
    }),
    ("first_picture", |w, h| {
        let mut screen = Screen::new(w, h);
        screen.send(Event::Link(LinkEvent::Open));
        screen.wait(1200);
        screen
    }),
    ("no_colony", |w, h| {
        let mut screen = Screen::new(w, h);
        screen.lose(Lost::Nobody);
        screen
    }),
    ("forbidden", |w, h| {
        let mut screen = Screen::new(w, h);
        let message = "not allowed to reach the colony at /run/coral/shop/colony.sock";
        let hint = "it belongs to another user; run as that user, or as root";
        screen.lose(Lost::Because(Failure::not_reachable(message, hint)));
        screen
    }),
    ("no_agent", |w, h| {
        with(w, h, vec![], fixture::services(vec![]))
    }),
    ("proc_only", |w, h| {
        let agents = vec![agent("web-1", AgentMode::Proc, vec![missing()], 1)];
        let mut rows = fixture::shop_rows();
        rows.retain(|row| ["postgres", "mailer"].contains(&row.service.name.raw()));
        let mut screen = with(w, h, agents, fixture::services(rows));
        screen.answers = Some(|question, now| {
            let mut answer = fixture::answer_to(question, now);
            match &mut answer.body {
                AnswerBody::Metrics(rows) => rows.clear(),
                AnswerBody::Summary(rows) => rows.clear(),
                AnswerBody::Profile(flame) => *flame = Flame::default(),
                _ => {}
            }
            Ok(answer)
        });
        screen.wait(3000);
        screen
    }),
    ("no_traffic", |w, h| {
        let agents = vec![agent("web-1", AgentMode::Ebpf, vec![], 1)];
        let rows = vec![
            fixture::service("mailer", None),
            fixture::service("cart", None),
        ];
        let mut screen = with(w, h, agents, fixture::services(rows));
        screen.answers = Some(|question, now| {
            let mut answer = fixture::answer_to(question, now);
            match &mut answer.body {
                AnswerBody::Metrics(rows) => rows.clear(),
                AnswerBody::Summary(rows) => rows.clear(),
                AnswerBody::Events { rows, .. } => rows.clear(),
                AnswerBody::Profile(flame) => *flame = Flame::default(),
                _ => {}
            }
            Ok(answer)
        });
        screen.wait(3000);
        screen
    }),
    ("refused_answers", |w, h| {
        let mut screen = shop(w, h);
        screen.answers = Some(|question, now| match question {
            Question::Metrics { .. }
            | Question::Events { .. }
            | Question::Profile { .. }
            | Question::Diagnose { .. }
            | Question::Sql { .. } => Err(Failure::failed(
                format!(
                    "{} needs the role operator, you have viewer",
                    question.name()
                ),
                "the colony's owner decides who may ask this",
            )),
            question => shop_answers(question, now),
        });
        screen.wait(3000);
        screen
    }),
    ("not_answered_yet", |w, h| {
        let mut screen = shop(w, h);
        screen.answers = None;
        screen
    }),
    ("stale", |w, h| {
        let mut screen = shop(w, h);
        screen.wait(20_000);
        screen
    }),
    ("lossy", |w, h| {
        let mut screen = shop(w, h);
        let loss = Loss {
            records_dropped: 312,
            unseen: 4,
            ..Loss::default()
        };
        screen.change(Change::Loss(Topic::Services, loss));
        let mut agent = agent("web-1", AgentMode::Ebpf, vec![missing()], 1);
        agent.health.loss = loss;
        screen.change(Change::Snapshot(Topic::Status, status(vec![agent])));
        screen
    }),
    ("link_lost", |w, h| {
        let mut screen = shop(w, h);
        screen.lose(Lost::Nobody);
        screen.wait(8000);
        screen
    }),
    ("past_retention", |w, h| {
        let mut screen = shop(w, h);
        screen.keys("t-2d\n");
        screen
    }),
    ("asking_the_past", |w, h| {
        let mut screen = shop(w, h);
        screen.answers = None;
        screen.keys("[[");
        screen.wait(900);
        screen
    }),
];

fn with(
    width: u16,
    height: u16,
    agents: Vec<coral_model::answer::AgentRow>,
    services: coral_model::Answer,
) -> Screen {
    let empty = fixture::answer(AnswerBody::Topology {
        nodes: vec![],
        edges: vec![],
    });
    let answers = [
        (Topic::Status, status(agents)),
        (Topic::Services, services),
        (Topic::Topology, empty),
    ];
    Screen::with(width, height, answers)
}

/// The pages of a state below each other; a page that looks as one before is named only.
fn pages(state: State, width: u16, height: u16) -> String {
    let (mut out, mut seen): (String, Vec<(&str, String)>) = (String::new(), vec![]);
    for (name, keys) in PAGES {
        let mut screen = (state.1)(width, height);
        screen.keys(keys);
        let text = screen.text();
        let body: String = text.lines().skip(2).collect::<Vec<_>>().join("\n");
        match seen.iter().find(|(_, known)| *known == body) {
            Some((same, _)) => writeln!(out, "== {name}: as on {same}").unwrap(),
            None => writeln!(out, "== {name}\n{text}").unwrap(),
        }
        seen.push((name, body));
    }
    out
}

#[test]
fn every_state_of_every_page_at_every_size() {
    for state in STATES {
        for (width, height) in SIZES {
            let name = format!("{}_{width}x{height}", state.0);
            insta::assert_snapshot!(name, pages(state, width, height));
        }
    }
}

#[test]
fn a_filter_that_matches_nothing_says_how_to_clear_it() {
    for (width, height) in SIZES {
        for (page, keys) in PAGES {
            let mut screen = shop(width, height);
            screen.keys(keys);
            screen.keys("/nosuchthing\n");
            let text = screen.text();
            assert!(text.contains("Esc clears"), "{page} {width}\n{text}");
            screen.keys("\x1b");
            assert!(!screen.text().contains("nosuchthing"), "{page}");
        }
    }
}

#[test]
fn a_screen_that_is_too_small_still_says_what_matters() {
    let mut out = String::new();
    for state in STATES {
        let mut screen = (state.1)(40, 10);
        writeln!(out, "== {}\n{}", state.0, screen.text()).unwrap();
        screen.keys("q");
    }
    insta::assert_snapshot!("small_states", out);
}
