//! The committed object: what must hold of it, and what its programs count in this kernel. The kernel tests need root;
//! with `CORAL_REQUIRE_KERNEL=1` they fail without it, else they say so and end.
#![expect(clippy::unwrap_used, reason = "tests")]

mod calls;
mod drops;
mod durations;
mod ends;
mod kernel;
mod object;
mod samples;
mod servers;
mod shapes;
