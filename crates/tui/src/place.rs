//! Which colony is meant, and how it is reached: its socket on this machine, or ssh to another.

use crate::failure::Failure;
use coral_config::{ColonyFolder, Folders, UserConfig, load_user};
use coral_mesh::{direct, ssh};
use coral_model::ColonyId;
use std::sync::Arc;

/// Begins the name of a colony that no context knows.
const SSH: &str = "ssh://";

/// A colony, running or not.
#[derive(Debug, Clone)]
pub struct Place {
    /// Its name where it runs.
    pub name: ColonyId,
    /// Its files, when it is on this machine.
    pub folder: ColonyFolder,
    /// The host that it is on, when that is another.
    pub remote: Option<ssh::Target>,
}

impl Place {
    /// The colony that was named by flag or `CORAL_COLONY`, else by `config.toml`, else `local`.
    ///
    /// # Errors
    /// [`Failure`] when the name or the configuration cannot be used.
    pub fn find(named: Option<&str>) -> Result<Self, Failure> {
        let folders = Folders::discover()?;
        let named = named.filter(|name| !name.is_empty());
        if let Some(address) = named.and_then(|name| name.strip_prefix(SSH)) {
            let (host, name) = address.split_once('/').unwrap_or((address, ""));
            let name = if name.is_empty() { "local" } else { name };
            return Self::at(&folders, name)?.on(host);
        }
        let user = load_user(&folders)?;
        let name = named.unwrap_or(&user.colony);
        Self::of(&folders, &user, name)
    }

    /// The colony that calls itself so: the one that was named, else a context of it, else that of this machine.
    ///
    /// # Errors
    /// As [`Place::find`].
    pub fn called(name: &str, named: Option<&str>) -> Result<Self, Failure> {
        let meant = Self::find(named)?;
        if meant.name.as_str() == name {
            return Ok(meant);
        }
        let folders = Folders::discover()?;
        let user = load_user(&folders)?;
        let own = |(context, known): &(&String, &coral_config::Context)| {
            known.colony.as_deref().unwrap_or(context.as_str()) == name
        };
        let context = user.contexts.iter().find(own).map(|(context, _)| context);
        Self::of(&folders, &user, context.map_or(name, String::as_str))
    }

    /// The colony of this name, as a context or on this machine.
    ///
    /// # Errors
    /// [`Failure`] when the name or the context cannot be used.
    pub fn of(folders: &Folders, user: &UserConfig, name: &str) -> Result<Self, Failure> {
        let context = user.contexts.get(name).cloned().unwrap_or_default();
        let place = Self::at(folders, context.colony.as_deref().unwrap_or(name))?;
        match context.ssh {
            Some(host) => place.on(&host),
            None => Ok(place),
        }
    }

    /// The colony of this name in these folders.
    ///
    /// # Errors
    /// [`Failure`] when the name cannot be a colony's.
    pub fn at(folders: &Folders, name: &str) -> Result<Self, Failure> {
        let name = ColonyId::new(name)
            .map_err(|e| Failure::usage(e.to_string(), "name it as in `--colony local`"))?;
        let folder = folders.colony(name.as_str())?;
        Ok(Self {
            name,
            folder,
            remote: None,
        })
    }

    /// The same on another host.
    fn on(self, host: &str) -> Result<Self, Failure> {
        let target =
            ssh::Target::new(host).map_err(|e| Failure::usage(format!("`{host}`: {e}"), ""))?;
        Ok(Self {
            remote: Some(target),
            ..self
        })
    }

    /// Dials the colony.
    pub fn dialer(&self) -> Arc<dyn coral_mesh::Dialer> {
        match &self.remote {
            Some(target) => Arc::new(ssh::Dialer::new(target.clone(), self.name.as_str())),
            None => Arc::new(direct::Dialer::new(&self.folder.socket)),
        }
    }

    /// Where it is, for people.
    pub fn address(&self) -> String {
        match &self.remote {
            Some(target) => format!("{SSH}{target}"),
            None => self.folder.socket.display().to_string(),
        }
    }

    /// The command that starts this colony.
    pub fn up_command(&self) -> String {
        let up = match self.name.as_str() {
            "local" => "coral up".to_owned(),
            name => format!("coral --colony {name} up"),
        };
        match &self.remote {
            Some(target) => format!("ssh {target} {up}"),
            None => up,
        }
    }

    /// What to do when nobody answers.
    pub(crate) fn start_hint(&self) -> String {
        match &self.remote {
            Some(target) => format!("`{}` starts one on {target}", self.up_command()),
            None => format!("`{}` starts one on this machine", self.up_command()),
        }
    }

    /// What to do when it takes no connections.
    pub(crate) fn hang_hint(&self) -> String {
        match &self.remote {
            Some(target) => format!("{target} does not answer in time; try `ssh` to it by hand"),
            None => "it may hang: `coral down` stops it".to_owned(),
        }
    }

    /// Refuses what can be done only where the colony is.
    ///
    /// # Errors
    /// [`Failure`] with code "usage" when it is elsewhere.
    pub(crate) fn must_be_here(&self) -> Result<(), Failure> {
        match &self.remote {
            None => Ok(()),
            Some(target) => Err(Failure::usage(
                format!("colony {} is on {target}", self.name),
                format!("run it there: ssh {target}, or name one of this machine: --colony local"),
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use coral_config::Context;
    use std::path::Path;

    #[test]
    fn a_context_says_where_its_colony_is() {
        let folders = Folders::below(Path::new("/tmp/c"));
        let mut user = UserConfig::default();
        let context = Context {
            ssh: Some("me@web-1:2222".into()),
            colony: Some("shop".into()),
        };
        user.contexts.insert("prod".into(), context);
        let prod = Place::of(&folders, &user, "prod").unwrap();
        assert_eq!(
            (prod.name.as_str(), prod.address().as_str()),
            ("shop", "ssh://me@web-1:2222")
        );
        assert!(
            prod.must_be_here()
                .unwrap_err()
                .message
                .contains("web-1:2222")
        );
        let here = Place::of(&folders, &user, "other").unwrap();
        assert!(here.remote.is_none() && here.must_be_here().is_ok());
    }
}
