//! Why the store could not do it. Clonable, because one failed commit is the answer to all that waited for it.

/// A failure of the store.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// The file cannot be opened.
    #[error("open the store {path}: {message}")]
    Open {
        /// Which file.
        path: String,
        /// The engine's or the system's words.
        message: String,
    },
    /// The file is of a later schema.
    #[error(
        "the store {path} was written by a newer Coral (schema {found}, this build knows {known}); start that version, or move the file away to begin a new one"
    )]
    Newer {
        /// Which file.
        path: String,
        /// Its schema.
        found: u32,
        /// The newest schema of this build.
        known: u32,
    },
    /// The engine refused a statement.
    #[error("{what}: {message}")]
    Engine {
        /// What was tried.
        what: &'static str,
        /// The engine's words.
        message: String,
    },
    /// A row holds what no build of this schema writes.
    #[error("the store holds a bad row: {0}")]
    Corrupt(String),
    /// The disk has no room.
    #[error(
        "the disk of the store is full: {free_mb} MB are free and {reserve_mb} MB are needed; nothing that was acknowledged is lost"
    )]
    Full {
        /// What is free.
        free_mb: u64,
        /// What has to be.
        reserve_mb: u64,
    },
    /// The engine has given up and the file is opened again.
    #[error("the store failed and is opened again: {0}")]
    Broken(String),
    /// The writer has ended.
    #[error("the store is closed")]
    Closed,
}

impl StoreError {
    pub(crate) fn engine(what: &'static str) -> impl Fn(duckdb::Error) -> Self {
        move |error| Self::Engine {
            what,
            message: error.to_string(),
        }
    }

    pub(crate) fn corrupt(what: impl std::fmt::Display) -> Self {
        Self::Corrupt(what.to_string())
    }
}
