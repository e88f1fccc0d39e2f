//! Starting and stopping a colony and an agent on this machine. The supervisor does the work; here it is started in the
//! background, waited for, and told to end. Life is a held lock, never a pid alone.

pub mod down;
mod logs;
pub mod privilege;
pub mod up;

use crate::failure::Failure;
use crate::place::Place;
use std::path::PathBuf;

/// The daemon's binary, which lies beside this program's.
fn daemon() -> Result<PathBuf, Failure> {
    let own = std::env::current_exe()
        .and_then(std::fs::canonicalize)
        .map_err(|e| Failure::failed(format!("find this program's own folder: {e}"), ""))?;
    let daemon = own.with_file_name("coral-daemon");
    if daemon.is_file() {
        Ok(daemon)
    } else {
        Err(Failure::failed(
            format!("{} is not there", daemon.display()),
            "coral and coral-daemon belong into one folder; build or install both",
        ))
    }
}

/// The one command of `up` that runs as root, for the person to read before they agree.
///
/// # Errors
/// [`Failure`] when the daemon's binary is not there.
pub fn agent_command(place: &Place) -> Result<String, Failure> {
    let daemon = daemon()?;
    Ok(format!(
        "{} agent --lifeline --colony {} --run {}",
        daemon.display(),
        place.name,
        place.folder.run.display()
    ))
}
