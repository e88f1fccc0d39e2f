//! The one vocabulary of what was not seen. Every figure travels with it.

/// Counted drops since the agent's start, or within a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Loss {
    /// Detail records that found no room, and programs that the kernel skipped because one was running.
    pub records_dropped: u64,
    /// Summaries that were thrown away because the colony was gone too long.
    pub summaries_dropped: u64,
    /// Bytes of a known protocol that could not be followed: gaps, unmatched answers, heads that are too long.
    pub unparsed: u64,
    /// Connections whose bytes cannot be read: TLS, kTLS, Unix sockets, MPTCP.
    pub unseen: u64,
    /// Connections without a place in the kernel's tables.
    pub connections_untracked: u64,
    /// Items of a newer agent that this colony does not know.
    pub unknown: u64,
}

impl Loss {
    /// Adds `other`.
    pub fn add(&mut self, other: &Self) {
        for ((_, mine), (_, theirs)) in self.fields_mut().into_iter().zip(other.fields()) {
            *mine += theirs;
        }
    }

    /// What came since `earlier`; a counter that went back counts from zero.
    pub fn since(&self, earlier: &Self) -> Self {
        let mut out = *self;
        for ((_, mine), (_, before)) in out.fields_mut().into_iter().zip(earlier.fields()) {
            *mine = if *mine >= before {
                *mine - before
            } else {
                *mine
            };
        }
        out
    }

    /// Drops that make a figure too small; connections that are merely not read (`unseen`) are not among them.
    pub fn total(&self) -> u64 {
        self.fields()
            .into_iter()
            .filter(|(name, _)| *name != "unseen")
            .map(|(_, count)| count)
            .sum()
    }

    /// Name and count of each kind, in the order of the vocabulary.
    pub fn fields(&self) -> [(&'static str, u64); 6] {
        [
            ("records_dropped", self.records_dropped),
            ("summaries_dropped", self.summaries_dropped),
            ("unparsed", self.unparsed),
            ("unseen", self.unseen),
            ("connections_untracked", self.connections_untracked),
            ("unknown", self.unknown),
        ]
    }

    fn fields_mut(&mut self) -> [(&'static str, &mut u64); 6] {
        [
            ("records_dropped", &mut self.records_dropped),
            ("summaries_dropped", &mut self.summaries_dropped),
            ("unparsed", &mut self.unparsed),
            ("unseen", &mut self.unseen),
            ("connections_untracked", &mut self.connections_untracked),
            ("unknown", &mut self.unknown),
        ]
    }
}
