//! The end of the logs of a colony, for a person whose `up` did not work.

use coral_model::observed::visible;
use coral_report::text::fit;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;

/// Lines of each log.
const LINES: usize = 8;
/// The last lines are sought in so many bytes.
const TAIL_BYTES: u64 = 16 << 10;
/// A longer line is cut.
const LINE_MAX: usize = 200;

/// The last lines of the supervisor's, the colony's and the agent's log; each under its name.
pub(super) fn tail(logs: &Path) -> String {
    let mut out = String::new();
    for role in ["supervisor", "colony", "agent"] {
        let path = logs.join(format!("{role}.log"));
        let text = last_bytes(&path).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        if lines.is_empty() {
            continue;
        }
        out.push_str(&format!("{}:\n", path.display()));
        for line in &lines[lines.len().saturating_sub(LINES)..] {
            out.push_str(&format!("  {}\n", fit(&visible(line), LINE_MAX)));
        }
    }
    if out.is_empty() {
        out = format!("no log was written in {}\n", logs.display());
    }
    out
}

fn last_bytes(path: &Path) -> std::io::Result<String> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES)))?;
    let mut bytes = vec![];
    file.take(TAIL_BYTES).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_of_each_log_are_shown_harmless() {
        let dir = tempfile::tempdir().unwrap();
        assert!(tail(dir.path()).starts_with("no log"));
        let many: String = (0..100).map(|i| format!("line {i}\n")).collect();
        std::fs::write(dir.path().join("colony.log"), many + "\x1b[2Jend\n").unwrap();
        let text = tail(dir.path());
        assert!(text.contains("line 99\n  \\u{1b}[2Jend"), "{text}");
        assert!(!text.contains("line 92"), "{text}");
    }
}
