//! The places of the kernel side's tables: sessions and functions have one each, and give it back.

use super::session::Session;
use coral_probes::abi::calls::{PROBES, SESSIONS};

/// Which are taken.
#[derive(Debug)]
pub struct Places {
    sessions: [bool; SESSIONS],
    probes: Vec<bool>,
    /// The number of the last session; no two have the same.
    number: u32,
}

impl Default for Places {
    fn default() -> Self {
        Self {
            sessions: [false; SESSIONS],
            probes: vec![false; PROBES],
            number: 0,
        }
    }
}

impl Places {
    /// A place for a session, and its number.
    pub fn session(&mut self) -> Option<(u32, u32)> {
        let free = self.sessions.iter().position(|taken| !taken)?;
        self.sessions[free] = true;
        self.number = self.number.checked_add(1).unwrap_or(1);
        Some((free as u32, self.number))
    }

    /// A place for a function.
    pub fn probe(&mut self) -> Option<u32> {
        let free = self.probes.iter().position(|taken| !taken)?;
        self.probes[free] = true;
        Some(free as u32)
    }

    /// Takes back what a session had.
    pub fn give_back(&mut self, session: &Session) {
        if let Some(taken) = self.sessions.get_mut(session.place as usize) {
            *taken = false;
        }
        for function in &session.functions {
            if let Some(taken) = self.probes.get_mut(function.index as usize) {
                *taken = false;
            }
        }
    }
}
