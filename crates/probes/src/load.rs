//! Loading: reads the kernel's types and the object, has the kernel check the programs. Several megabytes of memory come
//! and go with it, so the agent does it in a process of its own.

mod places;

use crate::ProbesError;
use aya::programs::{CgroupSkb, CgroupSockAddr, Program};
use aya::{Btf, Ebpf, EbpfLoader};
use coral_probes_abi::records::names;
use std::collections::BTreeMap;
use std::os::fd::{AsFd as _, OwnedFd};

/// The committed object; `object.toml` beside it says what it was made from.
static OBJECT: &[u8] = aya::include_bytes_aligned!("../object/coral.bpf.o");

/// The kernel's tracepoints, by program.
const TRACEPOINTS: [(&str, &str); 3] = [
    ("coral_memory", "consume_skb"),
    ("coral_state", "inet_sock_set_state"),
    ("coral_unix", "consume_skb"),
];

/// The kernel's description of its types.
const KERNEL_TYPES: &str = "/sys/kernel/btf/vmlinux";

/// Loaded programs and maps by name, not attached yet.
#[derive(Debug, Default)]
pub struct Loaded {
    /// Program descriptors.
    pub programs: BTreeMap<String, OwnedFd>,
    /// Map descriptors.
    pub maps: BTreeMap<String, OwnedFd>,
}

/// Loads all programs of the embedded object.
///
/// # Errors
/// [`ProbesError::Refused`] with the kernel's words and the end of the verifier's log.
pub fn load() -> Result<Loaded, ProbesError> {
    load_sized(&[])
}

/// As [`load`], with other numbers of places in maps of these names: what happens when they are full is a matter of tests.
///
/// # Errors
/// As [`load`].
pub fn load_sized(sizes: &[(&'static str, u32)]) -> Result<Loaded, ProbesError> {
    let btf = Btf::from_sys_fs().map_err(|e| refused("the kernel's own types (BTF)", &e))?;
    let mut loader = EbpfLoader::new();
    for (name, places) in sizes {
        loader.map_max_entries(name, *places);
    }
    let mut ebpf = loader
        .btf(Some(&btf))
        .load(OBJECT)
        .map_err(|e| refused("the object", &e))?;
    let mut loaded = Loaded::default();
    let at_places = names_of(&ebpf, |program| matches!(program, Program::UProbe(_)));
    for (name, program) in ebpf.programs_mut() {
        if at_places.iter().any(|own| own == name) {
            continue;
        }
        load_program(name, program, &btf).map_err(|e| refused(name, &e))?;
        let fd = program.fd().map_err(|e| refused(name, &e))?;
        loaded
            .programs
            .insert(name.to_owned(), copy(fd.as_fd(), name)?);
    }
    tell_layout(&mut ebpf)?;
    take_maps(&mut ebpf, &mut loaded)?;
    places::load(&btf, &at_places, &mut loaded)?;
    Ok(loaded)
}

fn names_of(ebpf: &Ebpf, is_meant: impl Fn(&Program) -> bool) -> Vec<String> {
    let programs = ebpf.programs().filter(|(_, program)| is_meant(program));
    programs.map(|(name, _)| name.to_owned()).collect()
}

/// Tells the programs where this kernel keeps what they look for.
fn tell_layout(ebpf: &mut Ebpf) -> Result<(), ProbesError> {
    let what = "the kernel's layout";
    let btf = std::fs::read(KERNEL_TYPES).map_err(|e| refused(what, &e))?;
    let missing = || ProbesError::Handover(format!("map {} is missing", names::LAYOUT));
    let map = ebpf.map_mut(names::LAYOUT).ok_or_else(missing)?;
    let mut places = aya::maps::Array::<_, u32>::try_from(map).map_err(|e| refused(what, &e))?;
    for (index, offset) in crate::layout::offsets(&btf).into_iter().enumerate() {
        let set = places.set(index as u32, offset, 0);
        set.map_err(|e| refused(what, &e))?;
    }
    Ok(())
}

fn load_program(
    name: &str,
    program: &mut Program,
    btf: &Btf,
) -> Result<(), aya::programs::ProgramError> {
    match program {
        Program::CgroupSkb(program) => CgroupSkb::load(program),
        Program::CgroupSockAddr(program) => CgroupSockAddr::load(program),
        Program::PerfEvent(program) => program.load(),
        Program::BtfTracePoint(program) => {
            let known = TRACEPOINTS.iter().find(|(own, _)| *own == name);
            program.load(known.map_or(name, |(_, tracepoint)| tracepoint), btf)
        }
        other => Err(aya::programs::ProgramError::UnexpectedProgramType).inspect_err(|_| {
            tracing::error!(kind = ?other.prog_type(), "the object holds a program that nobody loads");
        }),
    }
}

fn take_maps(ebpf: &mut Ebpf, loaded: &mut Loaded) -> Result<(), ProbesError> {
    for (name, map) in ebpf.maps() {
        use aya::maps::Map;
        let data = match map {
            Map::HashMap(data)
            | Map::LruHashMap(data)
            | Map::Array(data)
            | Map::PerCpuArray(data)
            | Map::HashOfMaps(data)
            | Map::RingBuf(data) => data,
            _ => continue,
        };
        loaded
            .maps
            .insert(name.to_owned(), copy(data.fd().as_fd(), name)?);
    }
    Ok(())
}

fn copy(fd: std::os::fd::BorrowedFd<'_>, what: &str) -> Result<OwnedFd, ProbesError> {
    fd.try_clone_to_owned().map_err(|source| ProbesError::Call {
        call: "dup",
        what: what.to_owned(),
        source,
    })
}

/// How much of the verifier's log is kept: its end says why.
const LOG_BYTES: usize = 3000;

fn refused(what: &str, error: &dyn std::error::Error) -> ProbesError {
    let (mut message, mut cause) = (error.to_string(), error.source());
    while let Some(source) = cause {
        message = format!("{message}: {source}");
        cause = source.source();
    }
    if message.len() > LOG_BYTES {
        let from = message.len() - LOG_BYTES;
        let from = (from..message.len())
            .find(|&i| message.is_char_boundary(i))
            .unwrap_or(from);
        message = format!("... {}", &message[from..]);
    }
    ProbesError::Refused {
        what: what.to_owned(),
        message,
    }
}
