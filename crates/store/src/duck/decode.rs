//! Rows as the model's types. A row that no build of this schema writes is an error of its own, apart from the engine's.

use crate::StoreError;
use coral_model::{
    AgentHealth, AgentId, AgentMode, AuditOutcome, AuditRow, BootId, Caller, Event, EventKind,
    InstanceKey, Loss, Missing, Observed, Role, ServiceKey, TimeNs, Via, Window,
};
use duckdb::Row;

pub(super) fn agent_id(text: &str) -> Result<AgentId, StoreError> {
    AgentId::new(text).map_err(StoreError::corrupt)
}

/// A number of the model, or what it was meant to be.
pub(super) fn code<T>(
    what: &'static str,
    value: u8,
    read: impl Fn(u8) -> Option<T>,
) -> Result<T, StoreError> {
    read(value).ok_or_else(|| StoreError::corrupt(format_args!("{what} {value}")))
}

pub(super) fn event_row(row: &Row<'_>) -> duckdb::Result<Result<Event, StoreError>> {
    let (kind, agent, text): (u8, String, String) = (row.get(2)?, row.get(3)?, row.get(9)?);
    let service: (Option<String>, Option<String>) = (row.get(4)?, row.get(5)?);
    let process: (Option<String>, Option<u32>, Option<u64>) =
        (row.get(6)?, row.get(7)?, row.get(8)?);
    let (at, until) = (row.get(0)?, row.get::<_, Option<i64>>(1)?);
    let build = || {
        let agent = agent_id(&agent)?;
        let instance = match process {
            (Some(boot), Some(pid), Some(start_ticks)) => Some(InstanceKey {
                agent: agent.clone(),
                boot: BootId::new(&boot).map_err(StoreError::corrupt)?,
                pid,
                start_ticks,
            }),
            _ => None,
        };
        Ok(Event {
            at: TimeNs(at),
            until: until.map(TimeNs),
            kind: code("event kind", kind, EventKind::from_code)?,
            agent,
            service: service
                .0
                .zip(service.1)
                .map(|(namespace, name)| ServiceKey {
                    namespace: Observed::new(namespace),
                    name: Observed::new(name),
                }),
            instance,
            text: Observed::new(text),
        })
    };
    Ok(build())
}

pub(super) const HEALTH_COLUMNS: &str = "at_ns, agent, host, version, mode, missing, rss_bytes, cpu_percent, listening, started_ns, records_dropped, summaries_dropped, unparsed, unseen, connections_untracked, unknown";

pub(super) fn health_row(row: &Row<'_>) -> duckdb::Result<Result<AgentHealth, StoreError>> {
    let (agent, host, version): (String, String, String) = (row.get(1)?, row.get(2)?, row.get(3)?);
    let (mode, missing): (String, String) = (row.get(4)?, row.get(5)?);
    let (rss_bytes, cpu_percent, listening) = (row.get(6)?, row.get(7)?, row.get(8)?);
    let (at, started) = (TimeNs(row.get(0)?), TimeNs(row.get(9)?));
    let loss = Loss {
        records_dropped: row.get(10)?,
        summaries_dropped: row.get(11)?,
        unparsed: row.get(12)?,
        unseen: row.get(13)?,
        connections_untracked: row.get(14)?,
        unknown: row.get(15)?,
    };
    let build = || {
        Ok(AgentHealth {
            id: agent_id(&agent)?,
            host: Observed::new(host),
            version,
            mode: match mode.as_str() {
                "ebpf" => AgentMode::Ebpf,
                "proc" => AgentMode::Proc,
                _ => return Err(StoreError::corrupt(format_args!("agent mode {mode:?}"))),
            },
            missing: missing_list(&missing)?,
            rss_bytes,
            cpu_percent,
            loss,
            listening,
            started,
            at,
        })
    };
    Ok(build())
}

fn missing_list(json: &str) -> Result<Vec<Missing>, StoreError> {
    let list: Vec<serde_json::Value> = serde_json::from_str(json).map_err(StoreError::corrupt)?;
    let text =
        |value: &serde_json::Value, key: &str| value[key].as_str().unwrap_or_default().to_owned();
    let one = |value: &serde_json::Value| Missing {
        feature: text(value, "feature"),
        why: Observed::new(text(value, "why")),
        fix: text(value, "fix"),
    };
    Ok(list.iter().map(one).collect())
}

pub(super) fn audit_row(row: &Row<'_>) -> duckdb::Result<Result<AuditRow, StoreError>> {
    let (id, action, target): (String, String, String) = (row.get(1)?, row.get(4)?, row.get(5)?);
    let (role, via): (String, String) = (row.get(2)?, row.get(3)?);
    let (at, refused): (_, Option<String>) = (row.get(0)?, row.get(6)?);
    let build = || {
        let role = [Role::Viewer, Role::Operator, Role::Admin]
            .into_iter()
            .find(|r| r.name() == role)
            .ok_or_else(|| StoreError::corrupt(format_args!("role {role:?}")))?;
        let via = [Via::Unix, Via::Mtls, Via::Token]
            .into_iter()
            .find(|v| v.name() == via)
            .ok_or_else(|| StoreError::corrupt(format_args!("way in {via:?}")))?;
        Ok(AuditRow {
            at: TimeNs(at),
            caller: Caller { id, role, via },
            action,
            target: Observed::new(target),
            outcome: refused.map_or(AuditOutcome::Allowed, AuditOutcome::Refused),
        })
    };
    Ok(build())
}

pub(super) fn window(row: &Row<'_>, first: usize) -> duckdb::Result<Window> {
    Ok(Window {
        from: TimeNs(row.get(first)?),
        to: TimeNs(row.get(first + 1)?),
    })
}
