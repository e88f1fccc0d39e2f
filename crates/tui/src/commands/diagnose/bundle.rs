//! `coral diagnose --bundle DIR`: the cause of an incident on disk. Only the known files of the folder are opened, and only
//! when they are regular and not too large.

use super::{shown, verdict};
use crate::args::{Diagnose as Options, Output};
use crate::failure::Failure;
use coral_diagnose::Incident;
use coral_diagnose::bundle::{self, FILE_MAX, FILES, Files};
use coral_model::Diagnosis;
use nix::fcntl::OFlag;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::Instant;

/// The first so many files must be there.
const NEEDED: usize = 2;

/// Reads, diagnoses, prints.
pub(in crate::commands) fn run(options: &Options, output: Output) -> Result<(), Failure> {
    let Some(folder) = &options.bundle else {
        return Err(Failure::usage("no bundle is named", "--bundle DIR"));
    };
    let (_, diagnosis) = diagnosed(folder)?;
    shown(&diagnosis, output)?;
    verdict(&diagnosis, options)
}

/// The incident of a folder, and what is found in it.
pub(in crate::commands) fn diagnosed(folder: &Path) -> Result<(Incident, Diagnosis), Failure> {
    let begun = Instant::now();
    let mut contents: [Option<Vec<u8>>; FILES.len()] = Default::default();
    for (place, content) in contents.iter_mut().enumerate() {
        *content = read(folder, FILES[place], place < NEEDED)?;
    }
    let [incident, metrics, edges, events] = &contents;
    let files = Files {
        incident: incident.as_deref().unwrap_or_default(),
        metrics: metrics.as_deref().unwrap_or_default(),
        edges: edges.as_deref(),
        events: events.as_deref(),
    };
    let hint = "docs/incidents.md says what a bundle holds";
    let incident = bundle::parse(&files).map_err(|e| Failure::failed(e.to_string(), hint))?;
    let mut diagnosis = coral_diagnose::diagnose(&incident);
    coral_diagnose::leave_possible(&mut diagnosis);
    diagnosis.elapsed = Some(begun.elapsed());
    Ok((incident, diagnosis))
}

/// A file of the bundle; `None` when it is not there and need not be.
fn read(folder: &Path, name: &str, needed: bool) -> Result<Option<Vec<u8>>, Failure> {
    let path = folder.join(name);
    let failed = |what: &str| Failure::failed(format!("{}: {what}", path.display()), "");
    // A link or a pipe in somebody's folder is not followed and not waited for.
    let flags = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
    let opened = OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits())
        .open(&path);
    let file = match opened {
        Ok(file) => file,
        Err(e) if e.kind() == ErrorKind::NotFound && !needed => return Ok(None),
        Err(e) => return Err(failed(&e.to_string())),
    };
    let meta = file.metadata().map_err(|e| failed(&e.to_string()))?;
    if !meta.is_file() {
        return Err(failed("it is no regular file"));
    }
    if meta.len() > FILE_MAX {
        return Err(failed("it is larger than is read"));
    }
    let mut content = Vec::new();
    let read = file.take(FILE_MAX).read_to_end(&mut content);
    read.map_err(|e| failed(&e.to_string()))?;
    Ok(Some(content))
}
