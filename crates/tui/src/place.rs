//! Which colony is meant, and where its files lie on this machine.

use crate::failure::Failure;
use coral_config::{ColonyFolder, Folders, load_user};
use coral_mesh::direct::Dialer;
use coral_model::ColonyId;
use std::sync::Arc;

/// A colony on this machine, running or not.
#[derive(Debug, Clone)]
pub struct Place {
    /// Its name.
    pub name: ColonyId,
    /// Its files.
    pub folder: ColonyFolder,
}

impl Place {
    /// The colony that was named by flag or `CORAL_COLONY`, else by `config.toml`, else `local`.
    ///
    /// # Errors
    /// [`Failure`] when the name or the configuration cannot be used.
    pub fn find(named: Option<&str>) -> Result<Self, Failure> {
        let folders = Folders::discover()?;
        let name = match named.filter(|name| !name.is_empty()) {
            Some(name) => name.to_owned(),
            None => load_user(&folders)?.colony,
        };
        Self::at(&folders, &name)
    }

    /// The colony of this name in these folders.
    ///
    /// # Errors
    /// [`Failure`] when the name cannot be a colony's.
    pub fn at(folders: &Folders, name: &str) -> Result<Self, Failure> {
        let name = ColonyId::new(name)
            .map_err(|e| Failure::usage(e.to_string(), "name it as in `--colony local`"))?;
        let folder = folders.colony(name.as_str())?;
        Ok(Self { name, folder })
    }

    /// Dials the colony's socket.
    pub fn dialer(&self) -> Arc<dyn coral_mesh::Dialer> {
        Arc::new(Dialer::new(&self.folder.socket))
    }

    /// The command that starts this colony.
    pub fn up_command(&self) -> String {
        match self.name.as_str() {
            "local" => "coral up".to_owned(),
            name => format!("coral --colony {name} up"),
        }
    }
}
