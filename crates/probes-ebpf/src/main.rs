//! The kernel programs of Coral, one family a file. Nothing here names anything: offsets, addresses and counts leave the
//! kernel, the agent makes names of them.
#![no_std]
#![no_main]
#![allow(internal_features)]
#![feature(core_intrinsics)]

mod atomic;
mod buffer;
mod call;
mod call_end;
mod call_maps;
mod call_single;
mod call_values;
mod connect;
mod connection;
mod env;
mod maps;
mod memory;
mod packet;
mod profile;
mod sample_maps;
mod segment;
mod series;
mod state;
mod taken;
mod talk;
mod unix;
mod unix_env;

#[cfg(not(test))]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    loop {}
}

#[unsafe(link_section = "license")]
#[unsafe(no_mangle)]
static LICENSE: [u8; 13] = *b"Dual MIT/GPL\0";
