//! How roles reach each other: [`Dialer`] and [`Listener`] hide the path. Today there is the `direct` twin, a Unix socket
//! with peer credentials, and `ssh` to that socket on another machine; the tunnel joins them behind the same two traits.

pub mod direct;
mod link;
pub mod rpc;
pub mod ssh;

pub use link::{Link, Peer};

use std::future::Future;
use std::pin::Pin;

/// A future that can be sent, boxed, for the two traits.
pub type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Opens links to one colony.
pub trait Dialer: Send + Sync + 'static {
    /// Opens a link.
    fn dial(&self) -> Boxed<'_, Result<Link, DialError>>;
}

/// Takes links in.
pub trait Listener: Send + Sync + 'static {
    /// Waits for the next link.
    fn accept(&self) -> Boxed<'_, std::io::Result<Link>>;
}

/// Why a link could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    /// Nobody listens there.
    #[error("no colony answers at {path}")]
    Nobody {
        /// Where.
        path: String,
    },
    /// The system does not let us.
    #[error("not allowed to reach the colony at {path}")]
    Forbidden {
        /// Where.
        path: String,
    },
    /// The other end is not whom we obey.
    #[error("the colony at {path} runs as uid {found}, only uid {wanted} is obeyed")]
    WrongPeer {
        /// Where.
        path: String,
        /// Its uid.
        found: u32,
        /// The uid that is obeyed.
        wanted: u32,
    },
    /// Anything else.
    #[error("reach the colony at {path}: {source}")]
    Io {
        /// Where.
        path: String,
        /// The system's words.
        source: std::io::Error,
    },
}
