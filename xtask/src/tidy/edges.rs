//! Which crate may use which, one way and without circles, and which foreign crates belong to one of ours only.

use super::Finding;
use super::manifest::dependencies;
use super::source::Source;

/// The crates and what each may use of our own, in the order of the flow. Tests may use more.
const EDGES: [(&str, &[&str]); 17] = [
    ("probes-abi", &[]),
    ("probes-ebpf", &["probes-abi"]),
    ("model", &["probes-abi"]),
    ("proto", &["model"]),
    ("store", &["model"]),
    ("diagnose", &["model"]),
    ("report", &["model"]),
    ("ask", &["model"]),
    ("probes", &["model", "probes-abi"]),
    ("config", &[]),
    ("mesh", &["config"]),
    ("agent", &["model", "proto", "mesh", "probes", "config"]),
    (
        "colony",
        &[
            "model", "proto", "mesh", "store", "diagnose", "report", "config",
        ],
    ),
    ("daemon", &["agent", "mesh", "config"]),
    (
        "tui",
        &[
            "model", "proto", "mesh", "ask", "diagnose", "report", "config",
        ],
    ),
    ("shop", &[]),
    ("xtask", &[]),
];
/// Foreign crates (beginnings of names) that only these may use.
const OWNED: [(&str, &[&str]); 4] = [
    ("duckdb", &["store"]),
    ("rig", &["ask"]),
    ("aya", &["probes", "probes-ebpf"]),
    ("directories", &["config"]),
];
/// All that xtask may use: everybody compiles it first.
const XTASK: [&str; 1] = ["serde_json"];
const CRATES_MAX: usize = 18;

/// Checks the manifests of all crates.
pub fn check(sources: &[Source]) -> Vec<Finding> {
    let manifests = || {
        sources
            .iter()
            .filter_map(|source| Some((source, manifest_of(source)?)))
    };
    let mut findings: Vec<_> = manifests()
        .flat_map(|(source, krate)| check_one(source, krate))
        .collect();
    // The kernel programs are a workspace of their own.
    let members = manifests()
        .filter(|(_, krate)| *krate != "probes-ebpf")
        .count();
    if members > CRATES_MAX {
        let what = format!("the workspace has {members} crates, at most {CRATES_MAX}");
        findings.push(Finding::new(
            "Cargo.toml",
            1,
            what,
            "join two that change together",
        ));
    }
    findings
}

fn manifest_of(source: &Source) -> Option<&str> {
    let krate = source.krate()?;
    let folder = source.path.strip_suffix("/Cargo.toml")?;
    (folder.rsplit('/').next() == Some(krate)).then_some(krate)
}

fn check_one(source: &Source, krate: &str) -> Vec<Finding> {
    let Some((_, allowed)) = EDGES.iter().find(|(name, _)| *name == krate) else {
        let what = format!("crate {krate} is not in the table of crates");
        let todo = "add it to xtask/src/tidy/edges.rs with its reason in docs/decisions";
        return vec![Finding::new(&source.path, 1, what, todo)];
    };
    let mut findings = Vec::new();
    for dependency in dependencies(&source.text) {
        let mut report =
            |what, todo| findings.push(Finding::new(&source.path, dependency.line, what, todo));
        let name = dependency.name;
        if let Some(internal) = name.strip_prefix("coral-") {
            if !dependency.dev && !allowed.contains(&internal) {
                let what = format!("{krate} may not use {internal}");
                report(
                    what,
                    "see the edges in docs/ARCHITECTURE.md; move the shared part down",
                );
            }
        } else if krate == "xtask" && !XTASK.contains(&name) {
            report(
                format!("xtask may not use {name}"),
                "use std, serde_json or a program of the machine",
            );
        }
        if let Some((_, owners)) = OWNED.iter().find(|(owned, _)| is_of(name, owned))
            && !owners.contains(&krate)
        {
            report(
                format!("{name} belongs to {} alone", owners.join(", ")),
                "go through that crate",
            );
        }
    }
    findings
}

/// `aya` and `aya-obj` are of `aya`, `rigging` is not of `rig`.
fn is_of(name: &str, owned: &str) -> bool {
    name.strip_prefix(owned)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '_']))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(files: &[(&str, &str)]) -> Vec<String> {
        let sources: Vec<_> = files
            .iter()
            .map(|(path, text)| Source::new(path, (*text).to_owned()))
            .collect();
        check(&sources).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn allowed_edges_pass_and_others_are_named_with_their_line() {
        let good = "[dependencies]\ncoral-model.workspace = true\nduckdb.workspace = true\n";
        assert_eq!(
            findings(&[("crates/store/Cargo.toml", good)]),
            Vec::<String>::new()
        );
        let bad = findings(&[(
            "crates/tui/Cargo.toml",
            "[dependencies]\n\ncoral-store.workspace = true\n",
        )]);
        assert!(
            bad[0].starts_with("crates/tui/Cargo.toml:3: tui may not use store;"),
            "{bad:?}"
        );
    }

    #[test]
    fn tests_may_use_more_but_not_what_belongs_to_another() {
        let text = "[dev-dependencies]\ncoral-colony.workspace = true\nduckdb.workspace = true\n";
        let found = findings(&[("crates/daemon/Cargo.toml", text)]);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            found[0].contains("duckdb belongs to store alone"),
            "{found:?}"
        );
    }

    #[test]
    fn xtask_uses_serde_json_only_and_every_crate_is_known() {
        let found = findings(&[
            (
                "xtask/Cargo.toml",
                "[dependencies]\nserde_json.workspace = true\nclap = \"4\"\n",
            ),
            ("crates/extra/Cargo.toml", ""),
        ]);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].contains("xtask may not use clap"), "{found:?}");
        assert!(found[1].contains("not in the table"), "{found:?}");
    }

    #[test]
    fn foreign_names_are_matched_whole() {
        assert!(is_of("rig-core", "rig") && is_of("aya", "aya"));
        assert!(!is_of("rigging", "rig"));
    }
}
