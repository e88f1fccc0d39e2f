//! The answers of a small shop: services that are fine, broken, slower than usual, stale, silent, unread and hostile.

#[path = "fixture/diagnosis.rs"]
mod diagnosis;
#[path = "fixture/flames.rs"]
mod flames;
#[path = "fixture/hostile.rs"]
mod hostile;
#[path = "fixture/many.rs"]
mod many;
#[path = "fixture/past.rs"]
mod past;
#[path = "fixture/probes.rs"]
mod probes;
#[path = "fixture/shop.rs"]
mod shop;

#[allow(unused_imports, reason = "the bench has no use for them")]
pub use diagnosis::*;
#[allow(unused_imports, reason = "the bench has no use for them")]
pub use flames::*;
#[allow(unused_imports, reason = "the bench has no use for them")]
pub use hostile::*;
pub use many::*;
pub use past::*;
#[allow(unused_imports, reason = "the bench has no use for them")]
pub use probes::*;
pub use shop::*;

use coral_model::answer::ServiceRow;
use coral_model::answer::{AgentRow, Red, Status};
use coral_model::summary::Counts;
use coral_model::{
    AgentHealth, AgentId, AgentMode, Answer, AnswerBody, ColonyId, EventKind, Loss, Missing,
    Observed, Question, TimeNs, Window,
};
use std::time::Duration;

/// 2026-11-20 13:36:30 UTC.
pub const NOW: TimeNs = TimeNs(1_795_181_790_000_000_000);
pub const WINDOW: Duration = Duration::from_secs(900);

pub fn answer(body: AnswerBody) -> Answer {
    Answer {
        window: Window {
            from: NOW.minus(WINDOW),
            to: NOW,
        },
        complete_until: Some(NOW.minus(Duration::from_secs(1))),
        loss: Loss::default(),
        body,
    }
}

pub fn ms(ms: f64) -> Option<Duration> {
    Some(Duration::from_secs_f64(ms / 1e3))
}

pub fn red(per_s: f64, error_ratio: f64, p50: f64, p95: f64) -> Red {
    let requests = (per_s * 900.0).round() as u64;
    let errors = (requests as f64 * error_ratio).round() as u64;
    Red {
        counts: Counts {
            requests,
            errors,
            client_errors: requests / 100,
        },
        rate_per_s: Some(per_s),
        error_ratio: Some(error_ratio),
        p50: ms(p50),
        p90: ms(p95 * 0.8),
        p95: ms(p95),
        p99: ms(p95 * 1.2),
        max: ms(p95 * 1.7),
        samples: requests,
    }
}

pub fn services(rows: Vec<ServiceRow>) -> Answer {
    answer(AnswerBody::Services(rows))
}

pub fn agent(host: &str, mode: AgentMode, missing: Vec<Missing>, seen_s: u64) -> AgentRow {
    AgentRow {
        health: AgentHealth {
            id: AgentId::new(match host {
                "web-2" => "b2c3d4e5f6071829",
                _ => "a1b2c3d4e5f60718",
            })
            .unwrap(),
            host: Observed::new(host),
            version: "0.1.0".into(),
            mode,
            missing,
            rss_bytes: 9_437_184,
            cpu_percent: 0.4,
            loss: Loss::default(),
            listening: 12,
            started: NOW.minus(Duration::from_secs(14)),
            at: NOW,
        },
        last_seen: Duration::from_secs(seen_s),
        connected: seen_s < 15,
        freshness: None,
    }
}

pub fn status(agents: Vec<AgentRow>) -> Answer {
    answer(AnswerBody::Status(Status {
        colony: ColonyId::new("shop").unwrap(),
        version: "0.1.0".into(),
        uptime: Duration::from_secs(7980),
        services: 9,
        agents,
    }))
}

pub fn missing() -> Missing {
    Missing {
        feature: "requests".into(),
        why: Observed::new("CAP_BPF and CAP_NET_ADMIN are missing"),
        fix: "coral down && sudo coral up".into(),
    }
}

pub fn two_agents() -> Answer {
    status(vec![
        agent("web-1", AgentMode::Ebpf, vec![], 1),
        agent("web-2", AgentMode::Ebpf, vec![], 43),
    ])
}

/// Nothing is kept of what is older.
const KEPT: Duration = Duration::from_secs(6 * 3600);

/// As [`answer_to`], with agents that have just started by this machine's clock.
pub fn young_answer(question: &Question, now: TimeNs) -> Answer {
    let mut answer = answer_to(question, now);
    if let AnswerBody::Status(status) = &mut answer.body {
        let since = std::time::UNIX_EPOCH.elapsed().unwrap();
        for agent in &mut status.agents {
            agent.health.started = TimeNs(since.as_nanos() as i64);
        }
    }
    answer
}

fn evidence(id: &str) -> Answer {
    let kept = kept(id);
    let window = match &*kept.question {
        Question::Profile { span, .. } | Question::Metrics { span, .. } => span.resolve(NOW),
        Question::Services { span, .. } | Question::Host { span, .. } => span.resolve(NOW),
        other => panic!("{other:?}"),
    };
    Answer {
        window,
        ..answer(AnswerBody::Evidence(kept))
    }
}

/// What the shop answers at a moment.
pub fn answer_to(question: &Question, now: TimeNs) -> Answer {
    let span = match question {
        Question::Services { span, .. }
        | Question::Summary { span, .. }
        | Question::Metrics { span, .. }
        | Question::Topology { span }
        | Question::Events { span, .. }
        | Question::Diagnose { span, .. }
        | Question::Profile { span, .. } => *span,
        Question::Evidence { id } => return evidence(id),
        Question::Probe { id, limit } => return probed(id, *limit),
        Question::Functions { pattern, .. } => return functions(pattern),
        Question::Sql { .. } => return instances(now),
        Question::Host { .. } => return hosts(),
        Question::Requests { .. } => return requests(),
        _ => return two_agents(),
    };
    let window = span.resolve(now);
    let gone = window.to < NOW.minus(KEPT);
    let mut answer = match question {
        Question::Services { .. } if gone => services(vec![]),
        Question::Services { .. } => services(rows_at(window)),
        Question::Profile { compare, .. } => answer(AnswerBody::Profile(flame(compare.is_some()))),
        Question::Summary { service, .. } => summary(service.as_deref(), window),
        Question::Metrics { .. } => routes(),
        Question::Topology { .. } => topology(),
        Question::Diagnose { service, .. } => {
            answer(AnswerBody::Diagnose(diagnosis(service.as_deref())))
        }
        Question::Events { service, kinds, .. } if kinds.contains(&EventKind::AnomalyBegan) => {
            answer(AnswerBody::Events {
                rows: anomalies(service.as_deref(), kinds, window),
                truncated: false,
            })
        }
        Question::Events { service, kinds, .. } => answer(AnswerBody::Events {
            rows: events(service.as_deref(), kinds, window),
            truncated: false,
        }),
        _ => two_agents(),
    };
    answer.window = window;
    answer.complete_until = Some(window.to.min(now.minus(Duration::from_secs(1))));
    answer
}
