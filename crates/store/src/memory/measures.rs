//! The twin's answers about hosts and processes.

use crate::StoreError;
use crate::read::{GaugePoint, GaugeRow, InstanceId, ProcessPoint, ProcessUse};
use coral_model::{AgentId, HostSample, ProcessSample, TimeNs};
use std::collections::BTreeMap;

pub(super) fn gauges(
    hosts: &[(AgentId, HostSample)],
    wanted: impl Fn(TimeNs) -> bool,
) -> Vec<GaugeRow> {
    let mut rows: BTreeMap<_, (TimeNs, GaugeRow)> = BTreeMap::new();
    for (agent, sample) in hosts.iter().filter(|(_, s)| wanted(s.window.to)) {
        for gauge in &sample.gauges {
            let key = (agent, &gauge.name, &gauge.label);
            let (newest, row) = rows.entry(key).or_insert_with(|| {
                let row = GaugeRow {
                    agent: agent.clone(),
                    name: gauge.name.clone(),
                    label: gauge.label.clone(),
                    last: gauge.value,
                    least: gauge.value,
                    most: gauge.value,
                    total: 0.0,
                    samples: 0,
                };
                (sample.window.to, row)
            });
            if sample.window.to >= *newest {
                (*newest, row.last) = (sample.window.to, gauge.value);
            }
            row.least = row.least.min(gauge.value);
            row.most = row.most.max(gauge.value);
            row.total += gauge.value;
            row.samples += 1;
        }
    }
    rows.into_values().map(|(_, row)| row).collect()
}

pub(super) fn processes(
    samples: &[(InstanceId, ProcessSample)],
    wanted: impl Fn(TimeNs) -> bool,
) -> Vec<ProcessUse> {
    let mut rows: BTreeMap<InstanceId, ProcessUse> = BTreeMap::new();
    for (instance, sample) in samples.iter().filter(|(_, s)| wanted(s.window.to)) {
        let row = rows.entry(*instance).or_insert(ProcessUse {
            instance: *instance,
            cpu_ns: 0.0,
            rss_bytes: 0,
            last: TimeNs(i64::MIN),
        });
        row.cpu_ns += sample.cpu_cores * sample.window.length().as_nanos() as f64;
        if sample.window.to >= row.last {
            (row.last, row.rss_bytes) = (sample.window.to, sample.rss_bytes);
        }
    }
    rows.into_values().collect()
}

pub(super) fn point(instance: InstanceId, sample: &ProcessSample) -> ProcessPoint {
    ProcessPoint {
        window: sample.window,
        instance,
        cpu_ns: sample.cpu_cores * sample.window.length().as_nanos() as f64,
        rss_bytes: sample.rss_bytes,
    }
}

/// The gauges of these names.
pub(super) fn points(
    agent: &AgentId,
    sample: &HostSample,
    names: &[&str],
    each: &mut dyn FnMut(GaugePoint<'_>) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let mut wanted = sample.gauges.iter().filter(|g| names.contains(&&*g.name));
    wanted.try_for_each(|gauge| {
        each(GaugePoint {
            window: sample.window,
            agent: agent.as_str(),
            name: &gauge.name,
            label: gauge.label.raw(),
            value: gauge.value,
        })
    })
}
