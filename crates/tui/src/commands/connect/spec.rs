//! `NAME:PORT[:HEALTH][:TYPE]` as it is typed.

use crate::failure::Failure;
use coral_model::observed::visible;
use coral_model::{Check, Connect, ConnectTarget, Observed, ServiceKey};

/// What each part of a form is.
const HINT: &str = "HEALTH is a path such as /healthz, or tcp; TYPE a word such as http. For example: \
                    coral connect web:8080:/healthz:http cache:6379:tcp:redis";

/// A service by its port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Spec {
    name: String,
    port: u16,
    check: Option<Check>,
    kind: String,
}

/// A refusal that says the form.
pub(super) fn wrong(why: &str) -> Failure {
    Failure::usage(
        format!("{why}; the form is NAME:PORT[:HEALTH][:TYPE]"),
        HINT,
    )
}

impl Spec {
    pub(super) fn parse(text: &str) -> Result<Self, Failure> {
        let shown = visible(text);
        let (name, rest) = text
            .split_once(':')
            .ok_or_else(|| wrong(&format!("`{shown}` has no port")))?;
        let name = self::name(name)?.to_owned();
        let (port, rest) = rest.split_once(':').unwrap_or((rest, ""));
        let port = self::port(port, text)?;
        let (check, kind) = match rest.split_once(':') {
            Some((health, kind)) => (health, kind),
            // One part more is the health check when it looks like one, else the type.
            None if rest.starts_with('/') || rest == "tcp" => (rest, ""),
            None => ("", rest),
        };
        let check = match check {
            "" => None,
            "tcp" => Some(Check::Tcp),
            path if path.starts_with('/') => Some(Check::Http(path.to_owned())),
            other => {
                let other = visible(other);
                return Err(wrong(&format!("`{other}` is neither a path nor tcp")));
            }
        };
        let word = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        match kind.chars().all(word) {
            true => Ok(Self {
                name,
                port,
                check,
                kind: kind.to_owned(),
            }),
            false => Err(wrong(&format!("`{}` is no type", visible(kind)))),
        }
    }

    pub(super) fn connect(self) -> Connect {
        Connect {
            service: ServiceKey::plain(&self.name),
            target: ConnectTarget::Port(self.port),
            check: self.check,
            kind: Observed::new(self.kind),
        }
    }
}

pub(super) fn name(name: &str) -> Result<&str, Failure> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    match !name.is_empty() && name.len() <= 63 && name.chars().all(plain) {
        true => Ok(name),
        false => Err(wrong(&format!(
            "`{}` is no name: 1 to 63 letters, digits, `-`, `_` or `.`",
            visible(name)
        ))),
    }
}

pub(super) fn port(port: &str, whole: &str) -> Result<u16, Failure> {
    let found = port.parse::<u16>().ok().filter(|&port| port > 0);
    found.ok_or_else(|| {
        let (port, whole) = (visible(port), visible(whole));
        wrong(&format!("`{port}` in `{whole}` is no port from 1 to 65535"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_understood() {
        let http = |path: &str| Some(Check::Http(path.into()));
        for (text, check, kind) in [
            ("web:80", None, ""),
            ("web:80:http", None, "http"),
            ("web:80:/up", http("/up"), ""),
            ("web:80:/up:http", http("/up"), "http"),
            ("web:80:tcp", Some(Check::Tcp), ""),
            ("web:80:tcp:redis", Some(Check::Tcp), "redis"),
            ("web:80::redis", None, "redis"),
            ("web:80:", None, ""),
        ] {
            let spec = Spec::parse(text).unwrap();
            assert_eq!(
                (spec.port, spec.check, spec.kind.as_str()),
                (80, check, kind),
                "{text}"
            );
        }
    }

    #[test]
    fn every_mistake_is_answered_with_the_form() {
        for (text, why) in [
            ("web", "no port"),
            ("web:", "no port from 1"),
            ("web:0", "no port from 1"),
            ("web:65536", "no port from 1"),
            ("web:http", "no port from 1"),
            (":80", "no name"),
            ("a b:80", "no name"),
            ("x\u{1b}[31m:80", "no name"),
            ("web:80:up:http", "neither a path nor tcp"),
            ("web:80:/up:ht tp", "no type"),
            ("web:80:/up:http:more", "no type"),
        ] {
            let failure = Spec::parse(text).unwrap_err();
            assert!(failure.message.contains(why), "{text}: {}", failure.message);
            assert!(
                failure.message.contains("NAME:PORT[:HEALTH][:TYPE]"),
                "{}",
                failure.message
            );
            assert!(!failure.message.contains('\u{1b}') && failure.hint.contains("healthz"));
        }
    }
}
