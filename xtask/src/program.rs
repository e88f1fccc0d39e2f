//! Running other programs: their output where it belongs, their failure as a message that names them.

use crate::failure::{Failure, Trying as _};
use std::env;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A command in this folder, with its stdout on our stderr: our own stdout is for results.
pub fn command(program: impl AsRef<std::ffi::OsStr>, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder).stdin(Stdio::null());
    command.stdout(Stdio::from(std::io::stderr()));
    command
}

/// Runs it to its end.
pub fn run(command: &mut Command) -> Result<(), Failure> {
    let name = name(command);
    let status = command.status().trying(format!("start {name}"))?;
    if status.success() {
        Ok(())
    } else {
        Err(Failure::new(format!("{name} ended with {status}")))
    }
}

/// Runs it to its end and returns its stdout; its stderr is in the failure.
pub fn output(command: &mut Command) -> Result<String, Failure> {
    let name = name(command);
    let output = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .output()
        .trying(format!("start {name}"))?;
    if output.status.success() {
        String::from_utf8(output.stdout).trying(format!("read what {name} printed"))
    } else {
        let words = String::from_utf8_lossy(&output.stderr);
        let status = output.status;
        Err(Failure::new(format!(
            "{name} ended with {status}: {}",
            words.trim()
        )))
    }
}

/// Runs it with this text as its stdin; its stdout is where the caller put it.
pub fn feed(command: &mut Command, input: &str) -> Result<(), Failure> {
    fed(command, input).map(drop)
}

/// Runs it with this text as its stdin and returns its stdout.
pub fn filter(command: &mut Command, input: &str) -> Result<String, Failure> {
    let name = name(command);
    let printed = fed(command.stdout(Stdio::piped()), input)?;
    String::from_utf8(printed).trying(format!("read what {name} printed"))
}

fn fed(command: &mut Command, input: &str) -> Result<Vec<u8>, Failure> {
    let name = name(command);
    let mut child = command
        .stdin(Stdio::piped())
        .spawn()
        .trying(format!("start {name}"))?;
    // A small input: it fits into the pipe, so nobody waits for anybody.
    let written = match child.stdin.take() {
        Some(mut stdin) => stdin.write_all(input.as_bytes()),
        None => Ok(()),
    };
    let output = child
        .wait_with_output()
        .trying(format!("wait for {name}"))?;
    if !output.status.success() {
        return Err(Failure::new(format!("{name} ended with {}", output.status)));
    }
    written.trying(format!("write to {name}"))?;
    Ok(output.stdout)
}

/// Runs it to its end, whatever that is: its exit code and its stdout.
pub fn bytes(command: &mut Command) -> Result<(Option<i32>, Vec<u8>), Failure> {
    let name = name(command);
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .trying(format!("start {name}"))?;
    Ok((output.status.code(), output.stdout))
}

/// The program and its arguments, as a person would type them.
fn name(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let program = program.file_name().unwrap_or(command.get_program());
    std::iter::once(program)
        .chain(command.get_args())
        .map(|word| word.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ")
}

/// Where a program lies on the search path.
pub fn find(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}

/// The SHA-256 of a file.
pub fn sha256(file: &Path) -> Result<String, Failure> {
    let printed = output(Command::new("sha256sum").arg("--").arg(file))?;
    first_word(&printed)
}

/// The SHA-256 of a text.
pub fn sha256_of(text: &str) -> Result<String, Failure> {
    first_word(&filter(&mut Command::new("sha256sum"), text)?)
}

fn first_word(printed: &str) -> Result<String, Failure> {
    printed
        .split_whitespace()
        // A name with odd characters makes sha256sum begin the line with a backslash.
        .map(|word| word.trim_start_matches('\\').to_owned())
        .next()
        .ok_or_else(|| Failure::new("sha256sum printed nothing"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_those_of_sha256() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(sha256_of("").unwrap(), empty);
        assert_eq!(sha256(Path::new("/dev/null")).unwrap(), empty);
    }

    #[test]
    fn a_failure_names_the_program_and_its_words() {
        let error = output(Command::new("/bin/sh").args(["-c", "echo no >&2; exit 3"]));
        let error = error.unwrap_err().to_string();
        assert!(error.contains("sh -c") && error.contains("no"), "{error}");
    }
}
