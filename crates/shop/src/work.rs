//! What a fault costs: CPU by the clock, and writes that reach the disk. By the clock and not by rounds, so that the shop
//! stays up on a busy machine and in a build without optimisation.

use std::fs::File;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::time::{Duration, Instant};

/// A file that is written to for show starts again at this size.
const FILE_MAX: u64 = 4 << 20;

/// Burns CPU for this long. Inlined into the fault's own function, which is the one that a profile must show.
#[inline(always)]
pub fn burn(length: Duration) -> u64 {
    let begin = Instant::now();
    let mut score = 1_u64;
    while begin.elapsed() < length {
        // Many rounds between two looks at the clock, or the profile would show the clock.
        let mut round = 0_u64;
        while round < 40_000 {
            score = (score ^ round).wrapping_mul(0x0100_0000_01b3) ^ (score >> 29);
            round += 1;
        }
    }
    score
}

/// Writes pages and waits for the disk, again and again for this long. A file system in memory answers at once, so each
/// round waits half a millisecond more.
#[inline(always)]
pub fn sync_for(file: &mut File, length: Duration) -> std::io::Result<()> {
    let begin = Instant::now();
    while begin.elapsed() < length {
        if file.stream_position()? > FILE_MAX {
            file.seek(SeekFrom::Start(0))?;
        }
        file.write_all(&[b'.'; 4096])?;
        file.sync_data()?;
        std::thread::sleep(Duration::from_micros(500));
    }
    Ok(())
}
