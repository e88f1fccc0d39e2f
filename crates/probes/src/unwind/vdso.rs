//! The code that the kernel maps into every process; it has no file, but it is the same everywhere until a reboot.

use super::Mappings;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

/// Larger than any.
const MOST_BYTES: u64 = 1 << 20;

/// The image as this process has it.
pub fn vdso() -> io::Result<Vec<u8>> {
    let mappings = Mappings::parse(&std::fs::read("/proc/self/maps")?);
    let ours = mappings.all.iter().find(|mapping| mapping.is_vdso());
    let ours = ours.ok_or(io::ErrorKind::NotFound)?;
    let mut image = vec![0; (ours.end - ours.start).min(MOST_BYTES) as usize];
    File::open("/proc/self/mem")?.read_exact_at(&mut image, ours.start)?;
    Ok(image)
}
