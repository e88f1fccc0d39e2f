//! What is asked of stored profiles, and how stacks and files are numbered: by their content, so that the same one has the
//! same number in every batch, run and host.

use crate::InstanceId;
use coral_model::profile::{Binary, Function, Profile, ProfileKind, Stack, StackEnd};
use coral_model::{TimeNs, Window};
use std::collections::HashMap;
use std::time::Duration;

/// Which profiles.
#[derive(Debug, Clone)]
pub struct ProfileFilter {
    /// Whose end lies in here.
    pub window: Window,
    /// Of these instances; `None` = of all.
    pub instances: Option<Vec<InstanceId>>,
    /// Of this build alone.
    pub build: Option<String>,
    /// What the weights are.
    pub kind: ProfileKind,
    /// Those of this session; 0 = those that are always taken.
    pub session: u64,
}

/// A build of an instance, and when samples of it were taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfiledBuild {
    /// Whose.
    pub instance: InstanceId,
    /// Its build id; empty for programs without one.
    pub build: String,
    /// The begin of the first interval with samples.
    pub first: TimeNs,
    /// The end of the last.
    pub last: TimeNs,
}

/// Samples of one stack of one process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileRow {
    /// Whose.
    pub instance: InstanceId,
    /// The build that ran.
    pub build: String,
    /// The time that a sample stands for.
    pub period: Duration,
    /// Which.
    pub stack: u64,
    /// How its walk ended.
    pub end: StackEnd,
    /// How many.
    pub samples: u64,
}

/// Rows, and all that they speak of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StoredProfile {
    /// The samples.
    pub rows: Vec<ProfileRow>,
    /// Stacks by number: thread, and frames from the outermost to the innermost, as file and address.
    pub stacks: HashMap<u64, (String, Vec<Place>)>,
    /// Files by number, with what would make their names better.
    pub files: HashMap<u64, (Binary, Option<String>)>,
    /// Functions by place, from the outermost to the innermost inlined one.
    pub symbols: HashMap<Place, Vec<Function>>,
}

/// A file by its number, and an address in it.
pub type Place = (u64, u64);

/// The number of a file.
pub(crate) fn file_id(binary: &Binary) -> u64 {
    // Paths tell files apart that have no build.
    let mut hash = Hash::default();
    hash.bytes(binary.build.as_bytes());
    hash.bytes(binary.path.raw().as_bytes());
    hash.0
}

/// A stack's number, and its frames as they are stored.
pub(crate) fn stack_id(files: &[u64], stack: &Stack) -> (u64, Vec<Place>) {
    let mut hash = Hash::default();
    hash.bytes(stack.thread.raw().as_bytes());
    let place = |frame: &coral_model::profile::Frame| {
        let file = files.get(frame.binary as usize).copied();
        (file.unwrap_or(0), frame.address)
    };
    let places: Vec<Place> = stack.frames.iter().map(place).collect();
    for (file, address) in &places {
        hash.word(*file);
        hash.word(*address);
    }
    (hash.0, places)
}

/// The numbers of a profile's files, by index.
pub(crate) fn file_ids(profile: &Profile) -> Vec<u64> {
    profile.binaries.iter().map(file_id).collect()
}

/// Places as eight bytes each, little-endian.
pub(crate) fn to_blob(places: &[Place]) -> Vec<u8> {
    let words = places.iter().flat_map(|(file, address)| [*file, *address]);
    words.flat_map(u64::to_le_bytes).collect()
}

/// The places of a blob; a part of one at the end is left out.
pub(crate) fn from_blob(blob: &[u8]) -> Vec<Place> {
    let word = |bytes: &[u8]| bytes.try_into().map_or(0, u64::from_le_bytes);
    let pairs = blob.chunks_exact(16);
    pairs.map(|p| (word(&p[..8]), word(&p[8..]))).collect()
}

/// Stafford's mix 13 over words. It has to give the same on every machine and in every release.
#[derive(Default)]
struct Hash(u64);

impl Hash {
    fn word(&mut self, word: u64) {
        let mut x = self.0.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ word;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        self.0 = x ^ (x >> 31);
    }

    fn bytes(&mut self, bytes: &[u8]) {
        for part in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..part.len()].copy_from_slice(part);
            self.word(u64::from_le_bytes(word));
        }
        self.word(bytes.len() as u64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use coral_model::Observed;
    use coral_model::profile::Frame;

    #[test]
    fn a_number_is_of_the_content_alone() {
        let binary = |build: &str, path: &str| Binary {
            build: build.to_owned(),
            path: Observed::new(path),
        };
        let files = [binary("b1", "/bin/x"), binary("b2", "/lib/y")].map(|b| file_id(&b));
        assert_eq!(files[0], file_id(&binary("b1", "/bin/x")));
        assert_ne!(files[0], file_id(&binary("b1/", "bin/x")));
        let stack = |frames: &[(u32, u64)]| Stack {
            thread: "main".into(),
            frames: frames
                .iter()
                .map(|&(binary, address)| Frame { binary, address })
                .collect(),
            samples: 1,
            end: StackEnd::Outermost,
        };
        let turned = [files[1], files[0]];
        let one = stack_id(&files, &stack(&[(0, 16), (1, 32)]));
        assert_eq!(one, stack_id(&turned, &stack(&[(1, 16), (0, 32)])));
        assert_ne!(one.0, stack_id(&files, &stack(&[(0, 32), (1, 16)])).0);
        assert_eq!(from_blob(&to_blob(&one.1)), one.1);
    }
}
