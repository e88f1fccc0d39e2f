//! The engine from outside: the training incidents whole and with something taken away, synthetic ones, healthy days, what must
//! not matter, and bundles that nobody means well with.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

mod baseline;
mod changes;
mod corpus;
mod hostile;
mod properties;
mod synthetic;
mod training;
