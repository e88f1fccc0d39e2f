//! A person's first ten minutes on the real program: with keys alone, and with the mouse alone.

use crate::colony::{Colony, Script};
use crate::fixture;
use crate::pty::{Pty, home};

const LIVE: Script = Script {
    answer: fixture::trembling_answer,
    live: true,
    news: false,
};

#[test]
fn with_keys_alone() {
    let (dir, socket) = home();
    let _colony = Colony::with(&socket, LIVE);
    let mut coral = Pty::coral(dir.path(), &[], (120, 40));
    let steps: &[(&str, &[&str])] = &[
        // What is wrong? The worst is on top, its routes below.
        (
            "",
            &["✖ payments", "payments: routes", "/cart/:id/pay", "● LIVE"],
        ),
        // Into it: charts, and who calls it.
        ("\r", &["duration ms", "what happened last", "METHOD"]),
        ("\t", &["checkout"]),
        // Up the chain, and back.
        ("\r", &["▲ checkout   3 instances"]),
        ("\x1b", &["✖ payments   1 instance"]),
        // Since when? Compare, step back in time, and return.
        ("=", &["vs 1 h before"]),
        ("[[[", &["◀ AT"]),
        ("0", &["● LIVE"]),
        // What happened then?
        ("3", &["payments (pid 4121) started"]),
        ("/start\r", &["of 5 events"]),
        ("\r", &["payments", "Callers"]),
        ("0\x1b\x1b", &["KIND"]),
        // The whole picture.
        ("2", &["frontend", "▶┃"]),
        ("→→", &["frontend → "]),
        ("w", &["SPEAKS"]),
        ("w", &["▶┃"]),
        // Who observes?
        ("9", &["web-1: agent", "loss"]),
        // Anything by its letters.
        (":cart\r", &["cart   3 instances"]),
        ("-", &["web-1: agent"]),
        ("1 ", &["❚❚ FROZEN"]),
        (" ", &["● LIVE"]),
        ("sj\r", &["SERVICE↓"]),
        ("w", &["REQUESTS"]),
        ("w.", &["sshd"]),
        ("./p95>100\r", &["of 9 services"]),
        ("y", &["copy", "coral services"]),
        ("jj\r", &["copied the command"]),
        ("e\r", &["written to"]),
        ("?", &["go to anything"]),
        ("\x1b\x1b", &["IN FLIGHT"]),
    ];
    for (step, (keys, shows)) in steps.iter().enumerate() {
        coral.dump(&format!("keys_{step:02}"));
        coral.keys(&keys.replace('→', "\x1b[C"));
        for text in *shows {
            coral.wait_for(text);
        }
    }
    let written = std::fs::read_dir(dir.path()).unwrap().flatten();
    let mut names = written.map(|f| f.file_name().to_string_lossy().into_owned());
    assert!(names.any(|n| n.starts_with("coral-services-") && n.ends_with(".csv")));
    coral.keys("q");
    assert_eq!(coral.end(), (0, true));
}

#[test]
fn with_the_mouse_alone() {
    let (dir, socket) = home();
    let _colony = Colony::with(&socket, LIVE);
    let mut coral = Pty::coral(dir.path(), &[], (180, 40));
    coral.wait_for("✖ payments");
    let steps: &[(&str, &[&str])] = &[
        // A click selects, a second one opens.
        ("▲ checkout", &["checkout: routes"]),
        ("▲ checkout", &["▲ checkout   3 instances", "duration ms"]),
        (" Callees ", &["payments"]),
        ("q back", &["IN FLIGHT"]),
        ("2 Topology", &["▶┃"]),
        ("payments ─", &["checkout → payments"]),
        ("payments ─", &["✖ payments   1 instance"]),
        ("q back", &["▶┃"]),
        ("3 Events", &["started"]),
        ("9 Fleet", &["web-1: agent"]),
        ("1 Services", &["IN FLIGHT"]),
        ("Space freeze", &["❚❚ FROZEN"]),
        ("Space go on live", &["● LIVE"]),
        ("= compare", &["vs 1 h before"]),
        ("s sort", &["sort by"]),
        ("  name", &["SERVICE↓"]),
        (". system", &["sshd"]),
        (". fold system", &["shows them"]),
        (": go to", &["go to anything"]),
        ("page     Fleet", &["web-1: agent"]),
        ("1 Services", &["IN FLIGHT"]),
        ("y copy", &["coral services"]),
        ("   row", &["copied the row"]),
    ];
    for (click, shows) in steps {
        coral.click_on(click);
        for text in *shows {
            coral.wait_for(text);
        }
    }
    // The wheel moves the rows.
    coral.keys("\x1b[<65;10;6M");
    coral.wait_for("mailer: routes");
    std::thread::sleep(std::time::Duration::from_secs(6));
    coral.click_on("q quit");
    assert_eq!(coral.end(), (0, true));
}
