//! Which of the steps that would decide a cause can be taken: profiles other than of processors, and probes, are not there
//! yet. The engine proposes what would decide; whoever shows it to people leaves out what they cannot do.

use coral_model::diagnosis::{Next, ProfileKind};
use coral_model::{Cause, Diagnosis};

/// Leaves out the steps that nobody can take; a cause keeps one at least.
pub fn leave_possible(diagnosis: &mut Diagnosis) {
    diagnosis.causes.iter_mut().for_each(of_cause);
}

fn of_cause(cause: &mut Cause) {
    let can = |next: &Next| match next {
        Next::Profile { kind, .. } => *kind == ProfileKind::Cpu,
        Next::Probe { .. } => false,
        Next::Changes { .. } | Next::Metrics { .. } | Next::Host => true,
    };
    cause.next.retain(can);
    let metrics = Next::Metrics {
        service: cause.service.clone(),
    };
    if cause.next.is_empty() {
        cause.next.push(metrics);
    }
}
