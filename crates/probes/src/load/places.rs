//! Programs for places in files. The library that loads the others knows how to attach them to one place each, which takes
//! a tenth of a second to undo; those that are attached to many at once say so when they are loaded, so these are loaded
//! here, over the maps that it made.

use super::{Loaded, OBJECT, refused};
use crate::ProbesError;
use crate::sys::{self, ProgramInfo};
use aya::Btf;
use aya_obj::btf::BtfFeatures;
use aya_obj::generated::bpf_insn;
use aya_obj::{Function, Map, Object};
use std::collections::{HashMap, HashSet};
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd, OwnedFd};

/// All kinds of types that this object has are known to every kernel that Coral runs on (Linux 5.15), but for the last.
const TYPES: BtfFeatures = BtfFeatures::new(true, true, true, true, true, true, true, false);
/// How much the verifier may say.
const LOG_BYTES: usize = 1 << 20;

/// Loads these programs of the object and adds them to what was loaded.
pub(super) fn load(btf: &Btf, names: &[String], loaded: &mut Loaded) -> Result<(), ProbesError> {
    let what = "the programs for places in files";
    let mut object = Object::parse(OBJECT).map_err(|e| refused(what, &e))?;
    let types = object.fixup_and_sanitize_btf(&TYPES);
    let types = types.map_err(|e| refused(what, &e))?;
    let types = types.map(aya_obj::btf::Btf::to_bytes).unwrap_or_default();
    let types = sys::load_types(&types).map_err(|e| refused("the object's types", &e))?;
    object.relocate_btf(btf).map_err(|e| refused(what, &e))?;
    let maps: HashMap<String, Map> = object.maps.drain().collect();
    let text: HashSet<usize> = object.functions.keys().map(|(at, _)| *at).collect();
    let known = maps.iter().filter_map(|(name, map)| {
        let fd = loaded.maps.get(name)?.as_raw_fd();
        Some((name.as_str(), fd, map))
    });
    let related = object.relocate_maps(known, &text);
    related.map_err(|e| refused(what, &e))?;
    let related = object.relocate_calls(&text);
    related.map_err(|e| refused(what, &e))?;
    for name in names {
        let program = object.programs.get(name);
        let function = program.and_then(|p| object.functions.get(&p.function_key()));
        let missing = || ProbesError::Handover(format!("program {name} is missing"));
        let program = one(name, function.ok_or_else(missing)?, types.as_fd())?;
        loaded.programs.insert(name.clone(), program);
    }
    Ok(())
}

fn one(name: &str, function: &Function, types: BorrowedFd<'_>) -> Result<OwnedFd, ProbesError> {
    let (functions, lines) = (
        function.func_info.func_info_bytes(),
        function.line_info.line_info_bytes(),
    );
    let info = ProgramInfo {
        btf: types,
        functions: &functions,
        function_bytes: function.func_info_rec_size,
        lines: &lines,
        line_bytes: function.line_info_rec_size,
    };
    let instructions = bytes_of(&function.instructions);
    sys::load_for_places(name, instructions, &info, &mut []).or_else(|_| {
        // Once more for what the verifier has to say.
        let mut log = vec![0; LOG_BYTES];
        let again = sys::load_for_places(name, instructions, &info, &mut log);
        again.map_err(|source| {
            let end = log.iter().position(|byte| *byte == 0);
            let said = &log[..end.unwrap_or(log.len())];
            let said = String::from_utf8_lossy(said).into_owned();
            refused(name, &Said { source, said })
        })
    })
}

/// Why a program was refused.
#[derive(Debug, thiserror::Error)]
#[error("{source}: {said}")]
struct Said {
    source: std::io::Error,
    said: String,
}

fn bytes_of(instructions: &[bpf_insn]) -> &[u8] {
    // SAFETY: instructions are plain data of eight bytes each.
    unsafe {
        std::slice::from_raw_parts(
            instructions.as_ptr().cast(),
            std::mem::size_of_val(instructions),
        )
    }
}
