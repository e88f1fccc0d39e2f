//! Series of Unix sockets. The kernel has one for both ends, seen from the server; the caller's end is made here, so that
//! both sides have their figures. Nothing is lost or translated on the way, so they are the same.

use super::processes::{InstanceId, Processes};
use crate::clock::Clock;
use crate::proc::is_there;
use coral_model::Side;
use coral_probes::Drained;
use coral_probes::abi::records::{CountKey, Detail, HistogramKey, SeriesInfo, Traffic, UNIX};
use coral_probes::source::InFlight;
use std::collections::HashSet;

/// The series of the other end.
pub fn other_end(series: u64) -> u64 {
    !series
}

/// The callers' ends of new series.
pub fn callers(new: &[(u64, SeriesInfo)]) -> impl Iterator<Item = (u64, SeriesInfo)> + '_ {
    let of_unix = new.iter().filter(|(_, info)| info.family == UNIX);
    of_unix.map(|&(series, info)| {
        let side = Side::Client.code();
        (other_end(series), SeriesInfo { side, ..info })
    })
}

/// Whether it is a caller that is gone already and has not told the kernel its name yet, which it does when it reads.
pub fn is_nameless(processes: &Processes, info: &SeriesInfo) -> bool {
    let pid = info.owner.tgid;
    let caller = info.side == Side::Client.code() && pid != 0 && info.owner.comm[0] == 0;
    caller && processes.of_pid(pid).is_none() && !is_there(pid)
}

/// The process at the series' own end.
pub fn owner(processes: &mut Processes, info: &SeriesInfo, clock: &Clock) -> InstanceId {
    let (pid, comm) = match Side::from_code(info.side) {
        Some(Side::Client) => (info.owner.tgid, info.owner.comm),
        _ => (u32::try_from(info.cookie).unwrap_or(0), [0; 16]),
    };
    match pid {
        0 => processes.unknown_client(),
        pid => processes.learn_client(pid, &comm, clock),
    }
}

/// Adds the callers' figures to what was drained; `is_unix` says of a series whether it is one of Unix sockets.
pub fn add_callers(drained: &mut Drained, is_unix: &HashSet<u64>) {
    if is_unix.is_empty() {
        return;
    }
    let it = |series: u64| is_unix.contains(&series);
    extend(&mut drained.counts, |(key, count)| {
        let series = other_end(key.series);
        it(key.series).then_some((CountKey { series, ..*key }, *count))
    });
    extend(&mut drained.durations, |(key, grown)| {
        let series = other_end(key.series);
        it(key.series).then(|| (HistogramKey { series, ..*key }, grown.clone()))
    });
    extend(&mut drained.traffic, |(series, traffic)| {
        let (bytes_out, bytes_in) = (traffic.bytes_in, traffic.bytes_out);
        let seen = Traffic {
            bytes_out,
            bytes_in,
            ..*traffic
        };
        it(*series).then_some((other_end(*series), seen))
    });
    extend(&mut drained.in_flight, |flight| {
        let series = other_end(flight.series);
        it(flight.series).then_some(InFlight { series, ..*flight })
    });
    extend(&mut drained.details, |detail| {
        let series = other_end(detail.series);
        it(detail.series).then_some(Detail { series, ..*detail })
    });
}

fn extend<T>(all: &mut Vec<T>, of_caller: impl Fn(&T) -> Option<T>) {
    let more: Vec<T> = all.iter().filter_map(of_caller).collect();
    all.extend(more);
}
