//! Names of compiled programs, by the library and through the child.

pub(crate) mod build;
pub(crate) mod child;
pub(crate) mod hostile;
mod languages;
mod native;
