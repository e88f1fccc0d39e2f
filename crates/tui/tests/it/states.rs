//! The states that a page can be in without being the page, each a snapshot.

use crate::fixture::{self, agent, missing, status};
use crate::pages::shop;
use crate::screen::Screen;
use coral_model::{AgentMode, Loss};
use coral_tui::console::change::{Change, Topic};
use coral_tui::console::event::{Action, Event};
use coral_tui::console::link::{LinkEvent, Lost};
use coral_tui::failure::Failure;
use coral_tui::lifecycle::privilege::AgentStart;

#[test]
fn loading_says_so_after_a_moment() {
    let mut screen = Screen::new(80, 24);
    assert!(!screen.text().contains("asking"));
    screen.wait(700);
    insta::assert_snapshot!("loading", screen.text());
}

#[test]
fn no_colony_offers_to_start_one() {
    let mut screen = Screen::new(80, 24);
    screen.lose(Lost::Nobody);
    insta::assert_snapshot!("no_colony", screen.text());
    assert_eq!(screen.keys("u").actions, [Action::FindPrivilege]);
    assert!(screen.keys("u").actions.is_empty(), "once");
    let asked = screen.send(Event::Privilege(None)).actions;
    assert_eq!(asked, [Action::AskPassword]);
    let found = screen
        .send(Event::Privilege(Some(AgentStart::Sudo)))
        .actions;
    assert_eq!(found, [Action::Start(AgentStart::Sudo)]);
    screen.wait(3000);
    insta::assert_snapshot!("no_colony_starting", screen.text());
    let log = "/logs/colony.log:\n  cannot open the store\n".to_owned();
    let failure = Failure::failed("colony shop does not answer within 30 s", "").with_detail(log);
    screen.send(Event::Started(Err(failure)));
    insta::assert_snapshot!("no_colony_failed", screen.text());
    assert_eq!(screen.keys("u").actions, [Action::FindPrivilege]);
}

#[test]
fn a_colony_that_refuses() {
    let mut screen = Screen::new(80, 24);
    screen.lose(Lost::Because(Failure::not_reachable(
        "not allowed to reach the colony at /run/coral/shop/colony.sock",
        "",
    )));
    insta::assert_snapshot!("unreachable", screen.text());
}

#[test]
fn a_colony_without_agent() {
    let screen = Screen::with(
        80,
        24,
        [
            (Topic::Status, status(vec![])),
            (Topic::Services, fixture::services(vec![])),
        ],
    );
    insta::assert_snapshot!("no_agent", screen.text());
}

#[test]
fn an_agent_on_proc_names_what_is_missing_and_claims_nothing() {
    let agents = vec![agent("web-1", AgentMode::Proc, vec![missing()], 1)];
    let mut rows = fixture::shop_rows();
    rows.retain(|row| ["postgres", "mailer"].contains(&row.service.name.raw()));
    let answers = [
        (Topic::Status, status(agents)),
        (Topic::Services, fixture::services(rows)),
    ];
    for width in [80, 120] {
        let screen = Screen::with(width, 24, answers.clone());
        insta::assert_snapshot!(format!("proc_only_{width}"), screen.text());
    }
}

#[test]
fn no_traffic_yet_says_what_to_do() {
    let agents = vec![agent("web-1", AgentMode::Ebpf, vec![], 1)];
    let rows = vec![
        fixture::service("mailer", None),
        fixture::service("cart", None),
    ];
    let answers = [
        (Topic::Status, status(agents)),
        (Topic::Services, fixture::services(rows)),
    ];
    insta::assert_snapshot!("no_traffic", Screen::with(80, 24, answers).text());
}

#[test]
fn a_filter_that_matches_nothing() {
    let mut screen = shop(80, 24);
    screen.keys("/nosuch\n");
    insta::assert_snapshot!("no_match", screen.text());
}

#[test]
fn a_lost_link_keeps_data_and_place() {
    let mut screen = shop(120, 40);
    screen.keys("/a\njs");
    screen.keys("j\n");
    let before = screen.text();
    screen.lose(Lost::Nobody);
    screen.wait(8000);
    insta::assert_snapshot!("link_lost", screen.text());
    assert_eq!(screen.keys("u").actions, [Action::FindPrivilege]);
    screen.send(Event::Link(LinkEvent::Open));
    for (topic, answer) in [
        (Topic::Status, fixture::two_agents()),
        (Topic::Services, fixture::services(fixture::shop_rows())),
    ] {
        screen.change(Change::Snapshot(topic, answer));
    }
    let body = |text: &str| text.lines().skip(4).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(
        body(&screen.text()),
        body(&before),
        "sort, filter and cursor stay"
    );
}

#[test]
fn loss_and_old_data_stand_in_the_first_line() {
    let mut screen = shop(120, 40);
    let loss = Loss {
        records_dropped: 312,
        unseen: 4,
        ..Loss::default()
    };
    screen.change(Change::Loss(Topic::Services, loss));
    screen.wait(20_000);
    let first = screen.text().lines().next().unwrap().to_owned();
    assert!(
        first.contains("▲ loss 312") && first.contains("⧗ data 21 s old"),
        "{first}"
    );
}

#[test]
fn a_small_window_shows_the_worst() {
    for (width, height) in [(40, 10), (60, 15)] {
        let screen = shop(width, height);
        insta::assert_snapshot!(format!("small_{width}x{height}"), screen.text());
    }
    let mut alone = Screen::new(40, 10);
    alone.lose(Lost::Nobody);
    insta::assert_snapshot!("small_no_colony", alone.text());
}

#[test]
fn the_help_is_made_from_the_key_table() {
    let mut screen = shop(120, 50);
    screen.keys("?");
    insta::assert_snapshot!("help", screen.text());
}
