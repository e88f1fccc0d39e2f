//! The palette, the ways between views, and what can be taken away from them.

use crate::pages::shop;
use crate::screen::Screen;
use coral_tui::console::event::Action;
use coral_tui::console::glyphs::Glyphs;
use coral_tui::console::theme::Palette;

#[test]
fn the_palette_goes_to_anything() {
    let mut screen = shop(120, 40);
    screen.keys(":");
    insta::assert_snapshot!("palette", screen.text());
    for (typed, there) in [
        ("check", "▲ checkout"),
        ("fleet", "observes"),
        (":5432", "postgres"),
        ("web-2", "web-2: agent"),
        ("half the window", "7 m 30 s"),
        ("topo", "frontend ┬"),
    ] {
        screen.keys(":");
        screen.keys("\x1b");
        screen.keys(":");
        screen.keys(typed);
        screen.keys("\n");
        assert!(screen.text().contains(there), "{typed}:\n{}", screen.text());
    }
    screen.keys(":zzzzzz");
    assert!(screen.text().contains("nothing is called that"));
    screen.keys("\n");
    assert!(!screen.text().contains("go to anything"));
}

#[test]
fn routes_and_pids_are_found_once_they_were_seen() {
    let mut screen = shop(120, 40);
    screen.keys("3");
    screen.keys(":4121\n");
    assert!(
        screen.text().contains("payments   1 instance"),
        "{}",
        screen.text()
    );
    screen.keys("1:postcartpay\n");
    let text = screen.text();
    assert!(text.contains("/ POST /cart/:id/pay"), "{text}");
    assert!(!text.contains("GET      /cart/:id "), "{text}");
}

#[test]
fn the_last_view_comes_back() {
    let mut screen = shop(120, 40);
    screen.keys("j\n");
    assert!(screen.text().contains("▲ checkout   3 instances"));
    screen.keys("3-");
    assert!(screen.text().contains("▲ checkout   3 instances"));
    screen.keys("-");
    assert!(screen.text().contains("KIND"));
    screen.keys("-\t\t\n");
    assert!(
        screen.text().contains("  cart   3 instances") || screen.text().contains("✖ payments   1")
    );
    screen.keys("\x1b");
    assert!(screen.text().contains("▲ checkout   3 instances"));
    screen.keys("\x1b");
    assert!(screen.text().contains("IN FLIGHT"));
}

pub fn copied(screen: &mut Screen, line: usize) -> String {
    screen.keys("y");
    screen.keys(&"j".repeat(line));
    match screen.keys("\n").actions.as_slice() {
        [Action::Copy { text, .. }] => text.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_copied_leads_back() {
    let mut screen = shop(120, 40);
    screen.keys("y");
    insta::assert_snapshot!("copy_menu", screen.text());
    screen.keys("\x1b");
    assert_eq!(copied(&mut screen, 0), "payments");
    assert!(copied(&mut screen, 1).starts_with("payments\t1\t24\t10800\t1447"));
    assert_eq!(
        copied(&mut screen, 2),
        "coral services --colony shop --since 15m"
    );
    screen.keys("\n[");
    assert_eq!(
        copied(&mut screen, 2),
        "coral query metrics payments --colony shop --since 2026-11-20T13:20:00.000Z --until 2026-11-20T13:35:00.000Z"
    );
    let link = copied(&mut screen, 3);
    assert_eq!(
        link,
        "coral://shop/service//payments?at=1795181700&window=900"
    );
    assert!(
        copied(&mut screen, 4).starts_with("| method | route | status\\_class |")
            || copied(&mut screen, 4).starts_with("| method | route |")
    );
    let before = screen.text();
    screen.keys("01:");
    screen.keys(&link);
    screen.keys("\n");
    assert_eq!(
        screen.text(),
        before,
        "the link leads back to the view and moment"
    );
    screen.keys(":coral://elsewhere/services?at=1&window=900\n");
    assert!(screen.text().contains("no link into this colony"));
}

#[test]
fn the_table_is_written_to_a_file() {
    let mut screen = shop(120, 40);
    for (page, name, head) in [
        (
            "1",
            "coral-services-20261120-133630.csv",
            "service,instances,",
        ),
        ("2", "coral-topology-20261120-133630.csv", "caller,callee,"),
        ("3", "coral-events-20261120-133630.csv", "time,kind,"),
        ("9", "coral-agents-20261120-133630.csv", "host,agent,"),
    ] {
        screen.keys(page);
        let actions = screen.keys("e\n").actions;
        match actions.as_slice() {
            [Action::Save { name: file, bytes }] => {
                let text = String::from_utf8_lossy(bytes);
                assert_eq!(file, name);
                assert!(text.starts_with(head) && text.lines().count() > 2, "{text}");
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn other_columns_and_other_forms() {
    let mut screen = shop(120, 40);
    screen.keys("w");
    insta::assert_snapshot!("services_wide", screen.text());
    screen.keys("2w");
    assert!(screen.text().contains("SPEAKS"));
    screen.keys("w");
    assert!(!screen.text().contains("SPEAKS"));
}

#[test]
fn routes_are_sorted_by_any_column() {
    let mut screen = shop(120, 40);
    screen.keys("\nsjj\n");
    let text = screen.text();
    assert!(text.contains("P95 ms↓"), "{text}");
    let first = text.lines().find(|l| l.contains("/cart")).unwrap();
    assert!(first.contains("2310"), "{first}");
}

#[test]
fn ascii_and_no_colours_say_the_same() {
    for keys in ["", "2", "3", "5", "5\n", "5\n=", "9", "\n", ":", "?"] {
        let mut screen = shop(120, 40);
        screen.keys(keys);
        let usual = screen.text();
        screen.set_look(Palette::None, Glyphs::Ascii);
        let plain = screen.text();
        assert!(plain.is_ascii(), "{plain}");
        assert_eq!(plain.lines().count(), usual.lines().count());
        let colours = screen
            .buffer()
            .content
            .iter()
            .any(|c| c.fg != ratatui::style::Color::Reset);
        assert!(!colours, "{keys}");
        for (a, b) in usual.lines().zip(plain.lines()) {
            let words = |l: &str| l.split_whitespace().filter(|w| w.is_ascii()).count();
            assert!(words(b) >= words(a), "{a}\n{b}");
        }
    }
    let mut screen = shop(120, 40);
    screen.set_look(Palette::None, Glyphs::Ascii);
    insta::assert_snapshot!("services_ascii", screen.text());
    screen.keys("2");
    insta::assert_snapshot!("topology_ascii", screen.text());
}

#[test]
fn read_only_hides_what_acts() {
    let mut screen = Screen::new(80, 24);
    screen.app.set_read_only(true);
    screen.lose(coral_tui::console::link::Lost::Nobody);
    assert!(
        !screen.text().contains("start one here"),
        "{}",
        screen.text()
    );
    assert!(screen.keys("u").actions.is_empty());
}
