//! The full-screen console.

use crate::failure::Failure;
use crate::place::Place;
use jiff::tz::TimeZone;
use std::time::Duration;

/// How the console is shown.
#[derive(Debug, Clone)]
pub struct Options {
    /// The window of every figure, up to now.
    pub window: Duration,
    /// Whether colours are used; glyphs always are.
    pub color: bool,
    /// The zone of the clock.
    pub zone: TimeZone,
}

/// x
pub async fn run(_place: Place, _options: Options) -> Result<(), Failure> {
    Ok(())
}
