//! The committed object, and the programs it holds.

mod object;
