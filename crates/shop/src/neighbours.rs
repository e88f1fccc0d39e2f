//! Processes that serve nobody and stand in everybody's way: `batch` burns every CPU, `backup` keeps the disk busy. They run
//! only while their fault is on.

use crate::{folder, lifeline, work};
use color_eyre::Result;
use std::fs::File;
use std::hint::black_box;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::thread::available_parallelism;
use std::time::Duration;

/// One piece of work of `batch`.
const PIECE: Duration = Duration::from_millis(50);
/// What `backup` writes at once, and how large its file becomes.
const BLOCK: usize = 1 << 20;
const BLOCKS: u64 = 64;

/// `batch`: burns every CPU until the process is told to stop.
pub async fn batch(stdin: bool) -> Result<()> {
    let threads = available_parallelism().map_or(1, usize::from);
    for _ in 0..threads {
        std::thread::spawn(|| {
            loop {
                black_box(crunch(PIECE));
            }
        });
    }
    lifeline::stop(stdin).await;
    Ok(())
}

#[inline(never)]
fn crunch(length: Duration) -> u64 {
    work::burn(length)
}

/// `backup`: writes its file over and over, synced, until the process is told to stop; then removes it.
pub async fn backup(stdin: bool) -> Result<()> {
    let path = folder::data()?.join(format!("backup-{}", std::process::id()));
    let mut file = File::create(&path)?;
    std::thread::spawn(move || {
        let block = vec![b'.'; BLOCK];
        for number in 0.. {
            if copy_block(&mut file, &block, number % BLOCKS).is_err() {
                return;
            }
        }
    });
    lifeline::stop(stdin).await;
    std::fs::remove_file(path)?;
    Ok(())
}

#[inline(never)]
fn copy_block(file: &mut File, block: &[u8], number: u64) -> std::io::Result<()> {
    file.seek(SeekFrom::Start(number * block.len() as u64))?;
    file.write_all(block)?;
    file.sync_data()
}
