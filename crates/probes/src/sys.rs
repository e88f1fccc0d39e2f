//! The few bpf(2) commands that are called directly: links made by whoever drains, and maps read in batches, both without
//! keeping a loader's parsed object in memory. Layouts: `include/uapi/linux/bpf.h`.

use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd};

const BPF_MAP_CREATE: u32 = 0;
const BPF_PROG_LOAD: u32 = 5;
const BPF_BTF_LOAD: u32 = 18;
const BPF_MAP_LOOKUP_ELEM: u32 = 1;
const BPF_MAP_UPDATE_ELEM: u32 = 2;
const BPF_MAP_DELETE_ELEM: u32 = 3;
const BPF_OBJ_GET_INFO_BY_FD: u32 = 15;
const BPF_RAW_TRACEPOINT_OPEN: u32 = 17;
const BPF_MAP_LOOKUP_BATCH: u32 = 24;
const BPF_MAP_LOOKUP_AND_DELETE_BATCH: u32 = 25;
const BPF_MAP_UPDATE_BATCH: u32 = 26;
const BPF_LINK_CREATE: u32 = 28;

/// `BPF_MAP_TYPE_ARRAY`.
const ARRAY: u32 = 2;
/// `BPF_PERF_EVENT` of `enum bpf_attach_type`.
const PERF_EVENT: u32 = 41;
/// `BPF_TRACE_UPROBE_MULTI` of `enum bpf_attach_type`: many places of one file at once (Linux 6.6).
const UPROBE_MULTI: u32 = 48;
/// `BPF_F_UPROBE_MULTI_RETURN`: where the function that begins at the place returns to.
const ON_RETURN: u32 = 1;
/// `BPF_PROG_TYPE_KPROBE`, which programs at places in files are.
const KPROBE: u32 = 2;
/// `BPF_F_INNER_MAP`: an array inside of a map may have another size than the first (Linux 5.10).
const INNER_MAP: u32 = 1 << 12;

#[repr(C)]
#[derive(Default)]
struct Element {
    map_fd: u32,
    unused: u32,
    key: u64,
    value: u64,
    flags: u64,
}

#[repr(C)]
#[derive(Default)]
struct Batch {
    in_batch: u64,
    out_batch: u64,
    keys: u64,
    values: u64,
    count: u32,
    map_fd: u32,
    element_flags: u64,
    flags: u64,
}

#[repr(C)]
#[derive(Default)]
struct RawTracepoint {
    name: u64,
    program_fd: u32,
    unused: u32,
}

#[repr(C)]
#[derive(Default)]
struct LinkCreate {
    program_fd: u32,
    target_fd: u32,
    attach_type: u32,
    flags: u32,
    cookie: u64,
}

/// `BPF_LINK_CREATE` with what [`UPROBE_MULTI`] adds to it.
#[repr(C)]
#[derive(Default)]
struct LinkPlaces {
    program_fd: u32,
    target_fd: u32,
    attach_type: u32,
    flags: u32,
    path: u64,
    offsets: u64,
    semaphores: u64,
    cookies: u64,
    count: u32,
    place_flags: u32,
    pid: u32,
    unused: u32,
}

#[repr(C)]
#[derive(Default)]
struct BtfLoad {
    btf: u64,
    log: u64,
    bytes: u32,
    log_bytes: u32,
    log_level: u32,
    unused: u32,
}

#[repr(C)]
#[derive(Default)]
struct ProgLoad {
    program_type: u32,
    instructions_count: u32,
    instructions: u64,
    license: u64,
    log_level: u32,
    log_bytes: u32,
    log: u64,
    kernel_version: u32,
    flags: u32,
    name: [u8; 16],
    interface: u32,
    attach_type: u32,
    btf_fd: u32,
    function_bytes: u32,
    functions: u64,
    functions_count: u32,
    line_bytes: u32,
    lines: u64,
    lines_count: u32,
    unused: u32,
}

#[repr(C)]
#[derive(Default)]
struct MapCreate {
    map_type: u32,
    key_bytes: u32,
    value_bytes: u32,
    places: u32,
    flags: u32,
    inner_map_fd: u32,
    numa_node: u32,
    name: [u8; 16],
}

fn bpf<T>(command: u32, attributes: &mut T) -> io::Result<i64> {
    // SAFETY: `attributes` is the part of `union bpf_attr` that the command reads, with its size.
    let result = unsafe {
        libc::syscall(
            libc::SYS_bpf,
            command,
            attributes as *mut T,
            std::mem::size_of::<T>(),
        )
    };
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(result)
    }
}

fn descriptor(result: i64) -> OwnedFd {
    // SAFETY: the command returned a new descriptor that nobody else owns.
    unsafe { OwnedFd::from_raw_fd(result as i32) }
}

#[repr(C)]
#[derive(Default)]
struct Info {
    fd: u32,
    bytes: u32,
    info: u64,
}

/// Words of `struct bpf_prog_info` up to `recursion_misses`, which is the last of them.
const INFO_WORDS: usize = 27;

/// How often the kernel did not run a program because it was running already; 0 where it does not say.
pub(crate) fn missed(program: BorrowedFd<'_>) -> io::Result<u64> {
    let mut words = [0u64; INFO_WORDS];
    let mut attributes = Info {
        fd: program.as_raw_fd() as u32,
        bytes: std::mem::size_of_val(&words) as u32,
        info: words.as_mut_ptr() as u64,
    };
    bpf(BPF_OBJ_GET_INFO_BY_FD, &mut attributes)?;
    Ok(words[INFO_WORDS - 1])
}

/// Attaches a program to a control group; the link lasts as long as the descriptor.
pub(crate) fn link_cgroup(
    program: BorrowedFd<'_>,
    cgroup: BorrowedFd<'_>,
    attach_type: u32,
) -> io::Result<OwnedFd> {
    let mut attributes = LinkCreate {
        program_fd: program.as_raw_fd() as u32,
        target_fd: cgroup.as_raw_fd() as u32,
        attach_type,
        ..LinkCreate::default()
    };
    bpf(BPF_LINK_CREATE, &mut attributes).map(descriptor)
}

/// Attaches a program to a clock event, which tells it the cookie.
pub(crate) fn link_perf(
    program: BorrowedFd<'_>,
    event: BorrowedFd<'_>,
    cookie: u64,
) -> io::Result<OwnedFd> {
    let mut attributes = LinkCreate {
        program_fd: program.as_raw_fd() as u32,
        target_fd: event.as_raw_fd() as u32,
        attach_type: PERF_EVENT,
        cookie,
        ..LinkCreate::default()
    };
    bpf(BPF_LINK_CREATE, &mut attributes).map(descriptor)
}

/// Attaches a program to places of a file, each by its offset and with a cookie; at the ends of the functions that begin
/// there, when they are seen by their return. The link lasts as long as the descriptor.
pub(crate) fn link_places(
    program: BorrowedFd<'_>,
    file: BorrowedFd<'_>,
    offsets: &[u64],
    cookies: &[u64],
    on_return: bool,
) -> io::Result<OwnedFd> {
    let path = format!("/proc/self/fd/{}\0", file.as_raw_fd());
    let mut attributes = LinkPlaces {
        program_fd: program.as_raw_fd() as u32,
        attach_type: UPROBE_MULTI,
        path: path.as_ptr() as u64,
        offsets: offsets.as_ptr() as u64,
        cookies: cookies.as_ptr() as u64,
        count: offsets.len().min(cookies.len()) as u32,
        place_flags: if on_return { ON_RETURN } else { 0 },
        ..LinkPlaces::default()
    };
    bpf(BPF_LINK_CREATE, &mut attributes).map(descriptor)
}

/// Types and functions of a program, as the kernel wants to be told of them.
pub(crate) struct ProgramInfo<'a> {
    pub btf: BorrowedFd<'a>,
    pub functions: &'a [u8],
    pub function_bytes: usize,
    pub lines: &'a [u8],
    pub line_bytes: usize,
}

/// Has the kernel read types.
pub(crate) fn load_types(types: &[u8]) -> io::Result<OwnedFd> {
    let mut attributes = BtfLoad {
        btf: types.as_ptr() as u64,
        bytes: types.len() as u32,
        ..BtfLoad::default()
    };
    bpf(BPF_BTF_LOAD, &mut attributes).map(descriptor)
}

/// Has the kernel check a program that is attached with [`link_places`]; `log` takes what the verifier says. Instructions
/// are eight bytes each.
pub(crate) fn load_for_places(
    name: &str,
    instructions: &[u8],
    info: &ProgramInfo<'_>,
    log: &mut [u8],
) -> io::Result<OwnedFd> {
    let mut short = [0u8; 16];
    short
        .iter_mut()
        .zip(name.bytes().take(15))
        .for_each(|(to, from)| *to = from);
    let license = c"Dual MIT/GPL";
    let records = |bytes: &[u8], each: usize| bytes.len().checked_div(each).unwrap_or(0) as u32;
    let mut attributes = ProgLoad {
        program_type: KPROBE,
        instructions_count: (instructions.len() / 8) as u32,
        instructions: instructions.as_ptr() as u64,
        license: license.as_ptr() as u64,
        log_level: u32::from(!log.is_empty()),
        log_bytes: log.len() as u32,
        log: if log.is_empty() {
            0
        } else {
            log.as_mut_ptr() as u64
        },
        name: short,
        attach_type: UPROBE_MULTI,
        btf_fd: info.btf.as_raw_fd() as u32,
        function_bytes: info.function_bytes as u32,
        functions: info.functions.as_ptr() as u64,
        functions_count: records(info.functions, info.function_bytes),
        line_bytes: info.line_bytes as u32,
        lines: info.lines.as_ptr() as u64,
        lines_count: records(info.lines, info.line_bytes),
        ..ProgLoad::default()
    };
    bpf(BPF_PROG_LOAD, &mut attributes).map(descriptor)
}

/// An array with these values, to be held by a map of maps.
pub(crate) fn array<V: Plain>(values: &[V]) -> io::Result<OwnedFd> {
    let mut attributes = MapCreate {
        map_type: ARRAY,
        key_bytes: 4,
        value_bytes: std::mem::size_of::<V>() as u32,
        places: values.len() as u32,
        flags: INNER_MAP,
        name: *b"coral_table\0\0\0\0\0",
        ..MapCreate::default()
    };
    let array = bpf(BPF_MAP_CREATE, &mut attributes).map(descriptor)?;
    let keys: Vec<u32> = (0..values.len() as u32).collect();
    let mut batch = Batch {
        keys: keys.as_ptr() as u64,
        values: values.as_ptr() as u64,
        count: values.len() as u32,
        map_fd: number(array.as_fd()),
        ..Batch::default()
    };
    bpf(BPF_MAP_UPDATE_BATCH, &mut batch)?;
    Ok(array)
}

/// A descriptor as the values of a map of maps have it.
pub(crate) fn number(map: BorrowedFd<'_>) -> u32 {
    map.as_raw_fd() as u32
}

/// Attaches a program to the tracepoint that it was loaded for.
pub(crate) fn link_tracepoint(program: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    let mut attributes = RawTracepoint {
        program_fd: program.as_raw_fd() as u32,
        ..RawTracepoint::default()
    };
    bpf(BPF_RAW_TRACEPOINT_OPEN, &mut attributes).map(descriptor)
}

/// Plain data that a map holds: any bytes of its size are a value of it.
///
/// # Safety
/// The type is `repr(C)`, without padding that matters, references or invalid bit patterns.
pub(crate) unsafe trait Plain: Copy {}

/// Reads one value.
pub(crate) fn lookup<K: Plain, V: Plain>(map: BorrowedFd<'_>, key: &K) -> io::Result<Option<V>> {
    let mut value = std::mem::MaybeUninit::<V>::uninit();
    let mut attributes = element(map, key, value.as_mut_ptr() as u64, 0);
    match bpf(BPF_MAP_LOOKUP_ELEM, &mut attributes) {
        // SAFETY: the kernel filled the value, and any bytes are one.
        Ok(_) => Ok(Some(unsafe { value.assume_init() })),
        Err(e) if e.raw_os_error() == Some(libc::ENOENT) => Ok(None),
        Err(e) => Err(e),
    }
}

/// Writes one value.
pub(crate) fn update<K: Plain, V: Plain>(
    map: BorrowedFd<'_>,
    key: &K,
    value: &V,
) -> io::Result<()> {
    bpf(
        BPF_MAP_UPDATE_ELEM,
        &mut element(map, key, value as *const V as u64, 0),
    )
    .map(|_| ())
}

/// Deletes one value; that it was not there is no error.
pub(crate) fn delete<K: Plain>(map: BorrowedFd<'_>, key: &K) -> io::Result<()> {
    match bpf(BPF_MAP_DELETE_ELEM, &mut element(map, key, 0, 0)) {
        Err(e) if e.raw_os_error() != Some(libc::ENOENT) => Err(e),
        _ => Ok(()),
    }
}

fn element<K>(map: BorrowedFd<'_>, key: &K, value: u64, flags: u64) -> Element {
    Element {
        map_fd: map.as_raw_fd() as u32,
        unused: 0,
        key: key as *const K as u64,
        value,
        flags,
    }
}

/// Reads every entry of a hash map, some thousand at a call, into `each`. An entry that is there from begin to end is
/// seen once; hash buckets are read whole, under their lock.
pub(crate) fn read_all<K: Plain, V: Plain>(
    map: BorrowedFd<'_>,
    batch: &mut Vec<(Vec<K>, Vec<V>)>,
    each: impl FnMut(&K, &V),
) -> io::Result<()> {
    in_batches(BPF_MAP_LOOKUP_BATCH, map, batch, each)
}

/// As [`read_all`], and deletes what it reads, each entry in the same moment.
pub(crate) fn take_all<K: Plain, V: Plain>(
    map: BorrowedFd<'_>,
    batch: &mut Vec<(Vec<K>, Vec<V>)>,
    each: impl FnMut(&K, &V),
) -> io::Result<()> {
    in_batches(BPF_MAP_LOOKUP_AND_DELETE_BATCH, map, batch, each)
}

fn in_batches<K: Plain, V: Plain>(
    command: u32,
    map: BorrowedFd<'_>,
    batch: &mut Vec<(Vec<K>, Vec<V>)>,
    mut each: impl FnMut(&K, &V),
) -> io::Result<()> {
    const AT_ONCE: usize = 1024;
    if batch.is_empty() {
        batch.push((Vec::with_capacity(AT_ONCE), Vec::with_capacity(AT_ONCE)));
    }
    let (keys, values) = &mut batch[0];
    // The kernel's own word for how far it got: a bucket number.
    let (mut position, mut begun) = (0u32, false);
    loop {
        let mut next = 0u32;
        let mut attributes = Batch {
            in_batch: if begun { &raw mut position as u64 } else { 0 },
            out_batch: &raw mut next as u64,
            keys: keys.as_mut_ptr() as u64,
            values: values.as_mut_ptr() as u64,
            count: keys.capacity().min(values.capacity()) as u32,
            map_fd: map.as_raw_fd() as u32,
            ..Batch::default()
        };
        let done = match bpf(command, &mut attributes) {
            Ok(_) => false,
            Err(e) if e.raw_os_error() == Some(libc::ENOENT) => true,
            // A bucket holds more than fits; nothing of it was copied.
            Err(e) if e.raw_os_error() == Some(libc::ENOSPC) => {
                let more = keys.capacity() * 2;
                keys.reserve(more);
                values.reserve(more);
                continue;
            }
            Err(e) => return Err(e),
        };
        let count = attributes.count as usize;
        // SAFETY: the kernel filled `count` keys and values, at most the capacity, and any bytes are one.
        unsafe {
            keys.set_len(count);
            values.set_len(count);
        }
        keys.iter()
            .zip(values.iter())
            .for_each(|(key, value)| each(key, value));
        keys.clear();
        values.clear();
        if done {
            return Ok(());
        }
        (position, begun) = (next, true);
    }
}
