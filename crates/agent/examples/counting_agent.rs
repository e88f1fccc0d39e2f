//! An agent whose kernel is a script: each second it counts some requests and writes down how many. For the tests that
//! kill it: what it wrote down is the truth that the colony's sums are compared with.
//!
//! `counting_agent HOME TRUTH [OFF]`: folders below HOME, one number a line at the end of the file TRUTH. Its wall clock is
//! off by the seconds that stand in the file OFF.
#![expect(clippy::expect_used, reason = "a program of the tests")]

use coral_agent::Attached;
use coral_config::Folders;
use coral_probes::abi::records::{CountKey, Owner, SeriesInfo};
use coral_probes::{Drained, ProbesError, Source};
use std::fs::File;
use std::io::Write as _;
use std::path::Path;

struct Script {
    truth: File,
    drains: u64,
}

impl Source for Script {
    fn drain(&mut self, out: &mut Drained) -> Result<(), ProbesError> {
        *out = Drained::default();
        if self.drains == 0 {
            out.series.push((1, series()));
        }
        self.drains += 1;
        let requests = 1 + self.drains % 7;
        let key = CountKey {
            series: 1,
            method: 1,
            class: 2,
            ending: 0,
            stream: 0,
            unused: 0,
        };
        out.counts.push((key, requests));
        writeln!(self.truth, "{requests}").expect("the truth can be written");
        Ok(())
    }

    fn details(&mut self, _: &mut Drained) -> Result<(), ProbesError> {
        Ok(())
    }

    fn end_unix(
        &mut self,
        _: &std::collections::HashSet<u64>,
        _: &mut Drained,
    ) -> Result<(), ProbesError> {
        Ok(())
    }

    fn introduce(&mut self, _: u64, _: u8, _: u32) -> Result<(), ProbesError> {
        Ok(())
    }

    fn forget(&mut self, _: u64) -> Result<(), ProbesError> {
        Ok(())
    }
}

/// A client connection of this process.
fn series() -> SeriesInfo {
    let mut remote = [0; 16];
    remote[..4].copy_from_slice(&[192, 0, 2, 7]);
    SeriesInfo {
        owner: Owner {
            tgid: std::process::id(),
            remote_port: 0,
            family: 0,
            unused: 0,
            cgroup: 0,
            comm: [0; 16],
            remote: [0; 16],
        },
        cookie: 0,
        peer: 0,
        local: [0; 16],
        remote,
        local_port: 0,
        remote_port: 8080,
        side: 2,
        family: 4,
        protocol: 1,
        unused: 0,
        netns: 0,
        unused2: 0,
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let (home, truth, off) = (arguments.next(), arguments.next(), arguments.next());
    let off_by = move || {
        let text = off
            .as_ref()
            .and_then(|off| std::fs::read_to_string(off).ok());
        let seconds: i64 = text.and_then(|text| text.trim().parse().ok()).unwrap_or(0);
        seconds * 1_000_000_000
    };
    let home = home.expect("a folder");
    let folders = Folders::below(Path::new(&home));
    let truth = File::options()
        .create(true)
        .append(true)
        .open(truth.expect("a file"))
        .expect("the truth can be opened");
    let options = coral_agent::Options {
        folder: folders.colony("local").expect("a short path"),
        lifeline: false,
        loader: "none".into(),
        spool_bytes: coral_agent::SPOOL_BYTES,
        clocks: coral_agent::Clocks::off_by(off_by),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let source = |_: &Path| -> Result<Attached, ProbesError> {
        let source: Box<dyn Source> = Box::new(Script { truth, drains: 0 });
        Ok(source.into())
    };
    runtime
        .block_on(coral_agent::run_over(options, source))
        .expect("the agent runs");
}
