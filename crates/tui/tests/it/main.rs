//! The console and the commands from outside: snapshots of the screen at named sizes, and the built `coral` on a real
//! pseudo-terminal, without a colony and with a small one inside the test.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

mod attach;
mod colony;
mod commands;
mod diagnose;
mod diagnosis;
mod fixture;
mod here;
mod matrix;
mod minutes;
mod pages;
mod probes;
mod profiles;
mod pty;
mod safety;
mod scale;
mod screen;
mod states;
mod take;
mod travel;
mod webhook;
mod wishes;
