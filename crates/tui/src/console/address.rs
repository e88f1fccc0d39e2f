//! A `coral://` link: which colony, which view of it, and at which moment. Copied by `y`, opened by `coral open`.

use super::app::{Page, Spot, Tab};
use coral_model::{Observed, ServiceKey, TimeNs};
use std::fmt::Write as _;
use std::time::Duration;

/// Begins every link.
pub const SCHEME: &str = "coral://";
/// A longer text is not taken.
const TEXT_MAX: usize = 120;
const SECOND: i64 = 1_000_000_000;

/// Pages by the word in a link; changes are a view of Events.
const VIEWS: [(&str, Page, bool); 8] = [
    ("services", Page::Services, false),
    ("topology", Page::Topology, false),
    ("events", Page::Events, false),
    ("changes", Page::Events, true),
    ("profiles", Page::Profiles, false),
    ("probes", Page::Probes, false),
    ("diagnose", Page::Diagnose, false),
    ("fleet", Page::Fleet, false),
];
/// Pages of a service by the word in a link.
const OF_A_SERVICE: [(&str, Page); 3] = [
    ("service", Page::Service),
    ("profile", Page::Profiles),
    ("diagnosis", Page::Diagnose),
];
/// Tabs of a service by the word in a link.
const TABS: [(&str, Tab); 5] = [
    ("routes", Tab::Routes),
    ("callers", Tab::Callers),
    ("callees", Tab::Callees),
    ("instances", Tab::Instances),
    ("changes", Tab::Changes),
];

/// Where a link leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// The name of the colony.
    pub colony: String,
    /// The page, and its service.
    pub spot: Spot,
    /// Whether Events shows changes alone.
    pub changes: bool,
    /// The list on the page of a service.
    pub tab: Tab,
    /// What is typed in the filter.
    pub filter: String,
    /// The end of the window.
    pub to: TimeNs,
    /// Its length.
    pub window: Duration,
}

impl Address {
    /// The link.
    pub fn write(&self) -> String {
        let view = match &self.spot.service {
            Some(service) => {
                let (namespace, name) = (service.namespace.raw(), service.name.raw());
                let known = OF_A_SERVICE.iter().find(|v| v.1 == self.spot.page);
                let word = known.map_or("service", |v| v.0);
                format!("{word}/{}/{}", part(namespace), part(name))
            }
            None => {
                let fits = |(_, page, changes): &&(&str, Page, bool)| {
                    *page == self.spot.page && *changes == (self.changes && *page == Page::Events)
                };
                VIEWS
                    .iter()
                    .find(fits)
                    .map_or("services", |v| v.0)
                    .to_owned()
            }
        };
        let mut out = format!(
            "{SCHEME}{}/{view}?at={}&window={}",
            part(&self.colony),
            seconds(self.to),
            self.window.as_secs()
        );
        let tab = TABS.iter().find(|(_, tab)| *tab == self.tab);
        let tabbed = self.spot.page == Page::Service && self.tab != Tab::Routes;
        if let Some((word, _)) = tab.filter(|_| tabbed) {
            let _ = write!(out, "&tab={word}");
        }
        if !self.filter.is_empty() {
            let _ = write!(out, "&filter={}", part(&self.filter));
        }
        out
    }

    /// Where this text leads; `None` when it is no link.
    pub fn read(text: &str) -> Option<Self> {
        let (path, query) = text.trim().strip_prefix(SCHEME)?.split_once('?')?;
        let mut parts = path.split('/');
        let colony = read_part(parts.next()?)?;
        let word = parts.next()?;
        let (spot, changes) = match OF_A_SERVICE.iter().find(|v| v.0 == word) {
            Some(&(_, page)) => {
                let service = ServiceKey {
                    namespace: Observed::new(read_part(parts.next()?)?),
                    name: Observed::new(read_part(parts.next()?)?),
                };
                let service = Some(service);
                (Spot { page, service }, false)
            }
            None => {
                let view = VIEWS.iter().find(|(known, _, _)| *known == word)?;
                (Spot::page(view.1), view.2)
            }
        };
        let value = |name: &str| {
            let named = |part: &str| {
                part.split_once('=')
                    .filter(|(key, _)| *key == name)
                    .map(|(_, v)| v.to_owned())
            };
            query.split('&').find_map(named)
        };
        let tab = value("tab").and_then(|word| TABS.iter().find(|(known, _)| *known == word));
        Some(Self {
            colony,
            spot,
            changes,
            tab: tab.map_or(Tab::Routes, |(_, tab)| *tab),
            filter: value("filter")
                .and_then(|text| read_filter(&text))
                .unwrap_or_default(),
            to: read_seconds(&value("at")?)?,
            window: Duration::from_secs(value("window")?.parse().ok().filter(|&s| s > 0)?),
        })
    }
}

/// A filter as a person could have typed it; anything else is not taken from a link.
fn read_filter(text: &str) -> Option<String> {
    let typed =
        |text: &String| text.chars().count() <= TEXT_MAX && !text.chars().any(char::is_control);
    read_part(text).filter(typed)
}

/// Unix seconds, with a fraction where there is one: a window that is a little another has other figures.
fn seconds(at: TimeNs) -> String {
    let (whole, rest) = (at.0.div_euclid(SECOND), at.0.rem_euclid(SECOND));
    match rest {
        0 => whole.to_string(),
        rest => format!("{whole}.{rest:09}")
            .trim_end_matches('0')
            .to_owned(),
    }
}

fn read_seconds(text: &str) -> Option<TimeNs> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits =
        !fraction.is_empty() && fraction.len() <= 9 && fraction.bytes().all(|b| b.is_ascii_digit());
    let rest: i64 = format!("{fraction:0<9}").parse().ok().filter(|_| digits)?;
    let whole: i64 = whole.parse().ok()?;
    Some(TimeNs(whole.checked_mul(SECOND)?.checked_add(rest)?))
}

/// A part of a link, with everything but letters, digits and `-._~` as `%XX`.
fn part(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            b if b.is_ascii_alphanumeric() => out.push(char::from(b)),
            b => {
                let _ = write!(out, "%{b:02X}");
            }
        }
    }
    out
}

/// The text of a part of a link; `None` when it is none.
fn read_part(part: &str) -> Option<String> {
    let (mut out, mut bytes) = (vec![], part.bytes());
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let digits = [bytes.next()?, bytes.next()?];
        out.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
    }
    String::from_utf8(out).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_leads_back_to_where_it_was_taken() {
        let service = ServiceKey {
            namespace: Observed::new("prod/eu"),
            name: Observed::new("a b?&=\u{1b}[31m数"),
        };
        for (spot, changes, tab, filter, to) in [
            (
                Spot::page(Page::Services),
                false,
                Tab::Routes,
                "err>1 !x",
                1_795_181_700 * SECOND,
            ),
            (
                Spot::page(Page::Events),
                true,
                Tab::Routes,
                "",
                1_795_181_700 * SECOND + 120_000,
            ),
            (Spot::page(Page::Fleet), false, Tab::Routes, "", -1),
            (Spot::page(Page::Probes), false, Tab::Routes, "", 3),
            (Spot::page(Page::Profiles), false, Tab::Routes, "", 7),
            (Spot::page(Page::Diagnose), false, Tab::Routes, "", 8),
            (
                Spot {
                    page: Page::Diagnose,
                    service: Some(service.clone()),
                },
                false,
                Tab::Routes,
                "",
                9,
            ),
            (
                Spot {
                    page: Page::Profiles,
                    service: Some(service.clone()),
                },
                false,
                Tab::Routes,
                "memcpy",
                6,
            ),
            (Spot::service(service), false, Tab::Instances, "web&1", 5),
        ] {
            let there = Address {
                colony: "shop".into(),
                spot,
                changes,
                tab,
                filter: filter.into(),
                to: TimeNs(to),
                window: Duration::from_secs(900),
            };
            let link = there.write();
            assert!(link.is_ascii() && !link.contains(['\x1b', ' ']), "{link}");
            assert_eq!(Address::read(&link), Some(there), "{link}");
        }
    }

    #[test]
    fn what_is_no_link_leads_nowhere() {
        for text in [
            "",
            "e7k2m3qx4",
            "coral://shop",
            "coral://shop/services",
            "coral://shop/nowhere?at=1&window=900",
            "coral://shop/services?at=1&window=0",
            "coral://shop/services?at=99999999999999&window=900",
            "coral://shop/services?at=1.0000000001&window=900",
            "coral://shop/services?at=1.-5&window=900",
            "coral://shop/service/x?at=1&window=900",
            "coral://sh%ff/services?at=1&window=900",
            "https://shop/services?at=1&window=900",
        ] {
            assert_eq!(Address::read(text), None, "{text}");
        }
    }
}
