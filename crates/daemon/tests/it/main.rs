//! The promises of the README on a real kernel with real programs: colony, agent and commands as a person starts them,
//! nginx and hey from packages, figures compared with nginx's own access log.
//!
//! They need root (or the agent's capabilities) and the packages nginx-light, hey, curl and bpftool. With
//! `CORAL_REQUIRE_KERNEL=1`, as in CI, what is missing fails; without it the test says what it lacks and ends.
#![expect(clippy::unwrap_used, reason = "tests")]

mod days;
mod debugged;
mod diagnose;
mod faults;
mod nobody;
mod profiles;
mod system;
mod world;
