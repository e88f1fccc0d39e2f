//! What came of compiling a file: how large the table is, and what it does not cover and why.

use coral_probes_abi::unwind::{Rule, kind, unsupported};

/// Figures of one table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Functions with call frame information.
    pub functions: u64,
    /// Rows of the table.
    pub rows: u64,
    /// Different rules.
    pub rules: u64,
    /// Size of the table.
    pub bytes: u64,
    /// Addresses in executable segments.
    pub text_bytes: u64,
    /// Addresses with a rule of their own.
    pub covered_bytes: u64,
    /// Addresses where only a frame pointer can be hoped for.
    pub guessed_bytes: u64,
    /// Addresses whose row needs another register, which only the interrupted frame has; they are among the covered.
    pub other_register_bytes: u64,
    /// Addresses whose row no rule can hold, by [`unsupported`].
    pub unsupported_bytes: [u64; unsupported::COUNT],
    /// Rows that no rule can hold, by [`unsupported`].
    pub unsupported_rows: [u64; unsupported::COUNT],
    /// Rows whose caller's frame pointer is saved in a way that no rule can hold.
    pub rows_fp_lost: u64,
    /// Entries that are not well formed.
    pub malformed: u64,
    /// Functions that begin inside of another one, which ends there.
    pub overlaps: u64,
    /// Functions outside of executable segments or past the bounds of a table.
    pub functions_dropped: u64,
}

impl Report {
    /// Notes a row and how many addresses it holds for.
    pub(super) fn row(&mut self, rule: Rule, bytes: u64) {
        self.rows += 1;
        match rule.kind {
            kind::NONE => {}
            kind::GUESS => self.guessed_bytes += bytes,
            kind::UNSUPPORTED => {
                let reason = usize::try_from(rule.cfa).unwrap_or(0) % unsupported::COUNT;
                self.unsupported_bytes[reason] += bytes;
                self.unsupported_rows[reason] += 1;
            }
            kind::REGISTER => {
                self.other_register_bytes += bytes;
                self.covered_bytes += bytes;
            }
            _ => self.covered_bytes += bytes,
        }
    }
}
