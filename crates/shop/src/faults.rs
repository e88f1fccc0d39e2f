//! The switches of the faults. A fault is on while a file of its name lies in the shop's folder; every service looks each
//! 200 ms, so a switch needs no connection and survives a restart of the service.

mod list;

pub use list::{FAULTS, Fault};

use crate::folder;
use color_eyre::{Result, eyre::eyre};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How often a service looks at its switch.
const POLL: Duration = Duration::from_millis(200);

impl Fault {
    /// Whether the fault is switched on in this folder.
    pub fn is_on(&self, folder: &Path) -> bool {
        folder.join(self.name).exists()
    }

    /// Switches the fault; switching twice is harmless.
    pub fn set(&self, folder: &Path, on: bool) -> Result<()> {
        let path = folder.join(self.name);
        let done = if on {
            fs::write(&path, "")
        } else {
            match fs::remove_file(&path) {
                Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
                done => done,
            }
        };
        done.map_err(|error| eyre!("switch {}: {error}", path.display()))
    }
}

/// The folder of the switches.
pub fn folder() -> Result<PathBuf> {
    let path = folder::shop()?.join("faults");
    folder::private(&path)?;
    Ok(path)
}

/// Leaves exactly `name` on, or nothing: a new run does not inherit the faults of the last one.
pub fn reset(name: Option<&str>) -> Result<()> {
    let folder = folder()?;
    for fault in &FAULTS {
        fault.set(&folder, Some(fault.name) == name)?;
    }
    Ok(())
}

/// A service's own view of its fault, kept fresh by a task.
#[derive(Clone, Default)]
pub struct Watch(Arc<AtomicBool>);

impl Watch {
    /// Follows the switch of the fault with this name until the process ends.
    pub fn follow(name: &'static str) -> Result<Self> {
        let path = folder()?.join(name);
        let watch = Self(Arc::new(AtomicBool::new(path.exists())));
        let flag = Arc::clone(&watch.0);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(POLL).await;
                flag.store(path.exists(), Ordering::Relaxed);
            }
        });
        Ok(watch)
    }

    /// Whether the fault is on now.
    pub fn is_on(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Resolves when the fault is switched so.
    pub async fn until(&self, on: bool) {
        while self.is_on() != on {
            tokio::time::sleep(POLL).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_switch_is_idempotent_both_ways() {
        let dir = tempfile::tempdir().unwrap();
        let fault = &FAULTS[0];
        for on in [true, true, false, false] {
            fault.set(dir.path(), on).unwrap();
            assert_eq!(fault.is_on(dir.path()), on);
        }
    }
}
