//! Progress of something long, on stderr: step n of m, with the seconds that each took.

use std::time::Instant;

/// The steps of one task.
pub struct Steps {
    total: usize,
    done: usize,
    begun: Instant,
}

impl Steps {
    pub fn new(total: usize) -> Self {
        Self {
            total,
            done: 0,
            begun: Instant::now(),
        }
    }

    /// Announces the next step.
    pub fn next(&mut self, what: &str) {
        self.done += 1;
        eprintln!("step {} of {}: {what}", self.done, self.total);
    }

    /// Seconds since the first step was made.
    pub fn seconds(&self) -> f64 {
        self.begun.elapsed().as_secs_f64()
    }
}
