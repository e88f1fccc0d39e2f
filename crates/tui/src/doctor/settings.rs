//! Every setting, its value, and where that comes from: flag, environment, file or default.

use crate::failure::Failure;
use crate::place::Place;
use coral_config::{Folders, HOME_VARIABLE, load_user, user_file};
use coral_model::observed::visible;
use serde::Serialize;
use std::path::Path;

/// One setting.
#[derive(Debug, Serialize)]
pub(super) struct Setting {
    pub key: &'static str,
    pub value: String,
    pub origin: String,
}

fn setting(key: &'static str, value: impl Into<String>, origin: impl Into<String>) -> Setting {
    // The environment and the file are the person's own, and may still hold anything.
    let value = visible(&value.into()).into_owned();
    let origin = origin.into();
    Setting { key, value, origin }
}

fn variable(name: &str) -> Option<String> {
    let value = std::env::var_os(name)?.to_string_lossy().into_owned();
    Some(value).filter(|value| !value.is_empty())
}

/// All of them.
pub(super) fn all(named: Option<&str>, place: &Place) -> Result<Vec<Setting>, Failure> {
    let folders = Folders::discover()?;
    let user = load_user(&folders)?;
    let file = user_file(&folders);
    let shown = file.display().to_string();
    let there = file.exists();
    let mut settings = vec![
        setting(
            "config file",
            &*shown,
            if there { "read" } else { "none there" },
        ),
        setting(
            "colony",
            named.unwrap_or(&user.colony),
            colony_origin(named, &file),
        ),
        setting("address", place.address(), context_origin(named, &user)),
    ];
    let folder = |key, path: &Path, xdg: &str| {
        let origin = if variable(HOME_VARIABLE).is_some() {
            format!("environment {HOME_VARIABLE}")
        } else if variable(xdg).is_some() {
            format!("environment {xdg}")
        } else {
            "default".to_owned()
        };
        setting(key, path.display().to_string(), origin)
    };
    settings.extend([
        folder("state folder", &folders.state, "XDG_STATE_HOME"),
        folder("cache folder", &folders.cache, "XDG_CACHE_HOME"),
        folder("run folder", &folders.run, "XDG_RUNTIME_DIR"),
    ]);
    for (key, name, default) in [
        ("log filter", "CORAL_LOG", "info"),
        (
            "no colours",
            "NO_COLOR",
            "colours where there is a terminal",
        ),
    ] {
        settings.push(match variable(name) {
            Some(value) => setting(key, value, format!("environment {name}")),
            None => setting(key, default, "default"),
        });
    }
    Ok(settings)
}

/// clap has read the flag and the variable into one; a flag with the variable's own value is no lie either.
fn colony_origin(named: Option<&str>, file: &Path) -> String {
    match named.filter(|name| !name.is_empty()) {
        Some(name) if variable("CORAL_COLONY").as_deref() == Some(name) => {
            "environment CORAL_COLONY".to_owned()
        }
        Some(_) => "flag --colony".to_owned(),
        None => {
            let text = std::fs::read_to_string(file).unwrap_or_default();
            let set = |line: &str| line.trim_start().starts_with("colony");
            if text
                .lines()
                .take_while(|line| !line.trim_start().starts_with('['))
                .any(set)
            {
                "config file".to_owned()
            } else {
                "default".to_owned()
            }
        }
    }
}

fn context_origin(named: Option<&str>, user: &coral_config::UserConfig) -> &'static str {
    let name = named.unwrap_or(&user.colony);
    match user.contexts.contains_key(name) {
        true => "config file, contexts",
        false if name.starts_with("ssh://") => "named with it",
        false => "the run folder",
    }
}
