//! A program that warms up, waits until it is told to work, says what it took, and ends with its standard input.

use super::builds::{built, copied};
use crate::world::free_port;
use serde_json::Value;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

/// A running program; it is gone after this.
pub struct Running {
    process: Child,
    out: BufReader<ChildStdout>,
    /// The name of its file, and of its service.
    pub name: String,
    /// Where it was started from.
    pub path: PathBuf,
}

impl Running {
    /// Builds it, copies it here under a name of its own, and starts it; it has warmed up then.
    pub fn start(folder: &Path, kind: &str, script: &str, ms: u64) -> Self {
        let name = format!("{kind}-{}", free_port());
        let home = folder.join(&name);
        std::fs::create_dir_all(&home).unwrap();
        let path = copied(&built(script), &home, &name);
        let mut command = Command::new(&path);
        command.arg(ms.to_string());
        let mut running = Self::spawn(command, name, path);
        running.await_ready();
        running
    }

    /// Starts a command of this kind.
    pub fn spawn(mut command: Command, name: String, path: PathBuf) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let out = BufReader::new(process.stdout.take().unwrap());
        Self {
            process,
            out,
            name,
            path,
        }
    }

    /// Waits until it has warmed up.
    pub fn await_ready(&mut self) {
        assert_eq!(self.line(), "ready", "{}", self.name);
    }

    /// Its next line.
    pub fn line(&mut self) -> String {
        let mut line = String::new();
        self.out.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// Has it work.
    pub fn go(&mut self) {
        let input = self.process.stdin.as_mut().unwrap();
        input.write_all(b"\n").unwrap();
    }

    /// Waits until it has worked: nanoseconds that its parts took by its own clock.
    pub fn took_ns(&mut self) -> Vec<u64> {
        let line = self.line();
        let said: Value = serde_json::from_str(&line).unwrap();
        let parts = said["took_ns"].as_array().unwrap();
        parts.iter().map(|ns| ns.as_u64().unwrap()).collect()
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
