//! Mounted file systems, from `/proc/self/mountinfo` (proc_pid_mountinfo(5)).

use std::path::PathBuf;

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// `major:minor` of what is mounted.
    pub device: String,
    /// The folder of the file system that is mounted.
    pub root: String,
    /// Where.
    pub point: PathBuf,
    /// The kind of file system.
    pub kind: String,
    /// What it is mounted from.
    pub source: String,
    /// Options of the file system itself.
    pub options: String,
}

/// Reads all lines that are complete.
pub fn parse(text: &str) -> Vec<Mount> {
    text.lines().filter_map(line).collect()
}

fn line(line: &str) -> Option<Mount> {
    let (place, system) = line.split_once(" - ")?;
    let mut place = place.split(' ').skip(2);
    let (device, root, point) = (place.next()?, place.next()?, place.next()?);
    let mut system = system.split(' ');
    let (kind, source) = (system.next()?, system.next()?);
    Some(Mount {
        device: device.to_owned(),
        root: unescape(root),
        point: PathBuf::from(unescape(point)),
        kind: kind.to_owned(),
        source: unescape(source),
        options: system.next().unwrap_or_default().to_owned(),
    })
}

/// Space, tab, newline and backslash are written as `\040` and so on.
fn unescape(text: &str) -> String {
    let mut parts = text.split('\\');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let octal = part.get(..3).and_then(|n| u8::from_str_radix(n, 8).ok());
        match octal {
            Some(byte) => {
                out.push(char::from(byte));
                out.push_str(&part[3..]);
            }
            None => {
                out.push('\\');
                out.push_str(part);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_taken_apart() {
        let found = parse(
            "36 35 98:0 /mnt1 /mnt\\0402 rw,noatime master:1 - ext4 /dev/vda errors=continue\ngarbage\n",
        );
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].point, PathBuf::from("/mnt 2"));
        assert_eq!(
            (found[0].root.as_str(), found[0].kind.as_str()),
            ("/mnt1", "ext4")
        );
        assert_eq!(found[0].options, "errors=continue");
        assert_eq!(unescape("a\\b"), "a\\b");
    }
}
