//! A process that must not outlive its parent: the parent holds the other end of its stdin, and the kernel closes that
//! end however the parent dies, so SIGKILL leaves nobody behind.

use std::io::{ErrorKind, Read as _};
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

/// After this the process ends, whatever is still in flight.
const GRACE: Duration = Duration::from_secs(2);

/// Resolves when it is time to stop: SIGTERM, SIGINT, or the end of stdin when `stdin` is set. The process then has two
/// seconds to finish by itself.
pub async fn stop(stdin: bool) {
    let (ended, end) = oneshot::channel();
    if stdin {
        // A plain thread: the runtime's own stdin would keep the process alive in a read that never returns.
        std::thread::spawn(move || {
            wait_for_end_of_stdin();
            // Nobody waits any more when the process is ending already.
            let _ = ended.send(());
            exit_after_grace();
        });
    }
    tokio::select! {
        _ = end, if stdin => {}
        () = received(SignalKind::terminate()) => {}
        () = received(SignalKind::interrupt()) => {}
    }
    std::thread::spawn(exit_after_grace);
}

fn wait_for_end_of_stdin() {
    let mut buffer = [0; 64];
    loop {
        match std::io::stdin().read(&mut buffer) {
            Ok(1..) => {}
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Ok(0) | Err(_) => return,
        }
    }
}

async fn received(kind: SignalKind) {
    match signal(kind) {
        Ok(mut signal) => {
            signal.recv().await;
        }
        // Without a handler the signal's default action ends the process, which is what was asked for.
        Err(_) => std::future::pending().await,
    }
}

fn exit_after_grace() {
    std::thread::sleep(GRACE);
    std::process::exit(0);
}
