//! A socket between a client and the colony that writes down what the client says.

use std::io::{Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

pub struct Tap {
    pub path: PathBuf,
    sent: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Tap {
    /// Listens at `path` and passes everything on to `to`, until the test ends.
    pub fn open(path: &Path, to: &Path) -> Self {
        let listener = UnixListener::bind(path).unwrap();
        let sent: Arc<Mutex<Vec<Vec<u8>>>> = Arc::default();
        let (written, to) = (sent.clone(), to.to_owned());
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let colony = UnixStream::connect(&to).unwrap();
                let number = {
                    let mut all = written.lock().unwrap();
                    all.push(vec![]);
                    all.len() - 1
                };
                let (back, forth) = (colony.try_clone().unwrap(), client.try_clone().unwrap());
                std::thread::spawn(move || pass(back, forth, |_| {}));
                let written = written.clone();
                let note = move |bytes: &[u8]| written.lock().unwrap()[number].extend(bytes);
                std::thread::spawn(move || pass(client, colony, note));
            }
        });
        Self {
            path: path.to_owned(),
            sent,
        }
    }

    /// What was said, a connection each.
    pub fn sent(&self) -> Vec<Vec<u8>> {
        self.sent.lock().unwrap().clone()
    }
}

fn pass(mut from: UnixStream, mut to: UnixStream, note: impl Fn(&[u8])) {
    let mut bytes = [0; 16384];
    while let Ok(n @ 1..) = from.read(&mut bytes) {
        note(&bytes[..n]);
        if to.write_all(&bytes[..n]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(std::net::Shutdown::Write);
}
