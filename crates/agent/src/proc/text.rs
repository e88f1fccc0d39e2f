//! Small text files of the kernel, read again and again into one buffer.

use std::borrow::Cow;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

/// No file of the kernel that is read whole is longer; what is, is cut.
const READ_MAX: u64 = 1 << 20;

/// A buffer that stays.
#[derive(Debug, Default)]
pub struct Reader {
    bytes: Vec<u8>,
}

impl Reader {
    /// The text of a file; `None` when it cannot be read.
    pub fn read(&mut self, path: impl AsRef<Path>) -> Option<Cow<'_, str>> {
        self.bytes.clear();
        let file = File::open(path).ok()?;
        file.take(READ_MAX).read_to_end(&mut self.bytes).ok()?;
        Some(String::from_utf8_lossy(&self.bytes))
    }

    /// The number that a file holds.
    pub fn number(&mut self, path: impl AsRef<Path>) -> Option<u64> {
        self.read(path)?.trim().parse().ok()
    }

    /// The value behind `key` in a file of `key value` lines.
    pub fn value(&mut self, path: impl AsRef<Path>, key: &str) -> Option<u64> {
        value(&self.read(path)?, key)
    }
}

/// The number behind `key` in lines of `key value`, as in `cpu.stat`, `memory.events` and `/proc/vmstat`.
pub fn value(text: &str, key: &str) -> Option<u64> {
    let of = |line: &str| {
        line.strip_prefix(key)?
            .strip_prefix(' ')?
            .trim()
            .parse()
            .ok()
    };
    text.lines().find_map(of)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_whole_words() {
        let text = "oom 3\noom_kill 2\noom_group_kill 1\n";
        assert_eq!(value(text, "oom_kill"), Some(2));
        assert_eq!(value(text, "kill"), None);
        let mut reader = Reader::default();
        assert!(reader.value("/proc/vmstat", "oom_kill").is_some());
        assert_eq!(reader.number("/proc/none"), None);
    }
}
