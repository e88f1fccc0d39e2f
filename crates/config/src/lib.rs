//! Files, environment, folders and sockets: the only crate that knows a path. What is read here is checked once and
//! immutable afterwards; the order is flag, environment `CORAL_*`, file, default.

mod agent_policy;
mod contexts;
mod folders;
mod lock;
mod person;
mod private;
mod user;

pub use agent_policy::{AGENT_POLICY_FILE, AgentPolicy, Allow};
pub use contexts::{Context, local_colonies, save_context, user_file};
pub use folders::{ColonyFolder, Folders, HOME_VARIABLE};
pub use lock::{Held, LockError, Role, is_held};
pub use person::{Person, SUDO_VARIABLE, become_root, with_files_of};
pub use private::{private_file, private_folder, private_folder_of};
pub use user::{UserConfig, load_user};

/// Why the configuration cannot be used; each says what to do.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// There is no home folder to derive the others from.
    #[error("no home folder is known; set HOME or {HOME_VARIABLE}")]
    NoHome,
    /// sudo says that somebody ran it whom this machine does not know.
    #[error(
        "{SUDO_VARIABLE} is {0:?}, and no user of this machine has that id; unset it to run as root"
    )]
    NoPerson(String),
    /// A socket path would be longer than the kernel takes.
    #[error(
        "the socket path {path} has {length} bytes, the kernel takes about 100; set XDG_RUNTIME_DIR or {HOME_VARIABLE} to a shorter folder"
    )]
    SocketTooLong {
        /// The path.
        path: String,
        /// Its length in bytes.
        length: usize,
    },
    /// A file or folder could not be used.
    #[error("{what} {path}: {source}")]
    Io {
        /// What was tried, such as `read`.
        what: &'static str,
        /// Where.
        path: String,
        /// The system's words.
        source: std::io::Error,
    },
    /// A folder belongs to somebody else or lets others in.
    #[error("{path} {why}; {fix}")]
    NotPrivate {
        /// Where.
        path: String,
        /// What is wrong with it.
        why: String,
        /// What to run.
        fix: String,
    },
    /// A file does not parse.
    #[error("{path}: {message}")]
    Parse {
        /// Where.
        path: String,
        /// Line and key, with the accepted values.
        message: String,
    },
}

impl ConfigError {
    pub(crate) fn io(what: &'static str, path: &std::path::Path, source: std::io::Error) -> Self {
        Self::Io {
            what,
            path: path.display().to_string(),
            source,
        }
    }
}
