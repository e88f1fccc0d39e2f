//! Runs the fuzz targets of every parser of foreign bytes below the store, each for so many seconds:
//! `fuzz --seconds 3`. The agent's own, those of unwinding and symbols, and that of incident bundles.
//!
//! For coverage-guided runs the same targets are plain `pub fn fuzz(&[u8])`.

mod grow;
mod targets;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let seconds = std::env::args().nth(2).map_or(Ok(3), |s| s.parse())?;
    let mut files: grow::Files = ["/bin/true", "/lib64/ld-linux-x86-64.so.2"]
        .iter()
        .filter_map(|path| std::fs::read(path).ok())
        .collect();
    files.push(coral_probes::unwind::vdso().unwrap_or_default());
    grow::run(&targets::TARGETS, &files, seconds)
}
