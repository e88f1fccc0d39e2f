//! What unwinding and symbols need of a program file: its segments, sections and identity. The bytes may be anything:
//! what does not parse is left out, and every list has an end.

use object::LittleEndian as LE;
use object::elf;
use object::read::elf::{FileHeader as _, NoteIterator, ProgramHeader as _, SectionHeader as _};
use object::read::{CompressedData, CompressionFormat};
use std::borrow::Cow;
use std::cell::Cell;

type Header = elf::FileHeader64<LE>;

/// Most program headers and sections that are looked at.
const MOST_HEADERS: usize = 65_536;

/// Why a file is not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ElfError {
    /// It is no ELF file.
    #[error("not an ELF file")]
    NotElf,
    /// It is one of another machine.
    #[error("not a 64-bit x86 program")]
    OtherMachine,
    /// Its program headers do not lie in the file.
    #[error("its headers are cut off or corrupt")]
    Corrupt,
}

/// A part of the file that is mapped when the program runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    /// Where it lies in the file.
    pub offset: u64,
    /// Its virtual address.
    pub address: u64,
    /// Bytes in the file.
    pub file_bytes: u64,
    /// Bytes in memory.
    pub memory_bytes: u64,
    /// Whether it holds code.
    pub is_executable: bool,
}

/// A section.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Section<'a> {
    pub name: &'a [u8],
    pub kind: elf::SectionType,
    pub flags: u64,
    pub address: u64,
    pub bytes: u64,
    pub link: u32,
    raw: Option<&'a [u8]>,
}

/// A file, looked through once.
pub(crate) struct Image<'a> {
    pub data: &'a [u8],
    pub segments: Vec<Segment>,
    pub sections: Vec<Section<'a>>,
    /// Address of `.eh_frame_hdr`, by the program headers.
    pub eh_frame_hdr: Option<u64>,
}

impl<'a> Image<'a> {
    /// Reads the headers.
    pub fn parse(data: &'a [u8]) -> Result<Self, ElfError> {
        let header = Header::parse(data).map_err(|_| {
            // Files of 32 bits have a header of another size.
            match data.starts_with(&elf::ELFMAG) && data.get(4) == Some(&1) {
                true => ElfError::OtherMachine,
                false => ElfError::NotElf,
            }
        })?;
        if !header.is_little_endian() || header.e_machine(LE) != elf::EM_X86_64 {
            return Err(ElfError::OtherMachine);
        }
        let programs = header
            .program_headers(LE, data)
            .map_err(|_| ElfError::Corrupt)?;
        let (mut segments, mut eh_frame_hdr) = (Vec::new(), None);
        for program in programs.iter().take(MOST_HEADERS) {
            match program.p_type(LE) {
                elf::PT_LOAD => segments.push(segment(program)),
                elf::PT_GNU_EH_FRAME => eh_frame_hdr = Some(program.p_vaddr(LE)),
                _ => {}
            }
        }
        Ok(Self {
            data,
            segments,
            sections: sections(header, data),
            eh_frame_hdr,
        })
    }

    /// The section of that name.
    pub fn section(&self, name: &[u8]) -> Option<&Section<'a>> {
        self.sections.iter().find(|section| section.name == name)
    }

    /// The file's bytes from a virtual address to the end of its segment.
    pub fn at(&self, address: u64) -> Option<&'a [u8]> {
        self.segments.iter().find_map(|segment| {
            let inside = address.checked_sub(segment.address)?;
            let left = segment.file_bytes.checked_sub(inside).filter(|n| *n > 0)?;
            let begin = usize::try_from(segment.offset.checked_add(inside)?).ok()?;
            let rest = self.data.get(begin..)?;
            Some(&rest[..rest.len().min(usize::try_from(left).ok()?)])
        })
    }

    /// The build id: what the linker wrote into the note, 4 to 64 bytes.
    pub fn build_id(&self) -> Option<&'a [u8]> {
        let header = Header::parse(self.data).ok()?;
        let sections = header.sections(LE, self.data).ok();
        let sections = sections.iter().flat_map(|table| table.iter());
        let programs = header.program_headers(LE, self.data).into_iter().flatten();
        let in_sections = sections.map(|section| section.notes(LE, self.data));
        let in_programs = programs.map(|program| program.notes(LE, self.data));
        let notes = in_sections.chain(in_programs.take(MOST_HEADERS));
        notes.filter_map(|notes| notes.ok()?).find_map(noted)
    }
}

fn noted<'a>(mut notes: NoteIterator<'a, Header>) -> Option<&'a [u8]> {
    while let Ok(Some(note)) = notes.next() {
        let is_id = note.n_type(LE) == elf::NT_GNU_BUILD_ID && note.name() == elf::ELF_NOTE_GNU;
        if is_id && (4..=64).contains(&note.desc().len()) {
            return Some(note.desc());
        }
    }
    None
}

fn segment(program: &elf::ProgramHeader64<LE>) -> Segment {
    Segment {
        offset: program.p_offset(LE),
        address: program.p_vaddr(LE),
        file_bytes: program.p_filesz(LE),
        memory_bytes: program.p_memsz(LE),
        is_executable: program.p_flags(LE).contains(elf::PF_X),
    }
}

fn sections<'a>(header: &Header, data: &'a [u8]) -> Vec<Section<'a>> {
    let Ok(table) = header.sections(LE, data) else {
        return Vec::new();
    };
    let section = |header: &'a elf::SectionHeader64<LE>| Section {
        name: table.section_name(LE, header).unwrap_or_default(),
        kind: header.sh_type(LE),
        flags: header.sh_flags(LE).0,
        address: header.sh_addr(LE),
        bytes: header.sh_size(LE),
        link: header.sh_link(LE),
        raw: header.data(LE, data).ok(),
    };
    table.iter().take(MOST_HEADERS).map(section).collect()
}

impl<'a> Section<'a> {
    /// Its bytes as they lie in the file; none for a section that has none there.
    pub fn raw(&self) -> &'a [u8] {
        self.raw.unwrap_or_default()
    }

    /// Its bytes, unpacked where they are packed, which takes of what is `left`. `None`: they would be too many. What
    /// does not unpack is empty.
    pub fn content(&self, left: &Cell<u64>) -> Option<Cow<'a, [u8]>> {
        let raw = self.raw();
        if self.flags & elf::SHF_COMPRESSED.0 == 0 {
            return Some(Cow::Borrowed(raw));
        }
        let Some(bytes) = unpacked_bytes(raw) else {
            return Some(Cow::Borrowed(&[]));
        };
        left.set(left.get().checked_sub(bytes)?);
        Some(unpacked(raw, bytes).map_or(Cow::Borrowed(&[]), Cow::Owned))
    }
}

/// `ch_size` of the header of a packed section.
fn unpacked_bytes(raw: &[u8]) -> Option<u64> {
    Some(u64::from_le_bytes(raw.get(8..16)?.try_into().ok()?))
}

fn unpacked(raw: &[u8], uncompressed_size: u64) -> Option<Vec<u8>> {
    let format = match raw.get(..4)? {
        [1, 0, 0, 0] => CompressionFormat::Zlib,
        [2, 0, 0, 0] => CompressionFormat::Zstandard,
        _ => return None,
    };
    let data = CompressedData {
        format,
        data: raw.get(24..)?,
        uncompressed_size,
    };
    data.decompress().ok().map(Cow::into_owned)
}
