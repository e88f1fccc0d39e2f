//! Who opens a connection: noted at connect, in the process's own context. Packets do not tell: softirqs run in anybody's.

use crate::maps::OWNER;
use aya_ebpf::EbpfContext as _;
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
    note(&ctx);
    ALLOW
}

#[cgroup_sock_addr(connect6)]
pub fn coral_connect6(ctx: SockAddrContext) -> i32 {
    note(&ctx);
    ALLOW
}

#[inline(always)]
fn note(ctx: &SockAddrContext) {
    // SAFETY: a field of the program's context.
    if unsafe { (*ctx.sock_addr).protocol } != TCP {
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
        unused: 0,
        cgroup,
        comm: bpf_get_current_comm().unwrap_or([0; 16]),
    };
    let _ = OWNER.insert(&cookie, &owner, 0);
}
