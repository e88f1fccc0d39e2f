//! Several measurements of one thing: their median, and how far apart they lie.

/// Measurements, sorted.
#[derive(Debug, Clone, PartialEq)]
pub struct Spread(Vec<f64>);

impl Spread {
    /// Of at least one measurement; none is one of 0.
    pub fn of(measured: impl IntoIterator<Item = f64>) -> Self {
        let mut sorted: Vec<_> = measured.into_iter().collect();
        if sorted.is_empty() {
            sorted.push(0.0);
        }
        sorted.sort_by(f64::total_cmp);
        Self(sorted)
    }

    /// The value below which this share lies (nearest rank).
    pub fn at(&self, share: f64) -> f64 {
        let rank = (share * self.0.len() as f64).ceil() as usize;
        self.0[rank.clamp(1, self.0.len()) - 1]
    }

    pub fn median(&self) -> f64 {
        let (half, odd) = (self.0.len() / 2, self.0.len() % 2 == 1);
        if odd {
            self.0[half]
        } else {
            f64::midpoint(self.0[half - 1], self.0[half])
        }
    }

    pub fn max(&self) -> f64 {
        self.at(1.0)
    }

    /// `median (least to most)`.
    pub fn text(&self, decimals: usize) -> String {
        let (median, least, most) = (self.median(), self.at(0.0), self.max());
        format!("{median:.decimals$} ({least:.decimals$} to {most:.decimals$})")
    }
}

/// With so many decimals: a page and its JSON hold no noise.
pub fn rounded(value: f64, decimals: i32) -> f64 {
    let scale = 10_f64.powi(decimals);
    (value * scale).round() / scale
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_and_ranks() {
        let spread = Spread::of([3.0, 1.0, 2.0, 10.0]);
        assert_eq!(
            (spread.median(), spread.at(0.5), spread.max()),
            (2.5, 2.0, 10.0)
        );
        assert_eq!(spread.text(1), "2.5 (1.0 to 10.0)");
        assert_eq!(Spread::of([]).median(), 0.0);
        assert_eq!(rounded(1.23456, 2), 1.23);
    }
}
