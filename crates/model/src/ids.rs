//! Identities. Each is a type of its own so that one cannot be passed for another.

use std::fmt;

/// Why a text is not an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{what} must be 1 to {max} characters of a-z, 0-9, `-`, `_` or `.`, beginning with a letter or digit"
)]
pub struct BadId {
    what: &'static str,
    max: usize,
}

fn check(what: &'static str, max: usize, text: &str) -> Result<String, BadId> {
    let plain =
        |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_' | '.');
    let first = text
        .chars()
        .next()
        .is_some_and(|c| c.is_ascii_alphanumeric());
    if first && text.len() <= max && text.chars().all(plain) {
        Ok(text.to_owned())
    } else {
        Err(BadId { what, max })
    }
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $what:literal, $max:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(String);

        impl $name {
            /// Checks `text`: lower case letters, digits, `-`, `_`, `.`, so that it is safe in paths and on screens.
            ///
            /// # Errors
            /// [`BadId`] when a character or the length does not fit.
            pub fn new(text: &str) -> Result<Self, BadId> {
                check($what, $max, text).map(Self)
            }

            /// The text itself.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_id!(
    /// Which agent: random, made once, kept in the agent's state folder.
    AgentId,
    "an agent id",
    64
);
text_id!(
    /// Which colony: its name on this machine, such as `local` or `demo`.
    ColonyId,
    "a colony name",
    40
);
text_id!(
    /// Which boot of a host (`/proc/sys/kernel/random/boot_id`).
    BootId,
    "a boot id",
    64
);

/// One run of an agent: its start in unix nanoseconds. A new run has a larger one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Epoch(pub u64);

/// The number of a batch within an epoch, from 1, without gaps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Seq(pub u64);

/// Which process: pid alone is reused, so the boot and the start time belong to it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct InstanceKey {
    /// The agent on whose host it runs.
    pub agent: AgentId,
    /// The boot of that host.
    pub boot: BootId,
    /// The process id in the host's pid namespace.
    pub pid: u32,
    /// Field 22 of `/proc/PID/stat`: start after boot in clock ticks; 0 when the process was gone before it was read.
    pub start_ticks: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_refuse_what_could_leave_a_folder_or_a_line() {
        for bad in ["", "../x", "a/b", "A", "a b", "é", "-a", ".", "a\n"] {
            assert!(ColonyId::new(bad).is_err(), "{bad:?}");
        }
        assert!(ColonyId::new(&"a".repeat(41)).is_err());
        assert_eq!(ColonyId::new("shop-1").unwrap().as_str(), "shop-1");
    }
}
