//! Where a person's files are: XDG folders, or all below one folder when [`HOME_VARIABLE`] is set.

use crate::{ConfigError, Person};
use std::path::{Path, PathBuf};

/// Names one folder that holds configuration, state, cache and sockets: for the demo, tests and trying things out.
pub const HOME_VARIABLE: &str = "CORAL_HOME";
/// A colony's socket in its run folder.
const SOCKET: &str = "colony.sock";
/// `sun_path` holds 108 bytes; some room stays for suffixes.
const SOCKET_PATH_MAX: usize = 100;

/// A person's folders. Nothing is created by asking for them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folders {
    /// `config.toml`.
    pub config: PathBuf,
    /// Stores, the agent's state, logs.
    pub state: PathBuf,
    /// What can be made again.
    pub cache: PathBuf,
    /// Sockets and locks.
    pub run: PathBuf,
}

impl Folders {
    /// The folders of whoever runs this, from the environment.
    ///
    /// # Errors
    /// [`ConfigError::NoHome`] when there is nothing to derive them from.
    pub fn discover() -> Result<Self, ConfigError> {
        if let Some(root) = std::env::var_os(HOME_VARIABLE).filter(|v| !v.is_empty()) {
            return Ok(Self::below(Path::new(&root)));
        }
        let base = directories::BaseDirs::new().ok_or(ConfigError::NoHome)?;
        let state = base
            .state_dir()
            .map_or_else(|| base.data_local_dir().to_owned(), Path::to_owned)
            .join("coral");
        let run = base
            .runtime_dir()
            .map_or_else(|| state.join("run"), |run| run.join("coral"));
        Ok(Self {
            config: base.config_dir().join("coral"),
            cache: base.cache_dir().join("coral"),
            state,
            run,
        })
    }

    /// The folders of a person whose environment this is not: where they find them when they log in.
    pub fn of_person(person: &Person) -> Self {
        if let Some(root) = std::env::var_os(HOME_VARIABLE).filter(|v| !v.is_empty()) {
            return Self::below(Path::new(&root));
        }
        let folders = Self::of_home(person.home());
        let run = person.runtime_folder().map(|run| run.join("coral"));
        Self {
            run: run.unwrap_or_else(|| folders.run.clone()),
            ..folders
        }
    }

    /// The folders below a home folder, whatever the environment says.
    fn of_home(home: &Path) -> Self {
        let state = home.join(".local/state/coral");
        Self {
            config: home.join(".config/coral"),
            cache: home.join(".cache/coral"),
            run: state.join("run"),
            state,
        }
    }

    /// All folders below `root`.
    pub fn below(root: &Path) -> Self {
        let [config, state, cache, run] =
            ["config", "state", "cache", "run"].map(|name| root.join(name));
        Self {
            config,
            state,
            cache,
            run,
        }
    }

    /// What belongs to the colony of this name.
    ///
    /// # Errors
    /// [`ConfigError::SocketTooLong`] with what to set instead.
    pub fn colony(&self, name: &str) -> Result<ColonyFolder, ConfigError> {
        let run = self.run.join(name);
        let folder = ColonyFolder {
            socket: run.join(SOCKET),
            store: self.state.join("colony").join(name).join("coral.duckdb"),
            logs: self.state.join("logs").join(name),
            agent: self.state.join("agent"),
            spool: self.state.join("agent").join(name).join("spool"),
            recent: self.state.join("agent").join(name).join(RECENT),
            run,
        };
        let length = folder.socket.as_os_str().len();
        if length > SOCKET_PATH_MAX {
            return Err(ConfigError::SocketTooLong {
                path: folder.socket.display().to_string(),
                length,
            });
        }
        Ok(folder)
    }
}

/// The file of single requests.
const RECENT: &str = "requests.redb";

impl ColonyFolder {
    /// What root's agent uses that works for this person: their colony's socket and locks, and a state of root's own, in
    /// which they can plant nothing. `run` is the colony's run folder when it is told.
    ///
    /// # Errors
    /// [`ConfigError::NoHome`] when root has none.
    pub fn of_roots_agent(
        person: &Person,
        name: &str,
        run: Option<&Path>,
    ) -> Result<Self, ConfigError> {
        let theirs = match run {
            Some(run) => run.to_owned(),
            None => Folders::of_person(person).colony(name)?.run,
        };
        let root = nix::unistd::User::from_uid(nix::unistd::Uid::from_raw(0));
        let root = root.ok().flatten().ok_or(ConfigError::NoHome)?;
        let agent = Folders::of_home(&root.dir).state.join("agent");
        let of_colony = agent.join(format!("{}.{name}", person.uid));
        Ok(Self {
            socket: theirs.join(SOCKET),
            run: theirs,
            store: PathBuf::new(),
            logs: PathBuf::new(),
            spool: of_colony.join("spool"),
            recent: of_colony.join(RECENT),
            agent,
        })
    }
}

/// The files of one colony on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColonyFolder {
    /// Locks and the socket; 0700.
    pub run: PathBuf,
    /// The colony's socket; 0600.
    pub socket: PathBuf,
    /// The DuckDB file.
    pub store: PathBuf,
    /// One log a role.
    pub logs: PathBuf,
    /// The agent's id and state.
    pub agent: PathBuf,
    /// What the agent could not ship yet.
    pub spool: PathBuf,
    /// The agent's last hour of single requests.
    pub recent: PathBuf,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_socket_paths_are_refused_with_the_fix() {
        let folders = Folders::below(Path::new(&format!("/{}", "x".repeat(100))));
        let error = folders.colony("local").unwrap_err().to_string();
        assert!(error.contains("XDG_RUNTIME_DIR"), "{error}");
        assert!(Folders::below(Path::new("/tmp/c")).colony("local").is_ok());
    }
}
