//! What happened, newest first.

use super::scope::Scope;
use coral_model::{Event, ServiceKey};
use coral_store::{EventFilter, StoreError};

/// The events of these services, or all, and whether there are more than `limit`.
pub(super) fn answer(
    scope: &Scope<'_>,
    services: Vec<ServiceKey>,
    limit: u32,
) -> Result<(Vec<Event>, bool), StoreError> {
    let limit = limit as usize;
    let filter = EventFilter {
        window: scope.window,
        services,
        limit: limit + 1,
    };
    let mut rows = scope.snapshot().events(&filter)?;
    let truncated = rows.len() > limit;
    rows.truncate(limit);
    Ok((rows, truncated))
}
