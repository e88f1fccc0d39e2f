//! Contexts: colonies by name, on this machine or on another that is reached by ssh. They stand in `config.toml`; a change
//! touches its own lines and leaves the person's text and comments as they are.

use crate::{ConfigError, Folders, private_folder, user};
use serde::Deserialize;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// Where the colony of a context is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Context {
    /// `user@host` whose `coral-daemon dial-stdio` reaches it; none is this machine.
    pub ssh: Option<String>,
    /// The colony's name over there, when it is not the context's.
    pub colony: Option<String>,
}

/// The file of contexts and the rest of a person's configuration.
pub fn user_file(folders: &Folders) -> PathBuf {
    folders.config.join("config.toml")
}

/// Makes `name` the current context; with `context` also says where it is.
///
/// # Errors
/// [`ConfigError`] when the file cannot be written, or is not what it should be before or after.
pub fn save_context(
    folders: &Folders,
    name: &str,
    context: Option<&Context>,
) -> Result<PathBuf, ConfigError> {
    let path = user_file(folders);
    private_folder(&folders.config)?;
    user::load_user(folders)?;
    let old = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(e) => return Err(ConfigError::io("read", &path, e)),
    };
    let mut text = with_current(&old, name);
    if let Some(context) = context {
        text = with_context(&text, name, context);
    }
    replace(&path, &text).map_err(|e| ConfigError::io("write", &path, e))?;
    if let Err(error) = user::load_user(folders) {
        // Better the old text than one that nobody can read.
        replace(&path, &old).map_err(|e| ConfigError::io("write", &path, e))?;
        return Err(error);
    }
    Ok(path)
}

/// Colonies that have a folder on this machine, sorted; `state` and `run` folders count.
pub fn local_colonies(folders: &Folders) -> Vec<String> {
    let mut names: Vec<String> = [folders.state.join("colony"), folders.run.clone()]
        .iter()
        .filter_map(|folder| std::fs::read_dir(folder).ok())
        .flat_map(|entries| entries.flatten())
        .filter(|entry| entry.path().is_dir())
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// Written beside and renamed: whoever reads sees the old or the new text.
fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    let beside = path.with_extension(format!("toml.{}", std::process::id()));
    let written = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&beside)
        .and_then(|mut file| {
            file.write_all(text.as_bytes())
                .and_then(|()| file.sync_all())
        })
        .and_then(|()| std::fs::rename(&beside, path));
    if written.is_err() {
        let _ = std::fs::remove_file(&beside);
    }
    written
}

/// A TOML basic string.
fn quoted(text: &str) -> String {
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => out.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// The text with `colony = "name"` in place of the line that is there, else as its first line.
fn with_current(text: &str, name: &str) -> String {
    let line = format!("colony = {}", quoted(name));
    let mut lines: Vec<&str> = text.lines().collect();
    let top = lines
        .iter()
        .position(|line| line.trim_start().starts_with('['))
        .unwrap_or(lines.len());
    let is_it = |text: &&str| {
        let (key, _) = text.split_once('=').unwrap_or_default();
        key.trim() == "colony"
    };
    match lines[..top].iter().position(is_it) {
        Some(at) => lines[at] = &line,
        None => lines.insert(0, &line),
    }
    lines.join("\n") + "\n"
}

/// The text with the context's table at its end, in place of one that is there.
fn with_context(text: &str, name: &str, context: &Context) -> String {
    let heads = [
        format!("[contexts.{name}]"),
        format!("[contexts.{}]", quoted(name)),
    ];
    let mut out = String::new();
    let mut inside = false;
    for line in text.lines() {
        let word = line.trim();
        if word.starts_with('[') {
            let head = word.split('#').next().unwrap_or_default().trim();
            inside = heads.iter().any(|own| own == head);
        }
        if !inside {
            out.push_str(line);
            out.push('\n');
        }
    }
    let kept = out.trim_end().len();
    out.truncate(kept);
    out.push_str(&format!("\n\n[contexts.{}]\n", quoted(name)));
    for (key, value) in [("ssh", &context.ssh), ("colony", &context.colony)] {
        if let Some(value) = value {
            out.push_str(&format!("{key} = {}\n", quoted(value)));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn remote(ssh: &str) -> Context {
        Context {
            ssh: Some(ssh.into()),
            colony: None,
        }
    }

    #[test]
    fn a_context_is_added_and_replaced_and_the_rest_stays() {
        let dir = tempfile::tempdir().unwrap();
        let folders = Folders::below(dir.path());
        let path = save_context(&folders, "prod", Some(&remote("me@web-1"))).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, format!("# mine\n{text}# after\n")).unwrap();
        save_context(&folders, "test", Some(&Context::default())).unwrap();
        save_context(&folders, "prod", Some(&remote("me@web-2"))).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(
            text,
            "# mine\ncolony = \"prod\"\n\n[contexts.\"test\"]\n\n[contexts.\"prod\"]\nssh = \"me@web-2\"\n"
        );
        let user = user::load_user(&folders).unwrap();
        assert_eq!(user.colony, "prod");
        assert_eq!(user.contexts["prod"], remote("me@web-2"));
        assert_eq!(user.contexts.len(), 2);
    }

    #[test]
    fn only_the_current_name_changes_without_a_context() {
        assert_eq!(with_current("", "a"), "colony = \"a\"\n");
        let text = "colony = \"x\" # old\n\n[contexts.x]\ncolony = \"y\"\n";
        assert_eq!(
            with_current(text, "b"),
            "colony = \"b\"\n\n[contexts.x]\ncolony = \"y\"\n"
        );
        assert_eq!(
            with_context(text, "x", &remote("h\"h")),
            "colony = \"x\" # old\n\n[contexts.\"x\"]\nssh = \"h\\\"h\"\n"
        );
    }

    #[test]
    fn a_file_that_does_not_parse_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let folders = Folders::below(dir.path());
        private_folder(&folders.config).unwrap();
        std::fs::write(user_file(&folders), "colny = 1\n").unwrap();
        assert!(save_context(&folders, "a", None).is_err());
        let text = std::fs::read_to_string(user_file(&folders)).unwrap();
        assert_eq!(text, "colny = 1\n");
    }

    #[test]
    fn colonies_of_this_machine_are_found_by_their_folders() {
        let dir = tempfile::tempdir().unwrap();
        let folders = Folders::below(dir.path());
        assert!(local_colonies(&folders).is_empty());
        std::fs::create_dir_all(folders.run.join("b")).unwrap();
        std::fs::create_dir_all(folders.state.join("colony/a")).unwrap();
        std::fs::create_dir_all(folders.state.join("colony/b")).unwrap();
        assert_eq!(local_colonies(&folders), ["a", "b"]);
    }
}
