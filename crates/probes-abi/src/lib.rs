//! What the kernel programs and the user side must agree on to the bit: histogram arithmetic, map keys and values,
//! ring records, and the HTTP/1.1 framing engine. `no_std`, no allocation, no dependency; compiled by two compilers.
#![cfg_attr(not(test), no_std)]

pub mod histogram;
