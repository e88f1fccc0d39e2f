//! Clock events of the processors (`perf_event_open(2)`), to which a program is attached.

use std::io;
use std::os::fd::{AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd};

/// `PERF_TYPE_SOFTWARE`.
const SOFTWARE: u32 = 1;
/// `PERF_COUNT_SW_CPU_CLOCK`.
const CPU_CLOCK: u64 = 0;
/// Bits of `struct perf_event_attr`: begins disabled, leaves out idling, and `sample` is a frequency.
const DISABLED: u64 = 1;
const EXCLUDE_IDLE: u64 = 1 << 7;
const FREQUENCY: u64 = 1 << 10;
/// `PERF_COUNT_SW_DUMMY`: counts nothing, but the ring says what happens.
const DUMMY: u64 = 9;
/// Mapped code, names, begin and end of tasks; mappings with their file; names by exec marked.
const CODE: u64 = 1 << 8 | 1 << 9 | 1 << 13 | 1 << 23 | 1 << 24;
/// The number of the kind of events that places in files are.
const PLACES: &str = "/sys/bus/event_source/devices/uprobe/type";
/// `PERF_FLAG_FD_CLOEXEC`.
const CLOSE_ON_EXEC: u64 = 8;
/// `PERF_EVENT_IOC_ENABLE`.
const ENABLE: u64 = 0x2400;

/// The first part of `struct perf_event_attr`, include/uapi/linux/perf_event.h (`PERF_ATTR_SIZE_VER1`).
#[repr(C)]
#[derive(Default)]
struct Attributes {
    kind: u32,
    bytes: u32,
    config: u64,
    sample: u64,
    sample_type: u64,
    read_format: u64,
    flags: u64,
    wakeup: u32,
    breakpoint: u32,
    config1: u64,
    config2: u64,
}

/// Ticks of one processor, so many a second, as long as it does not idle. It does not run yet.
pub(crate) fn clock(processor: u32, hz: u32) -> io::Result<OwnedFd> {
    let attributes = Attributes {
        kind: SOFTWARE,
        bytes: std::mem::size_of::<Attributes>() as u32,
        config: CPU_CLOCK,
        sample: u64::from(hz),
        flags: DISABLED | EXCLUDE_IDLE | FREQUENCY,
        ..Attributes::default()
    };
    open(&attributes, processor)
}

/// What tells on one processor which code processes map.
pub(crate) fn code_events(processor: u32) -> io::Result<OwnedFd> {
    let attributes = Attributes {
        kind: SOFTWARE,
        bytes: std::mem::size_of::<Attributes>() as u32,
        config: DUMMY,
        flags: CODE,
        ..Attributes::default()
    };
    open(&attributes, processor)
}

/// A place of a file, at which a program can be; `on_return`: where the function that begins there returns to.
pub(crate) fn place(file: BorrowedFd<'_>, offset: u64, on_return: bool) -> io::Result<OwnedFd> {
    let number = std::fs::read_to_string(PLACES)?;
    let kind = number.trim().parse().map_err(io::Error::other)?;
    let path = format!("/proc/self/fd/{}\0", file.as_raw_fd());
    let attributes = Attributes {
        kind,
        bytes: std::mem::size_of::<Attributes>() as u32,
        // Bit 0: /sys/bus/event_source/devices/uprobe/format/retprobe.
        config: on_return.into(),
        config1: path.as_ptr() as u64,
        config2: offset,
        ..Attributes::default()
    };
    open(&attributes, 0)
}

fn open(attributes: &Attributes, processor: u32) -> io::Result<OwnedFd> {
    // SAFETY: the attributes have the size that they say.
    let fd = unsafe {
        libc::syscall(
            libc::SYS_perf_event_open,
            std::ptr::from_ref(attributes),
            -1,
            processor as i32,
            -1,
            CLOSE_ON_EXEC,
        )
    };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call returned a new descriptor that nobody else owns.
    Ok(unsafe { OwnedFd::from_raw_fd(fd as i32) })
}

/// Has it tick.
pub(crate) fn enable(event: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: the call takes no pointer.
    match unsafe { libc::ioctl(event.as_raw_fd(), ENABLE as libc::c_ulong, 0) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}
