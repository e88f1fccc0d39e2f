//! Sites in real files and in programs compiled for the purpose.

mod cases;
mod corpus;
