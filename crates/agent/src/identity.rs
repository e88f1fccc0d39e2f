//! Who this agent is: a random id that stays, the host's name and boot.

use crate::AgentError;
use coral_config::private_folder;
use coral_model::{AgentId, BootId, Observed};
use std::io::Read as _;
use std::path::Path;

/// What every batch says of its sender.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The agent.
    pub agent: AgentId,
    /// The host's boot.
    pub boot: BootId,
    /// The host's name.
    pub host: Observed,
}

impl Identity {
    /// Reads the id from the state folder, or makes one there.
    ///
    /// # Errors
    /// [`AgentError::File`] when the folder cannot be used or holds something else.
    pub fn load(state: &Path) -> Result<Self, AgentError> {
        private_folder(state)?;
        let path = state.join("agent-id");
        let failed = |what, source| AgentError::File {
            what,
            path: path.display().to_string(),
            source,
        };
        let agent = match std::fs::read_to_string(&path) {
            Ok(text) => {
                AgentId::new(text.trim()).map_err(|e| failed("read", std::io::Error::other(e)))?
            }
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                let agent = random_id().map_err(|e| failed("make", e))?;
                std::fs::write(&path, agent.as_str()).map_err(|e| failed("write", e))?;
                agent
            }
            Err(e) => return Err(failed("read", e)),
        };
        let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        let boot = BootId::new(boot.trim())
            .map_err(|e| failed("read the boot id for", std::io::Error::other(e)))?;
        let host = nix::unistd::gethostname()
            .map(|h| h.to_string_lossy().into_owned())
            .unwrap_or_default();
        Ok(Self {
            agent,
            boot,
            host: Observed::new(host),
        })
    }
}

fn random_id() -> std::io::Result<AgentId> {
    let mut bytes = [0u8; 8];
    std::fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    let text: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
    AgentId::new(&text).map_err(std::io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_stays() {
        let dir = tempfile::tempdir().unwrap();
        let state = dir.path().join("agent");
        let first = Identity::load(&state).unwrap();
        assert_eq!(Identity::load(&state).unwrap().agent, first.agent);
        assert_eq!(first.agent.as_str().len(), 16);
    }
}
