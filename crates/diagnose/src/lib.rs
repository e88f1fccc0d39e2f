//! The deterministic root-cause engine: pure functions over model data, no IO and no clock.
