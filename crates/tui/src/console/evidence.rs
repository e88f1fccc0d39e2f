//! Where a piece of evidence is seen: the view that asks its question, at the window of that.

use super::address::Address;
use super::app::{Page, Spot, Tab};
use super::questions::key_of;
use coral_model::diagnosis::KeptEvidence;
use coral_model::{Question, Window};
use coral_report::rfc3339;
use std::time::Duration;

/// No window is shorter.
const WINDOW_MIN: Duration = Duration::from_secs(60);

/// The view, and what a person should know of it.
pub fn place_of(kept: &KeptEvidence, window: Window, colony: &str) -> (Address, Option<String>) {
    let (spot, tab, said) = view_of(kept, window);
    let there = Address {
        colony: colony.to_owned(),
        spot,
        changes: false,
        tab,
        filter: String::new(),
        to: window.to,
        window: window.length().max(WINDOW_MIN),
    };
    (there, said)
}

fn view_of(kept: &KeptEvidence, window: Window) -> (Spot, Tab, Option<String>) {
    let service = |name: &str| Spot::service(key_of(name));
    match &*kept.question {
        Question::Metrics { service: name, .. } | Question::Requests { service: name, .. } => {
            (service(name), Tab::Routes, None)
        }
        Question::Summary {
            service: Some(name),
            ..
        } => (service(name), Tab::Routes, None),
        Question::Events {
            service: Some(name),
            ..
        } => (service(name), Tab::Changes, None),
        Question::Profile { target, .. } => {
            let name = target.service.as_deref().unwrap_or_default();
            let (page, service) = (Page::Profiles, Some(key_of(name)));
            (Spot { page, service }, Tab::Routes, None)
        }
        // What a service used stands at its instances.
        Question::Services { .. } => match &kept.service {
            Some(key) => (Spot::service(key.clone()), Tab::Instances, None),
            None => (Spot::page(Page::Services), Tab::Routes, None),
        },
        Question::Topology { .. } => (Spot::page(Page::Topology), Tab::Routes, None),
        Question::Events { service: None, .. } => (Spot::page(Page::Events), Tab::Routes, None),
        Question::Host { .. } => {
            let (from, to) = (rfc3339(window.from), rfc3339(window.to));
            let said = format!("its figures: coral query host --since {from} --until {to}");
            (Spot::page(Page::Fleet), Tab::Routes, Some(said))
        }
        Question::Status
        | Question::Summary { service: None, .. }
        | Question::Diagnose { .. }
        | Question::Incident { .. }
        | Question::Probe { .. }
        | Question::Functions { .. }
        | Question::Evidence { .. }
        | Question::Sql { .. } => (Spot::page(Page::Services), Tab::Routes, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use coral_model::{ServiceKey, Span, TimeNs};

    #[test]
    fn each_question_of_a_diagnosis_has_its_view() {
        let window = Window {
            from: TimeNs(0),
            to: TimeNs(90_000_000_000),
        };
        let span = Span::Between(window);
        let name = || "prod/pay".to_owned();
        let questions = [
            (
                Question::Metrics {
                    span,
                    service: name(),
                },
                "service/prod/pay?at=90&window=90",
            ),
            (
                Question::Services {
                    span,
                    trend_points: 0,
                },
                "service/prod/pay?at=90&window=90&tab=instances",
            ),
            (
                super::super::questions::events(span, Some(&key_of("prod/pay")), &[]),
                "service/prod/pay?at=90&window=90&tab=changes",
            ),
            (Question::Topology { span }, "topology?at=90&window=90"),
            (Question::Host { span, host: None }, "fleet?at=90&window=90"),
        ];
        for (question, link) in questions {
            let kept = KeptEvidence {
                id: "e7k2m3qx4".to_owned(),
                text: "x".into(),
                service: Some(ServiceKey {
                    namespace: "prod".into(),
                    name: "pay".into(),
                }),
                question: Box::new(question),
                at: TimeNs(0),
            };
            let (there, _) = place_of(&kept, window, "shop");
            assert_eq!(there.write(), format!("coral://shop/{link}"));
        }
    }
}
