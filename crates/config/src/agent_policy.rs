//! Whom a root agent obeys, and what it may do. No colony can widen this.

use crate::ConfigError;
use serde::Deserialize;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// The root-owned file that binds an agent to a colony.
pub const AGENT_POLICY_FILE: &str = "/etc/coral/agent.toml";

/// The uid that the agent obeys, and what it allows.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgentPolicy {
    /// Only a colony of this uid (by the peer credentials of its socket) is obeyed.
    pub colony_uid: u32,
    /// What that colony may have done.
    #[serde(default)]
    pub allow: Allow,
}

/// What an agent may do for its colony.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(missing_docs, reason = "each is the active operation of that name")]
pub struct Allow {
    pub probe: bool,
    pub profile: bool,
    pub arguments: bool,
    pub capture: bool,
    pub exec: bool,
    pub shell: bool,
}

impl Default for Allow {
    fn default() -> Self {
        Self {
            probe: true,
            profile: true,
            arguments: false,
            capture: false,
            exec: false,
            shell: false,
        }
    }
}

impl AgentPolicy {
    /// Reads `file`, which must be root's own and writable by nobody else. Without it the agent obeys the person who
    /// started it: `sudo_uid` under sudo, else `own_uid`.
    ///
    /// # Errors
    /// [`ConfigError::NotPrivate`] when others could have written it, [`ConfigError::Parse`] when it does not parse.
    pub fn load(file: &Path, own_uid: u32, sudo_uid: Option<u32>) -> Result<Self, ConfigError> {
        let meta = match std::fs::symlink_metadata(file) {
            Ok(meta) => meta,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                let colony_uid = sudo_uid.filter(|_| own_uid == 0).unwrap_or(own_uid);
                return Ok(Self {
                    colony_uid,
                    allow: Allow::default(),
                });
            }
            Err(e) => return Err(ConfigError::io("look at", file, e)),
        };
        let path = file.display().to_string();
        if !meta.is_file() || meta.uid() != 0 || meta.mode() & 0o022 != 0 {
            let fix = format!("run: chown root:root {path} && chmod 644 {path}");
            return Err(ConfigError::NotPrivate {
                path,
                why: "is not root's alone to write".into(),
                fix,
            });
        }
        let text = std::fs::read_to_string(file).map_err(|e| ConfigError::io("read", file, e))?;
        toml::from_str(&text).map_err(|e| ConfigError::Parse {
            path,
            message: e.to_string(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn without_a_file_the_starter_is_obeyed() {
        let none = Path::new("/nonexistent/agent.toml");
        assert_eq!(
            AgentPolicy::load(none, 0, Some(1000)).unwrap().colony_uid,
            1000
        );
        assert_eq!(AgentPolicy::load(none, 0, None).unwrap().colony_uid, 0);
        assert_eq!(
            AgentPolicy::load(none, 1001, Some(1000))
                .unwrap()
                .colony_uid,
            1001
        );
    }

    #[test]
    fn a_file_that_others_can_write_is_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "colony_uid = 7\n").unwrap();
        std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(0o666)).unwrap();
        assert!(AgentPolicy::load(file.path(), 0, None).is_err());
    }
}
