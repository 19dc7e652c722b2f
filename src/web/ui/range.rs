//! The time ranges of charts.

/// A time range and its buckets. Counters have a resolution of one minute, so no bucket is shorter.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum MetricsRange {
    M15,
    #[default]
    H1,
    H6,
    H24,
    D7,
}

impl MetricsRange {
    pub const ALL: [MetricsRange; 5] =
        [MetricsRange::M15, MetricsRange::H1, MetricsRange::H6, MetricsRange::H24, MetricsRange::D7];

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|range| range.name() == name)
    }

    /// The value of `?range=` and the label of the tab.
    pub fn name(self) -> &'static str {
        match self {
            MetricsRange::M15 => "15m",
            MetricsRange::H1 => "1h",
            MetricsRange::H6 => "6h",
            MetricsRange::H24 => "24h",
            MetricsRange::D7 => "7d",
        }
    }

    /// Words to follow "in".
    pub fn words(self) -> &'static str {
        match self {
            MetricsRange::M15 => "the last 15 minutes",
            MetricsRange::H1 => "the last hour",
            MetricsRange::H6 => "the last 6 hours",
            MetricsRange::H24 => "the last 24 hours",
            MetricsRange::D7 => "the last 7 days",
        }
    }

    /// Words to follow "per".
    pub fn bucket_words(self) -> &'static str {
        match self {
            MetricsRange::M15 | MetricsRange::H1 => "minute",
            MetricsRange::H6 => "5 minutes",
            MetricsRange::H24 => "30 minutes",
            MetricsRange::D7 => "3 hours",
        }
    }

    pub fn bucket_seconds(self) -> u32 {
        match self {
            MetricsRange::M15 | MetricsRange::H1 => 60,
            MetricsRange::H6 => 300,
            MetricsRange::H24 => 1_800,
            MetricsRange::D7 => 10_800,
        }
    }

    pub fn buckets(self) -> u32 {
        match self {
            MetricsRange::M15 => 15,
            MetricsRange::H1 => 60,
            MetricsRange::H6 => 72,
            MetricsRange::H24 => 48,
            MetricsRange::D7 => 56,
        }
    }

    /// Evenly spaced labels of the time axis, oldest first. Relative, so that the page does not change with time.
    pub fn axis(self) -> [&'static str; 5] {
        match self {
            MetricsRange::M15 => ["15 m ago", "11 m", "8 m", "4 m", "now"],
            MetricsRange::H1 => ["60 m ago", "45 m", "30 m", "15 m", "now"],
            MetricsRange::H6 => ["6 h ago", "4 h 30 m", "3 h", "1 h 30 m", "now"],
            MetricsRange::H24 => ["24 h ago", "18 h", "12 h", "6 h", "now"],
            MetricsRange::D7 => ["7 d ago", "5 d 6 h", "3 d 12 h", "1 d 18 h", "now"],
        }
    }
}
