//! What a program file gives: `inspect FILE [DEBUG FILE]` prints the figures of its unwind table, how long names of a
//! thousand addresses take, and how much memory that needs.

use coral_probes::symbols::{Files, Sources, Symbolizer};
use coral_probes::unwind;
use std::fs::File;
use std::time::Instant;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let paths: Vec<_> = std::env::args().skip(1).collect();
    let main = File::open(paths.first().ok_or("which file?")?)?;
    let debug = paths.get(1).map(File::open).transpose()?;
    let files = Files::open(&main, debug.as_ref(), None)?;
    let whole = std::fs::read(&paths[0])?;
    let begun = Instant::now();
    let (_table, report) = unwind::compile(&whole)?;
    println!("table: {} ms, {report:?}", begun.elapsed().as_millis());
    drop((_table, whole));
    println!("memory before names: {}", memory()?);

    let begun = Instant::now();
    let sources = Sources::of(&files)?;
    let symbolizer = Symbolizer::new(&sources);
    println!("open: {} ms, {}", begun.elapsed().as_millis(), memory()?);
    let segments = unwind::segments(&std::fs::read(&paths[0])?)?;
    let code = segments
        .iter()
        .filter(|segment| segment.is_executable)
        .max_by_key(|s| s.memory_bytes);
    let code = code.ok_or("no code")?;
    let (mut named, mut lines, mut frames, mut slowest) = (0, 0, 0, 0);
    let begun = Instant::now();
    for number in 0..1000 {
        let one = Instant::now();
        let found = symbolizer.find(code.address + code.memory_bytes / 1000 * number);
        slowest = slowest.max(one.elapsed().as_micros());
        named += u32::from(!found.frames.is_empty());
        lines += u32::from(found.frames.iter().any(|frame| frame.line.is_some()));
        frames += found.frames.len();
    }
    println!(
        "1000 addresses: {} ms, slowest {slowest} us; {named} named, {lines} with lines, {frames} frames, {}",
        begun.elapsed().as_millis(),
        memory()?
    );
    drop(symbolizer);
    files.forget();
    println!("after: {}", memory()?);
    Ok(())
}

/// Memory of its own and of mapped files.
fn memory() -> std::io::Result<String> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let lines = status.lines().filter(|line| {
        line.starts_with("RssAnon") || line.starts_with("RssFile") || line.starts_with("VmHWM")
    });
    Ok(lines.collect::<Vec<_>>().join(" ").replace('\t', " "))
}
