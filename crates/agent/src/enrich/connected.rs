//! Names that people gave: to whatever listens on a port, or runs a program whose path fits a pattern.

use coral_model::{Connect, ConnectTarget, ServiceKey};
use regex_lite::{Regex, RegexBuilder};
use std::collections::BTreeMap;

/// What a compiled pattern may take; the colony refuses larger ones, but it is not asked to be trusted.
const PATTERN_BYTES: usize = 100_000;
/// A longer path fits no pattern.
const PATH_MAX: usize = 4_096;

/// The names by port and by program.
#[derive(Debug, Default)]
pub struct Connected {
    ports: BTreeMap<u16, ServiceKey>,
    patterns: Vec<(Regex, ServiceKey)>,
}

impl Connected {
    /// Out of what is connected; a pattern that does not compile names nothing.
    pub fn new(connects: &[Connect]) -> Self {
        let mut connected = Self::default();
        for connect in connects {
            match &connect.target {
                ConnectTarget::Port(port) => {
                    connected.ports.insert(*port, connect.service.clone());
                }
                ConnectTarget::ExePattern(pattern) => {
                    let compiled = RegexBuilder::new(pattern).size_limit(PATTERN_BYTES).build();
                    match compiled {
                        Ok(regex) => connected.patterns.push((regex, connect.service.clone())),
                        Err(error) => tracing::warn!("a pattern of a connected service: {error}"),
                    }
                }
            }
        }
        connected
    }

    /// The name of whatever listens on one of these ports.
    pub fn by_port(&self, ports: &[u16]) -> Option<&ServiceKey> {
        ports.iter().find_map(|port| self.ports.get(port))
    }

    /// The name of whatever runs this program.
    pub fn by_program(&self, program: Option<&str>) -> Option<&ServiceKey> {
        let program = program.filter(|path| path.len() <= PATH_MAX)?;
        let found = self
            .patterns
            .iter()
            .find(|(regex, _)| regex.is_match(program));
        found.map(|(_, service)| service)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use coral_model::Observed;

    #[test]
    fn a_port_or_a_program_gives_the_name() {
        let connect = |name: &str, target| Connect {
            service: ServiceKey::plain(name),
            target,
            check: None,
            kind: Observed::default(),
        };
        let pattern = |p: &str| ConnectTarget::ExePattern(p.into());
        let connected = Connected::new(&[
            connect("web", ConnectTarget::Port(80)),
            connect("worker", pattern("^/opt/[^/]+/worker$")),
            connect("broken", pattern("(")),
            connect("huge", pattern("(a{500}){500}")),
        ]);
        let name = |found: Option<&ServiceKey>| found.map(|s| s.name.raw().to_owned());
        assert_eq!(name(connected.by_port(&[443, 80])), Some("web".into()));
        assert_eq!(name(connected.by_port(&[443])), None);
        assert_eq!(
            name(connected.by_program(Some("/opt/a/worker"))),
            Some("worker".into())
        );
        assert_eq!(name(connected.by_program(Some("/opt/a/b/worker"))), None);
        assert_eq!(name(connected.by_program(Some(&"/".repeat(5_000)))), None);
        assert_eq!(connected.patterns.len(), 1);
    }
}
