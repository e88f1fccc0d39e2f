//! What `/proc` and the socket tables say. Everything read here was chosen by somebody else.

pub mod build;
pub mod exit;
pub mod facts;
pub mod fds;
pub mod inside;
pub mod mounts;
pub mod netns;
pub mod pidfd;
pub mod sockets;
pub mod stat;
pub mod text;

/// Whether there is such a process.
pub fn is_there(pid: u32) -> bool {
    std::path::Path::new(&format!("/proc/{pid}")).exists()
}
