//! The flame graph as one SVG file, drawn by inferno: any browser shows it, and it zooms and searches by itself.

use super::folded;
use coral_model::profile::Flame;
use inferno::flamegraph::{Options, from_lines};

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub enum SvgError {
    /// There is nothing to draw.
    #[error("no samples in this window")]
    Empty,
    /// The library's words.
    #[error("draw the flame graph: {0}")]
    Drawing(#[from] std::io::Error),
}

/// Draws it. Of two stretches red has grown and blue has shrunk, weighed so that both have the same sum.
///
/// # Errors
/// [`SvgError`].
pub fn svg(flame: &Flame, title: &str) -> Result<Vec<u8>, SvgError> {
    if flame.samples == 0 {
        return Err(SvgError::Empty);
    }
    let mut options = Options::default();
    options.title = title.to_owned();
    options.count_name = "samples".to_owned();
    let lines = folded(flame);
    let mut out = vec![];
    from_lines(&mut options, lines.lines(), &mut out).map_err(SvgError::Drawing)?;
    Ok(out)
}
