//! What happened, newest first.

use super::scope::Scope;
use coral_model::{Event, EventKind, ServiceKey};
use coral_store::{EventFilter, StoreError};

/// The events of these services and kinds (none named = all), and whether there are more than `limit`.
pub(super) fn answer(
    scope: &Scope<'_>,
    services: Vec<ServiceKey>,
    kinds: &[EventKind],
    limit: u32,
) -> Result<(Vec<Event>, bool), StoreError> {
    let limit = limit as usize;
    let filter = EventFilter {
        window: scope.window,
        services,
        kinds: kinds.to_vec(),
        limit: limit + 1,
    };
    let mut rows = scope.snapshot().events(&filter)?;
    let truncated = rows.len() > limit;
    rows.truncate(limit);
    Ok((rows, truncated))
}
