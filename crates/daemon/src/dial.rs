//! `coral-daemon dial-stdio`: joins stdin and stdout to the socket of a colony on this machine. What runs at the far end of
//! `ssh host coral-daemon dial-stdio`; whoever may run it may open the socket anyway, so it grants nothing.

use color_eyre::eyre::Result;
use coral_config::Folders;
use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::process::ExitCode;

/// How the first line on stdout begins; see `coral_mesh::ssh`.
const GREETING: &str = "coral-dial 1 ";

/// Copies both ways until either end is done. The first line says how it went.
pub fn stdio(colony: &str) -> Result<ExitCode> {
    let folder = Folders::discover()?.colony(colony)?;
    let mut out = std::io::stdout().lock();
    let socket = match UnixStream::connect(&folder.socket) {
        Ok(socket) => socket,
        Err(error) => {
            let word = match error.kind() {
                ErrorKind::NotFound | ErrorKind::ConnectionRefused => "nobody".to_owned(),
                ErrorKind::PermissionDenied => "forbidden".to_owned(),
                _ => format!("failed {error}"),
            };
            writeln!(out, "{GREETING}{word}")?;
            return Ok(ExitCode::FAILURE);
        }
    };
    writeln!(out, "{GREETING}ok")?;
    out.flush()?;
    let mut up = socket.try_clone()?;
    std::thread::spawn(move || {
        // The other thread notices when this one broke something.
        let _ = copy(&mut std::io::stdin().lock(), &mut up);
        let _ = up.shutdown(Shutdown::Write);
    });
    // When the colony has said all, nobody waits for stdin any more.
    copy(&mut &socket, &mut out)?;
    Ok(ExitCode::SUCCESS)
}

/// Each piece is passed on at once.
fn copy(from: &mut impl Read, to: &mut impl Write) -> std::io::Result<()> {
    let mut buffer = vec![0; 64 << 10];
    loop {
        let length = match from.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(length) => length,
            Err(e) if e.kind() == ErrorKind::Interrupted => continue,
            Err(e) => return Err(e),
        };
        to.write_all(&buffer[..length])?;
        to.flush()?;
    }
}
