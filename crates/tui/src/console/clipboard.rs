//! The clipboard of the terminal, which is also the person's own over ssh: OSC 52. Not every terminal takes it, and none
//! says so; the text therefore lies in a private file as well. Only what the person chose to copy ever comes here.

use std::io::Write;
use std::path::{Path, PathBuf};

/// Terminals take about 100 kB; what is longer goes to the file alone.
const MAX_BYTES: usize = 74_000;
/// The name of the file, in the colony's private folder.
const FILE: &str = "copied.txt";

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Tells the terminal to put the text into the clipboard; whether it was short enough to be told.
pub(super) fn tell(out: &mut impl Write, text: &str) -> std::io::Result<bool> {
    if text.len() > MAX_BYTES {
        return Ok(false);
    }
    write!(out, "\x1b]52;c;{}\x1b\\", base64(text.as_bytes()))?;
    out.flush()?;
    Ok(true)
}

/// Writes the text into the colony's private folder.
pub(super) fn keep(folder: &Path, text: &str) -> Option<PathBuf> {
    coral_config::private_folder(folder).ok()?;
    let file = folder.join(FILE);
    // Never through a link that somebody else put there.
    let _ = std::fs::remove_file(&file);
    write_new(&file, text.as_bytes()).ok()?;
    Some(file)
}

/// Writes a file that is not there yet.
pub(super) fn write_new(file: &Path, bytes: &[u8]) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    options.open(file)?.write_all(bytes)
}

fn base64(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |i: usize| u32::from(chunk.get(i).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for i in 0..4 {
            let six = (bits >> (18 - 6 * i)) & 63;
            let padding = i > chunk.len();
            out.push(match padding {
                true => '=',
                false => char::from(ALPHABET[six as usize]),
            });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_alphabet_and_its_padding() {
        let texts = ["", "f", "fo", "foo", "foob", "fooba", "foobar"];
        assert_eq!(
            texts.map(|t| base64(t.as_bytes())),
            [
                "", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"
            ]
        );
    }

    #[test]
    fn a_long_text_goes_to_the_file_alone() {
        let mut out = vec![];
        assert!(tell(&mut out, "hi").unwrap());
        assert_eq!(out, b"\x1b]52;c;aGk=\x1b\\");
        out.clear();
        assert!(!tell(&mut out, &"x".repeat(MAX_BYTES + 1)).unwrap());
        assert!(out.is_empty());
    }
}
