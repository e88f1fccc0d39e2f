//! A service under the name that a person gave it: its figures, its health while it runs and when it is gone, also over the
//! death of the colony, and what is written down beside it.

use crate::world::{Nginx, World, able, eventually, run, text};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

impl World {
    fn row(&self, service: &str) -> Option<Value> {
        let services = self.json(&["services"]);
        let rows = services["services"].as_array().unwrap();
        rows.iter().find(|row| row["service"] == service).cloned()
    }

    fn healthy(&self, service: &str) -> Option<bool> {
        self.row(service)?["health"]["healthy"].as_bool()
    }

    fn events(&self, kind: &str) -> Vec<Value> {
        let events = self.json(&["query", "events"]);
        let rows = events["events"].as_array().unwrap();
        rows.iter().filter(|e| e["kind"] == kind).cloned().collect()
    }

    fn connect(&self, arguments: &[&str]) {
        let output = self.coral(&[&["connect"], arguments].concat());
        assert!(output.status.success(), "{}", text(&output));
    }
}

#[test]
fn a_connected_service_has_its_name_and_its_health() {
    if !able(&["nginx", "hey", "curl"]) {
        return;
    }
    let nginx = Nginx::start();
    let world = World::start_shared();
    let port = nginx.port;
    let (name, asker) = (format!("storefront-{port}"), format!("asker-{port}"));
    let (hey, _) = nginx.client("hey");
    world.connect(&[&format!("{name}:{port}:/hello:http")]);
    world.connect(&[&asker, "--exe-pattern", &format!("/hey-{port}$")]);
    eventually("the service has its name and passes", || {
        world.healthy(&name) == Some(true)
    });
    assert_eq!(world.row(&name).unwrap()["ports"][0], port);
    assert!(
        world.row(&nginx.service()).is_none(),
        "it has one name\n{}",
        world.shown()
    );

    // What is counted is what nginx served, the checks among it; the agent that asks is nobody's client.
    run(
        &hey,
        &["-z", "3s", "-c", "2", "-q", "50", &nginx.url("/hello")],
    );
    eventually("all requests are counted under the name", || {
        let truth = nginx.truth();
        truth.0 > 100 && world.figures(&name, "server") == truth
    });
    assert!(world.figures(&asker, "client").0 > 100, "{}", world.shown());
    assert_eq!(world.figures("coral-daemon", "client"), (0, 0));
    assert!(world.events("unhealthy").is_empty(), "{}", world.shown());

    drop(nginx);
    eventually("the row says that it is gone", || {
        world.healthy(&name) == Some(false)
    });
    let said = world.row(&name).unwrap()["health"]["text"].to_string();
    assert!(said.contains("connection refused"), "{said}");
    let table = text(&world.coral(&["services"]));
    assert!(table.contains("health: connection refused for"), "{table}");
    eventually("its end is an event", || {
        world.events("unhealthy").len() == 1
    });
    let event = world.events("unhealthy").remove(0);
    assert_eq!(event["service"], name.as_str(), "{event}");

    over_the_death_of_the_colony(&world, &name);
    what_is_written_down(&world, &name);
}

/// The name is kept, and what was said is not said again.
fn over_the_death_of_the_colony(world: &World, name: &str) {
    let listed = || {
        let output = world.coral(&["connect", "--list", "-o", "json"]);
        let list: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        let rows = list["connected"].as_array().cloned().unwrap_or_default();
        rows.iter()
            .any(|row| row["service"] == name && row["state"] == "attached")
    };
    kill(Pid::from_raw(world.pid("colony")), Signal::SIGKILL).unwrap();
    eventually("the new colony knows the service and hears of it", listed);
    eventually("its row says so again", || {
        world.healthy(name) == Some(false)
    });
    assert_eq!(world.events("unhealthy").len(), 1, "{}", world.shown());
}

fn what_is_written_down(world: &World, name: &str) {
    let note = world.coral(&["note", "pulled", "the cable", "--service", name]);
    assert!(note.status.success(), "{}", text(&note));
    let notes = world.events("note");
    assert_eq!(notes.len(), 1, "{}", world.shown());
    assert_eq!(notes[0]["text"], "pulled the cable");
    world.connect(&[name, "--remove"]);
    eventually("nothing is said of its health any more", || {
        world.row(name).is_none_or(|row| row["health"].is_null())
    });
}
