//! Choosing functions of a service and attaching to them, from every page.

use crate::colony::Colony;
use crate::fixture;
use crate::pages::shop;
use crate::pty::{Pty, home};
use crate::screen::Screen;
use coral_model::{Question, Want};
use coral_tui::console::event::{Action, Event};
use coral_tui::failure::Failure;
use std::time::Duration;

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (200, 60)];

fn wished(actions: &[Action]) -> (String, Vec<String>, Option<String>, Duration) {
    match actions {
        [
            Action::Wish {
                id,
                want: Want::Probe { spec, lease },
            },
        ] => {
            let spec = spec.clone();
            (id.clone(), spec.functions, spec.target.service, *lease)
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_opens_the_functions_of_a_service_and_enter_attaches() {
    for (width, height) in SIZES {
        let mut screen = shop(width, height);
        screen.keys(":payments\na");
        insta::assert_snapshot!(format!("probes_picker_{width}x{height}"), screen.text());
        screen.keys("log");
        assert!(screen.text().contains("looking"), "{}", screen.text());
        let asked = screen.asked.len();
        screen.wait(200);
        let patterns = screen.asked[asked..].iter().filter_map(|q| match q {
            Question::Functions { pattern, .. } => Some(pattern.as_str()),
            _ => None,
        });
        assert_eq!(patterns.collect::<Vec<_>>(), ["log"], "once for three keys");
        assert!(!screen.text().contains("authorize"), "{}", screen.text());
        let (id, functions, service, lease) = wished(&screen.keys("\n").actions);
        assert_eq!(functions, ["payments::log::Logger::write"]);
        assert_eq!(
            (service.as_deref(), lease.as_secs()),
            (Some("payments"), 60)
        );
        assert!(screen.text().contains("asking"), "{}", screen.text());
        screen.send(Event::Wished {
            id: id.clone(),
            said: Ok(("pending".into(), String::new())),
        });
        let name = "payments::log::Logger::write";
        screen.wishes = Ok(vec![fixture::wish(
            &id,
            "payments",
            &[name],
            "attached",
            "",
        )]);
        screen.wait(1_000);
        if width >= 120 {
            assert!(
                screen.text().contains("◆ 1 probe 59 s"),
                "{}",
                screen.text()
            );
        }
        screen.wait(14_000);
        assert!(screen.text().contains("◆"), "{}", screen.text());
        assert!(screen.text().contains("45 s"), "{}", screen.text());
        screen.wishes = Ok(vec![]);
        screen.wait(46_000);
        assert!(screen.text().contains("expired"), "{}", screen.text());
        screen.keys("D");
        assert!(
            screen.text().contains("No probe is attached"),
            "{}",
            screen.text()
        );
    }
}

#[test]
fn several_are_marked_and_a_pattern_takes_all_that_fit() {
    let mut screen = shop(120, 40);
    screen.keys(":payments\na  ");
    insta::assert_snapshot!("probes_marked", screen.text());
    let (_, functions, ..) = wished(&screen.keys("\n").actions);
    assert_eq!(
        functions,
        ["payments::charge::process", "payments::charge::authorize"]
    );
    screen.keys(":payments\na*charge*");
    assert!(screen.keys("\n").actions.is_empty(), "not looked for yet");
    screen.wait(200);
    assert!(
        screen.text().contains("all 3 that fit"),
        "{}",
        screen.text()
    );
    let (_, functions, ..) = wished(&screen.keys("\n").actions);
    assert_eq!(functions, ["*charge*"]);
    // What has no code of its own says into what it was put.
    screen.keys(":payments\nacents");
    screen.wait(200);
    assert!(screen.keys(" \n").actions.is_empty());
    assert!(
        screen.text().contains("only inlined, into"),
        "{}",
        screen.text()
    );
    screen.wait(6_000);
    screen.keys("\x1b:payments\nanosuch");
    screen.wait(200);
    assert!(
        screen
            .text()
            .contains("did you mean payments::charge::process?"),
        "{}",
        screen.text()
    );
    assert!(screen.keys("\n").actions.is_empty());
    screen.keys("\x1b");
    assert!(!screen.text().contains("did you mean"));
}

#[test]
fn a_on_a_function_looks_for_that_function() {
    let typed = |screen: &Screen| {
        let line = screen.line_of(" a ");
        screen.text().lines().nth(line.into()).unwrap().to_owned()
    };
    let mut diagnosis = shop(120, 40);
    diagnosis.keys("7\n");
    diagnosis.keys("a");
    assert!(
        typed(&diagnosis).contains("payments::charge::process█"),
        "{}",
        diagnosis.text()
    );
    let mut whole = shop(120, 40);
    whole.keys("7a");
    assert!(
        whole.text().contains(" probe payments "),
        "{}",
        whole.text()
    );
    assert!(
        typed(&whole).contains("payments::charge::process█"),
        "{}",
        whole.text()
    );
    let mut other = shop(120, 40);
    other.keys("7jja");
    assert!(
        other.text().contains(" probe checkout "),
        "{}",
        other.text()
    );
    assert!(typed(&other).contains(" a █"), "{}", other.text());
    let mut flame = shop(120, 40);
    flame.keys("5\n");
    let name = {
        flame.keys("jj");
        flame
            .app
            .flame_focus()
            .1
            .unwrap()
            .name()
            .visible()
            .into_owned()
    };
    flame.keys("a");
    assert!(typed(&flame).contains(&name), "{name}\n{}", flame.text());
}

#[test]
fn a_refusal_is_read_on_the_page() {
    let mut screen = shop(120, 40);
    screen.keys(":payments\na");
    let (id, ..) = wished(&screen.keys("\n").actions);
    let why = Failure::failed("probe needs the role operator, you have viewer", "");
    screen.send(Event::Wished { id, said: Err(why) });
    screen.wait(1_000);
    let text = screen.text();
    assert!(
        text.contains("refused") && text.contains("needs the role operator"),
        "{text}"
    );
    // Nobody can act where the console only reads.
    screen.app.set_read_only(true);
    screen.keys("1a");
    assert!(
        !screen.text().contains(" probe payments "),
        "{}",
        screen.text()
    );
}

#[test]
fn a_probe_is_attached_and_detached_from_the_real_console() {
    let (dir, socket) = home();
    let colony = Colony::start(&socket);
    let mut coral = Pty::coral(dir.path(), &[], (120, 40));
    coral.wait_for("payments: routes");
    coral.keys("a");
    coral.wait_for("charge::authorize");
    coral.keys("\r");
    coral.wait_for("attached");
    coral.wait_for("card=<masked>");
    let wishes: Vec<_> = colony.wishes.all().into_values().collect();
    let [wish] = &wishes[..] else {
        panic!("{wishes:?}")
    };
    let Want::Probe { spec, lease } = Want::try_from(wish.clone()).unwrap() else {
        panic!("{wish:?}")
    };
    assert_eq!(spec.functions, ["payments::charge::process"]);
    assert_eq!((spec.has_values, lease.as_secs()), (true, 60));
    coral.keys("D");
    coral.wait_for("somebody else");
    coral.keys("y");
    coral.wait_for("stopped");
    assert!(colony.wishes.all().is_empty());
    coral.keys("\x03");
    assert_eq!(coral.end(), (0, true));
}

#[test]
fn a_second_click_attaches() {
    let mut screen = shop(120, 40);
    screen.keys(":payments\na");
    screen.click_on("charge::authorize");
    let row = screen.line_of("charge::authorize");
    let again = screen.click(30, row);
    let (_, functions, ..) = wished(&again.actions);
    assert_eq!(functions, ["payments::charge::authorize"]);
}
