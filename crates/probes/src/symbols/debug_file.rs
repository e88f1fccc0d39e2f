//! Where the debug information of a program lies when it is not in the program: candidate paths and what proves that a
//! file is the right one. Opening is the caller's, below the root of the process that runs the program.

use crate::elf::Image;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path, PathBuf};

/// The folder of separate debug files.
const DEBUG: &str = "/usr/lib/debug";
/// Longest file name of a link.
const MOST_NAME_BYTES: usize = 255;

/// What a program says of its debug file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Identity {
    /// The linker's id of this build.
    pub build_id: Option<Vec<u8>>,
    /// Name and CRC-32 of the file with its debug information.
    pub link: Option<(Vec<u8>, u32)>,
    /// Path and build id of the file with what several debug files share (dwz).
    pub shared: Option<(Vec<u8>, Vec<u8>)>,
    /// Whether debug information is in the file itself.
    pub has_debug_info: bool,
}

impl Identity {
    /// Reads it from a program file or debug file.
    pub fn of(file: &[u8]) -> Result<Self, crate::elf::ElfError> {
        Image::parse(file).map(|image| Self::of_image(&image))
    }

    pub(super) fn of_image(image: &Image<'_>) -> Self {
        let section = |name: &[u8]| image.section(name).map(|section| section.raw());
        Self {
            build_id: image.build_id().map(<[u8]>::to_vec),
            link: section(b".gnu_debuglink").and_then(link),
            shared: section(b".gnu_debugaltlink").and_then(shared),
            has_debug_info: section(b".debug_info").is_some_and(|raw| !raw.is_empty()),
        }
    }

    /// Where the debug file of a program may be, best first. `program` is the program's absolute path as its process
    /// sees it; so are the answers.
    pub fn candidates(&self, program: &Path) -> Vec<PathBuf> {
        let mut paths: Vec<PathBuf> = self.build_id.iter().filter_map(|id| by_id(id)).collect();
        let folder = program.parent().filter(|folder| folder.is_absolute());
        let name = self.link.as_ref().map(|(name, _)| OsStr::from_bytes(name));
        if let Some((folder, name)) = folder.zip(name) {
            let below = folder.strip_prefix("/").unwrap_or(folder);
            paths.extend([
                folder.join(name),
                folder.join(".debug").join(name),
                Path::new(DEBUG).join(below).join(name),
            ]);
        }
        paths.retain(|path| path != program && is_plain(path));
        paths
    }

    /// Where the shared part may be, best first; `debug` is where the file that names it was found.
    pub fn shared_candidates(&self, debug: &Path) -> Vec<PathBuf> {
        let Some((name, id)) = &self.shared else {
            return Vec::new();
        };
        let name = Path::new(OsStr::from_bytes(name));
        let named = debug.parent().map(|folder| lexical(&folder.join(name)));
        let mut paths: Vec<PathBuf> = named.into_iter().chain(by_id(id)).collect();
        paths.retain(|path| path != debug && is_plain(path));
        paths
    }

    /// Whether a candidate is the debug file of this program: the same build id, or the CRC that the link names.
    pub fn is_proved_by(&self, candidate: &[u8]) -> bool {
        let other = Self::of(candidate).ok().and_then(|other| other.build_id);
        match (&self.build_id, other) {
            (Some(own), Some(other)) => *own == other,
            _ => self
                .link
                .as_ref()
                .is_some_and(|(_, sum)| crc32(candidate) == *sum),
        }
    }

    /// Whether a candidate is the shared part.
    pub fn is_shared_proved_by(&self, candidate: &[u8]) -> bool {
        let id = Self::of(candidate).ok().and_then(|other| other.build_id);
        let wanted = self.shared.as_ref().map(|(_, id)| id);
        wanted.is_some() && wanted == id.as_ref()
    }
}

fn by_id(id: &[u8]) -> Option<PathBuf> {
    let (first, rest) = id.split_first()?;
    let rest: String = rest.iter().map(|byte| format!("{byte:02x}")).collect();
    let path = format!("{DEBUG}/.build-id/{first:02x}/{rest}.debug");
    (!rest.is_empty()).then(|| PathBuf::from(path))
}

/// A name, zeros up to a multiple of four, the sum.
fn link(raw: &[u8]) -> Option<(Vec<u8>, u32)> {
    let end = raw.iter().position(|byte| *byte == 0)?;
    let name = &raw[..end];
    let sum = raw.get((end + 4) & !3..)?.get(..4)?;
    let is_name = (1..=MOST_NAME_BYTES).contains(&end) && !name.contains(&b'/') && name != b"..";
    is_name.then_some((name.to_vec(), u32::from_le_bytes(sum.try_into().ok()?)))
}

/// A path and a build id.
fn shared(raw: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let end = raw
        .iter()
        .position(|byte| *byte == 0)
        .filter(|end| (1..4096).contains(end))?;
    let id = raw
        .get(end + 1..)
        .filter(|id| (4..=64).contains(&id.len()))?;
    Some((raw[..end].to_vec(), id.to_vec()))
}

/// The path without `..`, as text; a link in it is not followed.
fn lexical(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(plain.pop()),
            Component::CurDir => {}
            part => plain.push(part),
        }
    }
    plain
}

fn is_plain(path: &Path) -> bool {
    let is_part = |part: Component<'_>| matches!(part, Component::RootDir | Component::Normal(_));
    path.is_absolute() && path.components().all(is_part)
}

/// CRC-32 (IEEE 802.3), as `.gnu_debuglink` has it.
pub fn crc32(bytes: &[u8]) -> u32 {
    const TABLE: [u32; 256] = table();
    !bytes.iter().fold(!0, |sum: u32, byte| {
        TABLE[((sum ^ u32::from(*byte)) & 0xff) as usize] ^ (sum >> 8)
    })
}

const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let (mut sum, mut bit) = (byte as u32, 0);
        while bit < 8 {
            sum = if sum & 1 == 1 {
                0xedb8_8320 ^ (sum >> 1)
            } else {
                sum >> 1
            };
            bit += 1;
        }
        table[byte] = sum;
        byte += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candidates_are_in_the_debug_folder_and_beside_the_program() {
        let identity = Identity {
            build_id: Some(vec![0xab, 0xcd, 0x01]),
            link: link(b"x.debug\0\x01\x02\x03\x04"),
            shared: shared(b"../../.dwz/a.debug\0abcdefgh"),
            ..Identity::default()
        };
        assert_eq!(identity.link, Some((b"x.debug".to_vec(), 0x0403_0201)));
        let paths = identity.candidates(Path::new("/opt/bin/x"));
        let wanted = [
            "/usr/lib/debug/.build-id/ab/cd01.debug",
            "/opt/bin/x.debug",
            "/opt/bin/.debug/x.debug",
            "/usr/lib/debug/opt/bin/x.debug",
        ];
        assert_eq!(paths, wanted.map(PathBuf::from));
        let shared =
            identity.shared_candidates(Path::new("/usr/lib/debug/.build-id/ab/cd01.debug"));
        assert_eq!(shared[0], Path::new("/usr/lib/debug/.dwz/a.debug"));
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn a_link_is_a_name_and_no_path() {
        for hostile in [
            &b"../x\0\0\0\0\0\0\0"[..],
            b"..\0\0\0\0\0\0",
            b"\0\0\0\0\0\0\0\0",
            b"x",
            b"/etc/shadow\0\0\0\0\0",
        ] {
            assert_eq!(link(hostile), None, "{hostile:?}");
        }
        let up = Identity {
            link: link(b"x.debug\0\x01\x02\x03\x04"),
            ..Identity::default()
        };
        assert_eq!(
            up.candidates(Path::new("/a/../../b")),
            Vec::<PathBuf>::new()
        );
        assert_eq!(
            up.candidates(Path::new("relative/b")),
            Vec::<PathBuf>::new()
        );
    }
}
