//! `coral connect`, `coral note` and the note of the console, against a colony that keeps what is wished.

use crate::colony::{Colony, Script};
use crate::commands::{code, coral, error, stdout};
use crate::fixture;
use crate::pages::shop;
use crate::pty::{Pty, home};
use crate::screen::Screen;
use coral_model::answer::HealthState;
use coral_model::{Observed, ServiceKey, TimeNs, Want};
use coral_tui::console::change::{Change, Topic};
use coral_tui::console::event::Action;
use serde_json::Value;
use std::time::Duration;

fn wished(colony: &Colony) -> Vec<Want> {
    let all = colony.wishes.all();
    all.into_values()
        .map(|want| want.try_into().unwrap())
        .collect()
}

#[test]
fn services_are_connected_listed_and_taken_back() {
    let (dir, socket) = home();
    let colony = Colony::start(&socket);
    let run = |args: &[&str]| coral(dir.path(), &[&["connect"], args].concat());
    let said = stdout(&run(&["web:8080:/healthz:http", "cache:6379:tcp"]));
    assert!(
        said.contains("port 8080 is web from now on; health: GET /healthz, each 10 s"),
        "{said}"
    );
    assert!(
        said.contains("port 6379 is cache from now on; health: connects"),
        "{said}"
    );
    let said = stdout(&run(&["worker", "--exe-pattern", "/worker$"]));
    assert!(said.contains("programs like /worker$ is worker"), "{said}");
    assert_eq!(wished(&colony).len(), 3);
    assert_eq!(code(&run(&["web:8080:/healthz:http"])), 0);
    assert_eq!(wished(&colony).len(), 3, "the same again is the same wish");

    let list = run(&["--list", "-o", "json"]);
    let list: Value = serde_json::from_slice(&list.stdout).unwrap();
    let rows = list["connected"].as_array().unwrap();
    assert_eq!(
        (rows.len(), &rows[1]["port"], &rows[1]["type"]),
        (3, &8080.into(), &"http".into())
    );
    let table = stdout(&run(&["--list"]));
    assert!(
        table.contains("attached: 200") && table.contains("health: GET /healthz"),
        "{table}"
    );
    assert!(
        !table.contains('\u{1b}') && !table.contains('\u{7}'),
        "{table:?}"
    );

    let gone = stdout(&run(&["web", "--remove"]));
    assert_eq!(gone, "port 8080 is web no longer\n");
    assert_eq!(code(&run(&["web", "--remove"])), 1);
    assert_eq!(code(&run(&["cache:1", "--remove"])), 1);
    assert_eq!(code(&run(&["cache:6379", "worker", "--remove"])), 0);
    assert!(wished(&colony).is_empty());
    assert!(stdout(&run(&["--list"])).contains("no service is connected by name"));
}

#[test]
fn what_cannot_be_connected_is_answered_with_the_form() {
    let (dir, socket) = home();
    let _colony = Colony::start(&socket);
    for (args, exit, words) in [
        (&["web"][..], 2, "NAME:PORT[:HEALTH][:TYPE]"),
        (&["web:80:nothealth:x"], 2, "neither a path nor tcp"),
        (&[], 2, "nothing to connect"),
        (&["a:1", "b:2", "--exe-pattern", "x"], 2, "one name"),
        (&["--remove"], 2, "nothing to remove"),
        (&["taken:80"], 1, "port 80 is connected as"),
    ] {
        let output = coral(dir.path(), &[&["connect", "-o", "json"], args].concat());
        assert_eq!(code(&output), exit, "{args:?} {output:?}");
        let message = error(&output)["error"]["message"].to_string();
        assert!(message.contains(words), "{args:?}: {message}");
        assert!(!String::from_utf8_lossy(&output.stderr).contains('\u{1b}'));
    }
}

#[test]
fn a_note_has_its_moment_and_its_service() {
    let (dir, socket) = home();
    let colony = Colony::start(&socket);
    let note = |args: &[&str]| coral(dir.path(), &[&["note"], args].concat());
    assert_eq!(code(&note(&["pulled", "the cable"])), 0);
    let at = "2026-11-20T13:30:00Z";
    assert_eq!(
        code(&note(&["--at", at, "--service", "prod/cart", "deploy"])),
        0
    );
    let mut wants = wished(&colony);
    wants.sort_by_key(|want| matches!(want, Want::Note { at: None, .. }));
    let Want::Note { at, service, text } = wants[0].clone() else {
        panic!("{wants:?}")
    };
    let service = service.unwrap();
    assert_eq!(at, Some(TimeNs(1_795_181_400_000_000_000)));
    assert_eq!(
        (service.namespace.raw(), service.name.raw()),
        ("prod", "cart")
    );
    assert_eq!(text.raw(), "deploy");
    assert!(matches!(&wants[1], Want::Note { text, .. } if text.raw() == "pulled the cable"));
    for bad in [&[""][..], &["--at", "tomorrow", "x"], &[&"x".repeat(1_001)]] {
        assert_eq!(code(&note(bad)), 2, "{bad:?}");
    }
}

#[test]
fn m_opens_a_line_and_enter_writes_it_down() {
    let mut screen = shop(120, 40);
    screen.keys("mpulled the q?1 cable");
    let text = screen.text();
    assert!(
        text.contains("m pulled the q?1 cable█") && text.contains("Enter write down"),
        "{text}"
    );
    let note = |actions: &[Action]| match actions {
        [Action::Note { at, service, text }] => (*at, service.clone(), text.clone()),
        other => panic!("{other:?}"),
    };
    let now = note(&screen.keys("\n").actions);
    assert_eq!(now, (None, None, "pulled the q?1 cable".into()));
    assert!(screen.keys("m\n").actions.is_empty(), "nothing is nothing");
    assert!(screen.keys("mx\x1b").actions.is_empty());
    // About what is shown: this service, that moment.
    screen.keys("\n[m");
    assert!(
        screen.text().contains("about payments, 13:35:00"),
        "{}",
        screen.text()
    );
    let then = note(&screen.keys("slow disk\n").actions);
    let at = fixture::NOW.minus(Duration::from_secs(90));
    assert_eq!(
        then,
        (
            Some(at),
            Some(ServiceKey::plain("payments")),
            "slow disk".into()
        )
    );
    screen.app.set_read_only(true);
    screen.keys("m");
    assert!(
        !screen.text().contains('█'),
        "a console that only reads writes nothing"
    );
}

#[test]
fn a_note_is_written_down_from_the_real_console() {
    let (dir, socket) = home();
    let colony = Colony::start(&socket);
    let mut coral = Pty::coral(dir.path(), &[], (120, 40));
    coral.wait_for("payments: routes");
    coral.keys("mpulled the cable\r");
    coral.wait_for("written down; it is on page 3");
    assert!(
        matches!(&wished(&colony)[..], [Want::Note { text, .. }] if text.raw() == "pulled the cable")
    );
    coral.keys("\x03");
    assert_eq!(coral.end(), (0, true));
}

fn unhealthy(width: u16, height: u16) -> Screen {
    let mut screen = shop(width, height);
    let state = |text: &str| HealthState {
        healthy: false,
        since: fixture::NOW.minus(Duration::from_secs(120)),
        text: Observed::new(text),
    };
    let mut rows = fixture::shop_rows();
    for row in &mut rows {
        match row.service.name.raw() {
            "cart" => row.health = Some(state("503")),
            "mailer" => row.health = Some(state("connection refused\u{1b}[31m")),
            _ => {}
        }
    }
    screen.change(Change::Snapshot(Topic::Services, fixture::services(rows)));
    screen
}

#[test]
fn a_failing_health_check_is_on_the_row_at_every_size() {
    for (width, height) in [(40, 10), (80, 24), (120, 40), (200, 60)] {
        let screen = unhealthy(width, height);
        insta::assert_snapshot!(format!("unhealthy_{width}x{height}"), screen.text());
    }
    let mut screen = unhealthy(120, 40);
    let text = screen.text();
    let row = text.lines().find(|l| l.contains("✖ cart")).unwrap();
    assert!(row.contains("health: 503 for"), "{row}");
    screen.keys(":cart\n");
    assert!(
        screen.text().contains("health: 503 for 2 m"),
        "{}",
        screen.text()
    );
}

/// What a terminal, a spreadsheet or a reader of the right-to-left would obey.
fn obeyed(c: char) -> bool {
    let bidi =
        matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}');
    (c.is_control() && c != '\n') || bidi
}

#[test]
fn hostile_names_reach_no_output_of_any_command() {
    let (dir, socket) = home();
    let _colony = Colony::with(&socket, Script::HOSTILE);
    assert_eq!(code(&coral(dir.path(), &["connect", "web:80:/x"])), 0);
    let commands: [&[&str]; 15] = [
        &["status"],
        &["services", "--all"],
        &["topology", "--all"],
        &["query", "summary"],
        &["query", "summary", "--compare", "1h"],
        &["query", "metrics", "cart"],
        &["query", "requests", "cart"],
        &["query", "events"],
        &["query", "changes"],
        &["query", "host"],
        &["query", "sql", "SELECT 1"],
        &["connect", "--list"],
        &["colonies"],
        &["doctor"],
        &["note", "x\u{1b}[31m\u{202e}"],
    ];
    for command in commands {
        for form in ["table", "json", "csv", "yaml", "md"] {
            let output = coral(dir.path(), &[command, &["-o", form]].concat());
            assert_eq!(code(&output), 0, "{command:?} {form}: {output:?}");
            let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
            let text = text.replace("\r\n", "\n");
            let found = text.chars().find(|c| obeyed(*c));
            assert_eq!(found, None, "{command:?} {form}:\n{text:?}");
        }
    }
}
