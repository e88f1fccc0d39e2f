//! What a person is promised, one test each: real programs, colony and agent as a person starts them. Mostly waiting; those
//! that measure are alone.

mod connect;
mod dial;
mod exact;
mod fresh;
mod identity;
mod places;
mod privilege;
mod requests;
mod sudo;
mod survival;
mod unix;
