//! One run of the machine in software emulation, to its end or to the limit; its serial console is its only output.

use crate::failure::Failure;
use crate::program;
use std::path::Path;
use std::process::Command;

/// Seconds; it boots in ten to twenty.
const LIMIT: &str = "120";
const QEMU: &str = "qemu-system-x86_64";

/// Boots kernel and image and returns what the console said; removes the image.
pub fn boot(kernel: &Path, image: &Path) -> Result<String, Failure> {
    if program::find(QEMU).is_none() {
        return Err(Failure::new(format!("{QEMU} is not on this machine"))
            .hint("run: apt-get install qemu-system-x86"));
    }
    let mut qemu = Command::new("timeout");
    qemu.args(["--kill-after=5", LIMIT, QEMU]);
    qemu.args([
        "-accel",
        "tcg",
        "-cpu",
        "max",
        "-m",
        "512",
        "-nographic",
        "-no-reboot",
        "-nic",
        "none",
    ]);
    qemu.arg("-kernel").arg(kernel).arg("-initrd").arg(image);
    qemu.args(["-append", "console=ttyS0 panic=-1 quiet"]);
    // A console is not UTF-8 when the machine dies in the middle of a word.
    let printed = program::bytes(&mut qemu);
    let _ = std::fs::remove_file(image);
    let (status, console) = printed?;
    let console = String::from_utf8_lossy(&console).into_owned();
    if status == Some(124) {
        let end: Vec<_> = console.lines().rev().take(30).collect();
        let end: Vec<_> = end.into_iter().rev().collect();
        return Err(
            Failure::new(format!("the machine did not end within {LIMIT} s"))
                .hint(format!("read the end of its console:\n{}", end.join("\n"))),
        );
    }
    Ok(console)
}
