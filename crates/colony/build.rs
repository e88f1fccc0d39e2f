//! Makes the started `coral-colony` and the tests of this crate find libduckdb.

#[path = "../store/build/rpath.rs"]
mod rpath;

fn main() -> Result<(), String> {
    rpath::find_duckdb()
}
