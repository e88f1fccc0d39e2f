//! A person's `config.toml`. Unknown keys are errors that name the nearest known one.

use crate::{ConfigError, Context, Folders};
use serde::Deserialize;
use std::collections::BTreeMap;

/// What a person can set.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserConfig {
    /// The colony that commands speak to when neither `--colony` nor `CORAL_COLONY` names one.
    #[serde(default = "default_colony")]
    pub colony: String,
    /// Colonies by name.
    #[serde(default)]
    pub contexts: BTreeMap<String, Context>,
}

impl Default for UserConfig {
    fn default() -> Self {
        Self {
            colony: default_colony(),
            contexts: BTreeMap::new(),
        }
    }
}

fn default_colony() -> String {
    "local".to_owned()
}

const KEYS: &[&str] = &["colony", "contexts"];

/// Reads `config.toml`; without the file everything has its default.
///
/// # Errors
/// [`ConfigError::Parse`] with file, line and the nearest known key.
pub fn load_user(folders: &Folders) -> Result<UserConfig, ConfigError> {
    let path = folders.config.join("config.toml");
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(UserConfig::default()),
        Err(e) => return Err(ConfigError::io("read", &path, e)),
    };
    toml::from_str(&text).map_err(|e| {
        let hint = unknown_key(e.message())
            .and_then(|key| nearest(&key))
            .map(|k| format!("; did you mean `{k}`?"));
        let message = format!("{}{}", e.to_string().trim_end(), hint.unwrap_or_default());
        ConfigError::Parse {
            path: path.display().to_string(),
            message,
        }
    })
}

fn unknown_key(message: &str) -> Option<String> {
    Some(
        message
            .strip_prefix("unknown field `")?
            .split('`')
            .next()?
            .to_owned(),
    )
}

fn nearest(key: &str) -> Option<&'static str> {
    KEYS.iter()
        .copied()
        .min_by_key(|known| distance(known, key))
        .filter(|known| distance(known, key) <= known.len() / 2)
}

/// Levenshtein distance; the texts are key names.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, cb) in b.chars().enumerate() {
            let next = (diagonal + usize::from(ca != cb))
                .min(row[j] + 1)
                .min(row[j + 1] + 1);
            diagonal = row[j + 1];
            row[j + 1] = next;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_keys_name_the_nearest() {
        let dir = tempfile::tempdir().unwrap();
        let folders = Folders::below(dir.path());
        assert_eq!(load_user(&folders).unwrap(), UserConfig::default());
        std::fs::create_dir_all(&folders.config).unwrap();
        std::fs::write(folders.config.join("config.toml"), "colny = \"x\"\n").unwrap();
        let error = load_user(&folders).unwrap_err().to_string();
        assert!(
            error.contains("did you mean `colony`?") && error.contains("line 1"),
            "{error}"
        );
    }
}
