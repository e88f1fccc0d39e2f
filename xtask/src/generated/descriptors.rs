//! The descriptor set of the wire, as the build script of coral-proto writes it.

use super::Fresh;
use crate::failure::{Failure, Trying as _};
use crate::program;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

const DESCRIPTORS: &str = "proto/coral.v1.bin";

pub fn fresh(root: &Path) -> Result<Fresh, Failure> {
    Ok(Fresh {
        place: DESCRIPTORS.into(),
        bytes: fs::read(built(root)?).trying("read the built descriptor set")?,
    })
}

/// The file that the build script of coral-proto wrote. Cargo says where: the target folder may hold those of other clones.
fn built(root: &Path) -> Result<PathBuf, Failure> {
    let messages = program::output(program::command("cargo", root).args([
        "build",
        "--package",
        "coral-proto",
        "--message-format",
        "json",
    ]))?;
    out_folder(&messages)
        .map(|folder| folder.join("coral.v1.bin"))
        .ok_or_else(|| Failure::new("cargo did not say where coral-proto's build script wrote"))
}

fn out_folder(messages: &str) -> Option<PathBuf> {
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message["reason"] == "build-script-executed")
        .find(|message| {
            let package = message["package_id"].as_str().unwrap_or_default();
            package.contains("#coral-proto@")
        })
        .and_then(|message| message["out_dir"].as_str().map(PathBuf::from))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_build_scripts_folder_among_cargos_messages() {
        let messages = [
            r#"{"reason":"compiler-artifact","package_id":"path+file:///c/proto#coral-proto@0.1.0"}"#,
            r#"{"reason":"build-script-executed","package_id":"registry#libc@0.2.1","out_dir":"/t/libc/out"}"#,
            r#"{"reason":"build-script-executed","package_id":"path+file:///c/proto#coral-proto@0.1.0","out_dir":"/t/p/out"}"#,
            r#"{"reason":"build-finished","success":true}"#,
        ];
        assert_eq!(out_folder(&messages.join("\n")), Some("/t/p/out".into()));
    }
}
