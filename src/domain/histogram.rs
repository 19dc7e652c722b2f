//! Percentiles from counted buckets, so that no query scans the raw durations.

use std::collections::BTreeMap;

/// Each bucket ends 10 % above the previous one, like `histogram_bucket` in SQL, so a percentile is at most 5 % off.
const GROWTH: f64 = 1.1;

#[derive(Clone, Debug, Default)]
pub struct Histogram(BTreeMap<i16, i64>);

impl Histogram {
    pub fn add(&mut self, bucket: i16, n: i64) {
        *self.0.entry(bucket).or_default() += n;
    }

    pub fn merge(&mut self, other: &Self) {
        other.0.iter().for_each(|(bucket, n)| self.add(*bucket, *n));
    }

    pub fn count(&self) -> i64 {
        self.0.values().sum()
    }

    /// The duration in milliseconds that a share of `quantile` (0..1) of the counted durations stays below.
    pub fn percentile(&self, quantile: f64) -> Option<f64> {
        let rank = ((self.count() as f64 * quantile).ceil() as i64).max(1);
        let mut seen = 0;
        self.0
            .iter()
            .find(|(_, n)| {
                seen += **n;
                seen >= rank
            })
            .map(|(bucket, _)| middle(*bucket))
    }
}

/// The geometric middle of a bucket.
fn middle(bucket: i16) -> f64 {
    GROWTH.powf(f64::from(bucket) - 0.5)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bucket_of(ms: f64) -> i16 {
        (ms.max(1.0).ln() / GROWTH.ln()).ceil() as i16
    }

    #[test]
    fn percentiles_are_within_five_percent() {
        let mut histogram = Histogram::default();
        assert_eq!(histogram.percentile(0.95), None);
        for ms in 1..=1000 {
            histogram.add(bucket_of(f64::from(ms)), 1);
        }
        for (quantile, truth) in [(0.5, 500.0), (0.95, 950.0), (0.99, 990.0)] {
            let estimate = histogram.percentile(quantile).unwrap_or_default();
            assert!((estimate / truth - 1.0).abs() < 0.051, "{quantile}: {estimate} is not {truth}");
        }
    }
}
