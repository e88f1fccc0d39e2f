//! What the agent takes from the kernel each tick, and the port behind which that happens: live, or synthetic for tests.

use coral_probes_abi::http1::Counter;
use coral_probes_abi::records::{CountKey, Detail, HistogramKey, SeriesInfo, Traffic};

/// What was counted since the last drain. Counts are differences; nothing is counted twice or left out.
#[derive(Debug, Default, Clone)]
pub struct Drained {
    /// Boot time of the drain, nanoseconds.
    pub at_ns: u64,
    /// Series that were not known before, or whose caller's name was not.
    pub series: Vec<(u64, SeriesInfo)>,
    /// Requests that ended.
    pub counts: Vec<(CountKey, u64)>,
    /// Durations of those that completed, by bucket of the octave.
    pub durations: Vec<(HistogramKey, Vec<(u8, u64)>)>,
    /// Connections and bytes.
    pub traffic: Vec<(u64, Traffic)>,
    /// Requests under way: series, how many, boot time of the oldest's first byte (0 = unknown).
    pub in_flight: Vec<InFlight>,
    /// Single requests, for their routes.
    pub details: Vec<Detail>,
    /// Runs of a program that the kernel left out since the start, because it was running already.
    pub missed: u64,
    /// Losses since the start, by [`Counter`].
    pub lost: [u64; Counter::COUNT as usize],
}

/// Requests of a connection that began and have not ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InFlight {
    /// Whose.
    pub series: u64,
    /// How many.
    pub requests: u32,
    /// Boot time of the oldest one's first byte; 0 = unknown.
    pub oldest_ns: u64,
}

/// Where counts come from.
pub trait Source: Send {
    /// Takes what came since the last call; `out` is emptied first, its memory used again.
    ///
    /// # Errors
    /// The system's, when a map cannot be read.
    fn drain(&mut self, out: &mut Drained) -> Result<(), crate::ProbesError>;

    /// Takes the single requests only, and renews the kernel's budget for more: between two drains of a busy second.
    ///
    /// # Errors
    /// The system's, when the map cannot be written.
    fn details(&mut self, out: &mut Drained) -> Result<(), crate::ProbesError>;

    /// Says on which side and in which network namespace the own end of a connection is that is older than the programs.
    ///
    /// # Errors
    /// The system's, when the map cannot be written.
    fn introduce(&mut self, cookie: u64, side: u8, netns: u32) -> Result<(), crate::ProbesError>;

    /// Ends the connections of Unix sockets of which one is not among the inodes `alive`, and takes what they leave.
    ///
    /// # Errors
    /// The system's, when a map cannot be read or written.
    fn end_unix(
        &mut self,
        alive: &std::collections::HashSet<u64>,
        out: &mut Drained,
    ) -> Result<(), crate::ProbesError>;

    /// Forgets a series that will not be used again.
    ///
    /// # Errors
    /// The system's, when a map cannot be written.
    fn forget(&mut self, series: u64) -> Result<(), crate::ProbesError>;
}

/// A source that yields what it was given: one entry a drain, then nothing.
#[derive(Debug, Default)]
pub struct Synthetic {
    /// What the next drains yield, first first.
    pub script: std::collections::VecDeque<Drained>,
}

impl Source for Synthetic {
    fn drain(&mut self, out: &mut Drained) -> Result<(), crate::ProbesError> {
        *out = self.script.pop_front().unwrap_or_default();
        Ok(())
    }

    fn details(&mut self, _: &mut Drained) -> Result<(), crate::ProbesError> {
        Ok(())
    }

    fn introduce(&mut self, _: u64, _: u8, _: u32) -> Result<(), crate::ProbesError> {
        Ok(())
    }

    fn end_unix(
        &mut self,
        _: &std::collections::HashSet<u64>,
        _: &mut Drained,
    ) -> Result<(), crate::ProbesError> {
        Ok(())
    }

    fn forget(&mut self, _: u64) -> Result<(), crate::ProbesError> {
        Ok(())
    }
}
