//! The progress of a running job.

pub const MAX_TEXT: usize = 200;

/// What a handler reports. Shown to people; nothing depends on it.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    /// From 0 to 1, or `None` when unknown.
    pub fraction: Option<f64>,
    pub text: String,
}

impl Progress {
    /// Makes a report displayable. Reports arrive with heartbeats, so invalid values are corrected rather than
    /// rejected: a bad report must not cost a lease.
    pub fn of(fraction: Option<f64>, text: &str) -> Self {
        let visible = text.trim().chars().map(|c| if c.is_control() { ' ' } else { c });
        let fraction = fraction.filter(|it| !it.is_nan()).map(|it| it.clamp(0.0, 1.0));
        Self { fraction, text: visible.take(MAX_TEXT).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_are_made_displayable() {
        let cleaned = |fraction, text: &str| {
            let it = Progress::of(fraction, text);
            (it.fraction, it.text)
        };
        assert_eq!(cleaned(Some(0.4), " 3 of\n7\0 "), (Some(0.4), "3 of 7 ".into()));
        assert_eq!(cleaned(Some(-1.0), ""), (Some(0.0), String::new()));
        assert_eq!(cleaned(Some(f64::INFINITY), ""), (Some(1.0), String::new()));
        assert_eq!(cleaned(Some(f64::NAN), &"ü".repeat(300)), (None, "ü".repeat(200)));
    }
}
