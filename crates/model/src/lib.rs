//! The nouns of Coral and their laws, shared by every role: ids, time, histogram, service, edge, summary, event,
//! question, answer, want. No IO and no clock: `now` is always an argument. The wire form is `coral-proto`, the JSON form
//! is `coral-report`; nothing here knows how it is written down.

pub mod answer;
pub mod audit;
pub mod batch;
pub mod caller;
pub mod diagnosis;
pub mod edge;
pub mod event;
pub mod health;
pub mod histogram;
pub mod host;
pub mod ids;
pub mod loss;
pub mod observed;
pub mod probe;
pub mod profile;
pub mod question;
pub mod request;
pub mod service;
pub mod summary;
pub mod time;
pub mod want;

pub use answer::{Answer, AnswerBody};
pub use audit::{AuditOutcome, AuditRow};
pub use batch::{Batch, HealthCheck, Item, RequestRecord};
pub use caller::{Caller, Role, Via};
pub use diagnosis::{Cause, CauseKind, Confidence, Diagnosis, Evidence};
pub use edge::{EdgeSummary, Endpoint};
pub use event::{Event, EventKind};
pub use health::{AgentHealth, AgentMode, Missing};
pub use histogram::Histogram;
pub use host::{Gauge, HostSample, ProcessSample};
pub use ids::{AgentId, BootId, ColonyId, Epoch, InstanceKey, Seq};
pub use loss::Loss;
pub use observed::Observed;
pub use question::{Compare, Question, Span};
pub use request::{Ending, Method, Protocol, Route, Side, StatusClass};
pub use service::{Instance, ServiceClass, ServiceKey};
pub use summary::{Pulse, Summary};
pub use time::{TimeNs, Window};
pub use want::{Check, Connect, ConnectTarget, Want};
