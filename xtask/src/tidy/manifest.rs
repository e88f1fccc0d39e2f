//! A crate's dependencies as its Cargo.toml lists them: name, line, and which kind of table.

/// One line of a dependency table.
#[derive(Debug, PartialEq, Eq)]
pub struct Dependency<'a> {
    pub name: &'a str,
    pub line: usize,
    /// In `[dev-dependencies]`.
    pub dev: bool,
}

/// Every dependency, also those of one target and those with a table of their own.
pub fn dependencies(text: &str) -> Vec<Dependency<'_>> {
    let mut found = Vec::new();
    let mut table = None;
    for (line, content) in (1..).zip(text.lines().map(str::trim)) {
        if let Some(header) = content.strip_prefix('[') {
            let header = header.trim_matches(['[', ']']);
            table = kind(header);
            if table.is_none()
                && let Some((above, name)) = header.rsplit_once('.')
                && let Some(dev) = kind(above)
            {
                found.push(Dependency { name, line, dev });
            }
        } else if let Some(dev) = table
            && !content.is_empty()
            && !content.starts_with('#')
        {
            let end = content.find(['.', '=', ' ']).unwrap_or(content.len());
            let name = content[..end].trim_matches('"');
            found.push(Dependency { name, line, dev });
        }
    }
    found
}

/// Whether a table lists dependencies, and whether only for tests.
fn kind(header: &str) -> Option<bool> {
    match header.rsplit('.').next()? {
        "dependencies" | "build-dependencies" if !header.starts_with("workspace") => Some(false),
        "dev-dependencies" => Some(true),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_way_of_writing_a_dependency() {
        let text = "[package]\nname = \"x\"\n[dependencies]\ncoral-model.workspace = true\n# no\naya = \"1\"\n\
                    [dependencies.duckdb]\nversion = \"1\"\n[target.'cfg(unix)'.dependencies]\nnix = { workspace = true }\n\
                    [dev-dependencies]\ntempfile.workspace = true\n[workspace.dependencies]\nrig = \"1\"\n";
        let found: Vec<_> = dependencies(text)
            .into_iter()
            .map(|d| (d.name, d.line, d.dev))
            .collect();
        assert_eq!(
            found,
            [
                ("coral-model", 4, false),
                ("aya", 6, false),
                ("duckdb", 7, false),
                ("nix", 10, false),
                ("tempfile", 12, true)
            ]
        );
    }
}
