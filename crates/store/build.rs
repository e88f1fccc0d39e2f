//! Makes the tests of this crate find libduckdb.

#[path = "build/rpath.rs"]
mod rpath;

fn main() -> Result<(), String> {
    rpath::find_duckdb()
}
