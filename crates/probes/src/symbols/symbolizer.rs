//! Names from one program: debug information first, then Go's own table, linkage tables, and symbols.

use super::demangle::demangle;
use super::linkage::{Linkage, Slot};
use super::sources::{Files, Sources};
use super::symtab::Symbols;
use super::{Frame, Missing, Named};
use crate::go::Go;
use gimli::{EndianSlice, LittleEndian};

pub(crate) type Bytes<'a> = EndianSlice<'a, LittleEndian>;

/// Most functions that are shown as inlined into one another.
const MOST_FRAMES: usize = 64;
/// Longest path of a source file.
const MOST_PATH_BYTES: usize = 1024;

/// Names addresses of one program.
pub struct Symbolizer<'a> {
    sources: &'a Sources<'a>,
    dwarf: Option<addr2line::Context<Bytes<'a>>>,
    symbols: Symbols<'a>,
    linkage: Linkage<'a>,
    go: Option<Go<'a>>,
    missing: Option<Missing>,
}

impl<'a> Symbolizer<'a> {
    /// Reads what is needed to name any address.
    pub fn new(sources: &'a Sources<'a>) -> Self {
        let mut symbols = Symbols::default();
        symbols.take(&sources.main);
        if let Some(debug) = &sources.debug {
            symbols.take(debug);
        }
        symbols.sort();
        let mut missing = sources.missing;
        let mut dwarf = None;
        if missing != Some(Missing::NoDebugInfo) {
            match addr2line::Context::from_dwarf(sources.dwarf()) {
                Ok(context) => dwarf = Some(context),
                Err(_) => missing = Some(Missing::Corrupt),
            }
        }
        let text = symbols.address_of(b"runtime.text");
        Self {
            sources,
            dwarf,
            linkage: Linkage::of(&sources.main),
            go: Go::of(&sources.main, text),
            symbols,
            missing,
        }
    }

    /// Names an address of the file.
    pub fn find(&self, address: u64) -> Named {
        let segments = self.sources.main.segments.iter();
        let mut code = segments.filter(|segment| segment.is_executable);
        if !code.any(|segment| address.wrapping_sub(segment.address) < segment.memory_bytes) {
            return Named {
                frames: Vec::new(),
                missing: Some(Missing::OutOfRange),
            };
        }
        let (frames, is_corrupt) = self.described(address);
        if !frames.is_empty() {
            return Named {
                frames,
                missing: None,
            };
        }
        if let Some(frame) = self.go.as_ref().and_then(|go| go_frame(go, address)) {
            return Named {
                frames: vec![frame],
                missing: None,
            };
        }
        let missing = if is_corrupt {
            Some(Missing::Corrupt)
        } else {
            self.missing
        };
        match self.linked(address).or_else(|| self.symbol(address)) {
            Some(function) => Named {
                frames: vec![Frame {
                    function,
                    ..Frame::default()
                }],
                missing: missing.or(Some(Missing::NoDebugInfo)),
            },
            None => Named {
                frames: Vec::new(),
                missing: missing
                    .filter(|m| *m != Missing::NoDebugInfo)
                    .or(Some(Missing::NoSymbols)),
            },
        }
    }

    fn symbol(&self, address: u64) -> Option<String> {
        self.symbols.find(address).map(demangle)
    }

    fn linked(&self, address: u64) -> Option<String> {
        let name = match self.linkage.find(address)? {
            Slot::Name(name) => demangle(name),
            Slot::Address(address) => self.symbol(address)?,
        };
        Some(format!("{name}@plt"))
    }

    /// The frames by debug information, outermost first; second: whether it is not well formed there.
    fn described(&self, address: u64) -> (Vec<Frame>, bool) {
        let Some(dwarf) = &self.dwarf else {
            return (Vec::new(), false);
        };
        let Ok(mut iterator) = dwarf.find_frames(address).skip_all_loads() else {
            return (Vec::new(), true);
        };
        let (mut frames, mut is_corrupt) = (Vec::new(), false);
        while frames.len() < MOST_FRAMES {
            match iterator.next() {
                Ok(Some(frame)) => frames.push(self.frame(&frame)),
                Ok(None) => break,
                Err(_) => {
                    is_corrupt = true;
                    break;
                }
            }
        }
        // The one that was inlined into nothing comes last here, and may have lines but no name.
        if let Some(outermost) = frames.last_mut()
            && outermost.function.is_empty()
        {
            outermost.function = self.symbol(address).unwrap_or_default();
        }
        frames.retain(|frame| !frame.function.is_empty());
        frames.reverse();
        for inlined in frames.iter_mut().skip(1) {
            inlined.inlined = true;
        }
        (frames, is_corrupt)
    }

    fn frame(&self, frame: &addr2line::Frame<'_, Bytes<'_>>) -> Frame {
        let location = frame.location.as_ref();
        let name = frame
            .function
            .as_ref()
            .map(|function| function.name.slice());
        Frame {
            function: name.map(demangle).unwrap_or_default(),
            file: location
                .and_then(|at| at.file)
                .map(|path| cut(path).to_owned()),
            line: location.and_then(|at| at.line),
            inlined: false,
        }
    }
}

fn cut(path: &str) -> &str {
    &path[..path.floor_char_boundary(MOST_PATH_BYTES)]
}

fn go_frame(go: &Go<'_>, address: u64) -> Option<Frame> {
    let found = go.find(address)?;
    let file = found.file.map(String::from_utf8_lossy);
    Some(Frame {
        function: demangle(found.name),
        file: file.map(|file| cut(&file).to_owned()),
        line: (found.line > 0).then_some(found.line),
        inlined: false,
    })
}

/// Any bytes are a program whose addresses have names or reasons.
pub fn fuzz(bytes: &[u8]) {
    let Ok(file) = memory(bytes) else {
        return;
    };
    let Ok(files) = Files::open(&file, Some(&file), None) else {
        return;
    };
    let Ok(sources) = Sources::of(&files) else {
        return;
    };
    let symbolizer = Symbolizer::new(&sources);
    for segment in sources.main.segments.iter().take(8) {
        for inside in [
            0,
            1,
            segment.memory_bytes / 3,
            segment.memory_bytes.wrapping_sub(1),
        ] {
            let named = symbolizer.find(segment.address.wrapping_add(inside));
            assert!(named.frames.len() <= MOST_FRAMES);
            assert!(!named.frames.is_empty() || named.missing.is_some());
        }
    }
}

/// Bytes as a file without a name.
pub(crate) fn memory(bytes: &[u8]) -> std::io::Result<std::fs::File> {
    let flags = nix::sys::memfd::MFdFlags::MFD_CLOEXEC;
    let file = nix::sys::memfd::memfd_create(c"coral", flags)?;
    let mut file = std::fs::File::from(file);
    std::io::Write::write_all(&mut file, bytes)?;
    Ok(file)
}
