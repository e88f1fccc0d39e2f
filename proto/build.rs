//! Compiles `coral/v1/*.proto` with protox (no protoc on the machine) into tonic clients and servers.

use prost::Message as _;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=coral");
    let files = ["ship", "desired", "detail", "query", "watch", "want"]
        .map(|name| format!("coral/v1/{name}.proto"));
    let set = protox::compile(files, ["."])?;
    let out = std::path::PathBuf::from(std::env::var("OUT_DIR")?);
    std::fs::write(out.join("coral.v1.bin"), set.encode_to_vec())?;
    tonic_prost_build::configure().compile_fds(set)?;
    Ok(())
}
