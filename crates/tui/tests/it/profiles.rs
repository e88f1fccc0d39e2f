//! Page 5: the list of services, the flame graph and what keys and mouse do in it, and a finer profile while it is taken.

use crate::fixture;
use crate::pages::shop;
use crate::screen::{Screen, shop_answers};
use crate::take::copied;
use coral_model::profile::{Flame, Target};
use coral_model::{Answer, AnswerBody, Observed, Question, TimeNs, Want};
use coral_tui::console::event::{Action, Event};
use coral_tui::console::flame::{Graph, Shape, Tree, Way, lay_out};
use coral_tui::console::glyphs::Glyphs;
use coral_tui::console::theme::Palette;
use coral_tui::failure::Failure;
use crossterm::event::{KeyModifiers, MouseEvent, MouseEventKind};
use std::time::{Duration, Instant};

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (200, 60)];

/// The flame graph of the service at the top of the list.
fn graph(width: u16, height: u16) -> Screen {
    let mut screen = shop(width, height);
    screen.keys("5");
    screen.keys("/payments\n");
    screen.keys("\n");
    screen
}

#[test]
fn each_form_at_each_size() {
    let forms = [
        ("list", "\x1b"),
        ("flame", ""),
        ("box", "jjjj"),
        ("zoomed", "jjj\njj"),
        ("search", "/serde\n"),
        ("inverted", "i"),
        ("merged", "M"),
        ("threads", "T"),
        ("diff", "="),
        ("diff_table", "=\t"),
        ("table", "\tjj"),
    ];
    for (width, height) in SIZES {
        for (name, keys) in forms {
            let mut screen = graph(width, height);
            screen.keys(keys);
            insta::assert_snapshot!(format!("profile_{name}_{width}x{height}"), screen.text());
        }
    }
}

/// The whole screen of a service with another profile.
fn graph_of(width: u16, height: u16, answers: crate::screen::Answers) -> Screen {
    let mut screen = shop(width, height);
    screen.answers = Some(answers);
    screen.keys("5");
    screen.keys("\n");
    screen
}

fn with_flame(question: &Question, now: TimeNs, flame: Flame) -> Result<Answer, Failure> {
    let mut answer = fixture::answer_to(question, now);
    if let AnswerBody::Profile(known) = &mut answer.body {
        *known = flame;
    }
    Ok(answer)
}

#[test]
fn long_and_wide_names_are_shortened_from_the_middle() {
    let narrow = graph_of(80, 24, |question, now| {
        let mut flame = fixture::flame(false);
        let long = "会計::請求書::月次::作成する::とても長い関数の名前::実行する::完了";
        for (i, function) in flame.functions.iter_mut().enumerate() {
            let name = match i % 2 {
                0 => long.to_owned(),
                _ => "a_function_of_sixty_characters::that_goes_on::and_on::to_its_end".to_owned(),
            };
            function.name = Observed::new(name);
        }
        with_flame(question, now, flame)
    });
    insta::assert_snapshot!("profile_wide_names", narrow.text());
    for line in narrow.text().lines() {
        assert!(coral_report::text::width(line) <= 80, "{line}");
    }
}

#[test]
fn states_of_a_profile() {
    let empty = |question: &Question, now| with_flame(question, now, Flame::default());
    insta::assert_snapshot!("profile_empty", graph_of(80, 24, empty).text());
    let refused = graph_of(80, 24, |question, now| match question {
        Question::Profile { .. } => Err(Failure::failed(
            "profile needs the role viewer, you have none",
            "the colony's owner decides who may ask this",
        )),
        question => shop_answers(question, now),
    });
    insta::assert_snapshot!("profile_refused", refused.text());
    let mut away = graph(80, 24);
    away.lose(coral_tui::console::link::Lost::Nobody);
    away.wait(8000);
    insta::assert_snapshot!("profile_away", away.text());
    let mut past = graph(80, 24);
    past.keys("[[");
    assert!(past.text().contains("◀ AT") && past.text().contains("payments::charge"));
    past.keys("t-2d\n");
    assert!(
        past.text().contains("Nothing is kept of"),
        "{}",
        past.text()
    );
}

#[test]
fn without_colours_boxes_are_seen_by_their_signs() {
    let mut screen = graph(120, 40);
    screen.set_look(Palette::None, Glyphs::Unicode);
    insta::assert_snapshot!("profile_no_colours", screen.text());
    screen.set_look(Palette::None, Glyphs::Ascii);
    insta::assert_snapshot!("profile_ascii", screen.text());
}

fn profile_actions(actions: &[Action]) -> Vec<&Action> {
    let of = |a: &&Action| {
        matches!(
            a,
            Action::Wish { .. } | Action::EndProfile(_) | Action::LookAtProfile(_)
        )
    };
    actions.iter().filter(of).collect()
}

#[test]
fn p_takes_a_finer_profile_that_fills_while_one_watches() {
    let mut screen = shop(120, 40);
    screen.answers = Some(|question, now| match question {
        Question::Profile { session, .. } if *session != 0 => {
            let since = now.since(fixture::NOW).as_secs();
            let mut flame = fixture::flame(false);
            flame.hz = 99;
            match since {
                0..4 => flame = Flame::default(),
                _ => flame.stacks.truncate(since as usize - 3),
            }
            flame.samples = flame.stacks.iter().map(|s| s.samples).sum();
            with_flame(question, now, flame)
        }
        question => shop_answers(question, now),
    });
    let actions = screen.keys("p").actions;
    let [Action::Wish { id, want }] = profile_actions(&actions)[..] else {
        panic!("{actions:?}");
    };
    let Want::Profile { target, hz, lease } = want else {
        panic!("{want:?}");
    };
    let asked = (target, *hz, *lease);
    assert_eq!(
        asked,
        (&Target::service("payments"), 99, Duration::from_secs(30))
    );
    let id = id.clone();
    let said = Ok(("pending".to_owned(), "web-2 is asked".to_owned()));
    screen.send(Event::Wished {
        id: id.clone(),
        said,
    });
    screen.wait(2000);
    assert!(
        screen.text().contains("web-2 is asked"),
        "{}",
        screen.text()
    );
    insta::assert_snapshot!("profile_finer_begins", screen.text());
    (0..8).for_each(|_| screen.wait(1000));
    insta::assert_snapshot!("profile_finer_fills", screen.text());
    assert!(
        profile_actions(&screen.keys("p").actions).is_empty(),
        "one is under way"
    );
    assert_eq!(
        profile_actions(&screen.keys("D").actions),
        [&Action::EndProfile(id)]
    );
    assert!(
        screen.text().contains("finer profile of 13:36:30, 10 s"),
        "{}",
        screen.text()
    );
    screen.keys("\x1b");
    assert!(screen.text().contains("always on"), "{}", screen.text());
    screen.keys("\x1b");
    assert!(
        screen.text().contains("payments: routes"),
        "back where p was pressed"
    );
}

#[test]
fn a_finer_profile_ends_by_itself_or_is_refused() {
    let mut screen = graph(120, 40);
    screen.keys("p");
    (0..32).for_each(|_| screen.wait(1000));
    assert!(
        screen.text().contains(", 30 s · 1426 samples"),
        "{}",
        screen.text()
    );
    let actions = screen.keys("p").actions;
    let [Action::Wish { id, .. }] = profile_actions(&actions)[..] else {
        panic!("{actions:?}");
    };
    let message = "profile needs the role operator, you have viewer";
    let said = Err(Failure::failed(message, "the colony's owner decides"));
    screen.send(Event::Wished {
        id: id.clone(),
        said,
    });
    let text = screen.text();
    assert!(
        text.contains(message) && text.contains("always on"),
        "{text}"
    );
    let mut reader = shop(120, 40);
    reader.app.set_read_only(true);
    assert!(profile_actions(&reader.keys("p").actions).is_empty());
    let text = reader.text();
    assert!(
        text.contains("needs the role operator") && text.contains("all 100.0%"),
        "{text}"
    );
}

#[test]
fn what_is_taken_away_from_a_flame_graph() {
    let mut screen = graph(120, 40);
    screen.keys("jjjj");
    assert_eq!(copied(&mut screen, 0), "payments::charge::process");
    assert!(copied(&mut screen, 1).starts_with("payments::charge::process\tsrc/charge.rs\t41"));
    let command = "coral profile cpu payments --colony shop --since 15m";
    assert_eq!(copied(&mut screen, 2), command);
    screen.keys("=");
    assert_eq!(copied(&mut screen, 2), format!("{command} --diff 1h"));
    screen.keys("==");
    let link = copied(&mut screen, 3);
    assert!(
        link.starts_with("coral://shop/profile//payments?at="),
        "{link}"
    );
    for (line, name, begin) in [
        (0, ".svg", &b"<?xml"[..]),
        (1, ".folded", b"payments;_start;"),
        // Field 1 of a profile, the type of its values: profile.proto of pprof.
        (2, ".pb", b"\x0a\x04\x08\x01\x10\x02"),
        (3, ".csv", b"function,file,line"),
    ] {
        screen.keys("e");
        screen.keys(&"j".repeat(line));
        match screen.keys("\n").actions.as_slice() {
            [Action::Save { name: file, bytes }] => {
                assert_eq!(*file, format!("coral-profile-20261120-133630{name}"));
                assert!(bytes.starts_with(begin), "{:?}", &bytes[..80]);
            }
            other => panic!("{other:?}"),
        }
    }
    screen.keys("1:");
    screen.keys(&link);
    screen.keys("\n");
    assert!(screen.text().contains("all 100.0%"), "{}", screen.text());
}

#[test]
fn the_mouse_selects_zooms_and_leads_back() {
    let mut screen = graph(120, 40);
    let mouse = |screen: &mut Screen, kind, text: &str| {
        let row = screen.line_of(text);
        let line = screen.text().lines().nth(row.into()).unwrap().to_owned();
        let before = coral_report::text::width(line.split(text).next().unwrap());
        let (column, modifiers) = (u16::try_from(before).unwrap(), KeyModifiers::NONE);
        screen
            .send(Event::Mouse(MouseEvent {
                kind,
                column,
                row,
                modifiers,
            }))
            .draw
    };
    assert!(mouse(&mut screen, MouseEventKind::Moved, "serde_js"));
    assert!(
        !mouse(&mut screen, MouseEventKind::Moved, "serde_js"),
        "no other box"
    );
    assert!(screen.text().contains("de.rs:1340"), "{}", screen.text());
    screen.click_on("payments::charge");
    assert!(
        screen.text().contains("src/charge.rs:41"),
        "{}",
        screen.text()
    );
    screen.click_on("payments::charge");
    assert!(screen.text().contains("Esc zooms out"), "{}", screen.text());
    let right = MouseEventKind::Down(crossterm::event::MouseButton::Right);
    mouse(&mut screen, right, "payments::charge::process 7");
    assert!(
        !screen.text().contains("Esc zooms out"),
        "{}",
        screen.text()
    );
    screen.click_on("Tab functions");
    screen.click_on("_int_malloc");
    screen.click_on("_int_malloc");
    assert!(screen.text().contains("all 100.0%") && screen.text().contains("malloc.c:3894"));
}

#[test]
fn the_table_and_the_search_lead_to_boxes() {
    let mut screen = graph(200, 60);
    screen.keys("/malloc\n");
    assert!(
        screen.text().contains("2 functions, 9.2 % of the samples"),
        "{}",
        screen.text()
    );
    screen.keys("n");
    assert!(screen.text().contains("here 8.4 %"), "{}", screen.text());
    screen.keys("nn");
    assert!(screen.text().contains("malloc.c:3894"), "{}", screen.text());
    screen.keys("\x1b\x1b\x1b");
    screen.keys("\x1b\x1b");
    assert!(screen.text().contains("CPU%↓"), "{}", screen.text());
}

#[test]
fn fifty_thousand_stacks_are_laid_out_at_once() {
    let flame = fixture::large_flame(50_000);
    let start = Instant::now();
    let tree = Tree::build(&flame, Shape::default());
    println!("{} nodes in {:?}", tree.nodes().len(), start.elapsed());
    let mut graph = Graph::default();
    let start = Instant::now();
    for _ in 0..20 {
        graph.go(&tree, 200, Way::Down);
        graph.settle(&tree, 200, 50);
        let rows = graph.rows(&tree, 200, 50);
        assert!(rows.iter().flatten().count() <= 200 * 60);
    }
    println!("a step and its rows in {:?}", start.elapsed() / 20);
    let rows = lay_out(&tree, graph.zoom(), 200, 0..60);
    assert_eq!(rows[0][0].width, 200);
}
