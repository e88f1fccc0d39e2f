//! A colony on another machine, through the person's own ssh: `ssh host coral-daemon dial-stdio` joins its stdin and stdout
//! to the colony's socket over there. It needs no port, no key of ours and nothing that listens.
//!
//! The far end says one line first, [`GREETING`] and a word, so that a link that is open is known to reach a colony.

use crate::{Boxed, DialError, Link};
use std::io::{Error, ErrorKind};
use std::os::fd::OwnedFd;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::net::UnixStream;
use tokio::process::{Child, ChildStderr, Command};

/// How the first line of the far end begins; a word follows: `ok`, `nobody`, `forbidden` or `failed TEXT`.
pub const GREETING: &str = "coral-dial 1 ";
/// Lines that a shell's start-up files may print before it.
const NOISE_LINES: usize = 32;
const LINE_MAX: usize = 512;
/// How long ssh may take to connect.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);

/// Why a text is not a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("write the host as ssh knows it: HOST, USER@HOST or USER@HOST:PORT")]
pub struct BadTarget;

/// A host as ssh knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    host: String,
    port: Option<u16>,
}

impl Target {
    /// Checks the text, so that it can be no option and no second word of a command line.
    ///
    /// # Errors
    /// [`BadTarget`] with what can be written.
    pub fn new(text: &str) -> Result<Self, BadTarget> {
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) => (host, Some(port.parse().map_err(|_| BadTarget)?)),
            None => (text, None),
        };
        let good = |c: char| c.is_ascii_alphanumeric() || "._-@".contains(c);
        if host.is_empty() || host.starts_with(['-', '@']) || !host.chars().all(good) {
            return Err(BadTarget);
        }
        let host = host.to_owned();
        Ok(Self { host, port })
    }
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.port {
            Some(port) => write!(f, "{}:{port}", self.host),
            None => f.write_str(&self.host),
        }
    }
}

/// Dials a colony on another machine.
#[derive(Debug, Clone)]
pub struct Dialer {
    target: Target,
    colony: String,
}

impl Dialer {
    /// The colony of this name on that host. The name must be one of a colony: it becomes a word of a command.
    pub fn new(target: Target, colony: &str) -> Self {
        Self {
            target,
            colony: colony.to_owned(),
        }
    }

    fn address(&self) -> String {
        format!("ssh://{}", self.target)
    }

    fn failed(&self, source: Error) -> DialError {
        DialError::Io {
            path: self.address(),
            source,
        }
    }

    async fn open(&self) -> Result<Link, DialError> {
        let (mut own, mut child) = self.spawn().map_err(|e| self.failed(e))?;
        let stderr = child.stderr.take();
        let greeted = tokio::time::timeout(CONNECT_LIMIT, greeting(&mut own)).await;
        // Whoever does not wait for a child keeps it as a zombie.
        tokio::spawn(async move { child.wait().await });
        let word = match greeted {
            Ok(Ok(Some(word))) => word,
            Ok(Ok(None)) => return Err(self.failed(Error::other(last_words(stderr).await))),
            Ok(Err(e)) => return Err(self.failed(e)),
            Err(_) => {
                let limit = CONNECT_LIMIT.as_secs();
                let why = format!("no answer within {limit} s");
                return Err(self.failed(Error::new(ErrorKind::TimedOut, why)));
            }
        };
        let path = self.address();
        match word.as_str() {
            "ok" => Link::new(own).map_err(|e| self.failed(e)),
            "nobody" => Err(DialError::Nobody { path }),
            "forbidden" => Err(DialError::Forbidden { path }),
            other => Err(self.failed(Error::other(other.to_owned()))),
        }
    }

    /// Both of ssh's ends are the other end of our socket: nothing has to be copied, and its death is our end of file.
    fn spawn(&self) -> std::io::Result<(UnixStream, Child)> {
        let (own, other) = std::os::unix::net::UnixStream::pair()?;
        own.set_nonblocking(true)?;
        let mut command = Command::new("ssh");
        // Asking for a password would write over the console.
        command.args(["-T", "-o", "BatchMode=yes", "-o", "ConnectTimeout=8"]);
        if let Some(port) = self.target.port {
            command.args(["-p", &port.to_string()]);
        }
        let child = command
            .args(["--", &self.target.host])
            .args(["coral-daemon", "dial-stdio", "--colony", &self.colony])
            .stdin(Stdio::from(OwnedFd::from(other.try_clone()?)))
            .stdout(Stdio::from(OwnedFd::from(other)))
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|e| Error::new(e.kind(), format!("start ssh: {e}")))?;
        Ok((UnixStream::from_std(own)?, child))
    }
}

impl crate::Dialer for Dialer {
    fn dial(&self) -> Boxed<'_, Result<Link, DialError>> {
        Box::pin(self.open())
    }
}

/// The word after the greeting; `None` when the far end has ended without one. Reads not a byte more than that line.
async fn greeting(own: &mut UnixStream) -> std::io::Result<Option<String>> {
    for _ in 0..NOISE_LINES {
        let mut line = vec![];
        loop {
            match own.read_u8().await {
                Ok(b'\n') => break,
                Ok(byte) if line.len() < LINE_MAX => line.push(byte),
                Ok(_) => return Err(Error::other("the far end is no coral-daemon")),
                Err(e) if e.kind() == ErrorKind::UnexpectedEof => return Ok(None),
                Err(e) => return Err(e),
            }
        }
        let line = String::from_utf8_lossy(&line);
        if let Some(word) = line.trim_end().strip_prefix(GREETING) {
            return Ok(Some(word.to_owned()));
        }
    }
    Err(Error::other("the far end is no coral-daemon"))
}

/// What ssh, or the shell over there, said last.
async fn last_words(stderr: Option<ChildStderr>) -> String {
    let mut last = "ssh ended without a word".to_owned();
    if let Some(stderr) = stderr {
        let mut lines = BufReader::new(stderr.take(16 << 10)).lines();
        let limit = Duration::from_secs(1);
        while let Ok(Ok(Some(line))) = tokio::time::timeout(limit, lines.next_line()).await {
            if !line.trim().is_empty() {
                last = line.trim().to_owned();
            }
        }
    }
    if last.contains("coral-daemon") && last.contains("not found") {
        last += "; install coral-daemon there, on the path of a shell that is no login shell";
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncWriteExt as _;

    #[test]
    fn a_target_can_be_no_option() {
        for good in ["web-1", "me@web-1.example", "me@web:2222"] {
            assert_eq!(Target::new(good).unwrap().to_string(), good);
        }
        for bad in [
            "",
            "-oProxyCommand=x",
            "a b",
            "a;b",
            "@x",
            "host:ssh",
            "$(x)",
        ] {
            assert!(Target::new(bad).is_err(), "{bad}");
        }
    }

    #[tokio::test]
    async fn the_greeting_is_found_behind_noise_and_nothing_more_is_read() {
        let (mut own, mut far) = UnixStream::pair().unwrap();
        far.write_all(b"welcome!\r\ncoral-dial 1 ok\nPRI * HTTP/2.0")
            .await
            .unwrap();
        assert_eq!(greeting(&mut own).await.unwrap().as_deref(), Some("ok"));
        let mut rest = [0; 3];
        own.read_exact(&mut rest).await.unwrap();
        assert_eq!(&rest, b"PRI");
        drop(far);
        let (mut own, far) = UnixStream::pair().unwrap();
        drop(far);
        assert_eq!(greeting(&mut own).await.unwrap(), None);
    }
}
