//! How far work is, while it runs.

/// The most characters of the words.
pub const MAX_TEXT: usize = 200;

/// What the work says of itself. Nothing depends on it; it is for people who wait.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    /// From 0 to 1; nothing when the work does not know.
    pub fraction: Option<f64>,
    pub text: String,
}

impl Progress {
    /// What can be shown of it. It comes with heartbeats, so nothing is refused: nobody should lose a lease over it.
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
    fn whatever_is_said_can_be_shown() {
        let said = |fraction, text: &str| {
            let it = Progress::of(fraction, text);
            (it.fraction, it.text)
        };
        assert_eq!(said(Some(0.4), " 3 of\n7\0 "), (Some(0.4), "3 of 7 ".into()));
        assert_eq!(said(Some(-1.0), ""), (Some(0.0), String::new()));
        assert_eq!(said(Some(f64::INFINITY), ""), (Some(1.0), String::new()));
        assert_eq!(said(Some(f64::NAN), &"ü".repeat(300)), (None, "ü".repeat(200)));
    }
}
