//! The state of agent and colony on a disk of 16 MB that somebody fills to the last byte, and empties again.

use super::{Load, adds_up, dropped, events};
use crate::world::{Nginx, World, able, eventually};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A small file system over a folder; gone with this.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn over(folder: &Path) -> Self {
        std::fs::create_dir_all(folder).unwrap();
        let (flags, options) = (MsFlags::empty(), Some("size=16m,mode=700"));
        mount(Some("small"), folder, Some("tmpfs"), flags, options).unwrap();
        Self(folder.to_owned())
    }

    fn fill(&self) {
        let mut file = std::fs::File::create(self.0.join("filler")).unwrap();
        while file.write_all(&[1; 512]).is_ok() {}
    }

    fn make_room(&self) {
        std::fs::remove_file(self.0.join("filler")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = umount2(&self.0, MntFlags::MNT_DETACH);
    }
}

/// Its processes end before its disk is taken away.
struct Day {
    world: World,
    disk: SmallDisk,
}

impl Day {
    fn start(spool_bytes: &'static str) -> Self {
        let world = World::beside_others(&[("CORAL_SPOOL_BYTES", spool_bytes)]);
        let disk = SmallDisk::over(&world.home.path().join("state"));
        let day = Self { world, disk };
        day.world.up();
        day
    }
}

/// `spool_bytes` decides how soon something is lost while nothing can be written.
fn full_disk(spool_bytes: &'static str, long: Duration, loses: bool) {
    if !able(&["nginx", "hey"]) {
        return;
    }
    let nginx = Nginx::start();
    let day = Day::start(spool_bytes);
    let Day { world, disk } = &day;
    let load = Load::start(&nginx);
    let counts = || world.figures(&nginx.service(), "server").0;
    eventually("it counts", || counts() > 0);
    let roles = ["supervisor", "colony", "agent"];
    let pids = roles.map(|role| world.pid(role));
    let until = std::time::Instant::now() + long;
    disk.fill();
    while std::time::Instant::now() < until {
        std::thread::sleep(Duration::from_millis(500));
        assert_eq!(roles.map(|role| world.pid(role)), pids, "one of them ended");
    }
    disk.make_room();
    eventually("the colony answers", || {
        world.coral(&["status"]).status.success()
    });
    eventually("the full disk is told", || {
        !events(world, "disk_full").is_empty()
    });
    let seen = counts();
    eventually("it goes on", || counts() > seen);
    load.end();
    adds_up(world, &nginx);
    assert_eq!(
        dropped(world, &nginx.service()) > 0,
        loses,
        "{}",
        world.shown()
    );
    assert_eq!(roles.map(|role| world.pid(role)), pids, "one of them ended");
}

#[test]
fn on_a_full_disk_nothing_ends_and_what_is_lost_is_counted() {
    full_disk("16384", Duration::from_secs(15), true);
}

#[test]
#[ignore = "full tier"]
fn on_a_disk_that_is_full_for_two_minutes_nothing_is_lost_that_memory_holds() {
    full_disk("67108864", Duration::from_secs(120), false);
}
