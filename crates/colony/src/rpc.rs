//! The services on the wire. This table is the only place that says which method is served and who may call it; a method
//! that is not here is refused before any service sees it, and a test holds the table against the proto files.

pub mod desired;
pub mod detail;
mod export;
pub mod query;
pub mod ship;
pub mod wants;
pub mod watch;

use coral_model::Role;

/// Who may call a method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Whoever has at least this role.
    Least(Role),
    /// The question decides: `Question::role()`.
    Question,
    /// The wish decides: `Want::role()`.
    Want,
}

/// Every method that is served.
pub const SERVED: &[(&str, Access)] = &[
    // Agents run as the colony's own user or root.
    ("/coral.v1.Ship/Stream", Access::Least(Role::Admin)),
    ("/coral.v1.Detail/Offer", Access::Least(Role::Admin)),
    ("/coral.v1.Detail/Answer", Access::Least(Role::Admin)),
    ("/coral.v1.Query/Run", Access::Question),
    // The audit log is for admins; decided where the name is read.
    ("/coral.v1.Query/Export", Access::Least(Role::Viewer)),
    ("/coral.v1.Watch/Open", Access::Question),
    ("/coral.v1.Desired/Follow", Access::Least(Role::Admin)),
    ("/coral.v1.Wants/Put", Access::Want),
    ("/coral.v1.Wants/Withdraw", Access::Least(Role::Operator)),
    ("/coral.v1.Wants/List", Access::Least(Role::Viewer)),
];

/// Methods of the proto that no service answers yet.
pub const NOT_SERVED_YET: &[&str] = &[];

/// Who may call the method of this path; `None` for one that is not served.
pub fn access(path: &str) -> Option<Access> {
    let found = SERVED.iter().find(|(served, _)| *served == path);
    found.map(|&(_, access)| access)
}
