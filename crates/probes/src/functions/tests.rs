//! The index of compiled programs, and searches in it.

mod build;
mod hostile;
mod languages;
mod million;
mod native;
mod parts;
mod ranks;
