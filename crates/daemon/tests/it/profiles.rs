//! Profiles of programs whose answer is known: where their time went by their own clock, under which names, through whole
//! stacks. And of programs that make it hard: that live for a moment, have thousands of threads, change on disk while they
//! run, or lie about what they are.

mod answers;
mod beside;
mod builds;
mod crowds;
mod hostile;
mod large;
mod run;
mod session;
mod whose;
