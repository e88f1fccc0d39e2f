//! The truth about every fault: a right diagnosis names the same service, kind and function.

use serde::Serialize;

/// What a fault does.
#[derive(Debug, Serialize)]
pub struct Fault {
    /// The word on the command line.
    pub name: &'static str,
    /// The service that it breaks, as `OTEL_SERVICE_NAME` says it.
    pub service: &'static str,
    /// What kind of cause it is, in one word.
    pub kind: &'static str,
    /// The function in which the time or the memory goes; null when no stack would show one.
    pub function: Option<&'static str>,
    /// One sentence for a person.
    pub summary: &'static str,
}

const fn fault(
    name: &'static str,
    service: &'static str,
    kind: &'static str,
    function: Option<&'static str>,
    summary: &'static str,
) -> Fault {
    Fault {
        name,
        service,
        kind,
        function,
        summary,
    }
}

/// Every fault of the shop.
pub const FAULTS: [Fault; 16] = [
    fault(
        "cpu-hot",
        "catalog",
        "cpu",
        Some("coral_shop::services::catalog::rank_products"),
        "catalog burns about 20 ms of CPU in one function for each request",
    ),
    fault(
        "slow-downstream",
        "payments",
        "latency",
        None,
        "payments waits about 800 ms longer before it answers; checkout and frontend feel it",
    ),
    fault(
        "error-burst",
        "checkout",
        "errors",
        None,
        "checkout answers 500 to 30 % of its requests",
    ),
    fault(
        "lock-log",
        "payments",
        "lock",
        Some("coral_shop::services::payments::audit::write_line"),
        "payments holds a lock for about 40 ms while it writes a line to its audit log",
    ),
    fault(
        "slow-disk",
        "stock",
        "disk",
        Some("coral_shop::services::stock::journal::sync_pages"),
        "stock writes and syncs its journal for about 60 ms at each change",
    ),
    fault(
        "mem-leak",
        "cart",
        "memory",
        Some("coral_shop::services::cart::remember_session"),
        "cart keeps 256 KiB for each request, up to 384 MiB",
    ),
    fault(
        "crash-loop",
        "orders",
        "crash",
        Some("coral_shop::services::orders::compact_queue"),
        "orders aborts about two seconds after each start",
    ),
    fault(
        "conn-refused",
        "payments",
        "connection",
        None,
        "payments closes its port; who calls it is refused",
    ),
    fault(
        "retry-storm",
        "checkout",
        "retries",
        None,
        "checkout gives payments 15 ms and asks up to ten times without a pause",
    ),
    fault(
        "pool-exhausted",
        "checkout",
        "pool",
        Some("coral_shop::database::Pool::take"),
        "checkout keeps each of its four connections to stock for 1.5 s after use; orders wait for one",
    ),
    fault(
        "hung-handler",
        "cart",
        "hang",
        Some("coral_shop::services::cart::wait_for_merge"),
        "cart does not answer for one cart in four",
    ),
    fault(
        "slow-route",
        "catalog",
        "latency",
        Some("coral_shop::services::catalog::search_index"),
        "catalog takes 300 ms longer for /search, and for nothing else",
    ),
    fault(
        "slow-build",
        "frontend",
        "deployment",
        Some("coral_shop::services::frontend::render_page"),
        "frontend is restarted as another build that burns 25 ms of CPU for each page",
    ),
    fault(
        "noisy-neighbour",
        "batch",
        "neighbour",
        Some("coral_shop::neighbours::crunch"),
        "batch, a process that serves nobody, burns every CPU",
    ),
    fault(
        "disk-saturated",
        "backup",
        "disk",
        Some("coral_shop::neighbours::copy_block"),
        "backup, a process that serves nobody, writes and syncs without a pause",
    ),
    fault(
        "queue-backlog",
        "worker",
        "queue",
        Some("coral_shop::worker::pack_order"),
        "worker needs two seconds for each order; the queue of orders grows",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_functions_are_full_paths() {
        let mut names: Vec<_> = FAULTS.iter().map(|fault| fault.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), FAULTS.len());
        let functions = FAULTS.iter().filter_map(|fault| fault.function);
        assert!(functions.clone().all(|f| f.starts_with("coral_shop::")));
        assert!(functions.count() >= 10);
    }
}
