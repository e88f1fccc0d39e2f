//! Nonsense on what the agent listens to: what a loader hands over, and what a colony answers.

use crate::colony::Colony;
use crate::process::{Home, eventually};
use coral_probes::handover;
use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg};
use std::io::{IoSlice, Write as _};
use std::os::fd::{AsFd as _, AsRawFd as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

const FRAMES: usize = 10_000;

/// xorshift, so that a failure comes again.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }
}

fn open_files() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

#[test]
fn ten_thousand_hostile_handovers_are_refused_or_taken_and_no_descriptor_stays() {
    let null = std::fs::File::open("/dev/null").unwrap();
    let sense = b"p coral_first\nm coral_second\nm coral_third\n";
    let mut random = Random(0x5eed);
    let before = open_files();
    for _ in 0..FRAMES {
        let (agent, loader) = UnixStream::pair().unwrap();
        let mut text = sense.to_vec();
        for _ in 0..random.below(4) {
            let at = random.below(text.len());
            text[at] = random.next() as u8;
        }
        text.truncate(1 + random.below(text.len()));
        let fds = vec![null.as_raw_fd(); random.below(5)];
        let rights = [ControlMessage::ScmRights(&fds)];
        let rights = if fds.is_empty() { &[][..] } else { &rights };
        let parts = [IoSlice::new(&text)];
        sendmsg::<()>(loader.as_raw_fd(), &parts, rights, MsgFlags::empty(), None).unwrap();
        if let Ok(loaded) = handover::receive(agent.as_fd()) {
            assert!(loaded.programs.len() + loaded.maps.len() <= fds.len());
        }
    }
    // Other tests of this process open a few as well.
    assert!(open_files() < before + 100, "{} files", open_files());
}

/// A frame of HTTP/2: mostly of types that do not exist and are to be ignored, else of any.
fn frame(random: &mut Random, strange: bool) -> Vec<u8> {
    let length = random.below(200);
    let mut frame = (length as u32).to_be_bytes()[1..].to_vec();
    let kind = if strange {
        0x20 + random.below(200)
    } else {
        random.below(10)
    };
    frame.extend([kind as u8, random.next() as u8]);
    frame.extend((random.below(4) as u32).to_be_bytes());
    frame.extend((0..length).map(|_| random.next() as u8));
    frame
}

/// Says what no colony says to whoever connects; how many frames it could say.
fn mad_colony(listener: UnixListener, said: Arc<AtomicUsize>) {
    let mut random = Random(0x5eed);
    while said.load(Ordering::Relaxed) < FRAMES {
        let (mut agent, _) = listener.accept().unwrap();
        let settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
        let mut open = agent.write_all(&settings).is_ok();
        for n in 0..4_000 {
            open = open && agent.write_all(&frame(&mut random, n < 3_900)).is_ok();
            said.fetch_add(usize::from(open), Ordering::Relaxed);
        }
    }
}

fn memory_mb(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status
        .lines()
        .find_map(|l| l.strip_prefix("VmRSS:"))
        .unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_hears_ten_thousand_hostile_frames_and_loses_nothing() {
    let (mut home, colony) = (Home::new(), Colony::default());
    let socket = home.colony().socket;
    coral_config::private_folder(socket.parent().unwrap()).unwrap();
    let listener = UnixListener::bind(&socket).unwrap();
    let said = Arc::new(AtomicUsize::new(0));
    let heard = said.clone();
    let mad = std::thread::spawn(move || mad_colony(listener, heard));
    let agent = home.start().await;
    eventually("all was said", || said.load(Ordering::Relaxed) >= FRAMES).await;
    mad.join().unwrap();
    let mb = memory_mb(agent.pid());
    assert!(mb < 64, "{mb} MB");
    let serving = colony.listen(&socket);
    eventually("it ships", || !colony.held().runs.is_empty()).await;
    let counted = agent.end();
    let held = colony.held();
    let (epoch, _) = held.runs.first_key_value().unwrap();
    assert_eq!(held.requests(*epoch), counted.iter().sum::<u64>());
    serving.abort();
}
