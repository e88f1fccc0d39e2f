//! Arguments of functions of programs that are compiled here, read where and as the kernel program would.

mod hostile;
mod languages;
pub mod live;
