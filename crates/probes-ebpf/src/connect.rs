//! Who opens a connection: noted at connect, in the process's own context. Packets do not tell: softirqs run in anybody's.

use crate::maps::OWNER;
use aya_ebpf::EbpfContext as _;
use aya_ebpf::bindings::bpf_sock_addr;
use aya_ebpf::helpers::{
    bpf_get_current_cgroup_id, bpf_get_current_comm, bpf_get_current_pid_tgid,
    bpf_get_socket_cookie,
};
use aya_ebpf::macros::cgroup_sock_addr;
use aya_ebpf::programs::SockAddrContext;
use coral_probes_abi::records::Owner;

const ALLOW: i32 = 1;
const TCP: u32 = 6;

#[cgroup_sock_addr(connect4)]
pub fn coral_connect4(ctx: SockAddrContext) -> i32 {
    note(&ctx, 4);
    ALLOW
}

#[cgroup_sock_addr(connect6)]
pub fn coral_connect6(ctx: SockAddrContext) -> i32 {
    note(&ctx, 6);
    ALLOW
}

/// The address that is connected to, IPv4 in the first four bytes.
#[inline(always)]
fn remote(address: *mut bpf_sock_addr, family: u8) -> [u8; 16] {
    // SAFETY: fields of the program's context, in network order; the verifier wants each word read by itself.
    let words = unsafe {
        if family == 4 {
            [(*address).user_ip4, 0, 0, 0]
        } else {
            let ip = &raw const (*address).user_ip6;
            [
                core::ptr::read_volatile(ip as *const u32),
                core::ptr::read_volatile((ip as *const u32).add(1)),
                core::ptr::read_volatile((ip as *const u32).add(2)),
                core::ptr::read_volatile((ip as *const u32).add(3)),
            ]
        }
    };
    // SAFETY: sixteen bytes either way.
    unsafe { core::mem::transmute(words) }
}

#[inline(always)]
fn note(ctx: &SockAddrContext, family: u8) {
    let address = ctx.sock_addr;
    // SAFETY: a field of the program's context.
    if unsafe { (*address).protocol } != TCP {
        return;
    }
    // SAFETY: helpers that read the current process and the socket.
    let (cookie, cgroup) = unsafe {
        (
            bpf_get_socket_cookie(ctx.as_ptr()),
            bpf_get_current_cgroup_id(),
        )
    };
    let owner = Owner {
        tgid: (bpf_get_current_pid_tgid() >> 32) as u32,
        // SAFETY: a field of the program's context, in network order.
        remote_port: (unsafe { (*address).user_port } as u16).swap_bytes(),
        family,
        unused: 0,
        cgroup,
        comm: bpf_get_current_comm().unwrap_or([0; 16]),
        remote: remote(address, family),
    };
    let _ = OWNER.insert(&cookie, &owner, 0);
}
