//! The files that names are read from: the program, its debug file, and what several debug files share. They are mapped,
//! so they cost memory only while they are looked at; compressed sections are kept unpacked, up to a bound.

use super::debug_file::Identity;
use super::{Missing, symbolizer::Bytes};
use crate::elf::{ElfError, Image};
use gimli::{DwarfSections, EndianSlice, LittleEndian, SectionId};
use memmap2::{Mmap, MmapOptions, UncheckedAdvice};
use std::borrow::Cow;
use std::cell::Cell;
use std::fs::File;
use std::io::{Seek as _, SeekFrom};

/// Largest file.
pub const MOST_FILE_BYTES: u64 = 2 << 30;
/// Most bytes of unpacked sections of all files together.
const MOST_UNPACKED_BYTES: u64 = 320 << 20;

/// The sections that functions, lines, arguments and their types are in.
const NEEDED: [SectionId; 13] = [
    SectionId::DebugAbbrev,
    SectionId::DebugAddr,
    SectionId::DebugAranges,
    SectionId::DebugInfo,
    SectionId::DebugLine,
    SectionId::DebugLineStr,
    SectionId::DebugLoc,
    SectionId::DebugLocLists,
    SectionId::DebugRanges,
    SectionId::DebugRngLists,
    SectionId::DebugStr,
    SectionId::DebugStrOffsets,
    SectionId::DebugTypes,
];

/// Why a file is not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It has more than 2 GiB, or nothing at all.
    #[error("a file of {0} bytes is not read")]
    Size(u64),
    /// It cannot be mapped.
    #[error("map the file: {0}")]
    Map(#[from] std::io::Error),
}

/// Mapped files.
#[derive(Debug)]
pub struct Files {
    pub(super) main: Mmap,
    pub(super) debug: Option<Mmap>,
    pub(super) shared: Option<Mmap>,
}

impl Files {
    /// Maps the files. Who truncates one while it is mapped kills this process: open files of others in the child only.
    pub fn open(
        main: &File,
        debug: Option<&File>,
        shared: Option<&File>,
    ) -> Result<Self, OpenError> {
        Ok(Self {
            main: map(main)?,
            debug: debug.map(map).transpose()?,
            shared: shared.map(map).transpose()?,
        })
    }
}

impl Files {
    /// Gives back the memory of what was looked at; it is read again when it is looked at again.
    pub fn forget(&self) {
        let files = [Some(&self.main), self.debug.as_ref(), self.shared.as_ref()];
        for file in files.into_iter().flatten() {
            // SAFETY: the mapping is of a file and never written to, so the bytes stay what they are.
            let _ = unsafe { file.unchecked_advise(UncheckedAdvice::DontNeed) };
        }
    }
}

/// Maps a file for reading.
pub(super) fn map(mut file: &File) -> Result<Mmap, OpenError> {
    // Not by its status: the child may not ask for one.
    let bytes = file.seek(SeekFrom::End(0))?;
    if bytes == 0 || bytes > MOST_FILE_BYTES {
        return Err(OpenError::Size(bytes));
    }
    // SAFETY: the bytes are read as bytes, by code that expects any; a file that shrinks ends the process.
    Ok(unsafe { MmapOptions::new().len(bytes as usize).map(file) }?)
}

/// What is read of the files.
pub struct Sources<'a> {
    pub(crate) main: Image<'a>,
    pub(crate) debug: Option<Image<'a>>,
    pub(super) sections: DwarfSections<Cow<'a, [u8]>>,
    pub(super) shared: Option<DwarfSections<Cow<'a, [u8]>>>,
    /// Why there is no debug information, or not all.
    pub(crate) missing: Option<Missing>,
    /// Memory that unpacked sections take.
    pub(crate) unpacked_bytes: u64,
}

impl<'a> Sources<'a> {
    /// Reads the headers, and unpacks what has to be. A debug file of another build is left out.
    pub fn of(files: &'a Files) -> Result<Self, ElfError> {
        let main = Image::parse(&files.main)?;
        let identity = Identity::of_image(&main);
        let mut missing = None;
        let mut debug = None;
        if let Some(file) = &files.debug {
            match Image::parse(file) {
                Ok(image) if identity.is_proved_by(file) => debug = Some(image),
                Ok(_) => missing = Some(Missing::OtherBuild),
                Err(_) => missing = Some(Missing::Corrupt),
            }
        }
        let left = Cell::new(MOST_UNPACKED_BYTES);
        let has_info = |image: &&Image<'_>| Identity::of_image(image).has_debug_info;
        let described = debug
            .as_ref()
            .filter(has_info)
            .or(Some(&main).filter(has_info));
        let (sections, mut is_cut) = load(described, &left);
        let wanted = described.map(Identity::of_image).unwrap_or_default();
        let mut shared = None;
        if let Some(file) = files
            .shared
            .as_ref()
            .filter(|file| wanted.is_shared_proved_by(file))
        {
            let image = Image::parse(file).ok();
            let (sections, is_shared_cut) = load(image.as_ref(), &left);
            is_cut |= is_shared_cut;
            shared = Some(sections);
        }
        if is_cut {
            missing = Some(Missing::TooBig);
        } else if described.is_none() {
            missing = missing.or(Some(Missing::NoDebugInfo));
        } else {
            missing = missing.filter(|_| debug.is_none());
        }
        Ok(Self {
            main,
            debug,
            sections,
            shared,
            missing,
            unpacked_bytes: MOST_UNPACKED_BYTES - left.get(),
        })
    }

    pub(crate) fn dwarf(&'a self) -> gimli::Dwarf<Bytes<'a>> {
        let slice = |section: &'a Cow<'a, [u8]>| EndianSlice::new(section, LittleEndian);
        self.sections.borrow_with_sup(self.shared.as_ref(), slice)
    }
}

/// The debug sections of a file; second: whether one was too large to unpack.
fn load<'a>(image: Option<&Image<'a>>, left: &Cell<u64>) -> (DwarfSections<Cow<'a, [u8]>>, bool) {
    let is_cut = Cell::new(false);
    let section = |id: SectionId| -> Result<Cow<'a, [u8]>, std::convert::Infallible> {
        let found = image.and_then(|image| image.section(id.name().as_bytes()));
        let Some(section) = found.filter(|_| NEEDED.contains(&id)) else {
            return Ok(Cow::Borrowed(&[]));
        };
        Ok(section.content(left).unwrap_or_else(|| {
            is_cut.set(true);
            Cow::Borrowed(&[])
        }))
    };
    let Ok(sections) = DwarfSections::load(section);
    (sections, is_cut.get())
}
