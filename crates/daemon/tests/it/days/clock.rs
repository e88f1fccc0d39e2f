//! A wall clock that jumps by an hour, forth and back, under the agent: the scripted agent of `coral-agent`, whose wall
//! clock is told, and a real colony.

use super::events;
use crate::world::{World, beside, eventually};
use serde_json::Value;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

struct Day {
    world: World,
    colony: Child,
    agent: Child,
}

impl Day {
    fn start() -> Self {
        let world = World::beside_others(&[]);
        let start = |program: PathBuf, arguments: &[PathBuf]| {
            let mut command: Command = world.command(&program);
            let command = command
                .args(arguments)
                .stdout(Stdio::null())
                .stderr(Stdio::null());
            command.spawn().unwrap()
        };
        let home = world.home.path();
        let colony = start(beside("coral-colony"), &["--colony".into(), "local".into()]);
        let socket = home.join("run/local/colony.sock");
        eventually("the colony listens", || socket.exists());
        let files = [home.to_owned(), home.join("truth"), home.join("off")];
        let agent = start(beside("examples/counting_agent"), &files);
        Self {
            world,
            colony,
            agent,
        }
    }

    fn jump(&self, seconds: i64) {
        std::fs::write(self.world.home.path().join("off"), seconds.to_string()).unwrap();
    }

    /// What the agent counted.
    fn truth(&self) -> Vec<u64> {
        let text = std::fs::read_to_string(self.world.home.path().join("truth"));
        let text = text.unwrap_or_default();
        text.lines().map(|line| line.parse().unwrap()).collect()
    }

    fn sql(&self, select: &str) -> Value {
        let statement = format!("SELECT {select} FROM requests");
        self.world.json(&["query", "sql", &statement])["rows"][0].clone()
    }

    /// All clock jumps, wherever in time they are.
    fn jumps(&self) -> Vec<String> {
        let statement = "SELECT text FROM events WHERE kind = 'clock_jump' ORDER BY text";
        let rows = self.world.json(&["query", "sql", statement])["rows"].clone();
        let texts = rows.as_array().unwrap().iter();
        texts
            .map(|row| row[0].as_str().unwrap().to_owned())
            .collect()
    }

    /// Lets it count for some seconds: by its own clock, at most twice as long on a busy machine.
    fn counts_on(&self, seconds: usize) {
        let before = self.truth().len();
        eventually("it counts on", || self.truth().len() >= before + seconds);
    }
}

impl Drop for Day {
    fn drop(&mut self) {
        for process in [&mut self.agent, &mut self.colony] {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

#[test]
fn a_clock_that_jumps_by_an_hour_either_way_is_told_and_nothing_is_lost() {
    let mut day = Day::start();
    day.counts_on(2);
    for (at, seconds) in [3600, 0].into_iter().enumerate() {
        day.jump(seconds);
        eventually("the jump is an event", || day.jumps().len() == at + 1);
        day.counts_on(3);
    }
    super::signal(day.agent.id() as i32, nix::sys::signal::Signal::SIGTERM);
    assert!(day.agent.wait().unwrap().success());
    let truth: u64 = day.truth().iter().sum();
    assert_eq!(day.sql("sum(requests)")[0].as_u64(), Some(truth));
    let jumps = day.jumps();
    assert!(
        jumps[0].contains("by -3600.") || jumps[0].contains("by -3599."),
        "{jumps:?}"
    );
    assert!(
        jumps[1].contains("by 3600.") || jumps[1].contains("by 3599."),
        "{jumps:?}"
    );
    // No interval is empty, backwards, or longer than intervals are.
    let lengths = day.sql("min(seconds), max(seconds)");
    let (least, most) = (lengths[0].as_f64().unwrap(), lengths[1].as_f64().unwrap());
    assert!(least > 0.0 && most <= 10.001, "{least} to {most} s");
    assert!(events(&day.world, "gap").is_empty(), "nothing was missed");
    // It is there now: not an hour ahead, where it was for a while.
    let agent = day.world.json(&["status"])["agents"][0].clone();
    assert!(agent["last_seen_s"].as_f64() < Some(60.0), "{agent}");
}
