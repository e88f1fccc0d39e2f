//! Names of compiled programs, by the library and through the child.

mod build;
mod child;
mod hostile;
mod languages;
mod native;
