//! Order statistics and moments of a few values. Every function ignores NaN by being given none.

/// A quantile of sorted values by linear interpolation; `None` of nothing.
pub fn quantile(sorted: &[f64], q: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let at = q.clamp(0.0, 1.0) * last as f64;
    let (low, high) = (at.floor() as usize, at.ceil() as usize);
    let (a, b) = (*sorted.get(low)?, *sorted.get(high)?);
    Some(a + (b - a) * (at - low as f64))
}

/// The median; sorts the values.
pub fn median(values: &mut [f64]) -> Option<f64> {
    values.sort_unstable_by(f64::total_cmp);
    quantile(values, 0.5)
}

/// The mean; `None` of nothing.
pub fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// What a series usually is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Usual {
    /// How many values.
    pub n: usize,
    /// Middle value.
    pub median: f64,
    /// Mean.
    pub mean: f64,
    /// Spread by quartiles and absolute deviations, as a standard deviation.
    pub robust: f64,
    /// Standard deviation.
    pub classical: f64,
    /// First percentile.
    pub low: f64,
    /// 99th percentile.
    pub high: f64,
}

/// Factors that make the median absolute deviation and the interquartile range of a normal distribution its deviation.
const MAD: f64 = 1.4826;
const IQR: f64 = 0.7413;

impl Usual {
    /// Of these values, in any order; `None` of nothing.
    pub fn of(values: &mut [f64]) -> Option<Self> {
        let mean = mean(values)?;
        let median = median(values)?;
        let n = values.len();
        let square = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>();
        let iqr = quantile(values, 0.75)? - quantile(values, 0.25)?;
        let (low, high) = (quantile(values, 0.01)?, quantile(values, 0.99)?);
        let mut deviations: Vec<f64> = values.iter().map(|v| (v - median).abs()).collect();
        let mad = self::median(&mut deviations)?;
        Some(Self {
            n,
            median,
            mean,
            robust: (MAD * mad).max(IQR * iqr),
            classical: (square / n.max(2) as f64).sqrt(),
            low,
            high,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn robust_figures_ignore_one_wild_value() {
        let mut values = vec![1.0, 2.0, 3.0, 4.0, 5.0, 1000.0];
        let usual = Usual::of(&mut values).unwrap();
        assert_eq!(usual.median, 3.5);
        assert!(usual.robust < 3.0 && usual.classical > 300.0);
        assert!(Usual::of(&mut []).is_none());
        assert_eq!(quantile(&[1.0, 2.0], 0.25), Some(1.25));
    }
}
