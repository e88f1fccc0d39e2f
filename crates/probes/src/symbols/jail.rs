//! What the child gives up before it reads a foreign byte: identity, capabilities, memory, time, and all system calls but
//! those that reading mapped files and talking over one socket need. Whoever takes it over has a socket and nothing else.

use std::io;

/// Most memory of its own, mapped files not counted.
const DATA_BYTES: u64 = 512 << 20;
/// Processor time after which the kernel ends it; it ends by itself before, between two requests.
const CPU_SECONDS: u64 = 120;
/// `nobody`.
const NOBODY: libc::uid_t = 65_534;

/// Gives up all of it. After an error nothing foreign must be read.
pub(super) fn enter() -> io::Result<()> {
    limit(libc::RLIMIT_DATA, DATA_BYTES)?;
    limit(libc::RLIMIT_CPU, CPU_SECONDS)?;
    limit(libc::RLIMIT_CORE, 0)?;
    // SAFETY: plain calls with numbers, which have no effect on memory.
    unsafe {
        libc::setpriority(libc::PRIO_PROCESS, 0, 10);
        if libc::geteuid() == 0 {
            checked(libc::setgroups(0, std::ptr::null()))?;
            checked(libc::setresgid(NOBODY, NOBODY, NOBODY))?;
            checked(libc::setresuid(NOBODY, NOBODY, NOBODY))?;
        }
    }
    drop_capabilities()?;
    // SAFETY: as above. A change of identity forgets the signal at the parent's death, so it is asked for now.
    unsafe {
        checked(libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL, 0, 0, 0))?;
        checked(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))?;
    }
    filter()
}

fn limit(which: libc::__rlimit_resource_t, most: u64) -> io::Result<()> {
    let limits = libc::rlimit {
        rlim_cur: most,
        rlim_max: most,
    };
    // SAFETY: the structure lives through the call.
    checked(unsafe { libc::setrlimit(which, &limits) })
}

fn checked(result: i32) -> io::Result<()> {
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// `struct __user_cap_header_struct` and two `struct __user_cap_data_struct`, of `linux/capability.h`.
fn drop_capabilities() -> io::Result<()> {
    const VERSION_3: u32 = 0x2008_0522;
    let header = [VERSION_3, 0u32];
    let none = [0u32; 6];
    // SAFETY: both arrays have the layout that the call reads.
    let result = unsafe { libc::syscall(libc::SYS_capset, header.as_ptr(), none.as_ptr()) };
    checked(result as i32)
}

/// Calls that may be made with any arguments.
const ALLOWED: [i64; 33] = [
    libc::SYS_read,
    libc::SYS_write,
    libc::SYS_readv,
    libc::SYS_writev,
    libc::SYS_pread64,
    libc::SYS_lseek,
    libc::SYS_close,
    libc::SYS_fstat,
    libc::SYS_poll,
    libc::SYS_ppoll,
    libc::SYS_recvmsg,
    libc::SYS_sendmsg,
    libc::SYS_recvfrom,
    libc::SYS_sendto,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_madvise,
    libc::SYS_brk,
    libc::SYS_futex,
    libc::SYS_sched_yield,
    libc::SYS_clock_gettime,
    libc::SYS_clock_nanosleep,
    libc::SYS_nanosleep,
    libc::SYS_restart_syscall,
    libc::SYS_getrandom,
    libc::SYS_getpid,
    libc::SYS_gettid,
    libc::SYS_rt_sigreturn,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigaction,
    libc::SYS_sigaltstack,
    libc::SYS_exit,
    libc::SYS_exit_group,
];
/// A call that fails: the library tries to read a setting when it gives memory back, and does without.
const REFUSED: i64 = libc::SYS_openat;
/// The one thing that may be asked of a descriptor: the library looks whether it is open before it closes it.
const WITH_GETFD: i64 = libc::SYS_fcntl;
/// Calls that may be made without `PROT_EXEC` in their third argument.
const WITHOUT_EXECUTION: [i64; 2] = [libc::SYS_mmap, libc::SYS_mprotect];

/// `AUDIT_ARCH_X86_64`.
const ARCHITECTURE: u32 = 0xc000_003e;
// Offsets in `struct seccomp_data`.
const NUMBER_AT: u32 = 0;
const ARCHITECTURE_AT: u32 = 4;
const SECOND_ARGUMENT_AT: u32 = 24;
const THIRD_ARGUMENT_AT: u32 = 32;

const LOAD: u16 = 0x20;
const JUMP_IF_EQUAL: u16 = 0x15;
const JUMP_IF_ANY: u16 = 0x45;
const RETURN: u16 = 0x06;

fn op(code: u16, k: u32, jt: usize, jf: usize) -> libc::sock_filter {
    libc::sock_filter {
        code,
        jt: jt as u8,
        jf: jf as u8,
        k,
    }
}

/// The filter: the process is killed for every call that is not allowed. What `abort` needs to die as it should is not,
/// so that it dies by the filter instead.
fn program() -> Vec<libc::sock_filter> {
    let mut program = vec![
        op(LOAD, ARCHITECTURE_AT, 0, 0),
        op(JUMP_IF_EQUAL, ARCHITECTURE, 1, 0),
        op(RETURN, libc::SECCOMP_RET_KILL_PROCESS, 0, 0),
        op(LOAD, NUMBER_AT, 0, 0),
    ];
    // Each list is followed by: nothing of it, go on after its answer.
    for number in ALLOWED {
        program.push(op(JUMP_IF_EQUAL, number as u32, 0, 1));
        program.push(op(RETURN, libc::SECCOMP_RET_ALLOW, 0, 0));
    }
    for number in WITHOUT_EXECUTION {
        program.push(op(JUMP_IF_EQUAL, number as u32, 0, 4));
        program.push(op(LOAD, THIRD_ARGUMENT_AT, 0, 0));
        program.push(op(JUMP_IF_ANY, libc::PROT_EXEC as u32, 1, 0));
        program.push(op(RETURN, libc::SECCOMP_RET_ALLOW, 0, 0));
        program.push(op(RETURN, libc::SECCOMP_RET_KILL_PROCESS, 0, 0));
    }
    let refusal = libc::SECCOMP_RET_ERRNO | libc::EACCES as u32;
    program.push(op(JUMP_IF_EQUAL, REFUSED as u32, 0, 1));
    program.push(op(RETURN, refusal, 0, 0));
    program.push(op(JUMP_IF_EQUAL, WITH_GETFD as u32, 0, 3));
    program.push(op(LOAD, SECOND_ARGUMENT_AT, 0, 0));
    program.push(op(JUMP_IF_EQUAL, libc::F_GETFD as u32, 0, 1));
    program.push(op(RETURN, libc::SECCOMP_RET_ALLOW, 0, 0));
    program.push(op(RETURN, libc::SECCOMP_RET_KILL_PROCESS, 0, 0));
    program
}

fn filter() -> io::Result<()> {
    let mut program = program();
    let program = libc::sock_fprog {
        len: program.len() as u16,
        filter: program.as_mut_ptr(),
    };
    // SAFETY: the program lives through the call, which copies it.
    let result = unsafe {
        libc::syscall(
            libc::SYS_seccomp,
            libc::SECCOMP_SET_MODE_FILTER,
            libc::SECCOMP_FILTER_FLAG_TSYNC,
            &program,
        )
    };
    checked(result as i32)
}
