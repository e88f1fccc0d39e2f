//! The token of the metrics: 32 random bytes in a file that nobody else reads.

use super::MetricsError;
use axum::http::{HeaderMap, header};
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

/// The token in the file, made when there is none.
pub(super) fn read_or_make(path: &Path) -> Result<String, MetricsError> {
    let failed = |why: String| MetricsError::Token {
        path: path.display().to_string(),
        why,
    };
    match File::open(path) {
        Ok(file) => read(file).map_err(failed),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            make(path).map_err(|e| failed(e.to_string()))
        }
        Err(error) => Err(failed(error.to_string())),
    }
}

fn read(file: File) -> Result<String, String> {
    let meta = file.metadata().map_err(|e| e.to_string())?;
    if meta.mode() & 0o077 != 0 || meta.uid() != nix::unistd::geteuid().as_raw() {
        return Err("others can read it; delete it, and a new one is made".to_owned());
    }
    let mut text = String::new();
    let read = file.take(1024).read_to_string(&mut text);
    read.map_err(|e| e.to_string())?;
    match text.trim() {
        token if token.len() >= 32 => Ok(token.to_owned()),
        _ => Err("it is too short; delete it, and a new one is made".to_owned()),
    }
}

fn make(path: &Path) -> std::io::Result<String> {
    let mut bytes = [0u8; 32];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    let token: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    options
        .open(path)?
        .write_all(format!("{token}\n").as_bytes())?;
    Ok(token)
}

/// Whether the request carries the token; takes as long for a near miss as for any other.
pub(super) fn matches(headers: &HeaderMap, token: &str) -> bool {
    let sent = headers.get(header::AUTHORIZATION);
    let sent = sent.and_then(|h| h.as_bytes().strip_prefix(b"Bearer "));
    let Some(sent) = sent.filter(|s| s.len() == token.len()) else {
        return false;
    };
    let different = sent
        .iter()
        .zip(token.as_bytes())
        .fold(0, |d, (a, b)| d | (a ^ b));
    different == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn it_is_made_once_and_refused_when_others_can_read_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token");
        let token = read_or_make(&path).unwrap();
        assert_eq!(token.len(), 64);
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(read_or_make(&path).unwrap(), token);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        let error = read_or_make(&path).unwrap_err().to_string();
        assert!(error.contains("others can read it"), "{error}");
    }
}
