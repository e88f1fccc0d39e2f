//! The audit row: who did what, allowed or not. Written before the answer leaves; what cannot be audited is refused.

use crate::{Caller, Observed, TimeNs};

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuditOutcome {
    /// It was done.
    Allowed,
    /// It was not, and why.
    Refused(String),
}

/// One row of the audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRow {
    /// When.
    pub at: TimeNs,
    /// Who.
    pub caller: Caller,
    /// The RPC or want, such as `coral.v1.Query/Run summary`.
    pub action: String,
    /// What it aimed at, such as a service.
    pub target: Observed,
    /// What came of it.
    pub outcome: AuditOutcome,
}
