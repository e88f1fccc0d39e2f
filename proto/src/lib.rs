//! The wire of Coral: package `coral.v1`, its generated clients and servers, and the conversions from and to the model.
//! Whatever comes in is foreign: every conversion into the model checks, and says which field did not fit.

mod answer;
mod common;
mod question;
mod ship;
mod target;
mod want;

pub use common::{Bad, hello};
pub use ship::fuzz as fuzz_batch;

/// The generated code.
#[allow(missing_docs, clippy::all, reason = "generated")]
pub mod v1 {
    tonic::include_proto!("coral.v1");
}

/// The compiled descriptors of `coral.v1`; the committed copy is compared with it, so that nothing is renumbered.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/coral.v1.bin"));

/// Peers whose revision has the same major (hundreds) work together.
pub const WIRE_REVISION: u32 = 100;
