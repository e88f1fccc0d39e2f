//! Where the dynamic linker finds libduckdb; shared by the build scripts of `store` and `colony`, so that a started
//! binary and every test find it without LD_LIBRARY_PATH.

use std::path::Path;

/// Adds the run paths, and stops with what to do when the library is not where it should be.
///
/// # Errors
/// The sentence for the person who builds.
pub fn find_duckdb() -> Result<(), String> {
    println!("cargo:rerun-if-env-changed=DUCKDB_LIB_DIR");
    println!("cargo:rerun-if-env-changed=DUCKDB_DOWNLOAD_LIB");
    // Shipped: beside the binary. Downloaded by the crate itself: in `deps`, one folder below the binary.
    for place in ["$ORIGIN", "$ORIGIN/deps"] {
        println!("cargo:rustc-link-arg=-Wl,-rpath,{place}");
    }
    match std::env::var("DUCKDB_LIB_DIR") {
        Ok(folder) => {
            let library = Path::new(&folder).join("libduckdb.so");
            println!("cargo:rerun-if-changed={}", library.display());
            if !library.exists() {
                return Err(format!(
                    "there is no {}; run: cargo xtask setup",
                    library.display()
                ));
            }
            println!("cargo:rustc-link-arg=-Wl,-rpath,{folder}");
        }
        Err(_) if std::env::var_os("DUCKDB_DOWNLOAD_LIB").is_some() => {}
        Err(_) => println!(
            "cargo:warning=neither DUCKDB_LIB_DIR nor DUCKDB_DOWNLOAD_LIB is set; if the link fails, run: cargo xtask setup"
        ),
    }
    Ok(())
}
